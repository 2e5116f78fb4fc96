/* SPDX-License-Identifier: Apache-2.0 */
#include "store/shared_private.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <stddef.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "store/base/io.h"
#include "store/base/log.h"
#include "store/base/owner.h"

#define MAGIC 0x7461726e73680003ull /* "tarnsh", layout 3 */

_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "words are shared by processes");
_Static_assert(sizeof(struct shared_listener) == 24, "layout 3");
_Static_assert(offsetof(struct shared, listener) == 64, "layout 3");
_Static_assert(offsetof(struct shared, spares) == 1600, "layout 3");
_Static_assert(offsetof(struct shared, cuts) == 263752, "layout 3");

static enum store_err
lock(int fd, int how)
{
	while (flock(fd, how)) {
		if (errno == EWOULDBLOCK)
			return STORE_BUSY;
		if (errno != EINTR)
			return error_from_errno(errno);
	}
	return STORE_OK;
}

static uint64_t
own_pid_namespace(void)
{
	struct stat stat_of_it;

	return stat("/proc/self/ns/pid", &stat_of_it)
		       ? 0
		       : (uint64_t)stat_of_it.st_ino;
}

/* Nobody else has it. */
static enum store_err
begin_afresh(int fd)
{
	const uint64_t magic = MAGIC;
	const uint64_t namespace = own_pid_namespace();
	int error = ftruncate(fd, 0) ? errno : 0;

	/* Blocks for all of it: to a map a full disk is a SIGBUS. */
	if (!error)
		error = posix_fallocate(fd, 0, sizeof(struct shared));
	if (error)
		return error_from_errno(error);
	enum store_err err = io_pwrite_all(fd, &namespace, sizeof(namespace),
		offsetof(struct shared, pid_namespace));
	return err ? err
		   : io_pwrite_all(fd, &magic, sizeof(magic),
			     offsetof(struct shared, magic));
}

static enum store_err
attach(int fd, struct shared **out)
{
	enum store_err err = lock(fd, LOCK_EX | LOCK_NB);

	if (!err)
		err = begin_afresh(fd);
	else if (err == STORE_BUSY)
		err = STORE_OK;
	if (!err)
		err = lock(fd, LOCK_SH);
	if (err)
		return err;
	struct shared *shared = mmap(NULL, sizeof(*shared),
		PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (shared == MAP_FAILED)
		return error_from_errno(errno);
	if (shared->magic != MAGIC) {
		log_error("another version of tarn has the store open");
		munmap(shared, sizeof(*shared));
		return STORE_BAD_VERSION;
	}
	uint64_t namespace = own_pid_namespace();
	if (namespace && shared->pid_namespace &&
		shared->pid_namespace != namespace) {
		log_error("the store is open in another PID namespace, as of a "
			  "container: its locks do not hold across them");
		munmap(shared, sizeof(*shared));
		return STORE_BUSY;
	}
	*out = shared;
	return STORE_OK;
}

enum store_err
shared_attach(const char *path, struct shared **out, int *out_fd)
{
	int fd = owner_open(path, O_RDWR);

	if (fd < 0)
		return error_from_errno(errno);
	enum store_err err = attach(fd, out);
	if (err)
		close(fd);
	else
		*out_fd = fd;
	return err;
}

bool
shared_says_failed(const char *path)
{
	uint64_t magic = 0;
	uint32_t has_failed = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	enum store_err err = fd < 0 ? STORE_NOT_FOUND
				    : io_pread_all(fd, &magic, sizeof(magic),
					      offsetof(struct shared, magic));

	if (!err)
		err = io_pread_all(fd, &has_failed, sizeof(has_failed),
			offsetof(struct shared, has_failed));
	if (fd >= 0)
		close(fd);
	return !err && magic == MAGIC && has_failed;
}

void
shared_detach(struct shared **shared, int *fd)
{
	if (!*shared)
		return;
	munmap(*shared, sizeof(**shared));
	close(*fd);
	*shared = NULL;
	*fd = -1;
}

struct wait_job {
	_Atomic(uint32_t) *word;
	uint32_t value;
	int64_t timeout_ms;
};

static void
run_wait(void *arg)
{
	const struct wait_job *job = arg;
	struct timespec timeout = {
		.tv_sec = job->timeout_ms / 1000,
		.tv_nsec = job->timeout_ms % 1000 * 1000000,
	};

	/* Not FUTEX_PRIVATE_FLAG: the others are other processes. */
	syscall(SYS_futex, job->word, FUTEX_WAIT, job->value, &timeout, NULL,
		0);
}

void
shared_wait(_Atomic(uint32_t) *word, uint32_t value, int64_t timeout_ms)
{
	struct wait_job job = {
		.word = word,
		.value = value,
		.timeout_ms = timeout_ms,
	};

	io_run_blocking(run_wait, &job);
}

void
shared_wake(_Atomic(uint32_t) *word)
{
	atomic_fetch_add(word, 1);
	syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}
