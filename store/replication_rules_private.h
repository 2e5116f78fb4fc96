/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replication_rules_private.h - a bucket's rules, decoded once and kept as long
 * as they are the same: a thousand of them are megabytes, and each put asks.
 *
 * What is kept is found by the digest that the document begins with, so it is
 * never that of another transaction, process or bucket.  Rules from before
 * there was one are decoded each time.
 *
 * Threads:   any.
 * Ownership: whoever takes rules drops them; they stay what they were.
 */
#pragma once

#include "store/meta/db.h"
#include "store/replication.h"

struct replication_rules {
	/* fixed */
	struct replication of;
	struct arena arena; /* what `of` points to */

	unsigned int users; /* under the lock of those that are kept */
	struct store *store;
};

/* For store_open() and store_close().  NO_MEMORY. */
must_check enum store_err replication_rules_open(struct store *store);
void replication_rules_close(struct store *store);

/* NOT_FOUND: the bucket has none; CORRUPT, NO_MEMORY. */
must_check enum store_err replication_rules_take(struct store *store,
	struct db_txn *txn, uint64_t bucket, struct replication_rules **out);
/* NULL is allowed. */
void replication_rules_drop(struct replication_rules **rules);
