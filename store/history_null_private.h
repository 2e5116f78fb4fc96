/* SPDX-License-Identifier: Apache-2.0 */
/*
 * history_null_private.h - which of a key's older versions is null, without a
 * look at the others; within a transaction.
 *
 * DB_NULL has a row for each key that has an older version, or a marker, which
 * is null: under the key that its name has in DB_DENTRY, but for the digits of
 * the number, that number.
 *
 * 1. The row comes and goes with the version's name.
 * 2. A row that leads to a version which is null is right, whoever has written
 *    to the store: there is no other one.
 * 3. That there is no row tells something only while the rows are complete:
 *    all older versions have been gone through, and each session since the
 *    beginning of that keeps rule 1.  One of an older tarn does not, and is
 *    known by the number that it has taken: the row "null-versions" of DB_META
 *    says which number is the next while there was none.
 * 4. The rows are made complete by who opens the store, once no session is
 *    there that is from before the run of those which keep rule 1.
 *
 * A component below is one of the history: key, NUL, 16 digits.  A stem is one
 * without the digits.
 */
#pragma once

#include "store/history_private.h"

#define HISTORY_NULL_DIGITS 16

/* Older versions gone through in one transaction. */
#define HISTORY_NULL_RUN_BATCH 1000

void history_null_append_digits(struct buffer *to, uint64_t number);

/* Fills in component and dentry.  NOT_FOUND: there is no row.  STALE: what it
 * leads to is not there, or not null. */
must_check enum store_err history_null_find(struct db_txn *txn, uint64_t dir,
	struct slice stem, struct history_row *row);

/* What has that component is null; once it is there. */
must_check enum store_err history_null_put(struct db_txn *txn, uint64_t dir,
	struct slice component, uint64_t number);
/* The version is about to go; one that is not null has no row. */
must_check enum store_err history_null_remove(struct db_txn *txn,
	const struct history_row *row);

/* The number of a row; CORRUPT. */
must_check enum store_err history_null_decode(struct slice value,
	uint64_t *number);
/* A row of DB_NULL, with a whole key.  False: it does not lead to a version
 * that is null. */
must_check enum store_err history_null_row_is_right(struct db_txn *txn,
	struct slice key, struct slice value, bool *out);

/* Rule 3. */
must_check enum store_err history_null_run_is_complete(struct db_txn *txn,
	bool *out);
/* A session of this tarn begins; it has just taken that number. */
must_check enum store_err history_null_run_begin_session(struct db_txn *txn,
	uint64_t session);
/* Rule 4; cheap where they are. */
must_check enum store_err history_null_run_complete(struct store *store);
