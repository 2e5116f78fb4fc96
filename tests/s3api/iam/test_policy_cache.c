/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "s3api/iam/policy_cache.h"

#define POLICY(effect)                                                         \
	SLICE("{\"Statement\":{\"Effect\":\"" effect                           \
	      "\",\"Principal\":\"*\",\"Action\":\"s3:*\",\"Resource\":"       \
	      "\"arn:aws:s3:::photos/*\"}}")

Test(policy_cache, parses_a_text_once_and_a_changed_one_anew)
{
	scoped(policy_cache_free) struct policy_cache *cache =
			policy_cache_create();
	scoped(policy_free) struct policy *first = policy_cache_bucket(cache, 7,
		SLICE("photos"), POLICY("Allow"));
	scoped(policy_free) struct policy *again = policy_cache_bucket(cache, 7,
		SLICE("photos"), POLICY("Allow"));
	scoped(policy_free) struct policy *changed = policy_cache_bucket(cache,
		7, SLICE("photos"), POLICY("Deny"));

	cr_assert(first != NULL);
	cr_expect(first == again);
	cr_assert(changed != NULL);
	cr_expect(changed != first);
	cr_expect(first->statements[0].is_allow == true);
	cr_expect(changed->statements[0].is_allow == false);
}

Test(policy_cache, buckets_that_share_a_slot_keep_their_own_policies)
{
	scoped(policy_cache_free) struct policy_cache *cache =
			policy_cache_create();

	for (uint64_t ino = 7; ino < 7 + 64 * 1024; ino += 1024) {
		bool is_even = ino / 1024 % 2 == 0;
		scoped(policy_free) struct policy *policy =
				policy_cache_bucket(cache, ino, SLICE("photos"),
					is_even ? POLICY("Allow")
						: POLICY("Deny"));

		cr_assert(policy != NULL);
		cr_expect(eq(int, policy->statements[0].is_allow, is_even));
	}
}

Test(policy_cache, what_is_no_policy_is_none)
{
	scoped(policy_cache_free) struct policy_cache *cache =
			policy_cache_create();

	cr_expect(policy_cache_bucket(cache, 7, SLICE("other"),
			  POLICY("Allow")) == NULL);
	cr_expect(policy_cache_organization(cache, SLICE("a"),
			  POLICY("Allow")) == NULL);
}
