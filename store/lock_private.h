/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lock_private.h - locks of versions, within a transaction.
 *
 * 1. A locked version keeps its key, its id, its bytes and what S3 tells of it
 *    but its tags and its list: what would take its name or change it keeps a
 *    copy of it first (history_keep(), history_keep_moved()), is done to a copy
 *    of the data (file_mark.c), or is refused.
 * 2. The record of a locked version is never deleted (dentry_forget()).  Who
 *    may delete it lifts the lock first.
 * 3. Nobody writes to the data of a locked version: of what a mount has written
 *    the bucket's default is due until nobody can any more, and a lock that is
 *    asked for meanwhile is BUSY.
 * 4. A bucket with Object Lock keeps versions for good, so what is null in it
 *    is no other's place.
 */
#pragma once

#include "store/history_private.h"

/* Of a version that begins: the default, unless there is another lock. */
void lock_begin(const struct inode_lock_rule *rule, struct inode_lock *lock);

/* Of a version of its own that has data which a mount has published: the
 * default, once those are gone who may have it open for writing. */
must_check enum store_err lock_begin_kept(struct store *store,
	struct db_txn *txn, const struct inode_lock_rule *rule,
	struct inode *kept);

/* The lock of a file that a mount publishes, or gives another name: what the
 * bucket says, once nobody writes to it.  Its record tells the name. */
must_check enum store_err lock_renew(struct db_txn *txn, struct inode *inode);

/* Somebody has stopped writing to the inode: what was due is done where he was
 * the last.  Gone is fine. */
must_check enum store_err lock_settle(struct store *store, struct db_txn *txn,
	uint64_t ino);

/* The inode, as of now, is none of a locked version any more. */
must_check enum store_err lock_lift(struct db_txn *txn, uint64_t ino);

/* The file has a name that S3 has no key of, and is about to lose it: where
 * that is the only one there is no version that its lock would be of. */
must_check enum store_err lock_lift_unseen(struct db_txn *txn,
	const struct inode *inode);

/* LOCKED, unless it may be removed; of one that is bypassed the lock is
 * lifted. */
must_check enum store_err lock_yield(struct db_txn *txn,
	const struct inode *inode, bool bypasses);
