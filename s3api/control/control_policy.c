/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/control/control_private.h"
#include "s3api/http/http_body.h"
#include "s3api/iam/access.h"
#include "s3api/iam/orgpolicy.h"
#include "s3api/iam/orgpolicy_set.h"
#include "store/bucket.h"
#include "store/tree.h"

#define BODY_MAX (64 * 1024)
#define ASKS_MAX 1000
#define RESOURCE_MAX (BUCKET_NAME_MAX + 1 + TREE_KEY_MAX)

/* --- access policies ------------------------------------------------------ */

enum control_code
control_policy_list(struct control *control)
{
	struct orgpolicy *policies;
	size_t count;
	enum store_err err = orgpolicy_list(control->request->store,
		slice_str(control->token.organization), control->request->arena,
		&policies, &count);

	if (err)
		return control_store_error(control, err);

	return control_reply(control, orgpolicy_to_json(policies, count));
}

enum control_code
control_policy_put(struct control *control)
{
	struct arena *arena = control->request->arena;
	struct policy_error wrong;
	struct slice text;
	enum store_err err = http_body_read_all(control->request->http,
		POLICY_JSON_MAX, false, &text);

	if (err == STORE_BUSY)
		return control_refuse(control, CONTROL_RESOURCE_EXHAUSTED,
			"too many requests at once; try again");
	if (err)
		return control_refuse(control, CONTROL_INVALID_ARGUMENT,
			err == STORE_TOO_BIG ? "the policy is larger than 20 KB"
					     : "the body did not come whole");

	scoped(policy_free) struct policy *policy =
			orgpolicy_parse(text, &wrong);

	if (!policy)
		return control_refuse(control, CONTROL_INVALID_ARGUMENT,
			arena_str(arena, slice_str(wrong.text)));
	control_note_resource(control, policy->name);
	err = orgpolicy_put(control->request->store,
		slice_str(control->token.organization), policy, text);
	if (err == STORE_TOO_BIG)
		return control_refuse(control, CONTROL_FAILED_PRECONDITION,
			"the organization has 100 access policies already");
	return err ? control_store_error(control, err)
		   : control_reply(control, json_object());
}

enum control_code
control_policy_delete(struct control *control)
{
	enum store_err err = orgpolicy_delete(control->request->store,
		slice_str(control->token.organization), control->rest);

	if (err == STORE_NOT_FOUND)
		return control_refuse(control, CONTROL_NOT_FOUND,
			"the organization has no such policy");
	control_note_resource(control, control->rest);
	return err ? control_store_error(control, err)
		   : control_reply(control, json_object());
}

/* --- can I? --------------------------------------------------------------- */

static void
find_nothing(void *context, const struct policy_key_name *name,
	struct policy_values *out)
{
	(void)context, (void)name;
	out->count = 0;
}

/* What a resource means, as far as it is there. */
struct target {
	struct bucket bucket;
	bool is_there;
	struct policy *policy;
	struct orgpolicy_set owners;
};

static void
target_free(struct target *target)
{
	policy_free(&target->policy);
	orgpolicy_set_free(&target->owners);
}

static enum store_err
find_target(struct control *control, struct slice resource,
	struct target *target)
{
	struct request *request = control->request;
	struct slice rest = resource;
	struct slice name, text;
	enum store_err err;

	if (!slice_split(&rest, '/', &name))
		return STORE_OK;
	err = bucket_get(request->store, name, &target->bucket);
	if (err)
		return err == STORE_NO_BUCKET ? STORE_OK : err;
	target->is_there = true;
	err = bucket_get_document(request->store, target->bucket.ino,
		SLICE(ACCESS_POLICY_KIND), request->arena, &text);
	if (!err) {
		target->policy = policy_cache_bucket(request->policies,
			target->bucket.ino, name, text);
		err = target->policy ? STORE_OK : STORE_CORRUPT;
	}
	if (err == STORE_NOT_FOUND)
		err = STORE_OK;
	if (!err && strcmp(target->bucket.owner, control->token.organization))
		err = orgpolicy_set_read(request->store, request->policies,
			slice_str(target->bucket.owner), request->arena,
			&target->owners);
	return err;
}

static struct decision
ask(const struct control *control, const struct orgpolicy_set *own,
	const struct target *target, enum policy_action action,
	struct slice resource)
{
	enum policy_scope scope = policy_action_scope(action);
	bool is_on_bucket =
		scope == POLICY_SCOPE_BUCKET || scope == POLICY_SCOPE_OBJECT;
	const struct policy_context context = {
		find_nothing, NULL, &control->request->access.steps};
	const struct policy_caller caller = {
		.organization = slice_str(control->token.organization),
		.name = slice_str(control->token.name),
	};
	const struct policy_query query = {
		.action = action,
		.resource = is_on_bucket ? resource : SLICE(""),
		.owner = is_on_bucket && target->is_there
				 ? slice_str(target->bucket.owner)
				 : SLICE_NULL,
		.caller = &caller,
		.context = &context,
	};
	const struct decide_policies policies = {
		.own = own->policies,
		.own_count = own->count,
		.owners = target->owners.policies,
		.owners_count = target->owners.count,
		.bucket = is_on_bucket ? target->policy : NULL,
	};

	return decide(&query, &policies);
}

static enum control_code
ask_of_resource(struct control *control, const struct orgpolicy_set *own,
	const json_t *actions, const char *resource, json_t *decisions)
{
	scoped(target_free) struct target target = {0};
	enum store_err err = find_target(control, slice_str(resource), &target);

	if (err)
		return control_store_error(control, err);
	for (size_t i = 0; i < json_array_size(actions); i++) {
		const char *name =
			json_string_value(json_array_get(actions, i));
		enum policy_action action = policy_action_find(slice_str(name));
		struct decision decision;

		if (action == POLICY_ACTION_NONE)
			return control_refuse(control, CONTROL_INVALID_ARGUMENT,
				"actions: one is no action, as s3:GetObject");
		decision =
			ask(control, own, &target, action, slice_str(resource));
		(void)json_array_append_new(decisions,
			json_pack("{s:s, s:s, s:b, s:s}", "action", name,
				"resource", resource, "allowed",
				decision.is_allowed, "reason",
				decide_sentence(decision.reason)));
	}
	return CONTROL_OK;
}

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
ask_all(struct control *control, const json_t *root, json_t *decisions)
{
	const json_t *actions = json_object_get(root, "actions");
	const json_t *resources = json_object_get(root, "resources");
	scoped(orgpolicy_set_free) struct orgpolicy_set own = {0};
	struct request *request = control->request;
	enum control_code code = CONTROL_OK;
	enum store_err err;

	if (!are_texts(actions) || !are_texts(resources) ||
		json_array_size(actions) * json_array_size(resources) >
			ASKS_MAX)
		return control_refuse(control, CONTROL_INVALID_ARGUMENT,
			"actions and resources must be lists of text, of 1000 "
			"pairs at most");
	err = orgpolicy_set_read(request->store, request->policies,
		slice_str(control->token.organization), request->arena, &own);
	if (err)
		return control_store_error(control, err);
	/* Replies repeat them. */
	for (size_t i = 0; i < json_array_size(resources); i++) {
		if (json_string_length(json_array_get(resources, i)) >
			RESOURCE_MAX)
			return control_refuse(control, CONTROL_INVALID_ARGUMENT,
				"resources: one is longer than a bucket and a "
				"key can be");
	}
	request->access.steps = POLICY_STEPS_MAX;
	for (size_t i = 0; i < json_array_size(resources) && !code; i++)
		code = ask_of_resource(control, &own, actions,
			json_string_value(json_array_get(resources, i)),
			decisions);
	return code;
}

enum control_code
control_policy_can_i(struct control *control)
{
	json_t *decisions = json_array();
	json_t *root;
	enum control_code code = control_body(control, BODY_MAX, &root);

	if (!code)
		code = ask_all(control, root, decisions);
	json_decref(root);
	if (!code)
		return control_reply(control,
			json_pack("{s:o}", "decisions", decisions));
	json_decref(decisions);
	return code;
}
