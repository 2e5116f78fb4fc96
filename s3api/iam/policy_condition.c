/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/iam/policy_condition.h"

#include "s3api/iam/policy_operand.h"

#define LIKE (POLICY_PATTERN_WILDCARDS)
#define NOCASE (POLICY_PATTERN_NOCASE)
#define NOT true

/* IAM: condition operators. */
static const struct operator_row {
	const char *name;
	enum policy_operator kind;
	enum policy_comparison comparison;
	bool is_negated;
	unsigned int flags; /* of its patterns */
} operators[] = {
	{"StringEquals", POLICY_OPERATOR_STRING, POLICY_EQUAL, false, 0},
	{"StringNotEquals", POLICY_OPERATOR_STRING, POLICY_EQUAL, NOT, 0},
	{"StringEqualsIgnoreCase", POLICY_OPERATOR_STRING, POLICY_EQUAL, false,
		NOCASE},
	{"StringNotEqualsIgnoreCase", POLICY_OPERATOR_STRING, POLICY_EQUAL, NOT,
		NOCASE},
	{"StringLike", POLICY_OPERATOR_STRING, POLICY_EQUAL, false, LIKE},
	{"StringNotLike", POLICY_OPERATOR_STRING, POLICY_EQUAL, NOT, LIKE},
	{"NumericEquals", POLICY_OPERATOR_NUMERIC, POLICY_EQUAL, false, 0},
	{"NumericNotEquals", POLICY_OPERATOR_NUMERIC, POLICY_EQUAL, NOT, 0},
	{"NumericLessThan", POLICY_OPERATOR_NUMERIC, POLICY_LESS, false, 0},
	{"NumericLessThanEquals", POLICY_OPERATOR_NUMERIC, POLICY_LESS_OR_EQUAL,
		false, 0},
	{"NumericGreaterThan", POLICY_OPERATOR_NUMERIC, POLICY_GREATER, false,
		0},
	{"NumericGreaterThanEquals", POLICY_OPERATOR_NUMERIC,
		POLICY_GREATER_OR_EQUAL, false, 0},
	{"DateEquals", POLICY_OPERATOR_DATE, POLICY_EQUAL, false, 0},
	{"DateNotEquals", POLICY_OPERATOR_DATE, POLICY_EQUAL, NOT, 0},
	{"DateLessThan", POLICY_OPERATOR_DATE, POLICY_LESS, false, 0},
	{"DateLessThanEquals", POLICY_OPERATOR_DATE, POLICY_LESS_OR_EQUAL,
		false, 0},
	{"DateGreaterThan", POLICY_OPERATOR_DATE, POLICY_GREATER, false, 0},
	{"DateGreaterThanEquals", POLICY_OPERATOR_DATE, POLICY_GREATER_OR_EQUAL,
		false, 0},
	{"Bool", POLICY_OPERATOR_BOOL, POLICY_EQUAL, false, 0},
	{"BinaryEquals", POLICY_OPERATOR_BINARY, POLICY_EQUAL, false, 0},
	{"IpAddress", POLICY_OPERATOR_IP, POLICY_EQUAL, false, 0},
	{"NotIpAddress", POLICY_OPERATOR_IP, POLICY_EQUAL, NOT, 0},
	/* IAM: the two forms behave identically. */
	{"ArnEquals", POLICY_OPERATOR_ARN, POLICY_EQUAL, false, LIKE},
	{"ArnNotEquals", POLICY_OPERATOR_ARN, POLICY_EQUAL, NOT, LIKE},
	{"ArnLike", POLICY_OPERATOR_ARN, POLICY_EQUAL, false, LIKE},
	{"ArnNotLike", POLICY_OPERATOR_ARN, POLICY_EQUAL, NOT, LIKE},
	{"Null", POLICY_OPERATOR_NULL, POLICY_EQUAL, false, 0},
};

/* --- parsing -------------------------------------------------------------- */

static bool
eat_prefix(struct slice *text, struct slice prefix)
{
	if (!slice_equal_nocase(slice_first(*text, prefix.len), prefix))
		return false;
	*text = slice_from(*text, prefix.len);
	return true;
}

static bool
eat_suffix(struct slice *text, struct slice suffix)
{
	if (text->len < suffix.len ||
		!slice_equal_nocase(slice_from(*text, text->len - suffix.len),
			suffix))
		return false;
	text->len -= suffix.len;
	return true;
}

static const struct operator_row *
find_operator(struct slice name, struct policy_condition *out)
{
	if (eat_prefix(&name, SLICE("ForAllValues:")))
		out->qualifier = POLICY_QUALIFIER_ALL;
	else if (eat_prefix(&name, SLICE("ForAnyValue:")))
		out->qualifier = POLICY_QUALIFIER_ANY;
	out->is_if_exists = eat_suffix(&name, SLICE("IfExists"));
	for (size_t i = 0; i < array_len(operators); i++) {
		if (slice_equal_nocase(name, slice_str(operators[i].name)))
			return &operators[i];
	}
	return NULL;
}

/* Strings, and what is as plain: 10, true.  SLICE_NULL: anything else. */
static struct slice
value_text(struct arena *arena, const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_STRING:
		return arena_copy(arena, slice_of(json_string_value(value),
						 json_string_length(value)));
	case JSON_INTEGER:
		return arena_printf(arena, "%lld",
			(long long)json_integer_value(value));
	case JSON_REAL:
		return arena_printf(arena, "%.6f", json_real_value(value));
	case JSON_TRUE:
		return SLICE("true");
	case JSON_FALSE:
		return SLICE("false");
	case JSON_NULL:
	case JSON_ARRAY:
	case JSON_OBJECT:
		break;
	}
	return SLICE_NULL;
}

/* /bucket/key and bucket/key are one source. */
static struct slice
normalize(const struct policy_condition *condition, struct slice text)
{
	if (condition->name.key == POLICY_KEY_COPY_SOURCE)
		eat_prefix(&text, SLICE("/"));
	return text;
}

static const char *
parse_operand(struct arena *arena, const struct policy_condition *condition,
	unsigned int flags, const json_t *value, struct policy_operand *out)
{
	struct slice text = value_text(arena, value);

	if (!text.data)
		return "is not a string";
	return policy_operand_parse(arena, condition, flags,
		normalize(condition, text), out);
}

static const char *
parse_operands(struct arena *arena, struct policy_condition *condition,
	unsigned int flags, const json_t *values)
{
	bool is_array = json_is_array(values);
	size_t count = is_array ? json_array_size(values) : 1;
	struct policy_operand *operands =
		arena_new_array(arena, count, struct policy_operand);

	condition->operands = operands;
	condition->operand_count = count;
	for (size_t i = 0; i < count; i++) {
		const char *why = parse_operand(arena, condition, flags,
			is_array ? json_array_get(values, i) : values,
			&operands[i]);

		if (why)
			return why;
	}
	return count > 0 ? NULL : "has no value";
}

const char *
policy_condition_parse(struct arena *arena, struct slice operator_name,
	struct slice key, const json_t *values, bool with_variables,
	struct policy_condition *out)
{
	*out = (struct policy_condition){
		.operator_name = arena_copy(arena, operator_name)};

	const struct operator_row *row = find_operator(operator_name, out);

	if (!row)
		return "is not a condition operator";
	out->kind = row->kind;
	out->comparison = row->comparison;
	out->is_negated = row->is_negated;
	if (row->kind == POLICY_OPERATOR_NULL &&
		(out->is_if_exists || out->qualifier))
		return "goes with neither IfExists nor ForAllValues";
	if (!policy_key_parse(arena_copy(arena, key), &out->name))
		return "is not a condition key";
	return parse_operands(arena, out,
		row->flags | (with_variables ? POLICY_PATTERN_VARIABLES : 0),
		values);
}

/* --- deciding ------------------------------------------------------------- */

static bool
holds_for_value(const struct policy_condition *condition, struct slice value,
	const struct policy_context *context, bool is_allow)
{
	bool is_unresolved = false;

	for (size_t i = 0; i < condition->operand_count; i++) {
		enum policy_match match = policy_operand_match(condition,
			&condition->operands[i], value, context);

		if (match == POLICY_MATCH_YES)
			return !condition->is_negated;
		is_unresolved |= match == POLICY_MATCH_UNRESOLVED;
	}
	return condition->is_negated && !(is_unresolved && is_allow);
}

static bool
holds_without_value(const struct policy_condition *condition)
{
	if (condition->is_if_exists)
		return true;
	switch (condition->qualifier) {
	case POLICY_QUALIFIER_NONE:
		break;
	case POLICY_QUALIFIER_ANY:
		return false;
	case POLICY_QUALIFIER_ALL:
		return true;
	}
	return condition->is_negated;
}

/* Null: true where the request does not have the key. */
static bool
holds_null(const struct policy_condition *condition, bool is_missing)
{
	for (size_t i = 0; i < condition->operand_count; i++) {
		if (condition->operands[i].truth == is_missing)
			return true;
	}
	return false;
}

bool
policy_condition_holds(const struct policy_condition *condition,
	const struct policy_context *context, bool is_allow)
{
	struct policy_values found;
	size_t held = 0;

	found.count = 0;
	context->find(context->context, &condition->name, &found);
	if (condition->kind == POLICY_OPERATOR_NULL)
		return holds_null(condition, found.count == 0);
	if (found.count == 0)
		return holds_without_value(condition);
	for (size_t i = 0; i < found.count; i++)
		held += holds_for_value(condition, found.values[i], context,
			is_allow);
	/* One value is the rule; several want all for a negation. */
	if (condition->qualifier == POLICY_QUALIFIER_ALL ||
		(condition->qualifier == POLICY_QUALIFIER_NONE &&
			condition->is_negated))
		return held == found.count;
	return held > 0;
}
