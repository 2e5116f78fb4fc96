/* SPDX-License-Identifier: Apache-2.0 */
#include "store/last_access_private.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "tests/store/accesses.h"
#include "tests/store/files.h"
#include "tests/support/temp_store.h"

static uint32_t
days_since_access(struct store *store, uint64_t bucket, const char *key)
{
	struct inode inode = accesses_head(store, bucket, key);

	return accesses_today() - inode_access_day(&inode);
}

static void
flush(struct store *store)
{
	cr_assert(zero(int, last_access_flush(store)));
}

Test(last_access, a_get_is_one_and_a_head_is_none)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");

	accesses_put(temp.store, bucket, "got", "123", 40);
	accesses_put(temp.store, bucket, "seen", "12", 40);
	cr_expect(objects_is(temp.store, bucket, "got", "123"));
	(void)accesses_head(temp.store, bucket, "seen");
	cr_expect(eq(u32, days_since_access(temp.store, bucket, "got"), 40));
	flush(temp.store);

	cr_expect(zero(u32, days_since_access(temp.store, bucket, "got")));
	cr_expect(eq(u32, days_since_access(temp.store, bucket, "seen"), 40));
	cr_expect(eq(str, accesses_tiers(temp.store, bucket),
		(char *)"3 0 2 0"));
	cr_expect(zero(u64, objects_findings(temp.store)));
}

Test(last_access, is_written_once_a_day)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");

	accesses_put(temp.store, bucket, "a", "123", 1);
	cr_expect(objects_is(temp.store, bucket, "a", "123"));
	cr_expect(objects_is(temp.store, bucket, "a", "123"));
	flush(temp.store);
	uint64_t commit = db_last_commit(temp.store->db);
	cr_expect(objects_is(temp.store, bucket, "a", "123"));
	flush(temp.store);

	cr_expect(zero(u32, days_since_access(temp.store, bucket, "a")));
	cr_expect(eq(u64, db_last_commit(temp.store->db), commit));
}

Test(last_access, of_a_day_to_come_is_put_right)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	uint64_t ino = accesses_put(temp.store, bucket, "a", "123", 0);

	accesses_set(temp.store, ino, accesses_today() + 1000);
	cr_expect(objects_is(temp.store, bucket, "a", "123"));
	flush(temp.store);

	cr_expect(zero(u32, days_since_access(temp.store, bucket, "a")));
}

Test(last_access, is_of_a_directory_with_bytes_too)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");

	accesses_put(temp.store, bucket, "dir/", "123", 40);
	cr_expect(objects_is(temp.store, bucket, "dir/", "123"));
	flush(temp.store);

	cr_expect(zero(u32, days_since_access(temp.store, bucket, "dir/")));
	cr_expect(eq(str, accesses_tiers(temp.store, bucket),
		(char *)"3 0 0 0"));
	cr_expect(zero(u64, objects_findings(temp.store)));
}

Test(last_access, of_a_file_is_while_it_is_open)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	uint64_t ino = accesses_put(temp.store, bucket, "a", "123", 40);

	struct file *file = files_open(temp.store, ino, O_RDONLY);
	flush(temp.store);
	cr_expect(zero(u32, days_since_access(temp.store, bucket, "a")));
	/* The days go by, and the kernel does not say whether it reads. */
	accesses_set(temp.store, ino, accesses_today() - 9);
	flush(temp.store);
	cr_expect(zero(u32, days_since_access(temp.store, bucket, "a")));

	files_close(&file, O_RDONLY);
	accesses_set(temp.store, ino, accesses_today() - 9);
	flush(temp.store);
	cr_expect(eq(u32, days_since_access(temp.store, bucket, "a"), 9));
}

Test(last_access, is_written_down_when_the_store_is_closed)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");

	accesses_put(temp.store, bucket, "a", "123", 40);
	cr_expect(objects_is(temp.store, bucket, "a", "123"));
	temp_store_reopen(&temp);

	cr_expect(zero(u32, days_since_access(temp.store, bucket, "a")));
}

Test(last_access, of_what_is_gone_by_then_does_not_matter)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");

	accesses_put(temp.store, bucket, "a", "123", 40);
	accesses_put(temp.store, bucket, "b", "12", 40);
	cr_expect(objects_is(temp.store, bucket, "a", "123"));
	cr_expect(objects_is(temp.store, bucket, "b", "12"));
	cr_assert(zero(int,
		object_delete(temp.store, bucket, SLICE("a"), NULL)));
	flush(temp.store);

	cr_expect(zero(u32, days_since_access(temp.store, bucket, "b")));
	cr_expect(zero(u64, objects_findings(temp.store)));
}

Test(last_access, is_not_noted_where_the_store_is_for_reading_only)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");

	accesses_put(temp.store, bucket, "a", "123", 40);
	store_close(&temp.store);
	temp.store = temp_store_open_at(temp.path, true);

	cr_expect(objects_is(temp.store, bucket, "a", "123"));
	cr_expect(eq(int, last_access_flush(temp.store), STORE_READ_ONLY));
	cr_expect(eq(u32, days_since_access(temp.store, bucket, "a"), 40));
}

Test(last_access, is_dropped_where_memory_for_it_is_full)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	struct inode other = {.mode = S_IFREG};

	accesses_put(temp.store, bucket, "a", "123", 40);
	for (uint64_t i = 1; i <= LAST_ACCESS_SPANS_MAX; i++) {
		other.ino = i * LAST_ACCESS_SPAN;
		last_access_note(temp.store, &other);
	}
	cr_expect(objects_is(temp.store, bucket, "a", "123"));
	flush(temp.store);
	cr_expect(eq(u32, days_since_access(temp.store, bucket, "a"), 40));

	cr_expect(objects_is(temp.store, bucket, "a", "123"));
	flush(temp.store);
	cr_expect(zero(u32, days_since_access(temp.store, bucket, "a")));
}

Test(last_access, many_are_written_by_batches)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	char name[16];

	for (int i = 0; i < 600; i++) {
		(void)snprintf(name, sizeof(name), "%03d", i);
		accesses_put(temp.store, bucket, name, "1", 8);
		cr_assert(objects_is(temp.store, bucket, name, "1"));
	}
	cr_expect(eq(str, accesses_tiers(temp.store, bucket),
		(char *)"0 600 0 0"));
	flush(temp.store);

	cr_expect(eq(str, accesses_tiers(temp.store, bucket),
		(char *)"600 0 0 0"));
	cr_expect(zero(u64, objects_findings(temp.store)));
}
