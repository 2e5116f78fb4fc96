/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feed_private.h - the writing side of the feed, and what processes tell each
 * other through shared memory.
 *
 * 1. A line's sequence is its commit's number, times FEED_LINES_MAX, plus its
 *    place in the commit: it grows with no counter, and a listener that has
 *    read a snapshot knows that it has all lines up to that commit.
 * 2. While nobody listens no line is written.  A listener marks its slot,
 *    then learns the number N of a write transaction that begins after: there
 *    is one writer at a time, so all from N on see the mark, and all before
 *    are committed when feed_listen() returns.
 * 3. Lines up to `trimmed` are gone.  It is raised before the commit that
 *    removes them, so whoever misses lines in a snapshot also sees it raised.
 * 4. Where the only listener is one of this process, changes of the origin
 *    that it is deaf to are nobody's news: no line is written, nobody woken.
 *    That is looked up where invariant 2 looks for listeners, so it holds for
 *    one that begins meanwhile as well.
 */
#pragma once

#include "store/commit_private.h"
#include "store/feed.h"
#include "store/meta/record.h"

#define FEED_LINES_MAX (1u << 20)

must_check enum store_err feed_open(struct store *store);
void feed_close(struct store *store);

/* Inside apply.  The origin of the line is that of the change's caller. */
must_check enum store_err feed_append(struct store *store, struct db_txn *txn,
	const struct record_change *change);
must_check enum store_err feed_append_dentry(struct store *store,
	struct db_txn *txn, uint64_t parent, struct slice name, uint64_t ino);
must_check enum store_err feed_append_inode(struct store *store,
	struct db_txn *txn, uint64_t ino, bool with_data);

/* Whether a change of that origin is anybody's news: invariants 2 and 4. */
bool feed_is_news(struct store *store, uint64_t origin);

/* By the leader, after a commit that is: wakes the listeners of all
 * processes. */
void feed_publish(struct store *store);

/* Waits until the live listeners of all sessions have dealt with all lines
 * up to the commit; returns at once on a thread that has an origin (feed.h).
 * One that takes over a second is not waited for again until it has caught
 * up. */
void feed_wait_seen(struct store *store, uint64_t commit);

/* The checkpoint that all processes share in memory. */
void feed_set_checkpoint(struct store *store, uint64_t commit);
uint64_t feed_checkpoint(struct store *store);

/* In the shared memory, too. */
struct blob_spares *feed_spares(struct store *store);

/* And there: cut.h.  NULL where the store is open for reading only. */
struct shared_cuts *feed_cuts(struct store *store);

/* A flush failed, in whichever process. */
void feed_set_failed(struct store *store);
bool feed_has_failed(const struct store *store);

/* Frees what a dead session listened with. */
void feed_forget_session(struct store *store, uint64_t session);

/* Removes lines that all listeners have dealt with, and the oldest of very
 * many even if one has not: FEED_LOST tells it. */
must_check enum store_err feed_trim(struct store *store);
