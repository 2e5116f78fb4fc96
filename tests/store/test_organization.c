/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "store/base/clock.h"
#include "store/bucket.h"
#include "store/organization.h"
#include "store/token.h"
#include "store/usage.h"
#include "tests/support/temp_store.h"

Test(organization, names_are_plain)
{
	const char *bad[] = {"", "a b", "a/b", "a:b", "-a", ".", "*", "a@b",
		"a234567890123456789012345678901234567890123456789012345678901"
		"234"};
	const char *good[] = {
		"a", "default", "my-namespace", "ACME_2.x", "123456789012"};

	for (size_t i = 0; i < array_len(bad); i++)
		cr_expect(not(organization_name_is_valid(slice_str(bad[i]))),
			"%s", bad[i]);
	for (size_t i = 0; i < array_len(good); i++)
		cr_expect(organization_name_is_valid(slice_str(good[i])), "%s",
			good[i]);
}

Test(organization, the_default_one_is_always_there)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	scoped(arena_free) struct arena arena = {0};
	struct slice name = SLICE(ORGANIZATION_DEFAULT);
	struct organization *list;
	size_t count;

	cr_expect(eq(int, organization_check(temp.store, name), STORE_OK));
	cr_expect(eq(int, organization_create(temp.store, name),
		STORE_ORGANIZATION_EXISTS));
	cr_expect(eq(int, organization_delete(temp.store, name),
		STORE_NOT_PERMITTED));
	cr_assert(eq(int, organization_list(temp.store, &arena, &list, &count),
		STORE_OK));
	cr_assert(eq(sz, count, 1));
	cr_expect(eq(str, list[0].name, "default"));
}

Test(organization, is_created_once_listed_in_order_and_deleted)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	scoped(arena_free) struct arena arena = {0};
	struct organization *list;
	size_t count;

	cr_expect(eq(int, organization_create(temp.store, SLICE("zeta")),
		STORE_OK));
	cr_expect(eq(int, organization_create(temp.store, SLICE("acme")),
		STORE_OK));
	cr_expect(eq(int, organization_create(temp.store, SLICE("acme")),
		STORE_ORGANIZATION_EXISTS));
	cr_expect(eq(int, organization_create(temp.store, SLICE("a b")),
		STORE_BAD_NAME));
	temp_store_reopen(&temp);
	cr_assert(eq(int, organization_list(temp.store, &arena, &list, &count),
		STORE_OK));
	cr_assert(eq(sz, count, 3));
	cr_expect(eq(str, list[0].name, "default"));
	cr_expect(eq(str, list[1].name, "acme"));
	cr_expect(eq(str, list[2].name, "zeta"));
	cr_expect(list[1].created_ns > list[2].created_ns);

	cr_expect(eq(int, organization_delete(temp.store, SLICE("acme")),
		STORE_OK));
	cr_expect(eq(int, organization_delete(temp.store, SLICE("acme")),
		STORE_NO_ORGANIZATION));
	cr_expect(eq(int, organization_check(temp.store, SLICE("acme")),
		STORE_NO_ORGANIZATION));
	cr_expect(eq(int, organization_check(temp.store, SLICE("zeta")),
		STORE_OK));
}

Test(organization, a_quota_is_of_one_that_is_there_and_goes_with_it)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	const struct usage_quota quota = {.objects = 5, .bytes = 100};
	struct usage usage;

	cr_expect(eq(int,
		usage_set_organization_quota(temp.store, SLICE("acme"), &quota),
		STORE_NO_ORGANIZATION));
	cr_assert(eq(int, organization_create(temp.store, SLICE("acme")),
		STORE_OK));
	cr_expect(eq(int,
		usage_set_organization_quota(temp.store, SLICE("acme"), &quota),
		STORE_OK));
	cr_assert(eq(int, organization_delete(temp.store, SLICE("acme")),
		STORE_OK));
	cr_assert(eq(int, organization_create(temp.store, SLICE("acme")),
		STORE_OK));

	cr_assert(eq(int,
		usage_of_organization(temp.store, SLICE("acme"), &usage),
		STORE_OK));
	cr_expect(eq(u64, usage.quota.objects, 0));
	cr_expect(eq(u64, usage.quota.bytes, USAGE_ORGANIZATION_BYTES));
}

Test(organization, that_owns_a_bucket_or_a_token_stays)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	struct slice name = SLICE("acme");
	struct token_draft draft = {
		.name = SLICE("a"),
		.organization = name,
		.level = TOKEN_FULL,
	};
	struct bucket bucket;
	struct token token;

	cr_expect(eq(int,
		bucket_create(temp.store, SLICE("photos"), name, &bucket),
		STORE_NO_ORGANIZATION));
	cr_assert(eq(int, organization_create(temp.store, name), STORE_OK));
	cr_assert(eq(int,
		bucket_create(temp.store, SLICE("photos"), name, &bucket),
		STORE_OK));
	cr_expect(eq(int, organization_delete(temp.store, name),
		STORE_ORGANIZATION_NOT_EMPTY));
	cr_assert(eq(int, bucket_delete(temp.store, SLICE("photos")),
		STORE_OK));
	cr_assert(eq(int, token_create(temp.store, &draft, &token), STORE_OK));
	cr_expect(eq(int, organization_delete(temp.store, name),
		STORE_ORGANIZATION_NOT_EMPTY));
	cr_assert(eq(int, token_delete(temp.store, name, SLICE("a")),
		STORE_OK));
	cr_expect(eq(int, organization_delete(temp.store, name), STORE_OK));
}

Test(organization, takes_its_policies_and_temporary_keys_along)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	scoped(arena_free) struct arena arena = {0};
	struct slice text = SLICE("{}");
	struct token_draft draft = {
		.name = SLICE("a"),
		.organization = SLICE("acme"),
		.level = TOKEN_FULL,
		.kind = TOKEN_TEMPORARY,
		.expires_ns = clock_now_ns() + 60 * CLOCK_NS_PER_S,
	};
	char secret[TOKEN_SECRET_MAX + 1];
	struct token token, found;

	cr_assert(eq(int, organization_create(temp.store, SLICE("acme")),
		STORE_OK));
	cr_assert(eq(int, organization_create(temp.store, SLICE("acme2")),
		STORE_OK));
	cr_assert(eq(int, token_create(temp.store, &draft, &token), STORE_OK));
	cr_assert(eq(int,
		bucket_set_document(temp.store, 0, SLICE("orgpolicy/acme/p"),
			&text),
		STORE_OK));
	cr_assert(eq(int,
		bucket_set_document(temp.store, 0, SLICE("orgpolicy/acme2/p"),
			&text),
		STORE_OK));

	cr_expect(eq(int, organization_delete(temp.store, SLICE("acme")),
		STORE_OK));

	cr_expect(eq(int,
		token_find(temp.store, slice_str(token.access_key), &found,
			secret),
		STORE_NO_TOKEN));
	cr_expect(eq(int,
		bucket_get_document(temp.store, 0, SLICE("orgpolicy/acme/p"),
			&arena, &text),
		STORE_NOT_FOUND));
	cr_expect(eq(int,
		bucket_get_document(temp.store, 0, SLICE("orgpolicy/acme2/p"),
			&arena, &text),
		STORE_OK));
}
