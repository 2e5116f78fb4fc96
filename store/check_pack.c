/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Segments against what is packed into them: the rules of segment_private.h.
 * The rows of DB_PACK come in the order of segments and places, so whatever
 * overlaps is neighbours.
 */
#include "store/base/codec.h"
#include "store/blob_record_private.h"
#include "store/check_private.h"
#include "store/scrub_private.h"
#include "store/segment_private.h"

static void
note_row(struct check *check, struct slice key, uint64_t segment,
	uint64_t offset, const char *why)
{
	struct check_job *job = check_note(check, CHECK_PACK, CHECK_FIX_ROW,
		"the row of segment %llu at %llu %s",
		(unsigned long long)segment, (unsigned long long)offset, why);

	job->table = DB_PACK;
	job->name = arena_copy(&check->arena, key);
}

static enum store_err
get_row(struct db_txn *txn, const struct record_blob *record, uint64_t *blob)
{
	struct key key = key_u64_u64(record->segment, record->offset);
	struct slice value;
	enum store_err err = db_get(txn, DB_PACK, key_slice(&key), &value);

	if (err)
		return err;
	struct decoder decoder = codec_decoder(value);
	*blob = codec_decode_u64(&decoder);
	return decoder.is_bad ? STORE_CORRUPT : STORE_OK;
}

/* The counters of the segment that the rows have come to. */
static struct check_segment *
segment_of_row(struct check *check, uint64_t id)
{
	struct check_segment *items = check->segments.items;
	size_t count = check->segments.count;

	if (count > 0 && items[count - 1].id == id)
		return &items[count - 1];
	return check_add(&check->segments, id);
}

static void
note_unknown(struct check *check, uint64_t segment)
{
	struct check_job *job = check_note(check, CHECK_PACK, CHECK_FIX_SEGMENT,
		"segment %llu has no record", (unsigned long long)segment);

	job->a = segment;
	check_add(&check->unknown, segment);
}

static void
add_row(struct check *check, uint64_t segment, uint64_t offset, uint64_t blob,
	uint64_t size)
{
	struct check_segment *counters = segment_of_row(check, segment);

	/* Not repaired: at most one of them has its bytes still. */
	if (offset < counters->end)
		check_note(check, CHECK_PACK, CHECK_FIX_NONE,
			"blob %llu lies over another one, in segment %llu",
			(unsigned long long)blob, (unsigned long long)segment);
	if (!check_find(&check->blobs, segment) && counters->end == 0)
		note_unknown(check, segment);
	counters->references++;
	counters->live += size;
	counters->end = offset + size;
}

/* The row says that the blob is there, and its record that it is elsewhere.
 * Where that place confirms it the row is wrong, else the record, which is made
 * anew in the next round. */
static enum store_err
judge_row(struct check *check, struct slice key, uint64_t blob,
	const struct record_blob *record)
{
	struct key blob_key = key_u64(blob);
	struct check_job *job;
	struct stat stat;
	uint64_t found = 0;
	enum store_err err;

	if (record->place == RECORD_BLOB_PACKED) {
		err = get_row(check->txn, record, &found);
		if (!err && found != blob)
			err = STORE_NOT_FOUND;
	} else {
		err = blob_stat(check->store->blobs, blob, &stat);
	}
	if (err && err != STORE_NOT_FOUND && err != STORE_CORRUPT)
		return err;
	job = check_note(check, CHECK_PACK, CHECK_FIX_ROW,
		"blob %llu is listed in a segment, and its record says that it "
		"is elsewhere",
		(unsigned long long)blob);
	job->table = err ? DB_BLOB : DB_PACK;
	job->name = arena_copy(&check->arena, err ? key_slice(&blob_key) : key);
	return STORE_OK;
}

enum store_err
check_pack_row(struct check *check, struct slice key, struct slice value)
{
	struct decoder decoder = codec_decoder(value);
	uint64_t blob = codec_decode_u64(&decoder);
	struct record_blob record;
	uint64_t segment, offset;

	if (key_split_u64_u64(key, &segment, &offset) || decoder.is_bad) {
		check_note_row(check, DB_PACK, key, value, "segment", 0);
		return STORE_OK;
	}
	if (segment == 0) {
		if (!check_find(&check->blobs, offset))
			note_row(check, key, offset, 0,
				"waits to be compacted and is gone");
		return STORE_OK;
	}
	enum store_err err = blob_record_get(check->txn, blob, &record);
	if (err == STORE_NOT_FOUND) {
		struct check_lost *lost = check_add(&check->lost, blob);

		lost->segment = segment;
		lost->offset = offset;
		return STORE_OK;
	}
	/* A record that does not decode has been reported, and goes first. */
	if (err)
		return err == STORE_CORRUPT ? STORE_OK : err;
	if (record.segment != segment || record.offset != offset)
		return judge_row(check, key, blob, &record);
	add_row(check, segment, offset, blob, record.size);
	return STORE_OK;
}

void
check_pack_lost(struct check *check)
{
	const struct check_lost *items = check->lost.items;

	for (size_t i = 0; i < check->lost.count; i++) {
		const struct check_lost *lost = &items[i];
		struct key key = key_u64_u64(lost->segment, lost->offset);

		if (!lost->is_named)
			note_row(check, key_slice(&key), lost->segment,
				lost->offset, "names a blob that is gone");
	}
}

/* The bytes from there to the next blob, or to the end; UINT64_MAX: nobody
 * knows. */
static enum store_err
find_room(struct db_txn *txn, uint64_t segment, uint64_t offset, uint64_t *room)
{
	scoped(db_cursor_close) struct db_cursor cursor = {0};
	struct key key = key_u64_u64(segment, offset + 1);
	uint64_t owner = 0, next = 0;
	struct record_blob whole;

	*room = UINT64_MAX;
	enum store_err err = db_cursor_open(txn, DB_PACK, &cursor);
	if (!err)
		err = db_cursor_seek(&cursor, key_slice(&key));
	if (!err)
		err = key_split_u64_u64(cursor.key, &owner, &next);
	if (!err && owner == segment && next > offset) {
		*room = next - offset;
		return STORE_OK;
	}
	if (!err || err == STORE_NOT_FOUND)
		err = blob_record_get(txn, segment, &whole);
	if (!err && whole.place == RECORD_BLOB_SEGMENT && whole.size > offset)
		*room = whole.size - offset;
	return err == STORE_NOT_FOUND || err == STORE_CORRUPT ? STORE_OK : err;
}

enum store_err
check_pack_size(struct check *check, const struct inode *inode,
	const struct record_blob *record)
{
	struct key key = key_u64(inode->blob);
	uint64_t room;
	enum store_err err =
		find_room(check->txn, record->segment, record->offset, &room);

	if (err)
		return err;
	struct check_job *job = check_note(check, CHECK_BLOB_SIZE,
		record->size > room ? CHECK_FIX_ROW : CHECK_FIX_RECORD_SIZE,
		"inode %llu has %llu bytes, and its blob %llu has %llu",
		(unsigned long long)inode->ino, (unsigned long long)inode->size,
		(unsigned long long)inode->blob,
		(unsigned long long)record->size);
	job->a = inode->ino;
	/* The record that is wrong goes; the next round makes it anew. */
	job->table = DB_BLOB;
	job->name = arena_copy(&check->arena, key_slice(&key));
	return STORE_OK;
}

enum store_err
check_pack_blob(struct check *check, uint64_t id,
	const struct record_blob *record)
{
	uint64_t found = 0;
	enum store_err err = get_row(check->txn, record, &found);

	if (err && err != STORE_NOT_FOUND && err != STORE_CORRUPT)
		return err;
	if (!err && found == id)
		return STORE_OK;
	if (err) {
		struct check_job *job = check_note(check, CHECK_PACK,
			CHECK_FIX_PLACE,
			"blob %llu is not listed at its place in segment %llu",
			(unsigned long long)id,
			(unsigned long long)record->segment);
		job->a = id;
		return STORE_OK;
	}
	/* Unless it is listed elsewhere: then its record is made anew. */
	check_note(check, CHECK_BLOB_MISSING, CHECK_FIX_NONE,
		"the data of a blob is gone: there is another one in the place "
		"of %llu",
		(unsigned long long)id);
	return STORE_OK;
}

/* Whether it is there, and has all the bytes that it should.  end: of the last
 * blob. */
static enum store_err
check_file(struct check *check, uint64_t id, const struct record_blob *record,
	uint64_t end)
{
	struct record_blob now;
	struct stat stat;
	enum store_err err = blob_stat(check->store->blobs, id, &stat);
	uint64_t found = err ? 0 : (uint64_t)stat.st_size;

	if (err && err != STORE_NOT_FOUND)
		return err;
	if (!record->live || (!err && found >= record->size))
		return STORE_OK;
	/* Gone since, with all that was in it. */
	scoped(db_abort) struct db_txn *txn = NULL;
	if (!db_begin_read(check->store->db, &txn) &&
		blob_record_get(txn, id, &now) == STORE_NOT_FOUND)
		return STORE_OK;
	/* Where each blob has its bytes it is the record that is wrong. */
	struct check_job *job = check_note(check,
		err ? CHECK_BLOB_MISSING : CHECK_BLOB_SIZE,
		err || found < end ? CHECK_FIX_NONE : CHECK_FIX_SEGMENT,
		"segment %llu has %llu bytes, and blobs in %llu of them",
		(unsigned long long)id, (unsigned long long)found,
		(unsigned long long)record->size);
	job->a = id;
	return STORE_OK;
}

bool
check_pack_is_named(struct check *check, const struct inode *inode)
{
	if (!check_find(&check->segments, inode->blob))
		return false;
	/* Not repaired: what is there is other objects'. */
	check_note(check, CHECK_BLOB_MISSING, CHECK_FIX_NONE,
		"the data of inode %llu is gone: it names a segment, %llu",
		(unsigned long long)inode->ino,
		(unsigned long long)inode->blob);
	return true;
}

/* Nothing is packed into it, and something has its data there: the record goes,
 * and the next round makes one of the file. */
static void
note_no_segment(struct check *check, uint64_t id)
{
	struct key key = key_u64(id);
	struct check_job *job = check_note(check, CHECK_PACK, CHECK_FIX_ROW,
		"blob %llu has the record of a segment, and is none",
		(unsigned long long)id);

	job->table = DB_BLOB;
	job->name = arena_copy(&check->arena, key_slice(&key));
}

enum store_err
check_pack_segment(struct check *check, uint64_t id,
	const struct record_blob *record)
{
	static const struct check_segment none;
	const struct check_blob *blob = check_find(&check->blobs, id);
	const struct check_segment *found = check_find(&check->segments, id);
	const struct check_segment *counters = found ? found : &none;
	bool is_open = record->session &&
		       check_find(&check->sessions, record->session);
	uint32_t references = counters->references + (is_open ? 1 : 0);

	if (!found && blob->references > 0) {
		note_no_segment(check, id);
		return STORE_OK;
	}
	if (record->references != references ||
		record->live != counters->live ||
		record->size < counters->end || (record->session && !is_open)) {
		struct check_job *job = check_note(check, CHECK_PACK,
			CHECK_FIX_SEGMENT,
			"segment %llu counts %u references and %llu bytes of "
			"%llu, and has %u and %llu",
			(unsigned long long)id, record->references,
			(unsigned long long)record->live,
			(unsigned long long)record->size, references,
			(unsigned long long)counters->live);
		job->a = id;
	}
	return check_file(check, id, record, counters->end);
}

bool
check_pack_is_segment(struct check *check, uint64_t id)
{
	if (!check_find(&check->segments, id))
		return false;
	struct check_job *job = check_note(check, CHECK_PACK, CHECK_FIX_SEGMENT,
		"blobs are packed into %llu, and its record is not that of a "
		"segment",
		(unsigned long long)id);
	job->a = id;
	return true;
}

/* Counts the rows of the segment. */
static enum store_err
count_rows(struct db_txn *txn, uint64_t segment, struct record_blob *record)
{
	scoped(db_cursor_close) struct db_cursor cursor = {0};
	struct key key = key_u64_u64(segment, 0);
	enum store_err err = db_cursor_open(txn, DB_PACK, &cursor);

	if (!err)
		err = db_cursor_seek(&cursor, key_slice(&key));
	while (!err) {
		struct decoder decoder = codec_decoder(cursor.value);
		uint64_t blob = codec_decode_u64(&decoder);
		struct record_blob packed;
		uint64_t owner, offset;

		err = key_split_u64_u64(cursor.key, &owner, &offset);
		if (!err && owner != segment)
			break;
		if (!err)
			err = blob_record_get(txn, blob, &packed);
		if (err)
			return STORE_CORRUPT;
		record->references++;
		record->live += packed.size;
		if (record->size < offset + packed.size)
			record->size = offset + packed.size;
		err = db_cursor_next(&cursor);
	}
	return err == STORE_NOT_FOUND ? STORE_OK : err;
}

/* What lies behind the last blob is dead and may be missing: then the file is
 * what tells. */
static uint64_t
size_of_segment(struct store *store, uint64_t segment, uint64_t recorded)
{
	struct stat stat;

	if (blob_stat(store->blobs, segment, &stat) ||
		(uint64_t)stat.st_size > recorded)
		return recorded;
	return (uint64_t)stat.st_size;
}

static enum store_err
fix_segment(struct store *store, struct db_txn *txn, uint64_t segment)
{
	struct record_blob record = {.place = RECORD_BLOB_SEGMENT};
	struct record_blob was;
	bool is_open = false;
	struct key key;
	struct slice value;
	enum store_err err = blob_record_get(txn, segment, &was);

	if (!err && was.place == RECORD_BLOB_SEGMENT) {
		key = key_u64(was.session);
		record.size = size_of_segment(store, segment, was.size);
		is_open = was.session &&
			  !db_get(txn, DB_SESSION, key_slice(&key), &value);
	}
	if (is_open) {
		record.session = was.session;
		record.references = 1;
	}
	err = count_rows(txn, segment, &record);
	/* Where blobs lie over each other there is nothing to count. */
	if (!err && record.live > record.size)
		err = STORE_CORRUPT;
	if (err)
		return err;
	if (!record.references)
		return blob_record_free(txn, segment);
	return blob_record_put(txn, segment, &record);
}

/* Of the size that its inode says, which may be wrong: never over another one,
 * whose bytes nobody is to get by it. */
static enum store_err
fix_packed(struct db_txn *txn, const struct check_job *job)
{
	struct record_blob record = {
		.place = RECORD_BLOB_PACKED,
		.references = 1,
		.size = job->d,
		.segment = job->b,
		.offset = job->c,
	};
	struct record_blob other;
	uint64_t room;
	enum store_err err = blob_record_get(txn, job->a, &other);

	if (err != STORE_NOT_FOUND)
		return err ? err : STORE_EXISTS;
	err = find_room(txn, record.segment, record.offset, &room);
	if (err)
		return err;
	if (record.size > room)
		record.size = room;
	return blob_record_put(txn, job->a, &record);
}

static enum store_err
fix_place(struct db_txn *txn, uint64_t blob)
{
	scoped(buffer_free) struct buffer value = {0};
	struct record_blob record;
	enum store_err err = blob_record_get(txn, blob, &record);

	if (err || record.place != RECORD_BLOB_PACKED)
		return err ? err : STORE_NOT_FOUND;
	struct key key = key_u64_u64(record.segment, record.offset);
	codec_encode_u64(&value, blob);
	return db_insert(txn, DB_PACK, key_slice(&key), buffer_slice(&value));
}

/* Whether the segment's counters allow for the blob to be taken out of them. */
static bool
is_counted(struct db_txn *txn, const struct record_blob *blob)
{
	struct record_blob record;

	return !blob_record_get(txn, blob->segment, &record) &&
	       record.place == RECORD_BLOB_SEGMENT && record.references > 0 &&
	       record.live >= blob->size;
}

enum store_err
check_pack_drop(struct db_txn *txn, uint64_t id,
	const struct record_blob *record)
{
	struct key row = key_u64_u64(record->segment, record->offset);
	struct key key = key_u64(id);
	uint64_t found = 0;
	enum store_err err = get_row(txn, record, &found);

	if (err && err != STORE_NOT_FOUND && err != STORE_CORRUPT)
		return err;
	bool is_listed = !err && found == id;
	err = db_delete(txn, DB_BLOB, key_slice(&key));
	if (!err && record->is_damaged)
		err = scrub_state_count(txn, -1);
	if (err || !is_listed)
		return err;
	return is_counted(txn, record)
		       ? segment_remove(txn, record)
		       : db_delete(txn, DB_PACK, key_slice(&row));
}

enum store_err
check_pack_repair(struct store *store, struct db_txn *txn,
	const struct check_job *job)
{
	if (job->fix == CHECK_FIX_PACKED)
		return fix_packed(txn, job);
	if (job->fix == CHECK_FIX_PLACE)
		return fix_place(txn, job->a);
	return fix_segment(store, txn, job->a);
}
