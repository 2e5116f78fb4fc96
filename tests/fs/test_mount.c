/* SPDX-License-Identifier: Apache-2.0 */
/* What a file system does, through a real mount. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/bucket.h"
#include "store/reclaim_private.h"
#include "store/usage.h"
#include "tests/fs/needs_mount.h"
#include "tests/store/accesses.h"

static off_t
size_of(struct temp_mount *temp, const char *name)
{
	struct stat info;

	return stat(temp_mount_at(temp, "%s", name), &info) ? -1 : info.st_size;
}

/* 0, or the errno. */
static int
error_of(int result)
{
	return result < 0 ? errno : 0;
}

static void
expect_usage(struct temp_mount *temp, uint64_t bucket, uint64_t objects,
	uint64_t bytes)
{
	struct usage usage;

	cr_assert(not(usage_of_bucket(temp->store.store, bucket, &usage)));
	cr_expect(eq(u64, usage.objects, objects));
	cr_expect(eq(u64, usage.bytes, bytes));
}

Test(mount, a_file_written_is_the_file_read)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();

	temp_mount_write(&temp, "f", "hello");

	cr_expect(eq(str, (char *)temp_mount_read(&temp, "f"), "hello"));
	cr_expect(eq(i64, size_of(&temp, "f"), 5));
}

Test(mount, a_file_that_is_read_was_accessed_and_one_that_is_listed_was_not)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();
	struct store *store = temp.store.store;

	accesses_put(store, temp.bucket, "read", "123", 40);
	accesses_put(store, temp.bucket, "seen", "12", 40);
	cr_expect(eq(str, (char *)temp_mount_read(&temp, "read"), "123"));
	cr_expect(eq(i64, size_of(&temp, "seen"), 2));
	temp_mount_stop(&temp);

	cr_expect(eq(str, accesses_tiers(store, temp.bucket), "3 0 2 0"));
}

Test(mount, appending_adds_at_the_end)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();

	temp_mount_write(&temp, "log", "one ");
	for (int i = 0; i < 3; i++) {
		int fd = open(temp_mount_at(&temp, "log"), O_WRONLY | O_APPEND);
		cr_assert(eq(i64, write(fd, "two ", 4), 4));
		cr_assert(not(close(fd)));
	}

	cr_expect(eq(str, (char *)temp_mount_read(&temp, "log"),
		"one two two two "));
}

Test(mount, a_file_is_written_in_the_middle_and_beyond_its_end)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();
	struct stat info;
	char byte = 'x';

	temp_mount_write(&temp, "f", "0123456789");
	int fd = open(temp_mount_at(&temp, "f"), O_RDWR);
	cr_assert(eq(i64, pwrite(fd, "ab", 2, 4), 2));
	cr_assert(eq(i64, pwrite(fd, "end", 3, 1 << 20), 3));
	cr_assert(eq(i64, pread(fd, &byte, 1, 1000), 1));
	cr_assert(not(fstat(fd, &info)));
	cr_assert(not(close(fd)));

	cr_expect(eq(chr, byte, 0));
	cr_expect(eq(i64, info.st_size, (1 << 20) + 3));
	cr_expect(not(strncmp(temp_mount_read(&temp, "f"), "0123ab6789", 11)));
}

Test(mount, truncating_cuts_and_extends_by_path_and_by_descriptor)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();

	temp_mount_write(&temp, "f", "0123456789");
	cr_assert(eq(int, error_of(truncate(temp_mount_at(&temp, "f"), 4)), 0));
	cr_expect(eq(str, (char *)temp_mount_read(&temp, "f"), "0123"));

	int fd = open(temp_mount_at(&temp, "f"), O_RDWR);
	cr_assert(not(ftruncate(fd, 8)));
	cr_assert(not(close(fd)));
	cr_expect(eq(i64, size_of(&temp, "f"), 8));

	cr_assert(not(truncate(temp_mount_at(&temp, "f"), 0)));
	cr_expect(eq(i64, size_of(&temp, "f"), 0));
}

Test(mount, a_shared_map_and_write_see_each_other)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();
	char got[4] = "";

	temp_mount_write(&temp, "f", "0123456789");
	int fd = open(temp_mount_at(&temp, "f"), O_RDWR);
	char *map = mmap(NULL, 10, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	cr_assert(ne(ptr, map, MAP_FAILED));
	memcpy(map + 2, "ab", 2);
	cr_assert(eq(i64, pread(fd, got, 3, 2), 3));
	cr_assert(eq(i64, pwrite(fd, "yz", 2, 6), 2));

	cr_expect(eq(str, got, "ab4"));
	cr_expect(not(memcmp(map, "01ab45yz89", 10)));
	munmap(map, 10);
	cr_assert(not(close(fd)));
	cr_expect(eq(str, (char *)temp_mount_read(&temp, "f"), "01ab45yz89"));
}

Test(mount, a_large_file_is_read_as_it_was_written)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();
	size_t len = 9 << 20;
	unsigned char *data = malloc(len);
	unsigned char *got = malloc(len);

	for (size_t i = 0; i < len; i++)
		data[i] = (unsigned char)(i * 7 + (i >> 12));
	int fd = open(temp_mount_at(&temp, "big"), O_RDWR | O_CREAT, 0600);
	cr_assert(eq(i64, write(fd, data, len), (int64_t)len));
	cr_assert(not(close(fd)));
	fd = open(temp_mount_at(&temp, "big"), O_RDONLY);
	cr_assert(eq(i64, pread(fd, got, len, 0), (int64_t)len));
	cr_assert(not(close(fd)));

	cr_expect(not(memcmp(data, got, len)));
	free(data);
	free(got);
}

Test(mount, renaming_moves_replaces_and_exchanges)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();

	temp_mount_write(&temp, "a", "A");
	temp_mount_write(&temp, "b", "B");
	temp_mount_write(&temp, "c", "C");
	cr_expect(eq(int,
		error_of(renameat2(AT_FDCWD, temp_mount_at(&temp, "a"),
			AT_FDCWD, temp_mount_at(&temp, "b"), RENAME_NOREPLACE)),
		EEXIST));
	cr_assert(not(renameat2(AT_FDCWD, temp_mount_at(&temp, "a"), AT_FDCWD,
		temp_mount_at(&temp, "b"), RENAME_EXCHANGE)));
	cr_expect(eq(str, (char *)temp_mount_read(&temp, "a"), "B"));
	cr_assert(not(rename(temp_mount_at(&temp, "c"),
		temp_mount_at(&temp, "a"))));

	cr_expect(eq(str, (char *)temp_mount_read(&temp, "a"), "C"));
	cr_expect(eq(str, (char *)temp_mount_read(&temp, "b"), "A"));
	cr_expect(eq(i64, size_of(&temp, "c"), -1));
}

Test(mount, renaming_a_directory_takes_all_below_along)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();

	cr_assert(not(mkdir(temp_mount_at(&temp, "d"), 0755)));
	cr_assert(not(mkdir(temp_mount_at(&temp, "d/e"), 0755)));
	temp_mount_write(&temp, "d/e/f", "deep");
	cr_assert(not(rename(temp_mount_at(&temp, "d"),
		temp_mount_at(&temp, "new"))));

	cr_expect(eq(str, (char *)temp_mount_read(&temp, "new/e/f"), "deep"));
	cr_expect(eq(str, (char *)temp_mount_get(&temp, "new/e/f"), "deep"));
	cr_expect(eq(ptr, (void *)temp_mount_get(&temp, "d/e/f"), NULL));
	cr_expect(eq(int,
		error_of(rename(temp_mount_at(&temp, "new"),
			temp_mount_at(&temp, "new/e/x"))),
		EINVAL));
}

Test(mount, an_unlinked_file_lives_until_it_is_closed)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();
	char got[8] = "";
	struct stat info;

	temp_mount_write(&temp, "f", "before");
	int fd = open(temp_mount_at(&temp, "f"), O_RDWR);
	cr_assert(not(unlink(temp_mount_at(&temp, "f"))));
	cr_expect(eq(i64, size_of(&temp, "f"), -1));
	cr_expect(eq(i64, pwrite(fd, "BE", 2, 0), 2));
	cr_expect(eq(i64, pread(fd, got, 6, 0), 6));
	cr_expect(not(fchmod(fd, 0600)));
	cr_expect(not(ftruncate(fd, 3)));
	cr_expect(not(fsync(fd)));
	cr_assert(not(fstat(fd, &info)));

	cr_expect(eq(str, got, "BEfore"));
	cr_expect(eq(u64, info.st_nlink, 0));
	cr_expect(eq(i64, info.st_size, 3));
	cr_expect(eq(u32, info.st_mode & 07777, 0600));
	cr_expect(not(close(fd)));
}

/* What has been deleted is gone from the disk, as far as it goes. */
static void
reclaim(struct temp_mount *temp)
{
	cr_assert(not(store_sync(temp->store.store)));
	cr_assert(not(reclaim_run(temp->store.store)));
}

static void
write_many(struct temp_mount *temp, const char *prefix, const char *text)
{
	for (int i = 0; i < 40; i++) {
		char name[32];

		snprintf(name, sizeof(name), "%s%d", prefix, i);
		temp_mount_write(temp, name, text);
	}
}

static void
remove_many(struct temp_mount *temp, const char *prefix)
{
	for (int i = 0; i < 40; i++)
		cr_assert(not(unlink(temp_mount_at(temp, "%s%d", prefix, i))));
}

Test(mount, what_is_open_keeps_its_bytes_though_files_are_used_again)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();
	char got[8] = "";

	temp_mount_write(&temp, "read", "before");
	temp_mount_write(&temp, "mapped", "before");
	temp_mount_write(&temp, "through_s3", "before");
	int fd = open(temp_mount_at(&temp, "read"), O_RDONLY);
	int mapped = open(temp_mount_at(&temp, "mapped"), O_RDONLY);
	int s3 = open(temp_mount_at(&temp, "through_s3"), O_RDONLY);
	const char *map = mmap(NULL, 6, PROT_READ, MAP_SHARED, mapped, 0);
	cr_assert(ne(ptr, (void *)map, MAP_FAILED));
	cr_assert(not(close(mapped)));
	write_many(&temp, "old", "gone");
	cr_assert(not(unlink(temp_mount_at(&temp, "read"))));
	cr_assert(not(unlink(temp_mount_at(&temp, "mapped"))));
	cr_assert(not(object_delete(temp.store.store, temp.bucket,
		SLICE("through_s3"), NULL)));
	remove_many(&temp, "old");
	reclaim(&temp);
	write_many(&temp, "new", "other bytes");

	cr_expect(eq(i64, pread(fd, got, 6, 0), 6));
	cr_expect(eq(str, got, "before"));
	cr_expect(eq(i64, pread(s3, got, 6, 0), 6));
	cr_expect(eq(str, got, "before"));
	cr_expect(zero(int, memcmp(map, "before", 6)));
	cr_expect(not(close(fd)));
	cr_expect(not(close(s3)));
	cr_expect(not(munmap((void *)(uintptr_t)map, 6)));
}

Test(mount, a_new_file_unlinked_before_its_close_is_never_seen)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();

	int fd = open(temp_mount_at(&temp, "t"), O_RDWR | O_CREAT, 0600);
	cr_assert(eq(i64, write(fd, "x", 1), 1));
	cr_assert(not(unlink(temp_mount_at(&temp, "t"))));
	cr_assert(not(close(fd)));

	cr_expect(eq(ptr, (void *)temp_mount_get(&temp, "t"), NULL));
	cr_expect(eq(i64, size_of(&temp, "t"), -1));
}

struct creator {
	pthread_t thread;
	char path[128];
	int fd;
	int error;
};

static void *
create_synced(void *arg)
{
	struct creator *creator = arg;

	creator->fd =
		open(creator->path, O_CREAT | O_EXCL | O_RDWR | O_SYNC, 0644);
	creator->error = errno;
	return NULL;
}

/* What fails is the look at the quota that follows the wait for a checkpoint,
 * which is held up until another file has used it up. */
Test(mount, a_file_that_is_created_to_be_synced_and_cannot_be_is_not_there)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();
	const struct usage_quota quota = {.bytes = 5};
	struct creator creator = {.fd = -1};
	char path[160];

	cr_assert(not(usage_set_bucket_quota(temp.store.store, temp.bucket,
		&quota)));
	temp_mount_write(&temp, "other", "");
	int other = open(temp_mount_at(&temp, "other"), O_WRONLY);
	snprintf(creator.path, sizeof(creator.path), "%s",
		temp_mount_at(&temp, "f"));
	snprintf(path, sizeof(path), "%s/meta/checkpoint.lock",
		temp.store.path);
	int lock = open(path, O_RDWR);
	cr_assert(not(flock(lock, LOCK_EX)));
	cr_assert(not(pthread_create(&creator.thread, NULL, create_synced,
		&creator)));
	while (temp_mount_status(&temp).open_files < 2)
		sched_yield();
	cr_assert(eq(int, (int)write(other, "too much", 8), 8));
	(void)close(other);
	cr_assert(not(flock(lock, LOCK_UN)));
	cr_assert(not(pthread_join(creator.thread, NULL)));

	cr_expect(eq(int, creator.fd, -1));
	cr_expect(eq(int, creator.error, EDQUOT));
	cr_expect(eq(int, access(creator.path, F_OK), -1));
	cr_expect(not(temp_mount_get(&temp, "f") != NULL));
	expect_usage(&temp, temp.bucket, 1, 8);
	(void)close(lock);
}

Test(mount, hard_links_are_one_file_under_two_names)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();
	struct stat info;

	temp_mount_write(&temp, "a", "one");
	cr_assert(not(link(temp_mount_at(&temp, "a"),
		temp_mount_at(&temp, "b"))));
	int fd = open(temp_mount_at(&temp, "b"), O_WRONLY);
	cr_assert(eq(i64, pwrite(fd, "ONE", 3, 0), 3));
	cr_assert(not(close(fd)));
	cr_assert(not(stat(temp_mount_at(&temp, "a"), &info)));

	cr_expect(eq(u64, info.st_nlink, 2));
	cr_expect(eq(str, (char *)temp_mount_read(&temp, "a"), "ONE"));
	cr_expect(eq(str, (char *)temp_mount_get(&temp, "b"), "ONE"));
	cr_assert(not(unlink(temp_mount_at(&temp, "a"))));
	cr_assert(not(stat(temp_mount_at(&temp, "b"), &info)));
	cr_expect(eq(u64, info.st_nlink, 1));
}

Test(mount, a_symbolic_link_leads_to_its_target)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();
	char target[16] = "";

	temp_mount_write(&temp, "f", "here");
	cr_assert(not(symlink("f", temp_mount_at(&temp, "link"))));

	cr_expect(eq(i64, readlink(temp_mount_at(&temp, "link"), target, 15),
		1));
	cr_expect(eq(str, target, "f"));
	cr_expect(eq(str, (char *)temp_mount_read(&temp, "link"), "here"));
	cr_expect(eq(ptr, (void *)temp_mount_get(&temp, "link"), NULL));
}

Test(mount, special_files_are_kept_and_hidden_from_s3)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();
	struct stat info;

	cr_assert(not(mkfifo(temp_mount_at(&temp, "fifo"), 0640)));
	cr_assert(not(stat(temp_mount_at(&temp, "fifo"), &info)));

	cr_expect(eq(u32, info.st_mode & S_IFMT, S_IFIFO));
	cr_expect(eq(ptr, (void *)temp_mount_get(&temp, "fifo"), NULL));
}

Test(mount, attributes_set_are_the_attributes_got)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();
	const struct timespec times[2] = {{1000, 5}, {-2000, 123456789}};
	struct stat info;

	temp_mount_write(&temp, "f", "x");
	cr_assert(not(chmod(temp_mount_at(&temp, "f"), 04751)));
	cr_assert(not(chown(temp_mount_at(&temp, "f"), 5, 6)));
	cr_assert(not(chmod(temp_mount_at(&temp, "f"), 0751)));
	cr_assert(not(utimensat(AT_FDCWD, temp_mount_at(&temp, "f"), times,
		0)));
	cr_assert(not(stat(temp_mount_at(&temp, "f"), &info)));

	cr_expect(eq(u32, info.st_mode, S_IFREG | 0751));
	cr_expect(eq(u32, info.st_uid, 5));
	cr_expect(eq(u32, info.st_gid, 6));
	cr_expect(eq(i64, info.st_atim.tv_sec, 1000));
	cr_expect(eq(i64, info.st_mtim.tv_sec, -2000));
	cr_expect(eq(i64, info.st_mtim.tv_nsec, 123456789));
}

Test(mount, a_time_set_on_an_open_file_stays_after_its_close)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();
	const struct timespec times[2] = {{1000, 5}, {2000, 7}};
	struct stat info;

	int fd = open(temp_mount_at(&temp, "f"), O_RDWR | O_CREAT, 0600);
	cr_assert(eq(i64, write(fd, "data", 4), 4));
	cr_assert(not(futimens(fd, times)));
	cr_assert(not(fstat(fd, &info)));
	cr_expect(eq(i64, info.st_mtim.tv_sec, 2000));
	cr_assert(not(close(fd)));
	cr_assert(temp_mount_wait_for_key(&temp, "f"));
	temp_mount_stop(&temp);
	temp_mount_start(&temp);
	cr_assert(not(stat(temp_mount_at(&temp, "f"), &info)));

	cr_expect(eq(i64, info.st_mtim.tv_sec, 2000));
	cr_expect(eq(i64, info.st_mtim.tv_nsec, 7));
	cr_expect(eq(str, (char *)temp_mount_get(&temp, "f"), "data"));
}

Test(mount, writing_moves_mtime_and_opening_alone_does_not)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();
	const struct timespec times[2] = {{1000, 5}, {2000, 7}};
	struct stat info;

	temp_mount_write(&temp, "f", "data");
	cr_assert(not(utimensat(AT_FDCWD, temp_mount_at(&temp, "f"), times,
		0)));
	int fd = open(temp_mount_at(&temp, "f"), O_RDWR);
	cr_assert(not(close(fd)));
	cr_assert(not(stat(temp_mount_at(&temp, "f"), &info)));
	cr_expect(eq(i64, info.st_mtim.tv_sec, 2000));

	fd = open(temp_mount_at(&temp, "f"), O_RDWR);
	cr_assert(eq(i64, pwrite(fd, "D", 1, 0), 1));
	cr_assert(not(fstat(fd, &info)));
	cr_expect(gt(i64, info.st_mtim.tv_sec, 2000));
	cr_assert(not(close(fd)));
	cr_assert(not(stat(temp_mount_at(&temp, "f"), &info)));
	cr_expect(gt(i64, info.st_mtim.tv_sec, 2000));
}

Test(mount, rmdir_refuses_what_is_not_empty_or_no_directory)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();

	cr_assert(not(mkdir(temp_mount_at(&temp, "d"), 0755)));
	temp_mount_write(&temp, "d/f", "x");

	cr_expect(eq(int, error_of(rmdir(temp_mount_at(&temp, "d"))),
		ENOTEMPTY));
	cr_expect(eq(int, error_of(rmdir(temp_mount_at(&temp, "d/f"))),
		ENOTDIR));
	cr_expect(eq(int, error_of(unlink(temp_mount_at(&temp, "d"))), EISDIR));
	cr_expect(eq(int, error_of(mkdir(temp_mount_at(&temp, "d"), 0755)),
		EEXIST));
}

Test(mount, mkdir_at_the_top_makes_a_bucket_and_rmdir_removes_it)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();
	struct object object;
	struct stat info;

	cr_assert(not(mkdir(temp_mount_at(&temp, "../photos"), 0750)));
	cr_assert(not(stat(temp_mount_at(&temp, "../photos"), &info)));
	cr_expect(eq(u32, info.st_mode, S_IFDIR | 0750));
	cr_expect(eq(int,
		error_of(mkdir(temp_mount_at(&temp, "../No_Bucket"), 0755)),
		EINVAL));
	cr_expect(eq(int,
		error_of(mkdir(temp_mount_at(&temp, "../cw-reserved"), 0755)),
		EINVAL));
	cr_expect(eq(int,
		error_of(open(temp_mount_at(&temp, "../file"),
			O_CREAT | O_WRONLY, 0644)),
		EPERM));
	cr_assert(not(rmdir(temp_mount_at(&temp, "../photos"))));
	cr_expect(eq(int,
		error_of(stat(temp_mount_at(&temp, "../photos"), &info)),
		ENOENT));
	cr_expect(not(rmdir(temp_mount_at(&temp, "../bbb"))));
	cr_expect(eq(int,
		object_head(temp.store.store, temp.bucket, SLICE("x"),
			&temp.arena, &object),
		STORE_STALE));
}

Test(mount, a_file_moves_from_one_bucket_to_another)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();
	struct bucket other;
	struct stat info;

	cr_assert(not(mkdir(temp_mount_at(&temp, "../other"), 0755)));
	temp_mount_write(&temp, "f", "twelve bytes");
	cr_assert(not(rename(temp_mount_at(&temp, "f"),
		temp_mount_at(&temp, "../other/g"))));
	cr_assert(not(bucket_get(temp.store.store, SLICE("other"), &other)));

	cr_expect(eq(str, (char *)temp_mount_read(&temp, "../other/g"),
		"twelve bytes"));
	cr_expect(eq(int, error_of(stat(temp_mount_at(&temp, "f"), &info)),
		ENOENT));
	cr_expect(eq(ptr, (void *)temp_mount_get(&temp, "f"), NULL));
	expect_usage(&temp, temp.bucket, 0, 0);
	expect_usage(&temp, other.ino, 1, 12);
	temp_mount_write(&temp, "f", "back");
	cr_assert(not(renameat2(AT_FDCWD, temp_mount_at(&temp, "f"), AT_FDCWD,
		temp_mount_at(&temp, "../other/g"), RENAME_EXCHANGE)));
	expect_usage(&temp, temp.bucket, 1, 12);
	expect_usage(&temp, other.ino, 1, 4);
}

Test(mount, a_file_open_for_writing_moves_to_another_bucket)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();
	struct bucket other;

	cr_assert(not(mkdir(temp_mount_at(&temp, "../other"), 0755)));
	int fd = open(temp_mount_at(&temp, "f"), O_WRONLY | O_CREAT, 0644);
	cr_assert(eq(i64, write(fd, "half", 4), 4));
	cr_assert(not(rename(temp_mount_at(&temp, "f"),
		temp_mount_at(&temp, "../other/f"))));
	cr_assert(eq(i64, write(fd, " whole", 6), 6));
	cr_assert(not(close(fd)));
	cr_assert(not(bucket_get(temp.store.store, SLICE("other"), &other)));

	cr_expect(eq(str, (char *)temp_mount_read(&temp, "../other/f"),
		"half whole"));
	expect_usage(&temp, temp.bucket, 0, 0);
	expect_usage(&temp, other.ino, 1, 10);
}

Test(mount, directories_and_files_of_several_names_stay_in_their_bucket)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();

	cr_assert(not(mkdir(temp_mount_at(&temp, "../other"), 0755)));
	cr_assert(not(mkdir(temp_mount_at(&temp, "d"), 0755)));
	temp_mount_write(&temp, "a", "x");
	temp_mount_write(&temp, "../other/c", "x");
	cr_assert(not(link(temp_mount_at(&temp, "a"),
		temp_mount_at(&temp, "b"))));

	cr_expect(eq(int,
		error_of(rename(temp_mount_at(&temp, "a"),
			temp_mount_at(&temp, "../other/a"))),
		EXDEV));
	cr_expect(eq(int,
		error_of(rename(temp_mount_at(&temp, "d"),
			temp_mount_at(&temp, "../other/d"))),
		EXDEV));
	cr_expect(eq(int,
		error_of(link(temp_mount_at(&temp, "a"),
			temp_mount_at(&temp, "../other/a"))),
		EXDEV));
	cr_expect(eq(int,
		error_of(renameat2(AT_FDCWD, temp_mount_at(&temp, "../other/c"),
			AT_FDCWD, temp_mount_at(&temp, "a"), RENAME_EXCHANGE)),
		EXDEV));
}

/* A file made without a name, and what S3 sees of it. */
Test(mount, a_file_without_a_name_is_an_object_when_it_gets_one)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();

	int fd = open(temp_mount_at(&temp, "."), O_TMPFILE | O_RDWR, 0644);
	cr_assert(ge(int, fd, 0), "%s", strerror(errno));
	cr_assert(eq(i64, write(fd, "text", 4), 4));
	cr_assert(not(fsync(fd)));
	expect_usage(&temp, temp.bucket, 0, 0);
	cr_assert(not(linkat(fd, "", AT_FDCWD, temp_mount_at(&temp, "f"),
		AT_EMPTY_PATH)));
	cr_expect(eq(str, (char *)temp_mount_get(&temp, "f"), "text"));
	expect_usage(&temp, temp.bucket, 1, 4);
	cr_assert(not(close(fd)));
}

/* Whether the kernel still has the name by which it was opened, or moved. */
static bool
has_name(int fd)
{
	char link[32], path[256];

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	ssize_t len = readlink(link, path, sizeof(path) - 1);
	cr_assert(gt(i64, len, 0));
	path[len] = '\0';
	return !strstr(path, "(deleted)");
}

/* As overlayfs needs it, which holds them. */
Test(mount, what_is_exchanged_is_not_dropped_by_the_kernel)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();
	bool have_names = true;

	temp_mount_write(&temp, "f", "F");
	cr_assert(not(mkdir(temp_mount_at(&temp, "d"), 0755)));
	int file = open(temp_mount_at(&temp, "f"), O_RDONLY);
	int dir = open(temp_mount_at(&temp, "d"), O_RDONLY);
	cr_assert(file >= 0 && dir >= 0);
	for (int i = 0; i < 100; i++) {
		cr_assert(not(renameat2(AT_FDCWD, temp_mount_at(&temp, "f"),
			AT_FDCWD, temp_mount_at(&temp, "d"), RENAME_EXCHANGE)));
		have_names &= has_name(file) && has_name(dir);
	}
	cr_expect(have_names);
	cr_assert(not(close(file)));
	cr_assert(not(close(dir)));
}

/* What another process gets that wants the lock; 0 where it has it. */
static int
lock_elsewhere(const char *path, bool is_flock)
{
	struct flock lock = {.l_type = F_WRLCK, .l_start = 2, .l_len = 4};
	int status = -1;
	pid_t child = fork();

	if (child == 0) {
		int fd = open(path, O_RDWR);

		_exit(error_of(is_flock ? flock(fd, LOCK_EX | LOCK_NB)
					: fcntl(fd, F_SETLK, &lock)));
	}
	cr_assert(eq(int, waitpid(child, &status, 0), child));
	return WEXITSTATUS(status);
}

Test(mount, locks_hold_between_processes)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();
	struct flock lock = {.l_type = F_WRLCK, .l_start = 5, .l_len = 1};

	temp_mount_write(&temp, "f", "0123456789");
	const char *path = temp_mount_at(&temp, "f");
	int fd = open(path, O_RDWR);
	cr_expect(eq(int, lock_elsewhere(path, false), 0));
	cr_expect(eq(int, lock_elsewhere(path, true), 0));
	cr_assert(not(fcntl(fd, F_SETLK, &lock)));
	cr_expect(eq(int, lock_elsewhere(path, false), EAGAIN));
	lock.l_type = F_UNLCK;
	cr_assert(not(fcntl(fd, F_SETLK, &lock)));
	cr_expect(eq(int, lock_elsewhere(path, false), 0));
	cr_assert(not(flock(fd, LOCK_EX)));
	cr_expect(eq(int, lock_elsewhere(path, true), EWOULDBLOCK));
	cr_assert(not(close(fd)));
	cr_expect(eq(int, lock_elsewhere(path, true), 0));
}

Test(mount, holes_are_found_and_space_is_set_aside)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();
	struct stat info;

	int fd = open(temp_mount_at(&temp, "f"), O_RDWR | O_CREAT, 0600);
	cr_assert(eq(i64, pwrite(fd, "x", 1, 1 << 20), 1));
	cr_expect(eq(i64, lseek(fd, 0, SEEK_DATA), 1 << 20));
	cr_expect(eq(i64, lseek(fd, 0, SEEK_HOLE), 0));
	int failed = error_of(fallocate(fd, 0, 0, 2 << 20));
	cr_assert(not(fstat(fd, &info)));
	cr_assert(not(close(fd)));

	cr_expect(failed == 0 || failed == EOPNOTSUPP);
	cr_expect(eq(i64, info.st_size, failed ? (1 << 20) + 1 : 2 << 20));
}

Test(mount, a_name_of_255_bytes_fits_and_one_more_does_not)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();
	struct statvfs space;
	char name[257];

	memset(name, 'n', sizeof(name));
	name[256] = '\0';
	cr_expect(eq(int,
		error_of(open(temp_mount_at(&temp, "%s", name),
			O_CREAT | O_WRONLY, 0644)),
		ENAMETOOLONG));
	name[255] = '\0';
	temp_mount_write(&temp, name, "x");

	cr_expect(eq(str, (char *)temp_mount_get(&temp, name), "x"));
	cr_assert(not(statvfs(temp_mount_at(&temp, "."), &space)));
	cr_expect(eq(u64, space.f_namemax, 255));
	cr_expect(gt(u64, space.f_bavail, 0));
}

Test(mount, the_status_tells_of_passthrough)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();

	cr_expect(temp.status.is_ready);
	cr_expect(eq(int, temp.status.has_passthrough,
		temp.status.why_not == NULL));
	cr_expect(eq(u32, temp.status.kernel_major, 7));
	cr_expect(ne(str, (char *)mount_libfuse_version(), ""));
}
