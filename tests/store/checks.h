/* SPDX-License-Identifier: Apache-2.0 */
/* checks.h - a store for fsck, and what it finds there. */
#pragma once

#include "store/check.h"
#include "tests/store/names.h"
#include "tests/store/objects.h"

struct checks_found {
	int of[CHECK_KINDS];
	int repaired;
	int sentences;
};

static inline void
checks_count(const struct check_finding *finding, void *context)
{
	struct checks_found *found = context;

	found->of[finding->kind] += (int)finding->count;
	found->repaired += finding->is_repaired ? (int)finding->count : 0;
	found->sentences++;
	cr_assert(ne(sz, strlen(finding->text), 0));
}

static inline struct checks_found
checks_run(struct store *store, enum check_mode mode)
{
	struct checks_found found = {.repaired = 0};
	struct check_result result;

	cr_assert(eq(int,
		check_store(store, mode, checks_count, &found, &result),
		STORE_OK));
	cr_expect(eq(u64, result.repaired, found.repaired));
	return found;
}

/* It is found, and left as it is; then repaired, and gone. */
static inline void
checks_expect_repair(struct store *store, enum check_kind kind)
{
	struct checks_found found = checks_run(store, CHECK_LOOK);

	cr_expect(gt(int, found.of[kind], 0), "%s is found",
		check_kind_name(kind));
	cr_expect(eq(int, found.repaired, 0));
	found = checks_run(store, CHECK_REPAIR);
	cr_expect(gt(int, found.of[kind], 0));
	cr_expect(gt(int, found.repaired, 0));
	cr_expect(names_are_sound(store), "%s is gone", check_kind_name(kind));
}

static inline struct inode
checks_find(struct store *store, uint64_t parent, const char *name,
	enum tree_want want)
{
	struct inode inode;

	cr_assert(eq(int,
		tree_lookup(store, parent, slice_str(name), want, NULL, &inode),
		STORE_OK));
	return inode;
}

/* "k", "d/f" and "d/e/" in "bucket". */
static inline uint64_t
checks_fill(struct store *store)
{
	uint64_t bucket = names_bucket(store, "bucket");

	cr_assert(eq(int, objects_put(store, bucket, "k", "12345"), STORE_OK));
	cr_assert(eq(int, objects_put(store, bucket, "d/f", "1"), STORE_OK));
	cr_assert(eq(int, objects_put(store, bucket, "d/e/", ""), STORE_OK));
	return bucket;
}
