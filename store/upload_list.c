/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "store/meta/key.h"
#include "store/upload_private.h"

/*
 * Uploads stand in the order of their numbers, so that beginning one appends;
 * a listing sorts those of its bucket.
 */
struct found {
	uint64_t number;
	struct record_upload record; /* points into the map */
};

static int
compare(const void *left, const void *right)
{
	const struct found *a = left, *b = right;
	int order = slice_compare(a->record.key, b->record.key);

	return order ? order
		     : (a->number > b->number) - (a->number < b->number);
}

static bool
is_wanted(const struct upload_search *search, uint64_t after_number,
	const struct found *found)
{
	int order;

	if (!slice_has_prefix(found->record.key, search->prefix) ||
		(search->initiator.len && !slice_equal(found->record.initiator,
						  search->initiator)))
		return false;
	if (!search->after_key.len)
		return true;
	order = slice_compare(found->record.key, search->after_key);
	return order > 0 || (!order && found->number > after_number);
}

/* Appends a struct found for each that is wanted.  after_number: of after_key;
 * UINT64_MAX: all of its are passed. */
static enum store_err
collect(struct db_cursor *cursor, const struct upload_search *search,
	uint64_t after_number, struct buffer *out)
{
	struct key start = key_u64_u64(search->bucket, 0);
	enum store_err err = db_cursor_seek(cursor, key_slice(&start));

	for (; !err; err = db_cursor_next(cursor)) {
		struct found found;
		uint64_t bucket;

		err = key_split_u64_u64(cursor->key, &bucket, &found.number);
		if (err || bucket != search->bucket)
			return err;
		err = record_upload_decode(cursor->value, &found.record);
		if (err)
			return err;
		if (is_wanted(search, after_number, &found))
			buffer_append(out, slice_of(&found, sizeof(found)));
	}
	return err == STORE_NOT_FOUND ? STORE_OK : err;
}

enum store_err
upload_list(struct store *store, const struct upload_search *search,
	struct arena *arena, struct upload_info **out, size_t *count,
	bool *is_truncated)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	scoped(buffer_free) struct buffer all = {0};
	uint64_t after_number = UINT64_MAX;
	struct db_cursor cursor = {0};
	const struct found *found;
	size_t total;
	enum store_err err;

	if (search->after_id.len &&
		!upload_read_id(search->after_id, &after_number))
		return STORE_INVALID;
	err = db_begin_read(store->db, &txn);
	if (!err)
		err = db_cursor_open(txn, DB_UPLOAD, &cursor);
	if (!err)
		err = collect(&cursor, search, after_number, &all);
	db_cursor_close(&cursor);
	if (err)
		return err;
	total = all.len / sizeof(*found);
	if (total)
		qsort(all.data, total, sizeof(*found), compare);
	found = (const void *)all.data;
	*count = total < search->max ? total : search->max;
	*is_truncated = total > *count;
	*out = arena_new_array(arena, *count, struct upload_info);
	for (size_t i = 0; i < *count; i++)
		upload_describe(found[i].number, &found[i].record, arena,
			&(*out)[i]);
	return STORE_OK;
}

enum store_err
upload_list_begun(struct store *store, uint64_t bucket, uint64_t *after,
	struct arena *arena, struct upload_info **out, size_t max,
	size_t *count)
{
	struct key start = key_u64_u64(bucket, *after + 1);
	scoped(db_abort) struct db_txn *txn = NULL;
	scoped(db_cursor_close) struct db_cursor cursor = {0};
	enum store_err err = db_begin_read(store->db, &txn);

	*out = arena_new_array(arena, max, struct upload_info);
	*count = 0;
	if (!err)
		err = db_cursor_open(txn, DB_UPLOAD, &cursor);
	if (!err)
		err = db_cursor_seek(&cursor, key_slice(&start));
	for (; !err && *count < max; err = db_cursor_next(&cursor)) {
		struct record_upload record;
		uint64_t owner;
		uint64_t number;

		err = key_split_u64_u64(cursor.key, &owner, &number);
		if (err || owner != bucket)
			return err;
		err = record_upload_decode(cursor.value, &record);
		if (err)
			return err;
		upload_describe(number, &record, arena, &(*out)[(*count)++]);
		*after = number;
	}
	return err == STORE_NOT_FOUND ? STORE_OK : err;
}
