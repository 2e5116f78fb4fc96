/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feed_private.h - the writing side of the feed, and the shared memory.
 */
#pragma once

#include "store/commit_private.h"
#include "store/feed.h"
#include "store/meta/record.h"

must_check enum store_err feed_open(struct store *store);
void feed_close(struct store *store);

/* Inside apply.  The origin of the line is that of the change's caller. */
must_check enum store_err feed_append(struct store *store, struct db_txn *txn,
	const struct record_change *change);
must_check enum store_err feed_append_dentry(struct store *store,
	struct db_txn *txn, uint64_t parent, struct slice name, uint64_t ino);
must_check enum store_err feed_append_inode(struct store *store,
	struct db_txn *txn, uint64_t ino, bool with_data);

/* By the leader, after a commit: wakes the listeners of all processes. */
void feed_publish(struct store *store, uint64_t commit);

/* Waits until the live listeners of all sessions have dealt with all lines
 * up to the commit; returns at once on a thread that has an origin (feed.h).
 * One that takes over a second is not waited for again until it has caught
 * up. */
void feed_wait_seen(struct store *store, uint64_t commit);

/* The checkpoint that all processes share in memory. */
void feed_set_checkpoint(struct store *store, uint64_t commit);
uint64_t feed_checkpoint(struct store *store);
