/* SPDX-License-Identifier: Apache-2.0 */
/*
 * walk_private.h - the tree of a bucket in the order of its keys, for list.c.
 *
 * Gives each entry once, a directory (key "dir/") before what is in it; the
 * caller says whether to go into it.  The stack is on the heap: keys may have
 * as many '/' as they have bytes.
 *
 * Threads:   one, in one transaction.
 */
#pragma once

#include "store/dentry_private.h"

struct walk;

/* From the first key >= start (or > start, where is_after).  STALE. */
must_check enum store_err walk_open(struct db_txn *txn, uint64_t bucket,
	struct slice start, bool is_after, struct walk **out);
void walk_close(struct walk **walk);

/* The next entry; NOT_FOUND at the end.  key lives until the next call. */
must_check enum store_err walk_next(struct walk *walk, struct slice *key,
	struct record_dentry *dentry);

/* Goes into the directory that walk_next() has just given. */
must_check enum store_err walk_enter(struct walk *walk, uint64_t dir);

/* Jumps to the first key >= start; forward or not. */
must_check enum store_err walk_seek(struct walk *walk, struct slice start);

/* As dentry_inode(), cheaper where numbers follow each other as keys do;
 * CORRUPT where there is none. */
must_check enum store_err walk_inode(struct walk *walk, uint64_t ino,
	struct inode *out);
