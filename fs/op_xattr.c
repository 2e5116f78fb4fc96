/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "fs/op.h"
#include "fs/reply.h"
#include "fs/s3_attr.h"
#include "store/base/arena.h"
#include "store/base/buffer.h"

#define USER SLICE("user.")
#define TRUSTED SLICE("trusted.")

/* Others (security, POSIX ACLs) are refused: docs/posix.md.  Who may have
 * those that are trusted the kernel knows. */
static enum store_err
check_name(uint64_t ino, struct slice name)
{
	if (ino == INODE_ROOT || !(slice_has_prefix(name, USER) ||
					 slice_has_prefix(name, TRUSTED)))
		return STORE_UNSUPPORTED;
	return slice_equal(name, USER) || slice_equal(name, TRUSTED)
		       ? STORE_INVALID
		       : STORE_OK;
}

/* Where an attribute of that name is kept, and under which key. */
static enum store_err
find_place(uint64_t ino, struct slice name, enum inode_attr_kind *kind,
	struct slice *key)
{
	*kind = INODE_ATTR_XATTR;
	*key = name;
	enum store_err err = check_name(ino, name);
	return err || !s3_attr_is(name) ? err : s3_attr_find(name, kind, key);
}

static void
set(fuse_req_t req, fuse_ino_t node, const char *name,
	const struct slice *value, int flags)
{
	struct mount *mount = reply_begin(req);
	uint64_t ino = mount_inode(mount, node);
	enum inode_attr_kind kind;
	struct slice key;

	enum store_err err = find_place(ino, slice_str(name), &kind, &key);
	if (!err && value && kind != INODE_ATTR_XATTR)
		err = s3_attr_check(kind, *value);
	if (!err)
		err = tree_set_attr(mount->store, ino, kind, key, value, flags);
	reply_err(req, err);
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

static enum store_err
get_version(struct mount *mount, uint64_t ino, struct arena *arena,
	struct slice *value)
{
	char text[VERSION_ID_LEN + 1];
	struct version version;

	enum store_err err = tree_version(mount->store, ino, &version);
	if (err)
		return err;
	version_text(&version, text);
	*value = arena_copy(arena, slice_str(text));
	return STORE_OK;
}

static enum store_err
get(struct mount *mount, uint64_t ino, struct slice name, struct arena *arena,
	struct slice *value)
{
	struct inode inode = {.ino = 0};

	if (s3_attr_is_version(name))
		return get_version(mount, ino, arena, value);
	if (s3_attr_is(name)) {
		enum store_err err =
			tree_object(mount->store, ino, arena, &inode);
		if (err == STORE_NOT_FOUND)
			return STORE_NO_ATTR;
		return err ? err : s3_attr_get(&inode, name, arena, value);
	}
	enum store_err err = tree_inode(mount->store, ino, arena, &inode);
	if (err)
		return err;
	return inode_attr_find(inode.attrs, INODE_ATTR_XATTR, name, value)
		       ? STORE_OK
		       : STORE_NO_ATTR;
}

void
op_xattr_get(fuse_req_t req, fuse_ino_t node, const char *name, size_t size)
{
	struct mount *mount = reply_begin(req);
	uint64_t ino = mount_inode(mount, node);
	scoped(arena_free) struct arena arena = {0};
	struct slice value;

	enum store_err err = check_name(ino, slice_str(name));
	if (!err)
		err = get(mount, ino, slice_str(name), &arena, &value);
	if (err)
		reply_err(req, err);
	else
		reply_bytes(req, value, size);
}

static bool
is_trusted(const struct inode_attr *attr)
{
	return attr->kind == INODE_ATTR_XATTR &&
	       slice_has_prefix(attr->name, TRUSTED);
}

static void
append_name(struct buffer *names, const struct inode_attr *attr)
{
	scoped(buffer_free) struct buffer name = {0};

	if (attr->kind == INODE_ATTR_XATTR)
		buffer_append(&name, attr->name);
	else if (!s3_attr_name(attr, &name))
		return;
	buffer_append(names, buffer_slice(&name));
	buffer_append_char(names, '\0');
}

void
op_xattr_list(fuse_req_t req, fuse_ino_t node, size_t size)
{
	struct mount *mount = reply_begin(req);
	uint64_t ino = mount_inode(mount, node);
	scoped(arena_free) struct arena arena = {0};
	scoped(buffer_free) struct buffer names = {0};
	struct inode inode = {.ino = 0};
	enum store_err err = STORE_OK;
	struct inode_attr attr;
	/* xattr(7): for others they are not there. */
	bool sees_trusted = fuse_req_ctx(req)->uid == 0;

	if (ino != INODE_ROOT)
		err = tree_inode(mount->store, ino, &arena, &inode);
	if (err) {
		reply_err(req, err);
		return;
	}
	struct slice rest = inode.attrs;
	while (inode_attr_next(&rest, &attr))
		if (sees_trusted || !is_trusted(&attr))
			append_name(&names, &attr);
	reply_bytes(req, buffer_slice(&names), size);
}
