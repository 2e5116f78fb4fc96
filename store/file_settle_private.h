/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file_settle_private.h - how a record catches up with its data file.
 *
 * The caller has the file's turn.
 */
#pragma once

#include "store/file_name_private.h"
#include "store/file_table_private.h"

/* What one change of the tables is told, and tells: see file_settle.c. */
struct file_settle_request {
	/* fixed */
	uint64_t session;
	uint64_t ino;
	uint64_t blob; /* whose data file `stat` is of */
	struct stat stat;
	bool is_changed; /* since the record was made */
	bool is_copy;	 /* pending: of what is published, if not changed */
	bool has_mtime;	 /* the data file's mtime is news, too */
	bool keeps_mark;
	bool is_sync;	       /* published though others go on writing */
	bool is_marked;	       /* by this session */
	bool may_linger;       /* session_private.h, rule 3 */
	struct slice seal;     /* how pending data is sealed; data NULL: not */
	uint64_t file_len;     /* of the data file: not `stat`'s where sealed */
	struct file_name name; /* of the file's, where none is told */

	/* results */
	bool is_gone;
	bool is_published;
	bool is_described; /* the record has what the data file has */
	struct inode inode;
};

/* The change itself, an apply of commit_run(). */
must_check enum store_err file_settle_apply(struct store *store,
	struct db_txn *txn, void *request);

/*
 * Publishes what is pending, or brings the record of a blob changed in place
 * up to date.  keeps_mark: writers go on, and the inode stays on this
 * session's list.  file->commit is the number to wait for.  A file that is
 * gone is STORE_OK.
 */
must_check enum store_err file_settle_run(struct file *file, bool keeps_mark);

/* The same for fsync(2), which publishes though others go on writing: what is
 * never published is dropped after a power cut.  *is_described: the checkpoint
 * of file->commit flushes the data as well. */
must_check enum store_err file_settle_sync(struct file *file, bool keeps_mark,
	bool *is_described);

/* A copy that nobody has changed, which goes with its last writer.  The caller
 * has the turn. */
bool file_settle_is_idle(struct file *file);

/*
 * For an inode that is being changed in place, by whomever: before its data
 * file's mtime, by which that is told, is set.  inode: as just read; stat: of
 * its data file.
 */
must_check enum store_err file_settle_describe(struct store *store,
	const struct inode *inode, const struct stat *stat);

/*
 * Inside apply, for an inode that is about to take the place of one that S3
 * sees: where it was never published it is now, as it is, and is written to in
 * place from then on.  BUSY: what is written is sealed, so that its writer
 * alone could publish it.
 */
must_check enum store_err file_settle_publish(struct store *store,
	struct db_txn *txn, uint64_t ino);
