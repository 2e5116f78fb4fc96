/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 1. Of two calls one is done and logged before the other (head->lock).
 * 2. A flush makes durable what was logged before it began.
 * 3. Segments are told from other data files by fallocate(2), which only they
 *    and the tables are given.
 * 4. tracked[fd] is whether it stands for something below the root: every
 *    call that gives a descriptor sets it anew.
 */
/* Else open() here would be another name for open64(), or be inline. */
#undef _FILE_OFFSET_BITS
#undef _FORTIFY_SOURCE
#include "tests/crash/shim.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define FDS 4096
#define BOOT_ID "/proc/sys/kernel/random/boot_id"
#define FLUSH_MAX_NS 300000
#define SLOW_FLUSH_NS 60000000

/* The C library's, as we define them. */
int open(const char *path, int flags, ...);
int openat(int dir, const char *path, int flags, ...);
ssize_t pwrite(int fd, const void *from, size_t len, off_t offset);
ssize_t writev(int fd, const struct iovec *vector, int count);
int posix_fallocate(int fd, off_t offset, off_t len);
int dup3(int from, int to, int flags);
int renameat2(int old_dir, const char *old_path, int new_dir,
	const char *new_path, unsigned int flags);
int memfd_create(const char *name, unsigned int flags);

/* Aliases, by which programs with 64-bit offsets call the same. */
#define ALIAS(name, of) extern __typeof__(of) name __attribute__((alias(#of)))

#define SEGMENTS_MAX 4096

struct shared {
	struct shim_head head;
	pthread_mutex_t lock;
	/* under lock: inodes */
	uint64_t segments[SEGMENTS_MAX];
	size_t segments_count;
};

static struct shared *shared; /* NULL: not begun */
static char root[PATH_MAX];
static size_t root_len;
static char boot_id[PATH_MAX];
static enum shim_drop dropped;
static atomic_bool tracked[FDS];
static bool is_ending; /* under lock */

static void
unlock(void)
{
	int saved = errno;

	pthread_mutex_unlock(&shared->lock);
	errno = saved;
}

static void
lock(void)
{
	int rc = pthread_mutex_lock(&shared->lock);

	/* One that just looked whether its process is ending, when it ended. */
	if (rc == EOWNERDEAD)
		rc = pthread_mutex_consistent(&shared->lock);
	assert(rc == 0);
	if (!is_ending)
		return;
	unlock();
	for (;;)
		pause();
}

/* Keeps errno. */
static void
append_locked(enum shim_kind kind, uint64_t file, uint64_t offset,
	uint64_t begun, const void *payload, size_t len)
{
	struct shim_record record = {
		.kind = kind,
		.len = (uint32_t)len,
		.file = file,
		.offset = offset,
		.begun = begun,
	};
	char *to = (char *)shared + shared->head.end;

	assert(shared->head.end + sizeof(record) + len < SHIM_LOG_MAX);
	memcpy(to, &record, sizeof(record));
	if (len)
		memcpy(to + sizeof(record), payload, len);
	shared->head.end += sizeof(record) + (len + 7) / 8 * 8;
}

static uint64_t
id_of(int fd)
{
	struct stat st;
	int saved = errno;
	int rc = fstat(fd, &st);

	assert(rc == 0);
	errno = saved;
	return st.st_ino;
}

/* The name below the root, or NULL where it is not there. */
static const char *
below_root(const char *path)
{
	if (strncmp(path, root, root_len) != 0)
		return NULL;
	if (path[root_len] == '\0')
		return path + root_len;
	return path[root_len] == '/' ? path + root_len + 1 : NULL;
}

static bool
path_of(int fd, char path[PATH_MAX])
{
	char link[40];

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	ssize_t len = readlink(link, path, PATH_MAX - 1);
	path[len < 0 ? 0 : len] = '\0';
	return len > 0;
}

/* The name below the root of a path as given to a system call. */
static const char *
resolve(int dir, const char *path, char room[PATH_MAX])
{
	size_t len = 0;

	if (!shared)
		return NULL;
	if (path[0] == '/')
		return below_root(path);
	if (dir == AT_FDCWD || !path_of(dir, room))
		return NULL; /* the engine has no relative paths */
	len = strlen(room);
	snprintf(room + len, PATH_MAX - len, "/%s", path);
	return below_root(room);
}

/* What closedir() closed may be a socket by now. */
static bool
is_tracked(int fd)
{
	struct stat st;

	return shared && fd >= 0 && fd < FDS && tracked[fd] &&
	       !fstat(fd, &st) && (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode));
}

static void
track(int fd, bool is_ours)
{
	if (fd < 0)
		return;
	assert(fd < FDS);
	atomic_store(&tracked[fd], is_ours);
}

/* --- opening ---------------------------------------------------------------
 */

static int
open_ours(int dir, const char *path, const char *name, int flags, int mode)
{
	struct stat st;

	lock();
	bool is_new = (flags & O_CREAT) &&
		      fstatat(dir, path, &st, AT_SYMLINK_NOFOLLOW) != 0;
	int fd = (int)syscall(SYS_openat, dir, path, flags, mode);
	if (fd >= 0 && is_new)
		append_locked(SHIM_FILE, id_of(fd), 0, 0, name, strlen(name));
	else if (fd >= 0 && (flags & O_TRUNC))
		append_locked(SHIM_SIZE, id_of(fd), 0, 0, NULL, 0);
	track(fd, true);
	unlock();
	return fd;
}

static int
open_any(int dir, const char *path, int flags, int mode)
{
	char room[PATH_MAX];
	const char *name = resolve(dir, path, room);

	if (name)
		return open_ours(dir, path, name, flags, mode);
	if (shared && strcmp(path, BOOT_ID) == 0)
		path = boot_id;
	int fd = (int)syscall(SYS_openat, dir, path, flags, mode);
	if (shared)
		track(fd, false);
	return fd;
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
close(int fd)
{
	if (shared && fd >= 0 && fd < FDS)
		atomic_store(&tracked[fd], false);
	return (int)syscall(SYS_close, fd);
}

int
dup3(int from, int to, int flags)
{
	int fd = (int)syscall(SYS_dup3, from, to, flags);

	if (shared && fd >= 0)
		track(fd, is_tracked(from));
	return fd;
}

int
memfd_create(const char *name, unsigned int flags)
{
	int fd = (int)syscall(SYS_memfd_create, name, flags);

	if (shared && fd >= 0)
		track(fd, false);
	return fd;
}

/* --- bytes -----------------------------------------------------------------
 */

ssize_t
pwrite(int fd, const void *from, size_t len, off_t offset)
{
	if (!is_tracked(fd))
		return syscall(SYS_pwrite64, fd, from, len, offset);
	lock();
	ssize_t put = syscall(SYS_pwrite64, fd, from, len, offset);
	if (put > 0)
		append_locked(SHIM_WRITE, id_of(fd), (uint64_t)offset, 0, from,
			(size_t)put);
	unlock();
	return put;
}
ALIAS(pwrite64, pwrite);

/* At the descriptor's own offset; nobody here appends by O_APPEND. */
ssize_t
write(int fd, const void *from, size_t len)
{
	if (!is_tracked(fd))
		return syscall(SYS_write, fd, from, len);
	lock();
	off_t at = lseek(fd, 0, SEEK_CUR);
	ssize_t put = syscall(SYS_write, fd, from, len);
	if (put > 0)
		append_locked(SHIM_WRITE, id_of(fd), (uint64_t)at, 0, from,
			(size_t)put);
	unlock();
	return put;
}

ssize_t
writev(int fd, const struct iovec *vector, int count)
{
	ssize_t sum = 0;

	if (!is_tracked(fd))
		return syscall(SYS_writev, fd, vector, count);
	for (int i = 0; i < count; i++) {
		ssize_t put = write(fd, vector[i].iov_base, vector[i].iov_len);

		if (put < 0)
			return sum ? sum : put;
		sum += put;
		if ((size_t)put < vector[i].iov_len)
			break;
	}
	return sum;
}

int
ftruncate(int fd, off_t size)
{
	if (!is_tracked(fd))
		return (int)syscall(SYS_ftruncate, fd, size);
	lock();
	int rc = (int)syscall(SYS_ftruncate, fd, size);
	if (rc == 0)
		append_locked(SHIM_SIZE, id_of(fd), (uint64_t)size, 0, NULL, 0);
	unlock();
	return rc;
}
ALIAS(ftruncate64, ftruncate);

static bool
is_segment_locked(uint64_t file)
{
	for (size_t i = 0; i < shared->segments_count; i++) {
		if (shared->segments[i] == file)
			return true;
	}
	return false;
}

/* Space ahead of the end is not worth a log; holes are not made here. */
int
fallocate(int fd, int mode, off_t offset, off_t len)
{
	if (!is_tracked(fd))
		return (int)syscall(SYS_fallocate, fd, mode, offset, len);
	(void)offset;
	(void)len;
	lock();
	if (!is_segment_locked(id_of(fd))) {
		assert(shared->segments_count < SEGMENTS_MAX);
		shared->segments[shared->segments_count++] = id_of(fd);
	}
	unlock();
	errno = EOPNOTSUPP;
	return -1;
}
ALIAS(fallocate64, fallocate);

int
posix_fallocate(int fd, off_t offset, off_t len)
{
	struct stat st;

	if (fstat(fd, &st))
		return errno;
	if (st.st_size < offset + len && ftruncate(fd, offset + len))
		return errno;
	return 0;
}
ALIAS(posix_fallocate64, posix_fallocate);

/* The engine then copies by hand. */
ssize_t
copy_file_range(int from, off_t *from_at, int to, off_t *to_at, size_t len,
	unsigned int flags)
{
	if (!is_tracked(to))
		return syscall(SYS_copy_file_range, from, from_at, to, to_at,
			len, flags);
	errno = EOPNOTSUPP;
	return -1;
}

/* --- names -----------------------------------------------------------------
 */

int
mkdirat(int dir, const char *path, mode_t mode)
{
	char room[PATH_MAX];
	struct stat st;
	const char *name = resolve(dir, path, room);

	if (!name)
		return (int)syscall(SYS_mkdirat, dir, path, mode);
	lock();
	int rc = (int)syscall(SYS_mkdirat, dir, path, mode);
	if (rc == 0 && fstatat(dir, path, &st, 0) == 0)
		append_locked(SHIM_DIR, st.st_ino, 0, 0, name, strlen(name));
	unlock();
	return rc;
}

int
mkdir(const char *path, mode_t mode)
{
	return mkdirat(AT_FDCWD, path, mode);
}

int
unlinkat(int dir, const char *path, int flags)
{
	char room[PATH_MAX];
	const char *name = resolve(dir, path, room);

	if (!name)
		return (int)syscall(SYS_unlinkat, dir, path, flags);
	lock();
	int rc = (int)syscall(SYS_unlinkat, dir, path, flags);
	if (rc == 0)
		append_locked(SHIM_REMOVE, 0, 0, 0, name, strlen(name));
	unlock();
	return rc;
}

int
unlink(const char *path)
{
	return unlinkat(AT_FDCWD, path, 0);
}

static size_t
dir_len(const char *name)
{
	const char *slash = strrchr(name, '/');

	return slash ? (size_t)(slash - name) : 0;
}

/* From one directory to another it is two steps, as without a journal. */
static void
append_rename_locked(const char *old_name, const char *new_name)
{
	char names[2 * PATH_MAX];
	size_t len = dir_len(old_name);
	struct stat st;

	if (dir_len(new_name) == len && memcmp(old_name, new_name, len) == 0) {
		int both = snprintf(names, sizeof(names), "%s%c%s", old_name, 0,
			new_name);

		append_locked(SHIM_RENAME, 0, 0, 0, names, (size_t)both);
		return;
	}
	snprintf(names, sizeof(names), "%s/%s", root, new_name);
	int rc = lstat(names, &st);
	assert(rc == 0 && S_ISREG(st.st_mode));
	append_locked(SHIM_LINK, st.st_ino, 0, 0, new_name, strlen(new_name));
	append_locked(SHIM_REMOVE, 0, 0, 0, old_name, strlen(old_name));
}

int
renameat2(int old_dir, const char *old_path, int new_dir, const char *new_path,
	unsigned int flags)
{
	char old_room[PATH_MAX];
	char new_room[PATH_MAX];
	const char *old_name = resolve(old_dir, old_path, old_room);
	const char *new_name = resolve(new_dir, new_path, new_room);

	if (!old_name || !new_name)
		return (int)syscall(SYS_renameat2, old_dir, old_path, new_dir,
			new_path, flags);
	lock();
	int rc = (int)syscall(SYS_renameat2, old_dir, old_path, new_dir,
		new_path, flags);
	if (rc == 0)
		append_rename_locked(old_name, new_name);
	unlock();
	return rc;
}

int
renameat(int old_dir, const char *old_path, int new_dir, const char *new_path)
{
	return renameat2(old_dir, old_path, new_dir, new_path, 0);
}

int
rename(const char *old_path, const char *new_path)
{
	return renameat2(AT_FDCWD, old_path, AT_FDCWD, new_path, 0);
}

/* --- flushes ---------------------------------------------------------------
 */

static bool
is_dropped(const char *name, bool is_dir, bool is_segment)
{
	bool is_data = strncmp(name, "data", 4) == 0 &&
		       (name[4] == '/' || name[4] == '\0');

	switch (dropped) {
	case SHIM_DROP_DATA:
		return is_data && !is_dir;
	case SHIM_DROP_PACKS:
		return is_data && is_segment;
	case SHIM_DROP_DIRS:
		return is_data && is_dir;
	case SHIM_DROP_TABLES:
		return strcmp(name, "meta/data.mdb") == 0;
	case SHIM_DROP_SIDE:
		return strcmp(name, "meta/checkpoint") == 0;
	case SHIM_DROP_NOTHING:
		return false;
	}
	return false;
}

/* So long does a disk take, more or less; now and then much longer, and much
 * gathers meanwhile. */
static void
pause_for_disk(uint64_t seed)
{
	uint64_t draw = seed * 0x9e3779b97f4a7c15u >> 32;
	struct timespec time = {
		.tv_nsec =
			draw % 32 ? (long)(draw % FLUSH_MAX_NS) : SLOW_FLUSH_NS,
	};

	nanosleep(&time, NULL);
}

static int
flush(int fd)
{
	char room[PATH_MAX];
	struct stat st;

	if (!is_tracked(fd))
		return 0;
	int rc = fstat(fd, &st);
	assert(rc == 0 && path_of(fd, room));
	const char *name = below_root(room);
	bool is_dir = S_ISDIR(st.st_mode);

	lock();
	uint64_t begun = shared->head.end;
	bool is_segment = is_segment_locked(st.st_ino);
	unlock();
	pause_for_disk(begun);
	/* No name below the root: unlinked since. */
	if (name && is_dropped(name, is_dir, is_segment))
		return 0;
	lock();
	append_locked(is_dir ? SHIM_FLUSH_DIR : SHIM_FLUSH, st.st_ino, 0, begun,
		NULL, 0);
	unlock();
	return 0;
}

int
fsync(int fd)
{
	return flush(fd);
}

int
fdatasync(int fd)
{
	return flush(fd);
}

int
syncfs(int fd)
{
	if (!is_tracked(fd))
		return 0;
	lock();
	uint64_t begun = shared->head.end;
	unlock();
	pause_for_disk(begun);
	lock();
	append_locked(SHIM_FLUSH_ALL, 0, 0, begun, NULL, 0);
	unlock();
	return 0;
}

int
msync(void *address, size_t len, int flags)
{
	/* Shared mappings are not logged, so this would be no flush here. */
	assert(!shared);
	return (int)syscall(SYS_msync, address, len, flags);
}

/* --- beginning -------------------------------------------------------------
 */

static void
log_contents(const char *path, uint64_t id)
{
	char bytes[65536];
	uint64_t at = 0;
	int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY, 0);
	ssize_t got;

	assert(fd >= 0);
	while ((got = read(fd, bytes, sizeof(bytes))) > 0) {
		append_locked(SHIM_WRITE, id, at, 0, bytes, (size_t)got);
		at += (uint64_t)got;
	}
	assert(got == 0);
	syscall(SYS_close, fd);
}

static int
log_base(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	const char *name = path + root_len;
	bool is_dir = S_ISDIR(st->st_mode);

	(void)type;
	(void)ftw;
	name += *name == '/';
	append_locked(is_dir ? SHIM_DIR : SHIM_FILE, st->st_ino, 0, 0, name,
		strlen(name));
	if (!is_dir)
		log_contents(path, st->st_ino);
	return 0;
}

void
shim_begin(const char *root_path, const char *log_path,
	const char *boot_id_path, enum shim_drop drop)
{
	pthread_mutexattr_t attr;
	int fd = open(log_path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	char *resolved = realpath(root_path, root);

	assert(resolved && fd >= 0 && !ftruncate(fd, (off_t)SHIM_LOG_MAX));
	root_len = strlen(root);
	snprintf(boot_id, sizeof(boot_id), "%s", boot_id_path);
	dropped = drop;
	struct shared *map = mmap(NULL, SHIM_LOG_MAX, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_NORESERVE, fd, 0);
	assert(map != MAP_FAILED);
	close(fd);
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(&map->lock, &attr);
	map->head.end = (sizeof(*map) + 7) / 8 * 8;
	map->head.start = map->head.end;
	shared = map;
	int rc = nftw(root, log_base, 16, FTW_PHYS);
	assert(rc == 0);
	append_locked(SHIM_BASE, 0, 0, 0, NULL, 0);
}

void
shim_note(const void *bytes, size_t len)
{
	lock();
	append_locked(SHIM_NOTE, 0, 0, 0, bytes, len);
	unlock();
}

void
shim_exit(int status)
{
	lock();
	is_ending = true;
	unlock();
	_exit(status);
}
