/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel does without asking the daemon: what speed comes from. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
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

Test(requests, a_rename_costs_three)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();

	temp_mount_write(&temp, "f", "text");
	uint64_t before = requests(&temp);
	for (int i = 0; i < TIMES; i++)
		cr_assert(not(rename(temp_mount_at(&temp, i % 2 ? "g" : "f"),
			temp_mount_at(&temp, i % 2 ? "f" : "g"))));

	/* The directory's attributes, the new name, and the change. */
	cr_expect(le(u64, requests(&temp) - before, 3 * TIMES + FEW));
}

static struct temp_mount
open_small_files(void)
{
	struct temp_mount temp = temp_mount_open();

	temp_mount_stop(&temp);
	temp.is_small_files = true;
	temp_mount_start(&temp);
	return temp;
}

Test(small_files, opening_reading_and_closing_asks_for_nothing)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = open_small_files();

	temp_mount_put(&temp, "f", "text");
	cr_expect(eq(str, (char *)temp_mount_read(&temp, "f"), "text"));
	uint64_t before = requests(&temp);
	for (int i = 0; i < TIMES; i++)
		cr_assert(eq(str, (char *)temp_mount_read(&temp, "f"), "text"));

	cr_expect(lt(u64, requests(&temp) - before, FEW));
}

Test(small_files, nothing_can_be_changed)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = open_small_files();

	temp_mount_put(&temp, "f", "text");

	cr_expect(lt(int, open(temp_mount_at(&temp, "f"), O_WRONLY), 0));
	cr_expect(eq(int, errno, EROFS));
	cr_expect(lt(int,
		open(temp_mount_at(&temp, "g"), O_CREAT | O_RDWR, 0644), 0));
	cr_expect(eq(int, errno, EROFS));
	cr_expect(lt(int, unlink(temp_mount_at(&temp, "f")), 0));
	cr_expect(eq(int, errno, EROFS));
}

Test(small_files, what_s3_puts_and_deletes_is_seen_at_the_next_open)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = open_small_files();

	temp_mount_put(&temp, "f", "old");
	cr_expect(eq(str, (char *)temp_mount_read(&temp, "f"), "old"));
	temp_mount_put(&temp, "f", "newer");
	cr_expect(eq(str, (char *)temp_mount_read(&temp, "f"), "newer"));
	cr_assert(not(object_delete(temp.store.store, temp.bucket, SLICE("f"),
		NULL)));
	cr_expect(eq(ptr, (void *)temp_mount_read(&temp, "f"), NULL));
}

Test(small_files, a_large_one_is_read_too_and_descriptors_are_synced_and_sought)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = open_small_files();
	size_t size = (3u << 20) + 5;
	char *text = malloc(size + 1);

	for (size_t i = 0; i < size; i++)
		text[i] = (char)('a' + i % 26);
	text[size] = '\0';
	temp_mount_put(&temp, "big", text);
	int fd = open(temp_mount_at(&temp, "big"), O_RDONLY);

	cr_expect(eq(i64, lseek(fd, 0, SEEK_HOLE), (off_t)size));
	cr_expect(not(fsync(fd)));
	cr_assert(not(close(fd)));
	cr_expect(eq(str, (char *)temp_mount_read(&temp, "big"), text));
	free(text);
}

static const char *
name_of(unsigned i)
{
	static char name[16];

	(void)snprintf(name, sizeof(name), "f%u", i);
	return name;
}

/* Lists the top of the bucket, and opens, reads and closes each file there. */
static uint64_t
read_all(struct temp_mount *temp)
{
	DIR *dir = opendir(temp_mount_at(temp, "."));
	struct dirent *entry;
	struct stat info;
	uint64_t count = 0;
	char byte;

	cr_assert(ne(ptr, (void *)dir, NULL));
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		int fd = openat(dirfd(dir), entry->d_name, O_RDONLY);
		cr_assert(not(fstat(fd, &info)));
		cr_assert(eq(i64, pread(fd, &byte, 1, 0), 1));
		cr_assert(not(close(fd)));
		count++;
	}
	cr_assert(not(closedir(dir)));
	return count;
}

/* The bytes of heap that making, listing and reading files adds. */
static uint64_t
heap_of_files(struct temp_mount *temp, unsigned first, unsigned end)
{
	uint64_t before = temp_mount_heap(temp);

	for (unsigned i = first; i < end; i++)
		temp_mount_write(temp, name_of(i), "x");
	cr_assert(eq(u64, read_all(temp), end));
	uint64_t after = temp_mount_heap(temp);
	cr_log_info("heap: %llu, then %llu bytes", (unsigned long long)before,
		(unsigned long long)after);
	return after > before ? after - before : 0;
}

/*
 * A worker that begins meanwhile adds its buffer, of a mebibyte.  There are 32
 * at most, so they disturb as many rounds; what leaks shows in each.
 */
Test(requests, memory_stays_as_files_are_listed_opened_and_closed,
	.timeout = 3600)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();
	unsigned count = getenv("TEST_LONG") ? 1000000 : 1000;
	unsigned end = count / 10;
	uint64_t more = UINT64_MAX;

	(void)heap_of_files(&temp, 0, end);
	for (int round = 0; round < 32 && more >= 256u << 10; round++) {
		more = heap_of_files(&temp, end, end + count);
		end += count;
	}
	cr_expect(lt(u64, more, 256u << 10));
}
