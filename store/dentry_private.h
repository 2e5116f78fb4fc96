/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dentry_private.h - names and inodes within a transaction: what tree.c,
 * list.c, object.c, upload.c and file.c build on.
 *
 * A component is a name as stored: a directory's with its '/'.  Long ones go
 * through chunk nodes; nobody above this header sees those.
 *
 * 1. Every dentry's inode has a record, and an inode's nlink is the number
 *    of its dentries (directories: 2 + subdirectories).  A file that has none
 *    yet (O_TMPFILE) stands in DB_OPEN.
 * 2. A directory's record names the parent it hangs in and, as the attribute
 *    INODE_ATTR_NAME, its component there.  A bucket's root hangs in
 *    INODE_ROOT, the root of its history (history_private.h) nowhere.  The
 *    record of a file in a bucket that keeps versions, or has its events told,
 *    names one of its names in the same way, but it may be one that it has no
 *    longer.
 * 3. A directory without INODE_EXPLICIT has at least one entry.
 * 4. Usage counts, for each bucket, the files that S3 sees (regular,
 *    published; each name once, those of its history too, but for delete
 *    markers) and explicit directories, but for the root, as objects, and
 *    their sizes as recorded.
 *
 * Functions that take a store append to the feed.  Slices given to a function
 * that changes something may point into the map: it is done with them before
 * its first change, but for keys and components.
 */
#pragma once

#include "store/commit_private.h"
#include "store/feed_private.h"
#include "store/meta/record.h"

/* What a key has behind it in a bucket's history: a NUL and 16 digits. */
#define DENTRY_HISTORY_LEN 17

/* NOT_FOUND */
must_check enum store_err dentry_find(struct db_txn *txn, uint64_t parent,
	struct slice component, struct record_dentry *out);
/* Replaces.  Does not touch inodes.  NAME_TOO_LONG. */
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
/* NOT_FOUND at the end.  component lives until the next call or, in a write
 * transaction, the next change. */
must_check enum store_err dentry_cursor_next(struct dentry_cursor *cursor,
	struct slice *component, struct record_dentry *dentry);
/* As if opened anew, in this directory. */
must_check enum store_err dentry_cursor_restart(struct dentry_cursor *cursor,
	uint64_t dir, struct slice start, bool is_after);

/* Who goes from parent to parent in tables that may be damaged; begins as
 * zeros.  True: it goes round.  Brent's way, which remembers one of them. */
struct dentry_climb {
	uint64_t mark;
	uint64_t left;
	uint64_t span;
};
bool dentry_climb_is_round(struct dentry_climb *climb, uint64_t dir);

/* What the name that a file's record tells means, where that is this file.
 * NOT_FOUND: it tells none, or one that it has no longer. */
must_check enum store_err dentry_find_told(struct db_txn *txn,
	const struct inode *inode, struct record_dentry *out);

/* STALE: no such inode.  attrs point into the map: copy before the next
 * change. */
must_check enum store_err dentry_inode(struct db_txn *txn, uint64_t ino,
	struct inode *out);
must_check enum store_err dentry_save_inode(struct db_txn *txn,
	const struct inode *inode);
/* Saves `now` in the place of `was`, and adjusts usage by what S3 sees more
 * or less of it: publication, another size.  Same ino and bucket. */
must_check enum store_err dentry_update_inode(struct db_txn *txn,
	const struct inode *was, const struct inode *now);

/* The inode is to be of that bucket, and its usage counted there.  Does not
 * save it. */
must_check enum store_err dentry_change_bucket(struct db_txn *txn,
	struct inode *inode, uint64_t bucket);

/* How many of its names usage counts, each with its size. */
int64_t dentry_names_counted(const struct inode *inode);

/* True where S3 shows it under its key: a published file, or an explicit
 * directory. */
bool dentry_is_visible(const struct inode *inode);

/*
 * The inode as S3 sees it now: where it is dirty, size and mtime are those of
 * the data file, and where they differ from the record the ETag is one made
 * of blob, size, mtime and ctime, and the checksum is none.  Outside a
 * transaction: it asks the file system.
 */
must_check enum store_err dentry_refresh_inode(struct store *store,
	struct inode *inode);
/* The same, whatever its flags, with what fstat(2) says of its data. */
void dentry_apply_stat(struct inode *inode, const struct stat *stat);

/*
 * Where a file system may make the name (without '/'): EXISTS where the
 * directory has it as a file or as a directory.  *dir: the record of parent.
 * STALE, NOT_DIR, BAD_NAME, NAME_TOO_LONG.
 */
must_check enum store_err dentry_expect_free(struct db_txn *txn,
	uint64_t parent, struct slice name, struct inode *dir);

/* Where a key lies below the root of a bucket, or of its history: the
 * directory and last component (a slice of the key, "dir/" whole for a key that
 * ends in '/').  NOT_FOUND, STALE (root gone), BAD_NAME, KEY_TOO_LONG. */
must_check enum store_err dentry_locate(struct db_txn *txn, uint64_t root,
	struct slice key, uint64_t *parent, struct slice *component);
/* The same, making implicit directories that are missing; their bucket is
 * `bucket`. */
must_check enum store_err dentry_locate_or_make(struct store *store,
	struct db_txn *txn, uint64_t root, uint64_t bucket, struct slice key,
	uint64_t *parent, struct slice *component);

/* The key of what has that component in the directory.  CORRUPT. */
must_check enum store_err dentry_spell(struct db_txn *txn, uint64_t dir,
	struct slice component, struct buffer *key);

/*
 * Gives `inode` (a new one, ino set, nlink 1) the name; what had it loses
 * it as dentry_unlink() does.  Saves the inode, counts usage, touches the
 * parent.
 *
 * A file that has a version number is told its parent and component, as a
 * directory is.
 *
 * A component that ends in '/' makes an explicit directory, nlink and parent
 * set here.  One that exists keeps its number, owner, mode, entries and
 * extended attributes, and takes size, data, times and the other attributes
 * of `inode`, whose number is then not used.
 */
must_check enum store_err dentry_publish(struct store *store,
	struct db_txn *txn, uint64_t parent, struct slice component,
	const struct version *version, const struct inode *inode);

/* Attributes with the component that it has in its parent; NULL: without. */
struct slice dentry_named_attrs(struct buffer *to, struct slice attrs,
	const struct slice *component);

/*
 * Takes the name away from its inode; the last name gone, the record goes
 * and the data is given to reclaim.  is_s3: implicit directories that become
 * empty go too, upwards; else the parent becomes explicit where it would be
 * empty.  *out: the inode as it is now (nlink 0: gone), without attrs.
 *
 * A directory that has entries: for S3 an explicit one becomes implicit, and
 * one that is implicit is NOT_FOUND; else NOT_EMPTY.  NOT_FOUND.
 */
must_check enum store_err dentry_unlink(struct store *store, struct db_txn *txn,
	uint64_t parent, struct slice component, bool is_s3, struct inode *out);

/*
 * The steps of dentry_unlink() and dentry_publish(), for rename.c.
 * release: the inode has one name less; a directory must be empty.
 * settle: a name of `dir` has gone, of `subdirs` (0 or -1) a directory's:
 * touches dir, or removes it, or makes it explicit, as said above.
 */
must_check enum store_err dentry_release(struct store *store,
	struct db_txn *txn, uint64_t ino, struct inode *out);
must_check enum store_err dentry_settle_dir(struct store *store,
	struct db_txn *txn, uint64_t dir, int subdirs, bool is_s3);

/* The record of an inode without names goes, and its data.  LOCKED. */
must_check enum store_err dentry_forget(struct store *store, struct db_txn *txn,
	const struct inode *inode);

/* mtime and ctime of a directory are now; subdirectories by that many more
 * or less.  Where it is INODE_EXPLICIT or not does not matter. */
must_check enum store_err dentry_touch_dir(struct store *store,
	struct db_txn *txn, uint64_t dir, int subdirs);
