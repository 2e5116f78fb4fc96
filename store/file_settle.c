/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One change of the tables does all of it, for the living and the dead:
 *
 *	record			data file	becomes
 *	pending, last writer	any		blob = pending, new ETag
 *	pending, others write	any		as it was, but for fsync(2)
 *	pending, a copy		the same	pending goes
 *	blob, dirty		changed		size, mtime, new ETag
 *	blob, dirty		the same	as it was
 *
 * and in the end not dirty, unless somebody goes on.  A file that never had a
 * name goes with its last writer.
 */

#include "store/base/clock.h"
#include "store/blob_record_private.h"
#include "store/cut_private.h"
#include "store/dentry_private.h"
#include "store/file_draft_private.h"
#include "store/file_linger_private.h"
#include "store/file_open_private.h"
#include "store/file_seal_private.h"
#include "store/file_settle_private.h"
#include "store/history_private.h"
#include "store/lock_private.h"
#include "store/meta/key.h"
#include "store/object_event_private.h"
#include "store/session_private.h"

/* Attributes that tell of bytes that are gone. */
#define KINDS_OF_DATA                                                          \
	((1u << INODE_ATTR_PART) | (1u << INODE_ATTR_SSE_C) |                  \
		(1u << INODE_ATTR_REPLICATION))

/* Rule 5 of session_private.h.  What the record names need not be what was
 * open: a copy is gone where nobody changed it. */
static struct session_open
row_of(struct store *store, const struct file_settle_request *request,
	const struct inode *now)
{
	bool is_other = now->blob != request->blob;
	struct stat stat = request->stat;
	bool has_data =
		!request->seal.data &&
		!(is_other && blob_stat(store->blobs, now->blob, &stat));
	struct file_stamp stamp = file_open_stamp(&stat);

	return (struct session_open){
		.flags = request->keeps_mark ? INODE_DIRTY : 0,
		.has_data = has_data,
		.blob = now->blob,
		.size = stamp.size,
		.mtime_ns = stamp.mtime_ns,
	};
}

static enum store_err
set_mark(struct store *store, struct db_txn *txn,
	const struct file_settle_request *request, const struct inode *now)
{
	struct key key = key_u64_u64(request->session, request->ino);

	if (!request->is_gone && request->keeps_mark && request->is_marked)
		return STORE_OK;
	/* The mark may be gone since file_flush(). */
	if (!request->is_gone && (request->keeps_mark || request->may_linger)) {
		struct session_open row = row_of(store, request, now);

		return session_put_open(txn, request->session, request->ino,
			&row);
	}
	return db_delete_if_there(txn, DB_OPEN, key_slice(&key));
}

static enum store_err
set_blob_size(struct db_txn *txn, uint64_t blob, uint64_t size)
{
	struct record_blob record;
	enum store_err err = blob_record_get(txn, blob, &record);

	if (err)
		return err == STORE_NOT_FOUND ? STORE_CORRUPT : err;
	if (record.size == size)
		return STORE_OK;
	record.size = size;
	return blob_record_put(txn, blob, &record);
}

/*
 * Parts of an upload; and what clients of S3 note of the bytes they send,
 * their MD5 and time: left there, rclone would take the new bytes for damaged
 * and s3cmd for the old ones.
 */
static bool
is_of_data(const struct inode_attr *attr)
{
	static const char *const notes[] = {
		"md5chksum", "mtime", "s3cmd-attrs"};

	for (size_t i = 0; i < array_len(notes); i++)
		if (attr->kind == INODE_ATTR_META &&
			slice_equal(attr->name, slice_str(notes[i])))
			return true;
	return KINDS_OF_DATA & (1u << attr->kind);
}

/* Size, times and ETag as the data file has them. */
static void
describe_data(struct inode *inode, const struct file_settle_request *request,
	struct buffer *attrs)
{
	scoped(buffer_free) struct buffer kept = {0};
	int64_t mtime_ns = inode->mtime_ns;
	int64_t ctime_ns = file_open_ctime_ns(&request->stat);
	struct slice rest = inode->attrs;
	struct inode_attr attr;

	/* Other than any real one, so that the ETag is new in any case. */
	inode->mtime_ns = INT64_MIN;
	dentry_apply_stat(inode, &request->stat);
	if (!request->has_mtime)
		inode->mtime_ns = mtime_ns;
	if (ctime_ns > inode->ctime_ns)
		inode->ctime_ns = ctime_ns;
	while (inode_attr_next(&rest, &attr))
		if (!is_of_data(&attr))
			inode_attr_append(&kept, &attr);
	inode_attr_set(attrs, buffer_slice(&kept), INODE_ATTR_SSE_C, SLICE_NULL,
		request->seal.data ? &request->seal : NULL);
	inode->attrs = buffer_slice(attrs);
}

static enum store_err
publish(struct store *store, struct db_txn *txn, const struct inode *was,
	struct inode *now, uint64_t file_len)
{
	bool is_new = was->pending && !now->pending;
	/* First of all: what it was lies in the map. */
	enum store_err err =
		is_new ? history_keep_renewed(store, txn, was) : STORE_OK;

	if (!err && is_new)
		err = lock_renew(txn, now);
	if (!err)
		err = dentry_update_inode(txn, was, now);
	if (!err && now->blob != was->blob)
		err = blob_record_drop(txn, was->blob);
	if (!err && now->blob)
		err = set_blob_size(txn, now->blob, file_len);
	if (!err && now->blob)
		err = blob_record_mark_unflushed(txn, now->blob);
	if (!err)
		err = feed_append_inode(store, txn, now->ino, true);
	return err ? err : object_event_add_told(store, txn, now);
}

/* What was written in the place of what is published. */
static void
take_pending(struct inode *inode)
{
	struct slice name;

	inode->blob = inode->pending;
	inode->pending = 0;
	/* Where versions are kept it goes on saying what it is called. */
	if (!inode_attr_find(inode->attrs, INODE_ATTR_NAME, SLICE_NULL, &name))
		inode->parent = 0;
	inode->flags &= ~(uint32_t)INODE_UNPUBLISHED;
}

static enum store_err
apply_describe(struct store *store, struct db_txn *txn, void *arg)
{
	scoped(buffer_free) struct buffer attrs = {0}, named = {0};
	const struct file_settle_request *request = arg;
	struct inode was;

	enum store_err err = dentry_inode(txn, request->ino, &was);
	if (err == STORE_STALE)
		return STORE_OK;
	if (err || was.blob != request->blob || was.pending ||
		!(was.flags & INODE_DIRTY))
		return err;
	file_name_note(txn, &request->name, &was, &named);
	struct inode now = was;
	describe_data(&now, request, &attrs);
	return publish(store, txn, &was, &now, request->file_len);
}

enum store_err
file_settle_describe(struct store *store, const struct inode *inode,
	const struct stat *stat)
{
	struct file_stamp now = file_open_stamp(stat);
	struct file_settle_request request = {
		.ino = inode->ino,
		.blob = inode->blob,
		.stat = *stat,
		.has_mtime = true,
		.file_len = now.size,
	};

	if (inode->pending || !(inode->flags & INODE_DIRTY) ||
		(now.size == inode->size && now.mtime_ns == inode->mtime_ns))
		return STORE_OK;
	enum store_err err = file_name_find(store, inode->ino, &request.name);
	if (!err)
		err = commit_run(store, apply_describe, &request, NULL);
	file_name_free(&request.name);
	return err;
}

enum store_err
file_settle_publish(struct store *store, struct db_txn *txn, uint64_t ino)
{
	scoped(buffer_free) struct buffer attrs = {0};
	struct file_settle_request request = {.has_mtime = true};
	struct inode was, now;

	enum store_err err = dentry_inode(txn, ino, &was);
	if (err || !(was.flags & INODE_UNPUBLISHED))
		return err;
	if (sealed_is(&was))
		return STORE_BUSY;
	err = blob_stat(store->blobs, was.pending, &request.stat);
	if (err)
		return err == STORE_NOT_FOUND ? STORE_CORRUPT : err;
	now = was;
	take_pending(&now);
	now.flags |= INODE_DIRTY;
	describe_data(&now, &request, &attrs);
	return publish(store, txn, &was, &now, (uint64_t)request.stat.st_size);
}

/* The table above. */
static struct inode
decide(struct file_settle_request *request, const struct inode *was,
	bool has_others)
{
	struct inode now = *was;
	bool goes_on = has_others || request->keeps_mark;
	bool is_mine = was->pending && was->pending == request->blob;
	bool is_idle = is_mine && request->is_copy && !request->is_changed;

	if (is_idle && !goes_on) {
		now.pending = 0;
	} else if (is_mine && !is_idle && (!has_others || request->is_sync)) {
		take_pending(&now);
		request->is_published = true;
	}
	if (goes_on && !now.pending)
		now.flags |= INODE_DIRTY;
	else if (!goes_on)
		now.flags &= ~(uint32_t)INODE_DIRTY;
	request->is_described = request->is_published ||
				(!was->pending && request->is_changed &&
					was->blob == request->blob);
	return now;
}

static enum store_err
save(struct store *store, struct db_txn *txn,
	const struct file_settle_request *request, const struct inode *was,
	struct inode *now)
{
	scoped(buffer_free) struct buffer attrs = {0};
	bool drops_copy = was->pending && !now->pending;

	if (request->is_described) {
		describe_data(now, request, &attrs);
		return publish(store, txn, was, now, request->file_len);
	}
	if (now->flags == was->flags && !drops_copy)
		return STORE_OK;
	enum store_err err = dentry_update_inode(txn, was, now);
	if (!err && drops_copy)
		err = blob_record_drop(txn, was->pending);
	return err ? err : feed_append_inode(store, txn, now->ino, drops_copy);
}

enum store_err
file_settle_apply(struct store *store, struct db_txn *txn, void *arg)
{
	scoped(buffer_free) struct buffer named = {0};
	struct file_settle_request *request = arg;
	struct inode was, now;
	bool has_others = false;

	enum store_err err = dentry_inode(txn, request->ino, &was);
	request->is_gone = err == STORE_STALE;
	request->is_published = false;
	request->is_described = false;
	if (request->is_gone)
		return set_mark(store, txn, request, &was);
	if (!err)
		err = session_has_open(txn, request->session, request->ino,
			false, &has_others);
	if (err)
		return err;
	file_name_note(txn, &request->name, &was, &named);
	if (was.nlink == 0 && !has_others && !request->keeps_mark) {
		request->is_gone = true;
		err = dentry_forget(store, txn, &was);
		return err ? err : set_mark(store, txn, request, &was);
	}
	now = decide(request, &was, has_others);
	err = save(store, txn, request, &was, &now);
	now.attrs = SLICE_NULL;
	request->inode = now;
	if (!err)
		err = set_mark(store, txn, request, &now);
	return err ? err : lock_settle(store, txn, request->ino);
}

/* What the data file says of sealed data means nothing. */
static void
describe_draft(const struct file_seal *seal,
	struct file_settle_request *request)
{
	request->seal = file_seal_attr(seal);
	request->stat.st_size = (off_t)file_seal_size(seal);
	request->stat.st_mtim = clock_to_timespec(file_seal_mtime_ns(seal));
}

static bool
is_untouched_copy(const struct file *file, const struct stat *stat)
{
	return file->is_copy && file->copied_ns == file_open_ctime_ns(stat);
}

bool
file_settle_is_idle(struct file *file)
{
	struct stat stat;

	return file->is_pending && file->is_marked &&
	       !file_open_stat(file, &stat) && is_untouched_copy(file, &stat) &&
	       !file_open_is_changed(file, &stat);
}

/* What the request says beside keeps_mark and is_sync, which are the
 * caller's. */
static enum store_err
describe_file(struct file *file, struct file_settle_request *request)
{
	request->session = session_id(file->store);
	request->ino = file->ino;
	request->blob = file->blob;
	request->is_marked = file->is_marked;
	request->may_linger =
		file->writers > 0 || (file->may_linger && !file->seal);
	enum store_err err =
		file->seal ? file_seal_finish(file->seal) : STORE_OK;
	if (!err)
		err = file_open_stat(file, &request->stat);
	if (err)
		return err;
	request->file_len = (uint64_t)request->stat.st_size;
	if (file->seal)
		describe_draft(file->seal, request);
	request->is_changed = file_open_is_changed(file, &request->stat);
	/* Another session may have set mtime back. */
	request->is_copy = is_untouched_copy(file, &request->stat);
	request->has_mtime = file->seal || file->is_pending ||
			     file_open_stamp(&request->stat).mtime_ns !=
				     file->stamp.mtime_ns;
	return STORE_OK;
}

/* What it is to this session from now on. */
static void
take_mark(struct file *file, const struct file_settle_request *request)
{
	bool is_here = !request->is_gone;
	bool lingers = request->may_linger && !request->keeps_mark && is_here;
	bool was_marked = file->is_marked;

	file->is_marked = request->keeps_mark && is_here;
	if (file->is_marked && !was_marked && !file->seal)
		cut_note_mark(file->store, file->blob, file->commit);
	file->is_listed = lingers && file->writers > 0;
	/* Sealed data is not changed in place. */
	if (lingers && !file->seal)
		file_linger_note(file);
}

static enum store_err
settle(struct file *file, struct file_settle_request *request)
{
	if (file->is_gone && !file->is_marked)
		return STORE_OK;
	enum store_err err = describe_file(file, request);
	/* The name that it was marked under may be gone. */
	if (!err && (file->is_pending || request->is_changed))
		err = file_name_find(file->store, file->ino, &request->name);
	if (!err)
		err = commit_run(file->store, file_settle_apply, request,
			&file->commit);
	file_name_free(&request->name);
	if (err)
		return err;
	take_mark(file, request);
	if (request->is_gone) {
		file->is_gone = true;
		file->inode.nlink = 0;
		return STORE_OK;
	}
	file->inode = request->inode;
	file->is_pending = request->inode.pending != 0;
	file->is_copy = file->is_copy && file->is_pending;
	file->is_changed = false;
	file->stamp = file_open_stamp(&request->stat);
	return file->seal && request->is_published ? file_draft_end(file)
						   : STORE_OK;
}

enum store_err
file_settle_run(struct file *file, bool keeps_mark)
{
	struct file_settle_request request = {.keeps_mark = keeps_mark};

	return settle(file, &request);
}

enum store_err
file_settle_sync(struct file *file, bool keeps_mark, bool *is_described)
{
	struct file_settle_request request = {
		.keeps_mark = keeps_mark,
		.is_sync = true,
	};
	enum store_err err = settle(file, &request);

	*is_described = !err && request.is_described;
	return err;
}
