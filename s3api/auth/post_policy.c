/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/auth/post_policy.h"

#include <stdlib.h>

#include "s3api/iam/policy_json.h"
#include "s3api/iam/policy_operand.h"
#include "store/base/text.h"

#define FIELDS_MAX 100

struct check {
	const struct post_policy_form *form;
	struct arena *arena;
	struct post_policy_range *range;
	struct error_report *report;
	bool names_bucket;	   /* a condition does */
	bool is_named[FIELDS_MAX]; /* a condition speaks of that field */
};

/* --- refusing ------------------------------------------------------------- */

static enum s3_error
malformed(const struct check *check, const char *format, const char *what)
{
	return error_set(check->report, S3_INVALID_POLICY_DOCUMENT,
		arena_str(check->arena,
			arena_printf(check->arena, format, what)));
}

static enum s3_error
denied(const struct check *check, const char *format, const char *what)
{
	return error_set(check->report, S3_ACCESS_DENIED,
		arena_str(check->arena,
			arena_printf(check->arena, format, what)));
}

/* As the policy has it. */
static enum s3_error
failed(const struct check *check, const json_t *condition)
{
	char *text = json_dumps(condition, JSON_COMPACT | JSON_ENSURE_ASCII);
	enum s3_error error = denied(check,
		"Invalid according to Policy: Policy Condition failed: %.300s",
		text ? text : "");

	free(text);
	return error;
}

/* --- conditions ----------------------------------------------------------- */

static struct slice
find_field(struct check *check, struct slice name)
{
	const struct post_policy_form *form = check->form;
	bool is_bucket = slice_equal_nocase(name, SLICE("bucket"));

	check->names_bucket |= is_bucket;
	for (size_t i = 0; i < form->field_count; i++) {
		if (!slice_equal_nocase(form->fields[i].name, name))
			continue;
		check->is_named[i] = true;
		if (!slice_equal(form->fields[i].name, SLICE("bucket")))
			return form->fields[i].value;
	}
	/* Not what a field says, but where it is posted to. */
	return is_bucket ? form->bucket : SLICE_NULL;
}

static bool
read_number(const json_t *value, uint64_t *out)
{
	unsigned long number;

	if (json_is_integer(value) && json_integer_value(value) >= 0) {
		*out = (uint64_t)json_integer_value(value);
		return true;
	}
	if (!slice_to_u64(policy_json_text(value), INT64_MAX, &number))
		return false;
	*out = number;
	return true;
}

/* Of several the narrowest counts. */
static enum s3_error
read_range(struct check *check, const json_t *condition)
{
	uint64_t min;
	uint64_t max;

	if (!read_number(json_array_get(condition, 1), &min) ||
		!read_number(json_array_get(condition, 2), &max) || min > max)
		return malformed(check, "Invalid Policy: %s",
			"content-length-range takes two numbers, the smaller "
			"first");
	if (min > check->range->min)
		check->range->min = min;
	if (max < check->range->max)
		check->range->max = max;
	return S3_OK;
}

/* A Content-Type may be a list, of which each has to. */
static bool
starts_with(struct slice name, struct slice value, struct slice wanted)
{
	struct slice item;

	if (!slice_equal_nocase(name, SLICE("content-type")) ||
		slice_find_char(wanted, ',') >= 0)
		return slice_has_prefix(value, wanted);
	if (!value.len)
		return !wanted.len;
	while (slice_split(&value, ',', &item))
		if (!slice_has_prefix(slice_trim(item), wanted))
			return false;
	return true;
}

/* ["eq", "$field", "value"] and the like. */
static enum s3_error
check_list(struct check *check, const json_t *condition)
{
	struct slice kind = policy_json_text(json_array_get(condition, 0));
	struct slice name = policy_json_text(json_array_get(condition, 1));
	struct slice wanted = policy_json_text(json_array_get(condition, 2));
	bool is_equal = slice_equal_nocase(kind, SLICE("eq"));
	bool is_start = slice_equal_nocase(kind, SLICE("starts-with"));
	struct slice value;

	if (json_array_size(condition) != 3)
		return malformed(check, "Invalid Policy: %s",
			"a condition that is a list has three elements");
	if (slice_equal_nocase(kind, SLICE("content-length-range")))
		return read_range(check, condition);
	if ((!is_equal && !is_start) || !slice_has_prefix(name, SLICE("$")) ||
		!wanted.data)
		return malformed(check, "Invalid Policy: %s",
			"a condition is eq or starts-with of a $field and a "
			"value, or content-length-range");
	name = slice_from(name, 1);
	value = find_field(check, name);
	if (is_equal ? slice_equal(value, wanted)
		     : starts_with(name, value, wanted))
		return S3_OK;
	return failed(check, condition);
}

/* {"field": "value"} */
static enum s3_error
check_member(struct check *check, json_t *condition)
{
	const char *name = json_object_iter_key(json_object_iter(condition));
	struct slice wanted;

	if (json_object_size(condition) != 1)
		return malformed(check, "Invalid Policy: %s",
			"Invalid Simple-Condition: Simple-Conditions must have "
			"exactly one property specified.");
	wanted = policy_json_text(json_object_get(condition, name));
	if (!wanted.data)
		return malformed(check, "Invalid Policy: %s",
			"Invalid Simple-Condition: value must be a string.");
	if (slice_equal(find_field(check, slice_str(name)), wanted))
		return S3_OK;
	return failed(check, condition);
}

static enum s3_error
check_conditions(struct check *check, const json_t *conditions)
{
	if (!json_is_array(conditions))
		return malformed(check, "Invalid Policy: %s",
			"Policy missing conditions.");
	for (size_t i = 0; i < json_array_size(conditions); i++) {
		json_t *condition = json_array_get(conditions, i);
		enum s3_error error;

		if (json_is_object(condition))
			error = check_member(check, condition);
		else if (json_is_array(condition))
			error = check_list(check, condition);
		else
			error = malformed(check, "Invalid Policy: %s",
				"a condition is an object or a list");
		if (error)
			return error;
	}
	return S3_OK;
}

/* What the signature itself needs, and what is told to be passed over. */
static bool
needs_no_condition(struct slice name)
{
	return slice_equal(name, SLICE("policy")) ||
	       slice_equal(name, SLICE("file")) ||
	       slice_equal(name, SLICE("x-amz-signature")) ||
	       slice_has_prefix(name, SLICE("x-ignore-"));
}

static enum s3_error
check_fields(const struct check *check)
{
	const struct post_policy_form *form = check->form;

	for (size_t i = 0; i < form->field_count; i++) {
		struct slice name = form->fields[i].name;

		if (!check->is_named[i] && !needs_no_condition(name))
			return denied(check,
				"Invalid according to Policy: Extra input "
				"fields: %.100s",
				arena_str(check->arena, name));
	}
	/* Else the form would be good for any. */
	if (!check->names_bucket)
		return denied(check, "Invalid according to Policy: %s",
			"Extra input fields: bucket");
	return S3_OK;
}

/* --- all of it ------------------------------------------------------------ */

static enum s3_error
check_expiration(const struct check *check, const json_t *expiration,
	int64_t now_ns)
{
	struct slice text = policy_json_text(expiration);
	int64_t expires_ns;

	if (!text.data)
		return malformed(check, "Invalid Policy: %s",
			"Policy missing expiration.");
	if (!policy_operand_date(text, &expires_ns))
		return malformed(check,
			"Invalid Policy: Invalid 'expiration' value: '%.64s'",
			arena_str(check->arena, text));
	if (expires_ns <= now_ns)
		return denied(check, "Invalid according to Policy: %s",
			"Policy expired.");
	return S3_OK;
}

static bool
decode(struct slice policy, struct arena *arena, struct slice *out)
{
	size_t len = policy.len;
	char *bytes = arena_alloc(arena, len + 1);

	if (!text_from_base64(policy, bytes, &len))
		return false;
	*out = slice_of(bytes, len);
	return len > 0;
}

/* S3 has two escapes more than JSON: "\$", since a dollar begins the name of a
 * field, and "\v" ("POST policy", "Character escaping"). */
static struct slice
escape_as_json(struct slice text, struct arena *arena)
{
	static const char tab[] = "\\u000b";
	char *json = arena_alloc(arena, text.len * (sizeof(tab) - 1) / 2 + 1);
	size_t len = 0;

	for (size_t i = 0; i < text.len; i++) {
		bool is_escape = text.data[i] == '\\' && i + 1 < text.len;
		char next = is_escape ? text.data[++i] : '\0';

		if (next == 'v') {
			memcpy(json + len, tab, sizeof(tab) - 1);
			len += sizeof(tab) - 1;
		} else if (next == '$' || !is_escape) {
			json[len++] = text.data[i];
		} else {
			json[len++] = '\\';
			json[len++] = next;
		}
	}
	return slice_of(json, len);
}

static enum s3_error
check_root(struct check *check, json_t *root, int64_t now_ns)
{
	enum s3_error error = check_expiration(check,
		json_object_get(root, "expiration"), now_ns);

	if (!error)
		error = check_conditions(check,
			json_object_get(root, "conditions"));
	return error ? error : check_fields(check);
}

enum s3_error
post_policy_check(struct slice policy, const struct post_policy_form *form,
	int64_t now_ns, struct arena *arena, struct post_policy_range *range,
	struct error_report *report)
{
	struct check check = {
		.form = form,
		.arena = arena,
		.range = range,
		.report = report,
	};
	struct policy_error why;
	struct slice text;

	*range = (struct post_policy_range){0, UINT64_MAX};
	if (form->field_count > FIELDS_MAX)
		return malformed(&check, "Invalid Policy: %s",
			"the form has too many fields");
	if (!decode(policy, arena, &text))
		return malformed(&check, "Invalid Policy: %s",
			"it is not in base64");

	scoped(policy_json_free) json_t *root =
			policy_json_load(escape_as_json(text, arena), &why);

	if (!root)
		return malformed(&check, "Invalid Policy: Invalid JSON: %s",
			why.text);
	return check_root(&check, root, now_ns);
}
