/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pack_private.h - small blobs on their way into a segment.
 *
 *	pack_promise(store, len, &place);	room; may wait for a segment
 *	pack_write(store, &place, data);	by who leads, before the commit
 *	pack_add(txn, &place, &blob);		inside apply
 *	pack_end(store, &place);		whatever became of it
 *
 * A process appends to one segment of its own at a time.  Places are given out
 * by the leader, one commit's after the other's, so that both the file and the
 * tables grow at their ends.
 *
 * 1. What is promised fits: no write ever needs another segment.
 * 2. A segment is sealed when it is full, or mostly dead, and nobody has a
 *    promise of it, or with the session.
 * 3. A place that was written to and then not named by a commit is dead, as is
 *    the tail of a process that was killed.
 *
 * Threads:   any; pack_write() by the leader (commit_private.h).
 */
#pragma once

#include "store/store_private.h"

/*
 * Objects up to this size are packed: docs/decisions/0007-packs.md.
 */
#define PACK_MAX (64u << 10)
#define PACK_SEGMENT_SIZE (64u << 20)

struct pack_segment;

struct pack_place {
	struct pack_segment *segment; /* NULL: nothing is promised */
	uint64_t offset;
	uint64_t len;
	bool is_written;
};

/* segment_size 0: PACK_SEGMENT_SIZE; else at least PACK_MAX. */
must_check enum store_err pack_open(struct store *store, uint64_t segment_size);
/* Before the session ends, which seals what is left. */
void pack_close(struct store *store);

/* What fits into a segment. */
uint64_t pack_segment_size(const struct store *store);

/* len: 1 to that.  READ_ONLY, NO_SPACE, IO. */
must_check enum store_err pack_promise(struct store *store, uint64_t len,
	struct pack_place *place);
/* Where the bytes go is known from now on.  NO_SPACE, IO. */
must_check enum store_err pack_write(struct store *store,
	struct pack_place *place, struct slice data);
/* All of it is one blob, with one reference. */
must_check enum store_err pack_add(struct db_txn *txn,
	const struct pack_place *place, uint64_t *blob);
uint64_t pack_segment(const struct pack_place *place);
/* Allowed where nothing is promised. */
void pack_end(struct store *store, struct pack_place *place);

/* These two now and then, by a plain thread. */

/* Takes the segment that is appended to for full where nothing was appended
 * since the last call, and nothing lives in it or half of it is dead. */
must_check enum store_err pack_retire_dead(struct store *store);
/* Seals segments that are full.  NO_MEMORY (no descriptor is left), NO_SPACE:
 * the rest are sealed by a later call. */
must_check enum store_err pack_seal_full(struct store *store);
