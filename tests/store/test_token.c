/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "store/base/buffer.h"
#include "store/meta/key.h"
#include "store/meta/record.h"
#include "store/store_private.h"
#include "store/token.h"
#include "tests/support/temp_store.h"

static struct token
make(struct store *store, const char *name)
{
	struct token token;
	enum store_err err = token_create(store, slice_str(name), TOKEN_FULL,
		SLICE_NULL, SLICE_NULL, SLICE_NULL, &token);

	cr_assert(eq(int, err, STORE_OK));
	return token;
}

Test(token, a_drawn_pair_is_found_with_its_secret)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	char by_key[TOKEN_SECRET_MAX + 1], by_name[TOKEN_SECRET_MAX + 1];
	struct token found;

	struct token made = make(temp.store, "alice@example.org");

	cr_expect(eq(sz, strlen(made.access_key), 20));
	cr_expect(eq(int, strncmp(made.access_key, "TARN", 4), 0));
	cr_expect(eq(int,
		token_find(temp.store, slice_str(made.access_key), &found,
			by_key),
		STORE_OK));
	cr_expect(eq(int,
		token_secret(temp.store, SLICE("alice@example.org"), by_name),
		STORE_OK));
	cr_expect(eq(sz, strlen(by_key), 40));
	cr_expect(eq(str, by_key, by_name));
	cr_expect(eq(str, found.name, "alice@example.org"));
	cr_expect(eq(int, found.level, TOKEN_FULL));
}

Test(token, two_drawn_pairs_differ)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	char one[TOKEN_SECRET_MAX + 1], other[TOKEN_SECRET_MAX + 1];

	struct token a = make(temp.store, "a");
	struct token b = make(temp.store, "b");

	cr_assert(eq(int, token_secret(temp.store, SLICE("a"), one), STORE_OK));
	cr_assert(eq(int, token_secret(temp.store, SLICE("b"), other),
		STORE_OK));
	cr_expect(ne(str, a.access_key, b.access_key));
	cr_expect(ne(str, one, other));
}

Test(token, takes_over_a_given_pair)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	char secret[TOKEN_SECRET_MAX + 1];
	struct token token;

	enum store_err err = token_create(temp.store, SLICE("old"), TOKEN_READ,
		SLICE("mars-1"), SLICE("AKIDEXAMPLE"), SLICE("wJalr/XUtn+FEMI"),
		&token);

	cr_assert(eq(int, err, STORE_OK));
	cr_assert(eq(int,
		token_find(temp.store, SLICE("AKIDEXAMPLE"), &token, secret),
		STORE_OK));
	cr_expect(eq(str, secret, "wJalr/XUtn+FEMI"));
	cr_expect(eq(str, token.region, "mars-1"));
	cr_expect(eq(int, token.level, TOKEN_READ));
}

Test(token, refuses_what_is_not_a_name_a_key_a_secret_or_a_level)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	struct {
		const char *name, *access_key, *secret;
		int level;
		enum store_err expected;
	} cases[] = {
		{"", "", "", TOKEN_FULL, STORE_BAD_NAME},
		{"a b", "", "", TOKEN_FULL, STORE_BAD_NAME},
		{"a/b", "", "", TOKEN_FULL, STORE_BAD_NAME},
		{"a", "ab", "longenough", TOKEN_FULL, STORE_BAD_NAME},
		{"a", "abc@", "longenough", TOKEN_FULL, STORE_BAD_NAME},
		{"a", "abc", "7 bytes", TOKEN_FULL, STORE_INVALID},
		{"a", "abc", "with\ttabs", TOKEN_FULL, STORE_INVALID},
		{"a", "abc", "longenough", 0, STORE_INVALID},
		{"a", "abc", "longenough", 5, STORE_INVALID},
		{"a", "abc", "longenough", TOKEN_FULL, STORE_OK},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct token token;
		enum store_err err =
			token_create(temp.store, slice_str(cases[i].name),
				(enum token_level)cases[i].level, SLICE_NULL,
				slice_str(cases[i].access_key),
				slice_str(cases[i].secret), &token);

		cr_expect(eq(int, err, cases[i].expected), "case %zu", i);
	}
}

Test(token, a_name_and_an_access_key_are_given_out_once)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	struct token token;

	struct token first = make(temp.store, "a");

	cr_expect(eq(int,
		token_create(temp.store, SLICE("a"), TOKEN_FULL, SLICE_NULL,
			SLICE_NULL, SLICE_NULL, &token),
		STORE_TOKEN_EXISTS));
	cr_expect(eq(int,
		token_create(temp.store, SLICE("b"), TOKEN_FULL, SLICE_NULL,
			slice_str(first.access_key), SLICE_NULL, &token),
		STORE_TOKEN_EXISTS));
	cr_expect(eq(int, token_get(temp.store, SLICE("b"), &token),
		STORE_NO_TOKEN));
}

Test(token, a_deleted_one_is_gone_by_name_and_by_key)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	char secret[TOKEN_SECRET_MAX + 1];
	struct token token = make(temp.store, "a");

	cr_expect(eq(int, token_delete(temp.store, SLICE("a")), STORE_OK));

	struct token found;
	cr_expect(eq(int, token_get(temp.store, SLICE("a"), &found),
		STORE_NO_TOKEN));
	cr_expect(eq(int,
		token_find(temp.store, slice_str(token.access_key), &found,
			secret),
		STORE_NO_TOKEN));
	cr_expect(eq(int, token_delete(temp.store, SLICE("a")),
		STORE_NO_TOKEN));
}

Test(token, lists_in_the_order_of_names)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	scoped(arena_free) struct arena arena = {0};
	struct token *tokens;
	size_t count;

	cr_assert(eq(int, token_list(temp.store, &arena, &tokens, &count),
		STORE_OK));
	cr_expect(eq(sz, count, 0));
	make(temp.store, "b");
	make(temp.store, "a");
	make(temp.store, "c");

	cr_assert(eq(int, token_list(temp.store, &arena, &tokens, &count),
		STORE_OK));
	cr_assert(eq(sz, count, 3));
	cr_expect(eq(str, tokens[0].name, "a"));
	cr_expect(eq(str, tokens[1].name, "b"));
	cr_expect(eq(str, tokens[2].name, "c"));
}

/* Copies the sealed secret of one token's record to another's. */
static void
swap_secret(struct store *store, const char *from, const char *to)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	scoped(buffer_free) struct buffer value = {0};
	struct key from_key = key_text(slice_str(from));
	struct key to_key = key_text(slice_str(to));
	struct record_token source, target;
	struct slice bytes;
	uint64_t number;

	cr_assert(eq(int, db_begin_write(store->db, &txn), STORE_OK));
	cr_assert(eq(int, db_get(txn, DB_TOKEN, key_slice(&from_key), &bytes),
		STORE_OK));
	cr_assert(eq(int, record_decode_token(bytes, &source), STORE_OK));
	cr_assert(eq(int, db_get(txn, DB_TOKEN, key_slice(&to_key), &bytes),
		STORE_OK));
	cr_assert(eq(int, record_decode_token(bytes, &target), STORE_OK));
	target.sealed = source.sealed;
	record_encode_token(&value, &target);
	cr_assert(eq(int,
		db_put(txn, DB_TOKEN, key_slice(&to_key), buffer_slice(&value)),
		STORE_OK));
	cr_assert(eq(int, db_commit(&txn, &number), STORE_OK));
}

Test(token, a_sealed_secret_opens_for_its_own_access_key_alone)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	char secret[TOKEN_SECRET_MAX + 1];
	struct token found;
	struct token a = make(temp.store, "a");
	struct token b = make(temp.store, "b");

	swap_secret(temp.store, a.access_key, b.access_key);

	cr_expect(eq(int,
		token_find(temp.store, slice_str(b.access_key), &found, secret),
		STORE_CORRUPT));
}

Test(token, levels_have_names_both_ways)
{
	static const enum token_level levels[] = {
		TOKEN_READ, TOKEN_WRITE, TOKEN_READWRITE, TOKEN_FULL};
	enum token_level level;

	for (size_t i = 0; i < 4; i++) {
		cr_expect(token_level_from_name(token_level_name(levels[i]),
			&level));
		cr_expect(eq(int, level, levels[i]));
	}
	cr_expect(not(token_level_from_name("root", &level)));
}
