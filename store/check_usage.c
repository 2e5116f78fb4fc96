/* SPDX-License-Identifier: Apache-2.0 */
/* Counters of buckets and organizations against what was counted. */
#include <stdio.h>

#include "store/check_private.h"

/* The sum over its buckets. */
struct organization {
	struct slice name;
	struct record_usage usage;
	struct organization *next;
};

/* *row stays as it is where there is none; false: it does not decode, which
 * has been reported. */
static enum store_err
read_row(struct check *check, const struct key *key, struct record_usage *row,
	bool *is_readable)
{
	struct slice value;
	enum store_err err =
		db_get(check->txn, DB_USAGE, key_slice(key), &value);

	*is_readable = true;
	if (err)
		return err == STORE_NOT_FOUND ? STORE_OK : err;
	*is_readable = !record_usage_decode(value, row);
	return STORE_OK;
}

static bool
is_same(const struct record_usage *a, const struct record_usage *b)
{
	return a->objects == b->objects && a->bytes == b->bytes &&
	       a->part_bytes == b->part_bytes;
}

static enum store_err
check_row(struct check *check, const struct key *key, struct slice name,
	const struct record_usage *counted)
{
	scoped(buffer_free) struct buffer value = {0};
	struct record_usage row = {0};
	bool is_readable;
	enum store_err err = read_row(check, key, &row, &is_readable);

	/* Rows of older stores do not name the organization. */
	bool is_right =
		is_same(&row, counted) &&
		(row.organization.len == 0 ||
			slice_equal(row.organization, counted->organization));
	if (err || !is_readable || is_right)
		return err;
	struct check_job *job = check_note(check, CHECK_USAGE, CHECK_FIX_USAGE,
		"%.*s counts %llu objects, %llu bytes, %llu of parts, and "
		"has %llu, %llu, %llu",
		(int)name.len, name.data, (unsigned long long)row.objects,
		(unsigned long long)row.bytes,
		(unsigned long long)row.part_bytes,
		(unsigned long long)counted->objects,
		(unsigned long long)counted->bytes,
		(unsigned long long)counted->part_bytes);
	record_usage_encode(&value, counted);
	job->name = arena_copy(&check->arena, key_slice(key));
	job->value = arena_copy(&check->arena, buffer_slice(&value));
	return STORE_OK;
}

static enum store_err
check_bucket(struct check *check, const struct check_bucket *bucket)
{
	struct key key = key_u64(bucket->ino);
	char name[32];
	int len = snprintf(name, sizeof(name), "bucket %llu",
		(unsigned long long)bucket->ino);

	check->result.bytes += bucket->usage.bytes;
	return check_row(check, &key, slice_of(name, (size_t)len),
		&bucket->usage);
}

static struct organization *
find(struct check *check, struct organization **all, struct slice name)
{
	struct organization *at = *all;

	while (at && !slice_equal(at->name, name))
		at = at->next;
	if (!at) {
		at = arena_new(&check->arena, struct organization);
		*at = (struct organization){.name = name, .next = *all};
		*all = at;
	}
	return at;
}

/* Also those that have a row and no bucket. */
static enum store_err
find_rows(struct check *check, struct organization **all)
{
	scoped(db_cursor_close) struct db_cursor cursor = {0};
	struct key start = key_u64(0);
	enum store_err err = db_cursor_open(check->txn, DB_USAGE, &cursor);

	if (!err)
		err = db_cursor_seek(&cursor, key_slice(&start));
	for (; !err; err = db_cursor_next(&cursor)) {
		if (!slice_has_prefix(cursor.key, key_slice(&start)))
			break;
		struct slice name = slice_from(cursor.key, start.len);

		/* Another one's row has been reported. */
		if (name.len <= RECORD_NAME_MAX)
			(void)find(check, all, arena_copy(&check->arena, name));
	}
	return err == STORE_NOT_FOUND ? STORE_OK : err;
}

static enum store_err
check_organizations(struct check *check)
{
	const struct check_bucket *buckets = check->buckets.items;
	struct organization *all = NULL;
	enum store_err err = STORE_OK;

	for (size_t i = 0; i < check->buckets.count; i++) {
		const struct record_usage *more = &buckets[i].usage;

		if (more->organization.len == 0)
			continue;
		struct record_usage *sum =
			&find(check, &all, more->organization)->usage;
		sum->objects += more->objects;
		sum->bytes += more->bytes;
		sum->part_bytes += more->part_bytes;
	}
	err = find_rows(check, &all);
	for (; !err && all; all = all->next) {
		struct key key = key_dentry(0, all->name);

		err = check_row(check, &key, all->name, &all->usage);
	}
	return err;
}

enum store_err
check_usage_rows(struct check *check)
{
	const struct check_bucket *buckets = check->buckets.items;
	enum store_err err = STORE_OK;

	for (size_t i = 0; !err && i < check->buckets.count; i++)
		err = check_bucket(check, &buckets[i]);
	return err ? err : check_organizations(check);
}
