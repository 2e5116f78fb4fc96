/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "store/last_access.h"
#include "store/upload.h"
#include "store/usage_private.h"
#include "tests/store/accesses.h"
#include "tests/store/checks.h"
#include "tests/store/files.h"
#include "tests/store/raw.h"
#include "tests/support/temp_store.h"

static void
expect(struct store *store, uint64_t bucket, const char *tiers)
{
	cr_expect(eq(str, accesses_tiers(store, bucket), (char *)tiers));
	cr_expect(zero(u64, objects_findings(store)));
}

Test(tier, bytes_are_of_the_tier_of_their_last_access)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	uint64_t other = objects_bucket(temp.store, "other");

	accesses_put(temp.store, bucket, "0", "1", 0);
	accesses_put(temp.store, bucket, "6", "12", 6);
	accesses_put(temp.store, bucket, "7", "123", 7);
	accesses_put(temp.store, bucket, "29", "1234", 29);
	accesses_put(temp.store, bucket, "30", "12345", 30);
	accesses_put(temp.store, bucket, "99", "123456", 99);
	accesses_put(temp.store, other, "7", "1234567", 7);

	expect(temp.store, bucket, "3 7 11 0");
	expect(temp.store, other, "0 7 0 0");
}

Test(tier, what_a_bucket_archives_is_no_longer_cold)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	uint32_t days = 1;

	accesses_put(temp.store, bucket, "79", "1", 79);
	accesses_put(temp.store, bucket, "80", "12", 80);
	cr_assert(zero(int, tier_archive_days(temp.store, bucket, &days)));
	cr_expect(zero(u32, days));
	cr_assert(zero(int, tier_set_archive_days(temp.store, bucket, 80)));

	expect(temp.store, bucket, "0 0 1 2");
	cr_assert(zero(int, tier_archive_days(temp.store, bucket, &days)));
	cr_expect(eq(u32, days, 80));

	cr_assert(zero(int, tier_set_archive_days(temp.store, bucket, 0)));
	expect(temp.store, bucket, "0 0 3 0");
}

Test(tier, an_archive_is_of_60_days_or_more)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");

	cr_expect(eq(int, tier_set_archive_days(temp.store, bucket, 59),
		STORE_INVALID));
	cr_expect(zero(int, tier_set_archive_days(temp.store, bucket, 60)));
	cr_expect(eq(int,
		tier_set_archive_days(temp.store, bucket,
			TIER_ARCHIVE_DAYS_MAX + 1),
		STORE_INVALID));
	cr_expect(eq(int, tier_set_archive_days(temp.store, bucket + 999, 60),
		STORE_NO_BUCKET));
}

Test(tier, an_archive_that_does_not_decode_is_none_and_goes)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = checks_fill(temp.store);
	uint32_t days;

	raw_put(temp.store, DB_DOCUMENT, key_dentry(bucket, SLICE("archive")),
		SLICE("\1\73\0\0\0"));
	cr_expect(eq(int, tier_archive_days(temp.store, bucket, &days),
		STORE_CORRUPT));
	cr_expect(eq(str, accesses_tiers(temp.store, bucket),
		(char *)"6 0 0 0"));
	checks_expect_repair(temp.store, CHECK_RECORD);
}

Test(tier, what_replaces_an_object_is_hot)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");

	accesses_put(temp.store, bucket, "a", "123", 40);
	accesses_put(temp.store, bucket, "dir/", "123", 40);
	accesses_put(temp.store, bucket, "b", "12", 40);
	cr_assert(zero(int, objects_put(temp.store, bucket, "a", "1234")));
	expect(temp.store, bucket, "4 0 5 0");

	cr_assert(zero(int, objects_put(temp.store, bucket, "dir/", "1")));
	expect(temp.store, bucket, "5 0 2 0");

	cr_assert(zero(int,
		object_delete(temp.store, bucket, SLICE("b"), NULL)));
	cr_assert(zero(int,
		object_delete(temp.store, bucket, SLICE("a"), NULL)));
	expect(temp.store, bucket, "1 0 0 0");
}

Test(tier, a_copy_is_hot_and_so_is_what_was_copied)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	struct object made;

	accesses_put(temp.store, bucket, "a", "123", 40);
	cr_assert(zero(int, objects_copy(temp.store, bucket, "a", "b", &made)));
	expect(temp.store, bucket, "3 0 3 0");

	cr_assert(zero(int, last_access_flush(temp.store)));
	expect(temp.store, bucket, "6 0 0 0");
}

Test(tier, each_name_of_a_file_counts)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	uint64_t ino = accesses_put(temp.store, bucket, "a", "123", 40);
	struct inode out;

	cr_assert(zero(int,
		tree_link(temp.store, ino, bucket, SLICE("b"), &out)));
	expect(temp.store, bucket, "0 0 6 0");

	accesses_set(temp.store, ino, accesses_today() - 8);
	expect(temp.store, bucket, "0 6 0 0");

	cr_assert(zero(int,
		object_delete(temp.store, bucket, SLICE("a"), NULL)));
	expect(temp.store, bucket, "0 3 0 0");
}

Test(tier, a_rename_takes_the_last_access_along)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	uint64_t other = objects_bucket(temp.store, "other");
	struct inode replaced;

	accesses_put(temp.store, bucket, "a", "123", 40);
	accesses_put(temp.store, other, "b", "12345", 8);
	cr_assert(zero(int,
		tree_rename(temp.store, bucket, SLICE("a"), TREE_FILE, other,
			SLICE("b"), 0, &replaced)));

	expect(temp.store, bucket, "0 0 0 0");
	expect(temp.store, other, "0 0 3 0");
}

Test(tier, a_file_counts_from_its_publication_on)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	struct file *file = files_create(temp.store, bucket, "a");
	uint64_t ino = file_ino(file);

	files_put(file, "123");
	accesses_set(temp.store, ino, accesses_today() - 8);
	expect(temp.store, bucket, "0 0 0 0");
	files_close(&file, O_RDWR);
	expect(temp.store, bucket, "0 3 0 0");

	file = files_open(temp.store, ino, O_RDWR);
	files_put(file, "12345");
	files_close(&file, O_RDWR);
	expect(temp.store, bucket, "0 5 0 0");
	cr_assert(zero(int, last_access_flush(temp.store)));
	expect(temp.store, bucket, "5 0 0 0");
}

Test(tier, parts_of_uploads_are_hot)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	const struct upload_info info = {.initiator = SLICE("AKID")};
	struct upload_part_info part_info = {.number = 1, .size = 4};
	struct upload_part *part = NULL;
	struct object made;
	char id[UPLOAD_ID_LEN + 1];

	digest_of(DIGEST_MD5, SLICE("1234"), part_info.md5);
	cr_assert(zero(int,
		upload_begin(temp.store, bucket, SLICE("big"), &info, id)));
	cr_assert(zero(int, upload_part_begin(temp.store, bucket, SLICE("big"),
				    slice_str(id), 1, 4, &part)));
	cr_assert(zero(int, upload_part_write(part, SLICE("1234"))));
	cr_assert(zero(int, upload_part_commit(&part, &part_info)));
	expect(temp.store, bucket, "4 0 0 0");

	cr_assert(zero(int, upload_complete(temp.store, bucket, SLICE("big"),
				    slice_str(id), &part_info, 1,
				    &(struct object_attrs){0}, NULL, &made)));
	expect(temp.store, bucket, "4 0 0 0");
	accesses_set(temp.store, made.inode.ino, accesses_today() - 7);
	expect(temp.store, bucket, "0 4 0 0");
}

Test(tier, nothing_is_left_of_a_bucket_that_is_deleted)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	struct tier_bytes bytes;

	accesses_put(temp.store, bucket, "a", "123", 40);
	cr_assert(zero(int,
		object_delete(temp.store, bucket, SLICE("a"), NULL)));
	/* As damage may have left it. */
	raw_put(temp.store, DB_USAGE, key_u64_u64(bucket, 5),
		SLICE("\3\7\0\0\0\0\0\0\0"));
	cr_assert(zero(int, bucket_delete(temp.store, SLICE("bucket"))));

	cr_expect(eq(int, tier_of_bucket(temp.store, bucket, 0, &bytes),
		STORE_NO_BUCKET));
	cr_expect(zero(u64, objects_findings(temp.store)));
}

Test(tier, are_counted_once_in_the_status)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	uint64_t other = objects_bucket(temp.store, "other");
	struct store_status status;

	accesses_put(temp.store, bucket, "a", "123", 40);
	accesses_put(temp.store, bucket, "b", "123", 8);
	accesses_put(temp.store, other, "a", "1", 40);
	cr_assert(zero(int, store_status(temp.store, &status)));

	cr_expect(eq(u64, status.objects, 3));
	cr_expect(eq(u64, status.bytes, 7));
}
