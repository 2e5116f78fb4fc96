/* SPDX-License-Identifier: Apache-2.0 */
/* Set-user-ID and set-group-ID bits, and who takes them away. */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/fs/needs_mount.h"

#define SOMEBODY 1000

static const char *
make(struct temp_mount *temp, mode_t mode)
{
	const char *path = temp_mount_at(temp, "f");

	temp_mount_write(temp, "f", "text");
	cr_assert(not(chmod(path, mode)));
	return path;
}

/* Somebody else may not look a path up. */
static int
dir_for_all(struct temp_mount *temp)
{
	const char *path = temp_mount_at(temp, ".");

	cr_assert(not(chmod(path, 0755)));
	return open(path, O_RDONLY | O_DIRECTORY);
}

static uint32_t
mode_of(const char *path)
{
	struct stat info;

	cr_assert(not(stat(path, &info)));
	return info.st_mode & 07777;
}

static void
write_as(uid_t uid, int fd)
{
	cr_assert(not(seteuid(uid)));
	cr_assert(eq(i64, pwrite(fd, "x", 1, 0), 1));
	cr_assert(not(seteuid(0)));
}

Test(set_id, somebody_who_writes_takes_the_bits_away)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();
	const char *path = make(&temp, 06777);

	int fd = open(path, O_WRONLY);
	write_as(SOMEBODY, fd);

	cr_expect(eq(u32, mode_of(path), 0777));
	cr_assert(not(close(fd)));
}

Test(set_id, somebody_who_writes_by_way_of_the_daemon_does_so_too)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();
	const char *path = make(&temp, 06777);

	/* A small file that is being read is not handed to the kernel. */
	int reader = open(path, O_RDONLY);
	int fd = open(path, O_WRONLY);
	write_as(SOMEBODY, fd);

	cr_expect(eq(u32, mode_of(path), 0777));
	cr_assert(not(close(fd)));
	cr_assert(not(close(reader)));
}

Test(set_id, root_who_writes_leaves_them)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();
	const char *path = make(&temp, 06777);

	int fd = open(path, O_WRONLY);
	write_as(0, fd);

	cr_expect(eq(u32, mode_of(path), 06777));
	cr_assert(not(close(fd)));
}

Test(set_id, somebody_who_truncates_takes_them_away)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();
	const char *path = make(&temp, 06777);

	int fd = open(path, O_WRONLY);
	cr_assert(not(seteuid(SOMEBODY)));
	cr_assert(not(ftruncate(fd, 2)));
	cr_assert(not(seteuid(0)));
	cr_assert(not(close(fd)));

	cr_expect(eq(u32, mode_of(path), 0777));
}

Test(set_id, somebody_who_opens_with_o_trunc_takes_them_away)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();
	const char *path = make(&temp, 06777);
	int dir = dir_for_all(&temp);

	cr_assert(not(seteuid(SOMEBODY)));
	int fd = openat(dir, "f", O_WRONLY | O_TRUNC);
	cr_assert(not(seteuid(0)));
	cr_assert(ge(i32, fd, 0));

	cr_expect(eq(u32, mode_of(path), 0777));
	cr_assert(not(close(fd)));
	cr_assert(not(close(dir)));
}

Test(set_id, a_new_owner_takes_them_away)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();
	const char *path = make(&temp, 06777);

	cr_assert(not(chown(path, 5, 6)));

	cr_expect(eq(u32, mode_of(path), 0777));
}

Test(set_id, a_group_that_may_not_execute_keeps_its_bit)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();
	const char *path = make(&temp, 06767);

	cr_assert(not(chown(path, 5, 6)));

	cr_expect(eq(u32, mode_of(path), 02767));
}

/* Linux, from 6.2 on: else who may write could make it what he is no member
 * of. */
Test(set_id, a_group_that_somebody_is_not_in_goes_too)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();
	const char *path = make(&temp, 02666);

	int fd = open(path, O_WRONLY);
	/* The group is that of the process. */
	write_as(SOMEBODY, fd);
	cr_expect(eq(u32, mode_of(path), 02666));

	cr_assert(not(chown(path, (uid_t)-1, SOMEBODY)));
	cr_assert(not(chmod(path, 02666)));
	write_as(0, fd);
	cr_expect(eq(u32, mode_of(path), 02666));
	write_as(SOMEBODY, fd);
	cr_expect(eq(u32, mode_of(path), 0666));
	cr_assert(not(close(fd)));
}

Test(set_id, chown_takes_them_from_whatever_is_no_directory)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();
	const char *fifo = temp_mount_at(&temp, "p");
	const char *dir = temp_mount_at(&temp, "d");

	cr_assert(not(mkfifo(fifo, 0644)));
	cr_assert(not(mkdir(dir, 0755)));
	cr_assert(not(chmod(fifo, 06755)));
	cr_assert(not(chmod(dir, 06755)));
	cr_assert(not(chown(fifo, SOMEBODY, SOMEBODY)));
	cr_assert(not(chown(dir, SOMEBODY, SOMEBODY)));

	cr_expect(eq(u32, mode_of(fifo), 0755));
	cr_expect(eq(u32, mode_of(dir), 06755));
}
