/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/op/lock_header.h"

#include "s3api/auth/level.h"
#include "s3api/iam/access.h"
#include "s3api/op/lock_document.h"
#include "s3api/reply.h"
#include "store/base/clock.h"
#include "store/lock.h"

#define MODE "x-amz-object-lock-mode"
#define DATE "x-amz-object-lock-retain-until-date"
#define HOLD "x-amz-object-lock-legal-hold"
#define BYPASS "x-amz-bypass-governance-retention"

enum s3_error
lock_header_check_bucket(struct request *request)
{
	struct inode_lock_rule rule;
	enum store_err err =
		lock_get_rule(request->store, request->bucket.ino, &rule);

	if (err)
		return reply_store_error(request, err);
	return rule.is_enabled
		       ? S3_OK
		       : error_set(&request->report, S3_INVALID_REQUEST,
				 "Bucket is missing Object Lock Configuration");
}

static enum s3_error
parse_retention(struct request *request, struct slice name, struct slice date,
	struct inode_lock *lock)
{
	enum inode_lock_mode mode;

	if (!name.data || !date.data)
		return error_set(&request->report, S3_INVALID_ARGUMENT,
			DATE " and " MODE " must both be supplied");
	if (!lock_mode_find(name, &mode))
		return request_refuse_argument(request,
			"Unknown wormMode directive.", MODE, name);
	if (!clock_from_iso8601(date, &lock->until_ns))
		return request_refuse_argument(request,
			"The retain until date must be provided in ISO 8601 "
			"format",
			DATE, date);
	lock->mode = (uint8_t)mode;
	return lock_document_check_date(request, lock->until_ns);
}

static enum s3_error
parse_hold(struct request *request, struct slice text, struct inode_lock *lock)
{
	if (slice_equal(text, SLICE("ON")))
		lock->hold = INODE_HOLD_ON;
	else if (slice_equal(text, SLICE("OFF")))
		lock->hold = INODE_HOLD_OFF;
	else
		return request_refuse_argument(request,
			"Legal Hold must be either of 'ON' or 'OFF'", HOLD,
			text);
	return S3_OK;
}

static enum s3_error
parse(struct request *request, struct inode_lock *lock)
{
	struct slice mode = request_header(request, MODE);
	struct slice date = request_header(request, DATE);
	struct slice hold = request_header(request, HOLD);
	enum s3_error error = S3_OK;

	if (mode.data || date.data)
		error = parse_retention(request, mode, date, lock);
	if (!error && hold.data)
		error = parse_hold(request, hold, lock);
	return error;
}

/* Whoever may put an object may not lock it for that alone. */
static enum s3_error
authorize(struct request *request, const struct inode_lock *lock)
{
	enum s3_error error = S3_OK;

	if (lock->mode)
		error = access_check_action(request,
			POLICY_ACTION_PUT_OBJECT_RETENTION);
	if (!error && lock->hold)
		error = access_check_action(request,
			POLICY_ACTION_PUT_OBJECT_LEGAL_HOLD);
	return error;
}

enum s3_error
lock_header_append(struct request *request, struct buffer *attrs)
{
	struct inode_lock lock = {0};
	enum s3_error error = parse(request, &lock);

	if (error || inode_lock_is_empty(&lock))
		return error;
	error = authorize(request, &lock);
	if (!error)
		error = lock_header_check_bucket(request);
	if (!error)
		lock_append_attr(attrs, &lock);
	return error;
}

enum s3_error
lock_header_refuse(struct request *request)
{
	static const char *const refused[] = {MODE, DATE, HOLD};

	return request_refuse_headers(request, refused, array_len(refused));
}

void
lock_header_reply(struct request *request, const struct inode_lock *lock)
{
	char date[25];

	if (lock->mode &&
		access_may(request, POLICY_ACTION_GET_OBJECT_RETENTION)) {
		clock_to_iso8601(lock->until_ns, date);
		http_reply_header_str(request->response, MODE,
			lock_mode_name(lock->mode));
		http_reply_header_str(request->response, DATE, date);
	}
	if (lock->hold &&
		access_may(request, POLICY_ACTION_GET_OBJECT_LEGAL_HOLD))
		http_reply_header_str(request->response, HOLD,
			lock->hold == INODE_HOLD_ON ? "ON" : "OFF");
}

bool
lock_header_bypasses(struct request *request, struct slice key,
	struct slice version)
{
	const struct access_ask ask = {
		.action = POLICY_ACTION_BYPASS_GOVERNANCE_RETENTION,
		.bucket = &request->bucket,
		.bucket_name = request->bucket_name,
		.key = key,
		.version = version,
	};
	struct decision decision;

	return slice_equal_nocase(request_header(request, BYPASS),
		       SLICE("true")) &&
	       !request->access.caller.is_anonymous &&
	       level_allows(request->caller.token.level, LEVEL_CONFIGURE) &&
	       !access_ask(request, &ask, &decision);
}
