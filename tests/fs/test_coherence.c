/* SPDX-License-Identifier: Apache-2.0 */
/* What S3 does is seen through the mount at once, and the reverse. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/file.h"
#include "tests/fs/needs_mount.h"

static struct object
head(struct temp_mount *temp, const char *key)
{
	struct object object = {0};

	cr_assert(not(object_head(temp->store.store, temp->bucket,
		slice_str(key), &temp->arena, &object)));
	return object;
}

static bool
has_entry(const char *path, const char *name)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	bool has = false;

	cr_assert(ne(ptr, dir, NULL));
	while ((entry = readdir(dir)) != NULL)
		has = has || strcmp(entry->d_name, name) == 0;
	closedir(dir);
	return has;
}

Test(coherence, an_object_put_is_there_though_it_was_missed_before)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();

	for (int i = 0; i < 50; i++) {
		char key[16];

		snprintf(key, sizeof(key), "new-%d", i);
		cr_assert(eq(int, access(temp_mount_at(&temp, "%s", key), F_OK),
			-1));
		temp_mount_put(&temp, key, key);
		cr_assert(eq(str, (char *)temp_mount_read(&temp, key), key));
	}
}

Test(coherence, an_object_put_again_is_read_anew)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();

	for (int i = 0; i < 50; i++) {
		char text[32];

		snprintf(text, sizeof(text), "version %d", i * 1000);
		temp_mount_put(&temp, "a/b", text);
		cr_assert(eq(str, (char *)temp_mount_read(&temp, "a/b"), text));
	}
}

Test(coherence, who_has_the_old_object_open_goes_on_reading_it)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();
	char got[16] = "";
	struct stat info;

	temp_mount_put(&temp, "o", "the old one");
	int fd = open(temp_mount_at(&temp, "o"), O_RDONLY);
	temp_mount_put(&temp, "o", "the new");
	cr_assert(eq(i64, pread(fd, got, 15, 0), 11));
	cr_assert(not(fstat(fd, &info)));

	cr_expect(eq(str, got, "the old one"));
	cr_expect(eq(i64, info.st_size, 11));
	cr_expect(eq(u64, info.st_nlink, 0));
	cr_expect(eq(str, (char *)temp_mount_read(&temp, "o"), "the new"));
	cr_assert(not(close(fd)));
}

Test(coherence, a_file_that_s3_deletes_while_it_is_open_is_written_on)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();
	char got[16] = "";
	struct stat info;

	temp_mount_put(&temp, "dir/o", "the old one");
	int fd = open(temp_mount_at(&temp, "dir/o"), O_RDWR);
	cr_assert(not(object_delete(temp.store.store, temp.bucket,
		SLICE("dir/o"), NULL)));
	cr_assert(eq(i64, pwrite(fd, "THE", 3, 0), 3));
	cr_assert(eq(i64, pread(fd, got, 15, 0), 11));
	cr_assert(not(fstat(fd, &info)));

	cr_expect(eq(str, got, "THE old one"));
	cr_expect(eq(u64, info.st_nlink, 0));
	cr_expect(not(fsync(fd)));
	cr_expect(not(close(fd)));
	cr_expect(eq(ptr, (void *)temp_mount_get(&temp, "dir/o"), NULL));
}

Test(coherence, an_object_deleted_is_gone_and_its_implicit_directory_with_it)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();

	temp_mount_put(&temp, "dir/o", "x");
	cr_expect(eq(str, (char *)temp_mount_read(&temp, "dir/o"), "x"));
	cr_expect(has_entry(temp_mount_at(&temp, "."), "dir"));
	cr_assert(not(object_delete(temp.store.store, temp.bucket,
		SLICE("dir/o"), NULL)));

	cr_expect(eq(int, access(temp_mount_at(&temp, "dir/o"), F_OK), -1));
	cr_expect(eq(int, access(temp_mount_at(&temp, "dir"), F_OK), -1));
	cr_expect(not(has_entry(temp_mount_at(&temp, "."), "dir")));
}

Test(coherence, a_listing_that_the_kernel_kept_shows_what_s3_adds)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();
	const char *top = temp_mount_at(&temp, ".");

	temp_mount_put(&temp, "a", "x");
	for (int i = 0; i < 3; i++)
		cr_expect(not(has_entry(top, "b")));
	temp_mount_put(&temp, "b", "x");

	cr_expect(has_entry(top, "b"));
	cr_expect(has_entry(top, "a"));
}

/* As tar and rsync set it, to what it was. */
Test(coherence, a_listing_that_the_kernel_kept_is_not_known_by_its_time)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();
	const struct timespec times[2] = {{.tv_sec = 7}, {.tv_sec = 8}};
	const char *dir = temp_mount_at(&temp, "d");

	temp_mount_put(&temp, "d/a", "x");
	cr_assert(not(utimensat(AT_FDCWD, dir, times, 0)));
	for (int i = 0; i < 3; i++)
		cr_expect(not(has_entry(dir, "b")));
	temp_mount_put(&temp, "d/b", "x");
	cr_assert(not(utimensat(AT_FDCWD, dir, times, 0)));

	cr_expect(has_entry(dir, "b"));
	cr_expect(has_entry(dir, "a"));
}

Test(coherence, a_new_file_is_an_object_when_close_returns)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();

	for (int i = 0; i < 50; i++) {
		char name[16];

		snprintf(name, sizeof(name), "f%d", i);
		temp_mount_write(&temp, name, "content");
		cr_assert(eq(str, (char *)temp_mount_get(&temp, name),
			"content"));
	}
}

Test(coherence, a_new_file_is_hidden_from_s3_until_it_is_closed_or_synced)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();

	int fd = open(temp_mount_at(&temp, "f"), O_WRONLY | O_CREAT, 0644);
	cr_assert(eq(i64, write(fd, "half", 4), 4));
	cr_expect(eq(ptr, (void *)temp_mount_get(&temp, "f"), NULL));
	cr_expect(eq(str, (char *)temp_mount_read(&temp, "f"), "half"));
	cr_assert(not(fsync(fd)));
	cr_expect(eq(str, (char *)temp_mount_get(&temp, "f"), "half"));
	cr_assert(not(close(fd)));
}

/* As what is written to a temporary file that is closed last. */
Test(coherence, a_file_renamed_before_its_close_replaces_the_object_at_once)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();

	temp_mount_put(&temp, "final", "the old");
	int fd = open(temp_mount_at(&temp, "tmp"), O_WRONLY | O_CREAT, 0644);
	cr_assert(eq(i64, write(fd, "new", 3), 3));
	cr_assert(not(rename(temp_mount_at(&temp, "tmp"),
		temp_mount_at(&temp, "final"))));
	cr_expect(eq(str, (char *)temp_mount_get(&temp, "final"), "new"));
	cr_expect(eq(ptr, (void *)temp_mount_get(&temp, "tmp"), NULL));
	cr_assert(eq(i64, write(fd, "er", 2), 2));
	cr_assert(not(close(fd)));

	cr_expect(eq(str, (char *)temp_mount_get(&temp, "final"), "newer"));
	cr_expect(eq(str, (char *)temp_mount_read(&temp, "final"), "newer"));
}

/* What is not published is dropped after a power cut. */
Test(coherence, what_is_written_with_o_sync_is_published_at_once)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();

	int fd = open(temp_mount_at(&temp, "new"), O_CREAT | O_RDWR | O_DSYNC,
		0644);
	cr_assert(eq(i64, write(fd, "synced", 6), 6));
	cr_expect(eq(str, (char *)temp_mount_get(&temp, "new"), "synced"));
	cr_assert(not(close(fd)));
	fd = open(temp_mount_at(&temp, "new"), O_WRONLY | O_TRUNC | O_SYNC);
	cr_assert(eq(i64, write(fd, "again", 5), 5));
	cr_expect(eq(str, (char *)temp_mount_get(&temp, "new"), "again"));
	cr_assert(not(close(fd)));
	cr_expect(eq(str, (char *)temp_mount_get(&temp, "new"), "again"));
}

/* As a shell does it: the first descriptor is closed before any write. */
Test(coherence, closing_a_copy_of_the_descriptor_publishes_nothing_unwritten)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();

	temp_mount_write(&temp, "f", "old");
	int fd = open(temp_mount_at(&temp, "f"), O_WRONLY | O_TRUNC);
	int copy = dup(fd);
	cr_assert(not(close(fd)));
	cr_expect(eq(str, (char *)temp_mount_get(&temp, "f"), "old"));
	cr_assert(eq(i64, write(copy, "new text", 8), 8));
	cr_assert(not(close(copy)));

	cr_expect(eq(str, (char *)temp_mount_get(&temp, "f"), "new text"));
}

Test(coherence, a_child_that_ends_does_not_publish_what_its_parent_writes)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();
	int status = -1;

	int fd = open(temp_mount_at(&temp, "f"), O_WRONLY | O_CREAT, 0644);
	cr_assert(eq(i64, write(fd, "half", 4), 4));
	pid_t child = fork();
	if (child == 0)
		_exit(0);
	cr_assert(eq(int, waitpid(child, &status, 0), child));
	cr_expect(eq(ptr, (void *)temp_mount_get(&temp, "f"), NULL));
	cr_assert(eq(i64, write(fd, " whole", 6), 6));
	cr_assert(not(close(fd)));

	cr_expect(eq(str, (char *)temp_mount_get(&temp, "f"), "half whole"));
}

struct rewriting {
	struct temp_mount *temp;
	atomic_bool is_over;
	unsigned long reads;
	bool was_torn;
};

static void *
read_through_s3(void *arg)
{
	struct rewriting *rewriting = arg;
	struct temp_mount reader = *rewriting->temp;

	reader.arena = (struct arena){0};
	while (!atomic_load(&rewriting->is_over)) {
		const char *text = temp_mount_get(&reader, "f");
		size_t len = strlen(text);

		for (size_t i = 0; i < len; i++)
			rewriting->was_torn |= text[i] != text[0];
		rewriting->was_torn |= len != 3000 + (size_t)(text[0] - 'a');
		rewriting->reads++;
		arena_reset(&reader.arena);
	}
	arena_free(&reader.arena);
	return NULL;
}

Test(coherence, s3_never_sees_a_rewrite_half_done)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();
	struct rewriting rewriting = {.temp = &temp};
	char text[3100] = "";
	pthread_t reader;

	memset(text, 'a', 3000);
	temp_mount_write(&temp, "f", text);
	cr_assert(not(pthread_create(&reader, NULL, read_through_s3,
		&rewriting)));
	for (int i = 0; i < 1000; i++) {
		char c = (char)('a' + i % 26);
		size_t len = 3000 + (size_t)(i % 26);
		int fd = open(temp_mount_at(&temp, "f"), O_WRONLY | O_TRUNC);

		cr_assert(ge(int, fd, 0));
		memset(text, c, len);
		cr_assert(eq(i64, write(fd, text, 1000), 1000));
		cr_assert(eq(i64, write(fd, text, len - 1000),
			(ssize_t)len - 1000));
		cr_assert(not(close(fd)));
	}
	atomic_store(&rewriting.is_over, true);
	pthread_join(reader, NULL);

	cr_expect(not(rewriting.was_torn));
	cr_expect(gt(u64, rewriting.reads, 0));
}

Test(coherence, opening_an_object_for_writing_alone_keeps_its_etag)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();

	temp_mount_put(&temp, "o", "put by S3");
	struct object before = head(&temp, "o");
	int fd = open(temp_mount_at(&temp, "o"), O_RDWR);
	cr_assert(not(close(fd)));
	struct object after = head(&temp, "o");

	cr_expect(eq(u32, after.inode.etag.parts, 0));
	cr_expect(not(memcmp(before.inode.etag.value, after.inode.etag.value,
		16)));
}

Test(coherence, changing_an_object_in_place_gives_it_another_etag)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();

	temp_mount_put(&temp, "o", "put by S3");
	cr_expect(eq(str, (char *)temp_mount_read(&temp, "o"), "put by S3"));
	int fd = open(temp_mount_at(&temp, "o"), O_RDWR);
	cr_assert(eq(i64, pwrite(fd, "PUT", 3, 0), 3));
	cr_assert(not(close(fd)));

	cr_expect(eq(u32, head(&temp, "o").inode.etag.parts, 1));
	cr_expect(eq(str, (char *)temp_mount_get(&temp, "o"), "PUT by S3"));
	cr_expect(eq(str, (char *)temp_mount_read(&temp, "o"), "PUT by S3"));
}

Test(coherence, writing_to_a_copy_made_by_s3_leaves_the_original_alone)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();
	struct object object;

	temp_mount_put(&temp, "o", "original");
	cr_assert(not(object_copy(temp.store.store, temp.bucket, SLICE("o"),
		NULL, NULL, temp.bucket, SLICE("copy"), NULL, NULL, &object)));
	int reader = open(temp_mount_at(&temp, "copy"), O_RDONLY);
	int fd = open(temp_mount_at(&temp, "copy"), O_RDWR);
	cr_assert(eq(i64, pwrite(fd, "ORIG", 4, 0), 4));
	cr_assert(not(close(fd)));
	cr_assert(not(close(reader)));

	cr_expect(eq(str, (char *)temp_mount_read(&temp, "o"), "original"));
	cr_expect(eq(str, (char *)temp_mount_read(&temp, "copy"), "ORIGinal"));
	cr_expect(eq(str, (char *)temp_mount_get(&temp, "copy"), "ORIGinal"));
}

/* Of a file without a name the data cannot become its own any more. */
Test(coherence, a_deleted_file_does_not_write_into_a_copy_made_by_s3)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();
	const size_t sizes[] = {3000, 300000};

	for (size_t i = 0; i < array_len(sizes); i++) {
		char *text = arena_alloc(&temp.arena, sizes[i] + 1);
		struct object copy;
		char path[64];

		memset(text, 'A', sizes[i]);
		text[sizes[i]] = '\0';
		temp_mount_put(&temp, "o", text);
		cr_assert(not(object_copy(temp.store.store, temp.bucket,
			SLICE("o"), NULL, NULL, temp.bucket, SLICE("copy"),
			NULL, NULL, &copy)));
		int fd = open(temp_mount_at(&temp, "o"), O_RDONLY);
		cr_assert(ge(int, fd, 0));
		cr_assert(not(unlink(temp_mount_at(&temp, "o"))));
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);

		cr_expect(eq(int, open(path, O_RDWR), -1));
		cr_expect(eq(int, errno, EBUSY));
		cr_expect(eq(int, truncate(path, 10), -1));
		cr_expect(eq(int, open(path, O_WRONLY | O_TRUNC), -1));
		cr_expect(eq(str, (char *)temp_mount_get(&temp, "copy"), text));
		cr_expect(eq(str, (char *)temp_mount_read(&temp, "copy"),
			text));
		(void)close(fd);
	}
}

Test(coherence, two_processes_append_to_one_small_object)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();
	uint64_t end = temp_mount_append_in_turns(&temp);

	cr_expect(eq(u64, end, 6 + 3 * 7 + 2 * 5));
	cr_expect(eq(str, (char *)temp_mount_read(&temp, "log"),
		TEMP_MOUNT_APPENDED));
	cr_expect(eq(str, (char *)temp_mount_get(&temp, "log"),
		TEMP_MOUNT_APPENDED));
}

Test(coherence, a_time_set_by_another_process_outlasts_the_writer)
{
	NEEDS_MOUNT();
	const struct tree_change change = {
		.has_mtime = true,
		.mtime_ns = 1234567890123456789,
	};
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();
	struct inode result;
	struct stat info;

	temp_mount_put(&temp, "f", "text");
	int fd = open(temp_mount_at(&temp, "f"), O_WRONLY);
	cr_assert(eq(i64, pwrite(fd, "more text", 9, 0), 9));
	cr_assert(not(fstat(fd, &info)));
	cr_assert(not(file_attr_set(temp.store.store, info.st_ino, &change,
		&result)));
	cr_assert(not(close(fd)));

	/* A mount hears of it a moment afterwards. */
	do {
		cr_assert(not(stat(temp_mount_at(&temp, "f"), &info)));
	} while (info.st_mtim.tv_sec != 1234567890);
	cr_expect(eq(i64, info.st_size, 9));
	cr_expect(eq(i64, info.st_mtim.tv_nsec, 123456789));
	cr_expect(eq(str, (char *)temp_mount_get(&temp, "f"), "more text"));
}

/* An object of S3 that is too large for the page cache. */
#define LARGE (256 << 10)

static void
put_large(struct temp_mount *temp, const char *key)
{
	char *bytes = malloc(LARGE + 1);

	memset(bytes, 'a', LARGE);
	bytes[LARGE] = '\0';
	temp_mount_put(temp, key, bytes);
	free(bytes);
}

static char
byte_at(int fd, off_t offset)
{
	char byte = 0;

	cr_assert(eq(i64, pread(fd, &byte, 1, offset), 1));
	return byte;
}

static void
replace_by_other(struct temp_mount *temp, uint64_t ino, const char *text)
{
	struct stat info = {.st_size = -1};
	struct file *other = NULL;
	size_t done;

	cr_assert(not(file_open(temp->store.store, ino, O_WRONLY | O_TRUNC,
		&other)));
	cr_assert(not(file_data_write(other, slice_str(text), 0, &done)));
	cr_assert(not(file_close(&other, O_WRONLY)));
	/* A mount hears of it a moment after the close(). */
	while (info.st_size != (off_t)strlen(text))
		cr_assert(not(stat(temp_mount_at(temp, "f"), &info)));
}

Test(coherence,
	an_open_of_a_file_that_another_mount_replaced_is_of_the_new_data)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();
	struct stat info;

	put_large(&temp, "f");
	int old = open(temp_mount_at(&temp, "f"), O_RDONLY);
	cr_expect(eq(chr, byte_at(old, 0), 'a'));
	cr_assert(not(fstat(old, &info)));
	replace_by_other(&temp, info.st_ino, "new text");

	cr_expect(eq(str, (char *)temp_mount_read(&temp, "f"), "new text"));
	cr_expect(eq(chr, byte_at(old, LARGE - 1), 'a'));
	int fd = open(temp_mount_at(&temp, "f"), O_WRONLY | O_APPEND);
	cr_assert(eq(i64, write(fd, ", more", 6), 6));
	cr_assert(not(close(fd)));
	cr_expect(eq(str, (char *)temp_mount_get(&temp, "f"),
		"new text, more"));
	cr_expect(eq(str, (char *)temp_mount_read(&temp, "f"),
		"new text, more"));
	replace_by_other(&temp, info.st_ino, "the third");
	cr_expect(eq(str, (char *)temp_mount_read(&temp, "f"), "the third"));
	cr_expect(eq(chr, byte_at(old, LARGE - 1), 'a'));
	cr_assert(not(close(old)));
	cr_expect(eq(str, (char *)temp_mount_read(&temp, "f"), "the third"));
}

Test(coherence, a_file_that_is_read_and_was_copied_by_s3_can_be_written)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();
	struct object copy;

	put_large(&temp, "f");
	int old = open(temp_mount_at(&temp, "f"), O_RDONLY);
	cr_assert(not(object_copy(temp.store.store, temp.bucket, SLICE("f"),
		NULL, NULL, temp.bucket, SLICE("copy"), NULL, NULL, &copy)));
	int fd = open(temp_mount_at(&temp, "f"), O_WRONLY);
	cr_assert(fd >= 0);
	cr_assert(eq(i64, pwrite(fd, "b", 1, 0), 1));
	/* It could make a map of the copy's data, and write there. */
	if (temp.status.has_passthrough) {
		cr_expect(eq(int, open(temp_mount_at(&temp, "f"), O_RDWR), -1));
		cr_expect(eq(int, errno, EBUSY));
	}
	int again = open(temp_mount_at(&temp, "f"), O_RDONLY);

	cr_expect(eq(chr, byte_at(again, 0), 'b'));
	cr_expect(eq(chr, byte_at(again, LARGE - 1), 'a'));
	cr_expect(eq(chr, byte_at(old, 0), 'a'));
	cr_expect(not(fsync(old)));
	cr_assert(not(close(again)));
	cr_assert(not(close(fd)));
	cr_assert(not(close(old)));
	cr_expect(eq(chr, temp_mount_get(&temp, "f")[0], 'b'));
	cr_expect(eq(chr, temp_mount_get(&temp, "copy")[0], 'a'));
}

Test(coherence, an_empty_object_is_flushed_and_has_no_data)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();

	temp_mount_put(&temp, "empty", "");
	int fd = open(temp_mount_at(&temp, "empty"), O_RDONLY);
	cr_assert(ge(int, fd, 0));

	cr_expect(not(fsync(fd)));
	cr_expect(not(fdatasync(fd)));
	cr_expect(eq(i64, lseek(fd, 0, SEEK_DATA), -1));
	cr_expect(eq(int, errno, ENXIO));
	(void)close(fd);
	/* A flush that fails is the end of all writing. */
	temp_mount_write(&temp, "after", "text");
	cr_expect(eq(str, (char *)temp_mount_get(&temp, "after"), "text"));
}

Test(coherence, times_that_there_are_not_become_the_nearest)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();
	const struct timespec times[] = {
		{.tv_sec = 253370764800}, /* 9999-01-01 */
		{.tv_sec = -11676096000}, /* 1600-01-01 */
	};
	struct stat stat;

	temp_mount_write(&temp, "f", "text");
	cr_assert(not(utimensat(AT_FDCWD, temp_mount_at(&temp, "f"), times,
		0)));
	cr_assert(not(lstat(temp_mount_at(&temp, "f"), &stat)));

	cr_expect(gt(i64, stat.st_atim.tv_sec, 9200000000));
	cr_expect(lt(i64, stat.st_mtim.tv_sec, -9200000000));
}

Test(coherence, small_and_large_files_are_read_and_written_at_once)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();

	for (size_t size = 4096; size <= 1 << 20; size <<= 8) {
		char *text = malloc(size + 1);
		char got[8] = "";

		memset(text, 'x', size);
		text[size] = '\0';
		temp_mount_put(&temp, "o", text);
		int reader = open(temp_mount_at(&temp, "o"), O_RDONLY);
		cr_assert(eq(i64, pread(reader, got, 4, 0), 4));
		int writer = open(temp_mount_at(&temp, "o"), O_RDWR);
		cr_assert(ge(int, writer, 0), "%s", strerror(errno));
		cr_assert(eq(i64, pwrite(writer, "abcd", 4, 0), 4));
		cr_assert(eq(i64, pread(reader, got, 4, 0), 4));
		cr_expect(eq(str, got, "abcd"));
		cr_assert(not(close(writer)));
		cr_assert(eq(i64, pread(reader, got, 4, 0), 4));
		cr_expect(eq(str, got, "abcd"));
		cr_assert(not(close(reader)));
		free(text);
	}
}

Test(coherence, keys_that_posix_cannot_show_are_reached_by_their_escape)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();

	temp_mount_put(&temp, "a//b", "empty");
	temp_mount_put(&temp, "c/./d", "dot");
	temp_mount_put(&temp, "..", "dots");
	temp_mount_put(&temp, ".tarn~x", "own");

	cr_expect(eq(str, (char *)temp_mount_read(&temp, "a/.tarn~e~/b"),
		"empty"));
	cr_expect(eq(str, (char *)temp_mount_read(&temp, "c/.tarn~e~./d"),
		"dot"));
	cr_expect(eq(str, (char *)temp_mount_read(&temp, ".tarn~e~.."),
		"dots"));
	cr_expect(eq(str, (char *)temp_mount_read(&temp, ".tarn~e~.tarn~x"),
		"own"));
	cr_expect(has_entry(temp_mount_at(&temp, "a"), ".tarn~e~"));
	cr_assert(not(rename(temp_mount_at(&temp, ".tarn~e~.."),
		temp_mount_at(&temp, "shown"))));
	cr_expect(eq(str, (char *)temp_mount_get(&temp, "shown"), "dots"));
}

Test(coherence, an_object_and_a_directory_of_one_name_are_both_reached)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();

	temp_mount_put(&temp, "a", "file");
	cr_expect(eq(str, (char *)temp_mount_read(&temp, "a"), "file"));
	temp_mount_put(&temp, "a/b", "below");
	cr_expect(eq(str, (char *)temp_mount_read(&temp, ".tarn~f~a"), "file"));
	cr_expect(eq(str, (char *)temp_mount_read(&temp, "a/b"), "below"));
	cr_expect(has_entry(temp_mount_at(&temp, "."), ".tarn~f~a"));

	cr_assert(not(unlink(temp_mount_at(&temp, "a/b"))));
	cr_assert(not(rmdir(temp_mount_at(&temp, "a"))));
	cr_expect(eq(str, (char *)temp_mount_read(&temp, "a"), "file"));
	cr_expect(not(has_entry(temp_mount_at(&temp, "."), ".tarn~f~a")));
}

Test(coherence, a_name_too_long_to_show_can_be_read_and_removed)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();
	char shown[NAME_MAX + 1] = "";
	struct dirent *entry;
	char key[701];

	memset(key, 'k', 700);
	key[700] = '\0';
	temp_mount_put(&temp, key, "far");
	DIR *dir = opendir(temp_mount_at(&temp, "."));
	while ((entry = readdir(dir)) != NULL)
		if (entry->d_name[1] == 't')
			snprintf(shown, sizeof(shown), "%s", entry->d_name);
	closedir(dir);

	cr_expect(eq(str, (char *)temp_mount_read(&temp, shown), "far"));
	cr_assert(not(unlink(temp_mount_at(&temp, "%s", shown))));
	cr_expect(eq(ptr, (void *)temp_mount_get(&temp, key), NULL));
}

Test(coherence, what_s3_made_shows_the_owner_of_the_options_until_it_has_one)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();
	struct stat info;

	temp_mount_put(&temp, "d/o", "x");
	cr_assert(not(stat(temp_mount_at(&temp, "d/o"), &info)));
	cr_expect(eq(u32, info.st_mode, S_IFREG | 0640));
	cr_expect(eq(u32, info.st_uid, 12));
	cr_expect(eq(u32, info.st_gid, 34));
	cr_assert(not(stat(temp_mount_at(&temp, "d"), &info)));
	cr_expect(eq(u32, info.st_mode, S_IFDIR | 0750));

	cr_assert(not(chmod(temp_mount_at(&temp, "d/o"), 0444)));
	cr_assert(not(stat(temp_mount_at(&temp, "d/o"), &info)));
	cr_expect(eq(u32, info.st_mode, S_IFREG | 0444));
	cr_expect(eq(u32, info.st_uid, 12));
}
