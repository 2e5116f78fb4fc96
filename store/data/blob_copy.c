/* SPDX-License-Identifier: Apache-2.0 */
/*
 * blob_copy_range: a reflink, or a copy that leaves holes as they are.
 *
 * Other parts of the target may be written meanwhile (uploads in parallel),
 * so its size is only ever made to grow, by writing: never by ftruncate(2),
 * which could cut off what another has just appended.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/base/io.h"
#include "store/data/blob.h"

#define COPY_LEN (256 * 1024)
/* A helper thread is kept no longer: others wait for one. */
#define STEP (64ull << 20)

struct copy_job {
	int from;
	int to;
	uint64_t from_offset;
	uint64_t to_offset;
	uint64_t len;
	bool is_shared;
	enum store_err err;
};

/* True where the file system shares the range. */
static bool
clone_range(const struct copy_job *job)
{
	struct file_clone_range range = {
		.src_fd = job->from,
		.src_offset = job->from_offset,
		.src_length = job->len,
		.dest_offset = job->to_offset,
	};

	return ioctl(job->to, FICLONERANGE, &range) == 0;
}

/* By way of this process's memory. */
static enum store_err
copy_through(int from, off_t from_offset, int to, off_t to_offset, size_t len)
{
	char *room = malloc(COPY_LEN);
	enum store_err err = room ? STORE_OK : STORE_NO_MEMORY;

	while (len > 0 && !err) {
		size_t part = len < COPY_LEN ? len : COPY_LEN;

		err = io_pread_all(from, room, part, (uint64_t)from_offset);
		if (!err)
			err = io_pwrite_all(to, room, part,
				(uint64_t)to_offset);
		from_offset += (off_t)part;
		to_offset += (off_t)part;
		len -= part;
	}
	free(room);
	return err;
}

/* Errors after which copying by hand may still work. */
static bool
is_unsupported(int number)
{
	return number == EXDEV || number == EINVAL || number == EOPNOTSUPP ||
	       number == ENOSYS || number == EPERM || number == ETXTBSY;
}

static enum store_err
copy_data(const struct copy_job *job, uint64_t start, uint64_t end)
{
	off_t from = (off_t)start;
	off_t to = (off_t)(job->to_offset + (start - job->from_offset));

	while (from < (off_t)end) {
		size_t len = (size_t)((off_t)end - from);
		ssize_t n =
			copy_file_range(job->from, &from, job->to, &to, len, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && is_unsupported(errno))
			return copy_through(job->from, from, job->to, to, len);
		if (n < 0)
			return error_from_errno(errno);
		if (n == 0)
			return STORE_CORRUPT;
	}
	return STORE_OK;
}

/* Makes [start, end) of the source, a hole, read as zeros in the target. */
static enum store_err
copy_hole(const struct copy_job *job, uint64_t start, uint64_t end)
{
	uint64_t to = job->to_offset + (start - job->from_offset);
	struct stat st;

	if (start == end)
		return STORE_OK;
	if (fstat(job->to, &st))
		return error_from_errno(errno);
	if (to < (uint64_t)st.st_size &&
		fallocate(job->to, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			(off_t)to, (off_t)(end - start)))
		return errno == EOPNOTSUPP ? copy_data(job, start, end)
					   : error_from_errno(errno);
	if (to + (end - start) <= (uint64_t)st.st_size)
		return STORE_OK;
	return io_pwrite_all(job->to, "", 1, to + (end - start) - 1);
}

/* Data and holes by turns. */
static enum store_err
copy_pieces(const struct copy_job *job)
{
	uint64_t at = job->from_offset;
	uint64_t end = at + job->len;
	enum store_err err = STORE_OK;

	while (at < end && !err) {
		off_t data = lseek(job->from, (off_t)at, SEEK_DATA);

		if (data < 0 && errno != ENXIO)
			return copy_data(job, at, end); /* cannot tell */
		if (data < 0 || (uint64_t)data >= end)
			return copy_hole(job, at, end);
		off_t hole = lseek(job->from, data, SEEK_HOLE);
		if (hole < 0 || (uint64_t)hole > end)
			hole = (off_t)end;
		err = copy_hole(job, at, (uint64_t)data);
		if (!err)
			err = copy_data(job, (uint64_t)data, (uint64_t)hole);
		at = (uint64_t)hole;
	}
	return err;
}

/* CORRUPT where the source ends before. */
static enum store_err
check_source(const struct copy_job *job)
{
	struct stat st;

	if (fstat(job->from, &st))
		return error_from_errno(errno);
	if ((uint64_t)st.st_size < job->from_offset ||
		(uint64_t)st.st_size - job->from_offset < job->len)
		return STORE_CORRUPT;
	return STORE_OK;
}

static void
run_share(void *arg)
{
	struct copy_job *job = arg;

	job->err = check_source(job);
	job->is_shared = !job->err && clone_range(job);
}

static void
run_step(void *arg)
{
	struct copy_job *job = arg;

	job->err = check_source(job);
	if (!job->err)
		job->err = copy_pieces(job);
}

static enum store_err
copy_in_steps(struct copy_job *job)
{
	uint64_t left = job->len;

	while (left > 0 && !job->err) {
		job->len = left < STEP ? left : STEP;
		io_run_blocking(run_step, job);
		job->from_offset += job->len;
		job->to_offset += job->len;
		left -= job->len;
	}
	return job->err;
}

enum store_err
blob_copy_range(int from, uint64_t from_offset, int to, uint64_t to_offset,
	uint64_t len)
{
	struct copy_job job = {
		.from = from,
		.to = to,
		.from_offset = from_offset,
		.to_offset = to_offset,
		.len = len,
	};

	if (len == 0)
		return STORE_OK;
	if (from_offset > INT64_MAX || to_offset > INT64_MAX ||
		len > INT64_MAX - from_offset || len > INT64_MAX - to_offset)
		return STORE_TOO_BIG;
	io_run_blocking(run_share, &job);
	return job.err || job.is_shared ? job.err : copy_in_steps(&job);
}
