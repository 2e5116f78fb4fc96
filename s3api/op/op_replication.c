/* SPDX-License-Identifier: Apache-2.0 */
/*
 * S3 API: PutBucketReplication, GetBucketReplication, DeleteBucketReplication.
 * Replicas are made by the rights of who has set the rules
 * (s3api/replicator.h), so whoever does has to have them: to read the source,
 * and to replicate into each destination.
 */
#include "s3api/iam/access.h"
#include "s3api/op/document.h"
#include "s3api/op/op.h"
#include "s3api/op/replication_document.h"
#include "s3api/reply.h"
#include "store/versioning.h"

#define BODY_MAX (2 * 1024 * 1024)

static enum s3_error
invalid(struct request *request, const char *message)
{
	return error_set(&request->report, S3_INVALID_REQUEST, message);
}

static enum s3_error
expect_versions(struct request *request, uint64_t bucket, const char *message)
{
	enum versioning versioning;
	enum store_err err =
		versioning_get(request->store, bucket, &versioning);

	if (err)
		return reply_store_error(request, err);
	return versioning == VERSIONING_ENABLED ? S3_OK
						: invalid(request, message);
}

static enum s3_error
check_right(struct request *request, const struct bucket *bucket,
	enum policy_action action, const struct replication_rule *rule)
{
	const struct access_ask ask = {
		.action = action,
		.bucket = bucket,
		.bucket_name = slice_str(bucket->name),
		.key = arena_concat(request->arena, rule->prefix, SLICE("x")),
	};
	enum s3_error error = access_check_elsewhere(request, &ask);

	if (error == S3_NO_SUCH_KEY) /* no list gives these */
		error = S3_ACCESS_DENIED;
	return error ? error_set(&request->report, error, NULL) : S3_OK;
}

static enum s3_error
check_rights(struct request *request, const struct bucket *to,
	const struct replication_rule *rule)
{
	enum s3_error error = check_right(request, &request->bucket,
		POLICY_ACTION_GET_OBJECT_VERSION_FOR_REPLICATION, rule);

	if (!error)
		error = check_right(request, to, POLICY_ACTION_REPLICATE_OBJECT,
			rule);
	if (!error && replication_rule_marks(rule))
		error = check_right(request, to, POLICY_ACTION_REPLICATE_DELETE,
			rule);
	return error;
}

static enum s3_error
check_destination(struct request *request, struct replication_rule *rule)
{
	struct bucket to;
	enum store_err err = bucket_get(request->store, rule->bucket_name, &to);
	enum s3_error error;

	if (err)
		return err == STORE_NO_BUCKET
			       ? invalid(request,
					 "Destination bucket must exist.")
			       : reply_store_error(request, err);
	if (to.ino == request->bucket.ino)
		return invalid(request,
			"The destination bucket must be another than the "
			"source bucket.");
	if (rule->account.len > 0 &&
		!slice_equal(rule->account, slice_str(to.owner)))
		return invalid(request,
			"Account has to be the owner of the destination "
			"bucket.");
	error = check_rights(request, &to, rule);
	if (!error)
		error = expect_versions(request, to.ino,
			"Destination bucket must have versioning enabled.");
	rule->bucket = to.ino;
	return error;
}

#define NEEDS_VERSIONS                                                         \
	"Versioning must be 'Enabled' on the bucket to apply a replication "   \
	"configuration"

static enum s3_error
keep(struct request *request, struct replication *replication)
{
	const struct policy_caller *caller = &request->access.caller;
	enum store_err err;

	replication->organization = caller->organization;
	replication->name = caller->name;
	replication->name_role = caller->role;
	err = replication_put(request->store, request->bucket.ino, replication);
	if (err == STORE_INVALID) /* since it was looked at */
		return invalid(request, NEEDS_VERSIONS);
	if (err)
		return reply_store_error(request, err);
	reply_empty(request, 200);
	return S3_OK;
}

enum s3_error
op_replication_put(struct request *request)
{
	struct replication replication;
	struct slice text = SLICE_NULL;
	enum s3_error error;

	/* Replicas are made by the rights of somebody. */
	if (request->access.caller.is_anonymous)
		return error_set(&request->report, S3_ACCESS_DENIED, NULL);
	error = document_read(request, BODY_MAX, &text);
	if (!error)
		error = replication_document_read(request, text, &replication);
	if (!error)
		error = expect_versions(request, request->bucket.ino,
			NEEDS_VERSIONS);
	for (size_t i = 0; !error && i < replication.count; i++)
		error = check_destination(request, &replication.rules[i]);
	return error ? error : keep(request, &replication);
}

enum s3_error
op_replication_get(struct request *request)
{
	scoped(buffer_free) struct buffer body = {0};
	struct replication replication;
	enum store_err err = replication_read(request->store,
		request->bucket.ino, request->arena, &replication);

	if (err == STORE_NOT_FOUND)
		return error_set(&request->report, S3_NO_SUCH_REPLICATION,
			NULL);
	if (err)
		return reply_store_error(request, err);
	replication_document_write(&body, &replication);
	reply_xml(request, &body);
	return S3_OK;
}

enum s3_error
op_replication_delete(struct request *request)
{
	enum store_err err =
		replication_put(request->store, request->bucket.ino, NULL);

	if (err)
		return reply_store_error(request, err);
	reply_empty(request, 204);
	return S3_OK;
}
