/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/iam/orgpolicy_set.h"

#include "s3api/iam/orgpolicy.h"

enum store_err
orgpolicy_set_read(struct store *store, struct policy_cache *cache,
	struct slice organization, struct arena *arena,
	struct orgpolicy_set *out)
{
	struct orgpolicy *texts;
	struct policy **policies;
	size_t found;
	enum store_err err =
		orgpolicy_list(store, organization, arena, &texts, &found);

	*out = (struct orgpolicy_set){0};
	if (err || found == 0)
		return err;
	policies = arena_new_array(arena, found, struct policy *);
	out->policies = policies;
	for (size_t i = 0; i < found; i++) {
		policies[i] = policy_cache_organization(cache, texts[i].name,
			texts[i].text);
		if (!policies[i]) {
			orgpolicy_set_free(out);
			return STORE_CORRUPT;
		}
		out->count++;
	}
	return STORE_OK;
}

void
orgpolicy_set_free(struct orgpolicy_set *set)
{
	for (size_t i = 0; i < set->count; i++) {
		struct policy *policy = set->policies[i];

		policy_free(&policy);
	}
	*set = (struct orgpolicy_set){0};
}
