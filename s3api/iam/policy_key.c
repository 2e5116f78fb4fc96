/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/iam/policy_key.h"

#include <assert.h>

#include "store/base/compiler.h"

static const char *const names[] = {[POLICY_KEY_NONE] = "",
#define X(name, text) [POLICY_KEY_##name] = text,
	POLICY_KEYS(X)
#undef X
};

static_assert(array_len(names) == POLICY_KEY_COUNT, "one name each");

/* iam:ORG:groups */
static bool
parse_groups(struct slice text, struct policy_key_name *out)
{
	struct slice front = SLICE("iam:");
	struct slice back = SLICE(":groups");

	if (text.len <= front.len + back.len ||
		!slice_equal_nocase(slice_first(text, front.len), front) ||
		!slice_equal_nocase(slice_from(text, text.len - back.len),
			back))
		return false;
	out->key = POLICY_KEY_GROUPS;
	out->suffix = slice_of(text.data + front.len,
		text.len - front.len - back.len);
	return true;
}

bool
policy_key_parse(struct slice text, struct policy_key_name *out)
{
	for (unsigned int i = 1; i < POLICY_KEY_COUNT; i++) {
		struct slice name = slice_str(names[i]);
		bool has_suffix = name.data[name.len - 1] == '/';

		if (i == POLICY_KEY_GROUPS ||
			!slice_equal_nocase(has_suffix ? slice_first(text,
								 name.len)
						       : text,
				name))
			continue;
		out->key = (enum policy_key)i;
		out->suffix =
			has_suffix ? slice_from(text, name.len) : SLICE_NULL;
		return !has_suffix || out->suffix.len > 0;
	}
	return parse_groups(text, out);
}

const char *
policy_key_text(enum policy_key key)
{
	assert(key < POLICY_KEY_COUNT);
	return names[key];
}
