/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/base/clock.h"
#include "store/base/io.h"
#include "store/base/random.h"
#include "store/blob_record_private.h"
#include "store/draft_private.h"
#include "store/meta/key.h"
#include "store/object_key_private.h"
#include "store/sealer_private.h"
#include "store/session_private.h"
#include "store/upload_private.h"
#include "store/usage_private.h"

/* A part's size that nobody announced. */
#define UNKNOWN UINT64_MAX

struct upload_part {
	/* fixed after begin */
	struct store *store;
	struct upload_ref ref; /* into `text` */
	unsigned number;
	uint64_t limit;	  /* most bytes it may have */
	bool is_in_place; /* else in the draft */
	uint64_t upload;  /* its number */
	uint64_t offset;  /* in place: of the slot */
	bool is_sealed;	  /* the upload is */

	/* as it is written */
	struct draft draft;
	int fd; /* in place: of the upload's blob */
	uint64_t size;
	uint64_t stored; /* bytes in the file: more, where sealed */
	enum store_err failure;

	/* where it is sealed */
	struct sealer *sealer;
	struct seal seal;

	char text[];
};

/*
 * Whether the part may lie in place, by what the tables say now.  Sizes below
 * UPLOAD_PART_MIN can only be those of a last part, and say nothing of where
 * the others will lie.
 */
static enum store_err
may_lie_in_place(struct db_txn *txn, const struct upload_part *part,
	const struct record_upload *record, bool *may)
{
	struct record_part there;
	bool is_arriving;
	enum store_err err;

	*may = false;
	if (part->limit == 0 || part->limit == UNKNOWN)
		return STORE_OK;
	if (record->part_size ? part->limit > record->part_size
			      : part->limit < UPLOAD_PART_MIN)
		return STORE_OK;
	err = upload_parts_find(txn, part->upload, part->number, &there);
	if (err != STORE_NOT_FOUND)
		return err;
	err = upload_parts_is_arriving(txn, part->upload, part->number,
		&is_arriving);
	*may = !err && !is_arriving;
	return err;
}

struct place {
	struct upload_part *part;

	/* set anew by each run */
	bool is_in_place;
	bool took_draft; /* as the upload's blob */
	uint64_t blob;
	uint64_t slot;
};

/* The first part to come decides where all lie, and brings the file. */
static enum store_err
start_blob(struct db_txn *txn, struct place *place,
	struct record_upload *record)
{
	const struct upload_part *part = place->part;

	place->took_draft = !record->blob;
	if (place->took_draft)
		record->blob = part->draft.blob;
	record->part_size = part->limit;
	/* First of all: the record's slices point into the map. */
	enum store_err err =
		upload_save(txn, part->ref.bucket, part->upload, record);
	if (!err && place->took_draft)
		err = draft_add(&part->draft, txn, &record->blob);
	return err;
}

static enum store_err
apply_place(struct store *store, struct db_txn *txn, void *arg)
{
	struct place *place = arg;
	const struct upload_part *part = place->part;
	struct record_upload record;
	uint64_t number;
	bool may;
	enum store_err err;

	place->is_in_place = false;
	place->took_draft = false;
	err = upload_find(txn, &part->ref, &number, &record);
	if (!err)
		err = may_lie_in_place(txn, part, &record, &may);
	if (err || !may || (!record.blob && !part->draft.blob))
		return err;
	if (!record.part_size)
		err = start_blob(txn, place, &record);
	if (!err)
		err = upload_parts_reserve(store, txn, part->upload,
			part->number);
	place->is_in_place = true;
	place->blob = record.blob;
	place->slot = upload_slot(&record);
	return err;
}

/* What to try, by a look that changes nothing. */
static enum store_err
look(struct upload_part *part, bool *may, bool *needs_blob)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	struct record_upload record;
	enum store_err err;

	err = db_begin_read(part->store->db, &txn);
	if (!err)
		err = upload_find(txn, &part->ref, &part->upload, &record);
	if (!err)
		err = may_lie_in_place(txn, part, &record, may);
	part->is_sealed = !err && upload_is_sealed(&record);
	*needs_blob = !err && !record.blob;
	return err;
}

static enum store_err
apply_release(struct store *store, struct db_txn *txn, void *arg)
{
	const struct upload_part *part = arg;

	(void)store;
	return upload_parts_release(txn, part->upload, part->number);
}

/* Gives the slot back.  Where that fails the upload is completed by a copy,
 * as long as this process lives. */
static void
release(struct upload_part *part)
{
	enum store_err err;

	if (part->fd >= 0)
		(void)close(part->fd);
	part->fd = -1;
	err = commit_run(part->store, apply_release, part, NULL);
	(void)err;
}

static enum store_err
open_in_place(struct upload_part *part, const struct place *place)
{
	enum store_err err = STORE_OK;

	part->is_in_place = true;
	part->offset = (part->number - 1) * place->slot;
	if (place->took_draft) {
		part->fd = draft_detach(&part->draft);
		return STORE_OK;
	}
	draft_end(&part->draft, STORE_CANCELED);
	err = blob_open(part->store->blobs, place->blob, O_RDWR, &part->fd);
	if (err)
		release(part);
	return err == STORE_NOT_FOUND ? STORE_NO_UPLOAD : err;
}

static enum store_err
find_place(struct upload_part *part)
{
	struct place place = {.part = part};
	bool may, needs_blob;
	enum store_err err;

	err = look(part, &may, &needs_blob);
	if (err || !may)
		return err;
	if (needs_blob)
		err = draft_create(&part->draft);
	if (!err)
		err = commit_run(part->store, apply_place, &place, NULL);
	if (err)
		return err;
	return place.is_in_place ? open_in_place(part, &place) : STORE_OK;
}

static void
free_part(struct upload_part **part, enum store_err err)
{
	if ((*part)->fd >= 0)
		(void)close((*part)->fd);
	sealer_free(&(*part)->sealer);
	seal_wipe(&(*part)->seal);
	draft_end(&(*part)->draft, err);
	free(*part);
	*part = NULL;
}

static struct upload_part *
new_part(struct store *store, uint64_t bucket, struct slice key,
	struct slice id)
{
	struct upload_part *part = calloc(1, sizeof(*part) + key.len + id.len);

	if (!part)
		return NULL;
	memcpy(part->text, key.data, key.len);
	memcpy(part->text + key.len, id.data, id.len);
	part->store = store;
	part->ref.bucket = bucket;
	part->ref.key = slice_of(part->text, key.len);
	part->ref.id = slice_of(part->text + key.len, id.len);
	part->draft = (struct draft)DRAFT_INIT(store);
	part->fd = -1;
	return part;
}

enum store_err
upload_part_begin(struct store *store, uint64_t bucket, struct slice key,
	struct slice id, unsigned number, uint64_t size,
	struct upload_part **out)
{
	struct upload_part *part;
	enum store_err err;

	if (store->is_read_only)
		return STORE_READ_ONLY;
	if (number < 1 || number > UPLOAD_PARTS_MAX)
		return STORE_INVALID;
	if (size != UNKNOWN && size > UPLOAD_PART_MAX)
		return STORE_TOO_BIG;
	if (!key.len || !id.len)
		return STORE_NO_UPLOAD;
	part = new_part(store, bucket, key, id);
	if (!part)
		return STORE_NO_MEMORY;
	part->number = number;
	part->limit = size;
	err = find_place(part);
	if (err) {
		free_part(&part, err);
		return err;
	}
	*out = part;
	return STORE_OK;
}

/* Beyond what was announced lies the next part's slot. */
static enum store_err
check_room(const struct upload_part *part, uint64_t len)
{
	uint64_t limit = part->limit == UNKNOWN ? UPLOAD_PART_MAX : part->limit;

	return len > limit - part->size ? STORE_TOO_BIG : STORE_OK;
}

static enum store_err
note(struct upload_part *part, enum store_err err, uint64_t len)
{
	if (err)
		part->failure = err;
	else
		part->size += len;
	return err;
}

/* Bytes as they are to lie in the file. */
static enum store_err
store_bytes(void *arg, struct slice data)
{
	struct upload_part *part = arg;
	uint64_t at = part->offset + part->stored;
	enum store_err err;

	if (part->is_in_place) {
		err = io_pwrite_all(part->fd, data.data, data.len, at);
		if (!err)
			flush_ahead_write(part->fd, at, at + data.len);
	} else {
		err = draft_write(&part->draft, data);
	}
	part->stored += data.len;
	return err;
}

void
upload_part_seal(struct upload_part *part, const struct seal *seal)
{
	part->seal = *seal;
	part->sealer = sealer_create(seal, part->number, store_bytes, part);
}

enum store_err
upload_part_write(struct upload_part *part, struct slice data)
{
	enum store_err err = check_room(part, data.len);

	if (!err && part->is_sealed && !part->sealer)
		err = STORE_NO_KEY;
	if (err)
		return err;
	err = part->sealer ? sealer_write(part->sealer, data)
			   : store_bytes(part, data);
	return note(part, err, data.len);
}

enum store_err
upload_part_copy(struct upload_part *part, int fd, uint64_t offset,
	uint64_t len)
{
	enum store_err err = check_room(part, len);

	if (!err && part->is_sealed)
		err = STORE_NO_KEY;
	if (err)
		return err;
	if (part->is_in_place)
		err = blob_copy_range(fd, offset, part->fd,
			part->offset + part->stored, len);
	else
		err = draft_copy(&part->draft, fd, offset, len);
	part->stored += len;
	return note(part, err, len);
}

uint64_t
upload_part_size(const struct upload_part *part)
{
	return part->size;
}

struct part_commit {
	const struct upload_part *part;
	const struct upload_part_info *info;
};

/* Its arrival ends; the bytes in the slot are those of an acknowledged part
 * from here on. */
static enum store_err
settle_in_place(struct store *store, struct db_txn *txn,
	const struct upload_part *part, uint64_t blob)
{
	struct record_part arrival;
	enum store_err err;

	err = upload_parts_find(txn, part->upload,
		UPLOAD_ARRIVAL | part->number, &arrival);
	if (!err && arrival.session != session_id(store))
		err = STORE_NOT_FOUND;
	if (!err)
		err = upload_parts_release(txn, part->upload, part->number);
	if (!err)
		err = blob_record_mark_unflushed(txn, blob);
	/* Somebody took this session for dead, and the slot from it. */
	return err == STORE_NOT_FOUND ? STORE_BUSY : err;
}

/* *size: of the part that was there under the number, or 0. */
static enum store_err
drop_earlier(struct db_txn *txn, const struct upload_part *part, uint64_t *size)
{
	struct record_part earlier;
	enum store_err err;

	*size = 0;
	err = upload_parts_find(txn, part->upload, part->number, &earlier);
	if (err)
		return err == STORE_NOT_FOUND ? STORE_OK : err;
	*size = earlier.size;
	return blob_record_drop(txn, earlier.blob);
}

static enum store_err
count(struct db_txn *txn, const struct upload_part *part, uint64_t earlier)
{
	return usage_add_parts(txn, part->ref.bucket,
		(int64_t)part->size - (int64_t)earlier);
}

static enum store_err
save(struct db_txn *txn, const struct upload_part *part,
	const struct upload_part_info *info)
{
	scoped(buffer_free) struct buffer value = {0};
	struct key key = key_u64_u64(part->upload, part->number);
	struct record_part record = {
		.size = part->size,
		.modified_ns =
			info->modified_ns ? info->modified_ns : clock_now_ns(),
		.blob = part->draft.blob,
		.checksum_kind = info->checksum_kind,
		.checksum = slice_of(info->checksum, info->checksum_len),
	};

	memcpy(record.md5, info->md5, sizeof(record.md5));
	record_part_encode(&value, &record);
	return db_put(txn, DB_PART, key_slice(&key), buffer_slice(&value));
}

static enum store_err
apply_part(struct store *store, struct db_txn *txn, void *arg)
{
	const struct part_commit *commit = arg;
	const struct upload_part *part = commit->part;
	struct record_upload record;
	struct usage_mark mark;
	uint64_t number, earlier, blob;
	enum store_err err;

	err = usage_mark(txn, part->ref.bucket, &mark);
	if (!err)
		err = upload_find(txn, &part->ref, &number, &record);
	if (err)
		return err;
	if (part->is_in_place)
		err = settle_in_place(store, txn, part, record.blob);
	else
		err = draft_add(&part->draft, txn, &blob);
	if (!err)
		err = drop_earlier(txn, part, &earlier);
	if (!err)
		err = save(txn, part, commit->info);
	if (!err)
		err = count(txn, part, earlier);
	return err ? err : usage_check(txn, &mark);
}

void
upload_part_show(struct upload_part_info *info, const struct seal *seal)
{
	seal_pad(seal, info->md5, info->checksum, info->checksum_len);
}

/* *kept: what the record says of a sealed part. */
static enum store_err
finish_sealed(struct upload_part *part, struct upload_part_info *info,
	struct upload_part_info *kept)
{
	random_bytes(info->md5, sizeof(info->md5));
	*kept = *info;
	seal_pad(&part->seal, kept->md5, kept->checksum, kept->checksum_len);

	enum store_err err = sealer_finish(part->sealer);

	if (err)
		part->failure = err;
	return err;
}

enum store_err
upload_part_commit(struct upload_part **handle, struct upload_part_info *info)
{
	struct upload_part *part = *handle;
	struct upload_part_info kept = *info;
	struct part_commit commit = {.part = part, .info = &kept};
	enum store_err err = part->failure;

	if (!err && !object_key_is_checksum(info->checksum_kind,
			    info->checksum_len))
		err = STORE_INVALID;
	if (!err && part->is_sealed && !part->sealer)
		err = STORE_NO_KEY;
	if (!err && part->sealer)
		err = finish_sealed(part, info, &kept);
	if (!err)
		err = draft_settle(&part->draft);
	if (!err)
		err = commit_run_durably(part->store, apply_part, &commit);
	if (err && part->is_in_place)
		release(part);
	free_part(handle, err);
	return err;
}

void
upload_part_abort(struct upload_part **part)
{
	if (!*part)
		return;
	if ((*part)->is_in_place)
		release(*part);
	free_part(part, STORE_CANCELED);
}
