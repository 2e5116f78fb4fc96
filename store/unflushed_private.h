/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unflushed_private.h - the data that the disk may not have yet.
 *
 * 1. DB_UNFLUSHED holds for a blob the number of the commit that put it
 *    there last.  Where a completed checkpoint covers that number the data is
 *    on the disk: such a record is not flushed again, and the next commit of
 *    this process takes it out.
 *
 * Threads:   said of each; unflushed_open() and unflushed_close() are
 *            durable.c's.
 */
#pragma once

#include "store/store_private.h"

must_check enum store_err unflushed_open(struct store *store);
void unflushed_close(struct store *store);

/* By the checkpoint thread: flushes the data that the snapshot names and no
 * checkpoint covers.  IO also where a flush has failed elsewhere meanwhile. */
must_check enum store_err unflushed_flush(struct store *store,
	struct db_txn *snapshot);
/* By the checkpoint thread: the checkpoint that it flushed for is complete. */
void unflushed_note_checkpoint(struct store *store);

/* By the leader, within its transaction: takes out some of the records of
 * invariant 1. */
must_check enum store_err unflushed_clean(struct store *store,
	struct db_txn *txn);

/* By any thread: unflushed_clean() has something to do. */
bool unflushed_needs_cleaning(struct store *store);

/* By any thread: a flush failed, and what the file, a blob's own or a segment,
 * was given has not been flushed since: nobody knows which of its bytes the
 * kernel has dropped. */
bool unflushed_may_be_lost(struct store *store, struct db_txn *txn,
	uint64_t blob);
