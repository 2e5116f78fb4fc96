/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/control/control_private.h"
#include "s3api/http/http_body.h"
#include "s3api/iam/policy_json.h"

enum control_code
control_body(struct control *control, size_t max, json_t **out)
{
	struct policy_error wrong;
	struct slice text;
	bool is_stranger = control->token.access_key[0] == '\0';
	enum store_err err = http_body_read_all(control->request->http, max,
		is_stranger, &text);

	*out = NULL;
	if (err == STORE_TOO_BIG)
		return control_refuse(control, CONTROL_INVALID_ARGUMENT,
			"the body is too large");
	if (err == STORE_BUSY)
		return control_refuse(control, CONTROL_RESOURCE_EXHAUSTED,
			"too many requests at once; try again");
	if (err)
		return control_refuse(control, CONTROL_INVALID_ARGUMENT,
			"the body did not come whole");
	*out = policy_json_load_body(text, max, &wrong);
	if (*out)
		return CONTROL_OK;
	return control_refuse(control, CONTROL_INVALID_ARGUMENT,
		arena_str(control->request->arena, slice_str(wrong.text)));
}

static enum control_code
bad(struct control *control, const char *name, const char *what)
{
	return control_refuse(control, CONTROL_INVALID_ARGUMENT,
		arena_printf(control->request->arena, "%s: %s", name, what)
			.data);
}

enum control_code
control_body_text(struct control *control, const json_t *root, const char *name,
	struct slice *out)
{
	const json_t *value = json_object_get(root, name);

	if (!value || json_is_null(value))
		return CONTROL_OK;
	if (!json_is_string(value))
		return bad(control, name, "must be text");
	*out = policy_json_text(value);
	return CONTROL_OK;
}

enum control_code
control_body_number(struct control *control, const json_t *root,
	const char *name, unsigned long max, unsigned long *out)
{
	const json_t *value = json_object_get(root, name);
	json_int_t number = json_integer_value(value);
	bool is_good = json_is_integer(value) && number >= 0 &&
		       (unsigned long)number <= max;

	if (!value || json_is_null(value))
		return CONTROL_OK;
	if (is_good)
		*out = (unsigned long)number;
	else
		is_good = json_is_string(value) &&
			  slice_to_u64(policy_json_text(value), max, out);
	return is_good ? CONTROL_OK
		       : bad(control, name,
				 arena_printf(control->request->arena,
					 "must be a whole number from 0 to %lu",
					 max)
					 .data);
}
