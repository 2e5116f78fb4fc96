/* SPDX-License-Identifier: Apache-2.0 */
#include "store/file_mark_private.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/base/clock.h"
#include "store/blob_record_private.h"
#include "store/cut_private.h"
#include "store/dentry_private.h"
#include "store/draft_private.h"
#include "store/file_name_private.h"
#include "store/file_open_private.h"
#include "store/history_private.h"
#include "store/sealed.h"
#include "store/session_private.h"

struct mark_request {
	struct file *file;
	int fd;		  /* of the data that will be written to */
	int64_t mtime_ns; /* of that file */
	struct file_name name;
	uint64_t clone; /* 0: none yet */
	uint64_t clone_size;

	/* results */
	bool needs_clone;
	bool is_kept;  /* the published data stays, as an older version */
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
	/* A copy that nobody has yet is as it was made. */
	enum store_err err = request->is_kept ? STORE_OK
					      : was_written(txn, request, inode,
							&is_written);
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
	return err || request->is_kept ? err : blob_record_drop(txn, old);
}

/* Where the bucket keeps versions: what is published, unless it is being
 * written to already, or may be by who has published it.  STALE: it is an
 * older one itself. */
static enum store_err
look_at_versions(struct db_txn *txn, struct mark_request *request,
	const struct inode *inode)
{
	bool is_locked = inode_lock_holds(&inode->lock, clock_now_ns());
	bool is_written = inode->pending ||
			  (!is_locked && ((inode->flags & INODE_DIRTY) ||
						 request->file->is_listed));
	struct record_versions of;

	if (!is_written && (inode->flags & INODE_NONCURRENT))
		return STORE_STALE;
	enum store_err err = history_of(txn, inode->bucket, &of);
	request->is_kept = of.versioning != VERSIONING_NEVER && !is_written &&
			   dentry_is_visible(inode);
	if (!err && is_locked && !inode->pending &&
		(!request->is_kept || inode->nlink > 1))
		err = STORE_LOCKED;
	return err;
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
	scoped(buffer_free) struct buffer attrs = {0};
	struct mark_request *request = arg;
	struct file *file = request->file;
	bool is_shared = true;
	struct inode inode;

	enum store_err err = dentry_inode(txn, file->ino, &inode);
	if (!err)
		err = look_at_versions(txn, request, &inode);
	if (err)
		return err;
	uint64_t data = inode.pending ? inode.pending : inode.blob;
	if (data && !request->is_kept)
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
	if (request->is_kept)
		inode.pending = request->clone;
	else if (request->clone)
		inode.blob = request->clone;
	if (!inode.pending)
		inode.flags |= INODE_DIRTY;
	file_name_note(txn, &request->name, &inode, &attrs);
	/* First of all: the attributes may lie in the map. */
	err = dentry_save_inode(txn, &inode);
	inode.attrs = SLICE_NULL;
	request->inode = inode;
	if (!err && !request->clone && data)
		err = drop_checksum(txn, data);
	if (!err && request->clone)
		err = put_clone(store, txn, request, data);
	if (!err)
		err = session_set_open(store, txn, inode.ino, INODE_DIRTY);
	if (!err && is_news)
		err = feed_append_inode(store, txn, inode.ino,
			request->is_kept);
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
	file->is_pending = request->inode.pending != 0;
	file->is_copy =
		request->is_kept && with_data && !file_open_stat(file, &stat);
	file->copied_ns = file_open_ctime_ns(&stat);
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
file_mark(struct file *file, bool with_data)
{
	struct mark_request request = {.file = file};

	if (file->is_marked)
		return STORE_OK;
	if (file->is_gone)
		return check_gone(file);
	enum store_err err =
		file_name_find(file->store, file->ino, &request.name);
	if (!err)
		err = run_mark(&request, file->fd);
	if (!err && request.needs_clone)
		err = mark_with_clone(file, &request, with_data);
	file_name_free(&request.name);
	if (err == STORE_STALE)
		return check_gone(file);
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
	struct file_name name;
	uint64_t blob;
	struct inode result;
};

static enum store_err
apply_rewrite(struct store *store, struct db_txn *txn, void *arg)
{
	scoped(buffer_free) struct buffer attrs = {0};
	struct rewrite_request *request = arg;
	struct inode inode;

	enum store_err err = dentry_inode(txn, request->file->ino, &inode);
	if (!err && (inode.flags & INODE_NONCURRENT))
		err = STORE_STALE;
	if (err)
		return err;
	if (!S_ISREG(inode.mode))
		return inode_is_dir(&inode) ? STORE_IS_DIR : STORE_INVALID;
	if (sealed_is(&inode))
		return STORE_NO_KEY;
	if (inode_lock_holds(&inode.lock, clock_now_ns()) && inode.nlink > 1)
		return STORE_LOCKED;
	/* Somebody has the old data open and changes it, or is rewriting. */
	if (inode.pending || (inode.flags & INODE_DIRTY))
		return STORE_BUSY;
	inode.pending = request->blob;
	file_name_note(txn, &request->name, &inode, &attrs);
	err = dentry_save_inode(txn, &inode);
	inode.attrs = SLICE_NULL;
	request->result = inode;
	if (!err)
		err = blob_record_add_pending(store, txn, request->blob, 0);
	if (!err)
		err = session_set_open(store, txn, inode.ino, INODE_DIRTY);
	return err ? err : feed_append_inode(store, txn, inode.ino, true);
}

enum store_err
file_mark_rewrite(struct file *file)
{
	struct rewrite_request request = {.file = file};
	struct draft draft = DRAFT_INIT(file->store);

	enum store_err err = draft_create(&draft);
	if (err)
		return err;
	request.blob = draft.blob;
	err = file_name_find(file->store, file->ino, &request.name);
	if (!err)
		err = commit_run(file->store, apply_rewrite, &request,
			&file->commit);
	file_name_free(&request.name);
	if (err) {
		draft_end(&draft, err);
		return err;
	}
	file->inode = request.result;
	file->blob = request.blob;
	file->is_shared = false;
	file->is_packed = false;
	file->is_pending = true;
	file->is_copy = false;
	file->is_marked = true;
	file->fd = draft_detach(&draft);
	struct stat stat;
	err = file_open_stat(file, &stat);
	if (!err)
		file->stamp = file_open_stamp(&stat);
	return err;
}
