/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/inode.h"

#include "fs/gone.h"
#include "fs/handle.h"
#include "fs/passthrough.h"
#include "store/base/clock.h"

#define BLOCK_SIZE 4096

void
inode_owner(const struct mount *mount, const struct inode *inode,
	uint32_t *mode, uint32_t *uid, uint32_t *gid)
{
	const struct mount_options *options = &mount->options;

	*mode = inode->mode;
	*uid = inode->uid;
	*gid = inode->gid;
	if (!(inode->flags & INODE_FROM_S3))
		return;
	*mode = (inode->mode & S_IFMT) |
		((inode_is_dir(inode) ? 0777u : 0666u) & ~options->umask);
	*uid = options->uid;
	*gid = options->gid;
}

void
inode_to_stat(const struct mount *mount, const struct inode *inode,
	struct stat *out)
{
	*out = (struct stat){
		.st_ino = inode->ino,
		/* An older version has a name that is not for mounts. */
		.st_nlink = inode->flags & INODE_NONCURRENT ? 0 : inode->nlink,
		.st_rdev = inode->rdev,
		.st_size = (off_t)inode->size,
		.st_blksize = BLOCK_SIZE,
		.st_atim = clock_to_timespec(inode->atime_ns),
		.st_mtim = clock_to_timespec(inode->mtime_ns),
		.st_ctim = clock_to_timespec(inode->ctime_ns),
	};
	inode_owner(mount, inode, &out->st_mode, &out->st_uid, &out->st_gid);
	if (S_ISREG(inode->mode))
		out->st_blocks =
			(blkcnt_t)file_attr_blocks(mount->store, inode);
	/* An object may lie under "dir/" itself; a directory has no size. */
	if (inode_is_dir(inode)) {
		out->st_size = BLOCK_SIZE;
		out->st_blocks = BLOCK_SIZE / 512;
	}
}

/* The list of buckets is no directory of the store. */
static void
describe_root(struct mount *mount, struct inode *out)
{
	int64_t mtime_ns = atomic_load(&mount->root_mtime_ns);

	*out = (struct inode){
		.ino = INODE_ROOT,
		.parent = INODE_ROOT,
		.mode = S_IFDIR | 0777,
		.nlink = 2,
		.flags = INODE_FROM_S3,
		.atime_ns = mtime_ns,
		.mtime_ns = mtime_ns,
		.ctime_ns = mtime_ns,
	};
}

void
inode_refresh(struct mount *mount, struct reply_fact *fact)
{
	const struct inode *inode = &fact->inode;

	fact->is_live = file_attr_refresh(mount->store, &fact->inode);
	fact->is_mapped = (inode->pending || (inode->flags & INODE_DIRTY)) &&
			  passthrough_is_mapped(mount, inode->ino);
}

enum store_err
inode_read(struct mount *mount, uint64_t ino, struct reply_fact *out)
{
	out->changes = atomic_load(&mount->changes);
	out->is_live = false;
	out->is_mapped = false;
	if (ino == INODE_ROOT) {
		describe_root(mount, &out->inode);
		return STORE_OK;
	}
	enum store_err err = tree_inode(mount->store, ino, NULL, &out->inode);
	if (!err) {
		inode_refresh(mount, out);
		return STORE_OK;
	}
	if (err != STORE_STALE)
		return err;
	/* Its last name is gone, but it may be open. */
	scoped(file_release) struct file *file = file_find(mount->store, ino);
	if (file)
		return file_attr_get(file, &out->inode);
	if (gone_recall(mount, ino, &out->inode) ||
		handle_dir_recall(mount, ino, &out->inode))
		return STORE_OK;
	return STORE_STALE;
}
