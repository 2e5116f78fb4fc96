/* SPDX-License-Identifier: Apache-2.0 */
/* accesses.h - objects that were accessed some days ago, and the tiers that
 * makes. */
#pragma once

#include "store/access_day_private.h"
#include "store/base/clock.h"
#include "store/dentry_private.h"
#include "store/tier.h"
#include "tests/store/objects.h"

struct accesses_set {
	uint64_t ino;
	uint32_t day;
};

static inline enum store_err
accesses_set_apply(struct store *store, struct db_txn *txn, void *arg)
{
	const struct accesses_set *set = arg;
	struct inode was;
	enum store_err err = dentry_inode(txn, set->ino, &was);

	(void)store;
	if (err)
		return err;
	struct inode now = was;
	now.access_day = set->day;
	return dentry_update_inode(txn, &was, &now);
}

static inline uint32_t
accesses_today(void)
{
	return clock_day(clock_now_ns());
}

static inline void
accesses_set(struct store *store, uint64_t ino, uint32_t day)
{
	struct accesses_set set = {ino, day};
	enum store_err err = commit_run(store, accesses_set_apply, &set, NULL);

	assert(!err);
}

static inline struct inode
accesses_head(struct store *store, uint64_t bucket, const char *key)
{
	scoped(arena_free) struct arena arena = {0};
	struct object object;
	enum store_err err =
		object_head(store, bucket, slice_str(key), &arena, &object);

	assert(!err);
	object.inode.attrs = SLICE_NULL;
	return object.inode;
}

/* An object of that text that was accessed last so many days ago; its inode. */
static inline uint64_t
accesses_put(struct store *store, uint64_t bucket, const char *key,
	const char *text, uint32_t days)
{
	enum store_err err = objects_put(store, bucket, key, text);

	assert(!err);
	uint64_t ino = accesses_head(store, bucket, key).ino;
	accesses_set(store, ino, accesses_today() - days);
	return ino;
}

/* "HOT WARM COLD ARCHIVE" in bytes, as of today; in one buffer. */
static inline char *
accesses_tiers(struct store *store, uint64_t bucket)
{
	static char text[128];
	struct tier_bytes bytes;
	enum store_err err =
		tier_of_bucket(store, bucket, accesses_today(), &bytes);

	assert(!err);
	(void)snprintf(text, sizeof(text), "%llu %llu %llu %llu",
		(unsigned long long)bytes.of[TIER_HOT],
		(unsigned long long)bytes.of[TIER_WARM],
		(unsigned long long)bytes.of[TIER_COLD],
		(unsigned long long)bytes.of[TIER_ARCHIVE]);
	return text;
}
