/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes by day of last access against what was counted.
 *
 * A line is kept for each name, and lines of the same bucket and day become one
 * now and then: so what is kept depends on how many rows there are to be.
 */
#include <stdlib.h>

#include "store/access_day_private.h"
#include "store/check_private.h"

#define LINES_MIN 65536

enum store_err
check_day_begin(struct check *check)
{
	enum store_err err = access_day_mark(check->txn, &check->days.mark);

	/* None is counted, then, and what rows say is wrong. */
	if (err != STORE_CORRUPT)
		return err;
	check->days.mark = 0;
	return STORE_OK;
}

void
check_day_free(struct check *check)
{
	free(check->days.all);
}

static int
compare(const void *a, const void *b)
{
	const struct check_day *one = a, *other = b;

	if (one->bucket != other->bucket)
		return one->bucket < other->bucket ? -1 : 1;
	return (one->day > other->day) - (one->day < other->day);
}

/* In order, and none twice. */
static void
compact(struct check_days *days)
{
	size_t count = 0;

	if (days->count > 1)
		qsort(days->all, days->count, sizeof(*days->all), compare);
	for (size_t i = 0; i < days->count; i++) {
		if (count > 0 && !compare(&days->all[count - 1], &days->all[i]))
			days->all[count - 1].bytes += days->all[i].bytes;
		else
			days->all[count++] = days->all[i];
	}
	days->count = count;
}

static void
make_room(struct check_days *days)
{
	if (days->count < days->capacity)
		return;
	compact(days);
	if (days->capacity && days->count <= days->capacity / 2)
		return;
	days->capacity = days->capacity ? 2 * days->capacity : LINES_MIN;
	days->all = reallocarray(days->all, days->capacity, sizeof(*days->all));
	if (!days->all)
		error_out_of_memory();
}

void
check_day_add(struct check *check, const struct inode *inode)
{
	struct check_days *days = &check->days;

	if (inode->ino >= days->mark || inode->size == 0)
		return;
	make_room(days);
	days->all[days->count++] = (struct check_day){
		inode->bucket, inode_access_day(inode), inode->size};
}

static void
note(struct check *check, const struct check_day *counted, uint64_t row)
{
	scoped(buffer_free) struct buffer value = {0};
	struct key key = key_u64_u64(counted->bucket, counted->day);
	struct check_job *job = check_note(check, CHECK_USAGE, CHECK_FIX_USAGE,
		"bucket %llu counts %llu bytes that were accessed last on day "
		"%u, and has %llu",
		(unsigned long long)counted->bucket, (unsigned long long)row,
		counted->day, (unsigned long long)counted->bytes);

	if (counted->bytes > 0)
		record_day_encode(&value,
			&(struct record_day){.bytes = counted->bytes});
	job->name = arena_copy(&check->arena, key_slice(&key));
	job->value = arena_copy(&check->arena, buffer_slice(&value));
}

/* The rows up to one, which may be there or not, come to what was counted. */
struct walk {
	struct check_days *days;
	size_t next; /* of what was counted */
};

/* Of what has no row. */
static void
note_missing_before(struct check *check, struct walk *walk,
	const struct check_day *row)
{
	while (walk->next < walk->days->count &&
		(!row || compare(&walk->days->all[walk->next], row) < 0))
		note(check, &walk->days->all[walk->next++], 0);
}

static void
check_one(struct check *check, struct walk *walk, const struct check_day *row)
{
	struct check_day counted = {row->bucket, row->day, 0};

	note_missing_before(check, walk, row);
	if (walk->next < walk->days->count &&
		!compare(&walk->days->all[walk->next], row))
		counted = walk->days->all[walk->next++];
	if (counted.bytes != row->bytes)
		note(check, &counted, row->bytes);
}

/* False: another row, or one that has been reported. */
static bool
read_row(struct check *check, const struct db_cursor *cursor,
	struct check_day *row)
{
	struct record_day record;
	uint64_t day;

	if (key_split_u64_u64(cursor->key, &row->bucket, &day) ||
		day > UINT32_MAX || record_day_decode(cursor->value, &record))
		return false;
	row->day = (uint32_t)day;
	row->bytes = record.bytes;
	return check_find(&check->buckets, row->bucket) != NULL;
}

enum store_err
check_day_rows(struct check *check)
{
	scoped(db_cursor_close) struct db_cursor cursor = {0};
	struct walk walk = {.days = &check->days};
	struct key start = key_u64(1);
	enum store_err err = db_cursor_open(check->txn, DB_USAGE, &cursor);

	compact(&check->days);
	if (!err)
		err = db_cursor_seek(&cursor, key_slice(&start));
	for (; !err; err = db_cursor_next(&cursor)) {
		struct check_day row;

		if (read_row(check, &cursor, &row))
			check_one(check, &walk, &row);
	}
	note_missing_before(check, &walk, NULL);
	return err == STORE_NOT_FOUND ? STORE_OK : err;
}
