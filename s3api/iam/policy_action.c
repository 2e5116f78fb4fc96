/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/iam/policy_action.h"

#include <assert.h>

#include "s3api/iam/policy_pattern.h"
#include "store/base/compiler.h"

static const struct {
	const char *name;
	enum policy_scope scope;
} actions[] = {[POLICY_ACTION_NONE] = {"", POLICY_SCOPE_SERVICE},
#define X(name, text, scope)                                                   \
	[POLICY_ACTION_##name] = {text, POLICY_SCOPE_##scope},
	POLICY_ACTIONS(X)
#undef X
};

/* Second names. */
static const struct {
	const char *name;
	enum policy_action action;
} synonyms[] = {
	{"cwobject:CreateAccessKey", POLICY_ACTION_CREATE_ACCESS_KEY_FROM_JWT},
};

static_assert(array_len(actions) == POLICY_ACTION_COUNT, "one row each");

const char *
policy_action_name(enum policy_action action)
{
	assert(action < POLICY_ACTION_COUNT);
	return actions[action].name;
}

enum policy_scope
policy_action_scope(enum policy_action action)
{
	assert(action < POLICY_ACTION_COUNT);
	return actions[action].scope;
}

enum policy_action
policy_action_find(struct slice name)
{
	for (unsigned int i = 1; i < POLICY_ACTION_COUNT; i++) {
		if (slice_equal_nocase(name, slice_str(actions[i].name)))
			return (enum policy_action)i;
	}
	for (size_t i = 0; i < array_len(synonyms); i++) {
		if (slice_equal_nocase(name, slice_str(synonyms[i].name)))
			return synonyms[i].action;
	}
	return POLICY_ACTION_NONE;
}

static bool
is_named(unsigned int action, struct slice pattern)
{
	for (size_t i = 0; i < array_len(synonyms); i++) {
		if (synonyms[i].action == action &&
			policy_pattern_glob_nocase(pattern,
				slice_str(synonyms[i].name)))
			return true;
	}
	return policy_pattern_glob_nocase(pattern,
		slice_str(actions[action].name));
}

static bool
is_of_plane(unsigned int action, bool with_control)
{
	return with_control || actions[action].scope != POLICY_SCOPE_CONTROL;
}

size_t
policy_action_add(struct policy_action_set *set, struct slice pattern,
	bool with_control)
{
	size_t count = 0;

	for (unsigned int i = 1; i < POLICY_ACTION_COUNT; i++) {
		if (!is_of_plane(i, with_control) || !is_named(i, pattern))
			continue;
		set->words[i / 64] |= 1ull << (i % 64);
		count++;
	}
	return count;
}

void
policy_action_invert(struct policy_action_set *set, bool with_control)
{
	for (unsigned int i = 1; i < POLICY_ACTION_COUNT; i++) {
		if (is_of_plane(i, with_control))
			set->words[i / 64] ^= 1ull << (i % 64);
	}
}
