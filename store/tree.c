/* SPDX-License-Identifier: Apache-2.0 */
#include "store/tree.h"

#include "store/base/clock.h"
#include "store/base/digest.h"
#include "store/dentry_private.h"
#include "store/history_private.h"
#include "store/rename_private.h"
#include "store/usage_private.h"

/* What the names below a long target would cost; as Linux has it. */
#define TARGET_MAX 4095

static void
copy_attrs(struct arena *arena, struct inode *inode)
{
	inode->attrs = arena ? arena_copy(arena, inode->attrs) : SLICE_NULL;
}

/* Why there is no such name: its directory may be none. */
static enum store_err
explain_missing(struct db_txn *txn, uint64_t parent)
{
	struct inode dir;

	enum store_err err = dentry_inode(txn, parent, &dir);
	if (err)
		return err;
	return inode_is_dir(&dir) ? STORE_NOT_FOUND : STORE_NOT_DIR;
}

/* Writes the component of a name to `to`, with room for a '/'. */
static enum store_err
make_component(struct slice name, enum tree_want want,
	char to[TREE_NAME_MAX + 1], struct slice *component)
{
	size_t len = name.len;

	if (len > TREE_NAME_MAX)
		return STORE_NAME_TOO_LONG;
	if (len > 0)
		memcpy(to, name.data, len);
	if (want == TREE_DIR)
		to[len++] = '/';
	*component = slice_of(to, len);
	return STORE_OK;
}

/* What the search for a name came to. */
static enum store_err
read_found(struct db_txn *txn, uint64_t parent, enum store_err err,
	const struct record_dentry *dentry, struct arena *arena,
	struct inode *out)
{
	struct inode inode;

	if (err == STORE_NOT_FOUND)
		return explain_missing(txn, parent);
	if (!err)
		err = dentry_inode(txn, dentry->ino, &inode);
	if (err)
		return err == STORE_STALE ? STORE_CORRUPT : err;
	copy_attrs(arena, &inode);
	*out = inode;
	return STORE_OK;
}

enum store_err
tree_lookup(struct store *store, uint64_t parent, struct slice name,
	enum tree_want want, struct arena *arena, struct inode *out)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	char bytes[TREE_NAME_MAX + 1];
	struct record_dentry dentry;
	struct slice component;

	enum store_err err = make_component(name, want, bytes, &component);
	if (!err)
		err = db_begin_read(store->db, &txn);
	if (err)
		return err;
	err = dentry_find(txn, parent, component, &dentry);
	return read_found(txn, parent, err, &dentry, arena, out);
}

enum store_err
tree_lookup_shown(struct store *store, uint64_t parent, struct slice name,
	bool is_beside_dir, enum tree_want *found, struct inode *out)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	char bytes[TREE_NAME_MAX + 1];
	struct record_dentry dentry;
	struct slice component;

	*found = TREE_DIR;
	enum store_err err = make_component(name, TREE_DIR, bytes, &component);
	if (!err)
		err = db_begin_read(store->db, &txn);
	if (err)
		return err;
	err = dentry_find(txn, parent, component, &dentry);
	if (is_beside_dir ? !err : err == STORE_NOT_FOUND) {
		*found = TREE_FILE;
		component = slice_first(component, name.len);
		err = dentry_find(txn, parent, component, &dentry);
	}
	return read_found(txn, parent, err, &dentry, NULL, out);
}

enum store_err
tree_inode(struct store *store, uint64_t ino, struct arena *arena,
	struct inode *out)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	struct inode inode;

	enum store_err err = db_begin_read(store->db, &txn);
	if (!err)
		err = dentry_inode(txn, ino, &inode);
	if (err)
		return err;
	copy_attrs(arena, &inode);
	*out = inode;
	return STORE_OK;
}

void
tree_change_inode(struct inode *inode, const struct tree_change *change)
{
	if (change->has_mode)
		inode->mode = (inode->mode & S_IFMT) | (change->mode & 07777);
	if (change->has_uid)
		inode->uid = change->uid;
	if (change->has_gid)
		inode->gid = change->gid;
	if (change->has_mode || change->has_uid || change->has_gid)
		inode->flags &= ~(uint32_t)INODE_FROM_S3;
	if (change->has_atime)
		inode->atime_ns = change->atime_ns;
	if (change->has_mtime)
		inode->mtime_ns = change->mtime_ns;
	inode->ctime_ns = clock_now_ns();
}

/* A new entry of any kind. */
struct make_request {
	uint64_t parent;
	struct slice name;
	const struct tree_owner *owner;
	uint32_t type;
	uint32_t rdev;
	struct slice target;
	struct inode *out;
};

static void
describe(struct inode *inode, const struct make_request *request)
{
	inode->mode = request->type | (request->owner->mode & 07777);
	inode->uid = request->owner->uid;
	inode->gid = request->owner->gid;
	inode->nlink = 1;
	inode->rdev = request->rdev;
	inode->size = request->target.len;
	inode->birth_ns = clock_now_ns();
	inode->atime_ns = inode->birth_ns;
	inode->mtime_ns = inode->birth_ns;
	inode->ctime_ns = inode->birth_ns;
	/* S3 shows a directory as an object of no bytes. */
	if (request->type == S_IFDIR)
		digest_of(DIGEST_MD5, SLICE_NULL, inode->etag.value);
}

static enum store_err
apply_make(struct store *store, struct db_txn *txn, void *arg)
{
	scoped(buffer_free) struct buffer attrs = {0};
	struct make_request *request = arg;
	char bytes[TREE_NAME_MAX + 1];
	struct inode inode = {.ino = 0};
	struct usage_mark mark;
	struct slice component;
	struct version version;
	struct inode dir;

	enum store_err err =
		dentry_expect_free(txn, request->parent, request->name, &dir);
	if (!err)
		err = usage_mark(txn, dir.bucket, &mark);
	if (!err)
		err = make_component(request->name,
			request->type == S_IFDIR ? TREE_DIR : TREE_FILE, bytes,
			&component);
	if (!err)
		err = commit_new_number(txn, &inode.ino);
	if (err)
		return err;
	inode.bucket = dir.bucket;
	describe(&inode, request);
	if (request->type == S_IFLNK)
		inode_attr_set(&attrs, SLICE_NULL, INODE_ATTR_SYMLINK,
			SLICE_NULL, &request->target);
	inode.attrs = buffer_slice(&attrs);
	err = history_name_publish(store, txn, request->parent, component,
		&inode, &version);
	if (!err)
		err = dentry_inode(txn, inode.ino, request->out);
	request->out->attrs = SLICE_NULL;
	return err ? err : usage_check(txn, &mark);
}

static enum store_err
make(struct store *store, struct make_request *request, struct inode *out)
{
	struct inode result;

	request->out = &result;
	enum store_err err = commit_run(store, apply_make, request, NULL);
	if (!err)
		*out = result;
	return err;
}

enum store_err
tree_mkdir(struct store *store, uint64_t parent, struct slice name,
	const struct tree_owner *owner, struct inode *out)
{
	struct make_request request = {
		.parent = parent,
		.name = name,
		.owner = owner,
		.type = S_IFDIR,
	};

	return make(store, &request, out);
}

enum store_err
tree_mknod(struct store *store, uint64_t parent, struct slice name,
	const struct tree_owner *owner, uint32_t rdev, struct inode *out)
{
	uint32_t type = owner->mode & S_IFMT;
	struct make_request request = {
		.parent = parent,
		.name = name,
		.owner = owner,
		.type = type,
		.rdev = rdev,
	};

	if (type != S_IFIFO && type != S_IFSOCK && type != S_IFCHR &&
		type != S_IFBLK)
		return STORE_INVALID;
	return make(store, &request, out);
}

enum store_err
tree_symlink(struct store *store, uint64_t parent, struct slice name,
	struct slice target, const struct tree_owner *owner, struct inode *out)
{
	struct make_request request = {
		.parent = parent,
		.name = name,
		.owner = owner,
		.type = S_IFLNK,
		.target = target,
	};

	if (target.len == 0)
		return STORE_BAD_NAME;
	if (target.len > TARGET_MAX)
		return STORE_NAME_TOO_LONG;
	return make(store, &request, out);
}

struct unlink_request {
	uint64_t parent;
	struct slice name;
	enum tree_want want;
	struct inode *out;
	uint64_t ino; /* of this one alone; 0: whichever it is */
};

static enum store_err
apply_unlink(struct store *store, struct db_txn *txn, void *arg)
{
	struct unlink_request *request = arg;
	bool wants_dir = request->want == TREE_DIR;
	char bytes[TREE_NAME_MAX + 1];
	struct record_dentry other;
	struct version marker;
	struct slice component;

	enum store_err err =
		make_component(request->name, request->want, bytes, &component);
	if (err)
		return err;
	if (request->ino) {
		err = dentry_find(txn, request->parent, component, &other);
		if (err || other.ino != request->ino)
			return err ? err : STORE_NOT_FOUND;
	}
	err = history_name_unlink(store, txn, request->parent, component, false,
		request->out, &marker);
	if (err != STORE_NOT_FOUND)
		return err;
	err = make_component(request->name, wants_dir ? TREE_FILE : TREE_DIR,
		bytes, &component);
	if (!err)
		err = dentry_find(txn, request->parent, component, &other);
	if (err == STORE_NOT_FOUND)
		return explain_missing(txn, request->parent);
	if (err)
		return err;
	return wants_dir ? STORE_NOT_DIR : STORE_IS_DIR;
}

enum store_err
tree_unlink(struct store *store, uint64_t parent, struct slice name,
	struct inode *out)
{
	return tree_unlink_own(store, parent, name, 0, out);
}

enum store_err
tree_unlink_own(struct store *store, uint64_t parent, struct slice name,
	uint64_t ino, struct inode *out)
{
	struct inode result;
	struct unlink_request request = {
		.parent = parent,
		.name = name,
		.want = TREE_FILE,
		.out = &result,
		.ino = ino,
	};

	enum store_err err = commit_run(store, apply_unlink, &request, NULL);
	if (!err)
		*out = result;
	return err;
}

enum store_err
tree_rmdir(struct store *store, uint64_t parent, struct slice name)
{
	struct inode result;
	struct unlink_request request = {
		.parent = parent,
		.name = name,
		.want = TREE_DIR,
		.out = &result,
	};

	return commit_run(store, apply_unlink, &request, NULL);
}

struct rename_call {
	struct rename_request request;
	struct inode *replaced;
};

static enum store_err
apply_rename(struct store *store, struct db_txn *txn, void *arg)
{
	struct rename_call *call = arg;

	return rename_apply(store, txn, &call->request, call->replaced);
}

enum store_err
tree_rename(struct store *store, uint64_t parent, struct slice name,
	enum tree_want want, uint64_t new_parent, struct slice new_name,
	unsigned flags, struct inode *replaced)
{
	return tree_rename_whiteout(store, parent, name, want, new_parent,
		new_name, flags, NULL, replaced);
}

enum store_err
tree_rename_whiteout(struct store *store, uint64_t parent, struct slice name,
	enum tree_want want, uint64_t new_parent, struct slice new_name,
	unsigned flags, const struct tree_owner *owner, struct inode *replaced)
{
	struct inode result;
	struct rename_call call = {
		{parent, name, want, new_parent, new_name, flags, owner, false},
		&result,
	};

	if (owner && (flags & TREE_EXCHANGE))
		return STORE_INVALID;
	if ((flags & TREE_NO_REPLACE) && (flags & TREE_EXCHANGE))
		return STORE_INVALID;
	enum store_err err = commit_run(store, apply_rename, &call, NULL);
	if (!err)
		*replaced = result;
	return err;
}

enum store_err
tree_readlink(struct store *store, uint64_t ino, struct arena *arena,
	struct slice *target)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	struct inode inode;
	struct slice value;

	enum store_err err = db_begin_read(store->db, &txn);
	if (!err)
		err = dentry_inode(txn, ino, &inode);
	if (err)
		return err;
	if (!S_ISLNK(inode.mode))
		return STORE_INVALID;
	if (!inode_attr_find(inode.attrs, INODE_ATTR_SYMLINK, SLICE_NULL,
		    &value))
		return STORE_CORRUPT;
	*target = arena_copy(arena, value);
	return STORE_OK;
}

enum store_err
tree_read_dir(struct store *store, uint64_t dir, struct slice after,
	bool (*visit)(struct slice component, const struct inode *inode,
		void *context),
	void *context)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	scoped(dentry_cursor_close) struct dentry_cursor *cursor = NULL;
	struct record_dentry dentry;
	struct slice component;
	struct inode inode;

	enum store_err err = db_begin_read(store->db, &txn);
	if (!err)
		err = dentry_inode(txn, dir, &inode);
	if (err)
		return err;
	if (!inode_is_dir(&inode))
		return STORE_NOT_DIR;
	err = dentry_cursor_open(txn, dir, after, after.len > 0, &cursor);
	if (err)
		return err;
	for (;;) {
		err = dentry_cursor_next(cursor, &component, &dentry);
		if (err)
			return err == STORE_NOT_FOUND ? STORE_OK : err;
		err = dentry_inode(txn, dentry.ino, &inode);
		if (err)
			return err == STORE_STALE ? STORE_CORRUPT : err;
		if (!visit(component, &inode, context))
			return STORE_OK;
	}
}

enum store_err
tree_path(struct store *store, uint64_t dir, struct arena *arena,
	struct slice *path)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	scoped(buffer_free) struct buffer spelt = {0};
	struct inode inode;

	enum store_err err = db_begin_read(store->db, &txn);
	if (!err)
		err = dentry_inode(txn, dir, &inode);
	if (!err && !inode_is_dir(&inode))
		err = STORE_NOT_DIR;
	if (!err)
		err = dentry_spell(txn, dir, SLICE_NULL, &spelt);
	if (!err)
		*path = arena_copy(arena, buffer_slice(&spelt));
	return err;
}

enum store_err
tree_object(struct store *store, uint64_t ino, struct arena *arena,
	struct inode *out)
{
	enum store_err err = tree_inode(store, ino, arena, out);

	if (err)
		return err;
	return dentry_is_visible(out) ? dentry_refresh_inode(store, out)
				      : STORE_NOT_FOUND;
}

enum store_err
tree_version(struct store *store, uint64_t ino, struct version *out)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	struct record_dentry dentry;
	struct record_versions of;
	struct inode inode;

	enum store_err err = db_begin_read(store->db, &txn);
	if (!err)
		err = dentry_inode(txn, ino, &inode);
	if (!err)
		err = history_of(txn, inode.bucket, &of);
	if (err)
		return err;
	if (of.versioning == VERSIONING_NEVER || !dentry_is_visible(&inode))
		return STORE_NO_ATTR;
	*out = (struct version){.number = 0};
	err = dentry_find_told(txn, &inode, &dentry);
	if (!err)
		*out = dentry.version;
	return err == STORE_NOT_FOUND ? STORE_OK : err;
}
