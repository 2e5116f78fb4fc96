/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/iam/orgpolicy.h"

#include "s3api/iam/policy_unserved.h"
#include "store/base/text.h"

#include <stdio.h>

#define VERSION "v1alpha1"
#define OWNER 0
#define KIND "orgpolicy/"

struct parser {
	struct arena *arena;
	struct policy_error *error;
	struct policy_statement *statements;
	size_t count;
	char where[96]; /* "statement 2 (readers)" */
	struct slice *warnings;
	size_t warning_count;
};

static bool
refuse(struct parser *parser, const char *element, struct slice text,
	const char *why)
{
	char quoted[80];

	return policy_json_refuse(parser->error, "%s: %s: %s%s%s",
		parser->where, element, policy_json_quote(text, quoted),
		text.len > 0 ? " " : "", why);
}

/* At most one for each statement. */
static void
warn(struct parser *parser, const char *text)
{
	parser->warnings[parser->warning_count++] =
		arena_printf(parser->arena, "%s: %s", parser->where, text);
}

static bool
is_plain_name(struct slice name)
{
	return name.len > 0 && name.len <= ORGPOLICY_NAME_MAX &&
	       text_is_plain(name, "._-@");
}

/* A list of strings that is not empty; 0 after it has been refused. */
static size_t
list_of(struct parser *parser, const char *element, const json_t *value)
{
	size_t count = json_is_array(value) ? policy_json_count(value) : 0;

	if (count == 0)
		refuse(parser, element, SLICE_NULL,
			"must be a list of strings");
	return count;
}

static bool
parse_actions(struct parser *parser, const json_t *value,
	struct policy_statement *out)
{
	size_t count = list_of(parser, "actions", value);

	for (size_t i = 0; i < count; i++) {
		struct slice name = policy_json_item(value, i);

		if (policy_action_add(&out->actions, name, true) == 0 &&
			!policy_unserved_has(name))
			return refuse(parser, "actions", name,
				"is not an action");
	}
	return count > 0;
}

/* bucket of "bucket/" and a star; SLICE_NULL for any other. */
static struct slice
bucket_of_all(struct slice resource)
{
	ptrdiff_t slash = slice_find_char(resource, '/');

	if (slash <= 0 || (size_t)slash + 2 != resource.len ||
		resource.data[slash + 1] != '*')
		return SLICE_NULL;
	return slice_first(resource, (size_t)slash);
}

static bool
add_resource(struct parser *parser, struct slice text,
	struct policy_pattern *to, size_t *count)
{
	struct slice bucket = bucket_of_all(text);

	if (text.len == 0 || text.data[0] == '/' ||
		slice_has_prefix(text, SLICE("arn:")))
		return refuse(parser, "resources", text,
			"must be BUCKET, BUCKET/KEY or *");
	if (!policy_pattern_compile(parser->arena, text,
		    POLICY_PATTERN_WILDCARDS, &to[(*count)++]))
		return false;
	return !bucket.data ||
	       policy_pattern_compile(parser->arena, bucket,
		       POLICY_PATTERN_WILDCARDS, &to[(*count)++]);
}

/* Only "*" covers what is done to no bucket; so does "**". */
static bool
covers_service(const json_t *value)
{
	for (size_t i = 0; i < policy_json_count(value); i++) {
		if (slice_equal(policy_json_item(value, i), SLICE("*")))
			return true;
	}
	return false;
}

static void
warn_of_traps(struct parser *parser, const json_t *value,
	const struct policy_statement *out)
{
	bool has_service = false;
	bool has_bucket = false;
	bool is_all = false;

	for (unsigned int i = 1; i < POLICY_ACTION_COUNT; i++) {
		enum policy_action action = (enum policy_action)i;
		enum policy_scope scope = policy_action_scope(action);

		if (!policy_action_is_in(&out->actions, action))
			continue;
		has_service |= scope == POLICY_SCOPE_SERVICE ||
			       scope == POLICY_SCOPE_CONTROL;
		has_bucket |= scope == POLICY_SCOPE_BUCKET;
	}
	for (size_t i = 0; i < policy_json_count(value); i++)
		is_all |=
			bucket_of_all(policy_json_item(value, i)).data != NULL;
	if (covers_service(value))
		return;
	if (has_service && is_all && has_bucket)
		warn(parser, "BUCKET/* covers the bucket itself, too; actions "
			     "on no bucket, as s3:ListAllMyBuckets, need the "
			     "resource *");
	else if (has_service)
		warn(parser, "actions on no bucket, as s3:ListAllMyBuckets, "
			     "need the resource *");
	else if (is_all && has_bucket)
		warn(parser, "BUCKET/* covers the bucket itself, too");
}

static bool
parse_resources(struct parser *parser, const json_t *value,
	struct policy_statement *out)
{
	size_t count = list_of(parser, "resources", value);
	struct policy_pattern *to = arena_new_array(parser->arena, 2 * count,
		struct policy_pattern);

	out->resources = to;
	for (size_t i = 0; i < count; i++) {
		if (!add_resource(parser, policy_json_item(value, i), to,
			    &out->resource_count))
			return false;
	}
	if (count > 0)
		warn_of_traps(parser, value, out);
	return count > 0;
}

static bool
parse_principals(struct parser *parser, const json_t *value,
	struct policy_statement *out)
{
	size_t count = list_of(parser, "principals", value);
	struct policy_principal *to =
		arena_new_array(parser->arena, count, struct policy_principal);

	out->principals = to;
	out->principal_count = count;
	for (size_t i = 0; i < count; i++) {
		struct slice name = policy_json_item(value, i);

		if (!policy_principal_parse_short(parser->arena, name, &to[i]))
			return refuse(parser, "principals", name,
				"must be *, role/NAME or a name");
	}
	return count > 0;
}

static bool
parse_effect(struct parser *parser, const json_t *value,
	struct policy_statement *out)
{
	struct slice effect = policy_json_text(value);

	out->is_allow = slice_equal(effect, SLICE("Allow"));
	return out->is_allow || slice_equal(effect, SLICE("Deny")) ||
	       refuse(parser, "effect", effect, "must be Allow or Deny");
}

static bool
parse_name(struct parser *parser, const json_t *value,
	struct policy_statement *out)
{
	struct slice name = policy_json_text(value);
	char quoted[80];

	if (name.len == 0)
		return refuse(parser, "name", SLICE_NULL,
			"must be a string and not empty");
	for (size_t i = 0; i + 1 < parser->count; i++) {
		if (slice_equal(parser->statements[i].name, name))
			return refuse(parser, "name", name,
				"is that of another statement");
	}
	out->name = arena_copy(parser->arena, name);
	(void)snprintf(parser->where, sizeof(parser->where),
		"statement %u (%.60s)", out->number,
		policy_json_quote(name, quoted));
	return true;
}

static bool
parse_statement(struct parser *parser, json_t *object)
{
	static const char *const names[] = {
		"name", "effect", "actions", "resources", "principals"};
	struct policy_statement *out = &parser->statements[parser->count++];
	size_t known = 0;

	out->number = (unsigned int)parser->count;
	(void)snprintf(parser->where, sizeof(parser->where), "statement %u",
		out->number);
	for (size_t i = 0; i < array_len(names); i++)
		known += json_object_get(object, names[i]) != NULL;
	if (known != array_len(names) || json_object_size(object) != known)
		return refuse(parser, "it", SLICE_NULL,
			"must be an object of name, effect, actions, resources "
			"and principals, and no more");
	return parse_name(parser, json_object_get(object, "name"), out) &&
	       parse_effect(parser, json_object_get(object, "effect"), out) &&
	       parse_actions(parser, json_object_get(object, "actions"), out) &&
	       parse_resources(parser, json_object_get(object, "resources"),
		       out) &&
	       parse_principals(parser, json_object_get(object, "principals"),
		       out);
}

static bool
parse_statements(struct parser *parser, const json_t *list)
{
	size_t count = json_array_size(list);

	if (count == 0)
		return policy_json_refuse(parser->error,
			"statements must be a list that is not empty");
	parser->statements =
		arena_new_array(parser->arena, count, struct policy_statement);
	parser->warnings = arena_new_array(parser->arena, count, struct slice);
	for (size_t i = 0; i < count; i++) {
		if (!parse_statement(parser, json_array_get(list, i)))
			return false;
	}
	return true;
}

static bool
parse_policy(struct parser *parser, const json_t *root, struct policy *policy)
{
	struct slice name = policy_json_text(json_object_get(root, "name"));
	struct slice version =
		policy_json_text(json_object_get(root, "version"));
	const json_t *statements = json_object_get(root, "statements");

	if (!slice_equal(version, SLICE(VERSION)))
		return policy_json_refuse(parser->error,
			"version must be " VERSION);
	if (!is_plain_name(name))
		return policy_json_refuse(parser->error,
			"name must be 1 to %d of A-Z a-z 0-9 . _ - @",
			ORGPOLICY_NAME_MAX);
	if (!statements || json_object_size(root) != 3)
		return policy_json_refuse(parser->error,
			"a policy is of version, name and statements, and no "
			"more");
	policy->name = arena_copy(parser->arena, name);
	return parse_statements(parser, statements);
}

struct policy *
orgpolicy_parse(struct slice text, struct policy_error *error)
{
	scoped(policy_json_free) json_t *root = policy_json_load(text, error);
	scoped(policy_free) struct policy *policy = NULL;

	if (!root)
		return NULL;
	policy = policy_create();

	struct parser parser = {.arena = &policy->arena, .error = error};
	const json_t *inside = json_object_get(root, "policy");

	if (!parse_policy(&parser,
		    inside && json_object_size(root) == 1 ? inside : root,
		    policy))
		return NULL;
	policy->statements = parser.statements;
	policy->statement_count = parser.count;
	policy->warnings = parser.warnings;
	policy->warning_count = parser.warning_count;
	return policy_keep(policy);
}

/* --- in the store --------------------------------------------------------- */

static struct slice
kind_of(struct arena *arena, struct slice organization, struct slice name)
{
	return arena_printf(arena, KIND "%.*s/%.*s", (int)organization.len,
		organization.data, (int)name.len,
		name.len > 0 ? name.data : "");
}

enum store_err
orgpolicy_list(struct store *store, struct slice organization,
	struct arena *arena, struct orgpolicy **out, size_t *count)
{
	struct slice prefix = kind_of(arena, organization, SLICE_NULL);
	struct bucket_document *documents;
	enum store_err err = bucket_list_documents(store, OWNER, prefix, arena,
		&documents, count);

	if (err)
		return err;
	*out = arena_new_array(arena, *count, struct orgpolicy);
	for (size_t i = 0; i < *count; i++)
		(*out)[i] = (struct orgpolicy){
			.name = slice_from(documents[i].kind, prefix.len),
			.text = documents[i].value,
		};
	return STORE_OK;
}

static bool
is_there(const struct orgpolicy *policies, size_t count, struct slice name)
{
	for (size_t i = 0; i < count; i++) {
		if (slice_equal(policies[i].name, name))
			return true;
	}
	return false;
}

json_t *
orgpolicy_to_json(const struct orgpolicy *policies, size_t count)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++) {
		json_t *policy = json_loadb(policies[i].text.data,
			policies[i].text.len, 0, NULL);
		json_t *inside = json_object_get(policy, "policy");

		/* Stored as it was given: wrapped, or bare. */
		(void)json_array_append_new(list,
			inside ? json_incref(policy)
			       : json_pack("{s:O?}", "policy", policy));
		json_decref(policy);
	}
	return json_pack("{s:o}", "policies", list);
}

enum store_err
orgpolicy_put(struct store *store, struct slice organization,
	const struct policy *policy, struct slice text)
{
	scoped(arena_free) struct arena arena = {0};
	struct orgpolicy *policies;
	size_t count;
	enum store_err err;

	if (!is_plain_name(organization) || !is_plain_name(policy->name))
		return STORE_INVALID;
	err = orgpolicy_list(store, organization, &arena, &policies, &count);
	if (err)
		return err;
	if (count >= ORGPOLICY_COUNT_MAX &&
		!is_there(policies, count, policy->name))
		return STORE_TOO_BIG;
	return bucket_set_document(store, OWNER,
		kind_of(&arena, organization, policy->name), &text);
}

enum store_err
orgpolicy_delete(struct store *store, struct slice organization,
	struct slice name)
{
	scoped(arena_free) struct arena arena = {0};
	struct slice text;

	if (!is_plain_name(organization) || !is_plain_name(name))
		return STORE_NOT_FOUND;

	struct slice kind = kind_of(&arena, organization, name);
	enum store_err err =
		bucket_get_document(store, OWNER, kind, &arena, &text);

	return err ? err : bucket_set_document(store, OWNER, kind, NULL);
}
