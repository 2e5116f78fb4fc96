/* SPDX-License-Identifier: Apache-2.0 */
/* Attributes of files, open or not: the record, and where it lags behind the
 * data file what that says. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/base/clock.h"
#include "store/dentry_private.h"
#include "store/file.h"
#include "store/file_linger_private.h"
#include "store/file_mark_private.h"
#include "store/file_open_private.h"
#include "store/file_seal_private.h"
#include "store/file_settle_private.h"
#include "store/file_table_private.h"
#include "store/sealed.h"

/* Whose holes are worth a look at the data file. */
#define LARGE (1u << 20)
#define PAGE 4096u
#define BLOCK 512u /* the unit of st_blocks */

/* True where the data file knows better than the record. */
static bool
is_ahead(const struct file *file)
{
	return file->blob &&
	       (file->is_gone || file->writers > 0 || file->is_pending ||
		       (file->inode.flags & INODE_DIRTY));
}

/* What the data file says, on top of the record. */
static void
overlay(struct inode *inode, const struct file *file, const struct stat *stat)
{
	struct file_stamp now = file_open_stamp(stat);
	int64_t ctime_ns = (int64_t)stat->st_ctim.tv_sec * CLOCK_NS_PER_S +
			   stat->st_ctim.tv_nsec;

	inode->size = now.size;
	/* While a rewrite is pending the record has the old data's times. */
	bool is_news = file->is_pending || now.mtime_ns != file->stamp.mtime_ns;
	if (is_news)
		inode->mtime_ns = now.mtime_ns;
	if ((is_news || now.size != file->stamp.size) &&
		ctime_ns > inode->ctime_ns)
		inode->ctime_ns = ctime_ns;
}

static void
overlay_draft(struct inode *inode, const struct file_seal *seal)
{
	if (!file_seal_is_draft(seal))
		return;
	inode->size = file_seal_size(seal);
	inode->mtime_ns = file_seal_mtime_ns(seal);
	if (inode->ctime_ns < inode->mtime_ns)
		inode->ctime_ns = inode->mtime_ns;
}

static enum store_err
read_inode(struct file *file, struct inode *out)
{
	enum store_err err = STORE_OK;
	struct stat stat;

	if (!file->is_gone)
		err = file_open_reload(file);
	if (err)
		return err;
	*out = file->inode;
	if (file->seal) {
		overlay_draft(out, file->seal);
		return STORE_OK;
	}
	if (!is_ahead(file))
		return STORE_OK;
	err = file_open_stat(file, &stat);
	if (!err)
		overlay(out, file, &stat);
	return err;
}

enum store_err
file_attr_get(struct file *file, struct inode *out)
{
	file_table_take_turn(file);
	scoped(file_table_give_turn) struct file *with_turn = file;
	return read_inode(file, out);
}

void
file_attr_note(struct store *store, const struct inode *inode)
{
	scoped(file_table_release) struct file *file =
			file_table_take_open(store, inode->ino);
	scoped(file_table_give_turn) struct file *with_turn = file;

	if (!file)
		return;
	file->inode = *inode;
	file->inode.attrs = SLICE_NULL;
	/* An older version is none to those who have it open, but goes on. */
	if (inode->nlink == 0 && !(inode->flags & INODE_NONCURRENT)) {
		file->is_gone = true;
		file->is_marked = false;
	}
}

/* The record has the time now; the data file must not contradict. */
static enum store_err
set_data_mtime(struct file *file)
{
	const struct timespec times[2] = {
		{.tv_nsec = UTIME_OMIT},
		clock_to_timespec(file->inode.mtime_ns),
	};
	struct stat stat;

	enum store_err err = file_open_stat(file, &stat);
	if (err)
		return err;
	bool is_copy = file->copied_ns == file_open_ctime_ns(&stat);
	file->is_changed = file_open_is_changed(file, &stat);
	if (futimens(file->fd, times) || fstat(file->fd, &stat))
		return error_from_errno(errno);
	if (is_copy)
		file->copied_ns = file_open_ctime_ns(&stat);
	file->stamp.mtime_ns = file_open_stamp(&stat).mtime_ns;
	return STORE_OK;
}

static bool
is_sealed_now(struct store *store, uint64_t ino)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	struct inode inode;

	return !db_begin_read(store->db, &txn) &&
	       !dentry_inode(txn, ino, &inode) && sealed_is(&inode);
}

/* The data file may know better. */
static bool
is_lagging(const struct inode *inode)
{
	return inode->pending ||
	       (inode->flags & (INODE_DIRTY | INODE_UNPUBLISHED));
}

static enum store_err
set_mtime_of(struct store *store, const struct inode *inode, int fd,
	int64_t mtime_ns)
{
	const struct timespec times[2] = {
		{.tv_nsec = UTIME_OMIT},
		clock_to_timespec(mtime_ns),
	};
	struct stat stat;

	if (fstat(fd, &stat))
		return error_from_errno(errno);
	enum store_err err = file_settle_describe(store, inode, &stat);
	if (!err && futimens(fd, times))
		err = error_from_errno(errno);
	return err;
}

/*
 * Another process has the inode open for writing, and will take the time from
 * the data file.  Not where that is the one it knows: by the difference it
 * tells that the data changed.
 */
static enum store_err
set_mtime_for_writer(struct store *store, const struct inode *inode,
	int64_t mtime_ns)
{
	uint64_t blob = inode->pending ? inode->pending : inode->blob;
	int fd;

	if (!S_ISREG(inode->mode) || !is_lagging(inode) || !blob ||
		mtime_ns == inode->mtime_ns || is_sealed_now(store, inode->ino))
		return STORE_OK;
	enum store_err err = blob_open(store->blobs, blob, O_RDONLY, &fd);
	if (err)
		/* It has been closed, and has other data by now. */
		return err == STORE_NOT_FOUND ? STORE_OK : err;
	err = set_mtime_of(store, inode, fd, mtime_ns);
	(void)close(fd);
	return err;
}

/*
 * The data file's time, by which it is told that the bytes changed, is about to
 * be set: what changed until now gets its ETag first.  Of what was published at
 * a close(2) the time is no sign any more, but a mark.
 */
static enum store_err
settle_for_mtime(struct file *file)
{
	enum store_err err = STORE_OK;
	struct stat stat;

	if (file->is_listed)
		err = file_mark(file, true);
	if (err == STORE_PRECONDITION)
		err = STORE_OK;
	if (err || !file->is_marked || file->is_pending)
		return err;
	err = file_open_stat(file, &stat);
	if (err || !file_open_is_changed(file, &stat))
		return err;
	return file_settle_run(file, true);
}

static enum store_err
set_open(struct file *file, const struct tree_change *change, struct inode *out)
{
	bool is_writer = file->seal || file->is_marked || file->is_listed ||
			 file->is_gone;
	enum store_err err = STORE_OK;

	if (change->has_mtime && !is_writer)
		err = set_mtime_for_writer(file->store, &file->inode,
			change->mtime_ns);
	else if (change->has_mtime && !file->seal && !file->is_gone)
		err = settle_for_mtime(file);
	if (!err && !file->is_gone)
		err = tree_set(file->store, file->ino, change, &file->inode);
	if (err == STORE_STALE) {
		file->is_gone = true;
		file->inode.nlink = 0;
		err = STORE_OK;
	}
	if (!err && file->is_gone)
		/* Without a record its attributes are this process's alone. */
		tree_change_inode(&file->inode, change);
	if (!err && change->has_mtime && file->seal)
		file_seal_set_mtime(file->seal, change->mtime_ns);
	else if (!err && change->has_mtime && is_writer)
		err = set_data_mtime(file);
	return err ? err : read_inode(file, out);
}

static enum store_err
set_closed(struct store *store, uint64_t ino, const struct tree_change *change,
	struct inode *out)
{
	enum store_err err = STORE_OK;
	struct inode was;

	if (change->has_mtime)
		err = tree_inode(store, ino, NULL, &was);
	/* Before those hear of it who then look at the data file. */
	if (!err && change->has_mtime)
		err = set_mtime_for_writer(store, &was, change->mtime_ns);
	return err ? err : tree_set(store, ino, change, out);
}

enum store_err
file_attr_set(struct store *store, uint64_t ino,
	const struct tree_change *change, struct inode *out)
{
	scoped(file_table_release) struct file *file =
			file_table_take_open(store, ino);
	scoped(file_table_give_turn) struct file *with_turn = file;

	return file ? set_open(file, change, out)
		    : set_closed(store, ino, change, out);
}

uint64_t
file_attr_blocks(struct store *store, const struct inode *inode)
{
	uint64_t blob = inode->pending ? inode->pending : inode->blob;
	uint64_t pages = inode->size / PAGE + (inode->size % PAGE != 0);
	struct stat stat;

	if (blob && (inode->size >= LARGE || is_lagging(inode)) &&
		!blob_stat(store->blobs, blob, &stat))
		return (uint64_t)stat.st_blocks;
	return pages * (PAGE / BLOCK);
}

/* True where it is open here, and was read by that. */
static bool
refresh_open(struct store *store, struct inode *inode, bool *is_live)
{
	scoped(file_table_release) struct file *file =
			file_table_take_open(store, inode->ino);
	scoped(file_table_give_turn) struct file *with_turn = file;
	struct slice attrs = inode->attrs;

	if (!file || read_inode(file, inode))
		return false;
	inode->attrs = attrs;
	/* The kernel knows what is written through it. */
	*is_live = (file->writers == 0 || file->is_held) && is_lagging(inode);
	return true;
}

bool
file_attr_refresh(struct store *store, struct inode *inode)
{
	bool lags = is_lagging(inode);
	bool is_live = false;
	struct stat stat;

	if (!S_ISREG(inode->mode) ||
		(!lags && !file_linger_has(store, inode->ino)))
		return false;
	if (refresh_open(store, inode, &is_live))
		return is_live;
	if (!lags)
		return false;
	/* It may have been closed, and the record be up to date, by now. */
	struct slice attrs = inode->attrs;
	enum store_err err = tree_inode(store, inode->ino, NULL, inode);
	inode->attrs = attrs;
	if (!err && !is_lagging(inode))
		return false;
	/* Of a draft that another process seals nothing is to be seen. */
	if (inode->pending && is_sealed_now(store, inode->ino))
		return false;
	uint64_t blob = inode->pending ? inode->pending : inode->blob;
	if (blob && !blob_stat(store->blobs, blob, &stat)) {
		struct file_stamp now = file_open_stamp(&stat);

		inode->size = now.size;
		if (now.mtime_ns > inode->mtime_ns)
			inode->mtime_ns = now.mtime_ns;
	}
	return true;
}
