/* SPDX-License-Identifier: Apache-2.0 */
/* What fsck says of data files that somebody has cut, removed or added. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/check_private.h"
#include "tests/store/checks.h"
#include "tests/store/raw.h"
#include "tests/support/temp_store.h"

Test(check_data, data_that_is_gone_is_reported_and_left)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = checks_fill(temp.store);

	cr_assert(eq(int,
		objects_put_if(temp.store, bucket, "k", objects_large(), NULL),
		STORE_OK));
	struct inode file = checks_find(temp.store, bucket, "k", TREE_FILE);
	cr_assert(eq(int, blob_remove(temp.store->blobs, file.blob), STORE_OK));
	struct checks_found found = checks_run(temp.store, CHECK_REPAIR);

	cr_expect(eq(int, found.of[CHECK_BLOB_MISSING], 1));
	cr_expect(eq(int, found.repaired, 0));
	cr_expect(names_lists(temp.store, bucket, "", "", "d/e/\nd/f\nk\n"));
}

/* The file is younger by so much than it was. */
static void
cut_off(struct store *store, uint64_t blob, off_t size, time_t younger_s)
{
	struct stat stat;
	int fd;

	cr_assert(eq(int, blob_open(store->blobs, blob, O_RDWR, &fd),
		STORE_OK));
	cr_assert(zero(int, fstat(fd, &stat)));
	cr_assert(eq(int, ftruncate(fd, size), 0));
	stat.st_mtim.tv_sec += younger_s;
	const struct timespec times[2] = {stat.st_atim, stat.st_mtim};
	cr_assert(zero(int, futimens(fd, times)));
	close(fd);
}

Test(check_data, data_of_another_size)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = checks_fill(temp.store);

	cr_assert(eq(int,
		objects_put_if(temp.store, bucket, "k", objects_large(), NULL),
		STORE_OK));
	struct inode file = checks_find(temp.store, bucket, "k", TREE_FILE);
	cut_off(temp.store, file.blob, 3, 1);
	checks_expect_repair(temp.store, CHECK_BLOB_SIZE);
	cr_expect(objects_is(temp.store, bucket, "k", "xxx"));
	cr_expect(eq(u64, names_bytes(temp.store, bucket), 4));
}

/* What is left of k is marked, and given to nobody. */
static void
expect_damaged(struct store *store, uint64_t bucket)
{
	scoped(arena_free) struct arena arena = {0};
	struct object object;
	uint64_t offset;
	int fd;
	struct checks_found found = checks_run(store, CHECK_REPAIR);

	cr_expect(eq(int, found.of[CHECK_BLOB_SIZE], 1));
	cr_expect(eq(int, found.of[CHECK_DAMAGED], 1));
	cr_expect(eq(int, found.repaired, 1));
	cr_expect(eq(int,
		object_open(store, bucket, SLICE("k"), &arena, &object, &fd,
			&offset),
		STORE_DAMAGED));
	found = checks_run(store, CHECK_REPAIR);
	cr_expect(eq(int, found.of[CHECK_BLOB_SIZE], 0));
	cr_expect(eq(int, found.of[CHECK_DAMAGED], 1));
}

Test(check_data, an_object_that_was_cut_off_is_damaged)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = checks_fill(temp.store);

	cr_assert(eq(int,
		objects_put_if(temp.store, bucket, "k", objects_large(), NULL),
		STORE_OK));
	struct inode file = checks_find(temp.store, bucket, "k", TREE_FILE);
	struct record_blob record = raw_blob(temp.store, file.blob);
	scoped(buffer_free) struct buffer value = {0};
	record.has_crc64nvme = true;
	record_blob_encode(&value, &record);
	raw_put(temp.store, DB_BLOB, key_u64(file.blob), buffer_slice(&value));
	cut_off(temp.store, file.blob, 3, 1);

	expect_damaged(temp.store, bucket);
}

/* As scrub has it: no scrub has given it a checksum yet. */
Test(check_data, a_file_cut_off_and_no_younger_than_its_inode_is_damaged)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = checks_fill(temp.store);

	cr_assert(eq(int,
		objects_put_if(temp.store, bucket, "k", objects_large(), NULL),
		STORE_OK));
	struct inode file = checks_find(temp.store, bucket, "k", TREE_FILE);
	cut_off(temp.store, file.blob, 3, 0);

	expect_damaged(temp.store, bucket);
}

Test(check_data, a_data_file_that_nothing_names)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	int fd;

	checks_fill(temp.store);
	uint64_t files = objects_files(temp.store);
	cr_assert(eq(int, blob_create(temp.store->blobs, 1u << 30, &fd),
		STORE_OK));
	close(fd);
	checks_expect_repair(temp.store, CHECK_BLOB_STRAY);
	cr_expect(eq(u64, objects_files(temp.store), files));
}

Test(check_data, a_data_file_that_has_a_name_by_now_is_not_removed)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = checks_fill(temp.store);
	struct check_job job = {.fix = CHECK_FIX_FILE};

	cr_assert(eq(int,
		objects_put_if(temp.store, bucket, "k", objects_large(), NULL),
		STORE_OK));
	job.a = checks_find(temp.store, bucket, "k", TREE_FILE).blob;
	cr_expect(eq(int, check_repair_job(temp.store, &job), STORE_OK));

	cr_expect(not(job.is_repaired));
	cr_expect(names_are_sound(temp.store));
}

Test(check_data, a_body_on_its_way_in_is_no_stray)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	struct object_put *put = NULL;

	checks_fill(temp.store);
	cr_assert(eq(int, object_put_begin(temp.store, 0, &put), STORE_OK));
	cr_assert(eq(int, object_put_write(put, objects_large()), STORE_OK));
	cr_expect(names_are_sound(temp.store));
	object_put_abort(&put);
}
