/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 1. A blob's name is never used again, so what a path leads to is either
 *    that blob or nothing.
 * 2. Paths are walked from the data directory's descriptor.  There is no
 *    cache of the directories below it: the kernel's own makes two components
 *    cost no more than a descriptor looked up under a lock.
 * 3. blob_flush() flushes the directories of all blobs it is given, not only
 *    of those this process created: another one may have.  It leaves out those
 *    whose names it has flushed before: a segment is flushed again and again.
 * 4. Who has opened a file, or made a link to it, then looks whether its name
 *    is still there.  If it is not, the file may be on its way to another blob:
 *    blob_spare.c, invariant 1.
 */
#include "store/data/blob.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "store/base/clock.h"
#include "store/base/fiber.h"
#include "store/base/helper.h"
#include "store/base/io.h"
#include "store/base/mutex.h"
#include "store/base/owner.h"
#include "store/data/blob_cache_private.h"
#include "store/data/blob_private.h"
#include "store/data/blob_spare_private.h"

/*
 * From here on one syncfs(2) is cheaper than a flush each.  It also writes what
 * has nothing to do with us: beside 200 MB of dirty pages 65 blobs took 50 ms
 * by syncfs(2), where 16 took 5 by themselves.
 */
#define FLUSH_EACH_MAX 64
#define FLUSH_THREADS 8

struct blob_path
blob_dir_path(uint64_t id)
{
	struct blob_path path;

	snprintf(path.text, sizeof(path.text), "%llx",
		(unsigned long long)(id / BLOB_IDS_PER_DIR));
	return path;
}

struct blob_path
blob_file_path(uint64_t id)
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
	if (!is_read_only)
		blobs->cache = blob_cache_create();
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
	blob_cache_free(&blobs->cache);
	close(blobs->dir_fd);
	mutex_destroy(&blobs->lock);
	free(blobs);
}

static enum store_err
create_file(struct blobs *blobs, uint64_t id, int *out)
{
	struct blob_path path = blob_file_path(id);
	int fd = owner_openat(blobs->dir_fd, path.text, O_RDWR | O_EXCL);
	if (fd < 0 && errno == ENOENT) {
		struct blob_path dir = blob_dir_path(id);

		if (owner_mkdirat(blobs->dir_fd, dir.text) && errno != EEXIST)
			return error_from_errno(errno);
		fd = owner_openat(blobs->dir_fd, path.text, O_RDWR | O_EXCL);
	}
	if (fd < 0)
		return error_from_errno(errno);
	*out = fd;
	return STORE_OK;
}

enum store_err
blob_create(struct blobs *blobs, uint64_t id, int *out)
{
	if (blobs->is_read_only)
		return STORE_READ_ONLY;
	enum store_err err = blob_spare_take(blobs, id, out);
	return err == STORE_NOT_FOUND ? create_file(blobs, id, out) : err;
}

/* Invariant 4. */
static bool
has_name(int dir_fd, const char *path)
{
	return faccessat(dir_fd, path, F_OK, 0) == 0 || errno != ENOENT;
}

bool
blob_has_writer(struct blobs *blobs, uint64_t id)
{
	struct blob_path path = blob_file_path(id);
	int fd = openat(blobs->dir_fd, path.text,
		O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd < 0)
		return false;
	/* A read lease is refused while there is one: fcntl(2).  Who opens the
	 * file meanwhile has us told by a signal that is ignored. */
	bool has_writer = !fcntl(fd, F_SETSIG, SIGURG) &&
			  fcntl(fd, F_SETLEASE, F_RDLCK) && errno == EAGAIN;
	close(fd); /* and the lease with it */
	return has_writer;
}

enum store_err
blob_link(struct blobs *from, uint64_t id, struct blobs *to)
{
	struct blob_path path = blob_file_path(id);
	struct blob_path dir = blob_dir_path(id);

	if (to->is_read_only)
		return STORE_READ_ONLY;
	if (owner_mkdirat(to->dir_fd, dir.text) && errno != EEXIST)
		return error_from_errno(errno);
	if (linkat(from->dir_fd, path.text, to->dir_fd, path.text, 0))
		return error_from_errno(errno);
	if (has_name(from->dir_fd, path.text))
		return STORE_OK;
	(void)unlinkat(to->dir_fd, path.text, 0);
	return STORE_NOT_FOUND;
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
	struct blob_path path = blob_file_path(id);
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
	if (!has_name(job.dir_fd, job.path)) {
		(void)close(job.fd);
		return STORE_NOT_FOUND;
	}
	*out = job.fd;
	return STORE_OK;
}

enum store_err
blob_open_shared(struct blobs *blobs, uint64_t id, int *fd, uint64_t *size)
{
	struct stat stat;

	*fd = blob_cache_take(blobs->cache, id, size);
	if (*fd >= 0)
		return STORE_OK;
	enum store_err err = blob_open(blobs, id, O_RDONLY, fd);
	if (err)
		return err;
	if (fstat(*fd, &stat)) {
		err = error_from_errno(errno);
		close(*fd);
		*fd = -1;
		return err;
	}
	*size = (uint64_t)stat.st_size;
	blob_cache_keep(blobs->cache, id, *fd, *size);
	return STORE_OK;
}

void
blob_expire(struct blobs *blobs)
{
	blob_cache_expire(blobs->cache, clock_monotonic_ms());
}

bool
blob_may_have_size(struct blobs *blobs, uint64_t size)
{
	if (size > INT64_MAX)
		return false;
	int fd = openat(blobs->dir_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC,
		0600);
	if (fd < 0)
		return true;
	/* No position is beyond the largest size: EINVAL. */
	bool may = lseek(fd, (off_t)size, SEEK_SET) >= 0;
	(void)close(fd);
	return may;
}

enum store_err
blob_stat(struct blobs *blobs, uint64_t id, struct stat *out)
{
	struct blob_path path = blob_file_path(id);

	if (fstatat(blobs->dir_fd, path.text, out, AT_SYMLINK_NOFOLLOW))
		return error_from_errno(errno);
	return STORE_OK;
}

struct remove_job {
	struct blobs *blobs;
	uint64_t id;
	int error;
};

static void
run_remove(void *arg)
{
	struct remove_job *job = arg;
	struct blob_path path = blob_file_path(job->id);

	job->error = unlinkat(job->blobs->dir_fd, path.text, 0) ? errno : 0;
	/* After it: nobody can open the file, and so keep it, any more. */
	blob_cache_drop(job->blobs->cache, job->id);
}

enum store_err
blob_remove(struct blobs *blobs, uint64_t id)
{
	struct remove_job job = {.blobs = blobs, .id = id};

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

/* Also what cannot be opened, to be flushed by itself. */
static enum store_err
flush_all(struct blobs *blobs)
{
	struct sync_job job = {.fd = blobs->dir_fd};

	io_run_blocking(run_syncfs, &job);
	return job.error ? error_from_errno(job.error) : STORE_OK;
}

/* Flushes a directory of data files; one that is not there needs none. */
static enum store_err
flush_dir(struct blobs *blobs, uint64_t dir, bool *is_there)
{
	struct blob_path path = blob_dir_path(dir * BLOB_IDS_PER_DIR);
	int fd = openat(blobs->dir_fd, path.text,
		O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	*is_there = fd >= 0;
	if (fd < 0)
		return errno == ENOENT ? STORE_OK : flush_all(blobs);
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

static bool
is_known_file(struct blobs *blobs, uint64_t id)
{
	mutex_scoped(&blobs->lock);

	return blobs->known_files[id % BLOB_KNOWN_FILES] == id;
}

static void
remember_files(struct blobs *blobs, const uint64_t *ids, size_t count)
{
	mutex_scoped(&blobs->lock);

	for (size_t i = 0; i < count; i++)
		blobs->known_files[ids[i] % BLOB_KNOWN_FILES] = ids[i];
}

/* Invariant 3: takes out the files whose names are durable; gives how many
 * are left. */
static size_t
leave_out_known(struct blobs *blobs, uint64_t *ids, size_t count)
{
	size_t left = 0;

	for (size_t i = 0; i < count; i++) {
		if (!is_known_file(blobs, ids[i]))
			ids[left++] = ids[i];
	}
	return left;
}

int
blob_compare_ids(const void *a, const void *b)
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

/* Files that several threads flush, each taking the next that is left. */
struct flush_batch {
	int fds[FLUSH_EACH_MAX]; /* -1: the blob does not exist */
	size_t count;
	atomic_size_t next;
	atomic_int error; /* of the first that failed */
};

static void
run_flush(void *arg)
{
	struct flush_batch *batch = arg;
	size_t i = atomic_fetch_add(&batch->next, 1);

	for (; i < batch->count; i = atomic_fetch_add(&batch->next, 1)) {
		int none = 0;

		if (batch->fds[i] >= 0 && fdatasync(batch->fds[i]))
			atomic_compare_exchange_strong(&batch->error, &none,
				errno);
	}
}

/* Opens those that exist, and sets their pages on the way to the disk, so that
 * whoever flushes one file does not wait for the next one's to begin.  False
 * where one cannot be opened. */
static bool
open_each(struct blobs *blobs, const uint64_t *ids, size_t count,
	struct flush_batch *batch)
{
	for (size_t i = 0; i < count; i++) {
		int *fd = &batch->fds[i];
		enum store_err err = blob_open(blobs, ids[i], O_RDONLY, fd);

		if (err && err != STORE_NOT_FOUND)
			return false;
		batch->count = i + 1;
		if (err)
			*fd = -1;
		else
			io_start_flush(*fd, 0, 0);
	}
	return true;
}

/* Side by side: the kernel makes one journal commit and one flush of the disk's
 * cache serve for many.  More threads than that get in each other's way. */
static enum store_err
flush_batch(struct blobs *blobs, struct flush_batch *batch)
{
	struct helper_job jobs[FLUSH_THREADS];
	size_t wanted =
		batch->count < FLUSH_THREADS ? batch->count : FLUSH_THREADS;
	size_t helpers = 0;

	/* This thread does its share; but not if it is a loop's. */
	if (!fiber_current())
		wanted--;
	while (helpers < wanted) {
		jobs[helpers] = (struct helper_job){
			.run = run_flush,
			.arg = batch,
		};
		event_init(&jobs[helpers].done);
		if (!helper_pool_submit(blobs->helpers, &jobs[helpers]))
			break;
		helpers++;
	}
	if (!fiber_current() || helpers == 0)
		run_flush(batch);
	for (size_t i = 0; i < helpers; i++)
		event_wait(&jobs[i].done);
	int error = atomic_load(&batch->error);
	return error ? error_from_errno(error) : STORE_OK;
}

struct dirs_job {
	struct blobs *blobs;
	uint64_t ids[FLUSH_EACH_MAX]; /* sorted: files with no durable name */
	size_t count;
	enum store_err err;
};

static void
run_dirs_job(void *arg)
{
	struct dirs_job *job = arg;

	job->err = flush_dirs(job->blobs, job->ids, job->count);
}

static enum store_err
flush_each(struct blobs *blobs, const uint64_t *ids, size_t count)
{
	struct flush_batch batch = {.count = 0};
	struct dirs_job dirs = {.blobs = blobs, .count = count};
	struct helper_job job = {
		.run = run_dirs_job,
		.arg = &dirs,
		.done = EVENT_INIT,
	};

	memcpy(dirs.ids, ids, count * sizeof(*ids));
	qsort(dirs.ids, count, sizeof(*dirs.ids), blob_compare_ids);
	bool are_open = open_each(blobs, dirs.ids, count, &batch);
	dirs.count = leave_out_known(blobs, dirs.ids, count);
	/* Names are flushed while data is. */
	bool is_aside = dirs.count > 0 && !fiber_current() &&
			helper_pool_submit(blobs->helpers, &job);
	enum store_err err =
		are_open ? flush_batch(blobs, &batch) : flush_all(blobs);
	if (is_aside)
		event_wait(&job.done);
	else
		run_dirs_job(&dirs);
	for (size_t i = 0; i < batch.count; i++) {
		if (batch.fds[i] >= 0)
			close(batch.fds[i]);
	}
	if (err || dirs.err)
		return err ? err : dirs.err;
	remember_files(blobs, dirs.ids, dirs.count);
	return STORE_OK;
}

enum store_err
blob_flush(struct blobs *blobs, const uint64_t *ids, size_t count)
{
	if (count == 0)
		return STORE_OK;
	return count <= FLUSH_EACH_MAX ? flush_each(blobs, ids, count)
				       : flush_all(blobs);
}

enum store_err
blob_flush_removed(struct blobs *blobs, const uint64_t *ids, size_t count)
{
	return flush_dirs(blobs, ids, count);
}
