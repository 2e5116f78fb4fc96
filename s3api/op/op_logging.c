/* SPDX-License-Identifier: Apache-2.0 */
/*
 * S3 API: PutBucketLogging, GetBucketLogging.  What they set is done by
 * access_log.h, which puts objects in nobody's name: so whoever sends lines
 * into a bucket has to be one who may put there.
 */
#include "s3api/iam/access.h"
#include "s3api/iam/exposure.h"
#include "s3api/op/document.h"
#include "s3api/op/logging_document.h"
#include "s3api/op/object_acl.h"
#include "s3api/op/op.h"
#include "s3api/reply.h"

#define BODY_MAX (64 * 1024)

static enum s3_error
refuse_target(struct request *request, enum s3_error error,
	const struct logging_document *document)
{
	error_set(&request->report, error, NULL);
	error_add(&request->report, "TargetBucket", document->target);
	return error;
}

static enum s3_error
check_right(struct request *request, const struct bucket *target,
	enum policy_action action, const struct logging_document *document)
{
	const struct access_ask ask = {
		.action = action,
		.bucket = target,
		.bucket_name = slice_str(target->name),
		.key = arena_concat(request->arena, document->prefix,
			SLICE("x")),
	};
	enum s3_error error = access_check_elsewhere(request, &ask);

	if (error == S3_INTERNAL_ERROR)
		return error_set(&request->report, error, NULL);
	return error ? refuse_target(request, S3_INVALID_TARGET_BUCKET,
			       document)
		     : S3_OK;
}

/* The list that each object gets has to be one that the target takes. */
static enum s3_error
check_grants(struct request *request, const struct bucket *target,
	const struct logging_document *document)
{
	enum exposure_ownership ownership;
	enum store_err err =
		exposure_read_ownership(request->store, target, &ownership);
	enum s3_error error;

	if (err)
		return reply_store_error(request, err);
	if (ownership == EXPOSURE_OWNER_ENFORCED)
		return error_set(&request->report, S3_UNSUPPORTED_ACL, NULL);
	error = object_acl_check(request, target, ownership, &document->list);
	return error ? error
		     : check_right(request, target,
			       POLICY_ACTION_PUT_OBJECT_ACL, document);
}

static enum s3_error
check_target(struct request *request, const struct logging_document *document)
{
	const struct bucket *bucket = &request->bucket;
	struct bucket target;
	enum store_err err =
		bucket_name_is_valid(document->target)
			? bucket_get(request->store, document->target, &target)
			: STORE_NO_BUCKET;
	enum s3_error error;

	if (err && err != STORE_NO_BUCKET)
		return reply_store_error(request, err);
	if (err || strcmp(target.owner, bucket->owner) != 0)
		return refuse_target(request, S3_INVALID_TARGET_BUCKET,
			document);
	if (strcmp(target.region, bucket->region) != 0)
		return refuse_target(request, S3_CROSS_LOCATION_LOGGING,
			document);
	error = check_right(request, &target, POLICY_ACTION_PUT_OBJECT,
		document);
	if (!error && document->has_grants)
		error = check_grants(request, &target, document);
	return error;
}

static enum s3_error
keep(struct request *request, const struct logging_document *document)
{
	scoped(buffer_free) struct buffer encoded = {0};
	scoped(buffer_free) struct buffer list = {0};
	struct logging logging = {
		.format = document->format,
		.target = document->target,
		.prefix = document->prefix,
	};

	if (document->has_grants)
		acl_encode(&list, &document->list);
	logging.list = buffer_slice(&list);
	logging_encode(&encoded, &logging);
	return document_put(request, LOGGING_KIND, buffer_slice(&encoded), 200);
}

static enum s3_error
take_away(struct request *request)
{
	enum store_err err = bucket_set_document(request->store,
		request->bucket.ino, SLICE(LOGGING_KIND), NULL);

	if (err)
		return reply_store_error(request, err);
	reply_empty(request, 200);
	return S3_OK;
}

enum s3_error
op_logging_put(struct request *request)
{
	struct logging_document *document =
		arena_new(request->arena, struct logging_document);
	struct slice text = SLICE_NULL;
	enum s3_error error = document_read(request, BODY_MAX, &text);

	if (!error)
		error = logging_document_read(request, text, document);
	if (!error && !document->is_enabled)
		return take_away(request);
	if (!error)
		error = check_target(request, document);
	return error ? error : keep(request, document);
}

enum s3_error
op_logging_get(struct request *request)
{
	scoped(buffer_free) struct buffer body = {0};
	struct logging_document *document =
		arena_new(request->arena, struct logging_document);
	struct logging logging = {0};
	enum store_err err = logging_read(request->store, request->bucket.ino,
		request->arena, &logging);

	if (!err && logging.list.len > 0 &&
		!acl_decode(logging.list, &document->list))
		err = STORE_CORRUPT;
	if (err && err != STORE_NOT_FOUND)
		return reply_store_error(request, err);
	document->is_enabled = !err;
	document->format = logging.format;
	document->target = logging.target;
	document->prefix = logging.prefix;
	document->has_grants = logging.list.len > 0;
	logging_document_write(&body, document);
	reply_xml(request, &body);
	return S3_OK;
}
