/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reclaim_private.h - one thread a process does what nobody waits for.
 *
 * - It removes the data files of freed blobs.  DB_FREED holds for each the
 *   number of the commit that freed it.  The file goes only after a checkpoint
 *   that covers that number, else a power cut could bring back the name
 *   without the bytes; the record goes only when the removal is durable, else
 *   one could bring back the file without a record.  The file may be kept
 *   empty, for another blob: store/data/blob_spare.h.
 * - It compacts segments, so much a second: compact_private.h.
 * - It reaps dead sessions, ends leases, trims the feed and takes out the
 *   records of data that has been flushed, where no commit does.
 */
#pragma once

#include "store/store_private.h"

/* Before the checkpoint thread begins, which may call reclaim_wake(). */
must_check enum store_err reclaim_open(struct store *store,
	bool spares_everywhere);
/* After it has ended. */
void reclaim_close(struct store *store);

/* The thread runs between these, while there are sessions and commits. */
must_check enum store_err reclaim_start(struct store *store);
void reclaim_stop(struct store *store);

/* A process has died: it may have left files that no record names. */
void reclaim_note_death(struct store *store);

/* By the checkpoint thread: there are freed blobs that it covers. */
void reclaim_wake(struct store *store);

/* Everything that can be reclaimed and compacted now, by the calling
 * thread. */
must_check enum store_err reclaim_run(struct store *store);

/* The same, but compacts no more than `max` bytes, and begins no batch of freed
 * blobs once the deadline has come (clock_monotonic_ms()); *is_left: there is
 * one. */
must_check enum store_err reclaim_run_until(struct store *store, uint64_t max,
	int64_t deadline_ms, bool *is_left);
