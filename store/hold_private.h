/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hold_private.h - keeps data that is deleted from now on: a backup reads the
 * tables first, and the blobs that they name afterwards.
 *
 * A hold is a row of DB_META, "hold/SESSION" -> the commit that made it.  What
 * a commit of that number or a later one freed is not reclaimed while the row
 * is there; it goes with its session at the latest.  A reclaimer that does not
 * see the row yet sees nothing either that was freed after it.
 */
#pragma once

#include "store/store_private.h"

/* One for each session.  *commit: that of the hold. */
must_check enum store_err hold_take(struct store *store, uint64_t *commit);
must_check enum store_err hold_release(struct store *store);

/* Of a session that has ended. */
must_check enum store_err hold_forget(struct store *store, uint64_t session);

/* What commits below *least freed may be reclaimed; UINT64_MAX: all. */
must_check enum store_err hold_least(struct db_txn *txn, uint64_t *least);
