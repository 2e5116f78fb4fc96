/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bucket_private.h - buckets within a transaction.
 *
 *	bucket.c	buckets as they are made and found; their documents
 *	bucket_name.c	what they may be called
 *	bucket_delete.c	what goes with one
 */
#pragma once

#include "store/bucket.h"
#include "store/dentry_private.h"

/* Kept for buckets that the server makes for itself. */
bool bucket_name_is_reserved(struct slice name);

/* NO_BUCKET */
must_check enum store_err bucket_find(struct db_txn *txn, struct slice name,
	struct bucket *out);
/* One that came, or goes. */
must_check enum store_err bucket_tell(struct store *store, struct db_txn *txn,
	const struct bucket *bucket);
