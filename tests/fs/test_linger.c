/* SPDX-License-Identifier: Apache-2.0 */
/* What is written to a file after the close() that published it. */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/base/clock.h"
#include "store/base/io.h"
#include "store/file.h"
#include "tests/fs/needs_mount.h"

/* Much more than it takes. */
#define PATIENCE_MS 20000

static struct inode
head(struct temp_mount *temp, const char *key)
{
	struct object object = {0};

	cr_assert(not(object_head(temp->store.store, temp->bucket,
		slice_str(key), &temp->arena, &object)));
	return object.inode;
}

/* As another mount shows it, to whom nothing was said. */
static struct inode
seen_elsewhere(struct temp_mount *temp, uint64_t ino)
{
	struct inode inode = {0};

	cr_assert(not(tree_inode(temp->store.store, ino, NULL, &inode)));
	(void)file_attr_refresh(temp->store.store, &inode);
	return inode;
}

static bool
wait_for_size(struct temp_mount *temp, const char *key, uint64_t size)
{
	int64_t end_ms = clock_monotonic_ms() + PATIENCE_MS;

	while (head(temp, key).size != size) {
		if (clock_monotonic_ms() > end_ms)
			return false;
		io_sleep_ms(1);
	}
	return true;
}

/* As a shell has it, by `exec 3>f`. */
static void
write_by_duplicate(struct temp_mount *temp, int fd)
{
	struct stat info;

	cr_assert(eq(i64, pwrite(fd, "first", 5, 0), 5));
	int duplicate = dup(fd);
	cr_assert(not(close(fd)));
	cr_expect(eq(u64, head(temp, "f").size, 5));
	cr_assert(eq(i64, pwrite(duplicate, ", second", 8, 5), 8));

	cr_assert(not(fstat(duplicate, &info)));
	cr_expect(eq(i64, info.st_size, 13));
	cr_expect(eq(i64, lseek(duplicate, 0, SEEK_END), 13));
	cr_expect(wait_for_size(temp, "f", 13));
	cr_expect(eq(u64, seen_elsewhere(temp, info.st_ino).size, 13));
	cr_assert(eq(i64, pwrite(duplicate, ", third", 7, 13), 7));
	cr_expect(eq(u64, head(temp, "f").size, 20));
	cr_expect(eq(u64, seen_elsewhere(temp, info.st_ino).size, 20));
	cr_assert(not(close(duplicate)));
	cr_expect(eq(str, (char *)temp_mount_get(temp, "f"),
		"first, second, third"));
}

Test(linger, what_a_duplicate_writes_is_seen_by_all)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();

	write_by_duplicate(&temp,
		open(temp_mount_at(&temp, "f"), O_RDWR | O_CREAT, 0644));
}

/* Who reads a small file first decides that the kernel has its pages. */
Test(linger, what_a_duplicate_writes_without_passthrough_is_seen_by_all)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();

	temp_mount_put(&temp, "f", "zero");
	int reader = open(temp_mount_at(&temp, "f"), O_RDONLY);
	cr_assert(ge(int, reader, 0));
	write_by_duplicate(&temp, open(temp_mount_at(&temp, "f"), O_RDWR));
	cr_expect(eq(str, (char *)temp_mount_read(&temp, "f"),
		"first, second, third"));
	cr_assert(not(close(reader)));
}
