/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file_data_private.h - the bytes of an open file, for who opens and closes
 * it; what others do with them: file_data_*() in file.h.
 *
 * The caller has the file's turn.
 */
#pragma once

#include "store/file_table_private.h"

/* Rule 3 of file.h, and again where the mark was lost to file_flush().  BUSY:
 * the record names other data each time, or the kernel has this; IO: the record
 * cannot be read; as file_mark() and file_draft_begin(). */
must_check enum store_err file_data_mark(struct file *file, bool with_data);

/* ftruncate(2), once it is marked.  TOO_BIG. */
must_check enum store_err file_data_resize(struct file *file, uint64_t size);

/* Rule 7 of file_table_private.h.  As file_open_reload(). */
must_check enum store_err file_data_take_in_news(struct file *file);
