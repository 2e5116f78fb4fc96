/* SPDX-License-Identifier: Apache-2.0 */
#include <sys/xattr.h>

#include "store/base/clock.h"
#include "store/dentry_private.h"
#include "store/replication_private.h"
#include "store/tree.h"

static bool
is_locked(const struct inode *inode)
{
	return inode_lock_holds(&inode->lock, clock_now_ns());
}

struct set_request {
	uint64_t ino;
	const struct tree_change *change;
	struct inode *out;
};

static enum store_err
apply_set(struct store *store, struct db_txn *txn, void *arg)
{
	struct set_request *request = arg;
	struct inode inode;

	enum store_err err = dentry_inode(txn, request->ino, &inode);
	if (err)
		return err;
	struct inode now = inode;
	tree_change_inode(&now, request->change);
	*request->out = now;
	request->out->attrs = SLICE_NULL;
	/* Of what is locked S3 tells the time, and it is the older version's
	 * where another is being written. */
	if (is_locked(&inode) && now.mtime_ns != inode.mtime_ns) {
		if (!inode.pending)
			return STORE_LOCKED;
		now.mtime_ns = inode.mtime_ns;
	}
	err = dentry_save_inode(txn, &now);
	return err ? err : feed_append_inode(store, txn, inode.ino, false);
}

enum store_err
tree_set(struct store *store, uint64_t ino, const struct tree_change *change,
	struct inode *out)
{
	struct inode result;
	struct set_request request = {ino, change, &result};

	enum store_err err = commit_run(store, apply_set, &request, NULL);
	if (!err)
		*out = result;
	return err;
}

struct attr_request {
	uint64_t ino;
	enum inode_attr_kind kind;
	struct slice name;
	const struct slice *value;
	int flags;
};

/* S3 API: the metadata of an object are its names and values, together. */
static bool
is_meta_too_big(struct slice attrs)
{
	struct inode_attr attr;
	size_t total = 0;

	while (inode_attr_next(&attrs, &attr))
		if (attr.kind == INODE_ATTR_META)
			total += attr.name.len + attr.value.len;
	return total > TREE_META_MAX;
}

static enum store_err
apply_set_attr(struct store *store, struct db_txn *txn, void *arg)
{
	scoped(buffer_free) struct buffer attrs = {0};
	struct attr_request *request = arg;
	struct inode inode;
	struct slice old;

	enum store_err err = dentry_inode(txn, request->ino, &inode);
	if (!err && is_locked(&inode))
		err = STORE_LOCKED;
	if (err)
		return err;
	bool is_there = inode_attr_find(inode.attrs, request->kind,
		request->name, &old);
	if (is_there && (request->flags & XATTR_CREATE))
		return STORE_EXISTS;
	if (!is_there && (!request->value || (request->flags & XATTR_REPLACE)))
		return STORE_NO_ATTR;
	inode_attr_set(&attrs, inode.attrs, request->kind, request->name,
		request->value);
	if (attrs.len > INODE_ATTRS_MAX ||
		(request->kind == INODE_ATTR_META && request->value &&
			is_meta_too_big(buffer_slice(&attrs))))
		return STORE_ATTR_TOO_BIG;
	inode.attrs = buffer_slice(&attrs);
	inode.ctime_ns = clock_now_ns();
	err = dentry_save_inode(txn, &inode);
	if (!err)
		err = feed_append_inode(store, txn, inode.ino, false);
	return err ? err : replication_note_attrs(store, txn, &inode);
}

enum store_err
tree_set_attr(struct store *store, uint64_t ino, enum inode_attr_kind kind,
	struct slice name, const struct slice *value, int xattr_flags)
{
	struct attr_request request = {ino, kind, name, value, xattr_flags};

	/* Longer ones could not be encoded. */
	if (name.len > UINT16_MAX || (value && value->len > INODE_ATTRS_MAX))
		return STORE_ATTR_TOO_BIG;
	return commit_run(store, apply_set_attr, &request, NULL);
}
