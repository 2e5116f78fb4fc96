/* SPDX-License-Identifier: Apache-2.0 */
#include "store/pack_private.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/resource.h>

#include "store/blob_record_private.h"
#include "store/durable_private.h"
#include "store/file.h"
#include "store/tree.h"
#include "tests/store/descriptors.h"
#include "tests/store/objects.h"
#include "tests/support/other_process.h"
#include "tests/support/temp_store.h"

/* Two objects of LEN fit into a segment. */
#define SEGMENT (1u << 17)
#define LEN 60000

/* The thread is stopped: a test says itself when to reclaim. */
static struct temp_store
open_quiet(void)
{
	struct temp_store temp = temp_store_open_segments(SEGMENT);

	reclaim_stop(temp.store);
	return temp;
}

/* LEN bytes that tell of the number. */
static void
fill(char bytes[LEN], int number)
{
	for (int i = 0; i < LEN; i++)
		bytes[i] = (char)(number * 31 + i / 7);
}

static enum store_err
put(struct store *store, uint64_t bucket, int number)
{
	char key[16], bytes[LEN];

	snprintf(key, sizeof(key), "k%d", number);
	fill(bytes, number);
	return objects_put_if(store, bucket, key, slice_of(bytes, LEN), NULL);
}

static void
put_many(struct store *store, uint64_t bucket, int count)
{
	for (int i = 0; i < count; i++)
		cr_assert(eq(int, put(store, bucket, i), STORE_OK));
}

static bool
is_whole(struct store *store, uint64_t bucket, int number)
{
	scoped(arena_free) struct arena arena = {0};
	char key[16], bytes[LEN];

	snprintf(key, sizeof(key), "k%d", number);
	fill(bytes, number);
	return slice_equal(objects_get(store, bucket, key, &arena),
		slice_of(bytes, LEN));
}

static void delete (struct store *store, uint64_t bucket, int number)
{
	char key[16];

	snprintf(key, sizeof(key), "k%d", number);
	cr_assert(eq(int, object_delete(store, bucket, slice_str(key), NULL),
		STORE_OK));
}

static int
open_object(struct store *store, uint64_t bucket, int number, uint64_t *offset)
{
	scoped(arena_free) struct arena arena = {0};
	struct object object;
	char key[16];
	int fd;

	snprintf(key, sizeof(key), "k%d", number);
	cr_assert(eq(int,
		object_open(store, bucket, slice_str(key), &arena, &object, &fd,
			offset),
		STORE_OK));
	return fd;
}

/* All that can be given back. */
static void
reclaim_all(struct store *store)
{
	cr_assert(eq(int, pack_seal_full(store), STORE_OK));
	for (int i = 0; i < 2; i++) {
		cr_assert(eq(int, store_sync(store), STORE_OK));
		cr_assert(eq(int, reclaim_run(store), STORE_OK));
	}
}

static struct inode
find(struct store *store, uint64_t bucket, const char *name)
{
	struct inode inode;

	cr_assert(eq(int,
		tree_lookup(store, bucket, slice_str(name), TREE_FILE, NULL,
			&inode),
		STORE_OK));
	return inode;
}

Test(pack, small_objects_share_a_file)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");

	for (int i = 0; i < 20; i++)
		cr_assert(eq(int, put(temp.store, bucket, i), STORE_OK));

	cr_expect(eq(u64, objects_segments(temp.store), 1));
	cr_expect(eq(u64, objects_count(temp.store).files, 0));
	for (int i = 0; i < 20; i++)
		cr_expect(is_whole(temp.store, bucket, i));
	cr_expect(eq(u64, objects_findings(temp.store), 0));
}

Test(pack, those_above_the_limit_have_a_file_each)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	struct slice large = objects_large();

	cr_assert(eq(int,
		objects_put_if(temp.store, bucket, "just",
			slice_first(large, PACK_MAX), NULL),
		STORE_OK));
	cr_expect(eq(u64, objects_count(temp.store).files, 0));
	cr_assert(eq(int,
		objects_put_if(temp.store, bucket, "above", large, NULL),
		STORE_OK));
	cr_expect(eq(u64, objects_count(temp.store).files, 1));

	scoped(arena_free) struct arena arena = {0};
	cr_expect(slice_equal(objects_get(temp.store, bucket, "above", &arena),
		large));
}

Test(pack, a_body_in_pieces_is_whole_on_either_side_of_the_limit)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	struct slice large = objects_large();
	const size_t lens[] = {PACK_MAX - 1, PACK_MAX, PACK_MAX + 1};

	for (size_t i = 0; i < array_len(lens); i++) {
		scoped(arena_free) struct arena arena = {0};
		struct object_attrs attrs = {0};
		struct object_put *body = NULL;
		struct object made;
		struct slice rest = slice_first(large, lens[i]);

		cr_assert(eq(int, object_put_begin(temp.store, 0, &body),
			STORE_OK));
		while (rest.len > 0) {
			struct slice piece = slice_first(rest, 10007);

			cr_assert(eq(int, object_put_write(body, piece),
				STORE_OK));
			rest = slice_from(rest, piece.len);
		}
		cr_expect(eq(u64, object_put_size(body), lens[i]));
		cr_assert(eq(int,
			object_put_commit(&body, bucket, SLICE("k"), &attrs,
				NULL, &made),
			STORE_OK));
		cr_expect(slice_equal(objects_get(temp.store, bucket, "k",
					      &arena),
			slice_first(large, lens[i])));
	}
}

Test(pack, a_copy_outlives_its_source)
{
	scoped(temp_store_close) struct temp_store temp = open_quiet();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	struct object made;

	put_many(temp.store, bucket, 3);
	cr_assert(eq(int,
		object_copy(temp.store, bucket, SLICE("k0"), NULL, NULL, bucket,
			SLICE("copy"), NULL, NULL, &made),
		STORE_OK));
	cr_expect(eq(u64, objects_blob_records(temp.store), 3));
	delete (temp.store, bucket, 0);
	delete (temp.store, bucket, 1);
	reclaim_all(temp.store);

	scoped(arena_free) struct arena arena = {0};
	char bytes[LEN];
	fill(bytes, 0);
	cr_expect(slice_equal(objects_get(temp.store, bucket, "copy", &arena),
		slice_of(bytes, LEN)));
	cr_expect(eq(u64, objects_findings(temp.store), 0));
}

Test(pack, a_segment_goes_with_the_last_that_was_in_it)
{
	scoped(temp_store_close) struct temp_store temp = open_quiet();
	uint64_t bucket = objects_bucket(temp.store, "bucket");

	put_many(temp.store, bucket, 5);
	cr_expect(eq(u64, objects_segments(temp.store), 3));
	for (int i = 0; i < 4; i++)
		delete (temp.store, bucket, i);
	reclaim_all(temp.store);

	/* That of the fifth, still appended to. */
	cr_expect(eq(u64, objects_segments(temp.store), 1));
	cr_expect(eq(u64, objects_count(temp.store).files, 0));
	cr_expect(is_whole(temp.store, bucket, 4));
	temp_store_reopen(&temp);
	delete (temp.store, bucket, 4);
	reclaim_stop(temp.store);
	reclaim_all(temp.store);
	cr_expect(zero(u64, objects_segments(temp.store)));
	cr_expect(zero(u64, objects_rows(temp.store, DB_BLOB)));
	cr_expect(zero(u64, objects_rows(temp.store, DB_PACK)));
}

Test(pack, the_segment_that_is_appended_to_goes_when_nothing_lives_in_it)
{
	scoped(temp_store_close) struct temp_store temp = open_quiet();
	uint64_t bucket = objects_bucket(temp.store, "bucket");

	put_many(temp.store, bucket, 1);
	cr_assert(zero(int, pack_retire_dead(temp.store)));
	delete (temp.store, bucket, 0);
	cr_assert(zero(int, pack_retire_dead(temp.store)));
	reclaim_all(temp.store);
	cr_expect(zero(u64, objects_segments(temp.store)));

	put_many(temp.store, bucket, 1);
	for (int i = 0; i < 2; i++)
		cr_assert(zero(int, pack_retire_dead(temp.store)));
	reclaim_all(temp.store);
	cr_expect(eq(u64, objects_segments(temp.store), 1));
	cr_expect(is_whole(temp.store, bucket, 0));
}

Test(pack, what_lives_is_moved_out_of_a_segment_that_is_a_quarter_dead)
{
	scoped(temp_store_close) struct temp_store temp = open_quiet();
	uint64_t bucket = objects_bucket(temp.store, "bucket");

	put_many(temp.store, bucket, 16);
	cr_expect(eq(u64, objects_segments(temp.store), 8));
	for (int i = 0; i < 16; i += 2)
		delete (temp.store, bucket, i);
	cr_expect(eq(u64, objects_findings(temp.store), 0));
	reclaim_all(temp.store);

	cr_expect(le(u64, objects_segments(temp.store), 5));
	for (int i = 1; i < 16; i += 2)
		cr_expect(is_whole(temp.store, bucket, i));
	cr_expect(eq(u64, objects_findings(temp.store), 0));
	temp_store_reopen(&temp);
	for (int i = 1; i < 16; i += 2)
		cr_expect(is_whole(temp.store, bucket, i));
	cr_expect(eq(u64, objects_findings(temp.store), 0));
}

Test(pack, who_opened_it_before_it_was_moved_reads_on)
{
	scoped(temp_store_close) struct temp_store temp = open_quiet();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	char bytes[LEN], got[LEN];
	uint64_t offset;

	put_many(temp.store, bucket, 3);
	int moved = open_object(temp.store, bucket, 1, &offset);
	uint64_t gone_offset;
	int gone = open_object(temp.store, bucket, 0, &gone_offset);
	delete (temp.store, bucket, 0);
	reclaim_all(temp.store);
	cr_assert(eq(u64, objects_segments(temp.store), 1));

	cr_assert(eq(int, io_pread_all(moved, got, LEN, offset), STORE_OK));
	fill(bytes, 1);
	cr_expect(eq(int, memcmp(got, bytes, LEN), 0));
	cr_assert(eq(int, io_pread_all(gone, got, LEN, gone_offset), STORE_OK));
	fill(bytes, 0);
	cr_expect(eq(int, memcmp(got, bytes, LEN), 0));
	close(moved);
	close(gone);
}

struct reading {
	struct store *store;
	uint64_t bucket;
	atomic_bool is_over;
	atomic_uint broken;
};

static void *
read_on(void *arg)
{
	struct reading *reading = arg;

	while (!atomic_load(&reading->is_over)) {
		for (int i = 1; i < 8; i += 2) {
			if (!is_whole(reading->store, reading->bucket, i))
				atomic_fetch_add(&reading->broken, 1);
		}
	}
	return NULL;
}

Test(pack, readers_see_whole_objects_while_they_move)
{
	scoped(temp_store_close) struct temp_store temp = open_quiet();
	struct reading reading = {
		.store = temp.store,
		.bucket = objects_bucket(temp.store, "bucket"),
	};
	pthread_t thread;

	put_many(temp.store, reading.bucket, 8);
	cr_assert(eq(int, pthread_create(&thread, NULL, read_on, &reading), 0));
	for (int round = 0; round < 30; round++) {
		for (int i = 0; i < 8; i += 2)
			delete (temp.store, reading.bucket, i);
		reclaim_all(temp.store);
		for (int i = 0; i < 8; i += 2)
			cr_assert(eq(int, put(temp.store, reading.bucket, i),
				STORE_OK));
	}
	atomic_store(&reading.is_over, true);
	pthread_join(thread, NULL);

	cr_expect(zero(uint, atomic_load(&reading.broken)));
	cr_expect(eq(u64, objects_findings(temp.store), 0));
}

Test(pack, a_segment_that_cannot_be_made_leaves_nothing)
{
	scoped(temp_store_close) struct temp_store temp = open_quiet();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	uint64_t leases = objects_rows(temp.store, DB_LEASE);

	descriptors_take_away(true);
	for (int i = 0; i < 3; i++)
		cr_expect(eq(int, put(temp.store, bucket, i), STORE_NO_MEMORY));
	descriptors_take_away(false);

	cr_expect(eq(u64, objects_rows(temp.store, DB_LEASE), leases));
	cr_expect(zero(u64, objects_rows(temp.store, DB_BLOB)));
	cr_expect(zero(u64, objects_files_left(temp.store)));
	cr_expect(zero(u64, objects_rows(temp.store, DB_FREED)));
	cr_expect(zero(int, put(temp.store, bucket, 0)));
	cr_expect(is_whole(temp.store, bucket, 0));
}

Test(pack, a_segment_that_cannot_be_sealed_now_is_sealed_later)
{
	scoped(temp_store_close) struct temp_store temp = open_quiet();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	uint64_t leases = objects_rows(temp.store, DB_LEASE);
	put_many(temp.store, bucket, 3);

	descriptors_take_away(true);
	cr_expect(eq(int, pack_seal_full(temp.store), STORE_NO_MEMORY));
	descriptors_take_away(false);

	cr_expect(eq(u64, objects_rows(temp.store, DB_LEASE), leases + 2));
	cr_expect(zero(int, pack_seal_full(temp.store)));
	cr_expect(eq(u64, objects_rows(temp.store, DB_LEASE), leases + 1));
}

Test(pack, a_put_that_is_refused_leaves_dead_bytes_and_no_more)
{
	scoped(temp_store_close) struct temp_store temp = open_quiet();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	const struct object_condition condition = {.must_exist = true};

	put_many(temp.store, bucket, 1);
	cr_expect(eq(int,
		objects_put_if(temp.store, bucket, "new", SLICE("refused"),
			&condition),
		STORE_PRECONDITION));
	cr_assert(eq(int, objects_put(temp.store, bucket, "a", "b"), STORE_OK));

	cr_expect(eq(u64, objects_blob_records(temp.store), 2));
	cr_expect(objects_is(temp.store, bucket, "a", "b"));
	cr_expect(is_whole(temp.store, bucket, 0));
	cr_expect(eq(u64, objects_findings(temp.store), 0));
}

static void
put_and_tell(struct store *store, struct other_process *self)
{
	struct bucket bucket;
	enum store_err err = bucket_get(store, SLICE("bucket"), &bucket);

	for (int i = 0; i < 3 && !err; i++)
		err = put(store, bucket.ino, i);
	other_process_tell(self, (uint64_t)err);
}

Test(pack, what_a_killed_process_has_put_is_there_and_its_segment_sealed)
{
	scoped(temp_store_close) struct temp_store temp =
			temp_store_open_segments(SEGMENT);
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	store_close(&temp.store);
	struct other_process other =
		other_process_start(temp.path, put_and_tell);

	cr_assert(zero(u64, other_process_hear(&other)));
	other_process_kill(&other);
	temp_store_reopen(&temp);
	reclaim_stop(temp.store);

	for (int i = 0; i < 3; i++)
		cr_expect(is_whole(temp.store, bucket, i));
	cr_expect(eq(u64, objects_findings(temp.store), 0));
	/* Nobody appends to it: with its last blob it goes. */
	for (int i = 0; i < 3; i++)
		delete (temp.store, bucket, i);
	reclaim_all(temp.store);
	cr_expect(zero(u64, objects_segments(temp.store)));
}

Test(pack, room_set_aside_for_a_segment_is_given_back_at_the_end)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	struct inode inode;
	struct record_blob record;
	struct stat st;

	cr_assert(eq(int, objects_put(temp.store, bucket, "k", "1"), STORE_OK));
	temp_store_reopen(&temp);
	inode = find(temp.store, bucket, "k");
	scoped(db_abort) struct db_txn *txn = NULL;
	cr_assert(zero(int, db_begin_read(temp.store->db, &txn)));
	cr_assert(zero(int, blob_record_get(txn, inode.blob, &record)));
	cr_assert(zero(int, blob_stat(temp.store->blobs, record.segment, &st)));

	cr_expect(eq(i64, st.st_size, 1));
	cr_expect(le(i64, st.st_blocks, 8));
}

/* Else what is lost would be read as zeros, and nobody would know. */
Test(pack, a_segment_that_has_lost_its_end_is_not_made_longer)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	struct record_blob record;
	struct stat st;
	int fd;

	cr_assert(eq(int, objects_put(temp.store, bucket, "k", "bytes"),
		STORE_OK));
	scoped(db_abort) struct db_txn *txn = NULL;
	cr_assert(zero(int, db_begin_read(temp.store->db, &txn)));
	cr_assert(zero(int,
		blob_record_get(txn, find(temp.store, bucket, "k").blob,
			&record)));
	db_abort(&txn);
	cr_assert(zero(int,
		blob_open(temp.store->blobs, record.segment, O_RDWR, &fd)));
	cr_assert(zero(int, ftruncate(fd, 2)));
	close(fd);
	temp_store_reopen(&temp);

	cr_assert(zero(int, blob_stat(temp.store->blobs, record.segment, &st)));
	cr_expect(eq(i64, st.st_size, 2));
}

/* As a put that nobody was promised leaves it. */
static void
mark_unflushed(struct store *store, uint64_t segment)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	uint64_t number;

	cr_assert(zero(int, db_begin_write(store->db, &txn)));
	cr_assert(zero(int, blob_record_mark_unflushed(txn, segment)));
	cr_assert(zero(int, db_commit(&txn, &number)));
}

static int64_t
file_size(struct store *store, uint64_t blob)
{
	struct stat st;

	cr_assert(zero(int, blob_stat(store->blobs, blob, &st)));
	return st.st_size;
}

Test(pack, what_a_failed_flush_may_have_taken_is_neither_read_nor_added_to)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	scoped(arena_free) struct arena arena = {0};
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	struct object object;
	struct record_blob record;
	struct file *file = NULL;
	uint64_t offset;
	int fd;

	cr_assert(eq(int, objects_put(temp.store, bucket, "k", "1"), STORE_OK));
	struct inode inode = find(temp.store, bucket, "k");
	scoped(db_abort) struct db_txn *txn = NULL;
	cr_assert(zero(int, db_begin_read(temp.store->db, &txn)));
	cr_assert(zero(int, blob_record_get(txn, inode.blob, &record)));
	db_abort(&txn);
	int64_t size = file_size(temp.store, record.segment);

	cr_expect(eq(int, durable_fail(temp.store, STORE_IO), STORE_IO));
	cr_expect(objects_is(temp.store, bucket, "k", "1"));
	cr_expect(eq(int, objects_put(temp.store, bucket, "n", "2"), STORE_IO));
	cr_expect(eq(i64, file_size(temp.store, record.segment), size));

	mark_unflushed(temp.store, record.segment);
	cr_expect(eq(int,
		object_open(temp.store, bucket, SLICE("k"), &arena, &object,
			&fd, &offset),
		STORE_IO));
	cr_expect(eq(int, file_open(temp.store, inode.ino, O_RDONLY, &file),
		STORE_IO));
}

Test(pack, a_mount_reads_it_and_the_kernel_does_not_get_the_segment)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	struct file *file = NULL;
	struct stat st;
	char got[8] = "";

	cr_assert(eq(int, objects_put(temp.store, bucket, "a", "other"),
		STORE_OK));
	cr_assert(eq(int, objects_put(temp.store, bucket, "k", "packed"),
		STORE_OK));
	struct inode inode = find(temp.store, bucket, "k");
	cr_assert(eq(int, file_open(temp.store, inode.ino, O_RDONLY, &file),
		STORE_OK));

	cr_expect(not(file_pin(file)));
	cr_expect(eq(i64, pread(file_fd(file), got, sizeof(got), 0), 6));
	cr_expect(eq(str, got, "packed"));
	cr_assert(zero(int, fstat(file_fd(file), &st)));
	cr_expect(eq(i64, st.st_size, 6));
	cr_assert(zero(int, file_close(&file, O_RDONLY)));
}

Test(pack, writing_to_one_gives_it_a_file_of_its_own)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	struct file *reader = NULL, *writer = NULL;
	struct object made;
	char got[8] = "";

	cr_assert(eq(int, objects_put(temp.store, bucket, "k", "packed"),
		STORE_OK));
	cr_assert(eq(int,
		object_copy(temp.store, bucket, SLICE("k"), NULL, NULL, bucket,
			SLICE("copy"), NULL, NULL, &made),
		STORE_OK));
	struct inode inode = find(temp.store, bucket, "k");
	cr_assert(eq(int, file_open(temp.store, inode.ino, O_RDONLY, &reader),
		STORE_OK));
	cr_assert(eq(int, file_open(temp.store, inode.ino, O_RDWR, &writer),
		STORE_OK));
	cr_assert(eq(i64, pwrite(file_fd(writer), "PA", 2, 0), 2));

	cr_expect(eq(u64, objects_count(temp.store).files, 1));
	cr_expect(eq(i64, pread(file_fd(reader), got, sizeof(got), 0), 6));
	cr_expect(eq(str, got, "PAcked"));
	cr_expect(file_pin(writer));
	cr_assert(zero(int, file_close(&writer, O_RDWR)));
	cr_assert(zero(int, file_close(&reader, O_RDONLY)));
	cr_expect(objects_is(temp.store, bucket, "k", "PAcked"));
	cr_expect(objects_is(temp.store, bucket, "copy", "packed"));
	cr_expect(eq(u64, objects_findings(temp.store), 0));
}

Test(pack, one_that_is_truncated_by_a_mount_is_cut_and_no_other)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	struct file *file = NULL;

	cr_assert(eq(int, objects_put(temp.store, bucket, "a", "first"),
		STORE_OK));
	cr_assert(eq(int, objects_put(temp.store, bucket, "b", "second"),
		STORE_OK));
	struct inode a = find(temp.store, bucket, "a");
	struct inode b = find(temp.store, bucket, "b");
	cr_assert(zero(int, file_data_truncate_ino(temp.store, a.ino, 2, &a)));
	cr_assert(zero(int,
		file_open(temp.store, b.ino, O_WRONLY | O_TRUNC, &file)));
	cr_assert(eq(i64, pwrite(file_fd(file), "new", 3, 0), 3));
	cr_assert(zero(int, file_close(&file, O_WRONLY | O_TRUNC)));

	cr_expect(eq(u64, a.size, 2));
	cr_expect(objects_is(temp.store, bucket, "a", "fi"));
	cr_expect(objects_is(temp.store, bucket, "b", "new"));
	cr_expect(eq(u64, objects_findings(temp.store), 0));
}
