/* SPDX-License-Identifier: Apache-2.0 */
/*
 * handle.h - what the kernel holds for one open of a file or directory.
 *
 * Ownership: made at open, freed at release; in fuse_file_info.fh meanwhile.
 */
#pragma once

#include "fs/dir_position.h"
#include "fs/mount_private.h"
#include "store/base/arena.h"

struct handle {
	/* fixed */
	struct file *file;
	int open_flags;
	pid_t pid;    /* who opened it */
	bool may_map; /* with the right to store through it */

	/* under the mount's lock: invariant 1 of handle.c */
	struct handle *prev;
	struct handle *next;
};

static inline bool
handle_is_writer(const struct handle *handle)
{
	return (handle->open_flags & O_ACCMODE) != O_RDONLY ||
	       (handle->open_flags & O_TRUNC);
}

struct handle *handle_create(struct mount *mount, struct file *file,
	int open_flags, pid_t pid);
struct handle *handle_of(const struct fuse_file_info *info);
/* Closes the file. */
must_check enum store_err handle_close(struct mount *mount,
	struct handle **handle);
/* When the kernel is gone: what it had open is brought up to date. */
void handle_close_all(struct mount *mount);

/*
 * A directory being read.  Reading nearly always goes on after an entry of the
 * last answer, whose names are kept; dir_position.h has the other cases.
 */
struct handle_dir {
	struct inode inode; /* when it was opened; attrs empty */

	/* the reader's */
	size_t count;
	struct slice *names; /* components, in the arena */
	struct arena arena;

	/* under the mount's lock */
	struct handle_dir *prev;
	struct handle_dir *next;
	struct dir_gone gone;
};

struct handle_dir *handle_dir_create(struct mount *mount,
	const struct inode *inode);
/* What is left to tell of a directory that was removed while it was open.
 * False: nobody has it open. */
bool handle_dir_recall(struct mount *mount, uint64_t ino, struct inode *out);
struct handle_dir *handle_dir_of(const struct fuse_file_info *info);
/* The component, with a directory's '/', goes from the directory, or may. */
void handle_dir_note_gone(struct mount *mount, uint64_t ino,
	struct slice component);
/* The name at an offset of the kernel's, in the reader's arena; SLICE_NULL: it
 * is not among those that went. */
struct slice handle_dir_find_gone(struct mount *mount, struct handle_dir *dir,
	uint64_t offset);
void handle_dir_free(struct mount *mount, struct handle_dir **dir);
