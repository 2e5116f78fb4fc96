/* SPDX-License-Identifier: Apache-2.0 */
#include "store/file_open_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "store/base/clock.h"
#include "store/base/io.h"
#include "store/base/log.h"
#include "store/blob_record_private.h"
#include "store/cut_private.h"
#include "store/dentry_private.h"
#include "store/draft_private.h"
#include "store/durable_private.h"
#include "store/file_seal_private.h"
#include "store/keyring.h"
#include "store/session_private.h"
#include "store/usage_private.h"

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

bool
file_open_is_changed(const struct file *file, const struct stat *stat)
{
	struct file_stamp now = file_open_stamp(stat);

	return file->is_changed || now.size != file->stamp.size ||
	       now.mtime_ns != file->stamp.mtime_ns;
}

struct create_request {
	uint64_t parent;
	struct slice name; /* SLICE_NULL: it gets none */
	const struct tree_owner *owner;
	uint64_t blob;
	int64_t now_ns; /* as the data file's file system has it */
	struct slice attrs;
	struct inode result;
};

static void
describe(struct inode *inode, const struct create_request *request)
{
	*inode = (struct inode){
		.mode = S_IFREG | (request->owner->mode & 07777),
		.uid = request->owner->uid,
		.gid = request->owner->gid,
		.nlink = request->name.data != NULL,
		.flags = INODE_UNPUBLISHED,
		.pending = request->blob,
		/* Where to look for the name, should it have to go again:
		 * file_settle(). */
		.parent = request->parent,
		.birth_ns = request->now_ns,
		.attrs = request->attrs,
	};
	inode->atime_ns = inode->birth_ns;
	inode->mtime_ns = inode->birth_ns;
	inode->ctime_ns = inode->birth_ns;
}

/* Hangs the new inode under its name. */
static enum store_err
put_name(struct store *store, struct db_txn *txn,
	const struct create_request *request)
{
	struct record_dentry dentry = {RECORD_DENTRY_FILE, request->result.ino};

	enum store_err err =
		dentry_put(txn, request->parent, request->name, &dentry);
	if (!err)
		err = dentry_touch_dir(store, txn, request->parent, 0);
	return err ? err
		   : feed_append_dentry(store, txn, request->parent,
			     request->name, 0);
}

/* The directory, where the name may be made. */
static enum store_err
find_place(struct db_txn *txn, const struct create_request *request,
	struct inode *dir)
{
	if (request->name.data)
		return dentry_expect_free(txn, request->parent, request->name,
			dir);
	enum store_err err = dentry_inode(txn, request->parent, dir);
	if (err)
		return err;
	return inode_is_dir(dir) ? STORE_OK : STORE_NOT_DIR;
}

static enum store_err
apply_create(struct store *store, struct db_txn *txn, void *arg)
{
	struct create_request *request = arg;
	struct inode *inode = &request->result;
	struct inode dir;

	enum store_err err = find_place(txn, request, &dir);
	if (!err)
		err = usage_check_full(txn, dir.bucket);
	if (err)
		return err;
	describe(inode, request);
	inode->bucket = dir.bucket;
	err = commit_new_number(txn, &inode->ino);
	if (!err)
		err = blob_record_add(store, txn, inode->pending, 0);
	if (!err)
		err = dentry_save_inode(txn, inode);
	if (!err && inode->nlink > 0)
		err = put_name(store, txn, request);
	if (!err)
		err = session_set_open(store, txn, inode->ino,
			INODE_UNPUBLISHED);
	return err;
}

/* Where it is to be sealed: how, and the attribute that says so. */
static enum store_err
begin_seal(struct store *store, const struct create_request *request, int fd,
	struct buffer *attrs, struct file_seal **seal)
{
	const uint8_t *key;

	enum store_err err = keyring_for_new(store->keyring, store,
		request->parent, request->name, &key);
	if (err || !key)
		return err;
	*seal = file_seal_create(key, fd);
	struct slice value = file_seal_attr(*seal);
	inode_attr_set(attrs, SLICE_NULL, INODE_ATTR_SSE_C, SLICE_NULL, &value);
	return STORE_OK;
}

enum store_err
file_open_new(struct store *store, uint64_t parent, struct slice name,
	const struct tree_owner *owner, struct inode *out, int *fd,
	struct file_seal **seal)
{
	scoped(buffer_free) struct buffer attrs = {0};
	struct create_request request = {
		.parent = parent,
		.name = name,
		.owner = owner,
	};
	struct draft draft = DRAFT_INIT(store);
	struct stat stat = {.st_size = 0};

	enum store_err err = draft_create(&draft);
	if (err)
		return err;
	if (fstat(draft.fd, &stat))
		err = error_from_errno(errno);
	*seal = NULL;
	if (!err)
		err = begin_seal(store, &request, draft.fd, &attrs, seal);
	/* A sealed draft is of its process alone until it has a name. */
	if (!err && *seal && !name.data)
		err = STORE_UNSUPPORTED;
	request.attrs = buffer_slice(&attrs);
	request.blob = draft.blob;
	request.now_ns = file_open_stamp(&stat).mtime_ns;
	if (!err)
		err = commit_run(store, apply_create, &request, NULL);
	if (err) {
		file_seal_free(seal);
		draft_end(&draft, err);
		return err;
	}
	*fd = draft_detach(&draft);
	*out = request.result;
	out->attrs = SLICE_NULL;
	return STORE_OK;
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
	if (packed->segment && durable_may_be_lost(store, txn, packed->segment))
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

/* Other sealed data in the place of that which was read. */
static void
exchange_seal(struct file *file, struct file *now)
{
	file_seal_free(&file->seal);
	(void)close(file->fd);
	file->seal = now->seal;
	file->fd = now->fd;
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
	if (now.seal) {
		exchange_seal(file, &now);
	} else {
		if (dup3(now.fd, file->fd, O_CLOEXEC) < 0)
			err = error_from_errno(errno);
		(void)close(now.fd);
	}
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

struct mark_request {
	struct file *file;
	int fd;		  /* of the data that will be written to */
	int64_t mtime_ns; /* of that file */
	uint64_t clone;	  /* 0: none yet */
	uint64_t clone_size;

	/* results */
	bool needs_clone;
	bool is_other; /* the record has other data by now */
	bool was_listed;
	struct inode inode;
	struct file_stamp stamp;
};

/* What the lists of sessions say of a data file. */
struct evidence {
	struct file_stamp now;
	uint64_t blob;
	bool is_listed;
	bool is_as_left; /* rule 5 of session_private.h */
	bool is_marked;
};

static void
weigh(uint64_t session, const struct session_open *row, void *context)
{
	struct evidence *evidence = context;

	(void)session;
	if (row->flags)
		evidence->is_marked = true;
	evidence->is_listed = true;
	if (row->has_data && row->blob == evidence->blob &&
		row->size == evidence->now.size &&
		row->mtime_ns == evidence->now.mtime_ns)
		evidence->is_as_left = true;
}

/* Whether somebody writes to the data, or has since it was published. */
static enum store_err
was_written(struct db_txn *txn, const struct mark_request *request,
	const struct inode *inode, bool *out)
{
	struct evidence evidence = {.blob = inode->blob};
	struct stat stat;

	if (fstat(request->fd, &stat))
		return error_from_errno(errno);
	evidence.now = file_open_stamp(&stat);
	enum store_err err =
		session_each_open(txn, inode->ino, weigh, &evidence);
	*out = evidence.is_marked ||
	       (evidence.is_listed && !evidence.is_as_left);
	return err;
}

/*
 * Rule 6 of file.h.  Within the transaction that marks the inode: where nobody
 * has marked it yet nobody writes to the file now, and who will does so after
 * his own mark.  Before or after it, the time that is set here could be the one
 * by which a change of his is told.  It seldom differs: by a time set by path,
 * which is in the record alone.
 */
static enum store_err
align_mtime(struct db_txn *txn, struct mark_request *request,
	const struct inode *inode)
{
	const struct file *file = request->file;
	bool is_written = file->writers > 0 || inode->pending ||
			  (inode->flags & INODE_DIRTY);
	const struct timespec times[2] = {
		{.tv_nsec = UTIME_OMIT},
		clock_to_timespec(inode->mtime_ns),
	};
	struct stat stat;

	request->stamp = (struct file_stamp){inode->size, inode->mtime_ns};
	if (is_written || request->mtime_ns == inode->mtime_ns)
		return STORE_OK;
	enum store_err err = was_written(txn, request, inode, &is_written);
	if (err || is_written)
		return err;
	if (futimens(request->fd, times) || fstat(request->fd, &stat))
		return error_from_errno(errno);
	/* A file system with coarser times than ours has its own idea. */
	request->stamp.mtime_ns = file_open_stamp(&stat).mtime_ns;
	return STORE_OK;
}

static enum store_err
put_clone(struct store *store, struct db_txn *txn, struct mark_request *request,
	uint64_t old)
{
	enum store_err err = blob_record_add(store, txn, request->clone,
		request->clone_size);
	return err ? err : blob_record_drop(txn, old);
}

/* Of bytes that are about to be others: scrub.h. */
static enum store_err
drop_checksum(struct db_txn *txn, uint64_t blob)
{
	struct record_blob record;
	enum store_err err = blob_record_get(txn, blob, &record);

	if (err || !record.has_crc64nvme)
		return err;
	record.has_crc64nvme = false;
	record.crc64nvme = 0;
	return blob_record_put(txn, blob, &record);
}

/* The clone was made while others might change what it is of: where that was
 * not shared any more, they did so in place. */
static bool
is_clone_old(const struct mark_request *request, const struct inode *now,
	bool is_shared)
{
	const struct inode_etag *then = &request->file->inode.etag;

	return !is_shared || (now->flags & INODE_DIRTY) ||
	       !inode_etag_equal(&now->etag, then);
}

/* Whether this session has published it, and may not be done with it. */
static enum store_err
find_own_row(struct db_txn *txn, struct mark_request *request)
{
	const struct file *file = request->file;
	struct session_open row;

	enum store_err err =
		session_get_open(txn, session_id(file->store), file->ino, &row);
	request->was_listed = !err;
	return err == STORE_NOT_FOUND ? STORE_OK : err;
}

static enum store_err
apply_mark(struct store *store, struct db_txn *txn, void *arg)
{
	struct mark_request *request = arg;
	struct file *file = request->file;
	bool is_shared = true;
	struct inode inode;

	enum store_err err = dentry_inode(txn, file->ino, &inode);
	if (err)
		return err;
	uint64_t data = inode.pending ? inode.pending : inode.blob;
	if (!err && data)
		err = blob_record_is_shared(txn, data, &is_shared);
	if (err)
		return err;
	request->is_other =
		data != file->blob ||
		(request->clone && is_clone_old(request, &inode, is_shared));
	request->needs_clone = !request->clone && is_shared;
	if (request->is_other || request->needs_clone)
		return STORE_OK;
	bool is_news = !inode.pending && !(inode.flags & INODE_DIRTY);
	err = find_own_row(txn, request);
	if (!err)
		err = align_mtime(txn, request, &inode);
	if (err)
		return err;
	if (request->clone)
		inode.blob = request->clone;
	if (!inode.pending)
		inode.flags |= INODE_DIRTY;
	if (!request->clone && data)
		err = drop_checksum(txn, data);
	if (!err)
		err = dentry_save_inode(txn, &inode);
	inode.attrs = SLICE_NULL;
	request->inode = inode;
	if (!err && request->clone)
		err = put_clone(store, txn, request, data);
	if (!err)
		err = session_set_open(store, txn, inode.ino, INODE_DIRTY);
	if (!err && is_news)
		err = feed_append_inode(store, txn, inode.ino, false);
	return err;
}

/* The data file that is to be written to; is what the mark is about. */
static enum store_err
run_mark(struct mark_request *request, int fd)
{
	struct file *file = request->file;
	struct stat stat;

	request->fd = fd;
	if (fstat(fd, &stat))
		return error_from_errno(errno);
	request->mtime_ns = file_open_stamp(&stat).mtime_ns;
	enum store_err err =
		commit_run(file->store, apply_mark, request, &file->commit);
	return !err && request->is_other ? STORE_PRECONDITION : err;
}

/* A blob of the file's own, with the data it has now.  The descriptor keeps
 * its number: others may be reading from it. */
static enum store_err
mark_with_clone(struct file *file, struct mark_request *request, bool with_data)
{
	struct draft draft = DRAFT_INIT(file->store);
	struct stat stat = {.st_size = 0};

	if (file->is_pinned)
		return STORE_BUSY;
	enum store_err err = draft_create(&draft);
	if (!err && with_data && file->blob)
		err = file_open_stat(file, &stat);
	if (!err && stat.st_size > 0)
		err = draft_copy(&draft, file->fd, 0, (uint64_t)stat.st_size);
	request->clone = draft.blob;
	request->clone_size = (uint64_t)stat.st_size;
	if (!err)
		err = run_mark(request, draft.fd);
	if (!err && dup3(draft.fd, file->fd, O_CLOEXEC) < 0)
		err = error_from_errno(errno);
	draft_end(&draft, err);
	if (err)
		return err;
	file->is_writable = true;
	file->blob = request->clone;
	file->is_shared = false;
	file->is_packed = false;
	return STORE_OK;
}

/* One without a name has no record that could get data of its own.  Where its
 * data is another object's, too, that would be changed. */
static enum store_err
check_gone(struct file *file)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	struct record_blob record;

	file->is_gone = true;
	file->inode.nlink = 0;
	if (!file->blob)
		return STORE_OK;
	enum store_err err = db_begin_read(file->store->db, &txn);
	if (!err)
		err = blob_record_get(txn, file->blob, &record);
	if (err == STORE_NOT_FOUND)
		return STORE_OK;
	return err ? err : STORE_BUSY;
}

enum store_err
file_open_mark(struct file *file, bool with_data)
{
	struct mark_request request = {.file = file};

	if (file->is_marked)
		return STORE_OK;
	if (file->is_gone)
		return check_gone(file);
	enum store_err err = run_mark(&request, file->fd);
	if (err == STORE_STALE)
		return check_gone(file);
	if (!err && request.needs_clone)
		err = mark_with_clone(file, &request, with_data);
	if (err)
		return err;
	file->is_marked = true;
	cut_note_mark(file->store, file->blob, file->commit);
	file->is_listed = false;
	file->may_linger |= request.was_listed;
	file->inode = request.inode;
	/* A difference is what tells of the changes since. */
	if (!file->writers)
		file->stamp = request.stamp;
	return STORE_OK;
}

struct rewrite_request {
	struct file *file;
	uint64_t blob;
	struct inode result;
};

static enum store_err
apply_rewrite(struct store *store, struct db_txn *txn, void *arg)
{
	struct rewrite_request *request = arg;
	struct inode inode;

	enum store_err err = dentry_inode(txn, request->file->ino, &inode);
	if (err)
		return err;
	if (!S_ISREG(inode.mode))
		return inode_is_dir(&inode) ? STORE_IS_DIR : STORE_INVALID;
	if (sealed_is(&inode))
		return STORE_NO_KEY;
	/* Somebody has the old data open and changes it, or is rewriting. */
	if (inode.pending || (inode.flags & INODE_DIRTY))
		return STORE_BUSY;
	inode.pending = request->blob;
	err = dentry_save_inode(txn, &inode);
	inode.attrs = SLICE_NULL;
	request->result = inode;
	if (!err)
		err = blob_record_add(store, txn, request->blob, 0);
	if (!err)
		err = session_set_open(store, txn, inode.ino, INODE_DIRTY);
	return err ? err : feed_append_inode(store, txn, inode.ino, true);
}

enum store_err
file_open_rewrite(struct file *file)
{
	struct rewrite_request request = {.file = file};
	struct draft draft = DRAFT_INIT(file->store);

	enum store_err err = draft_create(&draft);
	if (err)
		return err;
	request.blob = draft.blob;
	err = commit_run(file->store, apply_rewrite, &request, &file->commit);
	if (err) {
		draft_end(&draft, err);
		return err;
	}
	file->inode = request.result;
	file->blob = request.blob;
	file->is_shared = false;
	file->is_packed = false;
	file->is_pending = true;
	file->is_marked = true;
	file->fd = draft_detach(&draft);
	struct stat stat;
	err = file_open_stat(file, &stat);
	if (!err)
		file->stamp = file_open_stamp(&stat);
	return err;
}
