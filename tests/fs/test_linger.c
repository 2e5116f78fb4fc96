/* SPDX-License-Identifier: Apache-2.0 */
/* What is written to a file after the close() that published it. */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/base/clock.h"
#include "store/base/io.h"
#include "store/file.h"
#include "store/scrub.h"
#include "store/session_private.h"
#include "tests/fs/needs_mount.h"
#include "tests/store/versions.h"

/* Much more than it takes. */
#define PATIENCE_MS 20000

static struct inode
head(struct temp_mount *temp, const char *key)
{
	struct object object = {0};

	cr_assert(not(object_head(temp->store.store, temp->bucket,
		slice_str(key), &temp->arena, &object)));
	object.inode.attrs = SLICE_NULL;
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

#define NEEDS_PASSTHROUGH(temp)                                                \
	do {                                                                   \
		if (!(temp).status.has_passthrough)                            \
			cr_skip_test("%s", (temp).status.why_not);             \
	} while (0)

#define SIZE 4096

static bool
is_etag(const struct inode *one, const struct inode *other)
{
	return inode_etag_equal(&one->etag, &other->etag);
}

/* Until the record says that somebody writes. */
static bool
wait_for_mark(struct temp_mount *temp, const char *key)
{
	int64_t end_ms = clock_monotonic_ms() + PATIENCE_MS;

	while (!(head(temp, key).flags & INODE_DIRTY)) {
		if (clock_monotonic_ms() > end_ms)
			return false;
		io_sleep_ms(1);
	}
	return true;
}

static uint64_t
count_open(struct store *store)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	uint64_t count = 0;

	cr_assert(not(db_begin_read(store->db, &txn)));
	cr_assert(not(db_count(txn, DB_OPEN, &count)));
	return count;
}

/* Until no session has any file on its list. */
static bool
wait_for_end(struct temp_mount *temp)
{
	int64_t end_ms = clock_monotonic_ms() + PATIENCE_MS;

	while (count_open(temp->store.store) > 0) {
		if (clock_monotonic_ms() > end_ms)
			return false;
		io_sleep_ms(1);
	}
	return true;
}

/* A new file of SIZE bytes, mapped and closed. */
static char *
map_new(struct temp_mount *temp, const char *name)
{
	int fd = open(temp_mount_at(temp, "%s", name), O_RDWR | O_CREAT, 0644);

	cr_assert(ge(int, fd, 0));
	cr_assert(not(ftruncate(fd, SIZE)));
	char *bytes =
		mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	cr_assert(ne(ptr, bytes, MAP_FAILED));
	cr_assert(not(close(fd)));
	return bytes;
}

static char
byte_at(struct temp_mount *temp, const char *name, off_t offset)
{
	int fd = open(temp_mount_at(temp, "%s", name), O_RDONLY);
	char byte = 0;

	cr_assert(eq(i64, pread(fd, &byte, 1, offset), 1));
	cr_assert(not(close(fd)));
	return byte;
}

Test(linger, what_a_map_stores_after_the_close_is_seen_by_all)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();
	NEEDS_PASSTHROUGH(temp);

	char got[3] = "";

	char *bytes = map_new(&temp, "f");
	struct inode before = head(&temp, "f");
	bytes[0] = 'x';
	cr_expect(wait_for_mark(&temp, "f"));
	struct inode marked = head(&temp, "f");
	cr_expect(not(is_etag(&before, &marked)));
	int reader = open(temp_mount_at(&temp, "f"), O_RDONLY);
	cr_expect(eq(chr, byte_at(&temp, "f", 0), 'x'));
	bytes[1] = 'y';
	cr_expect(eq(chr, byte_at(&temp, "f", 1), 'y'));
	cr_expect(eq(i64, pread(reader, got, 2, 0), 2));
	cr_expect(eq(str, got, "xy"));
	cr_assert(not(close(reader)));
	struct inode during = head(&temp, "f");
	cr_assert(not(munmap(bytes, SIZE)));
	cr_expect(wait_for_end(&temp));
	struct inode after = head(&temp, "f");

	cr_expect(zero(u32, after.flags));
	cr_expect(is_etag(&during, &after));
	cr_expect(eq(str, (char *)temp_mount_get(&temp, "f"), "xy"));
}

Test(linger, what_is_mapped_and_not_changed_keeps_its_etag)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();
	NEEDS_PASSTHROUGH(temp);
	const struct tree_change change = {.has_mtime = true, .mtime_ns = 1};
	struct inode result;

	char *bytes = map_new(&temp, "f");
	struct inode before = head(&temp, "f");
	/* By path, as another mount does it. */
	cr_assert(not(file_attr_set(temp.store.store, before.ino, &change,
		&result)));
	cr_expect(wait_for_mark(&temp, "f"));
	cr_assert(not(munmap(bytes, SIZE)));
	cr_expect(wait_for_end(&temp));
	struct inode after = head(&temp, "f");

	cr_expect(is_etag(&before, &after));
	cr_expect(eq(i64, after.mtime_ns, 1));
}

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

Test(linger, what_a_map_stores_after_the_close_is_a_version)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();
	NEEDS_PASSTHROUGH(temp);
	struct versions it = keep_versions(&temp);

	temp_mount_write(&temp, "f", "abc");
	cr_expect(wait_for_end(&temp));
	int fd = open(temp_mount_at(&temp, "f"), O_RDWR);
	char *bytes = mmap(NULL, 3, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	cr_assert(ne(ptr, bytes, MAP_FAILED));
	cr_assert(not(close(fd)));
	bytes[1] = 'X';
	cr_expect(eq(str, (char *)temp_mount_read(&temp, "f"), "aXc"));
	cr_assert(not(munmap(bytes, 3)));
	cr_expect(wait_for_end(&temp));

	cr_expect(versions_lists(&it, "f=aXc* f=abc"));
	cr_expect(eq(str, (char *)temp_mount_read(&temp, "f"), "aXc"));
}

/* As touch(1) does it. */
Test(linger, a_time_set_by_who_writes_nothing_stays)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();
	const struct timespec times[2] = {{.tv_sec = 7}, {.tv_sec = 8}};
	struct versions it = keep_versions(&temp);

	temp_mount_write(&temp, "f", "abc");
	cr_expect(wait_for_end(&temp));
	struct inode before = head(&temp, "f");
	int fd = open(temp_mount_at(&temp, "f"), O_RDWR);
	cr_assert(not(futimens(fd, times)));
	cr_assert(not(close(fd)));
	cr_expect(wait_for_end(&temp));
	struct inode after = head(&temp, "f");

	cr_expect(eq(i64, after.mtime_ns, 8 * CLOCK_NS_PER_S));
	cr_expect(is_etag(&before, &after));
	cr_expect(versions_lists(&it, "f=abc*"));
}

Test(linger, what_a_map_stores_is_no_damage)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();
	NEEDS_PASSTHROUGH(temp);
	const struct scrub_options options = {.bytes_per_s = 0};
	struct scrub_result result;

	char *bytes = map_new(&temp, "f");
	/* Without it this goes on when the file is off the list. */
	while (count_open(temp.store.store) > 0 &&
		!(head(&temp, "f").flags & INODE_DIRTY))
		io_sleep_ms(1);
	cr_assert(not(scrub_run(temp.store.store, &options, &result)));
	bytes[0] = 'x';
	cr_assert(not(msync(bytes, SIZE, MS_SYNC)));
	cr_assert(not(chmod(temp_mount_at(&temp, "f"), 0600)));
	cr_assert(not(scrub_run(temp.store.store, &options, &result)));
	cr_expect(zero(u64, result.damaged));
	cr_assert(not(munmap(bytes, SIZE)));
	cr_expect(wait_for_end(&temp));
	cr_assert(not(scrub_run(temp.store.store, &options, &result)));

	cr_expect(zero(u64, result.damaged));
	cr_expect(eq(str, (char *)temp_mount_get(&temp, "f"), "x"));
}

/* how: O_RDWR, which may be mapped, or O_WRONLY, which may not. */
static void
write_after_the_end(int how)
{
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();
	NEEDS_PASSTHROUGH(temp);

	int fd = open(temp_mount_at(&temp, "f"), how | O_CREAT, 0644);
	cr_assert(eq(i64, pwrite(fd, "text", 4, 0), 4));
	temp_mount_stop(&temp);
	struct inode before = head(&temp, "f");
	cr_assert(eq(i64, pwrite(fd, "TEXT", 4, 0), 4));
	struct inode during = head(&temp, "f");
	(void)close(fd); /* it finds no mount */
	cr_expect(wait_for_end(&temp));
	struct inode after = head(&temp, "f");

	cr_expect(eq(u64, before.size, 4));
	cr_expect(not(is_etag(&before, &during)));
	cr_expect(is_etag(&during, &after));
	cr_expect(zero(u32, after.flags));
	cr_expect(eq(str, (char *)temp_mount_get(&temp, "f"), "TEXT"));
}

Test(linger, what_a_descriptor_writes_after_the_end_of_its_mount_is_seen)
{
	NEEDS_MOUNT();
	write_after_the_end(O_RDWR);
	write_after_the_end(O_WRONLY);
}
