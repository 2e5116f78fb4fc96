/* SPDX-License-Identifier: Apache-2.0 */
/* commits.h - changes that put a row, or note a blob, and those who make them.
 */
#pragma once

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <pthread.h>

#include "store/base/buffer.h"
#include "store/blob_record_private.h"
#include "store/commit_private.h"
#include "store/durable_private.h"
#include "store/meta/key.h"
#include "tests/store/descriptors.h"

/* A change that puts one row under (owner, number) and then may fail. */
struct commits_row {
	uint64_t number;
	size_t len;
	enum store_err fails_before;
	enum store_err fails_after;
	unsigned int runs;
};

static inline enum store_err
commits_apply_row(struct store *store, struct db_txn *txn, void *arg)
{
	struct commits_row *row = arg;
	struct key key = key_u64(row->number);
	scoped(buffer_free) struct buffer value = {0};

	(void)store;
	row->runs++;
	if (row->fails_before)
		return row->fails_before;
	for (size_t i = 0; i < row->len; i++)
		buffer_append_char(&value, 'x');
	enum store_err err =
		db_put(txn, DB_DOCUMENT, key_slice(&key), buffer_slice(&value));
	return err ? err : row->fails_after;
}

static inline bool
commits_has_row(struct store *store, enum db_table table, uint64_t number)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	struct key key = key_u64(number);
	struct slice value;

	cr_assert(zero(int, db_begin_read(store->db, &txn)));
	return db_get(txn, table, key_slice(&key), &value) == STORE_OK;
}

struct commits_caller {
	pthread_t thread;
	struct store *store;
	void *arg;
	enum store_err (*apply)(struct store *store, struct db_txn *txn,
		void *arg);
	enum store_err err;
	uint64_t commit;
	bool is_durable;
};

static inline void *
call(void *arg)
{
	struct commits_caller *caller = arg;

	caller->err = commit_run(caller->store, caller->apply, caller->arg,
		&caller->commit);
	if (!caller->err && caller->is_durable)
		caller->err = durable_wait(caller->store, caller->commit);
	return NULL;
}

static inline void
start(struct commits_caller *caller)
{
	cr_assert(zero(int,
		pthread_create(&caller->thread, NULL, call, caller)));
}

static inline enum store_err
commits_apply_blob(struct store *store, struct db_txn *txn, void *arg)
{
	const uint64_t *blob = arg;

	return blob_record_add(store, txn, *blob, 5);
}

static inline void
commits_add_blob(struct store *store, uint64_t blob)
{
	cr_assert(zero(int,
		commit_run(store, commits_apply_blob, &blob, NULL)));
}

static inline enum store_err
commits_apply_unflushed(struct store *store, struct db_txn *txn, void *arg)
{
	(void)store;
	return blob_record_mark_unflushed(txn, *(const uint64_t *)arg);
}
