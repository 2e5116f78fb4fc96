/* SPDX-License-Identifier: Apache-2.0 */
#include "store/file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "store/base/clock.h"
#include "store/base/log.h"
#include "store/file_data_private.h"
#include "store/file_linger_private.h"
#include "store/file_mark_private.h"
#include "store/file_new_private.h"
#include "store/file_open_private.h"
#include "store/file_seal_private.h"
#include "store/file_settle_private.h"
#include "store/file_table_private.h"
#include "store/last_access.h"
#include "store/session_private.h"
#include "store/usage.h"
#include "store/versioning.h"

/* Requests that the kernel sent before this one, on another thread. */
#define RELEASE_NS 10000000ll
#define LIKELY_RELEASE_NS 200000000ll

static bool
is_writer(int open_flags)
{
	return (open_flags & O_ACCMODE) != O_RDONLY || (open_flags & O_TRUNC);
}

static void
close_data(struct file *file)
{
	file_seal_free(&file->seal);
	file->is_sealed = false;
	if (file->fd >= 0)
		(void)close(file->fd);
	file->fd = -1;
	file->blob = 0;
	file->is_pinned = false;
	file->is_pending = false;
	file->is_copy = false;
	file->is_marked = false;
	file->is_listed = false;
	file->may_linger = false;
	file->is_held = false;
	file->is_shared = false;
	file->is_packed = false;
	file->is_changed = false;
	file->is_gone = false;
	file->is_superseded = false;
	file->is_writable = false;
	file->was_flushed = false;
}

/*
 * The kernel releases a file some time after its close() returned: who closes
 * and opens again is not to find himself still there.  Where the file really
 * is open, waiting is in vain.
 */
static void
wait_for_releases(struct file *file)
{
	bool is_likely = file->opens == 1 && file->is_closing;
	int64_t deadline_ns = clock_monotonic_ns() +
			      (is_likely ? LIKELY_RELEASE_NS : RELEASE_NS);

	while (file->opens > 0 && !file->is_held &&
		clock_monotonic_ns() < deadline_ns)
		file_table_pass_turn(file, deadline_ns);
}

/* Whether it should not share the data of who is closing: that is cut off, or
 * becomes an older version. */
static bool
waits_for_releases(const struct file *file, bool truncates)
{
	enum versioning versioning;

	return truncates || (file->is_closing &&
				    !versioning_get(file->store,
					    file->inode.bucket, &versioning) &&
				    versioning != VERSIONING_NEVER);
}

/* A descriptor to write by, where readers have had the file until now. */
static enum store_err
make_writable(struct file *file)
{
	enum store_err err = file->seal ? STORE_OK : file_open_as(file, true);

	if (err && !file->writers && file_settle_run(file, false))
		log_warn("inode %llu: its mark stays",
			(unsigned long long)file->ino);
	return err;
}

static enum store_err
open_writer(struct file *file, int open_flags)
{
	bool truncates = (open_flags & O_TRUNC) != 0;
	enum store_err err = STORE_OK;

	if (file->store->is_read_only)
		return STORE_READ_ONLY;
	if (!file->is_held && waits_for_releases(file, truncates))
		wait_for_releases(file);
	/* By whoever had the turn meanwhile. */
	if (file->is_retired)
		return STORE_BUSY;
	if (!file->opens)
		file->is_writable = true;
	if (!file->opens && truncates) {
		err = file_mark_rewrite(file);
		if (err != STORE_BUSY && err != STORE_NO_KEY)
			return err;
	}
	err = file->opens ? STORE_OK : file_open_data(file);
	/* A draft costs a copy: it waits for the first change. */
	if (!err && (!file->seal || truncates))
		err = file_data_mark(file, !truncates);
	if (!err)
		err = make_writable(file);
	if (!err && truncates)
		err = file_data_resize(file, 0);
	return err;
}

/* BUSY: the kernel has its data for readers, and this open is not to share
 * that with them. */
static enum store_err
open_reader(struct file *file)
{
	if (!file->opens)
		return file_open_data(file);
	if (!file->is_pinned || file->writers || file->is_gone)
		return STORE_OK;
	enum store_err err = file_open_reload(file);
	return !err && file->is_superseded ? STORE_BUSY : err;
}

/* The kernel has the data of this one for readers, and another one can do what
 * it could not. */
static bool
makes_way(struct file *file, enum store_err err)
{
	if (err == STORE_BUSY && file->is_retired)
		return true;
	if (err != STORE_BUSY || !file->is_pinned || file->writers ||
		file->is_gone)
		return false;
	file_table_retire(file);
	return true;
}

enum store_err
file_open(struct store *store, uint64_t ino, int open_flags, struct file **out)
{
	for (;;) {
		scoped(file_table_release) struct file *file =
				file_table_take(store, ino);
		scoped(file_table_give_turn) struct file *with_turn = file;
		if (file->opens && file_data_take_in_news(file))
			log_warn("inode %llu: cannot be read again",
				(unsigned long long)ino);
		enum store_err err = is_writer(open_flags)
					     ? open_writer(file, open_flags)
					     : open_reader(file);
		if (err && makes_way(file, err))
			continue;
		if (err && !file->opens)
			close_data(file);
		if (err)
			return err;
		file->opens++;
		file->writers += is_writer(open_flags);
		if (file->is_held && is_writer(open_flags))
			file_linger_unhold(file);
		file->is_closing = false;
		last_access_note(store, &file->inode);
		*out = file;
		file = NULL;
		return STORE_OK;
	}
}

static void
take_new(struct file *file, const struct inode *inode, int fd)
{
	file->fd = fd;
	file->inode = *inode;
	file->blob = inode->pending;
	file->is_shared = false;
	file->is_pending = true;
}

/* Another was faster: it found the name as soon as it was there. */
static void
join_opened(struct file *file, const struct inode *inode, int fd,
	const struct file_seal *seal)
{
	if (seal) {
		/* It has what is published: nothing. */
		file_seal_free(&file->seal);
		(void)close(file->fd);
		take_new(file, inode, fd);
		return;
	}
	/* Its descriptor is of the same data, but may be a reader's. */
	if (file->blob == inode->pending)
		(void)dup3(fd, file->fd, O_CLOEXEC);
	(void)close(fd);
}

/* SLICE_NULL: without a name. */
static enum store_err
create(struct store *store, uint64_t parent, struct slice name,
	const struct tree_owner *owner, struct inode *out, struct file **result)
{
	struct file_seal *seal = NULL;
	struct stat stat;
	int fd;

	enum store_err err =
		file_new(store, parent, name, owner, out, &fd, &seal);
	if (err)
		return err;
	struct file *file = file_table_take(store, out->ino);
	scoped(file_table_give_turn) struct file *with_turn = file;
	if (file->opens) {
		join_opened(file, out, fd, seal);
	} else {
		take_new(file, out, fd);
		file->is_sealed = seal != NULL;
	}
	if (seal)
		file->seal = seal;
	file->is_writable = true;
	file->is_marked = true;
	file->opens++;
	file->writers++;
	if (!file_open_stat(file, &stat))
		file->stamp = file_open_stamp(&stat);
	*result = file;
	return STORE_OK;
}

/* Sealed data has changed where there is a draft. */
static enum store_err
settle_draft(struct file *file)
{
	return file_seal_is_draft(file->seal) ? file_settle_run(file, false)
					      : STORE_OK;
}

enum store_err
file_create(struct store *store, uint64_t parent, struct slice name,
	const struct tree_owner *owner, struct inode *out, struct file **result)
{
	return name.len ? create(store, parent, name, owner, out, result)
			: STORE_BAD_NAME;
}

enum store_err
file_create_unnamed(struct store *store, uint64_t parent,
	const struct tree_owner *owner, struct inode *out, struct file **result)
{
	return create(store, parent, SLICE_NULL, owner, out, result);
}

/* The last writer goes. */
static enum store_err
settle_last(struct file *file)
{
	struct stat stat;

	if (file->seal)
		return settle_draft(file);
	if (!file->is_marked) {
		enum store_err err = file_open_stat(file, &stat);
		if (err || !file_open_is_changed(file, &stat))
			return err;
	}
	return file_settle_run(file, false);
}

/* The last writer of what was published goes; who stores through a map need
 * not. */
static void
leave_published(struct file *file)
{
	file->is_listed = false;
	if (file->may_linger && !file->seal) {
		file_linger_note(file);
		return;
	}
	file_linger_forget(file);
	session_end_closed(file->store, file->ino, file->inode.lock.is_due);
}

enum store_err
file_close(struct file **file_at, int open_flags)
{
	scoped(file_table_release) struct file *file = *file_at;
	enum store_err err = STORE_OK;

	file_table_take_turn(file);
	scoped(file_table_give_turn) struct file *with_turn = file;
	assert(file->opens > 0);
	if (is_writer(open_flags)) {
		assert(file->writers > 0);
		file->writers--;
		if (!file->writers && file_linger_hold(file)) {
			*file_at = file = NULL;
			return STORE_OK;
		}
		if (!file->writers)
			err = settle_last(file);
		if (!file->writers && file->is_listed)
			leave_published(file);
		/* Who has it open for writing is told by descriptors. */
		if (!file->writers && file->opens > 1 && !file->seal &&
			file_open_as(file, false))
			log_warn("inode %llu: its descriptor stays writable",
				(unsigned long long)file->ino);
	}
	if (--file->opens == 0)
		close_data(file);
	*file_at = NULL;
	return err;
}

void
file_set_keyring(struct store *store, const struct keyring *ring)
{
	store->keyring = ring;
}

bool
file_is_sealed(const struct file *file)
{
	return file->is_sealed;
}

int
file_fd(const struct file *file)
{
	return file->fd;
}

bool
file_pin(struct file *file)
{
	file_table_take_turn(file);
	scoped(file_table_give_turn) struct file *with_turn = file;
	if (file->seal)
		return false;
	if (!file->blob || file->is_packed ||
		(file->is_shared && !file->is_marked))
		return false;
	file->is_pinned = true;
	return true;
}

void
file_let_linger(struct file *file)
{
	file_table_take_turn(file);
	scoped(file_table_give_turn) struct file *with_turn = file;
	file->may_linger = true;
}

void
file_unpin(struct file *file)
{
	file_table_take_turn(file);
	scoped(file_table_give_turn) struct file *with_turn = file;
	file->is_pinned = false;
}

uint64_t
file_blob(struct file *file)
{
	file_table_take_turn(file);
	scoped(file_table_give_turn) struct file *with_turn = file;
	return file->blob;
}

bool
file_is_stacked(const struct store *store)
{
	struct statfs info;

	return !statfs(store->path, &info) &&
	       info.f_type == OVERLAYFS_SUPER_MAGIC;
}

uint64_t
file_ino(const struct file *file)
{
	return file->ino;
}

enum store_err
file_flush(struct file *file)
{
	struct stat stat;

	file_table_take_turn(file);
	scoped(file_table_give_turn) struct file *with_turn = file;
	if (file->is_gone || !file->inode.nlink || file->writers != 1)
		return STORE_OK;
	file->is_closing = true;
	if (file->seal)
		return settle_draft(file);
	enum store_err err = file_open_stat(file, &stat);
	if (err || !file_open_is_changed(file, &stat))
		return err;
	/* Changed again after it was "closed": the descriptor is shared among
	 * processes, so this is not the last close either. */
	bool keeps_mark = file->was_flushed;
	file->was_flushed = true;
	if (keeps_mark)
		err = file_data_mark(file, true);
	if (!err)
		err = file_settle_run(file, keeps_mark);
	return err ? err : usage_check_kept(file->store, file->inode.bucket);
}

enum store_err
file_publish_sealed(struct store *store, uint64_t ino)
{
	scoped(file_table_release) struct file *file =
			file_table_take_open(store, ino);
	scoped(file_table_give_turn) struct file *with_turn = file;
	bool is_described;

	if (!file || !file->seal || !file_seal_is_draft(file->seal))
		return STORE_OK;
	return file_settle_sync(file, false, &is_described);
}

enum store_err
file_note_link(struct store *store, const struct inode *inode)
{
	scoped(file_table_release) struct file *file =
			file_table_take_open(store, inode->ino);
	scoped(file_table_give_turn) struct file *with_turn = file;

	if (!file)
		return STORE_OK;
	file->inode = *inode;
	file->inode.attrs = SLICE_NULL;
	/* One that had a name before its publication has two by now. */
	if (!(inode->flags & INODE_UNPUBLISHED) || inode->nlink > 1)
		return STORE_OK;
	return file_settle_run(file, file->writers > 0);
}

void
file_note_news(struct store *store, uint64_t ino)
{
	file_table_note_news(store, ino);
}

bool
file_is_busy(struct store *store, uint64_t ino)
{
	return file_table_is_taken(store, ino);
}

uint64_t
file_count(struct store *store)
{
	return file_table_count(store);
}

struct file *
file_find(struct store *store, uint64_t ino)
{
	struct file *file = file_table_take_open(store, ino);
	struct file *with_turn = file;

	file_table_give_turn(&with_turn);
	return file;
}

void
file_release(struct file **file)
{
	file_table_release(file);
}
