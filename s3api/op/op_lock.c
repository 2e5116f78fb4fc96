/* SPDX-License-Identifier: Apache-2.0 */
/*
 * S3 API: PutObjectLockConfiguration, PutObjectRetention, PutObjectLegalHold,
 * and the Get of each.
 */
#include "s3api/iam/access.h"
#include "s3api/op/decided.h"
#include "s3api/op/document.h"
#include "s3api/op/lock_document.h"
#include "s3api/op/lock_header.h"
#include "s3api/op/op.h"
#include "s3api/reply.h"
#include "store/lock.h"

#define BODY_MAX (64 * 1024)

enum s3_error
op_lock_put_configuration(struct request *request)
{
	struct slice text = SLICE_NULL;
	struct inode_lock_rule rule;
	enum s3_error error = document_read(request, BODY_MAX, &text);

	if (!error)
		error = lock_document_parse_rule(request, text, &rule);
	if (error)
		return error;

	enum store_err err =
		lock_set_rule(request->store, request->bucket.ino, &rule);

	if (err == STORE_INVALID)
		return error_set(&request->report, S3_INVALID_BUCKET_STATE,
			"Versioning must be 'Enabled' on the bucket to apply a "
			"Object Lock configuration");
	if (err)
		return reply_store_error(request, err);
	reply_empty(request, 200);
	return S3_OK;
}

enum s3_error
op_lock_get_configuration(struct request *request)
{
	scoped(buffer_free) struct buffer body = {0};
	struct inode_lock_rule rule;
	enum store_err err =
		lock_get_rule(request->store, request->bucket.ino, &rule);

	if (err)
		return reply_store_error(request, err);
	if (!rule.is_enabled)
		return error_set(&request->report,
			S3_NO_SUCH_OBJECT_LOCK_OF_BUCKET, NULL);
	lock_document_write_rule(&body, &rule);
	reply_xml(request, &body);
	return S3_OK;
}

/* What is set is asked for by policies: so they are asked here. */
static enum s3_error
read_lock(struct request *request,
	enum s3_error (*parse)(struct request *request, struct slice text,
		struct inode_lock *out),
	enum policy_action action, struct inode_lock *lock)
{
	struct slice text = SLICE_NULL;
	enum s3_error error = document_read(request, BODY_MAX, &text);

	if (!error)
		error = parse(request, text, lock);
	if (error)
		return error;
	request->access.has_request_lock = true;
	request->access.request_lock = *lock;
	error = access_check_action(request, action);
	return error ? error : lock_header_check_bucket(request);
}

static enum s3_error
finish(struct request *request, const struct object *object, enum store_err err)
{
	if (err)
		return reply_store_error(request, err);
	reply_status(request, 200);
	reply_version(request, object);
	reply_empty(request, 200);
	return S3_OK;
}

enum s3_error
op_lock_put_retention(struct request *request)
{
	struct inode_lock lock;
	struct object object;
	enum s3_error error = read_lock(request, lock_document_parse_retention,
		POLICY_ACTION_PUT_OBJECT_RETENTION, &lock);

	if (!error)
		error = decided_head(request, &object);
	if (error)
		return error;

	const struct version_ref version = version_ref_of(&object.version);
	bool bypasses = lock_header_bypasses(request, request->key,
		request_param(request, "versionId"));

	return finish(request, &object,
		lock_set_retention(request->store, request->bucket.ino,
			request->key, &version, lock.mode, lock.until_ns,
			bypasses));
}

enum s3_error
op_lock_put_hold(struct request *request)
{
	struct inode_lock lock;
	struct object object;
	enum s3_error error = read_lock(request, lock_document_parse_hold,
		POLICY_ACTION_PUT_OBJECT_LEGAL_HOLD, &lock);

	/* As with bypassing: a policy alone is not enough. */
	if (!error && request->access.caller.is_anonymous)
		error = error_set(&request->report, S3_ACCESS_DENIED, NULL);
	if (!error)
		error = decided_head(request, &object);
	if (error)
		return error;

	const struct version_ref version = version_ref_of(&object.version);

	return finish(request, &object,
		lock_set_hold(request->store, request->bucket.ino, request->key,
			&version, lock.hold == INODE_HOLD_ON));
}

/* has: whether there is something to tell. */
static enum s3_error
reply_lock(struct request *request, bool (*has)(const struct inode_lock *lock),
	void (*write)(struct buffer *to, const struct inode_lock *lock))
{
	scoped(buffer_free) struct buffer body = {0};
	struct object object;
	enum s3_error error = lock_header_check_bucket(request);

	if (!error)
		error = decided_head(request, &object);
	if (error)
		return error;
	if (!has(&object.inode.lock))
		return error_set(&request->report, S3_NO_SUCH_OBJECT_LOCK,
			NULL);
	write(&body, &object.inode.lock);
	reply_status(request, 200);
	reply_version(request, &object);
	reply_xml(request, &body);
	return S3_OK;
}

static bool
has_retention(const struct inode_lock *lock)
{
	return lock->mode != INODE_LOCK_NONE;
}

static bool
has_hold(const struct inode_lock *lock)
{
	return lock->hold != INODE_HOLD_NONE;
}

enum s3_error
op_lock_get_retention(struct request *request)
{
	return reply_lock(request, has_retention,
		lock_document_write_retention);
}

enum s3_error
op_lock_get_hold(struct request *request)
{
	return reply_lock(request, has_hold, lock_document_write_hold);
}
