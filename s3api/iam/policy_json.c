/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/iam/policy_json.h"

#include <stdarg.h>
#include <stdio.h>

bool
policy_json_refuse(struct policy_error *error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(error->text, sizeof(error->text), format, args);
	va_end(args);
	return false;
}

/* Before jansson sees it, which recurses: fibers have small stacks. */
static bool
is_too_deep(struct slice text)
{
	bool is_in_string = false;
	size_t depth = 0;

	for (size_t i = 0; i < text.len; i++) {
		char c = text.data[i];

		if (is_in_string && c == '\\')
			i++;
		else if (c == '"')
			is_in_string = !is_in_string;
		else if (!is_in_string && (c == '{' || c == '['))
			depth++;
		else if (!is_in_string && (c == '}' || c == ']') && depth > 0)
			depth--;
		if (depth > POLICY_JSON_DEPTH_MAX)
			return true;
	}
	return false;
}

static json_t *
load(struct slice text, size_t max, const char *what,
	struct policy_error *error)
{
	json_error_t wrong;

	if (text.len > max) {
		policy_json_refuse(error, "the %s is larger than %zu bytes",
			what, max);
		return NULL;
	}
	if (is_too_deep(text)) {
		policy_json_refuse(error, "the JSON is nested too deeply");
		return NULL;
	}

	json_t *root = json_loadb(text.len > 0 ? text.data : "", text.len,
		JSON_REJECT_DUPLICATES, &wrong);

	if (!root)
		policy_json_refuse(error,
			"invalid JSON at line %d, column %d: %s", wrong.line,
			wrong.column, wrong.text);
	else if (!json_is_object(root))
		policy_json_refuse(error, "the %s is not a JSON object", what);
	if (!json_is_object(root))
		policy_json_free(&root);
	return root;
}

json_t *
policy_json_load(struct slice text, struct policy_error *error)
{
	return load(text, POLICY_JSON_MAX, "policy", error);
}

json_t *
policy_json_load_body(struct slice text, size_t max, struct policy_error *error)
{
	return load(text, max, "body", error);
}

void
policy_json_free(json_t **root)
{
	json_decref(*root);
	*root = NULL;
}

struct slice
policy_json_text(const json_t *value)
{
	return json_is_string(value) ? slice_of(json_string_value(value),
					       json_string_length(value))
				     : SLICE_NULL;
}

size_t
policy_json_count(const json_t *value)
{
	size_t count = json_array_size(value);

	if (json_is_string(value))
		return 1;
	for (size_t i = 0; i < count; i++) {
		if (!json_is_string(json_array_get(value, i)))
			return 0;
	}
	return count;
}

struct slice
policy_json_item(const json_t *value, size_t i)
{
	return policy_json_text(json_is_array(value) ? json_array_get(value, i)
						     : value);
}

const char *
policy_json_quote(struct slice text, char to[80])
{
	size_t len = 0;

	while (text.len > 0) {
		size_t step = slice_utf8_len(text);

		if (step == 0 || (unsigned char)text.data[0] < ' ' ||
			text.data[0] == 0x7f)
			break;
		if (len + step > 75) {
			memcpy(to + len, "...", 3);
			len += 3;
			break;
		}
		memcpy(to + len, text.data, step);
		len += step;
		text = slice_from(text, step);
	}
	to[len] = '\0';
	return to;
}
