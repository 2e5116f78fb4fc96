/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rename_private.h - rename(2) and renameat2(2) within a transaction, for
 * tree_rename() and object_rename().
 */
#pragma once

#include "store/dentry_private.h"
#include "store/tree.h"

struct rename_request {
	uint64_t parent;
	struct slice name;
	enum tree_want want;
	uint64_t new_parent;
	struct slice new_name;
	unsigned flags;
	const struct tree_owner *whiteout; /* NULL: none */
	/* Of a key, not of a path: a directory of the new name stays beside
	 * it, and implicit ones that become empty go. */
	bool is_s3;
};

/* As tree_rename(). */
must_check enum store_err rename_apply(struct store *store, struct db_txn *txn,
	const struct rename_request *request, struct inode *replaced);
