/* SPDX-License-Identifier: Apache-2.0 */
/*
 * commit_private.h - group commit: many changes, one transaction; many
 * waiters, one checkpoint.
 *
 * A change is a function that reads and writes the tables of a transaction.
 * Concurrent ones share a transaction, one after the other; each is atomic by
 * itself: where one fails after it wrote, the transaction is dropped and the
 * others run again.  So a change may run more than once: it must depend only
 * on the transaction and its arguments, and set its results anew each time.
 *
 * Threads:   any; on a plain thread the first to come leads, on a fiber the
 *            commit thread does, since the writer's lock may be another
 *            process's.
 */
#pragma once

#include "store/meta/record.h"
#include "store/store_private.h"

/* *commit, where not NULL: the number to wait for.  The error of apply. */
must_check enum store_err commit_run(struct store *store,
	enum store_err (*apply)(struct store *store, struct db_txn *txn,
		void *arg),
	void *arg, uint64_t *commit);

/*
 * The same for a change that needs bytes in a file which many changes share:
 * write() is called once, before the transaction, by who leads: by one thread
 * at a time, in the order of the changes.  It must not wait for another change.
 * Its error is the change's.
 */
must_check enum store_err commit_run_written(struct store *store,
	enum store_err (*write)(struct store *store, void *arg),
	void *write_arg,
	enum store_err (*apply)(struct store *store, struct db_txn *txn,
		void *arg),
	void *arg, uint64_t *commit);

/* commit_run(), then a checkpoint that covers it, then the live mounts have
 * dropped what they cached (bounded): what S3 acknowledges. */
must_check enum store_err commit_run_durably(struct store *store,
	enum store_err (*apply)(struct store *store, struct db_txn *txn,
		void *arg),
	void *arg);

/* The same of commit_run_written(). */
must_check enum store_err commit_run_written_durably(struct store *store,
	enum store_err (*write)(struct store *store, void *arg),
	void *write_arg,
	enum store_err (*apply)(struct store *store, struct db_txn *txn,
		void *arg),
	void *arg);

/* For use inside apply. */

/* A number never given out before, for an inode, upload, ... */
must_check enum store_err commit_new_number(struct db_txn *txn,
	uint64_t *number);

/* store.c's use. */
must_check enum store_err commit_open(struct store *store);
/* Nobody may be in commit_run() any more. */
void commit_close(struct store *store);
