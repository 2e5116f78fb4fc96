/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/iam/clerk.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

#include "store/base/clock.h"
#include "store/token.h"
#include "tests/support/temp_store.h"

#define MINUTE_NS (60 * CLOCK_NS_PER_S)
#define BEGIN_NS (29000000 * MINUTE_NS)

static struct token
make(struct store *store, const char *name)
{
	struct token token;

	cr_assert(eq(int,
		token_create(store,
			&(struct token_draft){
				.name = slice_str(name),
				.level = TOKEN_READ,
			},
			&token),
		STORE_OK));
	return token;
}

static int64_t
last_used(struct store *store, const struct token *token)
{
	int64_t used_ns = -1;

	cr_assert(eq(int,
		token_use_last(store, slice_str(token->access_key), &used_ns),
		STORE_OK));
	return used_ns;
}

/* Stopping writes what is left. */
Test(clerk, notes_a_key_once_a_minute)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	struct token token = make(temp.store, "a");
	struct slice key = slice_str(token.access_key);
	struct clerk *clerk;

	cr_assert(eq(int, clerk_start(temp.store, &clerk), STORE_OK));
	clerk_note(clerk, key, BEGIN_NS);
	clerk_note(clerk, key, BEGIN_NS + MINUTE_NS - 1);
	clerk_stop(&clerk);
	cr_expect(eq(i64, last_used(temp.store, &token), BEGIN_NS));

	cr_assert(eq(int, clerk_start(temp.store, &clerk), STORE_OK));
	clerk_note(clerk, key, BEGIN_NS);
	clerk_note(clerk, key, BEGIN_NS + MINUTE_NS);
	clerk_stop(&clerk);
	cr_expect(eq(i64, last_used(temp.store, &token), BEGIN_NS + MINUTE_NS));
}

Test(clerk, notes_many_keys_at_once)
{
	enum { COUNT = 200 };
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	struct token tokens[COUNT];
	struct clerk *clerk;

	for (int i = 0; i < COUNT; i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "t%d", i);
		tokens[i] = make(temp.store, name);
	}
	cr_assert(eq(int, clerk_start(temp.store, &clerk), STORE_OK));
	for (int round = 0; round < 3; round++)
		for (int i = 0; i < COUNT; i++)
			clerk_note(clerk, slice_str(tokens[i].access_key),
				BEGIN_NS);
	clerk_stop(&clerk);
	for (int i = 0; i < COUNT; i++)
		cr_expect(eq(i64, last_used(temp.store, &tokens[i]), BEGIN_NS));
}
