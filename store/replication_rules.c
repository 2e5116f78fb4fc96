/* SPDX-License-Identifier: Apache-2.0 */
#include "store/replication_rules_private.h"

#include <stdlib.h>
#include <string.h>

#include "store/base/mutex.h"
#include "store/replication_private.h"
#include "store/store_private.h"

/* Buckets share a slot by turns.  Each has at most what fits a document. */
#define SLOTS 32

struct slot {
	struct replication_rules *rules; /* NULL: empty */
	uint8_t digest[REPLICATION_DIGEST_LEN];
};

struct replication_kept {
	pthread_mutex_t lock;
	struct slot slots[SLOTS]; /* under lock */
};

enum store_err
replication_rules_open(struct store *store)
{
	store->replication = calloc(1, sizeof(*store->replication));
	if (!store->replication)
		return STORE_NO_MEMORY;
	mutex_init(&store->replication->lock);
	return STORE_OK;
}

void
replication_rules_close(struct store *store)
{
	struct replication_kept *kept = store->replication;

	if (!kept)
		return;
	for (size_t i = 0; i < SLOTS; i++)
		replication_rules_drop(&kept->slots[i].rules);
	mutex_destroy(&kept->lock);
	free(kept);
	store->replication = NULL;
}

/* True: that was the last user. */
static bool
leave(struct replication_rules *rules)
{
	mutex_scoped(&rules->store->replication->lock);
	return --rules->users == 0;
}

void
replication_rules_drop(struct replication_rules **ptr)
{
	struct replication_rules *rules = *ptr;

	*ptr = NULL;
	if (!rules || !leave(rules))
		return;
	arena_free(&rules->arena);
	free(rules);
}

static struct replication_rules *
find(struct store *store, uint64_t bucket, const uint8_t *digest)
{
	struct replication_kept *kept = store->replication;
	struct slot *slot = &kept->slots[bucket % SLOTS];

	mutex_scoped(&kept->lock);
	if (!slot->rules ||
		memcmp(slot->digest, digest, REPLICATION_DIGEST_LEN))
		return NULL;
	slot->rules->users++;
	return slot->rules;
}

/* What was there is the caller's to drop. */
static struct replication_rules *
enter(struct store *store, uint64_t bucket, const uint8_t *digest,
	struct replication_rules *rules)
{
	struct replication_kept *kept = store->replication;
	struct slot *slot = &kept->slots[bucket % SLOTS];

	mutex_scoped(&kept->lock);
	struct replication_rules *was = slot->rules;

	rules->users++;
	slot->rules = rules;
	memcpy(slot->digest, digest, REPLICATION_DIGEST_LEN);
	return was;
}

static enum store_err
decode(struct store *store, struct slice bytes, struct replication_rules **out)
{
	struct replication_rules *rules = calloc(1, sizeof(*rules));

	if (!rules)
		return STORE_NO_MEMORY;
	rules->store = store;
	rules->users = 1;
	*out = rules;
	if (replication_decode(arena_copy(&rules->arena, bytes), &rules->arena,
		    &rules->of))
		return STORE_OK;
	replication_rules_drop(out);
	return STORE_CORRUPT;
}

enum store_err
replication_rules_take(struct store *store, struct db_txn *txn, uint64_t bucket,
	struct replication_rules **out)
{
	struct slice bytes;
	const uint8_t *digest;

	*out = NULL;
	enum store_err err = replication_find_document(txn, bucket, &bytes);
	if (err)
		return err;
	digest = replication_digest(bytes);
	if (digest)
		*out = find(store, bucket, digest);
	if (*out)
		return STORE_OK;
	err = decode(store, bytes, out);
	if (!err && digest) {
		struct replication_rules *was =
			enter(store, bucket, digest, *out);

		replication_rules_drop(&was);
	}
	return err;
}
