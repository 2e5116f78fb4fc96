/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/iam/access.h"

#include <stdio.h>
#include <string.h>

#include "s3api/auth/level.h"
#include "s3api/iam/access_private.h"
#include "s3api/iam/exposure.h"
#include "s3api/iam/policy_operation.h"
#include "s3api/payer.h"
#include "s3api/reply.h"
#include "s3api/version_id.h"
#include "store/base/clock.h"
#include "store/base/digest.h"
#include "store/base/log.h"

void
access_begin(struct request *request)
{
	struct access *access = &request->access;
	const struct token *token = &request->caller.token;

	access->now_ns = clock_now_ns();
	access->steps = POLICY_STEPS_MAX;
	access->caller.is_anonymous = token->access_key[0] == '\0';
	if (access->caller.is_anonymous)
		return;
	access->caller.organization = slice_str(token->organization);
	access->caller.name = slice_str(token->name);
	access->caller.role = slice_str(token->role);
}

void
access_leave_bucket(struct access *access)
{
	access_policies_free_bucket(&access->policies);
}

void
access_end(struct access *access)
{
	access_policies_free(&access->policies);
	access_policies_free(&access->of_source);
	access->decision = (struct decision){0};
}

struct exposing {
	const struct access_ask *ask;
	struct access_object *object;
	enum store_err err; /* of the store */
	bool is_missing;    /* the object that was to be read */
};

/* check() tells of what cannot be read. */
static void
expose(void *context, struct decide_exposure *out)
{
	struct exposing *exposing = context;
	const struct access_ask *ask = exposing->ask;

	*out = (struct decide_exposure){0};
	if (ask->bucket)
		exposing->err = exposure_read(&exposing->object->object,
			ask->action, out, &exposing->is_missing);
}

static void
end_object(struct access_object *object)
{
	arena_free(&object->arena);
}

/* What decisions look at: tags and the list.  Not the ETag: of a file that a
 * mount writes to it changes with each write. */
static void
digest_looks(const struct inode *inode, uint8_t value[32])
{
	struct slice rest = inode->attrs;
	struct inode_attr attr;
	struct digest digest;

	digest_init(&digest, DIGEST_SHA256);
	while (inode_attr_next(&rest, &attr)) {
		if (attr.kind != INODE_ATTR_TAG && attr.kind != INODE_ATTR_ACL)
			continue;
		digest_update(&digest, &attr.name.len, sizeof(attr.name.len));
		digest_update(&digest, attr.name.data, attr.name.len);
		digest_update(&digest, &attr.value.len, sizeof(attr.value.len));
		digest_update(&digest, attr.value.data, attr.value.len);
	}
	digest_final(&digest, value);
}

bool
access_is_of_another(const struct access_policies *policies,
	const struct inode *opened)
{
	uint8_t looks[32];

	if (!policies->has_seen)
		return false;
	digest_looks(opened, looks);
	return policies->seen_ino != opened->ino ||
	       memcmp(policies->seen, looks, sizeof(looks)) != 0;
}

static void
note_seen(struct access_policies *policies,
	const struct exposure_object *object)
{
	const struct inode *found = &object->found.inode;

	if (!object->is_looked_up)
		return;
	/* Two decisions for two objects are for neither. */
	if (object->err ||
		(policies->has_seen && access_is_of_another(policies, found)))
		policies->seen_ino = 0;
	else
		policies->seen_ino = found->ino;
	if (!object->err)
		digest_looks(found, policies->seen);
	policies->has_seen = true;
}

static enum store_err
ask(struct request *request, const struct access_ask *ask,
	struct access_policies *policies, struct decision *decision,
	bool *is_missing)
{
	scoped(end_object) struct access_object object = {
		.request = request, .version = ask->version};
	const struct policy_context context = {
		access_find, &object, &request->access.steps};
	struct exposing exposing = {.ask = ask, .object = &object};
	struct decide_policies all = policies->decide;
	struct slice resource = ask->bucket_name;

	object.object = (struct exposure_object){
		.store = request->store,
		.bucket = ask->bucket,
		.key = ask->key,
		.arena = &object.arena,
	};
	/* What is no id names nothing, and is refused for that. */
	if (ask->version.data)
		(void)version_id_parse(ask->version, &object.object.version);
	if (ask->key.len > 0)
		resource = arena_concat(&object.arena,
			arena_concat(&object.arena, resource, SLICE("/")),
			ask->key);

	const struct policy_query query = {
		.action = ask->action,
		.resource = resource,
		.owner = ask->bucket ? slice_str(ask->bucket->owner)
				     : SLICE_NULL,
		.caller = &request->access.caller,
		.context = &context,
	};

	all.expose = expose;
	all.expose_context = &exposing;
	*decision = decide(&query, &all);
	*is_missing = exposing.is_missing;
	note_seen(policies, &object.object);
	/* A Deny of what has a tag must not pass for want of knowing. */
	if (object.object.err && object.object.err != STORE_NOT_FOUND)
		return object.object.err;
	return exposing.err;
}

static void
log_refusal(const struct request *request, const struct access_ask *ask,
	const struct decision *decision)
{
	if (!log_wants(LOG_DEBUG))
		return;
	log_debug("request %s: %s refused: %s (%.*s %.*s)", request->id,
		policy_action_name(ask->action),
		decide_sentence(decision->reason),
		decision->policy ? (int)decision->policy->name.len : 0,
		decision->policy ? decision->policy->name.data : "",
		decision->statement ? (int)decision->statement->name.len : 0,
		decision->statement ? decision->statement->name.data : "");
}

static enum s3_error
fail_to_read(const struct request *request, enum store_err err)
{
	log_error("request %s: the policies cannot be read: %s", request->id,
		error_sentence(err));
	return S3_INTERNAL_ERROR;
}

/* As access_ask(), which see. */
static enum s3_error
check(struct request *request, const struct access_ask *asked,
	struct access_policies *policies, struct decision *decision)
{
	bool is_missing = false;
	enum store_err err =
		access_policies_read(request, asked->bucket, policies);

	if (!err)
		err = ask(request, asked, policies, decision, &is_missing);
	if (err)
		return fail_to_read(request, err);
	if (decision->is_allowed)
		return S3_OK;
	log_refusal(request, asked, decision);
	return is_missing ? S3_NO_SUCH_KEY : S3_ACCESS_DENIED;
}

enum s3_error
access_ask(struct request *request, const struct access_ask *asked,
	struct decision *decision)
{
	return check(request, asked, &request->access.policies, decision);
}

enum s3_error
access_check_elsewhere(struct request *request, const struct access_ask *asked)
{
	scoped(access_policies_free) struct access_policies policies = {0};
	struct decision decision;

	return check(request, asked, &policies, &decision);
}

enum s3_error
access_read_own(struct request *request)
{
	enum store_err err =
		access_policies_read_own(request, &request->access.policies);

	return err ? fail_to_read(request, err) : S3_OK;
}

static bool
is_on_bucket(const struct request *request)
{
	return request->target != OPERATION_SERVICE &&
	       strcmp(request->operation->name, "CreateBucket") != 0;
}

/* Whose action is that of the version, where one is named. */
static struct access_ask
of_version(struct access_ask asked, struct slice version)
{
	asked.version = version;
	if (version.data)
		asked.action = policy_operation_of_version(asked.action);
	return asked;
}

/* On what the request names. */
static struct access_ask
ask_of_request(const struct request *request, enum policy_action action)
{
	const struct access_ask asked = {
		.action = action,
		.bucket = is_on_bucket(request) ? &request->bucket : NULL,
		.bucket_name = request->bucket_name,
		.key = request->key,
	};

	return of_version(asked, request_param(request, "versionId"));
}

enum s3_error
access_check_action(struct request *request, enum policy_action action)
{
	struct access *access = &request->access;
	const struct access_ask asked = ask_of_request(request, action);
	enum s3_error error =
		check(request, &asked, &access->policies, &access->decision);

	access->action = asked.action;
	if (access->asked_count < ACCESS_ASKED_MAX)
		access->asked[access->asked_count++] = action;
	return error ? error_set(&request->report, error, NULL) : S3_OK;
}

void
access_leave_key(struct access *access)
{
	access->policies.has_seen = false;
	access->asked_count = 0;
}

enum s3_error
access_check_again(struct request *request)
{
	struct access *access = &request->access;
	size_t count = access->asked_count;
	enum s3_error error = S3_OK;

	access_leave_key(access);
	for (size_t i = 0; i < count && !error; i++)
		error = access_check_action(request, access->asked[i]);
	return error;
}

bool
access_may(struct request *request, enum policy_action action)
{
	const struct access_ask asked = ask_of_request(request, action);
	struct decision decision;

	return !check(request, &asked, &request->access.policies, &decision);
}

bool
access_is_denied(struct request *request, enum policy_action action)
{
	const struct access_ask asked = ask_of_request(request, action);
	struct decision decision;
	enum s3_error error =
		check(request, &asked, &request->access.policies, &decision);

	return error == S3_INTERNAL_ERROR ||
	       (error && decision.reason != DECIDE_BUCKET_SILENT &&
		       decision.reason != DECIDE_NO_POLICY);
}

/* Who sends it is known once it is read. */
static bool
is_form(const struct request *request)
{
	return !strcmp(request->operation->name, "PostObject");
}

enum s3_error
access_check(struct request *request)
{
	const char *operation = request->operation->name;
	enum s3_error error =
		is_on_bucket(request) ? request_find_bucket(request) : S3_OK;

	if (!error && is_on_bucket(request) && !is_form(request))
		error = payer_check(request, &request->bucket);
	if (error || policy_operation_decides_itself(operation))
		return error;
	return access_check_action(request, policy_operation_action(operation));
}

bool
access_may_tell(const struct request *request)
{
	return request->access.caller.is_anonymous ||
	       level_allows(request->caller.token.level, LEVEL_READ);
}

enum s3_error
access_check_delete(struct request *request, struct slice key,
	struct slice version, bool compares)
{
	struct access *access = &request->access;
	struct access_ask asked = {
		.action = POLICY_ACTION_DELETE_OBJECT,
		.bucket = &request->bucket,
		.bucket_name = request->bucket_name,
		.key = key,
	};

	asked = of_version(asked, version);

	enum s3_error error =
		check(request, &asked, &access->policies, &access->decision);

	access->action = asked.action;
	if (error || !compares)
		return error;
	if (!access_may_tell(request))
		return S3_ACCESS_DENIED;

	struct decision decision;

	asked.action = POLICY_ACTION_GET_OBJECT;
	asked = of_version(asked, version);
	error = check(request, &asked, &access->policies, &decision);
	if (error) {
		access->action = asked.action;
		access->decision = decision;
	}
	return error;
}

enum s3_error
access_check_source(struct request *request, const struct bucket *bucket,
	struct slice key, struct slice version)
{
	const struct access_ask plain = {
		.action = POLICY_ACTION_GET_OBJECT,
		.bucket = bucket,
		.bucket_name = slice_str(bucket->name),
		.key = key,
	};
	const struct access_ask asked = of_version(plain, version);
	struct access *access = &request->access;
	enum s3_error error = payer_check(request, bucket);

	if (error)
		return error;
	error = check(request, &asked, &access->of_source,
		&access->source_decision);

	access->source = *bucket;
	access->source_key = key;
	access->source_version = version;
	return error ? error_set(&request->report, error, NULL) : S3_OK;
}

bool
access_may_of_source(struct request *request, enum policy_action action,
	struct slice key)
{
	struct access *access = &request->access;
	const struct access_ask plain = {
		.action = action,
		.bucket = &access->source,
		.bucket_name = slice_str(access->source.name),
		.key = key,
	};
	const struct access_ask asked =
		of_version(plain, access->source_version);
	struct decision decision;

	return !check(request, &asked, &access->of_source, &decision);
}

enum s3_error
access_hide_missing_key(struct request *request, enum s3_error error)
{
	struct access *access = &request->access;
	bool is_copy = access->of_source.is_read;
	const struct bucket *bucket =
		is_copy ? &access->source : &request->bucket;
	const struct access_ask asked = {
		.action = POLICY_ACTION_LIST_BUCKET,
		.bucket = bucket,
		.bucket_name = slice_str(bucket->name),
	};
	struct decision decision;

	if (error != S3_NO_SUCH_KEY)
		return error;
	access->missed = is_copy ? access->source_key : request->key;
	enum s3_error hidden = check(request, &asked,
		is_copy ? &access->of_source : &access->policies, &decision);
	access->missed = SLICE_NULL;
	return hidden ? S3_ACCESS_DENIED : error;
}

enum s3_error
access_hide_missing(struct request *request, enum s3_error error)
{
	enum s3_error told = access_hide_missing_key(request, error);

	return told == error ? error : error_set(&request->report, told, NULL);
}
