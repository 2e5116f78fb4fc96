/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/control/control_private.h"
#include "s3api/iam/policy_json.h"

static enum control_code
bad(struct control *control)
{
	return control_refuse(control, CONTROL_INVALID_ARGUMENT,
		"attributes: at most 15 texts of up to 63 bytes, under keys of "
		"1 to 63 of a-z 0-9 - that do not begin with cw-, role- or "
		"groups-");
}

enum control_code
control_attribute_read(struct control *control, const json_t *root,
	struct token_attribute **out, size_t *count)
{
	json_t *attributes = json_object_get(root, "attributes");
	const char *key;
	json_t *value;

	*out = arena_new_array(control->request->arena, TOKEN_ATTRIBUTES_MAX,
		struct token_attribute);
	*count = 0;
	if (!attributes || json_is_null(attributes))
		return CONTROL_OK;
	if (!json_is_object(attributes) ||
		json_object_size(attributes) > TOKEN_ATTRIBUTES_MAX)
		return bad(control);
	json_object_foreach(attributes, key, value)
	{
		if (!json_is_string(value))
			return bad(control);
		/* The JSON goes before the reply is written. */
		(*out)[(*count)++] = (struct token_attribute){
			arena_copy(control->request->arena, slice_str(key)),
			arena_copy(control->request->arena,
				policy_json_text(value)),
		};
	}
	return token_attribute_are_valid(*out, *count) ? CONTROL_OK
						       : bad(control);
}

json_t *
control_attribute_json(const struct token_attribute *attributes, size_t count)
{
	json_t *root = json_object();

	for (size_t i = 0; i < count; i++)
		(void)json_object_setn_new(root, attributes[i].key.data,
			attributes[i].key.len,
			json_stringn(attributes[i].value.data,
				attributes[i].value.len));
	return root;
}
