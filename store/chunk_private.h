/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chunk_private.h - where the entry of a long name lies.
 *
 * A component of KEY_CHUNK bytes or more does not fit a table's key.  Its
 * first KEY_CHUNK bytes are the name of a chunk node, below which the rest is
 * a name again.  All that begin with the same bytes share the node, so the
 * order of names stays that of their bytes.
 *
 * 1. A chunk node has at least one entry, and no inode record.
 * 2. A name of KEY_CHUNK bytes in the table is that of a chunk node, and no
 *    other is.
 */
#pragma once

#include "store/meta/db.h"
#include "store/meta/key.h"
#include "store/meta/record.h"

/* Nodes on the way to a name, the directory among them. */
#define CHUNK_DEPTH_MAX 3
#define CHUNK_NAME_MAX (KEY_CHUNK * CHUNK_DEPTH_MAX - 1)

/* The last node and what is left of the component there.  NOT_FOUND: a node
 * is missing.  NAME_TOO_LONG: over CHUNK_NAME_MAX. */
must_check enum store_err chunk_locate(struct db_txn *txn, uint64_t parent,
	struct slice component, uint64_t *node, struct slice *rest);

/* The same, making the nodes that are missing. */
must_check enum store_err chunk_locate_or_make(struct db_txn *txn,
	uint64_t parent, struct slice component, uint64_t *node,
	struct slice *rest);

/* Removes the nodes on the way to the component that have become empty. */
must_check enum store_err chunk_prune(struct db_txn *txn, uint64_t parent,
	struct slice component);

/* True where nothing hangs below the directory or chunk node. */
must_check enum store_err chunk_is_empty(struct db_txn *txn, uint64_t node,
	bool *is_empty);
