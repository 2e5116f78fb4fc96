/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file_mark_private.h - the leave to write: an inode that says that its data
 * changes, and data that is its own.
 *
 * The caller has the file's turn.
 */
#pragma once

#include "store/file_table_private.h"

/*
 * Marks the inode dirty, so that its data may be changed in place; a shared
 * blob is cloned first, or replaced by an empty one where with_data is false.
 * BUSY: that cannot be, since the kernel has the shared one, or since the file
 * is gone and has no record that could get another.  PRECONDITION: the
 * record names other data by now.  LOCKED: it has several names, and is kept
 * under each.
 */
must_check enum store_err file_mark(struct file *file, bool with_data);

/* In the place of file_open_data() and file_mark(): an empty blob that
 * will replace the published one.  BUSY: there is one already; NO_KEY: the
 * data is sealed; nothing has been done. */
must_check enum store_err file_mark_rewrite(struct file *file);
