/* SPDX-License-Identifier: Apache-2.0 */
#include "store/file_left_private.h"

#include "store/base/log.h"
#include "store/blob_record_private.h"
#include "store/dentry_private.h"
#include "store/file_open_private.h"
#include "store/file_settle_private.h"
#include "store/lock_private.h"
#include "store/meta/key.h"
#include "store/sealed.h"
#include "store/session_private.h"

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
drop_pending(struct store *store, struct db_txn *txn, const struct inode *was)
{
	struct inode now = *was;

	now.pending = 0;
	now.parent = 0;
	now.flags &= ~(uint32_t)INODE_UNPUBLISHED;
	enum store_err err = dentry_update_inode(txn, was, &now);
	if (!err)
		err = blob_record_drop(txn, was->pending);
	return err ? err : lock_settle(store, txn, now.ino);
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
	enum store_err err = db_delete_if_there(txn, DB_OPEN, key_slice(&key));
	if (!err)
		err = dentry_inode(txn, request->inode.ino, &inode);
	if (err)
		return err == STORE_STALE ? STORE_OK : err;
	if (!(inode.flags & INODE_UNPUBLISHED))
		return drop_pending(store, txn, &inode);
	err = find_name(txn, &inode, &name);
	/* It has moved since: what cannot be opened is empty. */
	if (err == STORE_NOT_FOUND && request->is_sealed)
		return drop_pending(store, txn, &inode);
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
	struct file_settle_request *request)
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
file_left_close(struct store *store, uint64_t ino, bool *lingers)
{
	struct file_settle_request request = {
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
		session_end_closed(store, ino, left.inode.lock.is_due);
		return STORE_OK;
	}
	if (left.inode.pending || request.is_changed)
		err = file_name_find(store, ino, &request.name);
	if (!err)
		err = commit_run(store, file_settle_apply, &request, NULL);
	file_name_free(&request.name);
	return err;
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
file_left_settle(struct store *store, uint64_t dead_session, uint64_t ino,
	bool after_power_cut, bool *lingers)
{
	struct file_settle_request request = {
		.session = dead_session, .ino = ino};
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
	if (!err && (left.inode.pending || request.is_changed))
		err = file_name_find(store, ino, &request.name);
	if (!err)
		err = commit_run(store, file_settle_apply, &request, NULL);
	file_name_free(&request.name);
	return err;
}
