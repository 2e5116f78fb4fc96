/* SPDX-License-Identifier: Apache-2.0 */
#include "store/access_day_private.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "store/counter_private.h"
#include "tests/store/accesses.h"
#include "tests/store/checks.h"
#include "tests/store/files.h"
#include "tests/store/raw.h"
#include "tests/support/temp_store.h"

#define MARK SLICE("counted-by-day")
/* More than two steps count. */
#define MANY (2 * ACCESS_DAY_BATCH + 10)

/* --- rows ----------------------------------------------------------------- */

static void
append_row(uint32_t day, uint64_t bytes, void *context)
{
	buffer_printf(context, "%u:%llu ", day, (unsigned long long)bytes);
}

static void
expect_rows(struct db_txn *txn, uint64_t bucket, const char *rows)
{
	scoped(buffer_free) struct buffer text = {0};

	cr_assert(zero(int, access_day_each(txn, bucket, append_row, &text)));
	cr_expect(slice_equal(buffer_slice(&text), slice_str(rows)),
		"%.*s is not %s", (int)text.len, (char *)text.data, rows);
}

static struct inode
accessed(uint64_t bucket, uint32_t day)
{
	return (struct inode){.ino = 99, .bucket = bucket, .access_day = day};
}

Test(access_day, sums_what_is_added_and_keeps_no_row_of_nothing)
{
	static const struct {
		uint64_t bucket;
		uint32_t day;
		int64_t bytes;
		const char *rows; /* of bucket 7 */
	} steps[] = {
		{7, 20, 5, "20:5 "},
		{7, 20, 0, "20:5 "},
		{7, 20, 3, "20:8 "},
		{7, 19, 1, "19:1 20:8 "},
		{6, 19, 4, "19:1 20:8 "},
		{8, 18, 4, "19:1 20:8 "},
		{7, 20, -7, "19:1 20:1 "},
		{7, 19, -1, "20:1 "},
		/* More than there is: it was wrong before. */
		{7, 20, -2, ""},
		{7, 20, -2, ""},
	};
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	scoped(db_abort) struct db_txn *txn = NULL;

	cr_assert(zero(int, db_begin_write(temp.store->db, &txn)));
	for (size_t i = 0; i < array_len(steps); i++) {
		struct inode inode = accessed(steps[i].bucket, steps[i].day);

		cr_assert(zero(int,
			access_day_add(txn, &inode, steps[i].bytes)));
		expect_rows(txn, 7, steps[i].rows);
	}
	expect_rows(txn, 6, "19:4 ");
	expect_rows(txn, 8, "18:4 ");
}

Test(access_day, moves_bytes_from_day_to_day)
{
	static const struct {
		uint32_t day_was;
		int64_t was;
		uint32_t day_now;
		int64_t now;
		const char *rows;
	} steps[] = {
		{10, 0, 10, 8, "10:8 "},
		{10, 8, 10, 6, "10:6 "},
		{10, 6, 10, 6, "10:6 "},
		{10, 6, 12, 9, "12:9 "},
		{12, 4, 11, 4, "11:4 12:5 "},
		{11, 4, 12, 0, "12:5 "},
	};
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	scoped(db_abort) struct db_txn *txn = NULL;

	cr_assert(zero(int, db_begin_write(temp.store->db, &txn)));
	for (size_t i = 0; i < array_len(steps); i++) {
		struct inode was = accessed(7, steps[i].day_was);
		struct inode now = accessed(7, steps[i].day_now);
		struct access_day_part from = {&was, steps[i].was};
		struct access_day_part to = {&now, steps[i].now};

		cr_assert(zero(int, access_day_move(txn, &from, &to)));
		expect_rows(txn, 7, steps[i].rows);
	}
}

Test(access_day, counts_inodes_below_the_mark_alone)
{
	static const struct {
		uint64_t mark;
		const char *rows;
	} steps[] = {
		{98, ""},
		{99, ""},
		{100, "5:1 "},
		{UINT64_MAX, "5:2 "},
	};
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	scoped(db_abort) struct db_txn *txn = NULL;
	struct inode inode = accessed(7, 5); /* 99 */
	uint64_t mark;

	cr_assert(zero(int, db_begin_write(temp.store->db, &txn)));
	for (size_t i = 0; i < array_len(steps); i++) {
		cr_assert(zero(int,
			counter_set(txn, "counted-by-day", steps[i].mark)));
		cr_assert(zero(int, access_day_mark(txn, &mark)));
		cr_expect(eq(u64, mark, steps[i].mark));
		cr_assert(zero(int, access_day_add(txn, &inode, 1)));
		expect_rows(txn, 7, steps[i].rows);
	}
}

Test(access_day, of_a_bucket_that_ends_go_all_rows_and_no_others)
{
	static const uint64_t buckets[] = {6, 7, 7, 7, 8};
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	scoped(db_abort) struct db_txn *txn = NULL;

	cr_assert(zero(int, db_begin_write(temp.store->db, &txn)));
	for (uint32_t i = 0; i < array_len(buckets); i++) {
		struct inode inode = accessed(buckets[i], 1 + i);

		cr_assert(zero(int, access_day_add(txn, &inode, 9)));
	}

	cr_expect(zero(int, access_day_end_bucket(txn, 7)));
	cr_expect(zero(int, access_day_end_bucket(txn, 7)));

	expect_rows(txn, 6, "1:9 ");
	expect_rows(txn, 7, "");
	expect_rows(txn, 8, "5:9 ");
}

Test(access_day, rows_that_are_damaged_are_told)
{
	static const struct {
		uint64_t day;
		struct slice row;
	} rows[] = {
		{5, SLICE("\3\0\0\0\0\0\0\0\0")},
		{5, SLICE("\3\7")},
		{1ull << 32, SLICE("\3\7\0\0\0\0\0\0\0")},
	};
	scoped(temp_store_close) struct temp_store temp = temp_store_open();

	for (size_t i = 0; i < array_len(rows); i++) {
		scoped(db_abort) struct db_txn *txn = NULL;
		scoped(buffer_free) struct buffer text = {0};
		struct key key = key_u64_u64(7, rows[i].day);
		struct inode inode = accessed(7, 5);

		cr_assert(zero(int, db_begin_write(temp.store->db, &txn)));
		cr_assert(zero(int,
			db_put(txn, DB_USAGE, key_slice(&key), rows[i].row)));
		cr_expect(eq(int, access_day_each(txn, 7, append_row, &text),
			STORE_CORRUPT));
		cr_expect(zero(sz, text.len));
		if (rows[i].day == inode.access_day)
			cr_expect(eq(int, access_day_add(txn, &inode, 1),
				STORE_CORRUPT));
	}
}

Test(access_day, rows_that_are_wrong_tell_of_no_more_than_there_is)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = checks_fill(temp.store);

	raw_put(temp.store, DB_USAGE, key_u64_u64(bucket, 1),
		SLICE("\3\7\0\0\0\0\0\0\1"));

	cr_expect(eq(str, accesses_tiers(temp.store, bucket),
		(char *)"0 0 6 0"));
}

/* --- stores of before ----------------------------------------------------- */

/* As a tarn that knew no rows had made it, with objects of some days. */
static void
forget_days(struct store *store, uint64_t bucket)
{
	raw_delete(store, DB_META, key_text(MARK));
	for (uint32_t days = 0; days < 60; days += 20)
		raw_delete(store, DB_USAGE,
			key_u64_u64(bucket, accesses_today() - days));
}

static void
put_many(struct store *store, uint64_t bucket)
{
	for (int i = 0; i < MANY; i++) {
		char name[16];
		uint64_t ino;

		(void)snprintf(name, sizeof(name), "%04d", i);
		cr_assert(zero(int, names_put_size(store, bucket,
					    slice_str(name), 1, 0, &ino)));
		accesses_set(store, ino,
			accesses_today() - 20 * (uint32_t)(i % 3));
	}
}

/* Objects of put_many() have no data, which fsck finds, too. */
static void
expect_right_counters(struct store *store)
{
	struct checks_found found = checks_run(store, CHECK_LOOK);

	cr_expect(zero(int, found.of[CHECK_USAGE]));
}

Test(access_day, a_store_of_before_is_counted_while_others_change_it)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	bool more = true;

	put_many(temp.store, bucket);
	forget_days(temp.store, bucket);
	cr_expect(eq(str, accesses_tiers(temp.store, bucket),
		(char *)"0 2010 0 0"));
	expect_right_counters(temp.store);

	cr_assert(zero(int, access_day_count(temp.store, &more)));
	cr_assert(more);
	expect_right_counters(temp.store);
	/* One that is counted, one that is not, a new one. */
	cr_assert(zero(int, names_delete(temp.store, bucket, "0001")));
	cr_assert(zero(int, names_delete(temp.store, bucket, "2001")));
	cr_assert(zero(int,
		names_put_size(temp.store, bucket, SLICE("0002"), 5, 0, NULL)));
	accesses_set(temp.store, files_head(temp.store, bucket, "2003").ino,
		accesses_today() - 8);
	expect_right_counters(temp.store);

	while (more)
		cr_assert(zero(int, access_day_count(temp.store, &more)));
	/* The new one has no time of birth: it is of 1970. */
	expect_right_counters(temp.store);
	cr_expect(eq(str, accesses_tiers(temp.store, bucket),
		(char *)"669 670 673 0"));
	uint64_t commit = db_last_commit(temp.store->db);
	cr_assert(zero(int, access_day_count(temp.store, &more)));
	cr_expect(not(more));
	cr_expect(eq(u64, db_last_commit(temp.store->db), commit));
}
