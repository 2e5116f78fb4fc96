/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "fs/entry.h"
#include "fs/handle.h"
#include "fs/notices.h"
#include "fs/op.h"
#include "fs/open_audit.h"
#include "fs/owner.h"
#include "fs/passthrough.h"
#include "fs/set_id.h"
#include "fs/small_files.h"
#include "store/base/log.h"

static void
undo_open(struct mount *mount, fuse_req_t req, uint64_t ino,
	struct handle *handle)
{
	passthrough_leave(mount, req, handle);
	if (handle_close(mount, &handle))
		log_warn("inode %llu: closing failed", (unsigned long long)ino);
}

/* The handle and the way of an open that is to be replied.  open_flags: the
 * file's, which may be more than the caller's. */
static struct handle *
prepare(fuse_req_t req, struct file *file, int open_flags,
	const struct reply_fact *fact, struct fuse_file_info *info)
{
	struct handle *handle = handle_create(fuse_req_userdata(req), file,
		open_flags, fuse_req_ctx(req)->pid);

	handle->may_map = (info->flags & O_ACCMODE) == O_RDWR;
	passthrough_enter(fuse_req_userdata(req), req, handle, fact, info);
	info->fh = (uint64_t)(uintptr_t)handle;
	info->noflush = !handle_is_writer(handle);
	return handle;
}

/*
 * Under passthrough the kernel flushes the data of O_SYNC and O_DSYNC, and we
 * hear of no write.  After a power cut that is of use where the file has been
 * published and is known to be written to in place: so it is from here on.
 */
static enum store_err
begin_sync(struct file *file, int asked_flags)
{
	if (!(asked_flags & O_DSYNC) || (asked_flags & O_ACCMODE) == O_RDONLY)
		return STORE_OK;
	return file_sync(file, false);
}

/* open_flags: those by which file_close() gives it back. */
static void
close_failed(struct file **file, int open_flags)
{
	if (*file && file_close(file, open_flags))
		log_warn("closing a file failed");
}

/* Who is told that there is no file is to find none.  The name goes before the
 * close, which would publish it. */
static void
undo_create(struct mount *mount, uint64_t parent, struct slice name,
	struct file **file)
{
	struct inode gone;

	handle_dir_note_gone(mount, parent, name);
	enum store_err err = tree_unlink_own(mount->store, parent, name,
		file_ino(*file), &gone);
	if (!err)
		file_attr_note(mount->store, &gone);
	else if (err != STORE_NOT_FOUND)
		log_warn("inode %llu: could not be synced, and keeps its name",
			(unsigned long long)file_ino(*file));
	close_failed(file, O_RDWR);
}

static void
reply_create(fuse_req_t req, struct file *file, const struct reply_fact *fact,
	struct fuse_file_info *info)
{
	struct mount *mount = fuse_req_userdata(req);
	struct reply_fact now = *fact;
	struct fuse_entry_param param;

	/* Opened as file_create() opens, whatever the caller may do with it. */
	struct handle *handle = prepare(req, file, O_RDWR, fact, info);
	now.is_mapped = passthrough_is_mapped(mount, fact->inode.ino);
	reply_fill_entry(mount, &now, &param);
	if (fuse_reply_create(req, &param, info) == -ENOENT)
		undo_open(mount, req, fact->inode.ino, handle);
}

void
op_file_create(fuse_req_t req, fuse_ino_t node, const char *name, mode_t mode,
	struct fuse_file_info *info)
{
	struct mount *mount = reply_begin(req);
	uint64_t parent = mount_inode(mount, node);
	struct reply_fact fact = {.changes = atomic_load(&mount->changes)};
	struct tree_owner owner;
	struct file *file = NULL;
	struct entry entry;

	enum store_err err =
		parent == INODE_ROOT ? STORE_NOT_PERMITTED : STORE_OK;
	if (!err)
		err = entry_new(name, &entry);
	if (!err)
		err = owner_of_new(req, parent, S_IFREG | mode, &owner);
	if (!err)
		err = file_create(mount->store, parent, entry_text(&entry),
			&owner, &fact.inode, &file);
	if (!err)
		err = begin_sync(file, info->flags);
	if (err && file)
		undo_create(mount, parent, entry_text(&entry), &file);
	open_audit_created(req, parent, slice_str(name), fact.inode.ino,
		info->flags, err);
	if (err)
		reply_err(req, err);
	else
		reply_create(req, file, &fact, info);
}

void
op_file_create_unnamed(fuse_req_t req, fuse_ino_t node, mode_t mode,
	struct fuse_file_info *info)
{
	struct mount *mount = reply_begin(req);
	uint64_t parent = mount_inode(mount, node);
	struct reply_fact fact = {.changes = atomic_load(&mount->changes)};
	struct tree_owner owner;
	struct file *file = NULL;

	enum store_err err =
		parent == INODE_ROOT ? STORE_NOT_PERMITTED : STORE_OK;
	if (!err)
		err = owner_of_new(req, parent, S_IFREG | mode, &owner);
	if (!err)
		err = file_create_unnamed(mount->store, parent, &owner,
			&fact.inode, &file);
	open_audit_created(req, parent, SLICE_NULL, fact.inode.ino, info->flags,
		err);
	if (err)
		reply_err(req, err);
	else
		reply_create(req, file, &fact, info);
}

void
op_file_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *info)
{
	struct mount *mount = reply_begin(req);
	struct reply_fact fact = {.is_live = false};
	struct file *file = NULL;
	bool has_new_mode = false;

	if (small_files_is_on(req)) {
		fuse_reply_err(req, ENOSYS);
		return;
	}
	enum store_err err = file_open(mount->store, ino, info->flags, &file);
	if (!err)
		err = begin_sync(file, info->flags);
	open_audit_opened(req, ino, info->flags, err);
	if (err) {
		close_failed(&file, info->flags);
		reply_err(req, err);
		return;
	}
	if ((info->flags & O_TRUNC) && set_id_goes(req, FUSE_SET_ATTR_SIZE) &&
		set_id_drop(req, ino, &has_new_mode))
		log_warn("inode %llu: its mode could not be set",
			(unsigned long long)ino);
	if (!file_attr_get(file, &fact.inode))
		inode_refresh(mount, &fact);
	struct handle *handle = prepare(req, file, info->flags, &fact, info);
	if (passthrough_is_beside(info) &&
		(info->flags & O_ACCMODE) == O_RDWR) {
		undo_open(mount, req, ino, handle);
		reply_err(req, STORE_BUSY);
		return;
	}
	/* The reply to an open has no room for it, and comes after it:
	 * notices.h.  Where it may be mapped, no time that the kernel has kept
	 * is to be believed. */
	if (has_new_mode ||
		(handle->may_map && passthrough_is_mapped(mount, ino)))
		fuse_lowlevel_notify_inval_inode(mount->session, ino, -1, 0);
	if (fuse_reply_open(req, info) == -ENOENT)
		undo_open(mount, req, ino, handle);
}

void
op_file_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
	struct fuse_file_info *info)
{
	if (small_files_is_on(req)) {
		small_files_read(req, ino, size, (uint64_t)offset);
		return;
	}
	char *data = malloc(size);
	if (!data) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	size_t got;
	enum store_err err = file_data_read(handle_of(info)->file, data, size,
		(uint64_t)offset, &got);
	if (err)
		reply_err(req, err);
	else
		fuse_reply_buf(req, data, got);
	free(data);
}

/* Where it serves no pages of its own the kernel does not ask for it. */
static enum store_err
sync_written(struct file *file, int flags)
{
	bool is_data_only = (flags & O_SYNC) != O_SYNC;

	return flags & O_DSYNC ? file_sync(file, is_data_only) : STORE_OK;
}

/* The kernel takes the end to be at `offset`, and has put the bytes there in
 * its cache.  Other mounts and processes may append, too. */
static void
append(fuse_req_t req, fuse_ino_t ino, struct slice data, uint64_t offset,
	struct file *file, int flags)
{
	struct mount *mount = fuse_req_userdata(req);
	uint64_t end;
	size_t done;

	enum store_err err = file_data_append(file, data, &done, &end);
	if (!err)
		err = sync_written(file, flags);
	if (err) {
		reply_err(req, err);
		return;
	}
	/* First, so that few read what the kernel has put in the wrong place.
	 * What waits for this answer stays locked until then. */
	if (end != offset + done)
		notices_drop_pages(mount->notices, ino);
	fuse_reply_write(req, done);
}

void
op_file_write(fuse_req_t req, fuse_ino_t ino, const char *data, size_t size,
	off_t offset, struct fuse_file_info *info)
{
	size_t done;

	/* The pieces of a direct one come side by side. */
	if ((info->flags & O_APPEND) && !(info->flags & O_DIRECT)) {
		append(req, ino, slice_of(data, size), (uint64_t)offset,
			handle_of(info)->file, info->flags);
		return;
	}
	enum store_err err = file_data_write(handle_of(info)->file,
		slice_of(data, size), (uint64_t)offset, &done);
	if (!err)
		err = sync_written(handle_of(info)->file, info->flags);
	if (err)
		reply_err(req, err);
	else
		fuse_reply_write(req, done);
}

void
op_file_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *info)
{
	struct handle *handle = handle_of(info);
	enum store_err err = STORE_OK;

	(void)ino;
	reply_begin(req);
	if (small_files_is_on(req)) {
		fuse_reply_err(req, ENOSYS);
		return;
	}
	/*
	 * The reply is what close() waits for, so what it publishes is seen by
	 * all who act after it.  But the descriptor may have been inherited,
	 * and another process only closes its copy: that is not the end.
	 */
	if (handle_is_writer(handle) && handle->pid == fuse_req_ctx(req)->pid)
		err = file_flush(handle->file);
	reply_err(req, err);
}

void
op_file_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *info)
{
	struct mount *mount = reply_begin(req);
	struct handle *handle = handle_of(info);
	bool is_writer = handle_is_writer(handle);

	/* In this order: a backing id is for the data that the file has while
	 * it is open, and must not be found by who opens it to other data. */
	passthrough_leave(mount, req, handle);
	enum store_err err = handle_close(mount, &handle);
	if (err)
		log_error("inode %llu: not brought up to date: %s",
			(unsigned long long)ino, error_sentence(err));
	/* Stores through a map have moved no time that the kernel knows of.
	 * Before the answer: notices.h. */
	if (is_writer && passthrough_is_active(mount))
		fuse_lowlevel_notify_inval_inode(mount->session, ino, -1, 0);
	reply_err(req, err);
}

void
op_file_sync(fuse_req_t req, fuse_ino_t ino, int is_data_only,
	struct fuse_file_info *info)
{
	(void)ino;
	reply_begin(req);
	/* There is nothing to flush: ENOSYS says so once and for all. */
	if (small_files_is_on(req))
		fuse_reply_err(req, ENOSYS);
	else
		reply_err(req,
			file_sync(handle_of(info)->file, is_data_only != 0));
}

void
op_file_allocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t offset,
	off_t len, struct fuse_file_info *info)
{
	(void)ino;
	reply_begin(req);
	if (offset < 0 || len <= 0)
		reply_err(req, STORE_INVALID);
	else
		reply_err(req, file_data_allocate(handle_of(info)->file, mode,
				       (uint64_t)offset, (uint64_t)len));
}

void
op_file_seek(fuse_req_t req, fuse_ino_t ino, off_t offset, int whence,
	struct fuse_file_info *info)
{
	(void)ino;
	if (small_files_is_on(req)) {
		/* The kernel takes it that there are no holes. */
		fuse_reply_err(req, ENOSYS);
		return;
	}
	int64_t at;
	enum store_err err =
		file_data_seek(handle_of(info)->file, offset, whence, &at);
	if (err)
		reply_err(req, err);
	else
		fuse_reply_lseek(req, at);
}

void
op_file_copy(fuse_req_t req, fuse_ino_t ino_in, off_t offset_in,
	struct fuse_file_info *info_in, fuse_ino_t ino_out, off_t offset_out,
	struct fuse_file_info *info_out, size_t len, int flags)
{
	uint64_t copied;

	(void)ino_in;
	(void)ino_out;
	reply_begin(req);
	enum store_err err =
		flags || offset_in < 0 || offset_out < 0
			? STORE_INVALID
			: file_data_copy_range(handle_of(info_in)->file,
				  (uint64_t)offset_in,
				  handle_of(info_out)->file,
				  (uint64_t)offset_out, len, &copied);
	if (err)
		reply_err(req, err);
	else
		fuse_reply_write(req, copied);
}
