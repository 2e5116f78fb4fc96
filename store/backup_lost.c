/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A blob without a checksum in the place of which there are zeros would be
 * taken for what was put there.  It gets a checksum that it does not have, so
 * that the scrub at the end of the restore, and any later one, finds it
 * damaged.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/backup_private.h"
#include "store/blob_record_private.h"
#include "store/commit_private.h"
#include "store/meta/key.h"

#define LIST "lost"
#define BATCH 256

void
backup_lost_add(struct backup_lost *lost, uint64_t segment, uint64_t from,
	uint64_t to)
{
	struct backup_range *last =
		lost->count > 0 ? &lost->items[lost->count - 1] : NULL;

	if (last && last->segment == segment && last->to == from) {
		last->to = to;
		return;
	}
	if (lost->count == lost->room) {
		lost->room = lost->room ? 2 * lost->room : 64;
		lost->items = reallocarray(lost->items, lost->room,
			sizeof(*lost->items));
		if (!lost->items)
			error_out_of_memory();
	}
	lost->items[lost->count++] = (struct backup_range){segment, from, to};
}

bool
backup_lost_hides(const struct backup_lost *lost,
	const struct record_blob *record)
{
	if (record->place != RECORD_BLOB_PACKED || record->has_crc64nvme)
		return false;
	for (size_t i = 0; i < lost->count; i++) {
		const struct backup_range *range = &lost->items[i];

		if (range->segment == record->segment &&
			record->offset < range->to &&
			record->offset + record->size > range->from)
			return true;
	}
	return false;
}

void
backup_lost_free(struct backup_lost *lost)
{
	free(lost->items);
	*lost = (struct backup_lost){0};
}

enum store_err
backup_lost_write(const char *dir, struct slice blobs)
{
	return blobs.len > 0 ? backup_dir_add(dir, LIST, blobs) : STORE_OK;
}

struct batch {
	struct store *store;
	uint64_t blobs[BATCH];
	size_t count;
};

static enum store_err
apply_spoil(struct store *store, struct db_txn *txn, void *arg)
{
	const struct batch *batch = arg;
	enum store_err err = STORE_OK;

	(void)store;
	for (size_t i = 0; i < batch->count && !err; i++) {
		struct record_blob record;

		err = blob_record_get(txn, batch->blobs[i], &record);
		if (err == STORE_NOT_FOUND || err == STORE_CORRUPT) {
			err = STORE_OK;
			continue;
		}
		if (err || record.place != RECORD_BLOB_PACKED ||
			record.has_crc64nvme)
			continue;
		record.has_crc64nvme = true;
		record.crc64nvme = 0;
		err = blob_record_put(txn, batch->blobs[i], &record);
	}
	return err;
}

static enum store_err
finish(struct batch *batch)
{
	enum store_err err =
		batch->count > 0
			? commit_run(batch->store, apply_spoil, batch, NULL)
			: STORE_OK;

	batch->count = 0;
	return err;
}

static enum store_err
add(struct batch *batch, uint64_t blob)
{
	batch->blobs[batch->count++] = blob;
	return batch->count == BATCH ? finish(batch) : STORE_OK;
}

/* A line at a time: the file may be anything. */
static enum store_err
add_listed(struct batch *batch, FILE *list)
{
	enum store_err err = STORE_OK;
	char line[24];
	uint64_t blob;

	while (!err && fgets(line, sizeof(line), list)) {
		struct slice text = slice_str(line);

		if (!slice_has_suffix(text, SLICE("\n")) ||
			!slice_to_u64(slice_first(text, text.len - 1),
				UINT64_MAX, &blob))
			return STORE_CORRUPT;
		err = add(batch, blob);
	}
	return !err && ferror(list) ? STORE_IO : err;
}

enum store_err
backup_lost_spoil_listed(struct store *store, const char *dir)
{
	struct backup_path path = backup_dir_path(dir, LIST);
	struct batch batch = {.store = store};
	FILE *list = fopen(path.text, "re");

	if (!list)
		return errno == ENOENT ? STORE_OK : error_from_errno(errno);
	enum store_err err = add_listed(&batch, list);
	(void)fclose(list);
	enum store_err last = finish(&batch);
	return err ? err : last;
}

enum store_err
backup_lost_spoil(struct store *store, const struct backup_lost *lost)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	scoped(db_cursor_close) struct db_cursor cursor = {0};
	struct batch batch = {.store = store};

	if (lost->count == 0)
		return STORE_OK;
	enum store_err err = db_begin_read(store->db, &txn);
	if (!err)
		err = db_cursor_open(txn, DB_BLOB, &cursor);
	if (!err)
		err = db_cursor_seek(&cursor, SLICE_NULL);
	while (!err) {
		struct record_blob record;
		uint64_t blob;

		if (!key_split_u64(cursor.key, &blob) &&
			!record_blob_decode(cursor.value, &record) &&
			backup_lost_hides(lost, &record))
			err = add(&batch, blob);
		if (!err)
			err = db_cursor_next(&cursor);
	}
	return err == STORE_NOT_FOUND ? finish(&batch) : err;
}
