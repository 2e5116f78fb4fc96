/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel does without asking the daemon: what speed comes from. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/fs/needs_mount.h"

#define TIMES 500
/* What may come in between: the release of an earlier file, say. */
#define FEW 20

static uint64_t
requests(struct temp_mount *temp)
{
	return temp_mount_status(temp).requests;
}

Test(requests, writing_to_an_open_file_asks_for_nothing)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();

	int fd = open(temp_mount_at(&temp, "f"), O_RDWR | O_CREAT, 0600);
	cr_assert(eq(i64, write(fd, "first", 5), 5));
	uint64_t before = requests(&temp);
	for (int i = 0; i < TIMES; i++)
		cr_assert(eq(i64, pwrite(fd, "again", 5, i), 5));

	cr_expect(lt(u64, requests(&temp) - before, FEW));
	cr_assert(not(close(fd)));
}

Test(requests, attributes_are_asked_for_once)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();
	const char *path = temp_mount_at(&temp, "f");
	struct stat info;

	temp_mount_write(&temp, "f", "text");
	uint64_t before = requests(&temp);
	for (int i = 0; i < TIMES; i++)
		cr_assert(not(stat(path, &info)));

	cr_expect(lt(u64, requests(&temp) - before, FEW));
}
