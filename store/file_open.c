/* SPDX-License-Identifier: Apache-2.0 */
#include "store/file_open_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "store/base/clock.h"
#include "store/base/io.h"
#include "store/base/log.h"
#include "store/blob_record_private.h"
#include "store/dentry_private.h"
#include "store/file_seal_private.h"
#include "store/unflushed_private.h"

/* Between the reading of a record and the opening of its data both may be
 * replaced, each time by another commit. */
#define TRIES 16

enum store_err
file_open_stat(const struct file *file, struct stat *out)
{
	return fstat(file->fd, out) ? error_from_errno(errno) : STORE_OK;
}

struct file_stamp
file_open_stamp(const struct stat *stat)
{
	return (struct file_stamp){
		.size = (uint64_t)stat->st_size,
		.mtime_ns = (int64_t)stat->st_mtim.tv_sec * CLOCK_NS_PER_S +
			    stat->st_mtim.tv_nsec,
	};
}

int64_t
file_open_ctime_ns(const struct stat *stat)
{
	return (int64_t)stat->st_ctim.tv_sec * CLOCK_NS_PER_S +
	       stat->st_ctim.tv_nsec;
}

bool
file_open_is_changed(const struct file *file, const struct stat *stat)
{
	struct file_stamp now = file_open_stamp(stat);

	return file->is_changed || now.size != file->stamp.size ||
	       now.mtime_ns != file->stamp.mtime_ns;
}

/* packed->segment 0: the blob is none of a segment's.  DAMAGED; IO: a flush
 * that failed may have taken its bytes. */
static enum store_err
find_packed(struct store *store, struct db_txn *txn, uint64_t blob,
	struct record_blob *packed)
{
	enum store_err err = STORE_OK;

	*packed = (struct record_blob){0};
	if (blob)
		err = blob_record_get(txn, blob, packed);
	if (packed->is_damaged)
		return STORE_DAMAGED;
	if (packed->segment &&
		unflushed_may_be_lost(store, txn, packed->segment))
		return STORE_IO;
	return err == STORE_NOT_FOUND ? STORE_OK : err;
}

/* The record, who else has its data, and where that lies.  attrs: where that is
 * sealed. */
static enum store_err
read_record(struct file *file, struct record_blob *packed, struct buffer *attrs)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	struct inode inode;

	enum store_err err = db_begin_read(file->store->db, &txn);
	if (!err)
		err = dentry_inode(txn, file->ino, &inode);
	if (err)
		return err;
	if (!S_ISREG(inode.mode))
		return inode_is_dir(&inode) ? STORE_IS_DIR : STORE_INVALID;
	bool is_sealed = sealed_is(&inode);
	buffer_clear(attrs);
	if (is_sealed)
		buffer_append(attrs, inode.attrs);
	inode.attrs = SLICE_NULL;
	file->inode = inode;
	/* A sealed draft is for the process alone that writes it. */
	file->is_pending = inode.pending != 0 && !is_sealed;
	file->blob = file->is_pending ? inode.pending : inode.blob;
	file->is_shared = false;
	if (file->blob)
		err = blob_record_is_shared(txn, file->blob, &file->is_shared);
	if (!err)
		err = find_packed(file->store, txn, file->blob, packed);
	file->is_packed = packed->segment != 0;
	file->seen = db_txn_number(txn);
	file->commit = file->seen;
	return err;
}

/*
 * What a descriptor stands for may change while others read from it (file_fd()
 * of file.h), and its bytes begin at 0: neither goes together with a place in
 * a segment.  So a packed blob is read through a copy in memory; they are
 * small.
 */
static enum store_err
copy_packed(struct store *store, const struct record_blob *packed, int to)
{
	char *bytes = malloc(packed->size);
	int segment = -1;

	if (!bytes)
		return STORE_NO_MEMORY;
	enum store_err err =
		blob_open(store->blobs, packed->segment, O_RDONLY, &segment);
	if (!err)
		err = io_pread_all(segment, bytes, packed->size,
			packed->offset);
	if (!err)
		err = io_pwrite_all(to, bytes, packed->size, 0);
	free(bytes);
	if (segment >= 0)
		(void)close(segment);
	return err;
}

static enum store_err
open_packed(struct file *file, const struct record_blob *packed)
{
	int fd = memfd_create("tarn-packed", MFD_CLOEXEC);

	if (fd < 0)
		return error_from_errno(errno);
	enum store_err err = copy_packed(file->store, packed, fd);
	if (err)
		(void)close(fd);
	else
		file->fd = fd;
	return err;
}

static enum store_err
open_seal(struct file *file, struct slice attrs)
{
	struct inode inode = file->inode;

	inode.attrs = attrs;
	file->is_sealed = true;
	return file_seal_open(file->store, &inode, file->fd, &file->seal);
}

enum store_err
file_open_data(struct file *file)
{
	scoped(buffer_free) struct buffer attrs = {0};
	int flags = file->is_writable ? O_RDWR : O_RDONLY;

	for (int i = 0; i < TRIES; i++) {
		struct record_blob packed;
		enum store_err err = read_record(file, &packed, &attrs);
		if (err)
			return err;
		if (!file->blob) {
			file->fd = open("/dev/null", O_RDWR | O_CLOEXEC);
			err = file->fd < 0 ? error_from_errno(errno) : STORE_OK;
		} else if (file->is_packed) {
			err = open_packed(file, &packed);
		} else {
			err = blob_open(file->store->blobs, file->blob, flags,
				&file->fd);
		}
		file->stamp = (struct file_stamp){
			file->inode.size, file->inode.mtime_ns};
		if (!err && attrs.len)
			err = open_seal(file, buffer_slice(&attrs));
		if (err != STORE_NOT_FOUND)
			return err;
	}
	log_error("inode %llu: its data is missing, blob=%llu",
		(unsigned long long)file->ino, (unsigned long long)file->blob);
	return STORE_CORRUPT;
}

/* The same file once more, by its descriptor: it may have no name. */
enum store_err
file_open_as(struct file *file, bool is_writable)
{
	char path[40];

	if (file->is_writable == is_writable)
		return STORE_OK;
	if (file->fd >= 0 && !file->is_packed) {
		(void)snprintf(path, sizeof(path), "/proc/self/fd/%d",
			file->fd);
		int fd = open(path,
			(is_writable ? O_RDWR : O_RDONLY) | O_CLOEXEC);
		if (fd < 0)
			return error_from_errno(errno);
		bool is_same = dup3(fd, file->fd, O_CLOEXEC) >= 0;
		(void)close(fd);
		if (!is_same)
			return error_from_errno(errno);
	}
	file->is_writable = is_writable;
	return STORE_OK;
}

/* Puts the data that now has opened in the place of the file's. */
static enum store_err
exchange_data(struct file *file, struct file *now)
{
	if (now->seal) {
		file_seal_free(&file->seal);
		(void)close(file->fd);
		file->seal = now->seal;
		file->fd = now->fd;
		return STORE_OK;
	}

	enum store_err err = dup3(now->fd, file->fd, O_CLOEXEC) < 0
				     ? error_from_errno(errno)
				     : STORE_OK;
	(void)close(now->fd);
	return err;
}

static enum store_err
reload(struct file *file)
{
	scoped(buffer_free) struct buffer attrs = {0};
	struct file now = {
		.store = file->store,
		.ino = file->ino,
		.is_writable = file->is_writable,
		.fd = -1,
	};

	/* Nothing at all has changed since. */
	if (file->seen && file->seen == db_last_commit(file->store->db))
		return STORE_OK;
	struct record_blob packed;
	enum store_err err = read_record(&now, &packed, &attrs);
	if (err == STORE_STALE) {
		file->is_gone = true;
		file->inode.nlink = 0;
		return STORE_OK;
	}
	if (err)
		return err;
	file->inode = now.inode;
	file->seen = now.seen;
	file->is_superseded = now.blob != file->blob;
	if (!file->is_superseded && !file->is_marked)
		file->is_shared = now.is_shared;
	/* Published by a rename, or by another process. */
	if (!file->is_superseded && !file->seal)
		file->is_pending = now.is_pending;
	if (!file->is_superseded || file->is_pinned || file->is_marked)
		return STORE_OK;
	err = file_open_data(&now);
	if (err) {
		if (now.fd >= 0)
			(void)close(now.fd);
		return err;
	}
	err = exchange_data(file, &now);
	if (err)
		return err;
	file->is_superseded = false;
	file->inode = now.inode;
	file->blob = now.blob;
	file->is_pending = now.is_pending;
	file->is_shared = now.is_shared;
	file->is_packed = now.is_packed;
	file->stamp = now.stamp;
	file->commit = now.commit;
	return STORE_OK;
}

enum store_err
file_open_reload(struct file *file)
{
	/* Later ones may not be in the record that is read. */
	uint64_t news = atomic_load(&file->news);
	enum store_err err = reload(file);

	if (!err)
		atomic_store(&file->known, news);
	return err;
}
