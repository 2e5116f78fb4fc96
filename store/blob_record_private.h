/* SPDX-License-Identifier: Apache-2.0 */
/*
 * blob_record_private.h - the records of data (DB_BLOB), within a change: who
 * refers to it, and what becomes of it when nobody does any more.
 *
 * Threads:   the leader's, as all that is done in a change.
 * Failure:   CORRUPT where what is named has no record.
 */
#pragma once

#include "store/meta/db.h"
#include "store/meta/record.h"
#include "store/store.h"

/* Blob data that the checkpoint of this commit must flush. */
must_check enum store_err blob_record_mark_unflushed(struct db_txn *txn,
	uint64_t blob);
/* Takes one reference; the last one gone, the data is reclaimed after the
 * checkpoint.  0: nothing to do. */
must_check enum store_err blob_record_drop(struct db_txn *txn, uint64_t blob);
/* A record for new data, with one reference, and its mark for the checkpoint;
 * ends its lease. */
must_check enum store_err blob_record_add(struct store *store,
	struct db_txn *txn, uint64_t blob, uint64_t size);
/* Without the mark, for what is pending: nobody was promised its bytes, a power
 * cut takes it away, and what publishes it marks it. */
must_check enum store_err blob_record_add_pending(struct store *store,
	struct db_txn *txn, uint64_t blob, uint64_t size);
/* One more reference. */
must_check enum store_err blob_record_share(struct db_txn *txn, uint64_t blob);
/* Whether it must not be written to: another record has it, too, or it lies
 * in a segment.  True where there is no such blob. */
must_check enum store_err blob_record_is_shared(struct db_txn *txn,
	uint64_t blob, bool *is_shared);
/* A blob's record as it is.  NOT_FOUND. */
must_check enum store_err blob_record_get(struct db_txn *txn, uint64_t blob,
	struct record_blob *record);
must_check enum store_err blob_record_put(struct db_txn *txn, uint64_t blob,
	const struct record_blob *record);
/* For a new blob.  CORRUPT: its id is in use, the counter of ids lags behind.
 */
must_check enum store_err blob_record_insert(struct db_txn *txn, uint64_t blob,
	const struct record_blob *record);
/* Takes out the record of a file or segment that nothing names any more; its
 * data is reclaimed after the checkpoint. */
must_check enum store_err blob_record_free(struct db_txn *txn, uint64_t blob);
/* Whether its file must stay: a record names it, or it waits for reclaim, which
 * removes it once a checkpoint has forgotten it. */
must_check enum store_err blob_record_is_named(struct db_txn *txn,
	uint64_t blob, bool *is_named);
