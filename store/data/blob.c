/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 1. A blob's name is never used again, so what a path leads to is either
 *    that blob or nothing.
 * 2. Paths are walked from the data directory's descriptor.  There is no
 *    cache of the directories below it: the kernel's own makes two components
 *    cost no more than a descriptor looked up under a lock.
 * 3. blob_flush() flushes the directories of all blobs it is given, not only
 *    of those this process created: another one may have.
 */
#include "store/data/blob.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "store/base/fiber.h"
#include "store/base/helper.h"
#include "store/base/io.h"
#include "store/base/mutex.h"
#include "store/data/blob_private.h"

/*
 * From here on one syncfs(2) is cheaper than a flush each.  It also writes what
 * has nothing to do with us: beside 200 MB of dirty pages 65 blobs took 50 ms
 * by syncfs(2), where 16 took 5 by themselves.
 */
#define FLUSH_EACH_MAX 64

struct blob_path {
	char text[40];
};

static struct blob_path
dir_path(uint64_t id)
{
	struct blob_path path;

	snprintf(path.text, sizeof(path.text), "%llx",
		(unsigned long long)(id / BLOB_IDS_PER_DIR));
	return path;
}

static struct blob_path
file_path(uint64_t id)
{
	struct blob_path path;

	snprintf(path.text, sizeof(path.text), "%llx/%llx",
		(unsigned long long)(id / BLOB_IDS_PER_DIR),
		(unsigned long long)id);
	return path;
}

enum store_err
blob_open_all(const char *data_path, bool is_read_only, struct blobs **out)
{
	int fd = open(data_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return error_from_errno(errno);
	struct blobs *blobs = calloc(1, sizeof(*blobs));
	if (!blobs) {
		close(fd);
		return STORE_NO_MEMORY;
	}
	blobs->helpers = helper_pool_create();
	if (!blobs->helpers) {
		close(fd);
		free(blobs);
		return STORE_NO_MEMORY;
	}
	blobs->dir_fd = fd;
	blobs->is_read_only = is_read_only;
	mutex_init(&blobs->lock);
	*out = blobs;
	return STORE_OK;
}

void
blob_close_all(struct blobs **ptr)
{
	struct blobs *blobs = *ptr;

	*ptr = NULL;
	if (!blobs)
		return;
	helper_pool_free(&blobs->helpers);
	close(blobs->dir_fd);
	mutex_destroy(&blobs->lock);
	free(blobs);
}

enum store_err
blob_create(struct blobs *blobs, uint64_t id, int *out)
{
	struct blob_path path = file_path(id);
	int flags = O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW;

	if (blobs->is_read_only)
		return STORE_READ_ONLY;
	int fd = openat(blobs->dir_fd, path.text, flags, 0600);
	if (fd < 0 && errno == ENOENT) {
		struct blob_path dir = dir_path(id);

		if (mkdirat(blobs->dir_fd, dir.text, 0700) && errno != EEXIST)
			return error_from_errno(errno);
		fd = openat(blobs->dir_fd, path.text, flags, 0600);
	}
	if (fd < 0)
		return error_from_errno(errno);
	*out = fd;
	return STORE_OK;
}

struct open_job {
	int dir_fd;
	const char *path;
	int flags;
	int fd;
	int error;
};

static void
run_open(void *arg)
{
	struct open_job *job = arg;

	job->fd = openat(job->dir_fd, job->path, job->flags);
	job->error = job->fd < 0 ? errno : 0;
}

/* Opens without a wait for the disk; -1 where that would need one. */
static int
open_cached(int dir_fd, const char *path, int flags)
{
	struct open_how how = {
		.flags = (unsigned int)flags,
		.resolve = RESOLVE_CACHED,
	};

	return (int)syscall(SYS_openat2, dir_fd, path, &how, sizeof(how));
}

enum store_err
blob_open(struct blobs *blobs, uint64_t id, int flags, int *out)
{
	struct blob_path path = file_path(id);
	struct open_job job = {
		.dir_fd = blobs->dir_fd,
		.path = path.text,
		.flags = flags | O_CLOEXEC | O_NOFOLLOW,
		.fd = -1,
	};

	if (blobs->is_read_only && (flags & O_ACCMODE) != O_RDONLY)
		return STORE_READ_ONLY;
	/* A loop is not held up by a disk, nor a hot file by a hand-over. */
	if (fiber_current())
		job.fd = open_cached(job.dir_fd, job.path, job.flags);
	if (job.fd < 0)
		io_run_blocking(run_open, &job);
	if (job.fd < 0)
		return error_from_errno(job.error);
	*out = job.fd;
	return STORE_OK;
}

enum store_err
blob_stat(struct blobs *blobs, uint64_t id, struct stat *out)
{
	struct blob_path path = file_path(id);

	if (fstatat(blobs->dir_fd, path.text, out, AT_SYMLINK_NOFOLLOW))
		return error_from_errno(errno);
	return STORE_OK;
}

struct remove_job {
	int dir_fd;
	const char *path;
	int error;
};

static void
run_remove(void *arg)
{
	struct remove_job *job = arg;

	job->error = unlinkat(job->dir_fd, job->path, 0) ? errno : 0;
}

enum store_err
blob_remove(struct blobs *blobs, uint64_t id)
{
	struct blob_path path = file_path(id);
	struct remove_job job = {
		.dir_fd = blobs->dir_fd,
		.path = path.text,
	};

	if (blobs->is_read_only)
		return STORE_READ_ONLY;
	io_run_blocking(run_remove, &job);
	if (job.error && job.error != ENOENT)
		return error_from_errno(job.error);
	return STORE_OK;
}

enum store_err
blob_space(struct blobs *blobs, struct statvfs *out)
{
	return fstatvfs(blobs->dir_fd, out) ? error_from_errno(errno)
					    : STORE_OK;
}

/* Flushes a directory of data files; one that is not there needs none. */
static enum store_err
flush_dir(struct blobs *blobs, uint64_t dir, bool *is_there)
{
	struct blob_path path = dir_path(dir * BLOB_IDS_PER_DIR);
	int fd = openat(blobs->dir_fd, path.text,
		O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	*is_there = fd >= 0;
	if (fd < 0)
		return errno == ENOENT ? STORE_OK : error_from_errno(errno);
	enum store_err err = io_fsync(fd);
	close(fd);
	return err;
}

static bool
is_known_dir(struct blobs *blobs, uint64_t dir)
{
	mutex_scoped(&blobs->lock);

	return blobs->known_dirs[dir % BLOB_KNOWN_DIRS] == dir + 1;
}

static void
remember_dir(struct blobs *blobs, uint64_t dir)
{
	mutex_scoped(&blobs->lock);

	blobs->known_dirs[dir % BLOB_KNOWN_DIRS] = dir + 1;
}

static int
compare_ids(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a;
	uint64_t y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* The directories of the sorted ids, then, where one is new, their parent. */
static enum store_err
flush_dirs(struct blobs *blobs, const uint64_t *ids, size_t count)
{
	uint64_t fresh[BLOB_KNOWN_DIRS];
	size_t fresh_count = 0;

	for (size_t i = 0; i < count; i++) {
		uint64_t dir = ids[i] / BLOB_IDS_PER_DIR;
		bool is_there;

		if (i > 0 && dir == ids[i - 1] / BLOB_IDS_PER_DIR)
			continue;
		enum store_err err = flush_dir(blobs, dir, &is_there);
		if (err)
			return err;
		if (is_there && !is_known_dir(blobs, dir) &&
			fresh_count < BLOB_KNOWN_DIRS)
			fresh[fresh_count++] = dir;
	}
	if (fresh_count == 0)
		return STORE_OK;
	enum store_err err = io_fsync(blobs->dir_fd);
	for (size_t i = 0; i < fresh_count && !err; i++)
		remember_dir(blobs, fresh[i]);
	return err;
}

struct flush_job {
	struct helper_job helper;
	bool is_handed_over;
	int fd; /* -1: the blob does not exist */
	int error;
};

static void
run_flush(void *arg)
{
	struct flush_job *job = arg;

	job->error = fdatasync(job->fd) ? errno : 0;
}

/* Opens those that exist. */
static enum store_err
open_each(struct blobs *blobs, const uint64_t *ids, size_t count,
	struct flush_job *jobs)
{
	enum store_err err = STORE_OK;

	for (size_t i = 0; i < count; i++) {
		jobs[i] = (struct flush_job){.fd = -1};
		jobs[i].helper.run = run_flush;
		jobs[i].helper.arg = &jobs[i];
		event_init(&jobs[i].helper.done);
		if (!err)
			err = blob_open(blobs, ids[i], O_RDONLY, &jobs[i].fd);
		if (err == STORE_NOT_FOUND)
			err = STORE_OK;
	}
	return err;
}

/* All at once: the kernel makes one journal commit and one flush of the disk's
 * cache serve for many. */
static enum store_err
flush_jobs(struct blobs *blobs, struct flush_job *jobs, size_t count)
{
	enum store_err err = STORE_OK;

	for (size_t i = 0; i < count; i++) {
		if (jobs[i].fd < 0)
			continue;
		/* The last one is as well run here; but not on a loop. */
		if (i + 1 < count || fiber_current())
			jobs[i].is_handed_over =
				helper_pool_submit(blobs->helpers,
					&jobs[i].helper);
		if (!jobs[i].is_handed_over)
			run_flush(&jobs[i]);
	}
	for (size_t i = 0; i < count; i++) {
		if (jobs[i].is_handed_over)
			event_wait(&jobs[i].helper.done);
		if (jobs[i].error && !err)
			err = error_from_errno(jobs[i].error);
	}
	return err;
}

static enum store_err
flush_each(struct blobs *blobs, const uint64_t *ids, size_t count)
{
	uint64_t sorted[FLUSH_EACH_MAX];
	struct flush_job jobs[FLUSH_EACH_MAX];

	memcpy(sorted, ids, count * sizeof(*ids));
	qsort(sorted, count, sizeof(*sorted), compare_ids);
	enum store_err err = open_each(blobs, sorted, count, jobs);
	if (!err)
		err = flush_jobs(blobs, jobs, count);
	for (size_t i = 0; i < count; i++) {
		if (jobs[i].fd >= 0)
			close(jobs[i].fd);
	}
	return err ? err : flush_dirs(blobs, sorted, count);
}

struct sync_job {
	int fd;
	int error;
};

static void
run_syncfs(void *arg)
{
	struct sync_job *job = arg;

	job->error = syncfs(job->fd) ? errno : 0;
}

enum store_err
blob_flush(struct blobs *blobs, const uint64_t *ids, size_t count)
{
	struct sync_job job = {.fd = blobs->dir_fd};

	if (count == 0)
		return STORE_OK;
	if (count <= FLUSH_EACH_MAX) {
		enum store_err err = flush_each(blobs, ids, count);

		/* Also where there is no descriptor to open one with. */
		if (err != STORE_NO_MEMORY)
			return err;
	}
	io_run_blocking(run_syncfs, &job);
	return job.error ? error_from_errno(job.error) : STORE_OK;
}

enum store_err
blob_flush_removed(struct blobs *blobs, const uint64_t *ids, size_t count)
{
	return flush_dirs(blobs, ids, count);
}
