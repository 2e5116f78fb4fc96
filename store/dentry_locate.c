/* SPDX-License-Identifier: Apache-2.0 */
#include "store/base/clock.h"
#include "store/dentry_private.h"
#include "store/tree.h"

/* Cuts the first component, with its '/', off the key. */
static struct slice
cut_component(struct slice *key)
{
	ptrdiff_t slash = slice_find_char(*key, '/');
	size_t len = slash < 0 ? key->len : (size_t)slash + 1;
	struct slice component = slice_first(*key, len);

	*key = slice_from(*key, len);
	return component;
}

/* Descends as far as there are directories; *component is the one that is
 * missing or the last of the key, *key what follows it. */
static enum store_err
descend(struct db_txn *txn, uint64_t root, struct slice *key, uint64_t *parent,
	struct slice *component)
{
	struct record_dentry dentry;
	struct inode top;

	if (key->len == 0 || !slice_is_utf8(*key))
		return STORE_BAD_NAME;
	enum store_err err = dentry_inode(txn, root, &top);
	if (err)
		return err;
	bool is_history = (top.flags & INODE_NONCURRENT) != 0;
	if (key->len > TREE_KEY_MAX + (is_history ? DENTRY_HISTORY_LEN : 0))
		return STORE_KEY_TOO_LONG;
	*parent = root;
	for (;;) {
		*component = cut_component(key);
		if (key->len == 0)
			return STORE_OK;
		err = dentry_find(txn, *parent, *component, &dentry);
		if (err)
			return err;
		*parent = dentry.ino;
	}
}

enum store_err
dentry_locate(struct db_txn *txn, uint64_t root, struct slice key,
	uint64_t *parent, struct slice *component)
{
	return descend(txn, root, &key, parent, component);
}

/* An implicit directory, with `subdirs` already on their way into it. */
static enum store_err
make_implicit(struct db_txn *txn, uint64_t bucket, uint64_t parent,
	struct slice component, uint32_t subdirs, uint64_t *ino)
{
	scoped(buffer_free) struct buffer attrs = {0};
	struct inode inode = {
		.bucket = bucket,
		.parent = parent,
		.mode = S_IFDIR | 0755,
		.nlink = 2 + subdirs,
		.flags = INODE_FROM_S3,
	};

	enum store_err err = commit_new_number(txn, &inode.ino);
	if (err)
		return err;
	inode.birth_ns = clock_now_ns();
	inode.atime_ns = inode.birth_ns;
	inode.mtime_ns = inode.birth_ns;
	inode.ctime_ns = inode.birth_ns;
	inode_attr_set(&attrs, SLICE_NULL, INODE_ATTR_NAME, SLICE_NULL,
		&component);
	inode.attrs = buffer_slice(&attrs);
	err = dentry_save_inode(txn, &inode);
	if (err)
		return err;
	*ino = inode.ino;
	return dentry_put(txn, parent, component,
		&(struct record_dentry){
			.kind = RECORD_DENTRY_DIR,
			.ino = inode.ino,
		});
}

enum store_err
dentry_locate_or_make(struct store *store, struct db_txn *txn, uint64_t root,
	uint64_t bucket, struct slice key, uint64_t *parent,
	struct slice *component)
{
	enum store_err err = descend(txn, root, &key, parent, component);
	if (err != STORE_NOT_FOUND)
		return err;
	/* Only the first is news to anybody: the others hang below it. */
	err = feed_append_dentry(store, txn, *parent, *component, 0);
	if (!err)
		err = dentry_touch_dir(store, txn, *parent, 1);
	while (!err && key.len > 0) {
		struct slice next = cut_component(&key);
		bool goes_on = key.len > 0;

		err = make_implicit(txn, bucket, *parent, *component, goes_on,
			parent);
		*component = next;
	}
	return err;
}
