/* SPDX-License-Identifier: Apache-2.0 */
#include "store/file_data_private.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "store/base/io.h"
#include "store/cut_private.h"
#include "store/file.h"
#include "store/file_draft_private.h"
#include "store/file_mark_private.h"
#include "store/file_open_private.h"
#include "store/file_seal_private.h"
#include "store/object.h"
#include "store/usage.h"

/* The record changes between two looks each time: it is under attack. */
#define TRIES 16
/* Others wait for their turn meanwhile. */
#define COPY_AT_ONCE (64u << 20)

enum store_err
file_data_resize(struct file *file, uint64_t size)
{
	if (size > INT64_MAX)
		return STORE_TOO_BIG;
	if (file->seal)
		return file_seal_truncate(file->seal, size);
	struct stat stat;
	enum store_err err = file_open_stat(file, &stat);
	if (err)
		return err;
	/* By cut.h.  Also what is pending: it may have been published, and we
	 * not know. */
	bool is_cut = size < (uint64_t)stat.st_size;
	if (is_cut)
		cut_note(file->store, file->blob);
	if (ftruncate(file->fd, (off_t)size))
		err = error_from_errno(errno);
	if (is_cut)
		cut_note(file->store, file->blob);
	file->is_changed |= !err;
	return err;
}

enum store_err
file_data_mark(struct file *file, bool with_data)
{
	enum store_err err = STORE_PRECONDITION;

	for (int i = 0; i < TRIES && err == STORE_PRECONDITION; i++) {
		err = file->seal ? file_draft_begin(file, with_data)
				 : file_mark(file, with_data);
		if (err == STORE_PRECONDITION && file->is_pinned)
			return STORE_BUSY;
		if (err == STORE_PRECONDITION && file_open_reload(file))
			return STORE_IO;
	}
	return err == STORE_PRECONDITION ? STORE_BUSY : err;
}

/* Rule 7 of file_table_private.h. */
static bool
has_news(const struct file *file)
{
	return atomic_load(&file->known) != atomic_load(&file->news);
}

enum store_err
file_data_take_in_news(struct file *file)
{
	if (!has_news(file))
		return STORE_OK;
	if (!file->is_gone)
		return file_open_reload(file);
	atomic_store(&file->known, atomic_load(&file->news));
	return STORE_OK;
}

static enum store_err
catch_up(struct file *file)
{
	if (!has_news(file))
		return STORE_OK;
	file_table_take_turn(file);
	scoped(file_table_give_turn) struct file *with_turn = file;
	return file_data_take_in_news(file);
}

/* Changes the data by way of this process, the file being open for writing
 * here: its mark may be gone since file_flush(). */
static enum store_err
begin_change(struct file *file)
{
	if (file->store->is_read_only)
		return STORE_READ_ONLY;
	return file_data_mark(file, true);
}

static enum store_err
read_sealed(struct file *file, void *to, size_t len, uint64_t offset,
	size_t *got)
{
	file_table_take_turn(file);
	scoped(file_table_give_turn) struct file *with_turn = file;
	enum store_err err = file_data_take_in_news(file);

	return err ? err : file_seal_read(file->seal, to, len, offset, got);
}

enum store_err
file_data_read(struct file *file, void *to, size_t len, uint64_t offset,
	size_t *got)
{
	*got = 0;
	if (file->is_sealed)
		return read_sealed(file, to, len, offset, got);
	enum store_err err = catch_up(file);
	ssize_t count = err ? 0 : io_pread(file->fd, to, len, offset);

	if (count < 0)
		return error_from_errno((int)-count);
	*got = (size_t)count;
	return err;
}

bool
file_data_read_waits(const struct file *file, uint64_t offset)
{
	return file->is_sealed || has_news(file) ||
	       !io_is_cached(file->fd, offset);
}

static enum store_err
write_sealed(struct file *file, struct slice data, uint64_t offset,
	size_t *done)
{
	file_table_take_turn(file);
	scoped(file_table_give_turn) struct file *with_turn = file;
	enum store_err err = begin_change(file);
	if (!err)
		err = file_seal_write(file->seal, data, offset);
	if (!err)
		*done = data.len;
	return err;
}

enum store_err
file_data_write(struct file *file, struct slice data, uint64_t offset,
	size_t *done)
{
	*done = 0;
	if (file->is_sealed)
		return write_sealed(file, data, offset, done);
	enum store_err err = catch_up(file);
	if (err)
		return err;
	while (*done < data.len) {
		ssize_t put = io_pwrite(file->fd, data.data + *done,
			data.len - *done, offset + *done);

		if (put < 0 && !*done)
			return error_from_errno((int)-put);
		if (put <= 0)
			break;
		*done += (size_t)put;
	}
	return STORE_OK;
}

static enum store_err
append_sealed(struct file *file, struct slice data, size_t *done, uint64_t *end)
{
	file_table_take_turn(file);
	scoped(file_table_give_turn) struct file *with_turn = file;
	enum store_err err = begin_change(file);
	if (!err)
		err = file_seal_write(file->seal, data,
			file_seal_size(file->seal));
	if (!err)
		*done = data.len;
	*end = file_seal_size(file->seal);
	return err;
}

enum store_err
file_data_append(struct file *file, struct slice data, size_t *done,
	uint64_t *end)
{
	struct stat stat;

	*done = 0;
	if (file->is_sealed)
		return append_sealed(file, data, done, end);
	*end = 0;
	enum store_err err = catch_up(file);
	if (err)
		return err;
	while (*done < data.len) {
		const struct iovec piece = {
			.iov_base = (char *)data.data + *done,
			.iov_len = data.len - *done,
		};
		ssize_t put = pwritev2(file->fd, &piece, 1, 0, RWF_APPEND);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0 && !*done)
			return error_from_errno(errno);
		if (put <= 0)
			break;
		*done += (size_t)put;
	}
	err = file_open_stat(file, &stat);
	*end = err ? 0 : (uint64_t)stat.st_size;
	return err;
}

/* Sealed data has no holes. */
static enum store_err
seek_sealed(struct file *file, int64_t offset, int whence, int64_t *at)
{
	file_table_take_turn(file);
	scoped(file_table_give_turn) struct file *with_turn = file;
	enum store_err err = file_data_take_in_news(file);
	if (err)
		return err;
	uint64_t size = file_seal_size(file->seal);

	if (whence != SEEK_DATA && whence != SEEK_HOLE)
		return STORE_INVALID;
	if (offset < 0 || (uint64_t)offset >= size)
		return STORE_NO_DATA;
	*at = whence == SEEK_DATA ? offset : (int64_t)size;
	return STORE_OK;
}

enum store_err
file_data_seek(struct file *file, int64_t offset, int whence, int64_t *at)
{
	if (file->is_sealed)
		return seek_sealed(file, offset, whence, at);
	enum store_err err = catch_up(file);
	if (err)
		return err;
	if (!file->blob)
		return STORE_NO_DATA;
	/* Nobody else uses the descriptor's own position. */
	*at = lseek(file->fd, offset, whence);
	if (*at < 0)
		return errno == ENXIO ? STORE_NO_DATA : error_from_errno(errno);
	return STORE_OK;
}

static bool
may_end_at(const struct file *file, uint64_t end)
{
	return file->seal ? end <= OBJECT_SIZE_MAX
			  : blob_may_have_size(file->store->blobs, end);
}

/* Whether the data may end there now: what a write beyond it would be told at
 * the file's close. */
static enum store_err
check_end(struct file *file, uint64_t end)
{
	uint64_t size = file->inode.size;
	struct stat stat;

	if (!file->seal) {
		enum store_err err = file_open_stat(file, &stat);

		if (err)
			return err;
		size = (uint64_t)stat.st_size;
	}
	if (end <= size)
		return STORE_OK;
	enum store_err err =
		usage_check_room(file->store, file->inode.bucket, end - size);
	/* As elsewhere: what can be nowhere is no question of the quota. */
	return err == STORE_QUOTA && !may_end_at(file, end) ? STORE_TOO_BIG
							    : err;
}

enum store_err
file_data_truncate(struct file *file, uint64_t size)
{
	file_table_take_turn(file);
	scoped(file_table_give_turn) struct file *with_turn = file;
	enum store_err err = check_end(file, size);

	if (!err)
		err = begin_change(file);
	return err ? err : file_data_resize(file, size);
}

enum store_err
file_data_allocate(struct file *file, int mode, uint64_t offset, uint64_t len)
{
	file_table_take_turn(file);
	scoped(file_table_give_turn) struct file *with_turn = file;
	if (file->seal)
		return STORE_UNSUPPORTED;
	if (offset > INT64_MAX || len > INT64_MAX)
		return STORE_TOO_BIG;
	enum store_err err = mode & FALLOC_FL_KEEP_SIZE
				     ? STORE_OK
				     : check_end(file, offset + len);
	if (!err)
		err = begin_change(file);
	if (err)
		return err;
	if (fallocate(file->fd, mode, (off_t)offset, (off_t)len))
		return error_from_errno(errno);
	file->is_changed = true;
	return STORE_OK;
}

enum store_err
file_data_copy_range(struct file *from, uint64_t from_offset, struct file *to,
	uint64_t to_offset, uint64_t len, uint64_t *copied)
{
	off_t at = (off_t)from_offset, to_at = (off_t)to_offset;
	struct stat stat;

	*copied = 0;
	if (from_offset > INT64_MAX || to_offset > INT64_MAX)
		return STORE_TOO_BIG;
	enum store_err err = catch_up(from);
	if (err)
		return err;
	/* Not from's turn as well: its descriptor stays. */
	file_table_take_turn(to);
	scoped(file_table_give_turn) struct file *with_turn = to;
	/* The kernel reads and writes instead. */
	if (from->is_sealed || to->is_sealed)
		return STORE_UNSUPPORTED;
	if (fstat(from->fd, &stat))
		return error_from_errno(errno);
	if (!S_ISREG(stat.st_mode))
		return STORE_OK; /* no data at all */
	err = begin_change(to);
	if (err)
		return err;
	ssize_t done = copy_file_range(from->fd, &at, to->fd, &to_at,
		len < COPY_AT_ONCE ? len : COPY_AT_ONCE, 0);
	if (done < 0)
		return error_from_errno(errno);
	to->is_changed |= done > 0;
	*copied = (uint64_t)done;
	return STORE_OK;
}

enum store_err
file_data_truncate_ino(struct store *store, uint64_t ino, uint64_t size,
	struct inode *out)
{
	int flags = O_WRONLY | (size ? 0 : O_TRUNC);
	struct file *file = NULL;

	if (size > INT64_MAX)
		return STORE_TOO_BIG;
	enum store_err err = file_open(store, ino, flags, &file);
	if (err)
		return err;
	if (size)
		err = file_data_truncate(file, size);
	if (!err)
		err = file_attr_get(file, out);
	enum store_err close_err = file_close(&file, flags);
	if (err || close_err)
		return err ? err : close_err;
	/* Its name may be gone, and what was read before is all there is. */
	err = tree_inode(store, ino, NULL, out);
	return err == STORE_STALE ? STORE_OK : err;
}
