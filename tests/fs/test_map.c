/* SPDX-License-Identifier: Apache-2.0 */
/* What the times of a file say of stores through a map of it. */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "tests/fs/needs_mount.h"

#define SIZE 4096

/* Begins its life a minute ago, as far as its times tell. */
static void
set_back(int fd)
{
	struct stat stat;
	struct timespec times[2];

	cr_assert(not(fstat(fd, &stat)));
	times[0] = times[1] = stat.st_mtim;
	times[0].tv_sec -= 60;
	times[1].tv_sec -= 60;
	cr_assert(not(futimens(fd, times)));
}

static struct timespec
mtime_of(const char *path)
{
	struct stat stat;

	cr_assert(not(lstat(path, &stat)));
	return stat.st_mtim;
}

static bool
has_moved(const struct timespec *was, const struct timespec *now)
{
	return now->tv_sec > was->tv_sec ||
	       (now->tv_sec == was->tv_sec && now->tv_nsec > was->tv_nsec);
}

/* fd: of the file, open to be read and written. */
static void
expect_told(const char *path, int fd)
{
	set_back(fd);
	char *bytes =
		mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	cr_assert(bytes != MAP_FAILED);
	struct timespec before = mtime_of(path);
	bytes[0] = 'x';
	struct timespec stored = mtime_of(path);

	cr_expect(has_moved(&before, &stored));
	cr_assert(not(munmap(bytes, SIZE)));
}

Test(map, a_store_into_a_new_file_is_told_at_once)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();
	const char *path = temp_mount_at(&temp, "f");

	int fd = open(path, O_RDWR | O_CREAT, 0644);
	cr_assert(not(ftruncate(fd, SIZE)));
	expect_told(path, fd);
	cr_assert(not(close(fd)));
}

Test(map, a_store_into_an_old_file_is_told_at_once)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();
	const char *path = temp_mount_at(&temp, "f");

	int fd = open(path, O_WRONLY | O_CREAT, 0644);
	cr_assert(not(ftruncate(fd, SIZE)));
	cr_assert(not(close(fd)));
	/* So that the kernel has the times. */
	(void)mtime_of(path);
	fd = open(path, O_RDWR);
	expect_told(path, fd);
	cr_assert(not(close(fd)));
	/* And kept again by the kernel, but not those of before. */
	fd = open(path, O_RDWR);
	expect_told(path, fd);
	cr_assert(not(close(fd)));
}

/* What the kernel had of its times when it was opened is not kept. */
Test(map, a_store_is_told_without_any_other_change)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();
	const char *path = temp_mount_at(&temp, "f");

	int fd = open(path, O_WRONLY | O_CREAT, 0644);
	cr_assert(not(ftruncate(fd, SIZE)));
	set_back(fd);
	cr_assert(not(close(fd)));
	struct timespec before = mtime_of(path);
	fd = open(path, O_RDWR);
	char *bytes =
		mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	cr_assert(bytes != MAP_FAILED);
	bytes[0] = 'x';
	struct timespec stored = mtime_of(path);

	cr_expect(has_moved(&before, &stored));
	cr_assert(not(munmap(bytes, SIZE)));
	cr_assert(not(close(fd)));
}

Test(map, a_touch_sets_both_times_to_the_same)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();
	const char *path = temp_mount_at(&temp, "f");
	struct stat stat;

	temp_mount_write(&temp, "f", "text");
	cr_assert(not(utimensat(AT_FDCWD, path, NULL, 0)));
	cr_assert(not(lstat(path, &stat)));
	cr_expect(eq(i64, stat.st_atim.tv_sec, stat.st_mtim.tv_sec));
	cr_expect(eq(i64, stat.st_atim.tv_nsec, stat.st_mtim.tv_nsec));
}
