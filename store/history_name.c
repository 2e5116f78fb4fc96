/* SPDX-License-Identifier: Apache-2.0 */
#include "store/base/clock.h"
#include "store/history_null_private.h"
#include "store/lock_private.h"
#include "store/meta/key.h"
#include "store/object_event_private.h"
#include "store/replication_private.h"
#include "store/usage_private.h"

/* What S3 puts is locked from the beginning. */
static enum store_err
lock_new(const struct record_versions *of, struct inode *inode)
{
	if (!of->lock.is_enabled)
		return inode_lock_is_empty(&inode->lock) ? STORE_OK
							 : STORE_INVALID;
	if (inode->flags & INODE_FROM_S3)
		lock_begin(&of->lock, &inode->lock);
	return STORE_OK;
}

/* as: NULL for the next version. */
static enum store_err
publish(struct store *store, struct db_txn *txn, uint64_t parent,
	struct slice component, const struct inode *inode,
	const struct version *as, struct version *version)
{
	struct inode locked = *inode;
	struct record_versions of;
	struct record_dentry old;
	bool is_moved;

	*version = (struct version){.number = 0};
	enum store_err err = history_of(txn, inode->bucket, &of);
	if (!err)
		err = lock_new(&of, &locked);
	if (err)
		return err;
	if (of.versioning == VERSIONING_NEVER)
		return dentry_publish(store, txn, parent, component, version,
			inode);
	err = dentry_find(txn, parent, component, &old);
	if (!err)
		err = history_keep(store, txn, parent, component, &old,
			&is_moved);
	if (err && err != STORE_NOT_FOUND)
		return err;
	err = STORE_OK;
	if (as)
		*version = *as;
	else
		err = history_begin(store, txn, inode->bucket, parent,
			component, version);
	return err ? err
		   : dentry_publish(store, txn, parent, component, version,
			     &locked);
}

static enum store_err
publish_and_tell(struct store *store, struct db_txn *txn, uint64_t parent,
	struct slice component, const struct inode *inode,
	const struct version *as, struct version *version)
{
	bool is_seen = slice_has_suffix(component, SLICE("/")) ||
		       dentry_is_visible(inode);
	enum store_err err =
		publish(store, txn, parent, component, inode, as, version);

	return err || !is_seen ? err
			       : object_event_add_name(store, txn,
					 inode->bucket, parent, component,
					 EVENT_CREATED_PUT, inode, version);
}

enum store_err
history_name_publish(struct store *store, struct db_txn *txn, uint64_t parent,
	struct slice component, const struct inode *inode,
	struct version *version)
{
	return publish_and_tell(store, txn, parent, component, inode, NULL,
		version);
}

enum store_err
history_name_publish_as(struct store *store, struct db_txn *txn,
	uint64_t parent, struct slice component, const struct inode *inode,
	const struct version *as)
{
	struct version version;

	return publish_and_tell(store, txn, parent, component, inode, as,
		&version);
}

/* Its file has been moved: what dentry_unlink() does besides. */
static enum store_err
forget_name(struct store *store, struct db_txn *txn, uint64_t parent,
	struct slice component, uint64_t ino, bool is_s3, struct inode *out)
{
	enum store_err err =
		feed_append_dentry(store, txn, parent, component, ino);

	if (!err)
		err = dentry_inode(txn, ino, out);
	if (err)
		return err;
	out->nlink = 0;
	out->attrs = SLICE_NULL;
	return dentry_settle_dir(store, txn, parent, 0, is_s3);
}

/* For a file system a directory that has entries stays. */
static enum store_err
check_unlink(struct db_txn *txn, const struct record_dentry *dentry, bool is_s3)
{
	bool is_empty = true;
	enum store_err err = STORE_OK;

	if (dentry->kind == RECORD_DENTRY_DIR && !is_s3)
		err = dentry_is_empty(txn, dentry->ino, &is_empty);
	return err || is_empty ? err : STORE_NOT_EMPTY;
}

/* dentry_unlink() of what leaves no marker.  It is told first: with the name
 * directories may go that its key is made of. */
static enum store_err
unlink_for_good(struct store *store, struct db_txn *txn, uint64_t parent,
	struct slice component, const struct record_dentry *dentry, bool is_s3,
	struct inode *out)
{
	enum store_err err = STORE_OK;

	if (dentry_is_visible(out)) {
		err = check_unlink(txn, dentry, is_s3);
		if (!err)
			err = object_event_add_name(store, txn, out->bucket,
				parent, component, EVENT_REMOVED, NULL, NULL);
	}
	return err ? err
		   : dentry_unlink(store, txn, parent, component, is_s3, out);
}

/* as: NULL for a new marker. */
static enum store_err
unlink_name(struct store *store, struct db_txn *txn, uint64_t parent,
	struct slice component, bool is_s3, const struct history_marker *as,
	struct inode *out, struct version *marker)
{
	scoped(buffer_free) struct buffer key = {0};
	struct record_versions of;
	struct record_dentry dentry;
	bool is_moved;

	*marker = (struct version){.number = 0};
	enum store_err err = dentry_find(txn, parent, component, &dentry);
	if (!err)
		err = dentry_inode(txn, dentry.ino, out);
	if (!err)
		err = history_of_name(txn, out->bucket, parent, component, &of,
			&key);
	if (err)
		return err;
	uint64_t bucket = out->bucket;
	if (of.versioning == VERSIONING_NEVER)
		err = lock_lift_unseen(txn, out);
	if (err)
		return err;
	if (of.versioning == VERSIONING_NEVER || !dentry_is_visible(out))
		return unlink_for_good(store, txn, parent, component, &dentry,
			is_s3, out);
	err = check_unlink(txn, &dentry, is_s3);
	if (!err)
		err = history_keep(store, txn, parent, component, &dentry,
			&is_moved);
	if (err)
		return err;
	err = is_moved ? forget_name(store, txn, parent, component, dentry.ino,
				 is_s3, out)
		       : dentry_unlink(store, txn, parent, component, is_s3,
				 out);
	if (err)
		return err;
	return as ? history_mark_as(store, txn, bucket, buffer_slice(&key), as)
		  : history_mark(store, txn, bucket, buffer_slice(&key),
			    marker);
}

enum store_err
history_name_unlink(struct store *store, struct db_txn *txn, uint64_t parent,
	struct slice component, bool is_s3, struct inode *out,
	struct version *marker)
{
	return unlink_name(store, txn, parent, component, is_s3, NULL, out,
		marker);
}

enum store_err
history_name_unlink_as(struct store *store, struct db_txn *txn, uint64_t parent,
	struct slice component, const struct history_marker *as)
{
	struct version marker;
	struct inode gone;

	return unlink_name(store, txn, parent, component, true, as, &gone,
		&marker);
}

enum store_err
history_name_leave(struct store *store, struct db_txn *txn, uint64_t bucket,
	uint64_t parent, struct slice component, bool *is_marked)
{
	scoped(history_row_free) struct history_row row = {0};
	scoped(buffer_free) struct buffer key = {0};
	struct record_versions of;
	struct version marker;
	struct inode inode;

	*is_marked = false;
	enum store_err err =
		history_of_name(txn, bucket, parent, component, &of, &key);
	if (err || of.versioning == VERSIONING_NEVER)
		return err;
	err = history_newest(txn, &of, buffer_slice(&key), &row);
	if (!err)
		err = dentry_inode(txn, row.dentry.ino, &inode);
	if (err)
		return err == STORE_NOT_FOUND ? STORE_OK : err;
	/* One is enough for a name that files are made under and moved away. */
	if (inode.flags & INODE_MARKER)
		return STORE_OK;
	*is_marked = true;
	return history_mark(store, txn, bucket, buffer_slice(&key), &marker);
}

/* With its record, which dentry_publish() makes anew. */
static enum store_err
take_down(struct store *store, struct db_txn *txn,
	const struct history_row *row, const struct inode *inode)
{
	struct key by_ino = key_u64(inode->ino);

	enum store_err err = history_null_remove(txn, row);

	if (!err)
		err = dentry_remove(txn, row->parent,
			buffer_slice(&row->component));
	if (!err)
		err = dentry_settle_dir(store, txn, row->parent, 0, true);
	if (!err)
		err = db_delete(txn, DB_INODE, key_slice(&by_ino));
	return err ? err : usage_add_names(txn, inode, -1);
}

static enum store_err
restore_row(struct store *store, struct db_txn *txn, uint64_t bucket,
	struct slice key, const struct history_row *row,
	const struct inode *inode)
{
	scoped(buffer_free) struct buffer attrs = {0};
	struct inode now = *inode;
	struct slice component;
	uint64_t parent;

	/* Out of the map. */
	buffer_append(&attrs, inode->attrs);
	now.attrs = buffer_slice(&attrs);
	now.flags &= ~(uint32_t)INODE_NONCURRENT;
	now.ctime_ns = clock_now_ns();
	enum store_err err = take_down(store, txn, row, &now);
	if (!err)
		err = dentry_locate_or_make(store, txn, bucket, bucket, key,
			&parent, &component);
	if (!err)
		err = dentry_publish(store, txn, parent, component,
			&row->dentry.version, &now);
	return err ? err
		   : replication_where_moved(txn, bucket, key,
			     &row->dentry.version);
}

enum store_err
history_name_restore(struct store *store, struct db_txn *txn, uint64_t bucket,
	struct slice key)
{
	scoped(history_row_free) struct history_row row = {0};
	struct record_versions of;
	struct record_dentry taken;
	struct slice component;
	struct inode inode;
	uint64_t parent;

	enum store_err err = history_of(txn, bucket, &of);
	if (!err)
		err = history_newest(txn, &of, key, &row);
	if (!err)
		err = dentry_inode(txn, row.dentry.ino, &inode);
	if (err)
		return err == STORE_NOT_FOUND ? STORE_OK : err;
	if (inode.flags & INODE_MARKER)
		return STORE_OK;
	err = dentry_locate(txn, bucket, key, &parent, &component);
	if (!err)
		err = dentry_find(txn, parent, component, &taken);
	/* What S3 does not see has the name; a directory may get its object. */
	if (!err && taken.kind != RECORD_DENTRY_DIR)
		return STORE_OK;
	if (err && err != STORE_NOT_FOUND)
		return err;
	return restore_row(store, txn, bucket, key, &row, &inode);
}
