/* SPDX-License-Identifier: Apache-2.0 */
/*
 * counter_private.h - numbers that only grow, in DB_META: inodes and uploads,
 * blobs, sessions.
 *
 * A number taken by a commit that a power cut undoes is given out again; the
 * files made under such a number are removed at recovery (store.c).
 */
#pragma once

#include "store/store_private.h"

#define COUNTER_NUMBER "next-number"
#define COUNTER_BLOB "next-blob"
#define COUNTER_SESSION "next-session"
/* The newest RECORD_GENERATION of those who have opened it for writing. */
#define COUNTER_GENERATION "generation"

/* Inside apply: takes `count` numbers, of which *first is the lowest. */
must_check enum store_err counter_take(struct db_txn *txn, const char *name,
	uint64_t count, uint64_t *first);

/* What counter_take() would give. */
must_check enum store_err counter_peek(struct db_txn *txn, const char *name,
	uint64_t *next);

/* For a new store; and any other number of DB_META. */
must_check enum store_err counter_set(struct db_txn *txn, const char *name,
	uint64_t next);

/* COUNTER_GENERATION; 0 where there is none, or none that decodes: who opens
 * the store for writing puts his own there. */
must_check enum store_err counter_get_generation(struct db_txn *txn,
	uint64_t *generation);

/* Any number of DB_META; 0 where there is none. */
must_check enum store_err counter_get(struct db_txn *txn, const char *name,
	uint64_t *number);
