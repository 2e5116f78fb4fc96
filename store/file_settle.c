/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One change of the tables does all of it, for the living and the dead:
 *
 *	record			data file	becomes
 *	pending, last writer	any		blob = pending, new ETag
 *	pending, others write	any		as it was, but for fsync(2)
 *	blob, dirty		changed		size, mtime, new ETag
 *	blob, dirty		the same	as it was
 *
 * and in the end not dirty, unless somebody goes on.  A file that never had a
 * name goes with its last writer.
 */

#include <unistd.h>

#include "store/base/clock.h"
#include "store/base/log.h"
#include "store/blob_record_private.h"
#include "store/cut_private.h"
#include "store/dentry_private.h"
#include "store/file_draft_private.h"
#include "store/file_linger_private.h"
#include "store/file_open_private.h"
#include "store/file_seal_private.h"
#include "store/file_settle_private.h"
#include "store/meta/key.h"
#include "store/session_private.h"

/* Attributes that tell of bytes that are gone. */
#define KINDS_OF_DATA ((1u << INODE_ATTR_PART) | (1u << INODE_ATTR_SSE_C))

struct settle_request {
	/* fixed */
	uint64_t session;
	uint64_t ino;
	uint64_t blob; /* whose data file `stat` is of */
	struct stat stat;
	bool is_changed; /* since the record was made */
	bool has_mtime;	 /* the data file's mtime is news, too */
	bool keeps_mark;
	bool is_sync;	   /* published though others go on writing */
	bool is_marked;	   /* by this session */
	bool may_linger;   /* session_private.h, rule 3 */
	struct slice seal; /* how pending data is sealed; data NULL: not */
	uint64_t file_len; /* of the data file: not `stat`'s where sealed */

	/* results */
	bool is_gone;
	bool is_published;
	bool is_described; /* the record has what the data file has */
	struct inode inode;
};

static enum store_err
set_mark(struct db_txn *txn, const struct settle_request *request,
	const struct inode *now)
{
	struct key key = key_u64_u64(request->session, request->ino);
	struct file_stamp stamp = file_open_stamp(&request->stat);
	const struct session_open row = {
		.flags = request->keeps_mark ? INODE_DIRTY : 0,
		.has_data = !request->seal.data,
		.blob = now->blob,
		.size = stamp.size,
		.mtime_ns = stamp.mtime_ns,
	};

	if (!request->is_gone && request->keeps_mark && request->is_marked)
		return STORE_OK;
	/* The mark may be gone since file_flush(). */
	if (!request->is_gone && (request->keeps_mark || request->may_linger))
		return session_put_open(txn, request->session, request->ino,
			&row);
	enum store_err err = db_delete(txn, DB_OPEN, key_slice(&key));
	return err == STORE_NOT_FOUND ? STORE_OK : err;
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
describe_data(struct inode *inode, const struct settle_request *request,
	struct buffer *attrs)
{
	scoped(buffer_free) struct buffer kept = {0};
	int64_t mtime_ns = inode->mtime_ns;
	int64_t ctime_ns =
		(int64_t)request->stat.st_ctim.tv_sec * CLOCK_NS_PER_S +
		request->stat.st_ctim.tv_nsec;
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
	const struct inode *now, uint64_t file_len)
{
	enum store_err err = dentry_update_inode(txn, was, now);

	if (!err && now->blob != was->blob)
		err = blob_record_drop(txn, was->blob);
	if (!err && now->blob)
		err = set_blob_size(txn, now->blob, file_len);
	if (!err && now->blob)
		err = blob_record_mark_unflushed(txn, now->blob);
	return err ? err : feed_append_inode(store, txn, now->ino, true);
}

/* What was written in the place of what is published. */
static void
take_pending(struct inode *inode)
{
	inode->blob = inode->pending;
	inode->pending = 0;
	inode->parent = 0;
	inode->flags &= ~(uint32_t)INODE_UNPUBLISHED;
}

static enum store_err
apply_describe(struct store *store, struct db_txn *txn, void *arg)
{
	scoped(buffer_free) struct buffer attrs = {0};
	const struct settle_request *request = arg;
	struct inode was;

	enum store_err err = dentry_inode(txn, request->ino, &was);
	if (err == STORE_STALE)
		return STORE_OK;
	if (err || was.blob != request->blob || was.pending ||
		!(was.flags & INODE_DIRTY))
		return err;
	struct inode now = was;
	describe_data(&now, request, &attrs);
	return publish(store, txn, &was, &now, request->file_len);
}

enum store_err
file_settle_describe(struct store *store, const struct inode *inode,
	const struct stat *stat)
{
	struct file_stamp now = file_open_stamp(stat);
	struct settle_request request = {
		.ino = inode->ino,
		.blob = inode->blob,
		.stat = *stat,
		.has_mtime = true,
		.file_len = now.size,
	};

	if (inode->pending || !(inode->flags & INODE_DIRTY) ||
		(now.size == inode->size && now.mtime_ns == inode->mtime_ns))
		return STORE_OK;
	return commit_run(store, apply_describe, &request, NULL);
}

enum store_err
file_settle_publish(struct store *store, struct db_txn *txn, uint64_t ino)
{
	scoped(buffer_free) struct buffer attrs = {0};
	struct settle_request request = {.has_mtime = true};
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

static enum store_err
apply_settle(struct store *store, struct db_txn *txn, void *arg)
{
	scoped(buffer_free) struct buffer attrs = {0};
	struct settle_request *request = arg;
	struct inode was, now;
	bool has_others = false;

	enum store_err err = dentry_inode(txn, request->ino, &was);
	request->is_gone = err == STORE_STALE;
	request->is_published = false;
	request->is_described = false;
	if (request->is_gone)
		return set_mark(txn, request, &was);
	if (!err)
		err = session_has_open(txn, request->session, request->ino,
			false, &has_others);
	if (err)
		return err;
	now = was;
	uint64_t data = was.pending ? was.pending : was.blob;
	bool goes_on = has_others || request->keeps_mark;
	if (was.nlink == 0 && !goes_on) {
		request->is_gone = true;
		err = dentry_forget(store, txn, &was);
		return err ? err : set_mark(txn, request, &was);
	}
	if (was.pending && data == request->blob &&
		(!has_others || request->is_sync)) {
		take_pending(&now);
		request->is_published = true;
	}
	if (goes_on && !now.pending)
		now.flags |= INODE_DIRTY;
	else if (!goes_on)
		now.flags &= ~(uint32_t)INODE_DIRTY;
	if (request->is_published ||
		(data == request->blob && request->is_changed &&
			!was.pending)) {
		request->is_described = true;
		describe_data(&now, request, &attrs);
		err = publish(store, txn, &was, &now, request->file_len);
	} else if (now.flags != was.flags) {
		err = dentry_update_inode(txn, &was, &now);
		if (!err)
			err = feed_append_inode(store, txn, now.ino, false);
	}
	now.attrs = SLICE_NULL;
	request->inode = now;
	return err ? err : set_mark(txn, request, &now);
}

/* What the data file says of sealed data means nothing. */
static void
describe_draft(const struct file_seal *seal, struct settle_request *request)
{
	request->seal = file_seal_attr(seal);
	request->stat.st_size = (off_t)file_seal_size(seal);
	request->stat.st_mtim = clock_to_timespec(file_seal_mtime_ns(seal));
}

/* request: what is fixed of keeps_mark and is_sync. */
static enum store_err
settle(struct file *file, struct settle_request *request)
{
	bool keeps_mark = request->keeps_mark;

	request->session = session_id(file->store);
	request->ino = file->ino;
	request->blob = file->blob;
	request->is_marked = file->is_marked;
	request->may_linger =
		file->writers > 0 || (file->may_linger && !file->seal);
	if (file->is_gone && !file->is_marked)
		return STORE_OK;
	enum store_err err =
		file->seal ? file_seal_finish(file->seal) : STORE_OK;
	if (!err)
		err = file_open_stat(file, &request->stat);
	if (err)
		return err;
	request->file_len = (uint64_t)request->stat.st_size;
	if (file->seal)
		describe_draft(file->seal, request);
	struct file_stamp stamp = file_open_stamp(&request->stat);
	request->is_changed = file_open_is_changed(file, &request->stat);
	request->has_mtime = file->seal || file->is_pending ||
			     stamp.mtime_ns != file->stamp.mtime_ns;
	err = commit_run(file->store, apply_settle, request, &file->commit);
	if (err)
		return err;
	bool was_marked = file->is_marked;
	file->is_marked = keeps_mark && !request->is_gone;
	if (file->is_marked && !was_marked && !file->seal)
		cut_note_mark(file->store, file->blob, file->commit);
	bool lingers = request->may_linger && !keeps_mark && !request->is_gone;
	file->is_listed = lingers && file->writers > 0;
	/* Sealed data is not changed in place. */
	if (lingers && !file->seal)
		file_linger_note(file);
	if (request->is_gone) {
		file->is_gone = true;
		file->inode.nlink = 0;
		return STORE_OK;
	}
	file->inode = request->inode;
	file->is_pending = request->inode.pending != 0;
	file->is_changed = false;
	file->stamp = stamp;
	return file->seal && request->is_published ? file_draft_end(file)
						   : STORE_OK;
}

enum store_err
file_settle_run(struct file *file, bool keeps_mark)
{
	struct settle_request request = {.keeps_mark = keeps_mark};

	return settle(file, &request);
}

enum store_err
file_settle_sync(struct file *file, bool keeps_mark, bool *is_described)
{
	struct settle_request request = {
		.keeps_mark = keeps_mark,
		.is_sync = true,
	};
	enum store_err err = settle(file, &request);

	*is_described = !err && request.is_described;
	return err;
}

struct drop_request {
	uint64_t session;
	struct inode inode;
	bool is_sealed;
	bool is_left; /* the result: it has a name elsewhere */
};

/* The name of an inode in the directory where it was made or moved to. */
static enum store_err
find_name(struct db_txn *txn, const struct inode *inode, struct buffer *name)
{
	scoped(dentry_cursor_close) struct dentry_cursor *cursor = NULL;
	struct record_dentry dentry;
	struct slice component;

	enum store_err err = dentry_cursor_open(txn, inode->parent, SLICE_NULL,
		false, &cursor);
	if (!err)
		err = dentry_cursor_next(cursor, &component, &dentry);
	while (!err && dentry.ino != inode->ino)
		err = dentry_cursor_next(cursor, &component, &dentry);
	if (!err)
		buffer_append(name, component);
	return err;
}

/* It is what was published, or empty where nothing was. */
static enum store_err
drop_pending(struct db_txn *txn, const struct inode *was)
{
	struct inode now = *was;

	now.pending = 0;
	now.parent = 0;
	now.flags &= ~(uint32_t)INODE_UNPUBLISHED;
	enum store_err err = dentry_update_inode(txn, was, &now);
	return err ? err : blob_record_drop(txn, was->pending);
}

/* After a power cut, and where nobody can open it: the bytes of what nobody
 * ever flushed are not there. */
static enum store_err
apply_drop(struct store *store, struct db_txn *txn, void *arg)
{
	scoped(buffer_free) struct buffer name = {0};
	struct drop_request *request = arg;
	struct key key = key_u64_u64(request->session, request->inode.ino);
	struct inode inode, gone;

	request->is_left = false;
	enum store_err err = db_delete(txn, DB_OPEN, key_slice(&key));
	if (err == STORE_NOT_FOUND)
		err = STORE_OK;
	if (!err)
		err = dentry_inode(txn, request->inode.ino, &inode);
	if (err)
		return err == STORE_STALE ? STORE_OK : err;
	if (!(inode.flags & INODE_UNPUBLISHED))
		return drop_pending(txn, &inode);
	err = find_name(txn, &inode, &name);
	/* It has moved since: what cannot be opened is empty. */
	if (err == STORE_NOT_FOUND && request->is_sealed)
		return drop_pending(txn, &inode);
	if (err)
		return err;
	err = dentry_unlink(store, txn, inode.parent, buffer_slice(&name),
		false, &gone);
	request->is_left = !err && gone.nlink > 0;
	return err;
}

/* A draft opens for nobody: every name of a file that was never published
 * goes. */
static enum store_err
drop_sealed(struct store *store, struct drop_request *drop)
{
	enum store_err err;

	do {
		err = commit_run(store, apply_drop, drop, NULL);
	} while (!err && drop->is_left);
	return err;
}

/* What a session has, or had, open. */
struct left {
	bool is_gone;
	struct inode inode; /* attrs empty */
	bool is_sealed;
	bool has_others; /* who will settle it */
	bool has_row;
	struct session_open row;
};

static enum store_err
read_left(struct store *store, uint64_t session, uint64_t ino, struct left *out)
{
	scoped(db_abort) struct db_txn *txn = NULL;

	*out = (struct left){.has_row = true};
	enum store_err err = db_begin_read(store->db, &txn);
	if (!err)
		err = session_get_open(txn, session, ino, &out->row);
	if (err == STORE_NOT_FOUND) {
		out->has_row = false;
		err = STORE_OK;
	}
	if (!err)
		err = session_has_open(txn, session, ino, false,
			&out->has_others);
	if (!err)
		err = dentry_inode(txn, ino, &out->inode);
	if (err == STORE_STALE) {
		out->is_gone = true;
		return STORE_OK;
	}
	out->is_sealed = !err && sealed_is(&out->inode);
	out->inode.attrs = SLICE_NULL;
	return err;
}

static uint64_t
data_of(const struct left *left)
{
	if (left->is_gone || left->is_sealed)
		return 0;
	return left->inode.pending ? left->inode.pending : left->inode.blob;
}

/* The inode has other data by now, which is its publisher's. */
static bool
is_replaced(const struct left *left)
{
	return left->row.has_data && left->row.blob != data_of(left);
}

/* Whether the kernel goes on writing for somebody.  What others are about to
 * publish is theirs. */
static bool
has_writer(struct store *store, const struct left *left)
{
	uint64_t data = data_of(left);

	if (!data || !left->inode.nlink || is_replaced(left) ||
		(left->inode.pending && left->has_others))
		return false;
	return blob_has_writer(store->blobs, data);
}

/* Rule 5 of session_private.h. */
static bool
is_written(const struct left *left, const struct file_stamp *now)
{
	const struct session_open *row = &left->row;

	if (is_replaced(left) || (now->size == left->inode.size &&
					 now->mtime_ns == left->inode.mtime_ns))
		return false;
	return !row->has_data || now->size != row->size ||
	       now->mtime_ns != row->mtime_ns;
}

/* The request that settles it. */
static enum store_err
describe_left(struct store *store, const struct left *left,
	struct settle_request *request)
{
	enum store_err err = STORE_OK;

	request->blob = data_of(left);
	/* Published sealed data is as it was. */
	if (request->blob)
		err = blob_stat(store->blobs, request->blob, &request->stat);
	if (err == STORE_NOT_FOUND) {
		request->blob = 0;
		err = STORE_OK;
	}
	struct file_stamp stamp = file_open_stamp(&request->stat);
	request->file_len = stamp.size;
	request->is_changed = request->blob && is_written(left, &stamp);
	request->has_mtime = request->is_changed;
	return err;
}

/* Nothing is to be done as long as somebody writes on. */
static bool
is_dirty_already(const struct left *left)
{
	return (left->row.flags & INODE_DIRTY) &&
	       (left->inode.flags & INODE_DIRTY) && !left->inode.pending;
}

enum store_err
file_settle_left(struct store *store, uint64_t ino, bool *lingers)
{
	struct settle_request request = {
		.session = session_id(store),
		.ino = ino,
	};
	struct left left;

	*lingers = false;
	enum store_err err = read_left(store, request.session, ino, &left);
	if (err || !left.has_row)
		return err;
	*lingers = has_writer(store, &left);
	if (*lingers && is_dirty_already(&left))
		return STORE_OK;
	request.keeps_mark = *lingers;
	err = describe_left(store, &left, &request);
	if (err)
		return err;
	bool is_clean = !left.row.flags && !(left.inode.flags & INODE_DIRTY);
	if (is_clean && !*lingers && !request.is_changed) {
		session_note_closed(store, ino);
		return STORE_OK;
	}
	return commit_run(store, apply_settle, &request, NULL);
}

/* What was never published.  *is_done: it need not be settled. */
static enum store_err
drop_left(struct store *store, uint64_t session, const struct left *left,
	bool after_power_cut, bool *is_done)
{
	struct drop_request drop = {
		.session = session,
		.inode = left->inode,
		.is_sealed = left->is_sealed,
	};

	*is_done = true;
	if (left->is_sealed)
		return drop_sealed(store, &drop);
	*is_done = after_power_cut && left->inode.nlink > 0;
	if (!*is_done)
		return STORE_OK;
	enum store_err err = commit_run(store, apply_drop, &drop, NULL);
	if (err != STORE_NOT_FOUND && (err || !drop.is_left))
		return err;
	log_warn("inode %llu: never published, but has a name that is not "
		 "where it was made",
		(unsigned long long)left->inode.ino);
	*is_done = false;
	return STORE_OK;
}

enum store_err
file_settle(struct store *store, uint64_t dead_session, uint64_t ino,
	bool after_power_cut, bool *lingers)
{
	struct settle_request request = {.session = dead_session, .ino = ino};
	struct left left;
	bool is_done = false;

	if (lingers)
		*lingers = false;
	enum store_err err = read_left(store, dead_session, ino, &left);
	if (!err && left.inode.pending)
		err = drop_left(store, dead_session, &left, after_power_cut,
			&is_done);
	if (err || is_done)
		return err;
	if (lingers && !after_power_cut)
		*lingers = has_writer(store, &left);
	request.keeps_mark = lingers && *lingers;
	if (request.keeps_mark && is_dirty_already(&left))
		return STORE_OK;
	err = describe_left(store, &left, &request);
	return err ? err : commit_run(store, apply_settle, &request, NULL);
}
