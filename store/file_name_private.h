/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file_name_private.h - under which key a file's older versions are kept, and
 * its events told.
 *
 * The kernel opens inodes, not names, so the record of a file tells one of
 * its names where its bucket keeps versions or has its events told
 * (dentry_private.h, invariant 2).
 * That of a file from before the bucket did tells none, and that of one with
 * several names perhaps one that is gone: then all of the bucket is looked
 * through, once.
 */
#pragma once

#include "store/dentry_private.h"

struct file_name {
	uint64_t parent; /* 0: nothing is to be noted */
	struct buffer component;
};
void file_name_free(struct file_name *name);

/* What the record should tell, and does not. */
must_check enum store_err file_name_find(struct store *store, uint64_t ino,
	struct file_name *out);

/* Has it tell that, unless it tells one of its names by now; attrs are what
 * inode->attrs may point to from then on. */
void file_name_note(struct db_txn *txn, const struct file_name *name,
	struct inode *inode, struct buffer *attrs);
