/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>

#include "store/check_private.h"
#include "tests/store/accesses.h"
#include "tests/store/checks.h"
#include "tests/store/raw.h"
#include "tests/support/temp_store.h"

/* --- names against rows --------------------------------------------------- */

struct line {
	uint64_t bucket;
	uint64_t day;
	uint64_t bytes;
};

#define LINES_MAX 5

/* Buckets 7 and 8 are there; rows and names end with zeros. */
static const struct {
	struct line rows[LINES_MAX];
	struct line names[LINES_MAX];
	const char *findings; /* bucket, day, row, counted */
} cases[] = {
	{{}, {}, ""},
	{{{7, 5, 3}}, {{7, 5, 3}}, ""},
	/* of each day the sum, in whatever order they come */
	{{{7, 5, 7}, {7, 6, 2}, {8, 5, 1}},
		{{7, 5, 3}, {8, 5, 1}, {7, 6, 2}, {7, 5, 4}}, ""},
	/* too little, too much */
	{{{7, 5, 3}}, {{7, 5, 4}}, "7 5 3 4;"},
	{{{7, 5, 3}}, {{7, 5, 1}, {7, 5, 1}}, "7 5 3 2;"},
	/* no row: first, between, last, of another bucket, at all */
	{{{7, 5, 3}}, {{7, 5, 3}, {7, 4, 1}}, "7 4 0 1;"},
	{{{7, 4, 1}, {7, 6, 1}}, {{7, 4, 1}, {7, 5, 2}, {7, 6, 1}}, "7 5 0 2;"},
	{{{7, 5, 3}}, {{7, 6, 1}, {7, 5, 3}}, "7 6 0 1;"},
	{{{7, 5, 3}}, {{8, 5, 1}, {7, 5, 3}}, "8 5 0 1;"},
	{{{8, 5, 3}}, {{7, 5, 1}, {8, 5, 3}}, "7 5 0 1;"},
	{{}, {{8, 5, 1}, {7, 9, 2}}, "7 9 0 2;8 5 0 1;"},
	/* a row too many: first, between, last, alone */
	{{{7, 4, 1}, {7, 5, 3}}, {{7, 5, 3}}, "7 4 1 0;"},
	{{{7, 4, 1}, {7, 5, 3}, {7, 6, 1}}, {{7, 4, 1}, {7, 6, 1}}, "7 5 3 0;"},
	{{{7, 5, 3}, {8, 5, 1}}, {{7, 5, 3}}, "8 5 1 0;"},
	{{{7, 5, 3}}, {}, "7 5 3 0;"},
	/* of a bucket that is not there: said elsewhere */
	{{{6, 5, 3}, {7, 5, 1}, {9, 5, 3}}, {{7, 5, 1}}, ""},
	/* of a day that no inode can have: said elsewhere, too */
	{{{7, 5, 3}, {7, (1ull << 32) + 5, 9}}, {{7, 5, 3}}, ""},
	/* nothing in it */
	{{}, {{7, 5, 0}}, ""},
};

static void
begin(struct check *check, struct store *store)
{
	*check = (struct check){.store = store};
	check->jobs_end = &check->jobs;
	check->buckets.item_size = sizeof(struct check_bucket);
	check_add(&check->buckets, 7);
	check_add(&check->buckets, 8);
	cr_assert(zero(int, db_begin_write(store->db, &check->txn)));
	cr_assert(zero(int, check_day_begin(check)));
}

static void
end(struct check *check)
{
	db_abort(&check->txn);
	check_day_free(check);
	free(check->buckets.items);
	arena_free(&check->arena);
}

static void
put_row(struct check *check, const struct line *line)
{
	scoped(buffer_free) struct buffer value = {0};
	struct key key = key_u64_u64(line->bucket, line->day);

	record_day_encode(&value, &(struct record_day){line->bytes});
	cr_assert(zero(int, db_put(check->txn, DB_USAGE, key_slice(&key),
				    buffer_slice(&value))));
}

static void
add_name(struct check *check, const struct line *line)
{
	check_day_add(check, &(struct inode){
				     .ino = 99,
				     .bucket = line->bucket,
				     .access_day = (uint32_t)line->day,
				     .size = line->bytes,
			     });
}

/* Also that the repair would write what was counted. */
static void
append_finding(struct buffer *text, const struct check_job *job)
{
	unsigned long long bucket, row, counted;
	unsigned int day;
	struct key key;
	struct record_day record = {0};

	cr_assert(eq(int,
		sscanf(job->text,
			"bucket %llu counts %llu bytes that were accessed last "
			"on day %u, and has %llu",
			&bucket, &row, &day, &counted),
		4));
	key = key_u64_u64(bucket, day);
	cr_expect(eq(int, job->kind, CHECK_USAGE));
	cr_expect(eq(int, job->fix, CHECK_FIX_USAGE));
	cr_expect(slice_equal(job->name, key_slice(&key)));
	if (job->value.len > 0)
		cr_assert(zero(int, record_day_decode(job->value, &record)));
	cr_expect(eq(u64, record.bytes, counted));
	buffer_printf(text, "%llu %u %llu %llu;", bucket, day, row, counted);
}

Test(check_day, tells_each_row_that_is_not_the_sum_of_its_names)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();

	for (size_t i = 0; i < array_len(cases); i++) {
		scoped(end) struct check check;
		scoped(buffer_free) struct buffer text = {0};

		begin(&check, temp.store);
		for (size_t k = 0; cases[i].rows[k].bucket; k++)
			put_row(&check, &cases[i].rows[k]);
		for (size_t k = 0; cases[i].names[k].bucket; k++)
			add_name(&check, &cases[i].names[k]);

		cr_assert(zero(int, check_day_rows(&check)));

		for (struct check_job *job = check.jobs; job; job = job->next)
			append_finding(&text, job);
		cr_expect(slice_equal(buffer_slice(&text),
				  slice_str(cases[i].findings)),
			"case %zu: %.*s is not %s", i, (int)text.len,
			(char *)text.data, cases[i].findings);
	}
}

/* More than there is room for, of few days and then of many. */
Test(check_day, keeps_as_many_lines_as_there_are_rows_to_be)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	scoped(end) struct check check;
	const uint32_t few = 300000, many = 100000;

	begin(&check, temp.store);
	for (uint32_t i = 0; i < few; i++)
		add_name(&check, &(struct line){7, 1 + i % 3, 1});
	cr_expect(eq(sz, check.days.capacity, 65536));
	for (uint32_t i = 0; i < many; i++)
		add_name(&check, &(struct line){8, many - i, 1});
	for (uint32_t day = 1; day <= 3; day++)
		put_row(&check, &(struct line){7, day, few / 3});
	for (uint32_t day = 1; day <= many; day++)
		put_row(&check, &(struct line){8, day, 1});

	cr_assert(zero(int, check_day_rows(&check)));

	cr_expect(zero(ptr, check.jobs));
	cr_expect(eq(sz, check.days.count, 3 + many));
}

Test(check_day, counts_inodes_below_the_mark_alone)
{
	static const struct {
		struct slice mark;
		size_t lines;
	} rows[] = {
		{SLICE("\x63\0\0\0\0\0\0\0"), 0},
		{SLICE("\x64\0\0\0\0\0\0\0"), 1},
		{SLICE("no number"), 0},
	};
	scoped(temp_store_close) struct temp_store temp = temp_store_open();

	for (size_t i = 0; i < array_len(rows); i++) {
		scoped(end) struct check check;

		raw_put(temp.store, DB_META, key_text(SLICE("counted-by-day")),
			rows[i].mark);
		begin(&check, temp.store);
		add_name(&check, &(struct line){7, 5, 3});
		cr_expect(eq(sz, check.days.count, rows[i].lines));
	}
}

/* --- and put right -------------------------------------------------------- */

Test(check_day, wrong_rows_are_found_and_put_right)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = checks_fill(temp.store);
	uint32_t today = accesses_today();

	raw_put(temp.store, DB_USAGE, key_u64_u64(bucket, today),
		SLICE("\3\7\0\0\0\0\0\0\0"));
	checks_expect_repair(temp.store, CHECK_USAGE);
	raw_delete(temp.store, DB_USAGE, key_u64_u64(bucket, today));
	checks_expect_repair(temp.store, CHECK_USAGE);
	raw_put(temp.store, DB_USAGE, key_u64_u64(bucket, today - 1),
		SLICE("\3\7\0\0\0\0\0\0\0"));
	checks_expect_repair(temp.store, CHECK_USAGE);
	raw_put(temp.store, DB_USAGE, key_u64_u64(bucket, today + 1),
		SLICE("\3\7\0\0\0\0\0\0\0"));
	checks_expect_repair(temp.store, CHECK_USAGE);
	raw_put(temp.store, DB_USAGE, key_u64_u64(1u << 30, today),
		SLICE("\3\7\0\0\0\0\0\0\0"));
	checks_expect_repair(temp.store, CHECK_USAGE);
	cr_expect(eq(str, accesses_tiers(temp.store, bucket),
		(char *)"6 0 0 0"));
}

Test(check_day, rows_that_do_not_decode_are_found_and_put_right)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = checks_fill(temp.store);
	uint32_t today = accesses_today();

	raw_put(temp.store, DB_USAGE, key_u64_u64(bucket, today),
		SLICE("\3\0\0\0\0\0\0\0\0"));
	checks_expect_repair(temp.store, CHECK_RECORD);
	raw_put(temp.store, DB_USAGE, key_u64_u64(bucket, 1ull << 32),
		SLICE("\3\7\0\0\0\0\0\0\0"));
	checks_expect_repair(temp.store, CHECK_RECORD);
	cr_expect(eq(str, accesses_tiers(temp.store, bucket),
		(char *)"6 0 0 0"));
}
