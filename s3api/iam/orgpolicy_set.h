/* SPDX-License-Identifier: Apache-2.0 */
/* orgpolicy_set.h - the access policies of an organization as they are now,
 * parsed. */
#pragma once

#include "s3api/iam/policy_cache.h"
#include "store/store.h"

struct orgpolicy_set {
	struct policy *const *policies; /* in the arena */
	size_t count;
};

/* CORRUPT: one cannot be read.  On failure the set is empty: what could be read
 * does not count without the rest. */
must_check enum store_err orgpolicy_set_read(struct store *store,
	struct policy_cache *cache, struct slice organization,
	struct arena *arena, struct orgpolicy_set *out);

/* Gives the policies back; allowed on zeros. */
void orgpolicy_set_free(struct orgpolicy_set *set);
