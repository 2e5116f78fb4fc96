/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What would be allowed: to the bearer of what this API does, and of S3 to the
 * keys that it makes.  A request is made up for them, and goes the way of any
 * other (access.h); its conditions see who asks here, and from where.
 */
#include "s3api/control/control_private.h"
#include "s3api/iam/policy_operation.h"
#include "s3api/iam/policy_unserved.h"
#include "s3api/route.h"
#include "store/base/clock.h"
#include "store/bucket.h"
#include "store/tree.h"

#define BODY_MAX (64 * 1024)
#define ASKS_MAX 1000
#define RESOURCE_MAX (BUCKET_NAME_MAX + 1 + TREE_KEY_MAX)

struct asking {
	struct control *control;
	struct slice key_principal; /* of the keys that the bearer makes */
	struct request *probe;
	/* Of a level, by those operations that ask for the action; 0: none
	 * does. */
	unsigned int needs[POLICY_ACTION_COUNT];
	json_t *decisions;
};

/* What a resource means; the bucket where it is there. */
struct target {
	struct bucket bucket;
	bool is_there;
	struct slice bucket_name;
	struct slice key;
};

static void
fill_needs(unsigned int needs[POLICY_ACTION_COUNT])
{
	const struct operation *operation;

	for (size_t i = 0; (operation = route_operation(i)); i++) {
		enum policy_action action =
			policy_operation_action(operation->name);

		/* A copy, which reads, too, is one way among others. */
		if (operation->needs && needs[action])
			needs[action] &= operation->needs;
		else if (operation->needs)
			needs[action] = operation->needs;
	}
	for (unsigned int i = 1; i < POLICY_ACTION_COUNT; i++) {
		enum policy_action action = (enum policy_action)i;

		needs[policy_operation_of_version(action)] |= needs[i];
		if (policy_action_scope(action) == POLICY_SCOPE_CONTROL)
			needs[i] = control_level_needed(action);
	}
	needs[POLICY_ACTION_NONE] = 0;
}

static void
begin(struct asking *asking)
{
	struct control *control = asking->control;
	struct request *probe =
		arena_new(control->request->arena, struct request);

	*probe = *control->request;
	probe->caller = (struct sigv4_caller){
		.token = control->token,
		.signed_ns = clock_now_ns(),
	};
	access_begin(probe);
	asking->probe = probe;
	asking->key_principal = control_key_principal(control);
	fill_needs(asking->needs);
}

static enum control_code
find_target(const struct asking *asking, struct slice resource,
	struct target *out)
{
	struct slice rest = resource;
	enum store_err err;

	*out = (struct target){.is_there = false};
	(void)slice_split(&rest, '/', &out->bucket_name);
	out->key = rest;
	err = bucket_get(asking->probe->store, out->bucket_name, &out->bucket);
	out->is_there = !err;
	return err && err != STORE_NO_BUCKET
		       ? control_store_error(asking->control, err)
		       : CONTROL_OK;
}

/* As the policies name who asks. */
static struct slice
principal_for(const struct asking *asking, enum policy_scope scope)
{
	return scope == POLICY_SCOPE_CONTROL
		       ? slice_str(asking->control->token.name)
		       : asking->key_principal;
}

static enum control_code
ask_policies(struct asking *asking, enum policy_action action,
	const struct target *target, struct decision *out)
{
	struct request *probe = asking->probe;
	enum policy_scope scope = policy_action_scope(action);
	struct access_ask ask = {.action = action};
	enum s3_error error;

	if (scope == POLICY_SCOPE_BUCKET || scope == POLICY_SCOPE_OBJECT)
		ask.bucket_name = target->bucket_name;
	if (scope == POLICY_SCOPE_OBJECT)
		ask.key = target->key;
	/* One that is not there is judged as a new one. */
	if (ask.bucket_name.len > 0 && target->is_there &&
		action != POLICY_ACTION_CREATE_BUCKET)
		ask.bucket = &target->bucket;
	probe->access.caller.name = principal_for(asking, scope);
	error = access_ask(probe, &ask, out);
	if (!ask.bucket)
		access_leave_bucket(&probe->access);
	return error == S3_INTERNAL_ERROR
		       ? control_refuse(asking->control, CONTROL_INTERNAL,
				 "internal error")
		       : CONTROL_OK;
}

/* Or nobody's. */
static bool
is_own(const struct asking *asking, const struct target *target)
{
	return !target->is_there ||
	       !strcmp(target->bucket.owner,
		       asking->control->token.organization);
}

static enum control_code
judge(struct asking *asking, enum policy_action action,
	const struct target *target, bool *is_allowed, const char **reason)
{
	struct decision decision = {.is_allowed = false};
	enum control_code code = CONTROL_OK;

	if (!asking->needs[action])
		*reason = "no request of a key or bearer asks for it";
	else if (policy_action_scope(action) == POLICY_SCOPE_OBJECT &&
		 (target->key.len == 0 || target->key.len > TREE_KEY_MAX))
		*reason = "it is done to an object: BUCKET/KEY";
	else if (!level_allows(asking->control->token.level,
			 asking->needs[action]))
		*reason = "the level of the token does not allow it";
	else {
		code = ask_policies(asking, action, target, &decision);
		/* What others have said of their buckets is theirs. */
		*reason = decision.is_allowed || is_own(asking, target)
				  ? decide_sentence(decision.reason)
				  : "the bucket is another organization's, "
				    "which does not let it in";
	}
	*is_allowed = decision.is_allowed;
	return code;
}

static enum control_code
ask_of_target(struct asking *asking, const json_t *actions,
	const char *resource, const struct target *target)
{
	enum control_code code = CONTROL_OK;

	for (size_t i = 0; i < json_array_size(actions) && !code; i++) {
		const char *name =
			json_string_value(json_array_get(actions, i));
		enum policy_action action = policy_action_find(slice_str(name));
		const char *reason;
		bool is_allowed;

		/* A pattern is none: no one answer would be right. */
		if (action == POLICY_ACTION_NONE &&
			(strpbrk(name, "*?") ||
				!policy_unserved_has(slice_str(name))))
			return control_refuse(asking->control,
				CONTROL_INVALID_ARGUMENT,
				"actions: one is no action, as s3:GetObject");
		code = judge(asking, action, target, &is_allowed, &reason);
		(void)json_array_append_new(asking->decisions,
			json_pack("{s:s, s:s, s:b, s:s}", "action", name,
				"resource", resource, "allowed", is_allowed,
				"reason", reason));
	}
	return code;
}

static enum control_code
ask_of_resource(struct asking *asking, const json_t *actions,
	const char *resource)
{
	scoped(arena_free) struct arena arena = {0};
	struct target target;
	enum control_code code =
		find_target(asking, slice_str(resource), &target);

	asking->probe->arena = &arena;
	if (!code)
		code = ask_of_target(asking, actions, resource, &target);
	access_leave_bucket(&asking->probe->access);
	return code;
}

static enum control_code
ask_all(struct asking *asking, const json_t *actions, const json_t *resources)
{
	enum control_code code = CONTROL_OK;

	begin(asking);
	if (access_read_own(asking->probe))
		code = control_refuse(asking->control, CONTROL_INTERNAL,
			"internal error");
	for (size_t i = 0; i < json_array_size(resources) && !code; i++)
		code = ask_of_resource(asking, actions,
			json_string_value(json_array_get(resources, i)));
	access_end(&asking->probe->access);
	return code;
}

/* --- the body ------------------------------------------------------------- */

static bool
are_texts(const json_t *list)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		if (!json_is_string(json_array_get(list, i)))
			return false;
	}
	return json_array_size(list) > 0;
}

static enum control_code
check(struct control *control, const json_t *actions, const json_t *resources)
{
	if (!are_texts(actions) || !are_texts(resources) ||
		json_array_size(actions) * json_array_size(resources) >
			ASKS_MAX)
		return control_refuse(control, CONTROL_INVALID_ARGUMENT,
			"actions and resources must be lists of text, of 1000 "
			"pairs at most");
	/* Replies repeat them. */
	for (size_t i = 0; i < json_array_size(resources); i++) {
		if (json_string_length(json_array_get(resources, i)) >
			RESOURCE_MAX)
			return control_refuse(control, CONTROL_INVALID_ARGUMENT,
				"resources: one is longer than a bucket and a "
				"key can be");
	}
	return CONTROL_OK;
}

enum control_code
control_can_i(struct control *control)
{
	struct asking *asking =
		arena_new(control->request->arena, struct asking);
	json_t *root;
	enum control_code code = control_body(control, BODY_MAX, &root);
	const json_t *actions = json_object_get(root, "actions");
	const json_t *resources = json_object_get(root, "resources");

	*asking =
		(struct asking){.control = control, .decisions = json_array()};
	if (!code)
		code = check(control, actions, resources);
	if (!code)
		code = ask_all(asking, actions, resources);
	json_decref(root);
	if (!code)
		return control_reply(control,
			json_pack("{s:o}", "decisions", asking->decisions));
	json_decref(asking->decisions);
	return code;
}
