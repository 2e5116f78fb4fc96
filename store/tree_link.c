/* SPDX-License-Identifier: Apache-2.0 */
#include "store/base/clock.h"
#include "store/dentry_private.h"
#include "store/history_private.h"
#include "store/notification_private.h"
#include "store/object_event_private.h"
#include "store/tree.h"
#include "store/usage_private.h"

struct link_request {
	uint64_t ino;
	uint64_t parent;
	struct slice name;
	struct inode *out;
};

static enum store_err
apply_link(struct store *store, struct db_txn *txn, void *arg)
{
	scoped(buffer_free) struct buffer attrs = {0};
	struct link_request *request = arg;
	struct record_dentry dentry = {
		.kind = RECORD_DENTRY_FILE,
		.ino = request->ino,
	};
	struct slice name;
	struct inode inode, dir;
	struct usage_mark mark;
	bool is_told;

	enum store_err err = dentry_inode(txn, request->ino, &inode);
	if (err)
		return err;
	if (inode_is_dir(&inode))
		return STORE_IS_DIR;
	/* As one without a name, for whoever has it open. */
	if (inode.flags & INODE_NONCURRENT)
		return STORE_STALE;
	if (inode_lock_holds(&inode.lock, clock_now_ns()))
		return STORE_LOCKED;
	err = dentry_expect_free(txn, request->parent, request->name, &dir);
	if (!err)
		err = usage_mark(txn, dir.bucket, &mark);
	if (err)
		return err;
	if (dir.bucket != inode.bucket)
		return STORE_CROSS_BUCKET;
	if (inode.nlink >= TREE_LINKS_MAX)
		return STORE_TOO_MANY_LINKS;
	struct inode now = inode;
	now.nlink++;
	now.ctime_ns = clock_now_ns();
	/* Not published yet: where file_left.c is to look for its newest
	 * name. */
	if (now.parent)
		now.parent = request->parent;
	err = notification_is_there(txn, dir.bucket, &is_told);
	if (err)
		return err;
	if (now.parent &&
		(is_told || inode_attr_find(now.attrs, INODE_ATTR_NAME,
				    SLICE_NULL, &name)))
		now.attrs =
			dentry_named_attrs(&attrs, now.attrs, &request->name);
	err = dentry_update_inode(txn, &inode, &now);
	if (!err)
		err = history_begin(store, txn, dir.bucket, request->parent,
			request->name, &dentry.version);
	if (!err)
		err = dentry_put(txn, request->parent, request->name, &dentry);
	if (!err)
		err = dentry_touch_dir(store, txn, request->parent, 0);
	if (!err)
		err = feed_append_dentry(store, txn, request->parent,
			request->name, 0);
	if (!err)
		err = feed_append_inode(store, txn, now.ino, false);
	if (!err && dentry_is_visible(&now))
		err = object_event_add_name(store, txn, dir.bucket,
			request->parent, request->name, EVENT_CREATED_PUT, &now,
			&dentry.version);
	now.attrs = SLICE_NULL;
	*request->out = now;
	return err ? err : usage_check(txn, &mark);
}

enum store_err
tree_link(struct store *store, uint64_t ino, uint64_t parent, struct slice name,
	struct inode *out)
{
	struct inode result;
	struct link_request request = {ino, parent, name, &result};

	enum store_err err = commit_run(store, apply_link, &request, NULL);
	if (!err)
		*out = result;
	return err;
}
