/* SPDX-License-Identifier: Apache-2.0 */
/*
 * op.h - the operations, by S3's names; each is the run() of a row in
 * route.c, see operation.h.
 */
#pragma once

#include "s3api/error.h"

struct request;

/* op_service.c, op_bucket.c */
enum s3_error op_service_list_buckets(struct request *request);
enum s3_error op_bucket_create(struct request *request);
enum s3_error op_bucket_delete(struct request *request);
enum s3_error op_bucket_head(struct request *request);
enum s3_error op_bucket_location(struct request *request);

/* op_policy.c */
enum s3_error op_policy_put(struct request *request);
enum s3_error op_policy_get(struct request *request);
enum s3_error op_policy_delete(struct request *request);
enum s3_error op_policy_status(struct request *request);

/* op_acl.c, of buckets and of objects */
enum s3_error op_acl_get(struct request *request);
enum s3_error op_acl_put(struct request *request);

/* op_exposure.c */
enum s3_error op_exposure_put_block(struct request *request);
enum s3_error op_exposure_get_block(struct request *request);
enum s3_error op_exposure_delete_block(struct request *request);
enum s3_error op_exposure_put_ownership(struct request *request);
enum s3_error op_exposure_get_ownership(struct request *request);
enum s3_error op_exposure_delete_ownership(struct request *request);

/* op_cors.c; the preflight has no row in the table: it comes before anybody is
 * asked who they are */
enum s3_error op_cors_put(struct request *request);
enum s3_error op_cors_get(struct request *request);
enum s3_error op_cors_delete(struct request *request);
enum s3_error op_cors_preflight(struct request *request);

/* op_lifecycle.c */
enum s3_error op_lifecycle_put(struct request *request);
enum s3_error op_lifecycle_get(struct request *request);
enum s3_error op_lifecycle_delete(struct request *request);

/* op_website.c */
enum s3_error op_website_put(struct request *request);
enum s3_error op_website_get(struct request *request);
enum s3_error op_website_delete(struct request *request);

/* op_accelerate.c */
enum s3_error op_accelerate_put(struct request *request);
enum s3_error op_accelerate_get(struct request *request);

/* op_encryption.c */
enum s3_error op_encryption_put(struct request *request);
enum s3_error op_encryption_get(struct request *request);
enum s3_error op_encryption_delete(struct request *request);

/* op_payment.c */
enum s3_error op_payment_put(struct request *request);
enum s3_error op_payment_get(struct request *request);

/* op_logging.c */
enum s3_error op_logging_put(struct request *request);
enum s3_error op_logging_get(struct request *request);

/* op_notification.c */
enum s3_error op_notification_put(struct request *request);
enum s3_error op_notification_get(struct request *request);

/* op_versioning.c */
enum s3_error op_versioning_put(struct request *request);
enum s3_error op_versioning_get(struct request *request);

/* op_lock.c */
enum s3_error op_lock_put_configuration(struct request *request);
enum s3_error op_lock_get_configuration(struct request *request);
enum s3_error op_lock_put_retention(struct request *request);
enum s3_error op_lock_get_retention(struct request *request);
enum s3_error op_lock_put_hold(struct request *request);
enum s3_error op_lock_get_hold(struct request *request);

/* op_replication.c */
enum s3_error op_replication_put(struct request *request);
enum s3_error op_replication_get(struct request *request);
enum s3_error op_replication_delete(struct request *request);

/* op_list.c */
enum s3_error op_list_v1(struct request *request);
enum s3_error op_list_v2(struct request *request);

/* op_list_versions.c */
enum s3_error op_list_versions(struct request *request);

/* op_get.c */
enum s3_error op_get_object(struct request *request);
enum s3_error op_get_head(struct request *request);
/* The whole object as the page of an error, with its status, whatever range or
 * conditions came with the request. */
enum s3_error op_get_error_page(struct request *request, unsigned int status);

/* op_attributes.c */
enum s3_error op_attributes_get(struct request *request);

/* op_restore.c */
enum s3_error op_restore_object(struct request *request);

/* op_tagging.c */
enum s3_error op_tagging_get(struct request *request);
enum s3_error op_tagging_put(struct request *request);
enum s3_error op_tagging_delete(struct request *request);
enum s3_error op_tagging_get_bucket(struct request *request);
enum s3_error op_tagging_put_bucket(struct request *request);
enum s3_error op_tagging_delete_bucket(struct request *request);

/* op_put.c, op_post.c, op_copy.c, op_rename.c, op_delete.c */
enum s3_error op_put_object(struct request *request);
enum s3_error op_post_object(struct request *request);
enum s3_error op_copy_object(struct request *request);
enum s3_error op_rename_object(struct request *request);
enum s3_error op_delete_object(struct request *request);
enum s3_error op_delete_objects(struct request *request);

/* op_upload.c, op_upload_part.c, op_upload_complete.c, op_upload_list.c */
enum s3_error op_upload_create(struct request *request);
enum s3_error op_upload_part_put(struct request *request);
enum s3_error op_upload_part_copy(struct request *request);
enum s3_error op_upload_complete(struct request *request);
enum s3_error op_upload_abort(struct request *request);
enum s3_error op_upload_list_parts(struct request *request);
enum s3_error op_upload_list(struct request *request);
