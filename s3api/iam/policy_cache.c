/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/iam/policy_cache.h"

#include <pthread.h>
#include <stdlib.h>

#include "s3api/iam/orgpolicy.h"
#include "store/base/error.h"
#include "store/base/log.h"
#include "store/base/mutex.h"

/* Several policies share a slot by turns; more buckets than that in use at a
 * time are parsed again. */
#define SLOTS 1024

struct slot {
	struct policy *policy; /* NULL: empty */
	uint64_t number;
	char *text;
	size_t len;
};

struct policy_cache {
	pthread_mutex_t lock;
	struct slot slots[SLOTS]; /* under lock */
};

struct policy_cache *
policy_cache_create(void)
{
	struct policy_cache *cache = calloc(1, sizeof(*cache));

	if (!cache)
		error_out_of_memory();
	mutex_init(&cache->lock);
	return cache;
}

static void
empty(struct slot *slot)
{
	policy_free(&slot->policy);
	free(slot->text);
	*slot = (struct slot){0};
}

void
policy_cache_free(struct policy_cache **cache)
{
	if (!*cache)
		return;
	for (size_t i = 0; i < SLOTS; i++)
		empty(&(*cache)->slots[i]);
	mutex_destroy(&(*cache)->lock);
	free(*cache);
	*cache = NULL;
}

static struct policy *
find(struct policy_cache *cache, uint64_t number, struct slice text)
{
	mutex_scoped(&cache->lock);
	const struct slot *slot = &cache->slots[number % SLOTS];

	if (!slot->policy || slot->number != number ||
		!slice_equal(slice_of(slot->text, slot->len), text))
		return NULL;
	return policy_keep(slot->policy);
}

static void
enter(struct policy_cache *cache, uint64_t number, struct slice text,
	struct policy *policy)
{
	char *copy = malloc(text.len + 1);

	if (!copy)
		error_out_of_memory();
	memcpy(copy, text.data, text.len);

	mutex_scoped(&cache->lock);
	struct slot *slot = &cache->slots[number % SLOTS];

	empty(slot);
	*slot = (struct slot){policy_keep(policy), number, copy, text.len};
}

struct policy *
policy_cache_bucket(struct policy_cache *cache, uint64_t ino, struct slice name,
	struct slice text)
{
	struct policy *policy = find(cache, ino, text);
	struct policy_error error;

	if (policy)
		return policy;
	policy = policy_parse(text, name, &error);
	if (policy)
		enter(cache, ino, text, policy);
	else
		log_error("the policy of bucket %.*s is none: %s",
			(int)name.len, name.data, error.text);
	return policy;
}

/* FNV-1a, away from inodes by its top bit. */
static uint64_t
number_of(struct slice name)
{
	uint64_t number = 0xcbf29ce484222325;

	for (size_t i = 0; i < name.len; i++)
		number = (number ^ (unsigned char)name.data[i]) * 0x100000001b3;
	return number | 1ull << 63;
}

struct policy *
policy_cache_organization(struct policy_cache *cache, struct slice name,
	struct slice text)
{
	uint64_t number = number_of(name);
	struct policy *policy = find(cache, number, text);
	struct policy_error error;

	if (policy)
		return policy;
	policy = orgpolicy_parse(text, &error);
	if (policy)
		enter(cache, number, text, policy);
	else
		log_error("the access policy %.*s is none: %s", (int)name.len,
			name.data, error.text);
	return policy;
}
