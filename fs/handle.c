/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/handle.h"

#include <stdlib.h>

#include "store/base/log.h"
#include "store/base/mutex.h"

/*
 * 1. Every handle that the kernel has is in mount->handles or mount->dirs:
 * where it goes without releasing them, somebody must.
 */

/* Names that went, remembered by all handles together: whoever opens many
 * directories is not to fill the memory. */
#define GONE_MAX (1u << 20)

struct handle *
handle_create(struct mount *mount, struct file *file, int open_flags, pid_t pid)
{
	struct handle *handle = malloc(sizeof(*handle));

	if (!handle)
		error_out_of_memory();
	mutex_scoped(&mount->lock);
	*handle = (struct handle){
		.file = file,
		.open_flags = open_flags,
		.pid = pid,
		.next = mount->handles,
	};
	if (handle->next)
		handle->next->prev = handle;
	mount->handles = handle;
	return handle;
}

struct handle *
handle_of(const struct fuse_file_info *info)
{
	return (struct handle *)(uintptr_t)info->fh;
}

static void
take_out(struct mount *mount, struct handle *handle)
{
	mutex_scoped(&mount->lock);
	if (handle->prev)
		handle->prev->next = handle->next;
	else
		mount->handles = handle->next;
	if (handle->next)
		handle->next->prev = handle->prev;
}

enum store_err
handle_close(struct mount *mount, struct handle **handle)
{
	take_out(mount, *handle);
	enum store_err err =
		file_close(&(*handle)->file, (*handle)->open_flags);

	free(*handle);
	*handle = NULL;
	return err;
}

void
handle_close_all(struct mount *mount)
{
	while (mount->dirs) {
		struct handle_dir *dir = mount->dirs;

		handle_dir_free(mount, &dir);
	}
	while (mount->handles) {
		struct handle *handle = mount->handles;
		uint64_t ino = file_ino(handle->file);

		/* Its descriptor is still there, perhaps. */
		file_let_linger(handle->file);
		enum store_err err = handle_close(mount, &handle);
		if (err)
			log_error("inode %llu: not brought up to date: %s",
				(unsigned long long)ino, error_sentence(err));
	}
}

struct handle_dir *
handle_dir_create(struct mount *mount, const struct inode *inode)
{
	struct handle_dir *dir = calloc(1, sizeof(*dir));

	if (!dir)
		error_out_of_memory();
	mutex_scoped(&mount->lock);
	dir->inode = *inode;
	dir->inode.attrs = SLICE_NULL;
	dir->next = mount->dirs;
	if (dir->next)
		dir->next->prev = dir;
	mount->dirs = dir;
	return dir;
}

struct handle_dir *
handle_dir_of(const struct fuse_file_info *info)
{
	return (struct handle_dir *)(uintptr_t)info->fh;
}

bool
handle_dir_recall(struct mount *mount, uint64_t ino, struct inode *out)
{
	mutex_scoped(&mount->lock);
	struct handle_dir *dir = mount->dirs;

	while (dir && dir->inode.ino != ino)
		dir = dir->next;
	if (!dir)
		return false;
	*out = dir->inode;
	out->nlink = 0;
	return true;
}

void
handle_dir_note_gone(struct mount *mount, uint64_t ino, struct slice component)
{
	mutex_scoped(&mount->lock);
	for (struct handle_dir *dir = mount->dirs; dir; dir = dir->next) {
		if (dir->inode.ino != ino || mount->gone_count >= GONE_MAX)
			continue;
		mount->gone_count -= dir_position_count_gone(&dir->gone);
		dir_position_add_gone(&dir->gone, component);
		mount->gone_count += dir_position_count_gone(&dir->gone);
	}
}

struct slice
handle_dir_find_gone(struct mount *mount, struct handle_dir *dir,
	uint64_t offset)
{
	mutex_scoped(&mount->lock);
	return dir_position_find_gone(&dir->gone, offset, &dir->arena);
}

static void
take_out_dir(struct mount *mount, struct handle_dir *dir)
{
	mutex_scoped(&mount->lock);
	mount->gone_count -= dir_position_count_gone(&dir->gone);
	if (dir->prev)
		dir->prev->next = dir->next;
	else
		mount->dirs = dir->next;
	if (dir->next)
		dir->next->prev = dir->prev;
}

void
handle_dir_free(struct mount *mount, struct handle_dir **dir)
{
	take_out_dir(mount, *dir);
	dir_position_free_gone(&(*dir)->gone);
	arena_free(&(*dir)->arena);
	free(*dir);
	*dir = NULL;
}
