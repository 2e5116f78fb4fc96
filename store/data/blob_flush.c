/* SPDX-License-Identifier: Apache-2.0 */
/*
 * blob_flush() flushes the directories of all blobs it is given, not only of
 * those this process created: another one may have.  It leaves out those whose
 * names it has flushed before: a segment is flushed again and again.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/base/fiber.h"
#include "store/base/helper.h"
#include "store/base/io.h"
#include "store/base/mutex.h"
#include "store/data/blob.h"
#include "store/data/blob_private.h"

/*
 * From here on one syncfs(2) is cheaper than a flush each.  It also writes what
 * has nothing to do with us: beside 200 MB of dirty pages 65 blobs took 50 ms
 * by syncfs(2), where 16 took 5 by themselves.
 */
#define FLUSH_EACH_MAX 64
#define FLUSH_THREADS 8

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

/* Takes out the files whose names are durable; gives how many
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
