/* SPDX-License-Identifier: Apache-2.0 */
/*
 * usage_private.h - counters and quotas, within a transaction.
 *
 * 1. A bucket's row counts what is in it; an organization's is the sum of its
 *    buckets' rows.  A row that does not exist counts nothing.
 * 2. A change whose bucket grew beyond a quota, or beyond one it had exceeded
 *    before, fails: usage_mark() at its beginning, usage_check() at its end,
 *    so that what it replaces counts in its favour.
 */
#pragma once

#include "store/meta/db.h"
#include "store/meta/record.h"
#include "store/usage.h"

/* So many bytes more or less of parts of uploads. */
must_check enum store_err usage_add_parts(struct db_txn *txn, uint64_t bucket,
	int64_t bytes);

/* So many names more or less of what the inode is, as S3 counts it: objects and
 * bytes, these also by day (access_day_private.h). */
must_check enum store_err usage_add_names(struct db_txn *txn,
	const struct inode *inode, int64_t names);
/* The same where the inode changes, in its bucket. */
must_check enum store_err usage_change_names(struct db_txn *txn,
	const struct inode *was, int64_t names_was, const struct inode *now,
	int64_t names_now);

/* A counter that would fall below 0 was wrong before: fsck finds it. */
uint64_t usage_clamped(uint64_t count, int64_t more);

struct usage_mark {
	uint64_t bucket;
	uint64_t objects;
	uint64_t bytes; /* with parts */
};

must_check enum store_err usage_mark(struct db_txn *txn, uint64_t bucket,
	struct usage_mark *mark);
/* QUOTA */
must_check enum store_err usage_check(struct db_txn *txn,
	const struct usage_mark *mark);
/* QUOTA where a quota is used up, whatever the change. */
must_check enum store_err usage_check_full(struct db_txn *txn, uint64_t bucket);

/* What its row counts. */
must_check enum store_err usage_counted(struct db_txn *txn, uint64_t bucket,
	struct record_usage *out);

/* With the bucket's record. */
must_check enum store_err usage_begin_bucket(struct db_txn *txn,
	uint64_t bucket, struct slice organization);
must_check enum store_err usage_end_bucket(struct db_txn *txn, uint64_t bucket);

/* With the organization's record, when it has no bucket: its quota goes. */
must_check enum store_err usage_end_organization(struct db_txn *txn,
	struct slice organization);
