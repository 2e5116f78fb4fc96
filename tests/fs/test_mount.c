/* SPDX-License-Identifier: Apache-2.0 */
/* What a file system does, through a real mount. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "tests/fs/temp_mount.h"

#define NEEDS_MOUNT()                                                          \
	do {                                                                   \
		if (temp_mount_why_not())                                      \
			cr_skip_test("%s", temp_mount_why_not());              \
	} while (0)

Test(mount, a_file_written_is_the_file_read)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();

	temp_mount_write(&temp, "f", "hello");

	cr_expect(eq(str, (char *)temp_mount_read(&temp, "f"), "hello"));
}
