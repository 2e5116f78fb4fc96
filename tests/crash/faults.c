/* SPDX-License-Identifier: Apache-2.0 */
/* Which file a descriptor stands for is asked of the kernel at each call:
 * nothing to keep up to date, and only calls of the kind that is to fail pay
 * for it. */
/* Else open() here would be another name for open64(), or be inline. */
#undef _FILE_OFFSET_BITS
#undef _FORTIFY_SOURCE
#include "tests/crash/faults.h"

#include <assert.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/* The C library's, as we define them. */
int open(const char *path, int flags, ...);
int openat(int dir, const char *path, int flags, ...);
ssize_t pread(int fd, void *to, size_t len, off_t offset);
ssize_t pwrite(int fd, const void *from, size_t len, off_t offset);
ssize_t pwritev(int fd, const struct iovec *vector, int count, off_t offset);
ssize_t writev(int fd, const struct iovec *vector, int count);
ssize_t sendfile(int to, int from, off_t *offset, size_t len);
int posix_fallocate(int fd, off_t offset, off_t len);
int renameat2(int old_dir, const char *old_path, int new_dir,
	const char *new_path, unsigned int flags);

/* Aliases, by which programs with 64-bit offsets call the same. */
#define ALIAS(name, of) extern __typeof__(of) name __attribute__((alias(#of)))

static struct faults *faults; /* NULL: not begun */

/* --- which call fails ------------------------------------------------------
 */

static bool
is_counted(enum faults_kind kind)
{
	return faults && atomic_load(&faults->kind) == kind;
}

static void
note_first(const char *file)
{
	size_t len = strlen(file);
	size_t room = sizeof(faults->file) - 1;

	prctl(PR_GET_NAME, faults->thread);
	snprintf(faults->file, sizeof(faults->file), "%s",
		len > room ? file + len - room : file);
}

/* One more of the kind; true where it is to fail. */
static bool
strikes(const char *file)
{
	uint64_t number = atomic_fetch_add(&faults->seen, 1) + 1;
	uint64_t at = atomic_load(&faults->at);

	if (!at || number < at || (number > at && !atomic_load(&faults->lasts)))
		return false;
	if (atomic_fetch_add(&faults->hits, 1) == 0)
		note_first(file);
	return true;
}

static bool
is_below_root(const char *path)
{
	size_t len = strlen(faults->root);

	return strncmp(path, faults->root, len) == 0 &&
	       (path[len] == '/' || path[len] == '\0');
}

static bool
is_ours(int fd, char path[PATH_MAX])
{
	char link[40];

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	ssize_t len = readlink(link, path, PATH_MAX - 1);
	path[len < 0 ? 0 : len] = '\0';
	return len > 0 && is_below_root(path);
}

static bool
fd_fails(enum faults_kind kind, int fd)
{
	char path[PATH_MAX];

	return is_counted(kind) && is_ours(fd, path) && strikes(path);
}

/* The engine names its files by whole paths, or from its own directories. */
static bool
path_fails(enum faults_kind kind, int dir, const char *path)
{
	char above[PATH_MAX];

	if (!is_counted(kind))
		return false;
	bool is_below = path[0] == '/' ? is_below_root(path)
				       : dir != AT_FDCWD && is_ours(dir, above);
	return is_below && strikes(path);
}

/* For calls that cannot be done by half. */
static int
refuse(void)
{
	uint64_t error = atomic_load(&faults->error);

	errno = error ? (int)error : EIO;
	return -1;
}

/* --- opening and names -----------------------------------------------------
 */

static int
open_any(int dir, const char *path, int flags, int mode)
{
	enum faults_kind kind =
		flags & (O_CREAT | O_TRUNC) ? FAULTS_WRITE : FAULTS_READ;

	if (path_fails(kind, dir, path))
		return refuse();
	return (int)syscall(SYS_openat, dir, path, flags, mode);
}

static int
mode_from(int flags, va_list args)
{
	return flags & (O_CREAT | O_TMPFILE) ? va_arg(args, int) : 0;
}

int
open(const char *path, int flags, ...)
{
	va_list args;

	va_start(args, flags);
	int mode = mode_from(flags, args);
	va_end(args);
	return open_any(AT_FDCWD, path, flags, mode);
}
ALIAS(open64, open);

int
openat(int dir, const char *path, int flags, ...)
{
	va_list args;

	va_start(args, flags);
	int mode = mode_from(flags, args);
	va_end(args);
	return open_any(dir, path, flags, mode);
}
ALIAS(openat64, openat);

int
mkdirat(int dir, const char *path, mode_t mode)
{
	if (path_fails(FAULTS_WRITE, dir, path))
		return refuse();
	return (int)syscall(SYS_mkdirat, dir, path, mode);
}

int
mkdir(const char *path, mode_t mode)
{
	return mkdirat(AT_FDCWD, path, mode);
}

int
unlinkat(int dir, const char *path, int flags)
{
	if (path_fails(FAULTS_WRITE, dir, path))
		return refuse();
	return (int)syscall(SYS_unlinkat, dir, path, flags);
}

int
unlink(const char *path)
{
	return unlinkat(AT_FDCWD, path, 0);
}

int
rename(const char *old_path, const char *new_path)
{
	if (path_fails(FAULTS_WRITE, AT_FDCWD, new_path))
		return refuse();
	return (int)syscall(SYS_rename, old_path, new_path);
}

int
renameat2(int old_dir, const char *old_path, int new_dir, const char *new_path,
	unsigned int flags)
{
	if (path_fails(FAULTS_WRITE, new_dir, new_path))
		return refuse();
	return (int)syscall(SYS_renameat2, old_dir, old_path, new_dir, new_path,
		flags);
}

int
renameat(int old_dir, const char *old_path, int new_dir, const char *new_path)
{
	return renameat2(old_dir, old_path, new_dir, new_path, 0);
}

/* --- bytes -----------------------------------------------------------------
 */

/* What of a write that fails is done all the same: nothing, or half. */
static size_t
half_of(size_t len)
{
	return atomic_load(&faults->error) == 0 ? len / 2 : 0;
}

ssize_t
pwrite(int fd, const void *from, size_t len, off_t offset)
{
	if (fd_fails(FAULTS_WRITE, fd)) {
		len = half_of(len);
		if (len == 0)
			return refuse();
	}
	return syscall(SYS_pwrite64, fd, from, len, offset);
}
ALIAS(pwrite64, pwrite);

ssize_t
write(int fd, const void *from, size_t len)
{
	if (fd_fails(FAULTS_WRITE, fd)) {
		len = half_of(len);
		if (len == 0)
			return refuse();
	}
	return syscall(SYS_write, fd, from, len);
}

ssize_t
writev(int fd, const struct iovec *vector, int count)
{
	if (fd_fails(FAULTS_WRITE, fd)) {
		count = (int)half_of((size_t)count);
		if (count == 0)
			return refuse();
	}
	return syscall(SYS_writev, fd, vector, count);
}

ssize_t
pwritev(int fd, const struct iovec *vector, int count, off_t offset)
{
	if (fd_fails(FAULTS_WRITE, fd)) {
		count = (int)half_of((size_t)count);
		if (count == 0)
			return refuse();
	}
	return syscall(SYS_pwritev, fd, vector, count, offset, 0);
}
ALIAS(pwritev64, pwritev);

ssize_t
pread(int fd, void *to, size_t len, off_t offset)
{
	if (fd_fails(FAULTS_READ, fd))
		return refuse();
	return syscall(SYS_pread64, fd, to, len, offset);
}
ALIAS(pread64, pread);

ssize_t
read(int fd, void *to, size_t len)
{
	if (fd_fails(FAULTS_READ, fd))
		return refuse();
	return syscall(SYS_read, fd, to, len);
}

ssize_t
sendfile(int to, int from, off_t *offset, size_t len)
{
	if (fd_fails(FAULTS_READ, from))
		return refuse();
	return syscall(SYS_sendfile, to, from, offset, len);
}
ALIAS(sendfile64, sendfile);

ssize_t
copy_file_range(int from, off_t *from_at, int to, off_t *to_at, size_t len,
	unsigned int flags)
{
	if (fd_fails(FAULTS_WRITE, to) || fd_fails(FAULTS_READ, from))
		return refuse();
	return syscall(SYS_copy_file_range, from, from_at, to, to_at, len,
		flags);
}

int
ftruncate(int fd, off_t size)
{
	if (fd_fails(FAULTS_WRITE, fd))
		return refuse();
	return (int)syscall(SYS_ftruncate, fd, size);
}
ALIAS(ftruncate64, ftruncate);

int
fallocate(int fd, int mode, off_t offset, off_t len)
{
	if (fd_fails(FAULTS_WRITE, fd))
		return refuse();
	return (int)syscall(SYS_fallocate, fd, mode, offset, len);
}
ALIAS(fallocate64, fallocate);

int
posix_fallocate(int fd, off_t offset, off_t len)
{
	return fallocate(fd, 0, offset, len) ? errno : 0;
}
ALIAS(posix_fallocate64, posix_fallocate);

/* --- flushes ---------------------------------------------------------------
 */

static _Atomic(uint64_t) *
place_of(const struct stat *st)
{
	return &faults->flushed[st->st_ino % FAULTS_FLUSHED_MAX];
}

/* Data alone: what the tables lose is power_cut's. */
static void
lose_bytes(int fd)
{
	struct stat st;
	char path[PATH_MAX];

	if (fstat(fd, &st) || !S_ISREG(st.st_mode) ||
		atomic_load(place_of(&st)) == st.st_ino)
		return;
	if (is_ours(fd, path) && strstr(path, "/data/"))
		(void)syscall(SYS_truncate, path, (off_t)0);
}

static int
flush(int fd, long call)
{
	struct stat st;

	if (fd_fails(FAULTS_FLUSH, fd)) {
		lose_bytes(fd);
		return refuse();
	}
	int rc = (int)syscall(call, fd);
	if (rc == 0 && faults && !fstat(fd, &st))
		atomic_store(place_of(&st), st.st_ino);
	return rc;
}

int
fsync(int fd)
{
	return flush(fd, SYS_fsync);
}

int
fdatasync(int fd)
{
	return flush(fd, SYS_fdatasync);
}

int
syncfs(int fd)
{
	return flush(fd, SYS_syncfs);
}

/* --- what goes through a ring ----------------------------------------------
 */

/* A descriptor on which the kernel itself gives that error. */
static int
bad_fd(uint64_t error)
{
	static _Atomic(int) full_fd = -1;
	static _Atomic(int) io_fd = -1;
	_Atomic(int) *fd = error == ENOSPC ? &full_fd : &io_fd;
	int none = -1;

	if (atomic_load(fd) >= 0)
		return atomic_load(fd);
	/* Nothing is mapped at address 0. */
	int made = (int)syscall(SYS_openat, AT_FDCWD,
		error == ENOSPC ? "/dev/full" : "/proc/self/mem",
		O_RDWR | O_CLOEXEC, 0);
	if (!atomic_compare_exchange_strong(fd, &none, made))
		syscall(SYS_close, made);
	return atomic_load(fd);
}

static void
spoil_entry(struct io_uring_sqe *entry)
{
	enum faults_kind kind =
		entry->opcode == IORING_OP_READ	   ? FAULTS_READ
		: entry->opcode == IORING_OP_WRITE ? FAULTS_WRITE
		: entry->opcode == IORING_OP_FSYNC ? FAULTS_FLUSH
						   : FAULTS_NONE;

	if (kind == FAULTS_NONE || !fd_fails(kind, entry->fd))
		return;
	uint64_t error = atomic_load(&faults->error);
	if (kind == FAULTS_WRITE && error == 0) {
		entry->len = (entry->len + 1) / 2;
		return;
	}
	if (kind == FAULTS_FLUSH) {
		lose_bytes(entry->fd);
		entry->fd = -1;
		return;
	}
	entry->fd = bad_fd(error);
	entry->off = 0;
}

static void
spoil_entries(struct io_uring *ring)
{
	struct io_uring_sq *queue = &ring->sq;

	if (!faults || !atomic_load(&faults->kind))
		return;
	for (unsigned int i = queue->sqe_head; i != queue->sqe_tail; i++)
		spoil_entry(&queue->sqes[i & *queue->kring_mask]);
}

/* The library's own. */
#define REAL(name) ((__typeof__(&(name)))dlsym(RTLD_NEXT, #name))

int
io_uring_submit_and_get_events(struct io_uring *ring)
{
	spoil_entries(ring);
	return REAL(io_uring_submit_and_get_events)(ring);
}

int
io_uring_submit_and_wait(struct io_uring *ring, unsigned int count)
{
	spoil_entries(ring);
	return REAL(io_uring_submit_and_wait)(ring, count);
}

int
io_uring_submit_and_wait_timeout(struct io_uring *ring,
	struct io_uring_cqe **first, unsigned int count,
	struct __kernel_timespec *timeout, sigset_t *mask)
{
	spoil_entries(ring);
	return REAL(io_uring_submit_and_wait_timeout)(ring, first, count,
		timeout, mask);
}

/* --- the clock -------------------------------------------------------------
 */

int
clock_gettime(clockid_t id, struct timespec *out)
{
	int rc = (int)syscall(SYS_clock_gettime, id, out);

	if (rc == 0 && id == CLOCK_REALTIME && faults) {
		int64_t ns = out->tv_nsec + atomic_load(&faults->clock_ns);

		out->tv_sec += ns / 1000000000;
		out->tv_nsec = ns % 1000000000;
		if (out->tv_nsec < 0) {
			out->tv_nsec += 1000000000;
			out->tv_sec--;
		}
	}
	return rc;
}

/* --- orders ----------------------------------------------------------------
 */

struct faults *
faults_begin(const char *root)
{
	struct faults *made = mmap(NULL, sizeof(*made), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert(made != MAP_FAILED);
	*made = (struct faults){.magic = FAULTS_MAGIC};
	snprintf(made->root, sizeof(made->root), "%s", root);
	faults = made;
	return made;
}

void
faults_arm(struct faults *to, enum faults_kind kind, uint64_t at, int error,
	int lasts)
{
	faults_disarm(to);
	atomic_store(&to->seen, 0);
	atomic_store(&to->hits, 0);
	atomic_store(&to->at, at);
	atomic_store(&to->error, (uint64_t)error);
	atomic_store(&to->lasts, (uint64_t)lasts);
	atomic_store(&to->kind, kind);
}

void
faults_disarm(struct faults *to)
{
	atomic_store(&to->kind, FAULTS_NONE);
}

/* In a program that was started with this in LD_PRELOAD. */
__attribute__((constructor)) static void
take_orders(void)
{
	const char *path = getenv("TARN_FAULTS");

	if (!path)
		return;
	int fd =
		(int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0);
	struct faults *map = mmap(NULL, sizeof(*map), PROT_READ | PROT_WRITE,
		MAP_SHARED, fd, 0);
	if (fd < 0 || map == MAP_FAILED || map->magic != FAULTS_MAGIC)
		abort();
	syscall(SYS_close, fd);
	faults = map;
}
