/* SPDX-License-Identifier: Apache-2.0 */
#include <linux/fs.h>

#include "fs/entry.h"
#include "fs/gone.h"
#include "fs/handle.h"
#include "fs/invalidate.h"
#include "fs/op.h"
#include "fs/owner.h"
#include "store/bucket.h"

/* Whose buckets made here are: the organization of all tokens. */
#define OWNER SLICE("default")

/* Said before it is: who reads the directory finds the name in the store, or
 * among those that went. */
static void
note_gone(struct mount *mount, uint64_t parent, const struct entry *entry)
{
	char component[TREE_NAME_MAX + 1];
	size_t len = entry->len;

	memcpy(component, entry->text, len);
	if (entry->want == TREE_DIR && parent != INODE_ROOT)
		component[len++] = '/';
	handle_dir_note_gone(mount, parent, slice_of(component, len));
}

/* Of a symbolic link that is about to lose a name; of others there is none. */
static struct slice
target_of(struct mount *mount, const struct inode *inode, struct arena *arena)
{
	struct slice target;

	return S_ISLNK(inode->mode) && !tree_readlink(mount->store, inode->ino,
					       arena, &target)
		       ? target
		       : SLICE_NULL;
}

/* What is left of an inode that lost a name. */
static void
note_unlinked(struct mount *mount, const struct inode *inode,
	struct slice target)
{
	file_attr_note(mount->store, inode);
	if (!inode->nlink || inode_is_dir(inode))
		gone_note(mount, inode, target);
}

/* A new name below `parent`, whose owner is the caller. */
static enum store_err
begin_new(fuse_req_t req, uint64_t parent, const char *name, mode_t mode,
	struct entry *entry, struct tree_owner *owner)
{
	enum store_err err = entry_new(name, entry);

	if (parent == INODE_ROOT)
		return STORE_NOT_PERMITTED;
	return err ? err : owner_of_new(req, parent, mode, owner);
}

static void
finish_new(fuse_req_t req, enum store_err err, const struct reply_fact *fact)
{
	if (err)
		reply_err(req, err);
	else
		reply_entry(req, fact);
}

/* The caller's, as another directory would be: S3 asks for no owner here. */
static enum store_err
make_bucket(fuse_req_t req, const char *name, mode_t mode, struct inode *out)
{
	const struct fuse_ctx *caller = fuse_req_ctx(req);
	struct mount *mount = fuse_req_userdata(req);
	struct bucket bucket;
	const struct tree_change change = {
		.has_mode = true,
		.mode = mode,
		.has_uid = true,
		.uid = caller->uid,
		.has_gid = true,
		.gid = caller->gid,
	};

	enum store_err err =
		bucket_create(mount->store, slice_str(name), OWNER, &bucket);
	if (err)
		return err;
	atomic_store(&mount->root_mtime_ns, bucket.created_ns);
	return tree_set(mount->store, bucket.ino, &change, out);
}

void
op_name_mkdir(fuse_req_t req, fuse_ino_t node, const char *name, mode_t mode)
{
	struct mount *mount = reply_begin(req);
	uint64_t parent = mount_inode(mount, node);
	struct reply_fact fact = {.changes = atomic_load(&mount->changes)};
	struct tree_owner owner;
	enum store_err err;
	struct entry entry;

	if (parent == INODE_ROOT) {
		err = make_bucket(req, name, mode, &fact.inode);
	} else {
		err = begin_new(req, parent, name, S_IFDIR | mode, &entry,
			&owner);
		if (!err)
			err = tree_mkdir(mount->store, parent,
				entry_text(&entry), &owner, &fact.inode);
	}
	finish_new(req, err, &fact);
}

/* A regular file made without opening it: empty, and there at once. */
static enum store_err
make_file(struct mount *mount, uint64_t parent, const struct entry *entry,
	const struct tree_owner *owner, struct inode *out)
{
	struct file *file = NULL;

	enum store_err err = file_create(mount->store, parent,
		entry_text(entry), owner, out, &file);
	return err ? err : file_close(&file, O_RDWR);
}

void
op_name_mknod(fuse_req_t req, fuse_ino_t node, const char *name, mode_t mode,
	dev_t rdev)
{
	struct mount *mount = reply_begin(req);
	uint64_t parent = mount_inode(mount, node);
	struct reply_fact fact = {.changes = atomic_load(&mount->changes)};
	struct tree_owner owner;
	struct entry entry;

	enum store_err err = begin_new(req, parent, name, mode, &entry, &owner);
	if (!err && S_ISREG(mode))
		err = make_file(mount, parent, &entry, &owner, &fact.inode);
	else if (!err)
		err = tree_mknod(mount->store, parent, entry_text(&entry),
			&owner, (uint32_t)rdev, &fact.inode);
	finish_new(req, err, &fact);
}

void
op_name_symlink(fuse_req_t req, const char *target, fuse_ino_t node,
	const char *name)
{
	struct mount *mount = reply_begin(req);
	uint64_t parent = mount_inode(mount, node);
	struct reply_fact fact = {.changes = atomic_load(&mount->changes)};
	struct tree_owner owner;
	struct entry entry;

	enum store_err err =
		begin_new(req, parent, name, S_IFLNK | 0777, &entry, &owner);
	if (!err)
		err = tree_symlink(mount->store, parent, entry_text(&entry),
			slice_str(target), &owner, &fact.inode);
	finish_new(req, err, &fact);
}

void
op_name_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t node, const char *name)
{
	struct mount *mount = reply_begin(req);
	uint64_t parent = mount_inode(mount, node);
	struct reply_fact fact = {.changes = atomic_load(&mount->changes)};
	struct tree_owner owner;
	struct entry entry;

	enum store_err err = begin_new(req, parent, name, 0, &entry, &owner);
	if (!err)
		err = tree_link(mount->store, ino, parent, entry_text(&entry),
			&fact.inode);
	if (!err)
		err = file_note_link(mount->store, &fact.inode);
	if (!err)
		inode_refresh(mount, &fact);
	finish_new(req, err, &fact);
}

void
op_name_readlink(fuse_req_t req, fuse_ino_t ino)
{
	struct mount *mount = reply_begin(req);
	scoped(arena_free) struct arena arena = {0};
	struct slice target;

	enum store_err err = tree_readlink(mount->store, ino, &arena, &target);
	if (err == STORE_STALE &&
		gone_recall_target(mount, ino, &arena, &target))
		err = STORE_OK;
	if (err)
		reply_err(req, err);
	else
		fuse_reply_readlink(req, arena_str(&arena, target));
}

void
op_name_unlink(fuse_req_t req, fuse_ino_t node, const char *name)
{
	struct mount *mount = reply_begin(req);
	uint64_t parent = mount_inode(mount, node);
	scoped(arena_free) struct arena arena = {0};
	struct slice target = SLICE_NULL;
	struct reply_fact fact;
	struct entry entry;
	struct inode gone;

	enum store_err err = entry_find(mount, parent, name, &entry, &fact);
	if (!err && entry.want == TREE_DIR)
		err = STORE_IS_DIR;
	if (!err) {
		target = target_of(mount, &fact.inode, &arena);
		note_gone(mount, parent, &entry);
		err = tree_unlink(mount->store, parent, entry_text(&entry),
			&gone);
	}
	if (!err) /* it may be another by then */
		note_unlinked(mount, &gone,
			gone.ino == fact.inode.ino ? target : SLICE_NULL);
	reply_err(req, err);
}

void
op_name_rmdir(fuse_req_t req, fuse_ino_t node, const char *name)
{
	struct mount *mount = reply_begin(req);
	uint64_t parent = mount_inode(mount, node);
	struct reply_fact fact;
	struct entry entry;

	enum store_err err = entry_find(mount, parent, name, &entry, &fact);
	if (!err && entry.want != TREE_DIR)
		err = STORE_NOT_DIR;
	if (!err)
		note_gone(mount, parent, &entry);
	if (!err && parent == INODE_ROOT)
		err = bucket_delete(mount->store, entry_text(&entry));
	else if (!err)
		err = tree_rmdir(mount->store, parent, entry_text(&entry));
	if (!err)
		note_unlinked(mount, &fact.inode, SLICE_NULL);
	/* The name goes as soon as the caller gives up its directory. */
	if (!err && parent != INODE_ROOT)
		invalidate_twins(mount, parent, entry_text(&entry));
	reply_err(req, err);
}

/* One side of a rename. */
struct side {
	uint64_t parent;
	struct entry entry;
	struct inode inode; /* ino 0: nothing has the name */
};

static enum store_err
find_side(struct mount *mount, const char *name, struct side *side)
{
	struct reply_fact fact;

	enum store_err err =
		entry_find(mount, side->parent, name, &side->entry, &fact);
	side->inode = err ? (struct inode){.ino = 0} : fact.inode;
	return err;
}

/* The new name, which may be one that is there already. */
static enum store_err
find_target(struct mount *mount, const char *name, struct side *side)
{
	enum store_err err = find_side(mount, name, side);
	return err == STORE_NOT_FOUND ? entry_new(name, &side->entry) : err;
}

/* How it is asked for. */
struct manner {
	unsigned flags; /* enum tree_rename_flag */
	bool leaves_whiteout;
	struct tree_owner owner; /* of that */
};

static enum store_err
move(struct mount *mount, const struct side *from, const struct side *to,
	const struct manner *manner, struct inode *replaced)
{
	return tree_rename_whiteout(mount->store, from->parent,
		entry_text(&from->entry), from->entry.want, to->parent,
		entry_text(&to->entry), manner->flags,
		manner->leaves_whiteout ? &manner->owner : NULL, replaced);
}

/* Sealed data that is being written is published by its writer alone, here. */
static enum store_err
publish_and_move(struct mount *mount, const struct side *from,
	const struct side *to, const struct manner *manner,
	struct inode *replaced)
{
	enum store_err err = file_publish_sealed(mount->store, from->inode.ino);
	if (!err)
		err = file_publish_sealed(mount->store, to->inode.ino);
	return err ? err : move(mount, from, to, manner, replaced);
}

static enum store_err
begin_rename(fuse_req_t req, const struct side *from, const struct side *to,
	unsigned flags, struct manner *manner)
{
	const unsigned known =
		RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT;

	*manner = (struct manner){
		.flags = (flags & RENAME_NOREPLACE ? TREE_NO_REPLACE : 0) |
			 (flags & RENAME_EXCHANGE ? TREE_EXCHANGE : 0),
		.leaves_whiteout = (flags & RENAME_WHITEOUT) != 0,
	};
	if (flags & ~known)
		return STORE_INVALID;
	if (from->parent == INODE_ROOT || to->parent == INODE_ROOT)
		return STORE_NOT_PERMITTED;
	return manner->leaves_whiteout ? owner_of_new(req, from->parent,
						 S_IFCHR, &manner->owner)
				       : STORE_OK;
}

void
op_name_rename(fuse_req_t req, fuse_ino_t node, const char *name,
	fuse_ino_t new_node, const char *new_name, unsigned flags)
{
	struct mount *mount = reply_begin(req);
	struct side from = {.parent = mount_inode(mount, node)};
	struct side to = {.parent = mount_inode(mount, new_node)};
	scoped(arena_free) struct arena arena = {0};
	struct slice target = SLICE_NULL;
	struct inode replaced;
	struct manner manner;

	enum store_err err = begin_rename(req, &from, &to, flags, &manner);
	if (!err)
		err = find_side(mount, name, &from);
	if (!err)
		err = find_target(mount, new_name, &to);
	if (!err) {
		target = target_of(mount, &to.inode, &arena);
		note_gone(mount, from.parent, &from.entry);
		note_gone(mount, to.parent, &to.entry);
		err = move(mount, &from, &to, &manner, &replaced);
	}
	if (err == STORE_BUSY)
		err = publish_and_move(mount, &from, &to, &manner, &replaced);
	if (!err && replaced.ino) /* it may be another by then */
		note_unlinked(mount, &replaced,
			replaced.ino == to.inode.ino ? target : SLICE_NULL);
	/* A directory came and one went.  Where it was exchanged, or left a
	 * whiteout, no file is shown differently: and what overlayfs holds must
	 * keep its name in the kernel. */
	if (!err && from.entry.want == TREE_DIR && !manner.leaves_whiteout &&
		!(flags & RENAME_EXCHANGE)) {
		invalidate_twins(mount, from.parent, entry_text(&from.entry));
		invalidate_twins(mount, to.parent, entry_text(&to.entry));
	}
	reply_err(req, err);
}
