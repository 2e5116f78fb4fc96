/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file.h - open files, as a file system has them: created, written in place,
 * truncated, published.
 *
 * One struct file stands for one inode in this process, however many opens
 * share it, but for file_pin(); the kernel may read and write its descriptor
 * without our knowing (passthrough).
 *
 * 1. A new file is unpublished: mounts see it, S3 does not, until the first
 *    file_sync() or the last close of a writer.
 * 2. file_open() with O_TRUNC on a file nobody here has open starts a rewrite:
 *    the new bytes take the old ones' place at publication.
 * 3. Any other opening for writing marks the inode dirty before it returns;
 *    a blob that is shared or packed is cloned first.
 * 4. At file_sync(), file_flush() and the last close the record is brought
 *    up to date: size, mtime and a new ETag, if the data changed.  Where the
 *    kernel writes on after that, it is again, later (session_private.h).
 * 5. A file whose last name goes while it is open lives on in its
 *    descriptor; the space returns with the last close, or with the process.
 * 6. The data file's size and mtime tell whether the data of a file that is not
 *    sealed changed: the mark of rule 3 makes them those of the record.
 * 7. A sealed file opens where the keyring has its key, else NO_KEY; a new one
 *    is sealed where the keyring says so.  Its data is never changed in place:
 *    the first change begins a draft, S3 sees it at publication, and after a
 *    publication the next change begins another one, at the cost of a copy.
 *
 * Threads:   any plain thread; no fiber.
 * Ownership: file_open() and file_create() take a reference; file_close()
 *            gives it back.
 */
#pragma once

#include "store/tree.h"

struct file;
struct keyring;

/* Keys for sealed files; outlives the store, and comes before the first of
 * the calls below. */
void file_set_keyring(struct store *store, const struct keyring *ring);

/* A new regular file, open for reading and writing.  EXISTS, and what
 * tree.h lists. */
must_check enum store_err file_create(struct store *store, uint64_t parent,
	struct slice name, const struct tree_owner *owner, struct inode *out,
	struct file **file);

/* The same without a name, as O_TMPFILE makes it: gone with the last close,
 * unless tree_link() gives it one. */
must_check enum store_err file_create_unnamed(struct store *store,
	uint64_t parent, const struct tree_owner *owner, struct inode *out,
	struct file **file);

/* open_flags: O_ACCMODE and O_TRUNC are regarded.  STALE, IS_DIR, NO_KEY. */
must_check enum store_err file_open(struct store *store, uint64_t ino,
	int open_flags, struct file **file);

/* Gives back one open that was made with these flags; the last writer's
 * publishes. */
must_check enum store_err file_close(struct file **file, int open_flags);

/* False: the bytes are those of file_fd(), for good. */
bool file_is_sealed(const struct file *file);

/* Whether file_data_read() there may take long: a disk, a customer's key, or
 * others' changes to be looked at first. */
bool file_data_read_waits(const struct file *file, uint64_t offset);

/* pread(2), pwrite(2), lseek(2) on the data, sealed or not; counts are less at
 * the end, or before an error.  BUSY: another process rewrites a sealed file.
 */
must_check enum store_err file_data_read(struct file *file, void *to,
	size_t len, uint64_t offset, size_t *got);
must_check enum store_err file_data_write(struct file *file, struct slice data,
	uint64_t offset, size_t *done);
/* At the end of the data as it is then, whoever else appends.  *end: where the
 * data ends afterwards. */
must_check enum store_err file_data_append(struct file *file, struct slice data,
	size_t *done, uint64_t *end);
/* NO_DATA: beyond the end. */
must_check enum store_err file_data_seek(struct file *file, int64_t offset,
	int whence, int64_t *at);

/* The data, where it is not sealed, from offset 0 on.  The number stays until
 * the last close; what it stands for may change when the first writer comes to
 * a shared blob. */
int file_fd(const struct file *file);

/*
 * The kernel is to be given the descriptor: from now until the last close it
 * stands for the same data.  A later opening that is not to have that, because
 * another process has replaced it, or S3 has made a copy that is not to be
 * written to, gets another struct file; while this one is open for writing,
 * too, BUSY.  False where the data is shared already or packed, or there is
 * none: the kernel must not have it.
 */
bool file_pin(struct file *file);
/*
 * Until the last close the kernel may be left with a way to write to what was
 * pinned that outlives this opening: a map, which takes an opening for reading
 * and writing, or a descriptor whose mount goes before it.
 */
void file_let_linger(struct file *file);
/* The kernel did not take it. */
void file_unpin(struct file *file);
/* Which data that is; 0: none. */
uint64_t file_blob(struct file *file);

/* True where data files lie on a stacked file system (overlayfs). */
bool file_is_stacked(const struct store *store);

uint64_t file_ino(const struct file *file);

/* Attributes with size and times as the data file has them.  attrs empty. */
must_check enum store_err file_attr_get(struct file *file, struct inode *out);

/* ftruncate(2), fallocate(2) on the data.  INVALID, TOO_BIG; UNSUPPORTED: by
 * the file system, or the data is sealed. */
must_check enum store_err file_data_truncate(struct file *file, uint64_t size);
must_check enum store_err file_data_allocate(struct file *file, int mode,
	uint64_t offset, uint64_t len);

/*
 * copy_file_range(2): up to len bytes, shared where the file system below can.
 * Both may be one file.  *copied is less at the end of `from` and where there
 * is much to copy; INVALID where the ranges overlap.
 */
must_check enum store_err file_data_copy_range(struct file *from,
	uint64_t from_offset, struct file *to, uint64_t to_offset, uint64_t len,
	uint64_t *copied);

/* Durable: data, and the record where it changed.  is_data_only as
 * fdatasync(2). */
must_check enum store_err file_sync(struct file *file, bool is_data_only);

/* close(2) of a descriptor that may be the last: where the data changed and
 * no other writer has it open, publishes as the last close would.  Not
 * durable. */
must_check enum store_err file_flush(struct file *file);

/* Where tree_rename() is BUSY: publishes what is written here and sealed, as
 * fsync(2) does, not durably.  STORE_OK where nothing is. */
must_check enum store_err file_publish_sealed(struct store *store,
	uint64_t ino);

/* Another name is gone, or attributes were set, for an inode that may be
 * open here: what file_attr_get() answers from then on. */
void file_attr_note(struct store *store, const struct inode *inode);

/* tree_link() gave a name to an inode that may be open here.  The first name
 * of one made without publishes it. */
must_check enum store_err file_note_link(struct store *store,
	const struct inode *inode);

/* tree_set() for an inode that may be open here. */
must_check enum store_err file_attr_set(struct store *store, uint64_t ino,
	const struct tree_change *change, struct inode *out);

/*
 * For an inode just read from the tables: size and times as the data file has
 * them, where it is open here or somebody writes to it.  True where they may
 * change further without a line of the feed.
 */
bool file_attr_refresh(struct store *store, struct inode *inode);

/*
 * st_blocks of a regular file: what its data takes.  The data file is asked
 * where holes are likely to matter, in files of 1 MiB and more and in those
 * that are being written to; others are taken to have none.
 */
uint64_t file_attr_blocks(struct store *store, const struct inode *inode);

/* Somebody else changed the inode, which may be open here: what is read by it
 * from now on is what it is then.  Waits for nobody. */
void file_note_news(struct store *store, uint64_t ino);

/* Somebody is about the file, perhaps for long (a copy of shared data): what
 * opens, closes, settles or truncates it would wait. */
bool file_is_busy(struct store *store, uint64_t ino);

/* How many inodes are open here. */
uint64_t file_count(struct store *store);

/* Truncates by inode, open or not.  *out: the result. */
must_check enum store_err file_data_truncate_ino(struct store *store,
	uint64_t ino, uint64_t size, struct inode *out);

/* The open file of that inode in this process, referenced, or NULL. */
struct file *file_find(struct store *store, uint64_t ino);
/* Gives back a reference of file_find(). */
void file_release(struct file **file);
