/* SPDX-License-Identifier: Apache-2.0 */
/* files.h - open files as the tests of file.c handle them: as text. */
#pragma once

#include "store/file.h"
#include "tests/store/objects.h"

static inline struct file *
files_create(struct store *store, uint64_t dir, const char *name)
{
	const struct tree_owner owner = {S_IFREG | 0640, 1, 2};
	struct file *file = NULL;
	struct inode inode;
	enum store_err err =
		file_create(store, dir, slice_str(name), &owner, &inode, &file);

	assert(!err);
	return file;
}

static inline struct file *
files_open(struct store *store, uint64_t ino, int flags)
{
	struct file *file = NULL;
	enum store_err err = file_open(store, ino, flags, &file);

	assert(!err);
	return file;
}

/* From the first byte on, by the descriptor, as the kernel does. */
static inline void
files_put(struct file *file, const char *text)
{
	enum store_err err =
		io_pwrite_all(file_fd(file), text, strlen(text), 0);

	assert(!err);
}

static inline void
files_close(struct file **file, int flags)
{
	enum store_err err = file_close(file, flags);

	assert(!err);
}

/* A published file with that text; its inode number. */
static inline uint64_t
files_make(struct store *store, uint64_t dir, const char *name,
	const char *text)
{
	struct file *file = files_create(store, dir, name);
	uint64_t ino = file_ino(file);

	files_put(file, text);
	files_close(&file, O_RDWR);
	return ino;
}

/* utimensat(2) */
static inline void
files_set_mtime(struct store *store, uint64_t ino, int64_t mtime_ns)
{
	const struct tree_change change = {
		.has_mtime = true,
		.mtime_ns = mtime_ns,
	};
	struct inode inode;
	enum store_err err = file_attr_set(store, ino, &change, &inode);

	assert(!err);
}

/* As S3 sees it; ino 0: it does not. */
static inline struct inode
files_head(struct store *store, uint64_t bucket, const char *key)
{
	scoped(arena_free) struct arena arena = {0};
	struct object object = {0};
	enum store_err err =
		object_head(store, bucket, slice_str(key), &arena, &object);

	assert(!err || err == STORE_NOT_FOUND);
	object.inode.attrs = SLICE_NULL;
	return err ? (struct inode){0} : object.inode;
}

static inline bool
files_is_seen(struct store *store, uint64_t bucket, const char *key)
{
	return files_head(store, bucket, key).ino != 0;
}
