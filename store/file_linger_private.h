/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file_linger_private.h - what was published at a close(2), though that need
 * not have been the end: rules 3 and 4 of session_private.h.
 *
 * 1. Which inodes this process has published so is remembered from then on
 *    until it is known better.
 * 2. What is still open for writing after a second is marked dirty again: its
 *    record says no more than that it lags behind.
 * 3. Of what is closed, but was the kernel's to write to by what outlives the
 *    opening (file_let_linger()), it is asked after a second, and then each
 *    second, whether anybody can write to it
 *    (blob_has_writer()).  As long as that is so it is dirty; then it is
 *    settled, and its row goes.  Not at the close: the kernel lets go of a data
 *    file a moment after it has told of that.
 *
 * 4. A copy for a new version (file_mark()) that is still unchanged at its last
 *    close, and may be written to by a map, stays open here, as if that close
 *    had not come: dropped at once, it would take with it what the map stores.
 *    Closed it is when somebody has written to it, when nobody can any more,
 *    or when somebody else opens it for writing, whose close it then is.
 *
 * Threads:   any.
 */
#pragma once

#include "store/file_table_private.h"

/* The caller has the file's turn; it was published, and its row in DB_OPEN has
 * flags 0. */
void file_linger_note(struct file *file);
/* The same of what nobody can open, but somebody may have open; its row, with
 * flags 0, is in the transaction. */
void file_linger_note_kept(struct store *store, uint64_t ino);
/* That is no longer so. */
void file_linger_forget(struct file *file);

/* Whether the inode is one of these; the caller need not have it open. */
bool file_linger_has(struct store *store, uint64_t ino);

/* Rule 4.  The caller has the turn, and closes it as the last writer.  True:
 * its open and its reference are kept here. */
bool file_linger_hold(struct file *file);
/* What is held is given up: another has opened it for writing. */
void file_linger_unhold(struct file *file);

/* Rules 2 to 4.  To be called about once a second, with no turn taken. */
void file_linger_run(struct store *store);
