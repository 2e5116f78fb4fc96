/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/route.h"

#include "s3api/op/op.h"
#include "s3api/version_id.h"

/*
 * A row fits where method and target do, its parameter and header are there,
 * and no row above it fits: rows that ask for more come first.
 */
struct route {
	enum http_method method;
	enum operation_target target;
	const char *param;  /* must be in the query; NULL: none needed */
	const char *header; /* must be there; NULL: none needed */
	struct operation operation;
};

#define GET HTTP_METHOD_GET
#define HEAD HTTP_METHOD_HEAD
#define PUT HTTP_METHOD_PUT
#define POST HTTP_METHOD_POST
#define DELETE HTTP_METHOD_DELETE
#define SERVICE OPERATION_SERVICE
#define BUCKET OPERATION_BUCKET
#define OBJECT OPERATION_OBJECT
#define COPY_SOURCE "x-amz-copy-source"
#define RENAME "renameObject"
#define VERSION_ID "versionId"

/* clang-format off */
static const struct route routes[] = {
	{ GET, SERVICE, NULL, NULL,
		{ "ListBuckets", LEVEL_LIST, op_service_list_buckets } },

	{ GET, BUCKET, "location", NULL,
		{ "GetBucketLocation", LEVEL_LIST, op_bucket_location } },
	{ GET, BUCKET, "uploads", NULL,
		{ "ListMultipartUploads", LEVEL_UPLOADS, op_upload_list } },
	{ GET, BUCKET, "policy", NULL,
		{ "GetBucketPolicy", LEVEL_LIST, op_policy_get } },
	{ GET, BUCKET, "policyStatus", NULL,
		{ "GetBucketPolicyStatus", LEVEL_LIST, op_policy_status } },
	{ PUT, BUCKET, "policy", NULL,
		{ "PutBucketPolicy", LEVEL_CONFIGURE, op_policy_put } },
	{ DELETE, BUCKET, "policy", NULL,
		{ "DeleteBucketPolicy", LEVEL_CONFIGURE, op_policy_delete } },
	{ GET, BUCKET, "acl", NULL,
		{ "GetBucketAcl", LEVEL_LIST, op_acl_get } },
	{ PUT, BUCKET, "acl", NULL,
		{ "PutBucketAcl", LEVEL_CONFIGURE, op_acl_put } },
	{ GET, BUCKET, "publicAccessBlock", NULL,
		{ "GetPublicAccessBlock", LEVEL_LIST,
			op_exposure_get_block } },
	{ PUT, BUCKET, "publicAccessBlock", NULL,
		{ "PutPublicAccessBlock", LEVEL_CONFIGURE,
			op_exposure_put_block } },
	{ DELETE, BUCKET, "publicAccessBlock", NULL,
		{ "DeletePublicAccessBlock", LEVEL_CONFIGURE,
			op_exposure_delete_block } },
	{ GET, BUCKET, "ownershipControls", NULL,
		{ "GetBucketOwnershipControls", LEVEL_LIST,
			op_exposure_get_ownership } },
	{ PUT, BUCKET, "ownershipControls", NULL,
		{ "PutBucketOwnershipControls", LEVEL_CONFIGURE,
			op_exposure_put_ownership } },
	{ DELETE, BUCKET, "ownershipControls", NULL,
		{ "DeleteBucketOwnershipControls", LEVEL_CONFIGURE,
			op_exposure_delete_ownership } },
	{ GET, BUCKET, "cors", NULL,
		{ "GetBucketCors", LEVEL_LIST, op_cors_get } },
	{ PUT, BUCKET, "cors", NULL,
		{ "PutBucketCors", LEVEL_CONFIGURE, op_cors_put } },
	{ DELETE, BUCKET, "cors", NULL,
		{ "DeleteBucketCors", LEVEL_CONFIGURE, op_cors_delete } },
	{ GET, BUCKET, "accelerate", NULL,
		{ "GetBucketAccelerateConfiguration", LEVEL_LIST,
			op_accelerate_get } },
	{ PUT, BUCKET, "accelerate", NULL,
		{ "PutBucketAccelerateConfiguration", LEVEL_CONFIGURE,
			op_accelerate_put } },
	{ GET, BUCKET, "encryption", NULL,
		{ "GetBucketEncryption", LEVEL_LIST, op_encryption_get } },
	{ PUT, BUCKET, "encryption", NULL,
		{ "PutBucketEncryption", LEVEL_CONFIGURE,
			op_encryption_put } },
	{ DELETE, BUCKET, "encryption", NULL,
		{ "DeleteBucketEncryption", LEVEL_CONFIGURE,
			op_encryption_delete } },
	{ GET, BUCKET, "lifecycle", NULL,
		{ "GetBucketLifecycleConfiguration", LEVEL_LIST,
			op_lifecycle_get } },
	{ PUT, BUCKET, "lifecycle", NULL,
		{ "PutBucketLifecycleConfiguration", LEVEL_CONFIGURE,
			op_lifecycle_put } },
	{ DELETE, BUCKET, "lifecycle", NULL,
		{ "DeleteBucketLifecycle", LEVEL_CONFIGURE,
			op_lifecycle_delete } },
	{ GET, BUCKET, "logging", NULL,
		{ "GetBucketLogging", LEVEL_LIST, op_logging_get } },
	{ PUT, BUCKET, "logging", NULL,
		{ "PutBucketLogging", LEVEL_CONFIGURE, op_logging_put } },
	{ GET, BUCKET, "notification", NULL,
		{ "GetBucketNotificationConfiguration", LEVEL_LIST,
			op_notification_get } },
	{ PUT, BUCKET, "notification", NULL,
		{ "PutBucketNotificationConfiguration", LEVEL_CONFIGURE,
			op_notification_put } },
	{ GET, BUCKET, "object-lock", NULL,
		{ "GetObjectLockConfiguration", LEVEL_LIST,
			op_lock_get_configuration } },
	{ PUT, BUCKET, "object-lock", NULL,
		{ "PutObjectLockConfiguration", LEVEL_CONFIGURE,
			op_lock_put_configuration } },
	{ GET, BUCKET, "replication", NULL,
		{ "GetBucketReplication", LEVEL_LIST, op_replication_get } },
	{ PUT, BUCKET, "replication", NULL,
		{ "PutBucketReplication", LEVEL_CONFIGURE,
			op_replication_put } },
	{ DELETE, BUCKET, "replication", NULL,
		{ "DeleteBucketReplication", LEVEL_CONFIGURE,
			op_replication_delete } },
	{ GET, BUCKET, "requestPayment", NULL,
		{ "GetBucketRequestPayment", LEVEL_LIST, op_payment_get } },
	{ PUT, BUCKET, "requestPayment", NULL,
		{ "PutBucketRequestPayment", LEVEL_CONFIGURE,
			op_payment_put } },
	{ GET, BUCKET, "versioning", NULL,
		{ "GetBucketVersioning", LEVEL_LIST, op_versioning_get } },
	{ PUT, BUCKET, "versioning", NULL,
		{ "PutBucketVersioning", LEVEL_CONFIGURE,
			op_versioning_put } },
	{ GET, BUCKET, "website", NULL,
		{ "GetBucketWebsite", LEVEL_LIST, op_website_get } },
	{ PUT, BUCKET, "website", NULL,
		{ "PutBucketWebsite", LEVEL_CONFIGURE, op_website_put } },
	{ DELETE, BUCKET, "website", NULL,
		{ "DeleteBucketWebsite", LEVEL_CONFIGURE,
			op_website_delete } },
	{ GET, BUCKET, "tagging", NULL,
		{ "GetBucketTagging", LEVEL_LIST, op_tagging_get_bucket } },
	{ PUT, BUCKET, "tagging", NULL,
		{ "PutBucketTagging", LEVEL_CONFIGURE,
			op_tagging_put_bucket } },
	{ DELETE, BUCKET, "tagging", NULL,
		{ "DeleteBucketTagging", LEVEL_CONFIGURE,
			op_tagging_delete_bucket } },
	{ GET, BUCKET, "versions", NULL,
		{ "ListObjectVersions", LEVEL_LIST, op_list_versions } },
	{ GET, BUCKET, "list-type", NULL,
		{ "ListObjectsV2", LEVEL_LIST, op_list_v2 } },
	{ GET, BUCKET, NULL, NULL,
		{ "ListObjects", LEVEL_LIST, op_list_v1 } },
	{ HEAD, BUCKET, NULL, NULL,
		{ "HeadBucket", LEVEL_LIST, op_bucket_head } },
	{ PUT, BUCKET, NULL, NULL,
		{ "CreateBucket", LEVEL_BUCKET, op_bucket_create } },
	{ DELETE, BUCKET, NULL, NULL,
		{ "DeleteBucket", LEVEL_BUCKET, op_bucket_delete } },
	{ POST, BUCKET, "delete", NULL,
		{ "DeleteObjects", LEVEL_WRITE, op_delete_objects } },
	/* Its level is asked for once the form says who it is. */
	{ POST, BUCKET, NULL, NULL, { "PostObject", 0, op_post_object } },

	{ GET, OBJECT, "uploadId", NULL,
		{ "ListParts", LEVEL_UPLOADS, op_upload_list_parts } },
	{ GET, OBJECT, "tagging", NULL,
		{ "GetObjectTagging", LEVEL_READ, op_tagging_get } },
	{ GET, OBJECT, "attributes", NULL,
		{ "GetObjectAttributes", LEVEL_READ, op_attributes_get } },
	{ GET, OBJECT, "acl", NULL,
		{ "GetObjectAcl", LEVEL_READ, op_acl_get } },
	{ PUT, OBJECT, "acl", NULL,
		{ "PutObjectAcl", LEVEL_CONFIGURE, op_acl_put } },
	{ GET, OBJECT, "retention", NULL,
		{ "GetObjectRetention", LEVEL_READ, op_lock_get_retention } },
	{ PUT, OBJECT, "retention", NULL,
		{ "PutObjectRetention", LEVEL_WRITE, op_lock_put_retention } },
	{ GET, OBJECT, "legal-hold", NULL,
		{ "GetObjectLegalHold", LEVEL_READ, op_lock_get_hold } },
	/* It takes off, too. */
	{ PUT, OBJECT, "legal-hold", NULL,
		{ "PutObjectLegalHold", LEVEL_CONFIGURE, op_lock_put_hold } },
	{ PUT, OBJECT, "tagging", NULL,
		{ "PutObjectTagging", LEVEL_WRITE, op_tagging_put } },
	{ DELETE, OBJECT, "tagging", NULL,
		{ "DeleteObjectTagging", LEVEL_WRITE, op_tagging_delete } },
	{ GET, OBJECT, NULL, NULL,
		{ "GetObject", LEVEL_READ, op_get_object } },
	{ HEAD, OBJECT, NULL, NULL,
		{ "HeadObject", LEVEL_READ, op_get_head } },
	{ PUT, OBJECT, "uploadId", COPY_SOURCE,
		{ "UploadPartCopy", LEVEL_READ | LEVEL_WRITE,
			op_upload_part_copy } },
	{ PUT, OBJECT, "uploadId", NULL,
		{ "UploadPart", LEVEL_WRITE, op_upload_part_put } },
	{ PUT, OBJECT, RENAME, NULL,
		{ "RenameObject", LEVEL_READ | LEVEL_WRITE,
			op_rename_object } },
	{ PUT, OBJECT, NULL, COPY_SOURCE,
		{ "CopyObject", LEVEL_READ | LEVEL_WRITE, op_copy_object } },
	{ PUT, OBJECT, NULL, NULL,
		{ "PutObject", LEVEL_WRITE, op_put_object } },
	{ POST, OBJECT, "uploads", NULL,
		{ "CreateMultipartUpload", LEVEL_WRITE, op_upload_create } },
	{ POST, OBJECT, "uploadId", NULL,
		{ "CompleteMultipartUpload", LEVEL_WRITE,
			op_upload_complete } },
	{ POST, OBJECT, "restore", NULL,
		{ "RestoreObject", LEVEL_READ | LEVEL_WRITE,
			op_restore_object } },
	{ DELETE, OBJECT, "uploadId", NULL,
		{ "AbortMultipartUpload", LEVEL_WRITE, op_upload_abort } },
	{ DELETE, OBJECT, NULL, NULL,
		{ "DeleteObject", LEVEL_WRITE, op_delete_object } },
};

/* Sub-resources of S3 that no row above asks for, or not with every method
 * and target. */
static const char *const refused_params[] = {
	"abac", "accelerate", "acl", "analytics", "annotation", "append",
	"attributes",
	"cors", "encryption", "intelligent-tiering", "inventory",
	"legal-hold", "lifecycle", "logging", "metadataAnnotationTable",
	"metadataConfiguration",
	"metadataInventoryTable", "metadataJournalTable", "metadataTable",
	"metrics", "notification", "object-lock", "ownershipControls",
	"publicAccessBlock", "purge", "renameObject", "replication",
	"requestPayment", "restore", "retention", "select", "session",
	"tagging", "torrent", "versioning", "versions", "website",
};

/*
 * What makes another operation of a request: only the row that asks for it
 * may answer, lest a misspelt AbortMultipartUpload delete the object.
 */
static const char *const selectors[] = {
	"delete", "location", "partNumber", "policy", "policyStatus",
	"uploadId", "uploads",
};
/* clang-format on */

static bool
fits(const struct route *route, const struct request *request)
{
	return route->method == request->http->method &&
	       route->target == request->target &&
	       (!route->param || request_has_param(request, route->param)) &&
	       (!route->header || request_header(request, route->header).data);
}

/* Something that is not what the route (NULL: none) is for. */
static bool
asks_for_refused(const struct request *request, const struct route *route)
{
	for (size_t i = 0; i < array_len(refused_params); i++) {
		const char *param = refused_params[i];

		if (request_has_param(request, param) &&
			!(route && route->param &&
				!strcmp(route->param, param)))
			return true;
	}
	return false;
}

static bool
is_known(struct slice param)
{
	for (size_t i = 0; i < array_len(routes); i++)
		if (routes[i].param &&
			slice_equal(param, slice_str(routes[i].param)))
			return true;
	for (size_t i = 0; i < array_len(selectors); i++)
		if (slice_equal(param, slice_str(selectors[i])))
			return true;
	return slice_equal(param, SLICE(VERSION_ID)) ||
	       slice_equal_nocase(slice_first(param, 6), SLICE("x-amz-"));
}

/*
 * A parameter without a value is how S3 names a sub-resource.  One that came
 * after this was written must not be taken for the object, or the bucket,
 * where something is changed.
 */
static bool
asks_for_unknown(const struct request *request)
{
	if (request->http->method == GET || request->http->method == HEAD)
		return false;
	for (size_t i = 0; i < request->param_count; i++) {
		const struct http_param *param = &request->params[i];

		if (param->name.len > 0 && param->value.len == 0 &&
			!is_known(param->name))
			return true;
	}
	return false;
}

static const struct route *
find_route(const struct request *request)
{
	for (size_t i = 0; i < array_len(routes); i++)
		if (fits(&routes[i], request))
			return &routes[i];
	return NULL;
}

/* Those that know what to do with the part of an upload, or of an object. */
static bool
takes_part_number(const struct route *route)
{
	return route->target == OBJECT &&
	       (route->param ? !strcmp(route->param, "uploadId")
			     : route->method == GET || route->method == HEAD);
}

/* The request has a selector that the route would pass over. */
static bool
is_misplaced(const struct route *route, const struct request *request)
{
	for (size_t i = 0; i < array_len(selectors); i++) {
		const char *selector = selectors[i];

		if (!request_has_param(request, selector) ||
			(route->param && !strcmp(route->param, selector)))
			continue;
		if (strcmp(selector, "partNumber") != 0 ||
			!takes_part_number(route))
			return true;
	}
	return false;
}

/* Those that are about an object that is there. */
static bool
takes_version(const struct route *route)
{
	static const char *const params[] = {"acl", "attributes", "legal-hold",
		"restore", "retention", "tagging"};

	if (route->target != OBJECT)
		return false;
	if (!route->param)
		return route->method == GET || route->method == HEAD ||
		       route->method == DELETE;
	for (size_t i = 0; i < array_len(params); i++) {
		if (!strcmp(route->param, params[i]))
			return true;
	}
	return false;
}

static enum s3_error
check_version(struct request *request, const struct route *route)
{
	struct slice version = request_param(request, VERSION_ID);
	struct version_ref named;

	if (!request_has_param(request, VERSION_ID))
		return S3_OK;
	if (!takes_version(route))
		return request_refuse_argument(request,
			"This operation does not accept a version-id.",
			VERSION_ID, version);
	if (version.len == 0)
		return request_refuse_argument(request,
			"Version id cannot be the empty string", VERSION_ID,
			version);
	if (!version_id_parse(version, &named))
		return request_refuse_argument(request,
			"Invalid version id specified", VERSION_ID, version);
	request->version = named;
	return S3_OK;
}

enum s3_error
route_find(struct request *request)
{
	const struct route *route = find_route(request);

	if (asks_for_refused(request, route) || asks_for_unknown(request))
		return error_set(&request->report, S3_NOT_IMPLEMENTED, NULL);
	if (!route || is_misplaced(route, request))
		return error_set(&request->report, S3_METHOD_NOT_ALLOWED, NULL);
	if (check_version(request, route))
		return request->report.error;
	request->operation = &route->operation;
	return S3_OK;
}

struct slice
route_methods(enum operation_target target, struct arena *arena)
{
	static const struct {
		enum http_method method;
		const char *name;
	} methods[] = {{GET, "GET"}, {HEAD, "HEAD"}, {PUT, "PUT"},
		{POST, "POST"}, {DELETE, "DELETE"}};
	struct slice list = SLICE_NULL;
	unsigned int known = 0;

	for (size_t i = 0; i < array_len(routes); i++) {
		if (routes[i].target == target)
			known |= 1u << routes[i].method;
	}
	for (size_t i = 0; i < array_len(methods); i++) {
		if (!(known & (1u << methods[i].method)))
			continue;
		list = arena_printf(arena, "%.*s%s%s", (int)list.len,
			list.data ? list.data : "", list.data ? ", " : "",
			methods[i].name);
	}
	return list;
}

const struct operation *
route_operation(size_t i)
{
	return i < array_len(routes) ? &routes[i].operation : NULL;
}
