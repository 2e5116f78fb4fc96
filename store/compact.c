/* SPDX-License-Identifier: Apache-2.0 */
#include "store/compact_private.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "store/base/codec.h"
#include "store/base/io.h"
#include "store/base/log.h"
#include "store/blob_record_private.h"
#include "store/commit_private.h"
#include "store/durable_private.h"
#include "store/meta/key.h"
#include "store/pack_private.h"
#include "store/segment_private.h"

/* One commit moves so much: other writers wait for it meanwhile. */
#define STEP_BLOBS 128
#define STEP_BYTES (1u << 20)

_Static_assert(PACK_MAX <= STEP_BYTES, "any blob fits into a step");

/* A step: blobs of one segment and their bytes, one behind the other. */
struct step {
	struct store *store;
	uint64_t segment;
	uint64_t max;
	uint64_t next; /* where in the segment to go on looking */

	size_t count;
	/* `to` is from the beginning of bytes on, until these are written. */
	struct segment_move moves[STEP_BLOBS];
	struct pack_place place;
	uint64_t len;
	char bytes[STEP_BYTES];
};

/* The first that waits.  NOT_FOUND. */
static enum store_err
find_segment(struct store *store, uint64_t *segment)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	scoped(db_cursor_close) struct db_cursor cursor = {0};
	struct key key = key_u64_u64(0, 0);
	uint64_t zero;
	enum store_err err = db_begin_read(store->db, &txn);

	if (!err)
		err = db_cursor_open(txn, DB_PACK, &cursor);
	if (!err)
		err = db_cursor_seek(&cursor, key_slice(&key));
	if (!err)
		err = key_split_u64_u64(cursor.key, &zero, segment);
	if (!err && zero)
		err = STORE_NOT_FOUND;
	return err;
}

/* One row of the segment.  False: the step is full. */
static enum store_err
add_row(struct step *step, struct db_txn *txn, const struct db_cursor *cursor,
	bool *is_full)
{
	struct decoder decoder = codec_decoder(cursor->value);
	struct segment_move move = {.to = step->len};
	struct record_blob record;
	uint64_t segment, offset;
	enum store_err err = key_split_u64_u64(cursor->key, &segment, &offset);

	move.blob = codec_decode_u64(&decoder);
	if (err || decoder.is_bad)
		return STORE_CORRUPT;
	*is_full = segment != step->segment;
	if (*is_full)
		return STORE_OK;
	err = blob_record_get(txn, move.blob, &record);
	if (!err && (record.segment != segment || record.offset != offset ||
			    record.size > PACK_MAX))
		err = STORE_CORRUPT;
	if (err)
		return err == STORE_NOT_FOUND ? STORE_CORRUPT : err;
	*is_full = step->count == STEP_BLOBS ||
		   step->len + record.size > step->max;
	if (*is_full)
		return STORE_OK;
	move.size = record.size;
	move.from = offset;
	step->moves[step->count++] = move;
	step->len += record.size;
	step->next = offset + 1;
	return STORE_OK;
}

static enum store_err
find_blobs(struct step *step)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	scoped(db_cursor_close) struct db_cursor cursor = {0};
	struct key key = key_u64_u64(step->segment, step->next);
	bool is_full = false;
	enum store_err err = db_begin_read(step->store->db, &txn);

	step->count = 0;
	step->len = 0;
	if (!err)
		err = db_cursor_open(txn, DB_PACK, &cursor);
	if (!err)
		err = db_cursor_seek(&cursor, key_slice(&key));
	while (!err && !is_full) {
		err = add_row(step, txn, &cursor, &is_full);
		if (!err && !is_full)
			err = db_cursor_next(&cursor);
	}
	return err == STORE_NOT_FOUND ? STORE_OK : err;
}

static enum store_err
read_blobs(struct step *step, int fd)
{
	enum store_err err = STORE_OK;

	for (size_t i = 0; i < step->count && !err; i++) {
		const struct segment_move *move = &step->moves[i];

		err = io_pread_all(fd, step->bytes + move->to, move->size,
			move->from);
	}
	return err;
}

static enum store_err
write_step(struct store *store, void *arg)
{
	struct step *step = arg;
	enum store_err err = pack_write(store, &step->place,
		slice_of(step->bytes, step->len));

	for (size_t i = 0; i < step->count; i++)
		step->moves[i].to += step->place.offset;
	return err;
}

static enum store_err
apply_step(struct store *store, struct db_txn *txn, void *arg)
{
	const struct step *step = arg;

	(void)store;
	return segment_move(txn, step->segment, pack_segment(&step->place),
		step->moves, step->count);
}

static enum store_err
run_step(struct step *step, int fd)
{
	enum store_err err = find_blobs(step);

	step->place = (struct pack_place){0};
	if (err || !step->count)
		return err;
	err = read_blobs(step, fd);
	if (!err)
		err = pack_promise(step->store, step->len, &step->place);
	if (!err)
		err = commit_run_written(step->store, write_step, step,
			apply_step, step, NULL);
	pack_end(step->store, &step->place);
	return err;
}

static enum store_err
apply_unlist(struct store *store, struct db_txn *txn, void *arg)
{
	const uint64_t *segment = arg;

	(void)store;
	return segment_unlist(txn, *segment);
}

/* All of its blobs, or as many as *left allows. */
static enum store_err
move_segment(struct step *step, uint64_t *left)
{
	int fd;
	enum store_err err =
		blob_open(step->store->blobs, step->segment, O_RDONLY, &fd);

	/* Nobody but who has our lock removes it. */
	if (err)
		return err == STORE_NOT_FOUND ? STORE_CORRUPT : err;
	step->next = 0;
	do {
		err = run_step(step, fd);
		*left -= step->len < *left ? step->len : *left;
	} while (!err && step->count && *left &&
		 !durable_has_failed(step->store));
	(void)close(fd);
	return err;
}

/* Of the one that was found, then of the next. */
static enum store_err
move_segments(struct step *step, uint64_t max)
{
	struct store *store = step->store;
	enum store_err err = STORE_OK;

	while (!err && max && !durable_has_failed(store)) {
		err = move_segment(step, &max);
		/* What is damaged stays where it is: fsck tells of it. */
		bool is_damaged = err == STORE_CORRUPT || err == STORE_IO;
		if (is_damaged)
			log_error("cannot compact segment=%llu: %s",
				(unsigned long long)step->segment,
				error_sentence(err));
		if (is_damaged || (!err && max))
			err = commit_run(store, apply_unlist, &step->segment,
				NULL);
		if (!err && max)
			err = find_segment(store, &step->segment);
	}
	return err;
}

enum store_err
compact_run(struct store *store, uint64_t max)
{
	uint64_t segment;
	enum store_err err =
		max ? find_segment(store, &segment) : STORE_NOT_FOUND;

	if (err)
		return err == STORE_NOT_FOUND ? STORE_OK : err;
	struct step *step = malloc(sizeof(*step));
	if (!step)
		return STORE_NO_MEMORY;
	step->store = store;
	step->max = pack_segment_size(store);
	if (step->max > STEP_BYTES)
		step->max = STEP_BYTES;
	step->segment = segment;
	err = move_segments(step, max);
	free(step);
	/* Without room for a copy there will be some when more is deleted. */
	return err == STORE_NOT_FOUND || err == STORE_NO_SPACE ? STORE_OK : err;
}
