/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "store/base/buffer.h"
#include "store/base/clock.h"
#include "store/bucket.h"
#include "store/meta/key.h"
#include "store/meta/record.h"
#include "store/store_private.h"
#include "store/token.h"
#include "tests/support/temp_store.h"

#define HERE SLICE(ORGANIZATION_DEFAULT)

static struct token
make(struct store *store, const char *name)
{
	struct token token;
	enum store_err err = token_create(store,
		&(struct token_draft){
			.name = slice_str(name),
			.level = TOKEN_FULL,
		},
		&token);

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
		token_secret(temp.store, HERE, SLICE("alice@example.org"),
			by_name),
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

	cr_assert(eq(int, token_secret(temp.store, HERE, SLICE("a"), one),
		STORE_OK));
	cr_assert(eq(int, token_secret(temp.store, HERE, SLICE("b"), other),
		STORE_OK));
	cr_expect(ne(str, a.access_key, b.access_key));
	cr_expect(ne(str, one, other));
}

Test(token, takes_over_a_given_pair)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	char secret[TOKEN_SECRET_MAX + 1];
	struct token token;

	enum store_err err = token_create(temp.store,
		&(struct token_draft){
			.name = SLICE("old"),
			.level = TOKEN_READ,
			.region = SLICE("mars-1"),
			.access_key = SLICE("AKIDEXAMPLE"),
			.secret = SLICE("wJalr/XUtn+FEMI"),
		},
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
		enum store_err err = token_create(temp.store,
			&(struct token_draft){
				.name = slice_str(cases[i].name),
				.level = (enum token_level)cases[i].level,
				.access_key = slice_str(cases[i].access_key),
				.secret = slice_str(cases[i].secret),
			},
			&token);

		cr_expect(eq(int, err, cases[i].expected), "case %zu", i);
	}
}

Test(token, a_name_and_an_access_key_are_given_out_once)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	struct token token;

	struct token first = make(temp.store, "a");

	cr_expect(eq(int,
		token_create(temp.store,
			&(struct token_draft){
				.name = SLICE("a"),
				.level = TOKEN_FULL,
			},
			&token),
		STORE_TOKEN_EXISTS));
	cr_expect(eq(int,
		token_create(temp.store,
			&(struct token_draft){
				.name = SLICE("b"),
				.level = TOKEN_FULL,
				.access_key = slice_str(first.access_key),
			},
			&token),
		STORE_TOKEN_EXISTS));
	cr_expect(eq(int, token_get(temp.store, HERE, SLICE("b"), &token),
		STORE_NO_TOKEN));
}

Test(token, a_deleted_one_is_gone_by_name_and_by_key)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	char secret[TOKEN_SECRET_MAX + 1];
	struct token token = make(temp.store, "a");

	cr_expect(eq(int, token_delete(temp.store, HERE, SLICE("a")),
		STORE_OK));

	struct token found;
	cr_expect(eq(int, token_get(temp.store, HERE, SLICE("a"), &found),
		STORE_NO_TOKEN));
	cr_expect(eq(int,
		token_find(temp.store, slice_str(token.access_key), &found,
			secret),
		STORE_NO_TOKEN));
	cr_expect(eq(int, token_delete(temp.store, HERE, SLICE("a")),
		STORE_NO_TOKEN));
}

Test(token, lists_in_the_order_of_names)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	scoped(arena_free) struct arena arena = {0};
	struct token *tokens;
	size_t count;

	cr_assert(eq(int, token_list(temp.store, HERE, &arena, &tokens, &count),
		STORE_OK));
	cr_expect(eq(sz, count, 0));
	make(temp.store, "b");
	make(temp.store, "a");
	make(temp.store, "c");

	cr_assert(eq(int, token_list(temp.store, HERE, &arena, &tokens, &count),
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
	cr_assert(eq(int, record_token_decode(bytes, &source), STORE_OK));
	cr_assert(eq(int, db_get(txn, DB_TOKEN, key_slice(&to_key), &bytes),
		STORE_OK));
	cr_assert(eq(int, record_token_decode(bytes, &target), STORE_OK));
	target.sealed = source.sealed;
	record_token_encode(&value, &target);
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

static enum store_err
make_of(struct store *store, const char *organization, const char *name,
	struct token *out)
{
	return token_create(store,
		&(struct token_draft){
			.name = slice_str(name),
			.organization = slice_str(organization),
			.level = TOKEN_FULL,
		},
		out);
}

Test(token, a_name_is_given_out_once_in_each_organization)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	scoped(arena_free) struct arena arena = {0};
	struct token here = make(temp.store, "a");
	struct token there, found, *tokens;
	size_t count;

	cr_expect(eq(int, make_of(temp.store, "acme", "a", &there),
		STORE_NO_ORGANIZATION));
	cr_assert(eq(int, organization_create(temp.store, SLICE("acme")),
		STORE_OK));
	cr_assert(eq(int, make_of(temp.store, "acme", "a", &there), STORE_OK));
	cr_expect(eq(int, make_of(temp.store, "acme", "a", &found),
		STORE_TOKEN_EXISTS));

	cr_expect(eq(str, there.organization, "acme"));
	cr_assert(eq(int, token_get(temp.store, HERE, SLICE("a"), &found),
		STORE_OK));
	cr_expect(eq(str, found.access_key, here.access_key));
	cr_assert(eq(int,
		token_get(temp.store, SLICE("acme"), SLICE("a"), &found),
		STORE_OK));
	cr_expect(eq(str, found.access_key, there.access_key));
	cr_assert(eq(int,
		token_list(temp.store, SLICE_NULL, &arena, &tokens, &count),
		STORE_OK));
	cr_assert(eq(sz, count, 2));
	cr_expect(eq(str, tokens[0].organization, "acme"));
	cr_assert(eq(int,
		token_list(temp.store, SLICE("acme"), &arena, &tokens, &count),
		STORE_OK));
	cr_expect(eq(sz, count, 1));
	cr_expect(eq(int,
		token_revoke(temp.store, HERE, slice_str(there.access_key)),
		STORE_NO_TOKEN));
	cr_expect(eq(int,
		token_revoke(temp.store, SLICE("acme"),
			slice_str(there.access_key)),
		STORE_OK));
	cr_expect(eq(int,
		token_get(temp.store, SLICE("acme"), SLICE("a"), &found),
		STORE_NO_TOKEN));
	cr_expect(eq(int, token_get(temp.store, HERE, SLICE("a"), &found),
		STORE_OK));
}

Test(token, level_region_and_status_change_and_the_secret_stays)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	char before[TOKEN_SECRET_MAX + 1], after[TOKEN_SECRET_MAX + 1];
	const bool is_suspended = true;
	struct token token = make(temp.store, "a");
	struct token found;

	cr_assert(eq(int,
		token_find(temp.store, slice_str(token.access_key), &found,
			before),
		STORE_OK));
	cr_assert(eq(int,
		token_set(temp.store, HERE, SLICE("a"),
			&(struct token_change){
				.level = TOKEN_READ,
				.region = SLICE("mars-1"),
				.is_suspended = &is_suspended,
			},
			&token),
		STORE_OK));

	cr_assert(eq(int,
		token_find(temp.store, slice_str(token.access_key), &found,
			after),
		STORE_OK));
	cr_expect(eq(str, before, after));
	cr_expect(eq(int, found.level, TOKEN_READ));
	cr_expect(eq(str, found.region, "mars-1"));
	cr_expect(eq(str, (char *)token_status(&found, 0), "SUSPENDED"));
	cr_expect(eq(int,
		token_set(temp.store, HERE, SLICE("b"),
			&(struct token_change){.level = TOKEN_READ}, &token),
		STORE_NO_TOKEN));
}

Test(token, a_region_that_is_too_long_changes_nothing)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	struct token token = make(temp.store, "a");
	struct token found;
	char region[sizeof(token.region) + 1];
	char secret[TOKEN_SECRET_MAX + 1];

	memset(region, 'x', sizeof(region));
	region[sizeof(token.region)] = '\0';
	cr_expect(eq(int,
		token_set(temp.store, HERE, SLICE("a"),
			&(struct token_change){
				.level = TOKEN_READ,
				.region = slice_str(region),
			},
			&token),
		STORE_INVALID));

	cr_assert(eq(int,
		token_find(temp.store, slice_str(token.access_key), &found,
			secret),
		STORE_OK));
	cr_expect(eq(int, found.level, token.level));
	cr_expect(eq(str, found.region, token.region));
}

static struct token_draft
temporary(const char *name, int64_t expires_ns)
{
	return (struct token_draft){
		.name = slice_str(name),
		.role = SLICE("reader"),
		.level = TOKEN_FULL,
		.kind = TOKEN_TEMPORARY,
		.expires_ns = expires_ns,
	};
}

Test(token, temporary_ones_share_a_name_and_are_swept_after_their_end)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	int64_t end_ns = clock_now_ns() + 60 * CLOCK_NS_PER_S;
	struct token_draft draft = temporary("ann@example.org", end_ns);
	char secret[TOKEN_SECRET_MAX + 1];
	struct token one, other, found;
	bool more = true;

	cr_assert(eq(int, token_create(temp.store, &draft, &one), STORE_OK));
	cr_assert(eq(int, token_create(temp.store, &draft, &other), STORE_OK));
	cr_expect(ne(str, one.access_key, other.access_key));
	cr_expect(eq(str, one.role, "reader"));
	cr_expect(eq(str, (char *)token_status(&one, end_ns), "EXPIRED"));

	/* It is told that it has expired for a while. */
	cr_expect(eq(int,
		token_expiry_sweep(temp.store, end_ns + 60 * CLOCK_NS_PER_S,
			&more),
		STORE_OK));
	cr_expect(eq(int,
		token_find(temp.store, slice_str(one.access_key), &found,
			secret),
		STORE_OK));
	cr_expect(eq(int,
		token_expiry_sweep(temp.store, end_ns + 3602 * CLOCK_NS_PER_S,
			&more),
		STORE_OK));
	cr_expect(not(more));
	cr_expect(eq(int,
		token_find(temp.store, slice_str(one.access_key), &found,
			secret),
		STORE_NO_TOKEN));
	cr_expect(eq(int,
		token_find(temp.store, slice_str(other.access_key), &found,
			secret),
		STORE_NO_TOKEN));
	draft.expires_ns = 1;
	cr_expect(eq(int, token_create(temp.store, &draft, &one),
		STORE_INVALID));
}

Test(token, those_that_live_by_a_document_end_with_it)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	int64_t end_ns = clock_now_ns() + 60 * CLOCK_NS_PER_S;
	struct token_draft draft = temporary("ann", end_ns);
	const struct slice value = SLICE("document");
	const bool is_suspended = false;
	char secret[TOKEN_SECRET_MAX + 1];
	struct token granted[3], other, found;

	draft.granted_by = SLICE("idp/default/main");
	cr_expect(eq(int, token_create(temp.store, &draft, &found),
		STORE_NOT_FOUND));
	cr_assert(eq(int,
		bucket_set_document(temp.store, 0, draft.granted_by, &value),
		STORE_OK));
	for (size_t i = 0; i < 3; i++)
		cr_assert(eq(int, token_create(temp.store, &draft, &granted[i]),
			STORE_OK));
	/* What changes of one does not let it out. */
	cr_assert(eq(int,
		token_set_by_key(temp.store, SLICE(ORGANIZATION_DEFAULT),
			slice_str(granted[1].access_key),
			&(struct token_change){.is_suspended = &is_suspended},
			&found),
		STORE_OK));
	draft.granted_by = SLICE_NULL;
	cr_assert(eq(int, token_create(temp.store, &draft, &other), STORE_OK));

	cr_assert(eq(int,
		token_end_grant(temp.store, SLICE("idp/default/main")),
		STORE_OK));

	for (size_t i = 0; i < 3; i++)
		cr_expect(eq(int,
			token_find(temp.store, slice_str(granted[i].access_key),
				&found, secret),
			STORE_NO_TOKEN));
	cr_expect(eq(int,
		token_find(temp.store, slice_str(other.access_key), &found,
			secret),
		STORE_OK));
	draft.granted_by = SLICE("idp/default/main");
	cr_expect(eq(int, token_create(temp.store, &draft, &found),
		STORE_NOT_FOUND));
	draft.kind = TOKEN_PERMANENT;
	cr_expect(eq(int, token_create(temp.store, &draft, &found),
		STORE_INVALID));
}

Test(token, what_is_given_once_is_taken_once_until_it_is_swept)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	const uint8_t once[TOKEN_ONCE_LEN] = {1, 2, 3};
	int64_t now_ns = clock_now_ns();
	struct token_draft draft =
		temporary("ann", now_ns + 9000 * CLOCK_NS_PER_S);
	struct token token;
	bool more;

	draft.once = once;
	draft.once_until_ns = now_ns + 60 * CLOCK_NS_PER_S;

	cr_expect(eq(int, token_create(temp.store, &draft, &token), STORE_OK));
	cr_expect(eq(int, token_create(temp.store, &draft, &token),
		STORE_EXISTS));
	temp_store_reopen(&temp);
	cr_expect(eq(int, token_create(temp.store, &draft, &token),
		STORE_EXISTS));
	cr_expect(eq(int,
		token_expiry_sweep(temp.store, now_ns + 59 * CLOCK_NS_PER_S,
			&more),
		STORE_OK));
	cr_expect(eq(int, token_create(temp.store, &draft, &token),
		STORE_EXISTS));
	cr_expect(eq(int,
		token_expiry_sweep(temp.store, now_ns + 63 * CLOCK_NS_PER_S,
			&more),
		STORE_OK));
	cr_expect(eq(int, token_create(temp.store, &draft, &token), STORE_OK));
}

Test(token, what_is_given_once_is_given_in_time_and_not_after_its_end)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	const uint8_t once[TOKEN_ONCE_LEN] = {1, 2, 3};
	int64_t now_ns = clock_now_ns();
	struct token_draft draft =
		temporary("ann", now_ns + 9000 * CLOCK_NS_PER_S);
	struct token token;

	draft.once = once;
	draft.once_until_ns = now_ns - 1;
	cr_expect(eq(int, token_create(temp.store, &draft, &token),
		STORE_EXISTS));
}

Test(token, session_tokens_are_each_key_s_own_and_outlive_the_process)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	char one[TOKEN_SESSION_LEN + 1], other[TOKEN_SESSION_LEN + 1];
	char again[TOKEN_SESSION_LEN + 1];
	struct token a = make(temp.store, "a");
	struct token b = make(temp.store, "b");

	token_secret_session(temp.store, &a, one);
	token_secret_session(temp.store, &b, other);
	temp_store_reopen(&temp);
	token_secret_session(temp.store, &a, again);

	cr_expect(ne(str, one, other));
	cr_expect(eq(str, one, again));
	cr_expect(eq(sz, strlen(one), TOKEN_SESSION_LEN));
}

Test(token, last_use_is_kept_and_goes_with_the_token)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	struct token token = make(temp.store, "a");
	const struct slice keys[] = {
		slice_str(token.access_key),
		SLICE("NOSUCHKEY"),
	};
	int64_t used_ns = -1;

	cr_assert(eq(int, token_use_last(temp.store, keys[0], &used_ns),
		STORE_OK));
	cr_expect(eq(i64, used_ns, 0));
	cr_expect(eq(int, token_use_note(temp.store, keys, 2, 77), STORE_OK));
	cr_assert(eq(int, token_use_last(temp.store, keys[0], &used_ns),
		STORE_OK));
	cr_expect(eq(i64, used_ns, 77));
	cr_assert(eq(int, token_use_last(temp.store, keys[1], &used_ns),
		STORE_OK));
	cr_expect(eq(i64, used_ns, 0));
	cr_expect(eq(int, token_delete(temp.store, HERE, SLICE("a")),
		STORE_OK));
	cr_assert(eq(int, token_use_last(temp.store, keys[0], &used_ns),
		STORE_OK));
	cr_expect(eq(i64, used_ns, 0));
}
