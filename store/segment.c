/* SPDX-License-Identifier: Apache-2.0 */
#include "store/segment_private.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/base/codec.h"
#include "store/blob_record_private.h"
#include "store/commit_private.h"
#include "store/counter_private.h"
#include "store/meta/key.h"
#include "store/session_private.h"

/* What is named by a row has a record, and it is one of a segment. */
static enum store_err
get_segment(struct db_txn *txn, uint64_t segment, struct record_blob *record)
{
	enum store_err err = blob_record_get(txn, segment, record);

	if (err == STORE_NOT_FOUND)
		return STORE_CORRUPT;
	if (!err && record->place != RECORD_BLOB_SEGMENT)
		return STORE_CORRUPT;
	return err;
}

static enum store_err
put_row(struct db_txn *txn, uint64_t first, uint64_t second, uint64_t blob)
{
	scoped(buffer_free) struct buffer value = {0};
	struct key key = key_u64_u64(first, second);

	codec_encode_u64(&value, blob);
	return db_put(txn, DB_PACK, key_slice(&key), buffer_slice(&value));
}

static enum store_err
delete_row(struct db_txn *txn, uint64_t first, uint64_t second)
{
	struct key key = key_u64_u64(first, second);

	return db_delete_if_there(txn, DB_PACK, key_slice(&key));
}

static bool
is_worth_moving(const struct record_blob *segment)
{
	return !segment->session &&
	       segment->size - segment->live >= segment->size / 4;
}

/* After a change of its counters: rules 2 and 5. */
static enum store_err
save(struct db_txn *txn, uint64_t segment, const struct record_blob *record)
{
	enum store_err err;

	if (!record->references) {
		err = blob_record_free(txn, segment);
		return err ? err : segment_unlist(txn, segment);
	}
	err = blob_record_put(txn, segment, record);
	if (!err && is_worth_moving(record))
		err = put_row(txn, 0, segment, 0);
	return err;
}

enum store_err
segment_create(struct store *store, struct db_txn *txn, uint64_t *segment)
{
	scoped(buffer_free) struct buffer value = {0};
	const struct record_blob record = {
		.place = RECORD_BLOB_SEGMENT,
		.references = 1,
		.session = session_id(store),
	};
	enum store_err err = counter_take(txn, COUNTER_BLOB, 1, segment);

	if (err)
		return err;
	struct key key = key_u64_u64(record.session, *segment);
	codec_encode_u64(&value, 1);
	err = db_put(txn, DB_LEASE, key_slice(&key), buffer_slice(&value));
	return err ? err : blob_record_insert(txn, *segment, &record);
}

enum store_err
segment_add(struct db_txn *txn, uint64_t segment, uint64_t offset,
	uint64_t size, uint64_t *blob)
{
	const struct record_blob packed = {
		.place = RECORD_BLOB_PACKED,
		.references = 1,
		.size = size,
		.segment = segment,
		.offset = offset,
	};
	struct record_blob record;
	enum store_err err = get_segment(txn, segment, &record);

	if (!err)
		err = counter_take(txn, COUNTER_BLOB, 1, blob);
	if (!err)
		err = blob_record_insert(txn, *blob, &packed);
	if (!err)
		err = put_row(txn, segment, offset, *blob);
	if (err)
		return err;
	record.references++;
	record.live += size;
	if (record.size < offset + size)
		record.size = offset + size;
	err = blob_record_put(txn, segment, &record);
	return err ? err : blob_record_mark_unflushed(txn, segment);
}

enum store_err
segment_remove(struct db_txn *txn, const struct record_blob *blob)
{
	struct record_blob record;
	enum store_err err = get_segment(txn, blob->segment, &record);

	if (!err)
		err = delete_row(txn, blob->segment, blob->offset);
	if (err)
		return err;
	/* Counters that would fall below 0 were wrong before: fsck. */
	if (record.references < 1 || record.live < blob->size)
		return STORE_CORRUPT;
	record.references--;
	record.live -= blob->size;
	return save(txn, blob->segment, &record);
}

/* False: the blob is not where it was. */
static enum store_err
move_one(struct db_txn *txn, uint64_t from, uint64_t to,
	const struct segment_move *move, bool *is_moved)
{
	struct record_blob record;
	enum store_err err = blob_record_get(txn, move->blob, &record);

	*is_moved = !err && record.place == RECORD_BLOB_PACKED &&
		    record.segment == from && record.offset == move->from &&
		    record.size == move->size;
	if (!*is_moved)
		return err == STORE_NOT_FOUND ? STORE_OK : err;
	record.segment = to;
	record.offset = move->to;
	err = blob_record_put(txn, move->blob, &record);
	if (!err)
		err = delete_row(txn, from, move->from);
	return err ? err : put_row(txn, to, move->to, move->blob);
}

enum store_err
segment_move(struct db_txn *txn, uint64_t from, uint64_t to,
	const struct segment_move *moves, size_t count)
{
	struct record_blob source, target;
	bool is_any = false;
	enum store_err err = get_segment(txn, to, &target);

	if (!err)
		err = blob_record_get(txn, from, &source);
	if (err)
		return err == STORE_NOT_FOUND ? STORE_OK : err;
	for (size_t i = 0; i < count; i++) {
		const struct segment_move *move = &moves[i];
		bool is_moved;

		err = move_one(txn, from, to, move, &is_moved);
		if (err)
			return err;
		if (!is_moved)
			continue;
		if (source.references < 1 || source.live < move->size)
			return STORE_CORRUPT;
		is_any = true;
		source.references--;
		source.live -= move->size;
		target.references++;
		target.live += move->size;
		if (target.size < move->to + move->size)
			target.size = move->to + move->size;
	}
	if (!is_any)
		return STORE_OK;
	err = save(txn, from, &source);
	if (!err)
		err = blob_record_put(txn, to, &target);
	return err ? err : blob_record_mark_unflushed(txn, to);
}

enum store_err
segment_unlist(struct db_txn *txn, uint64_t segment)
{
	return delete_row(txn, 0, segment);
}

struct seal {
	uint64_t session;
	uint64_t segment;
};

static enum store_err
apply_seal(struct store *store, struct db_txn *txn, void *arg)
{
	const struct seal *seal = arg;
	struct key key = key_u64_u64(seal->session, seal->segment);
	struct record_blob record;
	enum store_err err = db_delete(txn, DB_LEASE, key_slice(&key));

	(void)store;
	if (!err || err == STORE_NOT_FOUND)
		err = blob_record_get(txn, seal->segment, &record);
	if (err)
		return err == STORE_NOT_FOUND ? STORE_OK : err;
	if (record.place != RECORD_BLOB_SEGMENT || record.references < 1)
		return STORE_CORRUPT;
	if (record.session != seal->session)
		return STORE_OK;
	record.session = 0;
	record.references--;
	/* The new length of the file, too, is to be durable. */
	if (record.references)
		err = blob_record_mark_unflushed(txn, seal->segment);
	return err ? err : save(txn, seal->segment, &record);
}

/* What a failed or interrupted append left, and room that was set aside.  One
 * that is too short stays so: made longer it would read as zeros. */
static enum store_err
cut_tail(struct store *store, uint64_t segment)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	struct record_blob record;
	enum store_err err = db_begin_read(store->db, &txn);
	struct stat st;
	int fd;

	if (!err)
		err = blob_record_get(txn, segment, &record);
	db_abort(&txn);
	if (!err)
		err = blob_open(store->blobs, segment, O_RDWR, &fd);
	if (err)
		return err == STORE_NOT_FOUND ? STORE_OK : err;
	if (fstat(fd, &st) || ((uint64_t)st.st_size >= record.size &&
				      ftruncate(fd, (off_t)record.size)))
		err = STORE_IO;
	(void)close(fd);
	return err;
}

enum store_err
segment_discard(struct store *store, uint64_t segment)
{
	struct seal seal = {
		.session = session_id(store),
		.segment = segment,
	};

	return commit_run(store, apply_seal, &seal, NULL);
}

enum store_err
segment_seal(struct store *store, uint64_t session, uint64_t segment)
{
	struct seal seal = {.session = session, .segment = segment};
	enum store_err err = cut_tail(store, segment);

	return err ? err : commit_run(store, apply_seal, &seal, NULL);
}
