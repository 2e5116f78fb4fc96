/* SPDX-License-Identifier: Apache-2.0 */
/* nulls.h - keys that have an older version which is null. */
#pragma once

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "store/counter_private.h"
#include "tests/store/checks.h"
#include "tests/store/raw.h"
#include "tests/store/versions.h"

static const struct version_ref nulls_ref = {.which = VERSION_NULL};

/* One that came before versions were kept, and others on top of it. */
static inline void
nulls_put(struct versions *it, const char *key)
{
	cr_assert(zero(int,
		versioning_set(it->store, it->bucket, VERSIONING_SUSPENDED)));
	versions_put(it, key, "null");
	cr_assert(zero(int,
		versioning_set(it->store, it->bucket, VERSIONING_ENABLED)));
	versions_put(it, key, "1");
	versions_put(it, key, "2");
}

static inline bool
nulls_has(struct versions *it, const char *key)
{
	scoped(arena_free) struct arena arena = {0};
	struct object object;
	uint64_t offset;
	int fd = -1;
	enum store_err err = object_open_version(it->store, it->bucket,
		slice_str(key), &nulls_ref, &arena, &object, &fd, &offset);

	if (fd >= 0)
		close(fd);
	cr_assert(err == STORE_OK || err == STORE_NOT_FOUND);
	return !err;
}

/* The key of the row of "KEY", which has no '/'. */
static inline struct key
nulls_row(struct versions *it, const char *key)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	struct record_versions of;
	char stem[64];

	cr_assert(zero(int, db_begin_read(it->store->db, &txn)));
	cr_assert(zero(int, history_of(txn, it->bucket, &of)));
	snprintf(stem, sizeof(stem), "%s", key);
	return key_dentry(of.history, slice_of(stem, strlen(key) + 1));
}

static inline enum store_err
nulls_apply_older_session(struct store *store, struct db_txn *txn, void *arg)
{
	(void)store;
	return counter_take(txn, COUNTER_SESSION, 1, arg);
}

/* One of an older tarn, which knows nothing of the rows, begins and ends. */
static inline void
nulls_come_as_older(struct versions *it)
{
	uint64_t session;

	cr_assert(zero(int, commit_run(it->store, nulls_apply_older_session,
				    &session, NULL)));
}
