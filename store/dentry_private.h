/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dentry_private.h - names and inodes within a transaction: what tree.c,
 * list.c, object.c, upload.c and file.c build on.
 *
 * A component is a name as stored: a directory's with its '/'.  Long ones go
 * through chunk nodes; nobody above this header sees those.
 *
 * 1. Every dentry's inode has a record, and an inode's nlink is the number
 *    of its dentries (directories: 2 + subdirectories).
 * 2. A directory's record names the parent it hangs in.
 * 3. A directory without INODE_EXPLICIT has at least one entry.
 * 4. Usage counts, for each bucket, the files that S3 sees (published, each
 *    name once) and explicit directories as objects, and their sizes.
 *
 * Functions that take a store append to the feed.
 */
#pragma once

#include "store/commit_private.h"
#include "store/feed_private.h"
#include "store/meta/record.h"

/* NOT_FOUND */
must_check enum store_err dentry_find(struct db_txn *txn, uint64_t parent,
	struct slice component, struct record_dentry *out);
/* Replaces.  Does not touch inodes. */
must_check enum store_err dentry_put(struct db_txn *txn, uint64_t parent,
	struct slice component, const struct record_dentry *dentry);
/* NOT_FOUND.  Does not touch inodes. */
must_check enum store_err dentry_remove(struct db_txn *txn, uint64_t parent,
	struct slice component);
must_check enum store_err dentry_is_empty(struct db_txn *txn, uint64_t dir,
	bool *is_empty);

/* Walks the entries of one directory in order, long names whole. */
struct dentry_cursor;
/* From the first component >= start (or > start, where is_after). */
must_check enum store_err dentry_cursor_open(struct db_txn *txn, uint64_t dir,
	struct slice start, bool is_after, struct dentry_cursor **out);
void dentry_cursor_close(struct dentry_cursor **cursor);
/* NOT_FOUND at the end.  component lives until the next call. */
must_check enum store_err dentry_cursor_next(struct dentry_cursor *cursor,
	struct slice *component, struct record_dentry *dentry);
/* Jumps forward to the first component >= start. */
must_check enum store_err dentry_cursor_seek(struct dentry_cursor *cursor,
	struct slice start);

/* STALE: no such inode.  attrs point into the map: copy before the next
 * change. */
must_check enum store_err dentry_inode(struct db_txn *txn, uint64_t ino,
	struct inode *out);
must_check enum store_err dentry_save_inode(struct db_txn *txn,
	const struct inode *inode);

/* Where a key lies: its directory and last component (a slice of the key,
 * "dir/" whole for a key that ends in '/').  NOT_FOUND, STALE (bucket gone),
 * BAD_NAME, KEY_TOO_LONG. */
must_check enum store_err dentry_locate(struct db_txn *txn, uint64_t bucket,
	struct slice key, uint64_t *parent, struct slice *component);
/* The same, making implicit directories that are missing. */
must_check enum store_err dentry_locate_or_make(struct store *store,
	struct db_txn *txn, uint64_t bucket, struct slice key,
	uint64_t *parent, struct slice *component);

/*
 * Gives `inode` (a new one, ino set, nlink 1) the name; what had it loses
 * it as dentry_unlink() does.  Saves the inode, counts usage, touches the
 * parent.
 */
must_check enum store_err dentry_publish(struct store *store,
	struct db_txn *txn, uint64_t parent, struct slice component,
	const struct inode *inode);

/*
 * Takes the name away from its inode; the last name gone, the record goes
 * and the data is given to reclaim.  is_s3: implicit directories that become
 * empty go too, upwards; else the parent becomes explicit where it would be
 * empty.  *out: the inode as it is now (nlink 0: gone).  NOT_FOUND.
 */
must_check enum store_err dentry_unlink(struct store *store,
	struct db_txn *txn, uint64_t parent, struct slice component,
	bool is_s3, struct inode *out);

/* mtime and ctime of a directory are now; subdirectories by that many more
 * or less.  Where it is INODE_EXPLICIT or not does not matter. */
must_check enum store_err dentry_touch_dir(struct store *store,
	struct db_txn *txn, uint64_t dir, int subdirs);
