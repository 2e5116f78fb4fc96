/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file_open_private.h - how the data that an inode has is opened.
 *
 * The caller has the file's turn.
 */
#pragma once

#include "store/file_table_private.h"

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

/* The data file as it is. */
must_check enum store_err file_open_stat(const struct file *file,
	struct stat *out);
struct file_stamp file_open_stamp(const struct stat *stat);
/* The one that nobody can set. */
int64_t file_open_ctime_ns(const struct stat *stat);
bool file_open_is_changed(const struct file *file, const struct stat *stat);
