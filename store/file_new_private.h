/* SPDX-License-Identifier: Apache-2.0 */
/* file_new_private.h - a new inode with an empty, open file. */
#pragma once

#include "store/file_table_private.h"

/* A new inode of that name with an empty, open file, sealed (*seal) where the
 * keyring says so.  The file is the caller's: not in the table yet.  EXISTS;
 * NOT_DIR, STALE: of the parent; QUOTA; UNSUPPORTED: it would be sealed and has
 * no name. */
must_check enum store_err file_new(struct store *store, uint64_t parent,
	struct slice name, const struct tree_owner *owner, struct inode *out,
	int *fd, struct file_seal **seal);
