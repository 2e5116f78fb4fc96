/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 1. A blob's name is never used again, so what a path leads to is either
 *    that blob or nothing.
 * 2. Paths are walked from the data directory's descriptor.  There is no
 *    cache of the directories below it: the kernel's own makes two components
 *    cost no more than a descriptor looked up under a lock.
 * 3. Who has opened a file, or made a link to it, then looks whether its name
 *    is still there.  If it is not, the file may be on its way to another blob:
 *    blob_spare.c, invariant 1.
 */
#include "store/data/blob.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <signal.h>
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

/* Invariant 3. */
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

int
blob_compare_ids(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a;
	uint64_t y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}
