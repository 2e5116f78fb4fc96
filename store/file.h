/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file.h - open files, as a file system has them: created, written in place,
 * truncated, published.
 *
 * One struct file stands for one inode in this process, however many opens
 * share it; the kernel may read and write its descriptor without our
 * knowing (passthrough).
 *
 * 1. A new file is unpublished: mounts see it, S3 does not, until the first
 *    file_sync() or the last close of a writer.
 * 2. file_open() with O_TRUNC on a file nobody here has open starts a rewrite:
 *    the new bytes take the old ones' place at publication.
 * 3. Any other opening for writing marks the inode dirty before it returns;
 *    a blob that is shared is cloned first.
 * 4. At file_sync(), file_flush() and the last close the record is brought
 *    up to date: size, mtime and a new ETag, if the data changed.
 * 5. A file whose last name goes while it is open lives on in its
 *    descriptor; the space returns with the last close, or with the process.
 *
 * Threads:   any.
 * Ownership: file_open() and file_create() take a reference; file_close()
 *            gives it back.
 */
#pragma once

#include "store/tree.h"

struct file;

/* A new regular file, open for reading and writing.  EXISTS, and what
 * tree.h lists. */
must_check enum store_err file_create(struct store *store, uint64_t parent,
	struct slice name, const struct tree_owner *owner, struct inode *out,
	struct file **file);

/* open_flags: O_ACCMODE and O_TRUNC are regarded.  STALE, IS_DIR. */
must_check enum store_err file_open(struct store *store, uint64_t ino,
	int open_flags, struct file **file);

/* Gives back one open that was made with these flags; the last writer's
 * publishes. */
must_check enum store_err file_close(struct file **file, int open_flags);

/* Read-write where a writer has been here, else read-only.  Never -1: an
 * empty file has an empty blob once it is open.  It may change when the
 * first writer comes to a shared blob: ask anew after each open. */
int file_fd(const struct file *file);

/* Changes with each change of the descriptor: for backing ids. */
uint64_t file_data_id(const struct file *file);

uint64_t file_ino(const struct file *file);

/* Attributes with size and times as the data file has them.  attrs empty. */
must_check enum store_err file_inode(struct file *file, struct inode *out);

/* ftruncate(2), fallocate(2) on the data.  INVALID, TOO_BIG, UNSUPPORTED. */
must_check enum store_err file_truncate(struct file *file, uint64_t size);
must_check enum store_err file_allocate(struct file *file, int mode,
	uint64_t offset, uint64_t len);

/* Durable: data, and the record where it changed.  is_data_only as
 * fdatasync(2). */
must_check enum store_err file_sync(struct file *file, bool is_data_only);

/* close(2) of one descriptor: the record is brought up to date; not durable,
 * not published where other writers go on. */
must_check enum store_err file_flush(struct file *file);

/* Another name is gone, or attributes were set, for an inode that may be
 * open here: what file_inode() answers from then on. */
void file_note_inode(struct store *store, const struct inode *inode);

/* Truncates by inode, open or not.  *out: the result. */
must_check enum store_err file_truncate_ino(struct store *store, uint64_t ino,
	uint64_t size, struct inode *out);

/* The open file of that inode in this process, referenced, or NULL. */
struct file *file_find(struct store *store, uint64_t ino);
/* Gives back a reference of file_find(). */
void file_release(struct file **file);
