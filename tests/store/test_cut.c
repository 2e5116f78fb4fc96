/* SPDX-License-Identifier: Apache-2.0 */
/* The numbers are those of cut.h's rules. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include "store/cut_private.h"
#include "store/file.h"
#include "tests/store/objects.h"
#include "tests/support/temp_store.h"

#define SIZE 8192

static const struct tree_owner owner = {S_IFREG | 0640, 1, 2};

/* A published file of that many bytes 'a'; its inode number. */
static uint64_t
make(struct store *store, uint64_t bucket, const char *name, uint64_t size)
{
	static char bytes[1 << 20];
	struct file *file = NULL;
	struct inode inode;

	memset(bytes, 'a', sizeof(bytes));
	cr_assert(zero(int, file_create(store, bucket, slice_str(name), &owner,
				    &inode, &file)));
	for (uint64_t at = 0; at < size; at += sizeof(bytes)) {
		size_t len = size - at < sizeof(bytes) ? (size_t)(size - at)
						       : sizeof(bytes);
		cr_assert(eq(i64, pwrite(file_fd(file), bytes, len, (off_t)at),
			(ssize_t)len));
	}
	cr_assert(zero(int, file_close(&file, O_RDWR)));
	return inode.ino;
}

static struct file *
open_file(struct store *store, uint64_t ino, int flags)
{
	struct file *file = NULL;

	cr_assert(zero(int, file_open(store, ino, flags, &file)));
	return file;
}

static void
close_file(struct file *file, int flags)
{
	cr_assert(zero(int, file_close(&file, flags)));
}

/* What reads an object. */
struct reader {
	struct arena arena;
	struct object object;
	int fd;
};

static struct reader
read_object(struct store *store, uint64_t bucket, const char *key)
{
	struct reader reader = {.fd = -1};
	uint64_t offset;

	cr_assert(zero(int,
		object_open(store, bucket, slice_str(key), &reader.arena,
			&reader.object, &reader.fd, &offset)));
	return reader;
}

static enum store_err
check(const struct reader *reader)
{
	return cut_check(&reader->object.guard, reader->fd,
		reader->object.inode.size);
}

static void
end(struct reader *reader)
{
	arena_free(&reader->arena);
	(void)close(reader->fd);
}

Test(cut, what_is_cut_and_made_longer_again_is_not_what_was_read)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	uint64_t ino = make(temp.store, bucket, "f", SIZE);

	for (int is_open_before = 0; is_open_before < 2; is_open_before++) {
		struct file *before =
			is_open_before ? open_file(temp.store, ino, O_RDWR)
				       : NULL;
		scoped(end) struct reader reader =
				read_object(temp.store, bucket, "f");

		cr_expect(eq(int, cut_is_written(&reader.object.guard),
			is_open_before));
		struct file *file = open_file(temp.store, ino, O_RDWR);
		cr_expect(cut_is_written(&reader.object.guard));
		cr_expect(zero(int, check(&reader)));
		cr_assert(zero(int, file_data_truncate(file, 1)));
		cr_assert(zero(int, file_data_truncate(file, SIZE)));

		cr_expect(eq(int, check(&reader), STORE_BUSY));
		close_file(file, O_RDWR);
		if (before)
			close_file(before, O_RDWR);
	}
}

/* By others: who has it open need not know. */
Test(cut, what_was_published_meanwhile_is_cut_as_all_is)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	struct file *file = NULL;
	struct inode inode;

	cr_assert(zero(int,
		objects_put(temp.store, bucket, "to", "of S3's, replaced")));
	cr_assert(zero(int, file_create(temp.store, bucket, SLICE("from"),
				    &owner, &inode, &file)));
	cr_assert(eq(i64, pwrite(file_fd(file), "12345", 5, 0), 5));
	cr_assert(zero(int,
		tree_rename(temp.store, bucket, SLICE("from"), TREE_FILE,
			bucket, SLICE("to"), 0, &inode)));
	scoped(end) struct reader reader =
			read_object(temp.store, bucket, "to");
	cr_expect(eq(u64, reader.object.inode.size, 5));
	cr_assert(zero(int, file_data_truncate(file, 0)));
	cr_assert(eq(i64, pwrite(file_fd(file), "other bytes", 11, 0), 11));

	cr_expect(eq(int, check(&reader), STORE_BUSY));
	close_file(file, O_RDWR);
}

Test(cut, what_is_truncated_at_open_where_it_lies_is_cut)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	uint64_t ino = make(temp.store, bucket, "f", SIZE);
	struct file *open = open_file(temp.store, ino, O_RDONLY);
	scoped(end) struct reader reader = read_object(temp.store, bucket, "f");

	struct file *file = open_file(temp.store, ino, O_RDWR | O_TRUNC);
	cr_assert(zero(int, file_data_truncate(file, SIZE)));

	cr_expect(eq(int, check(&reader), STORE_BUSY));
	close_file(file, O_RDWR | O_TRUNC);
	close_file(open, O_RDONLY);
}

Test(cut, writing_or_making_longer_or_a_rewrite_cuts_nothing)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	uint64_t ino = make(temp.store, bucket, "f", SIZE);
	scoped(end) struct reader reader = read_object(temp.store, bucket, "f");

	struct file *file = open_file(temp.store, ino, O_RDWR);
	cr_assert(eq(i64, pwrite(file_fd(file), "b", 1, 0), 1));
	cr_assert(zero(int, file_data_truncate(file, 2 * SIZE)));
	cr_expect(zero(int, check(&reader)));
	cr_assert(zero(int, file_data_truncate(file, 2 * SIZE)));
	close_file(file, O_RDWR);
	file = open_file(temp.store, ino, O_RDWR | O_TRUNC);
	cr_assert(zero(int, file_data_truncate(file, SIZE)));
	cr_assert(zero(int, file_data_truncate(file, 0)));
	cr_expect(zero(int, check(&reader)));
	close_file(file, O_RDWR | O_TRUNC);
}

Test(cut, one_that_was_under_way_when_reading_began_is_seen)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	uint64_t ino = make(temp.store, bucket, "f", SIZE);
	struct file *file = open_file(temp.store, ino, O_RDWR);

	cut_note(temp.store, file_blob(file));
	scoped(end) struct reader reader = read_object(temp.store, bucket, "f");
	cr_expect(zero(int, check(&reader)));
	cr_assert(zero(int, ftruncate(file_fd(file), 1)));
	cr_expect(eq(int, check(&reader), STORE_BUSY));
	cut_note(temp.store, file_blob(file));
	cr_assert(zero(int, ftruncate(file_fd(file), SIZE)));

	cr_expect(eq(int, check(&reader), STORE_BUSY));
	close_file(file, O_RDWR);
}

/* Rule 3: between the reading of the record and that of the word. */
Test(cut, a_mark_that_is_younger_than_the_record_is_seen)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");

	make(temp.store, bucket, "f", SIZE);
	scoped(end) struct reader first = read_object(temp.store, bucket, "f");
	cut_note_mark(temp.store, first.object.inode.blob,
		db_last_commit(temp.store->db));
	scoped(end) struct reader older = read_object(temp.store, bucket, "f");
	cut_note_mark(temp.store, first.object.inode.blob,
		db_last_commit(temp.store->db) + 1);
	scoped(end) struct reader younger =
			read_object(temp.store, bucket, "f");

	cr_expect(not(older.object.guard.is_written));
	cr_expect(younger.object.guard.is_written);
	cr_expect(zero(int, check(&younger)));
}

/* Takes a while to copy. */
#define LONG (64u << 20)

struct copying {
	struct store *store;
	uint64_t bucket;
	enum store_err err;
};

static void *
copy(void *arg)
{
	struct copying *copying = arg;
	struct object made;

	copying->err = objects_copy(copying->store, copying->bucket, "f",
		"copy", &made);
	return NULL;
}

static bool
is_zero(struct slice bytes)
{
	for (size_t i = 0; i < bytes.len; i++)
		if (bytes.data[i])
			return false;
	return true;
}

Test(cut, a_copy_has_nothing_of_what_was_cut_off_while_it_was_made)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	scoped(arena_free) struct arena arena = {0};
	struct copying copying = {
		.store = temp.store,
		.bucket = objects_bucket(temp.store, "bucket"),
	};
	uint64_t ino = make(temp.store, copying.bucket, "f", LONG);
	struct file *file = open_file(temp.store, ino, O_RDWR);
	uint64_t files = objects_files(temp.store);
	pthread_t thread;

	cr_assert(zero(int, pthread_create(&thread, NULL, copy, &copying)));
	while (objects_files(temp.store) == files)
		continue;
	cr_assert(zero(int, file_data_truncate(file, 0)));
	cr_assert(zero(int, file_data_truncate(file, LONG)));
	cr_assert(zero(int, pthread_join(thread, NULL)));

	cr_expect(zero(int, copying.err));
	struct slice got =
		objects_get(temp.store, copying.bucket, "copy", &arena);
	cr_expect(got.len == 0 || got.len == LONG);
	/* The copy may have been made before, or in between. */
	cr_expect(is_zero(got) || slice_find_char(got, 0) < 0);
	close_file(file, O_RDWR);
}
