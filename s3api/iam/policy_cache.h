/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_cache.h - parsed policies by their text.
 *
 * A request reads the text from the store, which costs less than a
 * microsecond, and asks for what it means: so nothing here is ever stale, in
 * whichever process the policy changed.
 *
 * Threads:   any.
 */
#pragma once

#include "s3api/iam/policy.h"

struct policy_cache;

struct policy_cache *policy_cache_create(void);
void policy_cache_free(struct policy_cache **cache);

/*
 * The policy of a bucket of that inode and name; one reference, the caller's.
 * NULL: the text is no policy, which it was when it was stored.
 */
must_check struct policy *policy_cache_bucket(struct policy_cache *cache,
	uint64_t ino, struct slice name, struct slice text);

/* The same for an organization's policy of that name. */
must_check struct policy *policy_cache_organization(struct policy_cache *cache,
	struct slice name, struct slice text);
