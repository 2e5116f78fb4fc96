/* SPDX-License-Identifier: Apache-2.0 */
/*
 * standing.h - what somebody may whose request was long ago, and for whom
 * something is done now: by the policies of now.
 *
 * Conditions find who it is, the tags of a version that is named, and nothing
 * of a request: an Allow that asks for an address does not apply.  Access
 * control lists do not count; a public access block does.
 *
 * Threads:   any.
 */
#pragma once

#include "s3api/iam/policy_cache.h"
#include "store/bucket.h"

struct standing_ask {
	const struct policy_caller *caller;
	enum policy_action action;
	const struct bucket *bucket;
	struct slice key;
	uint64_t number; /* of the version that is there; 0: of none */
};

/* False, too, where the policies cannot be read, or what they ask for. */
bool standing_may(struct store *store, struct policy_cache *cache,
	const struct standing_ask *ask);
