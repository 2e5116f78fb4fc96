/* SPDX-License-Identifier: Apache-2.0 */
#include "store/rename_tell_private.h"

#include "store/object_event_private.h"

enum store_err
rename_tell_is_seen(struct db_txn *txn, const struct record_dentry *dentry,
	bool *out)
{
	struct inode inode;

	*out = dentry->ino && dentry->kind == RECORD_DENTRY_DIR;
	if (!dentry->ino || *out)
		return STORE_OK;
	enum store_err err = dentry_inode(txn, dentry->ino, &inode);
	*out = !err && dentry_is_visible(&inode);
	return err;
}

enum store_err
rename_tell_came(struct store *store, struct db_txn *txn,
	const struct rename_tell_name *name, const struct record_dentry *what,
	bool *is_told)
{
	struct record_dentry dentry;
	struct inode inode;

	enum store_err err = rename_tell_is_seen(txn, what, is_told);
	if (err || !*is_told)
		return err;
	err = dentry_inode(txn, what->ino, &inode);
	if (!err)
		err = dentry_find(txn, name->parent, name->component, &dentry);
	return err ? err
		   : object_event_add_name(store, txn, name->bucket,
			     name->parent, name->component, EVENT_CREATED_PUT,
			     &inode, &dentry.version);
}

enum store_err
rename_tell_left(struct store *store, struct db_txn *txn,
	const struct rename_tell_name *name)
{
	return object_event_add_name(store, txn, name->bucket, name->parent,
		name->component, EVENT_REMOVED, NULL, NULL);
}
