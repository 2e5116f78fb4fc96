/* SPDX-License-Identifier: Apache-2.0 */
/* Access policies in the store. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

#include "s3api/iam/orgpolicy.h"
#include "tests/support/temp_store.h"

static enum store_err
put(struct store *store, const char *organization, const char *name)
{
	char text[512];
	struct policy_error error = {""};

	(void)snprintf(text, sizeof(text),
		"{\"version\":\"v1alpha1\",\"name\":\"%s\",\"statements\":["
		"{\"name\":\"a\",\"effect\":\"Allow\",\"actions\":[\"*\"],"
		"\"resources\":[\"*\"],\"principals\":[\"*\"]}]}",
		name);

	scoped(policy_free) struct policy *policy =
			orgpolicy_parse(slice_str(text), &error);

	cr_assert(policy != NULL, "%s", error.text);
	return orgpolicy_put(store, slice_str(organization), policy,
		slice_str(text));
}

static size_t
count_of(struct store *store, const char *organization)
{
	scoped(arena_free) struct arena arena = {0};
	struct orgpolicy *policies;
	size_t count = 0;

	cr_assert(eq(int,
		orgpolicy_list(store, slice_str(organization), &arena,
			&policies, &count),
		STORE_OK));
	return count;
}

Test(orgpolicy, each_organization_has_its_own)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	scoped(arena_free) struct arena arena = {0};
	struct orgpolicy *policies;
	size_t count;

	cr_assert(eq(int, put(temp.store, "org", "b"), STORE_OK));
	cr_assert(eq(int, put(temp.store, "org", "a"), STORE_OK));
	cr_assert(eq(int, put(temp.store, "org", "a"), STORE_OK));
	cr_assert(eq(int, put(temp.store, "organic", "c"), STORE_OK));

	cr_assert(eq(int,
		orgpolicy_list(temp.store, SLICE("org"), &arena, &policies,
			&count),
		STORE_OK));
	cr_assert(eq(sz, count, 2));
	cr_expect(slice_equal(policies[0].name, SLICE("a")));
	cr_expect(slice_equal(policies[1].name, SLICE("b")));
	cr_expect(eq(sz, count_of(temp.store, "organic"), 1));
	cr_expect(eq(sz, count_of(temp.store, "or"), 0));
}

Test(orgpolicy, is_gone_once_it_is_deleted)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();

	cr_assert(eq(int, put(temp.store, "org", "a"), STORE_OK));

	cr_expect(eq(int,
		orgpolicy_delete(temp.store, SLICE("org"), SLICE("b")),
		STORE_NOT_FOUND));
	cr_expect(eq(int,
		orgpolicy_delete(temp.store, SLICE("org"), SLICE("../a")),
		STORE_NOT_FOUND));
	cr_expect(eq(int,
		orgpolicy_delete(temp.store, SLICE("org"), SLICE("a")),
		STORE_OK));
	cr_expect(eq(sz, count_of(temp.store, "org"), 0));
}

Test(orgpolicy, there_is_a_bound_that_replacing_does_not_meet)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	char name[16];

	for (unsigned int i = 0; i < ORGPOLICY_COUNT_MAX; i++) {
		(void)snprintf(name, sizeof(name), "p%u", i);
		cr_assert(eq(int, put(temp.store, "org", name), STORE_OK));
	}

	cr_expect(eq(int, put(temp.store, "org", "more"), STORE_TOO_BIG));
	cr_expect(eq(int, put(temp.store, "org", "p7"), STORE_OK));
	cr_expect(eq(int, put(temp.store, "other", "more"), STORE_OK));
}
