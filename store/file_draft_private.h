/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file_draft_private.h - a draft for the sealed data of an open file:
 * file_seal_private.h, rule 1.
 *
 * The caller has the file's turn.
 */
#pragma once

#include "store/file_table_private.h"

/*
 * Begins one, unless there is one: with the bytes that are published, or
 * empty.  From here on the inode stands in DB_OPEN as one being rewritten.
 * BUSY: another process is about it.  PRECONDITION: the record names other
 * data by now.  UNSUPPORTED: the file has no name any more.
 */
must_check enum store_err file_draft_begin(struct file *file, bool with_data);

/* The draft has been published: it is read from now on, not written. */
must_check enum store_err file_draft_end(struct file *file);
