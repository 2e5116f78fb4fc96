/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scrub_private.h - what the steps of a scrub hand on.
 *
 *	scrub.c		a pass: which blobs, at what pace
 *	scrub_read.c	the checksum of one blob's bytes
 *	scrub_mark.c	what becomes of its record
 *	scrub_state.c	how many are damaged, when it last ended
 *
 * 1. A blob is looked at by way of an inode that names it and that nobody has
 *    open for writing.  As long as that is so and the inode is the same, the
 *    bytes are: one that is shared is cloned before it is written to.
 * 2. So what a look found is written into the record only in a transaction
 *    in which rule 1 still holds and the record is as it was.
 * 3. A blob without a checksum, or the wrong one, whose file was written to
 *    after its inode last changed was written in place by somebody whose mark
 *    a power cut took back: the bytes are right, and the checksum follows.
 */
#pragma once

#include "store/base/inode.h"
#include "store/meta/record.h"
#include "store/scrub.h"
#include "store/store_private.h"

#define SCRUB_DAMAGED_COUNT "damaged"
#define SCRUB_LAST "scrubbed"
#define SCRUB_MISSING_COUNT "missing"

/* Ends the thread that scrub_start() began, if any. */
void scrub_close(struct store *store);

enum scrub_look {
	SCRUB_LOOK_SUM, /* crc is that of the bytes */
	SCRUB_LOOK_WRONG_SIZE,
	SCRUB_LOOK_UNREADABLE,
	SCRUB_LOOK_MISSING,
	SCRUB_LOOK_PASSED, /* not to be told now, or ended by goes_on() */
};

struct scrub_item {
	/* as it was when it was chosen */
	struct inode inode; /* attrs empty */
	uint64_t file_len;  /* of the data file, where it has one */
	struct record_blob record;

	/* of the look */
	enum scrub_look look;
	uint64_t crc;
	bool is_newer; /* the file was written to since: rule 3 */

	/* of the mark */
	bool is_stale; /* rule 2 did not hold */
	bool has_verdict;
	enum scrub_verdict verdict;
	bool is_computed;
};

/* What keeps the pace. */
struct scrub_pace {
	uint64_t bytes_per_s;
	int64_t start_ms;
	uint64_t bytes; /* since then */
	bool (*goes_on)(void *context);
	void *context;
};

/* Notes bytes that were read, and waits until they may have been.  False:
 * it is over. */
bool scrub_read_keep_pace(struct scrub_pace *pace, uint64_t bytes);

/* IO, NO_MEMORY: of this process, not of the data. */
must_check enum store_err scrub_read(struct store *store,
	struct scrub_pace *pace, struct scrub_item *item);

/* One commit for all of them. */
must_check enum store_err scrub_mark(struct store *store,
	struct scrub_item *items, size_t count);

/* Inside apply: so many more, or fewer, are marked as damaged. */
must_check enum store_err scrub_state_count(struct db_txn *txn, int delta);
must_check enum store_err scrub_state_set(struct db_txn *txn, uint64_t count);
struct scrub_state {
	uint64_t damaged; /* marked so by now */
	uint64_t missing; /* when the last whole run ended */
	int64_t last_ns;  /* 0: none has */
};
must_check enum store_err scrub_state_get(struct db_txn *txn,
	struct scrub_state *out);
/* Inside apply: the checksum of a new object's bytes, where its upload has told
 * that of all of them. */
must_check enum store_err scrub_mark_uploaded(struct db_txn *txn,
	const struct inode *made);
/* A whole run has ended, which has found so many missing. */
must_check enum store_err scrub_state_note_end(struct store *store,
	uint64_t missing);
