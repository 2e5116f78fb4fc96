/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file_open_private.h - how the data of an inode is come by: opened, cloned,
 * made anew.
 *
 * The caller has the file's turn.
 */
#pragma once

#include "store/file_table_private.h"

/* A new inode of that name with an empty, open file, sealed (*seal) where the
 * keyring says so.  The file is the caller's: not in the table yet.  EXISTS. */
must_check enum store_err file_open_new(struct store *store, uint64_t parent,
	struct slice name, const struct tree_owner *owner, struct inode *out,
	int *fd, struct file_seal **seal);

/* The first opening: reads the record and opens the data, for reading alone
 * unless is_writable is set: whoever else has a data file open for writing is
 * looked for by its descriptors (blob_has_writer()).  STALE, IS_DIR, INVALID
 * (not a regular file), NO_KEY. */
must_check enum store_err file_open_data(struct file *file);

/* From now on the descriptor is one that can be written to, or one that
 * cannot. */
must_check enum store_err file_open_as(struct file *file, bool is_writable);

/* Reads the record anew; takes the data it names now, where that is possible
 * (neither pinned nor marked).  One that is gone becomes is_gone. */
must_check enum store_err file_open_reload(struct file *file);

/*
 * Marks the inode dirty, so that its data may be changed in place; a shared
 * blob is cloned first, or replaced by an empty one where with_data is false.
 * BUSY: that cannot be, since the kernel has the shared one, or since the file
 * is gone and has no record that could get another.  PRECONDITION: the
 * record names other data by now.
 */
must_check enum store_err file_open_mark(struct file *file, bool with_data);

/* In the place of file_open_data() and file_open_mark(): an empty blob that
 * will replace the published one.  BUSY: there is one already; NO_KEY: the
 * data is sealed; nothing has been done. */
must_check enum store_err file_open_rewrite(struct file *file);

/* The data file as it is. */
must_check enum store_err file_open_stat(const struct file *file,
	struct stat *out);
struct file_stamp file_open_stamp(const struct stat *stat);
bool file_open_is_changed(const struct file *file, const struct stat *stat);
