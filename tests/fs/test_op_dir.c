/* SPDX-License-Identifier: Apache-2.0 */
/* Reading directories, through a real mount. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/fs/needs_mount.h"

Test(op_dir, a_large_directory_is_listed_whole_and_each_name_once)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();
	const int count = 3000;
	char *seen = calloc(1, (size_t)count);
	struct dirent *entry;
	int total = 0, dots = 0;

	for (int i = 0; i < count; i++) {
		int fd = open(temp_mount_at(&temp, "file-%d", i),
			O_WRONLY | O_CREAT, 0644);
		cr_assert(ge(int, fd, 0));
		cr_assert(not(close(fd)));
	}
	/* Once asked for, once from the kernel's memory. */
	for (int round = 0; round < 2; round++) {
		DIR *dir = opendir(temp_mount_at(&temp, "."));
		cr_assert(ne(ptr, dir, NULL));
		memset(seen, 0, (size_t)count);
		total = dots = 0;
		while ((entry = readdir(dir)) != NULL) {
			int i = -1;
			if (entry->d_name[0] == '.') {
				dots++;
				continue;
			}
			cr_assert(eq(int, sscanf(entry->d_name, "file-%d", &i),
				1));
			cr_assert(i >= 0 && i < count && !seen[i]);
			cr_assert(eq(int, entry->d_type, DT_REG));
			seen[i] = 1;
			total++;
		}
		closedir(dir);
		cr_expect(eq(int, total, count));
		cr_expect(eq(int, dots, 2));
	}
	free(seen);
}

Test(op_dir, a_directory_is_emptied_while_it_is_read)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();
	struct dirent *entry;

	cr_assert(not(mkdir(temp_mount_at(&temp, "d"), 0755)));
	for (int i = 0; i < 500; i++) {
		int fd = open(temp_mount_at(&temp, "d/%d", i),
			O_WRONLY | O_CREAT, 0644);
		cr_assert(not(close(fd)));
	}
	DIR *dir = opendir(temp_mount_at(&temp, "d"));
	while ((entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] != '.')
			cr_expect(not(unlink(temp_mount_at(&temp, "d/%s",
				entry->d_name))));
	}
	closedir(dir);

	cr_expect(not(rmdir(temp_mount_at(&temp, "d"))));
}

/* Takes names from a directory whose files are called by numbers, with
 * nothing read ahead.  False: there are no more. */
static bool
take_numbers(int dir, unsigned char *seen)
{
	_Alignas(struct dirent) char buffer[16384];
	ssize_t len = getdents64(dir, buffer, sizeof(buffer));

	cr_assert(len >= 0);
	for (ssize_t at = 0; at < len;) {
		struct dirent *entry = (struct dirent *)(buffer + at);

		if (entry->d_name[0] != '.')
			seen[strtoul(entry->d_name, NULL, 10)]++;
		at += entry->d_reclen;
	}
	return len > 0;
}

static void
list_whole(const char *path)
{
	DIR *dir = opendir(path);

	while (readdir(dir))
		continue;
	closedir(dir);
}

/* The entries that a reader had go, that which it was at included. */
static void
remove_some_while_read(bool by_s3)
{
	const int count = 3000;
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();
	unsigned char *seen = calloc((size_t)count, 1);

	for (int i = 0; i < count; i++) {
		char key[32];

		snprintf(key, sizeof(key), "d/%06d", i);
		temp_mount_put(&temp, key, "");
	}
	/* From now on the kernel has the names. */
	list_whole(temp_mount_at(&temp, "d"));
	int dir = open(temp_mount_at(&temp, "d"), O_RDONLY | O_DIRECTORY);
	cr_assert(take_numbers(dir, seen));
	for (int i = 0; i < count; i++) {
		const char *path = temp_mount_at(&temp, "d/%06d", i);

		if (!seen[i])
			continue;
		if (by_s3)
			cr_assert(eq(int,
				object_delete(temp.store.store, temp.bucket,
					slice_str(strstr(path, "/d/") + 1),
					NULL),
				STORE_OK));
		else
			cr_assert(not(unlink(path)));
	}
	/* And now anew. */
	list_whole(temp_mount_at(&temp, "d"));
	while (take_numbers(dir, seen))
		continue;
	close(dir);

	for (int i = 0; i < count; i++)
		cr_assert(eq(int, seen[i], 1), "%d of %d", i, count);
	free(seen);
}

Test(op_dir, reading_goes_on_after_a_name_that_is_gone)
{
	NEEDS_MOUNT();
	remove_some_while_read(false);
}

Test(op_dir, reading_goes_on_after_a_name_that_s3_removed)
{
	NEEDS_MOUNT();
	remove_some_while_read(true);
}

Test(op_dir, the_top_lists_every_bucket)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();
	size_t dots = 0;
	size_t buckets = 0;

	cr_assert(not(mkdir(temp_mount_at(&temp, "../photos"), 0755)));

	DIR *top = opendir(temp_mount_at(&temp, ".."));
	cr_assert(ne(ptr, top, NULL));
	for (struct dirent *entry; (entry = readdir(top));)
		if (entry->d_name[0] == '.')
			dots++;
		else
			buckets++;
	cr_assert(not(closedir(top)));
	cr_expect(eq(sz, dots, 2));
	cr_expect(eq(sz, buckets, 2)); /* bbb is the other */
}
