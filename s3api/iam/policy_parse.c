/* SPDX-License-Identifier: Apache-2.0 */
/* IAM: JSON policy elements reference; S3 API: PutBucketPolicy. */
#include <stdio.h>

#include "s3api/iam/policy.h"
#include "s3api/iam/policy_unserved.h"

/* Of a bucket, without its name. */
#define BUCKET_ARN "arn:aws:s3:::"

struct parser {
	struct arena *arena;
	struct slice bucket;
	struct policy_error *error;
	bool has_variables; /* as of version 2012-10-17 */
	struct policy_statement *statements;
	size_t count;	/* of those parsed, with the one at hand */
	char where[96]; /* "Statement 2 (readers)" */
	/* Of the statement at hand: what its resources can stand for. */
	bool names_bucket;
	bool names_objects;
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

/* --- principals ----------------------------------------------------------- */

static bool
add_principals(struct parser *parser, const char *element, bool is_service,
	const json_t *names, struct policy_principal *to, size_t *count)
{
	size_t more = policy_json_count(names);

	for (size_t i = 0; i < more; i++) {
		struct slice name = policy_json_item(names, i);

		if (!policy_principal_parse(parser->arena, is_service, name,
			    &to[(*count)++]))
			return refuse(parser, element, name,
				"is not a principal");
	}
	return more > 0 || refuse(parser, element, SLICE_NULL,
				   "must be a string or a list of strings");
}

static bool
parse_principal_map(struct parser *parser, const char *element, json_t *map,
	bool is_denied, struct policy_principal *to, size_t *count)
{
	const char *kind;
	json_t *names;

	json_object_foreach(map, kind, names)
	{
		bool is_service = strcmp(kind, "Service") == 0;

		if (!is_service && strcmp(kind, "AWS") && strcmp(kind, "CW"))
			return refuse(parser, element, slice_str(kind),
				"is not a supported kind of principal");
		/* What the server does of its own asks no policy. */
		if (is_service && is_denied)
			return refuse(parser, element, slice_str(kind),
				"cannot be denied anything");
		if (!add_principals(parser, element, is_service, names, to,
			    count))
			return false;
	}
	return *count > 0 ||
	       refuse(parser, element, SLICE_NULL, "names no principal");
}

static size_t
count_principals(json_t *value)
{
	size_t count = 1;
	const char *kind;
	json_t *names;

	json_object_foreach(value, kind, names) count +=
		policy_json_count(names);
	return count;
}

static bool
parse_principal(struct parser *parser, const char *element, json_t *value,
	struct policy_statement *out)
{
	struct policy_principal *to = arena_new_array(parser->arena,
		count_principals(value), struct policy_principal);

	out->principals = to;
	if (json_is_object(value))
		return parse_principal_map(parser, element, value,
			!out->is_allow && strcmp(element, "Principal") == 0, to,
			&out->principal_count);
	if (!slice_equal(policy_json_text(value), SLICE("*")))
		return refuse(parser, element, policy_json_text(value),
			"must be \"*\" or {\"AWS\": ...}");
	return add_principals(parser, element, false, value, to,
		&out->principal_count);
}

/* --- resources ------------------------------------------------------------ */

/* The bucket, what is in it, or with a * right behind its name both. */
static bool
is_inside(struct parser *parser, struct slice name)
{
	if (!slice_has_prefix(name, parser->bucket))
		return false;
	name = slice_from(name, parser->bucket.len);
	if (name.len > 0 && name.data[0] != '/' && name.data[0] != '*')
		return false;
	parser->names_bucket |= name.len == 0 || name.data[0] == '*';
	parser->names_objects |= name.len > 0;
	return true;
}

static bool
parse_resources(struct parser *parser, const char *element, json_t *value,
	struct policy_statement *out)
{
	size_t count = policy_json_count(value);
	struct policy_pattern *to =
		arena_new_array(parser->arena, count, struct policy_pattern);
	unsigned int flags =
		POLICY_PATTERN_WILDCARDS |
		(parser->has_variables ? POLICY_PATTERN_VARIABLES : 0);

	out->resources = to;
	out->resource_count = count;
	for (size_t i = 0; i < count; i++) {
		struct slice arn = policy_json_item(value, i);

		if (!slice_has_prefix(arn, SLICE(BUCKET_ARN)))
			return refuse(parser, element, arn,
				"does not begin with " BUCKET_ARN);

		struct slice name = slice_from(arn, strlen(BUCKET_ARN));

		if (!is_inside(parser, name))
			return refuse(parser, element, arn,
				"is outside of the bucket");
		if (!policy_pattern_compile(parser->arena, name, flags, &to[i]))
			return refuse(parser, element, arn,
				"has a variable that there is not");
	}
	return count > 0 || refuse(parser, element, SLICE_NULL,
				    "must be a string or a list of strings");
}

/* --- actions -------------------------------------------------------------- */

static bool
is_applicable(const struct parser *parser, const struct policy_action_set *set)
{
	for (unsigned int i = 1; i < POLICY_ACTION_COUNT; i++) {
		enum policy_action action = (enum policy_action)i;
		enum policy_scope scope = policy_action_scope(action);

		if (!policy_action_is_in(set, action))
			continue;
		if ((scope == POLICY_SCOPE_OBJECT && parser->names_objects) ||
			(scope == POLICY_SCOPE_BUCKET &&
				parser->names_bucket) ||
			scope == POLICY_SCOPE_SERVICE)
			return true;
	}
	return false;
}

/* After the resources: S3 refuses an action that none of them can take. */
static bool
parse_actions(struct parser *parser, const char *element, json_t *value,
	bool is_not, struct policy_statement *out)
{
	size_t count = policy_json_count(value);

	for (size_t i = 0; i < count; i++) {
		struct slice name = policy_json_item(value, i);
		struct policy_action_set set = {{0}};

		size_t added = policy_action_add(&set, name, false);

		if (added == 0 && !policy_unserved_has(name))
			return refuse(parser, element, name,
				"is not an action");
		if (added > 0 && !is_not && !out->is_not_resource &&
			!is_applicable(parser, &set))
			return refuse(parser, element, name,
				"does not apply to any resource of the "
				"statement");
		for (size_t w = 0; w < POLICY_ACTION_WORDS; w++)
			out->actions.words[w] |= set.words[w];
	}
	if (is_not)
		policy_action_invert(&out->actions, false);
	return count > 0 || refuse(parser, element, SLICE_NULL,
				    "must be a string or a list of strings");
}

/* --- conditions ----------------------------------------------------------- */

static bool
refuse_condition(struct parser *parser, const char *operator_name,
	const char *key, const char *why)
{
	char first[80];
	char second[80];

	return policy_json_refuse(parser->error, "%s: Condition: %s: %s %s",
		parser->where,
		policy_json_quote(slice_str(operator_name), first),
		policy_json_quote(slice_str(key), second), why);
}

static size_t
count_conditions(json_t *value)
{
	size_t count = 0;
	const char *operator_name;
	json_t *keys;

	json_object_foreach(value, operator_name, keys)
	{
		count += json_object_size(keys);
	}
	return count;
}

static bool
parse_operator(struct parser *parser, const char *operator_name, json_t *keys,
	struct policy_condition *to, size_t *count)
{
	const char *key;
	json_t *values;

	if (json_object_size(keys) == 0)
		return refuse_condition(parser, operator_name, "",
			"must be an object with a condition key");
	json_object_foreach(keys, key, values)
	{
		const char *why = policy_condition_parse(parser->arena,
			slice_str(operator_name), slice_str(key), values,
			parser->has_variables, &to[(*count)++]);

		if (why)
			return refuse_condition(parser, operator_name, key,
				why);
	}
	return true;
}

static bool
parse_conditions(struct parser *parser, json_t *value,
	struct policy_statement *out)
{
	struct policy_condition *to = arena_new_array(parser->arena,
		count_conditions(value), struct policy_condition);
	const char *operator_name;
	json_t *keys;

	out->conditions = to;
	if (!json_is_object(value))
		return refuse(parser, "Condition", SLICE_NULL,
			"must be an object");
	json_object_foreach(value, operator_name, keys)
	{
		if (!parse_operator(parser, operator_name, keys, to,
			    &out->condition_count))
			return false;
	}
	return true;
}

/* --- statements ----------------------------------------------------------- */

static bool
parse_sid(struct parser *parser, json_t *value, struct policy_statement *out)
{
	struct slice sid = policy_json_text(value);
	char quoted[80];

	if (!value)
		return true;
	if (!sid.data)
		return refuse(parser, "Sid", SLICE_NULL, "must be a string");
	for (size_t i = 0; i + 1 < parser->count; i++) {
		if (sid.len > 0 && slice_equal(parser->statements[i].name, sid))
			return refuse(parser, "Sid", sid,
				"is that of another statement");
	}
	out->name = arena_copy(parser->arena, sid);
	(void)snprintf(parser->where, sizeof(parser->where),
		"Statement %u (%.60s)", out->number,
		policy_json_quote(sid, quoted));
	return true;
}

static bool
parse_effect(struct parser *parser, json_t *value, struct policy_statement *out)
{
	struct slice effect = policy_json_text(value);

	out->is_allow = slice_equal(effect, SLICE("Allow"));
	return out->is_allow || slice_equal(effect, SLICE("Deny")) ||
	       refuse(parser, "Effect", effect, "must be Allow or Deny");
}

static bool
check_names(struct parser *parser, json_t *object)
{
	static const char *const names[] = {"Sid", "Effect", "Principal",
		"NotPrincipal", "Action", "NotAction", "Resource",
		"NotResource", "Condition"};
	const char *name;
	json_t *value;

	json_object_foreach(object, name, value)
	{
		size_t i = 0;

		while (i < array_len(names) && strcmp(names[i], name) != 0)
			i++;
		if (i == array_len(names))
			return refuse(parser, "element", slice_str(name),
				"is not known");
	}
	return true;
}

/* Of two elements that exclude each other the one that is there. */
static json_t *
choose(struct parser *parser, json_t *object, const char *plain,
	const char *negated, bool *is_not)
{
	json_t *value = json_object_get(object, plain);
	json_t *other = json_object_get(object, negated);

	*is_not = other != NULL;
	if (value && other)
		refuse(parser, plain, SLICE_NULL,
			"goes with no negated element beside it");
	else if (!value && !other)
		refuse(parser, plain, SLICE_NULL, "is missing");
	return value && other ? NULL : value ? value : other;
}

static bool
parse_who(struct parser *parser, json_t *object, struct policy_statement *out)
{
	json_t *value = choose(parser, object, "Principal", "NotPrincipal",
		&out->is_not_principal);

	/* It would mean everyone else in the world. */
	if (value && out->is_not_principal && out->is_allow)
		return refuse(parser, "NotPrincipal", SLICE_NULL,
			"Allow with NotPrincipal is not allowed");
	return value &&
	       parse_principal(parser,
		       out->is_not_principal ? "NotPrincipal" : "Principal",
		       value, out);
}

static bool
parse_what(struct parser *parser, json_t *object, struct policy_statement *out)
{
	bool is_not_action = false;
	json_t *resource = choose(parser, object, "Resource", "NotResource",
		&out->is_not_resource);

	parser->names_bucket = false;
	parser->names_objects = false;
	if (!resource ||
		!parse_resources(parser,
			out->is_not_resource ? "NotResource" : "Resource",
			resource, out))
		return false;

	json_t *action =
		choose(parser, object, "Action", "NotAction", &is_not_action);

	return action &&
	       parse_actions(parser, is_not_action ? "NotAction" : "Action",
		       action, is_not_action, out);
}

static bool
parse_statement(struct parser *parser, json_t *object)
{
	struct policy_statement *out = &parser->statements[parser->count++];
	json_t *condition = json_object_get(object, "Condition");

	out->number = (unsigned int)parser->count;
	(void)snprintf(parser->where, sizeof(parser->where), "Statement %u",
		out->number);
	if (!json_is_object(object))
		return refuse(parser, "it", SLICE_NULL, "must be an object");
	return parse_sid(parser, json_object_get(object, "Sid"), out) &&
	       check_names(parser, object) &&
	       parse_effect(parser, json_object_get(object, "Effect"), out) &&
	       parse_who(parser, object, out) &&
	       parse_what(parser, object, out) &&
	       (!condition || parse_conditions(parser, condition, out));
}

static bool
parse_statements(struct parser *parser, json_t *value)
{
	bool is_array = json_is_array(value);
	size_t count = is_array ? json_array_size(value) : 1;

	if (!value || count == 0)
		return policy_json_refuse(parser->error,
			"Statement is missing or empty");
	parser->statements =
		arena_new_array(parser->arena, count, struct policy_statement);
	for (size_t i = 0; i < count; i++) {
		if (!parse_statement(parser,
			    is_array ? json_array_get(value, i) : value))
			return false;
	}
	return true;
}

/* --- the policy ----------------------------------------------------------- */

static bool
check_top(struct parser *parser, json_t *root)
{
	const char *name;
	json_t *value;

	json_object_foreach(root, name, value)
	{
		char quoted[80];

		if (strcmp(name, "Version") != 0 && strcmp(name, "Id") != 0 &&
			strcmp(name, "Statement") != 0)
			return policy_json_refuse(parser->error,
				"element %s is not known",
				policy_json_quote(slice_str(name), quoted));
	}
	return true;
}

static bool
parse_top(struct parser *parser, json_t *root, struct policy *policy)
{
	json_t *version = json_object_get(root, "Version");
	json_t *id = json_object_get(root, "Id");
	struct slice text = policy_json_text(version);

	if (!check_top(parser, root))
		return false;
	/* IAM: without a version it is that of 2008, without variables. */
	parser->has_variables = slice_equal(text, SLICE("2012-10-17"));
	if (version && !parser->has_variables &&
		!slice_equal(text, SLICE("2008-10-17")))
		return policy_json_refuse(parser->error,
			"Version must be 2012-10-17 or 2008-10-17");
	if (id && !json_is_string(id))
		return policy_json_refuse(parser->error, "Id must be a string");
	policy->name = arena_copy(parser->arena, policy_json_text(id));
	return parse_statements(parser, json_object_get(root, "Statement"));
}

struct policy *
policy_parse(struct slice text, struct slice bucket, struct policy_error *error)
{
	scoped(policy_json_free) json_t *root = policy_json_load(text, error);
	scoped(policy_free) struct policy *policy = NULL;
	struct policy *parsed;

	if (!root)
		return NULL;
	policy = policy_create();

	struct parser parser = {
		.arena = &policy->arena,
		.bucket = bucket,
		.error = error,
	};

	if (!parse_top(&parser, root, policy))
		return NULL;
	policy->statements = parser.statements;
	policy->statement_count = parser.count;
	parsed = policy_keep(policy);
	return parsed;
}
