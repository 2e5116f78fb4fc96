/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "fs/op.h"
#include "fs/reply.h"
#include "store/base/arena.h"
#include "store/base/buffer.h"

/* Others (security, trusted, POSIX ACLs) are refused: docs/posix.md. */
static bool
is_kept(const char *name)
{
	return slice_has_prefix(slice_str(name), SLICE("user.")) &&
	       name[5] != '\0';
}

static void
set(fuse_req_t req, fuse_ino_t ino, const char *name, const struct slice *value,
	int flags)
{
	struct mount *mount = reply_begin(req);

	if (ino == INODE_ROOT || !is_kept(name))
		reply_err(req, STORE_UNSUPPORTED);
	else
		reply_err(req,
			tree_set_attr(mount->store, ino, INODE_ATTR_XATTR,
				slice_str(name), value, flags));
}

void
op_xattr_set(fuse_req_t req, fuse_ino_t ino, const char *name,
	const char *value, size_t size, int flags)
{
	struct slice bytes = slice_of(value, size);

	set(req, ino, name, &bytes, flags);
}

void
op_xattr_remove(fuse_req_t req, fuse_ino_t ino, const char *name)
{
	set(req, ino, name, NULL, 0);
}

/* size 0 asks how long it is. */
static void
reply_bytes(fuse_req_t req, struct slice bytes, size_t size)
{
	if (size == 0)
		fuse_reply_xattr(req, bytes.len);
	else if (bytes.len > size)
		fuse_reply_err(req, ERANGE);
	else
		fuse_reply_buf(req, bytes.data, bytes.len);
}

void
op_xattr_get(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
	struct mount *mount = reply_begin(req);
	scoped(arena_free) struct arena arena = {0};
	struct inode inode = {.ino = 0};
	struct slice value;

	enum store_err err =
		ino == INODE_ROOT || !is_kept(name)
			? STORE_UNSUPPORTED
			: tree_inode(mount->store, ino, &arena, &inode);
	if (!err && !inode_attr_find(inode.attrs, INODE_ATTR_XATTR,
			    slice_str(name), &value))
		err = STORE_NO_ATTR;
	if (err)
		reply_err(req, err);
	else
		reply_bytes(req, value, size);
}

void
op_xattr_list(fuse_req_t req, fuse_ino_t ino, size_t size)
{
	struct mount *mount = reply_begin(req);
	scoped(arena_free) struct arena arena = {0};
	scoped(buffer_free) struct buffer names = {0};
	struct inode inode = {.ino = 0};
	enum store_err err = STORE_OK;
	struct inode_attr attr;

	if (ino != INODE_ROOT)
		err = tree_inode(mount->store, ino, &arena, &inode);
	if (err) {
		reply_err(req, err);
		return;
	}
	struct slice rest = inode.attrs;
	while (inode_attr_next(&rest, &attr)) {
		if (attr.kind != INODE_ATTR_XATTR)
			continue;
		buffer_append(&names, attr.name);
		buffer_append_char(&names, '\0');
	}
	reply_bytes(req, buffer_slice(&names), size);
}
