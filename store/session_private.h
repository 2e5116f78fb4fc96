/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session_private.h - a process that has the store open, and what it leaves
 * behind when it dies.
 *
 * 1. A session holds a lock on run/<id> as long as its process lives; the
 *    kernel drops it at death.
 * 2. A data file is created only under an id that the session has leased in
 *    the tables; a lease ends when a blob record names the id, or when the
 *    file is gone again.
 * 3. An inode that is dirty or unpublished stands in DB_OPEN under the
 *    session that has it so.
 * 4. Whoever finds a session without its lock reaps it: leased files that
 *    no blob record names are removed, open inodes are settled (file.c), the
 *    records go.  The work is bounded by what the dead one had open.
 */
#pragma once

#include "store/store_private.h"

must_check enum store_err session_open(struct store *store, const char *role);
void session_close(struct store *store);

uint64_t session_id(const struct store *store);

/* Reaps dead sessions; cheap when there are none. */
must_check enum store_err session_reap(struct store *store);

/* A new blob id to create a file under (rule 2). */
must_check enum store_err session_lease_blob(struct store *store,
	uint64_t *id);
/* The file was not created, or is removed again: the id is spent. */
void session_return_blob(struct store *store, uint64_t id);
/* Inside apply: a record names the blob now. */
must_check enum store_err session_settle_blob(struct store *store,
	struct db_txn *txn, uint64_t id);

/* Inside apply: flags as in struct inode; 0 removes. */
must_check enum store_err session_set_open(struct store *store,
	struct db_txn *txn, uint64_t ino, uint32_t flags);
