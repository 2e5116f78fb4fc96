/* SPDX-License-Identifier: Apache-2.0 */
/* locks.h - a bucket with Object Lock, and versions that are locked. */
#pragma once

#include "store/base/clock.h"
#include "store/file.h"
#include "store/lock.h"
#include "tests/store/versions.h"

static inline int64_t
locks_in_days(int days)
{
	return clock_now_ns() + days * CLOCK_NS_PER_DAY;
}

static inline void
locks_set_default(struct versions *it, enum inode_lock_mode mode, uint32_t days)
{
	const struct inode_lock_rule rule = {
		.mode = (uint8_t)mode, .days = days};

	cr_assert(zero(int, lock_set_rule(it->store, it->bucket, &rule)));
}

static inline struct versions
locks_begin(void)
{
	struct versions it = versions_begin(VERSIONING_ENABLED);

	locks_set_default(&it, INODE_LOCK_NONE, 0);
	return it;
}

static inline void
locks_end(struct versions *it)
{
	cr_expect(zero(sz, objects_findings(it->store)));
	versions_end(it);
}

static const struct version_ref locks_current = {.which = VERSION_CURRENT};

static inline struct object
locks_head(struct versions *it, const char *key, struct version_ref ref)
{
	scoped(arena_free) struct arena arena = {0};
	struct object object;

	cr_assert(zero(int, object_head_version(it->store, it->bucket,
				    slice_str(key), &ref, &arena, &object)));
	object.inode.attrs = SLICE_NULL;
	return object;
}

/* The current version, from now on; its id. */
static inline struct version_ref
locks_retain(struct versions *it, const char *key, enum inode_lock_mode mode)
{
	cr_assert(zero(int,
		lock_set_retention(it->store, it->bucket, slice_str(key),
			&locks_current, mode, locks_in_days(1), false)));
	struct object object = locks_head(it, key, locks_current);

	return version_ref_of(&object.version);
}

static inline struct version_ref
locks_hold(struct versions *it, const char *key)
{
	cr_assert(zero(int, lock_set_hold(it->store, it->bucket, slice_str(key),
				    &locks_current, true)));
	struct object object = locks_head(it, key, locks_current);

	return version_ref_of(&object.version);
}

/* What its deletion says. */
static inline enum store_err
locks_drop(struct versions *it, const char *key, struct version_ref ref,
	bool bypasses)
{
	struct object_deletion one = {
		.key = slice_str(key), .version = ref, .bypasses = bypasses};
	enum store_err err = object_delete_many(it->store, it->bucket, &one, 1);

	return err ? err : one.err;
}

/* Whether that version is there, cannot be deleted, and has that body. */
static inline bool
locks_stays(struct versions *it, const char *key, struct version_ref ref,
	const char *body)
{
	scoped(arena_free) struct arena arena = {0};
	struct object object;
	uint64_t offset;
	char bytes[64];
	int fd;

	if (locks_drop(it, key, ref, false) != STORE_LOCKED ||
		object_open_version(it->store, it->bucket, slice_str(key), &ref,
			&arena, &object, &fd, &offset))
		return false;
	bool is_same = object.inode.size == strlen(body) &&
		       pread(fd, bytes, object.inode.size, (off_t)offset) ==
			       (ssize_t)object.inode.size &&
		       memcmp(bytes, body, object.inode.size) == 0;
	close(fd);
	return is_same;
}
