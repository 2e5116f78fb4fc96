/* SPDX-License-Identifier: Apache-2.0 */
/*
 * segment_private.h - segments: files that many small blobs share, as the
 * tables know them.
 *
 * A segment is a blob that no inode names: its file, its mark for the
 * checkpoint, its end in DB_FREED are those of any other.
 *
 * 1. For each packed blob there is one row of DB_PACK, (segment, offset) ->
 *    blob, and for each row one blob.  No two overlap.
 * 2. A segment's record counts a reference for each of its rows and one for
 *    the session that appends to it, and in `live` the sizes of its blobs.
 * 3. Bytes below `size` are never written again, whether their blob lives or
 *    not: a power cut may bring it back, and a reader may be at it.
 * 4. The session that appends has a lease of that one id (session_private.h)
 *    until the segment is sealed.
 * 5. DB_PACK has (0, segment) where the segment is sealed and a quarter of it
 *    is dead: it waits for compact.c.
 *
 * All functions but the last are for use inside apply.
 */
#pragma once

#include "store/meta/record.h"
#include "store/store_private.h"

/* A new one, of this session.  Its file is not there yet. */
must_check enum store_err segment_create(struct store *store,
	struct db_txn *txn, uint64_t *segment);

/* A blob of which the record is made here, with one reference, and whose bytes
 * are in the segment by now: the checkpoint will flush them. */
must_check enum store_err segment_add(struct db_txn *txn, uint64_t segment,
	uint64_t offset, uint64_t size, uint64_t *blob);

/* The record of the blob has just gone. */
must_check enum store_err segment_remove(struct db_txn *txn,
	const struct record_blob *blob);

/* One blob whose bytes have been copied to another segment. */
struct segment_move {
	uint64_t blob;
	uint64_t size;
	uint64_t from; /* offset in the segment of before */
	uint64_t to;   /* in the other one */
};
/* Names their new places.  Those that are gone or elsewhere by now are left
 * alone. */
must_check enum store_err segment_move(struct db_txn *txn, uint64_t from,
	uint64_t to, const struct segment_move *moves, size_t count);

/* Takes it off the list of those that wait for compact.c. */
must_check enum store_err segment_unlist(struct db_txn *txn, uint64_t segment);

/*
 * Nobody appends to it any more: cuts off what lies behind the last blob, and
 * gives back the session's reference and lease.  The session is our own or
 * dead.
 */
must_check enum store_err segment_seal(struct store *store, uint64_t session,
	uint64_t segment);
/* The same of our own, which has got no file: opens none, as that may be what
 * failed. */
must_check enum store_err segment_discard(struct store *store,
	uint64_t segment);
