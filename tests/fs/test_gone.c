/* SPDX-License-Identifier: Apache-2.0 */
/* What has no name any more and is still held, in ways that a mount is not told
 * of. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/gone.h"
#include "tests/fs/needs_mount.h"

static void
expect_gone(int fd, mode_t mode)
{
	struct stat stat;

	cr_assert(not(fstat(fd, &stat)), "%s", strerror(errno));
	cr_expect(eq(uint, stat.st_mode, mode));
	cr_expect(eq(uint, (unsigned)stat.st_nlink, 0));
}

Test(gone, a_fifo_without_a_name_goes_on)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();
	char byte = 'a';

	cr_assert(not(mkfifo(temp_mount_at(&temp, "p"), 0600)));
	int fd = open(temp_mount_at(&temp, "p"), O_RDWR);
	cr_assert(fd >= 0);
	cr_assert(not(unlink(temp_mount_at(&temp, "p"))));

	expect_gone(fd, S_IFIFO | 0600);
	cr_expect(eq(int, (int)write(fd, &byte, 1), 1));
	cr_expect(eq(int, (int)read(fd, &byte, 1), 1));
	cr_expect(not(fchmod(fd, 0640)));
	expect_gone(fd, S_IFIFO | 0640);
	close(fd);
}

Test(gone, what_is_held_by_its_path_alone_can_be_asked_for)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();
	const int flags = O_PATH | O_NOFOLLOW;

	temp_mount_write(&temp, "f", "bytes");
	temp_mount_write(&temp, "replaced", "bytes");
	cr_assert(not(symlink("target", temp_mount_at(&temp, "l"))));
	cr_assert(not(mkdir(temp_mount_at(&temp, "d"), 0750)));
	int file = open(temp_mount_at(&temp, "f"), flags);
	int replaced = open(temp_mount_at(&temp, "replaced"), flags);
	int link = open(temp_mount_at(&temp, "l"), flags);
	int dir = open(temp_mount_at(&temp, "d"), flags);
	cr_assert(file >= 0 && replaced >= 0 && link >= 0 && dir >= 0);
	cr_assert(not(rename(temp_mount_at(&temp, "f"),
		temp_mount_at(&temp, "replaced"))));
	cr_assert(not(unlink(temp_mount_at(&temp, "replaced"))));
	cr_assert(not(unlink(temp_mount_at(&temp, "l"))));
	cr_assert(not(rmdir(temp_mount_at(&temp, "d"))));

	expect_gone(file, S_IFREG | 0644);
	expect_gone(replaced, S_IFREG | 0644);
	expect_gone(link, S_IFLNK | 0777);
	expect_gone(dir, S_IFDIR | 0750);
	close(file);
	close(replaced);
	close(link);
	close(dir);
}

Test(gone, a_link_that_is_held_still_tells_its_target)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();
	const int flags = O_PATH | O_NOFOLLOW;
	char target[16] = "";

	cr_assert(not(symlink("target", temp_mount_at(&temp, "l"))));
	cr_assert(not(symlink("another", temp_mount_at(&temp, "k"))));
	temp_mount_write(&temp, "f", "bytes");
	int removed = open(temp_mount_at(&temp, "l"), flags);
	int replaced = open(temp_mount_at(&temp, "k"), flags);
	cr_assert(removed >= 0 && replaced >= 0);
	cr_assert(not(unlink(temp_mount_at(&temp, "l"))));
	cr_assert(not(rename(temp_mount_at(&temp, "f"),
		temp_mount_at(&temp, "k"))));

	cr_expect(eq(int, (int)readlinkat(removed, "", target, 16), 6));
	cr_expect(eq(str, target, "target"));
	cr_expect(eq(int, (int)readlinkat(replaced, "", target, 16), 7));
	cr_expect(eq(str, target, "another"));
	close(removed);
	close(replaced);
}

Test(gone, a_name_more_keeps_the_file)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();
	struct stat stat;

	temp_mount_write(&temp, "f", "bytes");
	cr_assert(not(link(temp_mount_at(&temp, "f"),
		temp_mount_at(&temp, "g"))));
	int fd = open(temp_mount_at(&temp, "f"), O_PATH);
	cr_assert(not(unlink(temp_mount_at(&temp, "f"))));
	cr_assert(not(fstat(fd, &stat)));
	cr_expect(eq(uint, (unsigned)stat.st_nlink, 1));
	cr_assert(not(unlink(temp_mount_at(&temp, "g"))));
	expect_gone(fd, S_IFREG | 0644);
	close(fd);
}

Test(gone, a_directory_that_is_worked_in_is_empty)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();
	const struct dirent *entry;

	cr_assert(not(mkdir(temp_mount_at(&temp, "d"), 0755)));
	int fd = open(temp_mount_at(&temp, "d"), O_RDONLY | O_DIRECTORY);
	cr_assert(fd >= 0);
	cr_assert(not(rmdir(temp_mount_at(&temp, "d"))));

	int again = openat(fd, ".", O_RDONLY | O_DIRECTORY);
	cr_assert(again >= 0, "%s", strerror(errno));
	DIR *dir = fdopendir(again);
	while ((entry = readdir(dir)) != NULL)
		cr_expect(entry->d_name[0] == '.', "%s", entry->d_name);
	closedir(dir);
	cr_expect(not(fchmod(fd, 0700)));
	expect_gone(fd, S_IFDIR | 0700);
	cr_expect(openat(fd, "f", O_WRONLY | O_CREAT, 0600) < 0);
	cr_expect(eq(int, errno, ENOENT));
	close(fd);
}

Test(gone, only_the_newest_are_remembered)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();
	struct statx stat;

	temp_mount_write(&temp, "old", "");
	int fd = open(temp_mount_at(&temp, "old"), O_PATH);
	cr_assert(not(unlink(temp_mount_at(&temp, "old"))));
	for (int i = 0; i < GONE_MAX; i++) {
		temp_mount_write(&temp, "f", "");
		cr_assert(not(unlink(temp_mount_at(&temp, "f"))));
	}
	/* Whatever the kernel has kept. */
	cr_expect(statx(fd, "", AT_EMPTY_PATH | AT_STATX_FORCE_SYNC,
			  STATX_BASIC_STATS, &stat) < 0);
	cr_expect(eq(int, errno, ESTALE));
	close(fd);
}
