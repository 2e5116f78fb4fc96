/* SPDX-License-Identifier: Apache-2.0 */
/*
 * standing.h - what somebody may whose request was long ago, and for whom
 * something is done now: by the policies of now.
 *
 * Conditions find who it is and nothing of a request: an Allow that asks for an
 * address does not apply.  Access control lists do not count.
 *
 * Threads:   any.
 */
#pragma once

#include "s3api/iam/policy_cache.h"
#include "store/bucket.h"

/* False, too, where the policies cannot be read. */
bool standing_may(struct store *store, struct policy_cache *cache,
	const struct policy_caller *caller, enum policy_action action,
	const struct bucket *bucket, struct slice key);
