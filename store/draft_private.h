/* SPDX-License-Identifier: Apache-2.0 */
/*
 * draft_private.h - new data on its way in: in a file, leased and written, or,
 * where it is small, in memory until its commit packs it; and then either named
 * by that commit or gone without a trace.
 *
 *	struct draft draft = DRAFT_INIT(store);
 *	draft_write(&draft, data);		as often as needed
 *	draft_settle(&draft);
 *	draft_commit_durably(&draft, apply, arg);
 *	... draft_add(&draft, txn, &blob) in apply, with what names it ...
 *	draft_end(&draft, err);			kept if named, else removed
 *
 * 1. No file is made before the first byte: an empty object has no blob.
 * 2. After a failed write no commit can name the draft.
 * 3. A process that dies leaves the file to whoever reaps its session.
 * 4. Only one with pack_max is ever packed, and as long as it is no larger
 *    than that: it has no file, and its blob no number before draft_add().
 *
 * Threads:   one at a time.
 */
#pragma once

#include "store/base/buffer.h"
#include "store/flush_ahead_private.h"
#include "store/pack_private.h"
#include "store/store_private.h"

struct draft {
	struct store *store;
	uint64_t blob;		/* 0: none yet */
	int fd;			/* -1: none yet */
	uint64_t size;		/* bytes written */
	enum store_err failure; /* of the first write that failed */

	struct flush_ahead ahead;

	uint64_t pack_max;	 /* 0: never packed */
	struct buffer body;	 /* the bytes, while they may be packed */
	struct pack_place place; /* where they will be */
};

#define DRAFT_INIT(for_store)                                                  \
	{                                                                      \
		.store = (for_store), .fd = -1                                 \
	}

/* Makes the file now, where it is not there yet. */
must_check enum store_err draft_create(struct draft *draft);

/* Appends. */
must_check enum store_err draft_write(struct draft *draft, struct slice data);

/* Appends bytes of another file: reflinked or copied in the kernel.
 * CORRUPT: that one ends before. */
must_check enum store_err draft_copy(struct draft *draft, int from,
	uint64_t offset, uint64_t len);

/* After the last write and before the commit: the draft's failure, if any. */
must_check enum store_err draft_settle(struct draft *draft);

/* commit_run_durably(), which first writes to a segment what is to be packed;
 * may wait for a commit of its own.  Whoever sets no pack_max may as well use
 * commit_run(). */
must_check enum store_err draft_commit_durably(struct draft *draft,
	enum store_err (*apply)(struct store *store, struct db_txn *txn,
		void *arg),
	void *arg);

/* Inside apply: the blob's record, with one reference, and the mark for the
 * checkpoint to flush it.  *blob: its number; 0 where it is empty. */
must_check enum store_err draft_add(const struct draft *draft,
	struct db_txn *txn, uint64_t *blob);

/* Closes the descriptor.  err: what became of the commit; unless STORE_OK the
 * file is removed if no record names it. */
void draft_end(struct draft *draft, enum store_err err);

/* Leaves the file, which a commit has named, to the caller with its
 * descriptor; the draft is empty again. */
int draft_detach(struct draft *draft);
