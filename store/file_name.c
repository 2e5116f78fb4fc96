/* SPDX-License-Identifier: Apache-2.0 */
#include "store/file_name_private.h"

#include "store/history_private.h"
#include "store/notification_private.h"
#include "store/walk_private.h"

void
file_name_free(struct file_name *name)
{
	buffer_free(&name->component);
}

static enum store_err
search(struct db_txn *txn, const struct inode *inode, struct file_name *out)
{
	scoped(walk_close) struct walk *walk = NULL;
	struct record_dentry dentry;
	struct slice key, component;

	enum store_err err =
		walk_open(txn, inode->bucket, SLICE_NULL, false, &walk);
	while (!err) {
		err = walk_next(walk, &key, &dentry);
		if (err || dentry.ino == inode->ino)
			break;
		if (dentry.kind == RECORD_DENTRY_DIR)
			err = walk_enter(walk, dentry.ino);
	}
	if (!err)
		err = dentry_locate(txn, inode->bucket, key, &out->parent,
			&component);
	/* Gone, or what S3 has no key of. */
	if (err == STORE_NOT_FOUND || err == STORE_KEY_TOO_LONG ||
		err == STORE_BAD_NAME)
		return STORE_OK;
	if (err)
		return err;
	buffer_append(&out->component, component);
	return STORE_OK;
}

/* Whether the record is to tell it. */
static enum store_err
is_to_be_told(struct db_txn *txn, const struct inode *inode, bool *out)
{
	struct record_versions of;
	bool has_events;

	enum store_err err = history_of(txn, inode->bucket, &of);
	if (!err)
		err = notification_is_there(txn, inode->bucket, &has_events);
	*out = !err && inode->nlink > 0 &&
	       (has_events || (of.versioning != VERSIONING_NEVER &&
				      dentry_is_visible(inode)));
	return err;
}

enum store_err
file_name_find(struct store *store, uint64_t ino, struct file_name *out)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	struct record_dentry told;
	struct inode inode;
	bool is_told = false;

	enum store_err err = db_begin_read(store->db, &txn);
	if (!err)
		err = dentry_inode(txn, ino, &inode);
	if (!err)
		err = is_to_be_told(txn, &inode, &is_told);
	if (err || !is_told || !dentry_find_told(txn, &inode, &told))
		return err == STORE_STALE ? STORE_OK : err;
	return search(txn, &inode, out);
}

void
file_name_note(struct db_txn *txn, const struct file_name *name,
	struct inode *inode, struct buffer *attrs)
{
	struct slice component = buffer_slice(&name->component);
	struct record_dentry told;

	if (!name->parent || !dentry_find_told(txn, inode, &told))
		return;
	inode->parent = name->parent;
	inode_attr_set(attrs, inode->attrs, INODE_ATTR_NAME, SLICE_NULL,
		&component);
	inode->attrs = buffer_slice(attrs);
}
