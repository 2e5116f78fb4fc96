/* SPDX-License-Identifier: Apache-2.0 */
/* raw.h - rows of the tables as somebody has damaged them. */
#pragma once

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "store/blob_record_private.h"
#include "store/commit_private.h"
#include "store/meta/key.h"
#include "store/meta/record.h"

struct raw {
	enum db_table table;
	struct key key;
	struct slice value; /* data NULL: delete */
};

static inline enum store_err
raw_apply(struct store *store, struct db_txn *txn, void *arg)
{
	struct raw *raw = arg;

	(void)store;
	if (!raw->value.data)
		return db_delete(txn, raw->table, key_slice(&raw->key));
	return db_put(txn, raw->table, key_slice(&raw->key), raw->value);
}

static inline void
raw_put(struct store *store, enum db_table table, struct key key,
	struct slice value)
{
	struct raw raw = {table, key, value};

	cr_assert(eq(int, commit_run(store, raw_apply, &raw, NULL), STORE_OK));
}

static inline void
raw_delete(struct store *store, enum db_table table, struct key key)
{
	raw_put(store, table, key, SLICE_NULL);
}

static inline struct record_blob
raw_blob(struct store *store, uint64_t blob)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	struct record_blob record;

	cr_assert(eq(int, db_begin_read(store->db, &txn), STORE_OK));
	cr_assert(eq(int, blob_record_get(txn, blob, &record), STORE_OK));
	return record;
}

/* Saves an inode as given; its attributes are gone. */
static inline void
raw_inode(struct store *store, const struct inode *inode)
{
	scoped(buffer_free) struct buffer value = {0};

	record_inode_encode(&value, inode);
	raw_put(store, DB_INODE, key_u64(inode->ino), buffer_slice(&value));
}

static inline void
raw_dentry(struct store *store, uint64_t parent, const char *name,
	enum record_dentry_kind kind, uint64_t ino)
{
	scoped(buffer_free) struct buffer value = {0};
	const struct record_dentry dentry = {.kind = kind, .ino = ino};

	record_dentry_encode(&value, &dentry);
	raw_put(store, DB_DENTRY, key_dentry(parent, slice_str(name)),
		buffer_slice(&value));
}

static inline bool
raw_is(struct store *store, enum db_table table, struct key key,
	struct slice value)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	struct slice found;

	cr_assert(eq(int, db_begin_read(store->db, &txn), STORE_OK));
	return !db_get(txn, table, key_slice(&key), &found) &&
	       slice_equal(found, value);
}
