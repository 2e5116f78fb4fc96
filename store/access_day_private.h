/* SPDX-License-Identifier: Apache-2.0 */
/*
 * access_day_private.h - the bytes of a bucket by the day of their last access,
 * within a transaction.
 *
 * 1. The row (bucket, day) is the sum of what usage counts as bytes of the
 *    bucket's objects whose inode_access_day() is that day; of nothing there
 *    is no row.  It is part of each change, as usage is: usage_add_names()
 *    and usage_change_names() keep both.
 * 2. Counted are inodes below the mark.  A store that was made before there
 *    were rows begins with none counted, and access_day_count() goes through
 *    the inodes, by steps, while others change them; then all are, for good.
 *
 * Units: days as of clock_day().
 */
#pragma once

#include "store/base/inode.h"
#include "store/meta/db.h"
#include "store/store.h"

/* Inodes looked at in one transaction. */
#define ACCESS_DAY_BATCH 1000

/* Bytes that an inode is counted with. */
struct access_day_part {
	const struct inode *inode;
	int64_t bytes;
};

/* `was` is counted no more, `now` is; the other one's bytes are 0 where there
 * is none. */
must_check enum store_err access_day_move(struct db_txn *txn,
	const struct access_day_part *was, const struct access_day_part *now);

/* Of an inode that changes so much. */
must_check enum store_err access_day_add(struct db_txn *txn,
	const struct inode *inode, int64_t bytes);

/* With the bucket's record: its rows. */
must_check enum store_err access_day_end_bucket(struct db_txn *txn,
	uint64_t bucket);

/* Each row of a bucket, by day. */
must_check enum store_err access_day_each(struct db_txn *txn, uint64_t bucket,
	void (*visit)(uint32_t day, uint64_t bytes, void *context),
	void *context);

/* Inodes below are counted; UINT64_MAX: all are. */
must_check enum store_err access_day_mark(struct db_txn *txn, uint64_t *mark);
/* Of a new store: all are counted. */
must_check enum store_err access_day_begin_store(struct db_txn *txn);

/* One step of rule 2; *more: it was not the last.  Not durable. */
must_check enum store_err access_day_count(struct store *store, bool *more);
