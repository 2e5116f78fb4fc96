/* SPDX-License-Identifier: Apache-2.0 */
#include "store/base/clock.h"
#include "store/blob_record_private.h"
#include "store/history_private.h"
#include "store/lock_private.h"
#include "store/object_key_private.h"
#include "store/replication_private.h"
#include "store/usage_private.h"

/* What an older version of "dir/" does not have. */
#define KINDS_OF_DIR ((1u << INODE_ATTR_XATTR) | (1u << INODE_ATTR_NAME))

/* Whether what has the name stays when another version takes its place. */
static bool
is_kept(const struct record_versions *of, const struct record_dentry *dentry,
	const struct inode *inode)
{
	if (of->versioning == VERSIONING_NEVER || !dentry_is_visible(inode))
		return false;
	return of->versioning == VERSIONING_ENABLED ||
	       !version_is_null(&dentry->version);
}

static bool
is_locked(const struct inode *inode)
{
	return inode_lock_holds(&inode->lock, clock_now_ns());
}

/* Its other names go on being what is locked. */
static bool
has_others(const struct inode *inode)
{
	return !inode_is_dir(inode) && inode->nlink > 1;
}

/* A key has one null version.  Where a directory that was renamed has brought
 * another, that gets an id now. */
static enum store_err
settle_version(struct db_txn *txn, const struct record_versions *of,
	struct slice key, struct version *version)
{
	static const struct version_ref null = {.which = VERSION_NULL};
	scoped(history_row_free) struct history_row row = {0};

	if (!version_is_null(version))
		return STORE_OK;
	enum store_err err = history_find(txn, of, key, &null, &row);
	if (err)
		return err == STORE_NOT_FOUND ? STORE_OK : err;
	version->is_null = false;
	return commit_new_number(txn, &version->number);
}

static enum store_err
hang(struct store *store, struct db_txn *txn, const struct record_versions *of,
	uint64_t bucket, struct slice key, struct record_dentry dentry)
{
	enum store_err err = settle_version(txn, of, key, &dentry.version);

	return err ? err : history_hang(store, txn, of, bucket, key, &dentry);
}

/* A file of its own says what the inode is, with the same data. */
static enum store_err
keep_copy(struct store *store, struct db_txn *txn,
	const struct record_versions *of, struct slice key,
	const struct record_dentry *dentry, const struct inode *inode)
{
	scoped(buffer_free) struct buffer attrs = {0};
	struct record_dentry kept = *dentry;
	struct inode none = *inode;
	struct inode copy = *inode;
	bool is_dir = inode_is_dir(inode);

	inode_attrs_merge(&attrs, inode->attrs, SLICE_NULL,
		is_dir ? KINDS_OF_DIR : 1u << INODE_ATTR_NAME);
	copy.attrs = buffer_slice(&attrs);
	if (is_dir)
		copy.mode = S_IFREG | 0644;
	copy.nlink = 1;
	copy.parent = 0;
	copy.pending = 0;
	copy.ctime_ns = clock_now_ns();
	copy.flags = INODE_NONCURRENT | (inode->flags & INODE_FROM_S3);
	enum store_err err = commit_new_number(txn, &copy.ino);
	if (!err && copy.lock.is_due)
		err = lock_begin_kept(store, txn, &of->lock, &copy);
	if (err)
		return err;
	none.ino = copy.ino;
	none.flags = INODE_UNPUBLISHED;
	none.mode = copy.mode;
	err = dentry_update_inode(txn, &none, &copy);
	if (!err && copy.blob)
		err = blob_record_share(txn, copy.blob);
	kept.ino = copy.ino;
	kept.kind = RECORD_DENTRY_FILE;
	if (!err)
		err = hang(store, txn, of, copy.bucket, key, kept);
	return err ? err
		   : replication_where_moved(txn, copy.bucket, key,
			     &dentry->version);
}

/* It has no other name: the file itself goes there. */
static enum store_err
keep_file(struct store *store, struct db_txn *txn,
	const struct record_versions *of, struct slice key, uint64_t parent,
	struct slice component, const struct record_dentry *dentry,
	const struct inode *inode)
{
	scoped(buffer_free) struct buffer attrs = {0};
	struct inode now = *inode;

	now.attrs = dentry_named_attrs(&attrs, inode->attrs, NULL);
	now.parent = 0;
	now.flags |= INODE_NONCURRENT;
	now.ctime_ns = clock_now_ns();
	enum store_err err = dentry_update_inode(txn, inode, &now);
	if (!err)
		err = dentry_remove(txn, parent, component);
	if (!err)
		err = hang(store, txn, of, now.bucket, key, *dentry);
	if (!err)
		err = replication_where_moved(txn, now.bucket, key,
			&dentry->version);
	return err ? err : feed_append_inode(store, txn, now.ino, false);
}

/* Whether it has other names, below which it is changed in place: a version of
 * the same data would change with it. */
static enum store_err
is_written_elsewhere(struct store *store, struct db_txn *txn,
	const struct inode *inode, bool *out)
{
	*out = false;
	if (inode_is_dir(inode) || inode->nlink == 1 || inode->pending ||
		is_locked(inode))
		return STORE_OK;
	return object_key_is_written(store, txn, inode, out);
}

enum store_err
history_keep(struct store *store, struct db_txn *txn, uint64_t parent,
	struct slice component, const struct record_dentry *dentry,
	bool *is_moved)
{
	scoped(buffer_free) struct buffer key = {0};
	struct record_versions of;
	struct inode inode;
	bool is_written;

	*is_moved = false;
	enum store_err err = dentry_inode(txn, dentry->ino, &inode);
	if (!err)
		err = history_of_name(txn, inode.bucket, parent, component, &of,
			&key);
	if (!err && of.versioning == VERSIONING_NEVER)
		return lock_lift_unseen(txn, &inode);
	if (err || !is_kept(&of, dentry, &inode))
		return err;
	err = is_written_elsewhere(store, txn, &inode, &is_written);
	if (err || is_written)
		return err;
	*is_moved = !inode_is_dir(&inode) && inode.nlink == 1 && !inode.pending;
	if (*is_moved)
		return keep_file(store, txn, &of, buffer_slice(&key), parent,
			component, dentry, &inode);
	err = keep_copy(store, txn, &of, buffer_slice(&key), dentry, &inode);
	return err || has_others(&inode) ? err : lock_lift(txn, inode.ino);
}

enum store_err
history_keep_moved(struct store *store, struct db_txn *txn, uint64_t parent,
	struct slice component, const struct record_dentry *dentry)
{
	scoped(buffer_free) struct buffer key = {0};
	struct record_versions of;
	struct inode inode;
	struct usage_mark mark;

	enum store_err err = dentry_inode(txn, dentry->ino, &inode);
	if (err || !is_locked(&inode))
		return err;
	err = history_of_name(txn, inode.bucket, parent, component, &of, &key);
	if (!err && of.versioning == VERSIONING_NEVER)
		return lock_lift_unseen(txn, &inode);
	if (!err && !is_kept(&of, dentry, &inode))
		err = STORE_LOCKED;
	/* It is there twice from now on. */
	if (!err)
		err = usage_mark(txn, inode.bucket, &mark);
	if (!err)
		err = keep_copy(store, txn, &of, buffer_slice(&key), dentry,
			&inode);
	if (!err)
		err = usage_check(txn, &mark);
	return err || has_others(&inode) ? err : lock_lift(txn, inode.ino);
}

/* What is published anew loses what it was: not where that is locked. */
static enum store_err
expect_unlocked(const struct inode *was)
{
	return is_locked(was) ? STORE_LOCKED : STORE_OK;
}

enum store_err
history_keep_renewed(struct store *store, struct db_txn *txn,
	const struct inode *was)
{
	scoped(buffer_free) struct buffer key = {0};
	scoped(buffer_free) struct buffer component = {0};
	struct record_versions of;
	struct record_dentry dentry;
	struct slice name;

	if (!inode_attr_find(was->attrs, INODE_ATTR_NAME, SLICE_NULL, &name))
		return expect_unlocked(was);
	buffer_append(&component, name);
	name = buffer_slice(&component);
	enum store_err err = dentry_find(txn, was->parent, name, &dentry);
	if (err == STORE_NOT_FOUND || (!err && dentry.ino != was->ino))
		return expect_unlocked(was);
	if (!err)
		err = history_of_name(txn, was->bucket, was->parent, name, &of,
			&key);
	if (!err && of.versioning == VERSIONING_NEVER)
		return expect_unlocked(was);
	if (err)
		return err;
	if (is_kept(&of, &dentry, was))
		err = keep_copy(store, txn, &of, buffer_slice(&key), &dentry,
			was);
	else
		err = expect_unlocked(was);
	if (!err)
		err = history_begin(store, txn, was->bucket, was->parent, name,
			&dentry.version);
	return err ? err : dentry_put(txn, was->parent, name, &dentry);
}
