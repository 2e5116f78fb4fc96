/* SPDX-License-Identifier: Apache-2.0 */
#include "store/dentry_private.h"

/* Writes the name of the directory, and of each above it below its root, up to
 * `end`; NULL: counts alone. */
static enum store_err
spell(struct db_txn *txn, uint64_t dir, char *end, size_t *len)
{
	struct dentry_climb climb = {0};
	struct inode inode;
	struct slice name;
	enum store_err err = dentry_inode(txn, dir, &inode);

	*len = 0;
	while (!err && inode.ino != inode.bucket &&
		!(inode.flags & INODE_NONCURRENT)) {
		if (dentry_climb_is_round(&climb, inode.ino) ||
			!inode_attr_find(inode.attrs, INODE_ATTR_NAME,
				SLICE_NULL, &name))
			return STORE_CORRUPT;
		*len += name.len;
		if (end)
			memcpy(end - *len, name.data, name.len);
		err = dentry_inode(txn, inode.parent, &inode);
	}
	return err;
}

enum store_err
dentry_spell(struct db_txn *txn, uint64_t dir, struct slice component,
	struct buffer *key)
{
	size_t len;

	enum store_err err = spell(txn, dir, NULL, &len);
	if (err)
		return err;
	buffer_reserve(key, len + component.len);
	key->len += len;
	err = spell(txn, dir, (char *)key->data + key->len, &len);
	buffer_append(key, component);
	return err;
}
