/* SPDX-License-Identifier: Apache-2.0 */
/* A bucket that keeps versions, written to by system calls. */
#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "tests/fs/needs_mount.h"
#include "tests/store/locks.h"
#include "tests/store/versions.h"

static struct versions
keep_versions(struct temp_mount *temp)
{
	cr_assert(zero(int, versioning_set(temp->store.store, temp->bucket,
				    VERSIONING_ENABLED)));
	return (struct versions){
		.store = temp->store.store,
		.bucket = temp->bucket,
	};
}

static int
open_at(struct temp_mount *temp, const char *name, int flags)
{
	int fd = open(temp_mount_at(temp, name), flags, 0644);

	cr_assert(ge(int, fd, 0), "%s", name);
	return fd;
}

static void
write_to(struct temp_mount *temp, const char *name, int flags, const char *text)
{
	int fd = open_at(temp, name, flags);

	cr_assert(eq(i64, write(fd, text, strlen(text)),
		(ssize_t)strlen(text)));
	cr_assert(not(close(fd)));
}

Test(versions, of_what_is_rewritten_appended_and_changed_are_kept)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();
	struct versions it = keep_versions(&temp);

	write_to(&temp, "f", O_WRONLY | O_CREAT, "1");
	write_to(&temp, "f", O_WRONLY | O_TRUNC, "2");
	write_to(&temp, "f", O_WRONLY | O_APPEND, "3");
	write_to(&temp, "f", O_RDWR, "4");
	cr_expect(versions_lists(&it, "f=43* f=23 f=2 f=1"));
	cr_assert(not(truncate(temp_mount_at(&temp, "f"), 1)));
	cr_expect(versions_lists(&it, "f=4* f=43 f=23 f=2 f=1"));
	close(open_at(&temp, "f", O_RDWR));
	cr_expect(versions_lists(&it, "f=4* f=43 f=23 f=2 f=1"));
}

Test(versions, of_what_is_mapped_are_kept)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();
	struct versions it = keep_versions(&temp);

	write_to(&temp, "f", O_WRONLY | O_CREAT, "abc");
	int fd = open_at(&temp, "f", O_RDWR);
	char *map = mmap(NULL, 3, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	cr_assert(ne(ptr, map, MAP_FAILED));
	map[1] = 'X';
	cr_assert(not(msync(map, 3, MS_SYNC)));
	cr_assert(not(munmap(map, 3)));
	cr_assert(not(close(fd)));
	cr_expect(versions_lists(&it, "f=aXc* f=abc"));
}

Test(versions, of_what_loses_its_name_are_kept)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();
	struct versions it = keep_versions(&temp);
	char to[PATH_MAX];
	struct stat stat;

	write_to(&temp, "f", O_WRONLY | O_CREAT, "1");
	write_to(&temp, "t", O_WRONLY | O_CREAT, "2");
	int fd = open_at(&temp, "f", O_RDONLY);

	snprintf(to, sizeof(to), "%s", temp_mount_at(&temp, "f"));
	cr_assert(not(rename(temp_mount_at(&temp, "t"), to)));
	cr_expect(versions_lists(&it, "f=2* f=1"));
	cr_assert(not(fstat(fd, &stat)));
	cr_expect(eq(u64, stat.st_nlink, 0));
	char byte;
	cr_expect(eq(i64, pread(fd, &byte, 1, 0), 1));
	cr_expect(eq(int, byte, '1'));
	cr_assert(not(close(fd)));
	cr_assert(not(unlink(to)));
	cr_expect(versions_lists(&it, "f=-* f=2 f=1"));
	cr_expect(eq(int, access(to, F_OK), -1));
	versions_drop_nth(&it, "f", 0);
	cr_expect(not(access(to, F_OK)), "seen again by the mount");
	write_to(&temp, "f", O_WRONLY | O_TRUNC, "3");
	cr_expect(versions_lists(&it, "f=3* f=2 f=1"));
}

/* What is read through passthrough, too. */
Test(versions, who_reads_one_goes_on_reading_it)
{
	enum { LEN = 300000 };
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();
	static char bytes[LEN], got[LEN];

	(void)keep_versions(&temp);
	memset(bytes, 'a', LEN);
	int fd = open_at(&temp, "f", O_WRONLY | O_CREAT);

	cr_assert(eq(i64, write(fd, bytes, LEN), LEN));
	cr_assert(not(close(fd)));
	int reader = open_at(&temp, "f", O_RDONLY);

	write_to(&temp, "f", O_WRONLY, "XXXX");
	cr_assert(eq(i64, pread(reader, got, LEN, 0), LEN));
	cr_expect(not(memcmp(got, bytes, LEN)));
	cr_assert(not(close(reader)));
	reader = open_at(&temp, "f", O_RDONLY);
	cr_assert(eq(i64, pread(reader, got, LEN, 0), LEN));
	cr_expect(not(memcmp(got, "XXXXa", 5)));
	cr_assert(not(close(reader)));
}

Test(versions, are_told_by_an_attribute)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();
	char one[64] = "", two[64] = "";

	write_to(&temp, "f", O_WRONLY | O_CREAT, "1");
	cr_expect(eq(i64,
		getxattr(temp_mount_at(&temp, "f"), "user.s3.version-id", one,
			sizeof(one)),
		-1));
	(void)keep_versions(&temp);
	cr_assert(eq(i64,
		getxattr(temp_mount_at(&temp, "f"), "user.s3.version-id", one,
			sizeof(one)),
		4));
	cr_expect(eq(str, one, "null"));
	write_to(&temp, "f", O_WRONLY | O_TRUNC, "2");
	cr_assert(eq(i64,
		getxattr(temp_mount_at(&temp, "f"), "user.s3.version-id", one,
			sizeof(one)),
		16));
	write_to(&temp, "f", O_WRONLY | O_TRUNC, "3");
	cr_assert(eq(i64,
		getxattr(temp_mount_at(&temp, "f"), "user.s3.version-id", two,
			sizeof(two)),
		16));
	cr_expect(ne(str, one, two));
}

/* --- what S3 has locked -----------------------------------------------------
 */

/* An object "f" of "12" that S3 has put, and locked. */
static struct version_ref
lock_one(struct versions *it)
{
	locks_set_default(it, INODE_LOCK_NONE, 0);
	versions_put(it, "f", "12");
	return locks_retain(it, "f", INODE_LOCK_COMPLIANCE);
}

Test(versions, a_locked_one_stays_whatever_the_file_comes_to)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();
	struct versions it = keep_versions(&temp);
	struct version_ref one = lock_one(&it);
	char to[PATH_MAX];

	write_to(&temp, "f", O_RDWR, "X");
	cr_expect(versions_lists(&it, "f=X2* f=12"));
	versions_put(&it, "f", "X2");
	struct version_ref two = locks_retain(&it, "f", INODE_LOCK_COMPLIANCE);
	int fd = open_at(&temp, "f", O_RDWR);
	char *map = mmap(NULL, 2, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	cr_assert(ne(ptr, map, MAP_FAILED));
	map[1] = 'Y';
	cr_assert(not(msync(map, 2, MS_SYNC)));
	cr_assert(not(munmap(map, 2)));
	cr_assert(not(ftruncate(fd, 1)));
	cr_assert(not(fallocate(fd, 0, 0, 3)));
	cr_assert(not(close(fd)));
	cr_expect(locks_stays(&it, "f", one, "12"));
	cr_expect(locks_stays(&it, "f", two, "X2"));
	versions_put(&it, "f", "3");
	struct version_ref three = locks_hold(&it, "f");

	snprintf(to, sizeof(to), "%s", temp_mount_at(&temp, "g"));
	cr_assert(not(rename(temp_mount_at(&temp, "f"), to)));
	cr_expect(eq(int, access(temp_mount_at(&temp, "f"), F_OK), -1));
	write_to(&temp, "g", O_RDWR, "4");
	cr_expect(locks_stays(&it, "f", three, "3"));
	cr_assert(not(truncate(to, 0)));
	cr_assert(not(unlink(to)));
	cr_expect(locks_stays(&it, "f", one, "12"));
	cr_expect(locks_stays(&it, "f", two, "X2"));
	cr_expect(locks_stays(&it, "f", three, "3"));
}

Test(versions, what_would_change_a_locked_one_is_not_permitted)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();
	struct versions it = keep_versions(&temp);
	const struct timespec times[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
	struct version_ref one = lock_one(&it);
	char path[PATH_MAX], value[100];

	snprintf(path, sizeof(path), "%s", temp_mount_at(&temp, "f"));
	cr_expect(eq(int, link(path, temp_mount_at(&temp, "g")), -1));
	cr_expect(eq(int, errno, EPERM));
	cr_expect(eq(int, utimensat(AT_FDCWD, path, times, 0), -1));
	cr_expect(eq(int, errno, EPERM));
	cr_expect(eq(int, setxattr(path, "user.s3.meta.a", "b", 1, 0), -1));
	cr_expect(eq(int, errno, EPERM));
	cr_expect(eq(int, setxattr(path, "user.a", "b", 1, 0), -1));
	cr_expect(eq(int, errno, EPERM));
	cr_expect(not(chmod(path, 0600)));
	cr_expect(eq(i64,
		getxattr(path, "user.s3.object-lock-mode", value,
			sizeof(value)),
		10));
	cr_expect(not(memcmp(value, "COMPLIANCE", 10)));
	cr_expect(eq(i64,
		getxattr(path, "user.s3.object-lock-retain-until-date", value,
			sizeof(value)),
		24));
	cr_expect(eq(i64,
		getxattr(path, "user.s3.object-lock-legal-hold", value,
			sizeof(value)),
		-1));
	cr_expect(eq(int, errno, ENODATA));
	cr_expect(eq(int,
		setxattr(path, "user.s3.object-lock-mode", "GOVERNANCE", 10, 0),
		-1));
	cr_expect(eq(int, errno, EOPNOTSUPP));
	cr_expect(locks_stays(&it, "f", one, "12"));
}

Test(versions, directories_of_a_bucket_that_locks_do_not_move)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();
	struct versions it = keep_versions(&temp);
	char to[PATH_MAX];

	locks_set_default(&it, INODE_LOCK_NONE, 0);
	versions_put(&it, "d/f", "1");
	snprintf(to, sizeof(to), "%s", temp_mount_at(&temp, "e"));
	cr_expect(eq(int, rename(temp_mount_at(&temp, "d"), to), -1));
	cr_expect(eq(int, errno, EXDEV));
	cr_expect(versions_lists(&it, "d/f=1*"));
}
