/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file_settle_private.h - how a record catches up with its data file.
 *
 * The caller has the file's turn.
 */
#pragma once

#include "store/file_table_private.h"

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

/*
 * Brings the record of an inode that a dead session had open in line with its
 * data file, and publishes or, after a power cut, drops what was never
 * published, unless another session has it open, too.  Takes the inode off
 * the dead session's list (DB_OPEN), but where the kernel still writes for
 * somebody (*lingers; never after a power cut): then it is dirty and stays
 * there; NULL: nobody is asked for.  An inode that is gone is STORE_OK.
 */
must_check enum store_err file_settle(struct store *store,
	uint64_t dead_session, uint64_t ino, bool after_power_cut,
	bool *lingers);

/* The same for an inode on this session's list that nobody here has open for
 * writing.  No commit where nothing changed: session_note_closed(). */
must_check enum store_err file_settle_left(struct store *store, uint64_t ino,
	bool *lingers);
