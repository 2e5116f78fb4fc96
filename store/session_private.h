/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session_private.h - a process that has the store open, and what it leaves
 * behind when it dies.
 *
 * 1. A session holds a lock on run/<id> as long as its process lives; the
 *    kernel drops it at death.  The lock is there before the record is.
 * 2. A data file is created only under an id that the session has leased in
 *    the tables.  Ids are leased in blocks; a block's record goes when each
 *    of its ids has been named by a committed blob record or returned, and
 *    the removal of the files of those returned is durable.
 * 3. An inode that is dirty or unpublished stands in DB_OPEN under the
 *    session that has it so; with flags 0, one that was published at a
 *    close(2), but may be written to further: through a duplicate of the
 *    descriptor, or, where the kernel has the data file (passthrough), through
 *    a map, which outlives the descriptors, or by any of these once the
 *    session is dead.
 * 4. A row goes only when nobody can write to the data file by way of that
 *    session any more.  For longer than a moment (file_linger_private.h) there
 *    is none with flags 0 while somebody can: the inode is dirty.  So what
 *    has a clean record and no row is what its record says.
 * 5. What a row says of the data file is as of the last settlement: one that is
 *    neither like that nor like the inode's record was written to since.  (A
 *    time set by path is in the record alone.)
 * 6. Whoever finds a session without its lock reaps it: leased files that
 *    neither a blob record names nor the table of freed ones are removed,
 *    open inodes are settled (file_left.c), the records go, the lock file
 *    last.  Where rule 4 keeps a row, the session's record and lock file stay
 *    with it, and it is reaped again later; in another boot nobody is left who
 *    could write.  The work is bounded by what the dead one had open.
 * 7. A lease need not be durable before the file is made: after a power cut
 *    every file from the recovered counter of ids on is removed (store.c).
 */
#pragma once

#include "store/base/inode.h"
#include "store/store_private.h"

#define SESSION_LEASE_BLOCK 256 /* ids leased by one commit */

must_check enum store_err session_open(struct store *store, const char *role);
/* Reaps itself. */
void session_close(struct store *store);

/* 0 where the store is open for reading only. */
uint64_t session_id(const struct store *store);

/* Reaps dead sessions; cheap when there are none. */
must_check enum store_err session_reap(struct store *store);

/* A new blob id to create a file under (rule 2). */
must_check enum store_err session_lease_blob(struct store *store, uint64_t *id);
/* The file was not created, or is removed again: the id is spent. */
void session_return_blob(struct store *store, uint64_t id);

/* Inside apply: a record names the blob, if this transaction commits. */
void session_settle_blob(struct store *store, uint64_t id);
/* By the leader: a transaction begins, so what the last one settled without
 * session_note_commit() did not happen. */
void session_note_begin(struct store *store);
/* By the leader, after a commit: what it settled is so. */
void session_note_commit(struct store *store);

/* Removes the records of the blocks of ids that are used up (rule 2). */
must_check enum store_err session_end_leases(struct store *store);

/* Inside apply: flags as in struct inode; 0 removes. */
must_check enum store_err session_set_open(struct store *store,
	struct db_txn *txn, uint64_t ino, uint32_t flags);

/* A row of DB_OPEN. */
struct session_open {
	uint32_t flags; /* as in struct inode; 0: rule 3 */
	bool has_data;	/* rule 5; not in rows of an inode just marked */
	uint64_t blob;
	uint64_t size;
	int64_t mtime_ns;
};

/* Inside apply, for any session. */
must_check enum store_err session_put_open(struct db_txn *txn, uint64_t session,
	uint64_t ino, const struct session_open *row);
/* NOT_FOUND */
must_check enum store_err session_get_open(struct db_txn *txn, uint64_t session,
	uint64_t ino, struct session_open *out);

/* Nobody can write to a published one any more: its row goes with a later
 * commit. */
void session_note_closed(struct store *store, uint64_t ino);
/* The same; at once, where a lock is due (lock_private.h). */
void session_end_closed(struct store *store, uint64_t ino, bool is_due);
/* By the leader, within its transaction: takes out some of these rows. */
must_check enum store_err session_clean_open(struct store *store,
	struct db_txn *txn);
bool session_needs_cleaning(struct store *store);

/* Calls visit() for each session that has the inode on its list. */
must_check enum store_err session_each_open(struct db_txn *txn, uint64_t ino,
	void (*visit)(uint64_t session, const struct session_open *row,
		void *context),
	void *context);

/* Whether a session other than `except` (0: any) has the inode on its list;
 * with_published: with flags 0, too. */
must_check enum store_err session_has_open(struct db_txn *txn, uint64_t except,
	uint64_t ino, bool with_published, bool *out);

/* The first blob id that nobody has leased. */
must_check enum store_err session_first_unleased(struct db_txn *txn,
	uint64_t *id);
