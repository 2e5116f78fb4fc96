/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bucket_private.h - buckets within a transaction.
 */
#pragma once

#include "store/bucket.h"
#include "store/dentry_private.h"

/* NO_BUCKET */
must_check enum store_err bucket_find(struct db_txn *txn, struct slice name,
	struct bucket *out);
/* One that came, or goes. */
must_check enum store_err bucket_tell(struct store *store, struct db_txn *txn,
	const struct bucket *bucket);
