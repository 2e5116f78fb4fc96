/* SPDX-License-Identifier: Apache-2.0 */
#include "store/base/owner.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/base/compiler.h"
#include "tests/support/temp_dir.h"

#define OWNER 12345

static uid_t
owner_of(const char *path)
{
	struct stat info;

	return lstat(path, &info) ? (uid_t)-1 : info.st_uid;
}

static void
make(const char *path)
{
	int fd = owner_open(path, O_RDWR);

	cr_assert(ge(int, fd, 0));
	close(fd);
}

Test(owner, what_root_makes_is_of_the_directorys_owner)
{
	scoped(temp_dir_remove) struct temp_dir dir = temp_dir_make();
	struct stat info;

	if (geteuid() != 0)
		cr_skip_test("not root");
	make(temp_dir_at(&dir, "roots"));
	cr_expect(eq(u32, owner_of(temp_dir_at(&dir, "roots")), 0));
	cr_assert(zero(int, chown(dir.path, OWNER, OWNER)));
	make(temp_dir_at(&dir, "file"));
	cr_assert(zero(int, owner_mkdir(temp_dir_at(&dir, "below"))));
	make(temp_dir_at(&dir, "below/file"));

	cr_expect(eq(u32, owner_of(temp_dir_at(&dir, "file")), OWNER));
	cr_expect(eq(u32, owner_of(temp_dir_at(&dir, "below")), OWNER));
	cr_expect(eq(u32, owner_of(temp_dir_at(&dir, "below/file")), OWNER));
	/* What was there stays whose it is. */
	make(temp_dir_at(&dir, "roots"));
	cr_expect(eq(u32, owner_of(temp_dir_at(&dir, "roots")), 0));
	cr_assert(zero(int, stat(temp_dir_at(&dir, "below"), &info)));
	cr_expect(eq(u32, info.st_mode & 0777, 0700));
}

Test(owner, links_are_not_followed_and_nothing_is_taken_over)
{
	scoped(temp_dir_remove) struct temp_dir dir = temp_dir_make();

	cr_assert(zero(int, symlink("target", temp_dir_at(&dir, "link"))));
	cr_expect(eq(int, owner_open(temp_dir_at(&dir, "link"), O_RDWR), -1));
	cr_expect(eq(int, errno, ELOOP));
	cr_expect(eq(int, access(temp_dir_at(&dir, "target"), F_OK), -1));
	make(temp_dir_at(&dir, "there"));
	cr_expect(eq(int,
		owner_open(temp_dir_at(&dir, "there"), O_RDWR | O_EXCL), -1));
	cr_expect(eq(int, errno, EEXIST));
	cr_expect(eq(int, owner_mkdir(temp_dir_at(&dir, "there")), -1));
	cr_expect(eq(int, errno, EEXIST));
	cr_expect(eq(int, owner_open(temp_dir_at(&dir, "no/file"), O_RDWR),
		-1));
	cr_expect(eq(int, errno, ENOENT));
}
