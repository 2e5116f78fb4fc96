/* SPDX-License-Identifier: Apache-2.0 */
/*
 * db_private.h - the tables from within: whatever has LMDB's handles.
 */
#pragma once

#include <lmdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

#include "store/meta/db.h"

/* The tables that this process has open.  LMDB's locks are a process's: a
 * second environment on the same file would take the first one's for its own,
 * and begin the lock file anew under it. */
struct opened {
	dev_t dev;
	ino_t ino;
	pid_t pid; /* what a child of fork(2) inherits it does not have open */
	struct opened *next;
};

struct db_txn {
	struct db *db;
	MDB_txn *handle;
	struct db_txn *next; /* among the idle, under the db's lock */
	uint64_t changes;
	enum store_err failed; /* of a write: only db_abort() is left */
	bool is_write;
	uint32_t added; /* tables it made: 1 << table; handles go with it */
};

/* The handle of a table that is not there: LMDB's own, of no table. */
#define DB_MISSING 0

struct db {
	/* fixed after open */
	MDB_env *env;
	MDB_dbi tables[DB_TABLES];
	bool is_read_only;
	bool is_noted;
	struct opened opened;

	/* atomic */
	_Atomic(uint32_t) open_txns;
	atomic_bool has_failed; /* see begin_failure() */

	pthread_mutex_t lock;
	/* under lock */
	struct db_txn *idle;
	unsigned int idle_count;
};

/* Ends what db_open() has noted: that this process has the tables open. */
void db_open_forget(struct db *db);

/* The transaction that made them is dropped, and LMDB has closed them. */
void db_open_forget_added(struct db *db, uint32_t added);

/* LMDB's, for what it asserts: invariant 3 of db.c. */
void db_on_assert(MDB_env *env, const char *text);

/* Calls what calls LMDB and changes nothing; MDB_CORRUPTED: it asserted. */
int db_guarded(int (*call)(void *arg), void *arg);

/* LMDB's code as one of ours; logs what is neither an answer nor the caller's
 * fault. */
must_check enum store_err db_failure(const char *what, int rc);

static inline MDB_val
db_to_val(struct slice s)
{
	return (MDB_val){.mv_size = s.len, .mv_data = (void *)s.data};
}
