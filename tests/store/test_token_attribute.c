/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "store/token.h"
#include "tests/support/temp_store.h"

Test(token_attribute, they_stand_on_the_key_and_go_with_it)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	scoped(arena_free) struct arena arena = {0};
	const struct token_attribute given[] = {
		{SLICE("team"), SLICE("vision")},
		{SLICE("a-1"), SLICE("")},
	};
	const struct token_draft draft = {
		.name = SLICE("a"),
		.level = TOKEN_FULL,
		.kind = TOKEN_TEMPORARY,
		.attributes = given,
		.attribute_count = 2,
	};
	struct token_attribute *found;
	struct token token;
	size_t count;

	cr_assert(eq(int, token_create(temp.store, &draft, &token), STORE_OK));
	cr_assert(eq(int,
		token_attribute_list(temp.store, slice_str(token.access_key),
			&arena, &found, &count),
		STORE_OK));
	cr_assert(eq(sz, count, 2));
	cr_expect(slice_equal(found[0].key, SLICE("team")));
	cr_expect(slice_equal(found[0].value, SLICE("vision")));
	cr_expect(slice_equal(found[1].key, SLICE("a-1")));
	cr_expect(eq(sz, found[1].value.len, 0));

	cr_assert(eq(int,
		token_revoke(temp.store, SLICE(ORGANIZATION_DEFAULT),
			slice_str(token.access_key)),
		STORE_OK));
	cr_expect(eq(int,
		token_attribute_list(temp.store, slice_str(token.access_key),
			&arena, &found, &count),
		STORE_OK));
	cr_expect(eq(sz, count, 0));
}

Test(token_attribute, each_has_its_form)
{
	static char long_text[TOKEN_ATTRIBUTE_MAX + 2];
	struct token_attribute many[TOKEN_ATTRIBUTES_MAX + 1];
	static const struct {
		const char *key;
		const char *value;
		bool is_good;
	} rows[] = {
		{"k", "", true},
		{"0-z", "\xc3\xa4", true},
		{"", "v", false},
		{"K", "v", false},
		{"a_b", "v", false},
		{"cw-x", "v", false},
		{"role-x", "v", false},
		{"groups-x", "v", false},
		{"roles", "v", true},
		{"k", "\xff", false},
		{long_text, "v", false},
		{"k", long_text, false},
		{long_text + 1, long_text + 1, true},
	};
	memset(long_text, 'x', TOKEN_ATTRIBUTE_MAX + 1);

	for (size_t i = 0; i < array_len(rows); i++) {
		struct token_attribute one = {
			slice_str(rows[i].key), slice_str(rows[i].value)};

		cr_expect(token_attribute_are_valid(&one, 1) == rows[i].is_good,
			"row %zu", i);
	}
	for (size_t i = 0; i < array_len(many); i++)
		many[i] = (struct token_attribute){
			slice_of("abcdefghijklmnop" + i, 1), SLICE("v")};
	cr_expect(token_attribute_are_valid(many, TOKEN_ATTRIBUTES_MAX));
	cr_expect(not(token_attribute_are_valid(many,
		TOKEN_ATTRIBUTES_MAX + 1)));
	many[1].key = many[0].key;
	cr_expect(not(token_attribute_are_valid(many, 2)));
}
