/* SPDX-License-Identifier: Apache-2.0 */
#include "store/upload_private.h"

#include <string.h>

#include "store/base/clock.h"
#include "store/base/codec.h"
#include "store/base/digest.h"
#include "store/base/random.h"
#include "store/base/text.h"
#include "store/blob_record_private.h"
#include "store/meta/key.h"
#include "store/object_key_private.h"
#include "store/seal.h"
#include "store/usage_private.h"

static void
write_id(uint64_t number, uint64_t nonce, char id[UPLOAD_ID_LEN + 1])
{
	uint8_t bytes[16];

	codec_store_u64_big(bytes, number);
	codec_store_u64_big(bytes + 8, nonce);
	text_to_hex(bytes, sizeof(bytes), id);
}

static bool
read_id(struct slice id, uint64_t *number, uint64_t *nonce)
{
	uint8_t bytes[16];

	if (id.len != UPLOAD_ID_LEN || !text_from_hex(id, bytes, sizeof(bytes)))
		return false;
	*number = codec_load_u64_big(bytes);
	*nonce = codec_load_u64_big(bytes + 8);
	return true;
}

bool
upload_read_id(struct slice id, uint64_t *number)
{
	uint64_t nonce;

	return read_id(id, number, &nonce);
}

enum store_err
upload_find(struct db_txn *txn, const struct upload_ref *ref, uint64_t *number,
	struct record_upload *out)
{
	struct slice value;
	struct key key;
	uint64_t nonce;
	enum store_err err;

	if (!read_id(ref->id, number, &nonce))
		return STORE_NO_UPLOAD;
	key = key_u64_u64(ref->bucket, *number);
	err = db_get(txn, DB_UPLOAD, key_slice(&key), &value);
	if (err)
		return err == STORE_NOT_FOUND ? STORE_NO_UPLOAD : err;
	err = record_upload_decode(value, out);
	if (err)
		return err;
	if (out->nonce != nonce || !slice_equal(out->key, ref->key))
		return STORE_NO_UPLOAD;
	return STORE_OK;
}

bool
upload_is_sealed(const struct record_upload *record)
{
	struct slice attr;

	return seal_find(record->attrs, &attr);
}

uint64_t
upload_slot(const struct record_upload *record)
{
	return upload_is_sealed(record) ? seal_stored_len(record->part_size)
					: record->part_size;
}

enum store_err
upload_save(struct db_txn *txn, uint64_t bucket, uint64_t number,
	const struct record_upload *record)
{
	scoped(buffer_free) struct buffer value = {0};
	struct key key = key_u64_u64(bucket, number);

	record_upload_encode(&value, record);
	return db_put(txn, DB_UPLOAD, key_slice(&key), buffer_slice(&value));
}

struct begin {
	uint64_t bucket;
	struct record_upload record;
	uint64_t number; /* set anew by each run */
};

static enum store_err
apply_begin(struct store *store, struct db_txn *txn, void *arg)
{
	struct begin *begin = arg;
	struct inode root;
	enum store_err err;

	(void)store;
	err = dentry_inode(txn, begin->bucket, &root);
	if (!err)
		err = commit_new_number(txn, &begin->number);
	if (err)
		return err;
	return upload_save(txn, begin->bucket, begin->number, &begin->record);
}

enum store_err
upload_begin(struct store *store, uint64_t bucket, struct slice key,
	const struct upload_info *info, char id[UPLOAD_ID_LEN + 1])
{
	struct begin begin = {
		.bucket = bucket,
		.record =
			{
				.nonce = random_u64(),
				.created_ns = info->created_ns
						      ? info->created_ns
						      : clock_now_ns(),
				.key = key,
				.initiator = info->initiator,
				.checksum_kind = info->checksum_kind,
				.is_checksum_full = info->is_checksum_full,
				.attrs = info->attrs,
			},
	};
	enum store_err err;

	err = object_key_validate(key);
	if (err)
		return err;
	if (info->attrs.len > INODE_ATTRS_MAX)
		return STORE_ATTR_TOO_BIG;
	if (!inode_attrs_are_valid(info->attrs) ||
		(info->checksum_kind && !digest_is_kind(info->checksum_kind)) ||
		info->initiator.len > UINT16_MAX)
		return STORE_INVALID;
	err = commit_run_durably(store, apply_begin, &begin);
	if (!err)
		write_id(begin.number, begin.record.nonce, id);
	return err;
}

void
upload_describe(uint64_t number, const struct record_upload *record,
	struct arena *arena, struct upload_info *out)
{
	*out = (struct upload_info){
		.key = arena_copy(arena, record->key),
		.created_ns = record->created_ns,
		.initiator = arena_copy(arena, record->initiator),
		.checksum_kind = record->checksum_kind,
		.is_checksum_full = record->is_checksum_full,
		.attrs = arena_copy(arena, record->attrs),
	};
	write_id(number, record->nonce, out->id);
}

enum store_err
upload_get(struct store *store, uint64_t bucket, struct slice key,
	struct slice id, struct arena *arena, struct upload_info *out)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	const struct upload_ref ref = {bucket, key, id};
	struct record_upload record;
	uint64_t number;
	enum store_err err;

	err = db_begin_read(store->db, &txn);
	if (!err)
		err = upload_find(txn, &ref, &number, &record);
	if (!err)
		upload_describe(number, &record, arena, out);
	return err;
}

struct gone {
	uint64_t part;
	uint64_t blob;
	uint64_t size; /* 0: an arrival's */
};

/* Appends a struct gone for each part and arrival. */
static enum store_err
collect_parts(struct db_txn *txn, uint64_t number, struct buffer *out)
{
	struct key start = key_u64_u64(number, 0);
	struct db_cursor cursor;
	enum store_err err;

	err = db_cursor_open(txn, DB_PART, &cursor);
	if (err)
		return err;
	err = db_cursor_seek(&cursor, key_slice(&start));
	for (; !err; err = db_cursor_next(&cursor)) {
		struct record_part record;
		struct gone gone;
		uint64_t owner;

		err = key_split_u64_u64(cursor.key, &owner, &gone.part);
		if (err || owner != number)
			break;
		err = record_part_decode(cursor.value, &record);
		if (err)
			break;
		gone.blob = record.blob;
		gone.size = record.size;
		buffer_append(out, slice_of(&gone, sizeof(gone)));
	}
	db_cursor_close(&cursor);
	return err == STORE_NOT_FOUND ? STORE_OK : err;
}

static enum store_err
remove_parts(struct db_txn *txn, uint64_t bucket, uint64_t number)
{
	scoped(buffer_free) struct buffer all = {0};
	int64_t bytes = 0;
	enum store_err err = collect_parts(txn, number, &all);

	for (size_t at = 0; !err && at < all.len; at += sizeof(struct gone)) {
		struct gone gone;
		struct key key;

		memcpy(&gone, all.data + at, sizeof(gone));
		bytes -= (int64_t)gone.size;
		key = key_u64_u64(number, gone.part);
		err = db_delete(txn, DB_PART, key_slice(&key));
		if (!err)
			err = blob_record_drop(txn, gone.blob);
	}
	return err ? err : usage_add_parts(txn, bucket, bytes);
}

enum store_err
upload_remove(struct db_txn *txn, uint64_t bucket, uint64_t number)
{
	struct key key = key_u64_u64(bucket, number);
	struct record_upload record;
	struct slice value;
	uint64_t blob;
	enum store_err err;

	err = db_get(txn, DB_UPLOAD, key_slice(&key), &value);
	if (!err)
		err = record_upload_decode(value, &record);
	if (err)
		return err;
	blob = record.blob;
	err = remove_parts(txn, bucket, number);
	if (!err)
		err = blob_record_drop(txn, blob);
	if (!err)
		err = db_delete(txn, DB_UPLOAD, key_slice(&key));
	return err;
}

static enum store_err
apply_abort(struct store *store, struct db_txn *txn, void *arg)
{
	const struct upload_ref *ref = arg;
	struct record_upload record;
	uint64_t number;
	enum store_err err;

	(void)store;
	err = upload_find(txn, ref, &number, &record);
	if (err)
		return err;
	return upload_remove(txn, ref->bucket, number);
}

enum store_err
upload_abort(struct store *store, uint64_t bucket, struct slice key,
	struct slice id)
{
	struct upload_ref ref = {bucket, key, id};

	return commit_run_durably(store, apply_abort, &ref);
}

enum store_err
upload_was(struct store *store, uint64_t bucket, struct slice key,
	struct slice id, struct arena *arena, struct object *out)
{
	struct slice made_by;
	enum store_err err = object_head(store, bucket, key, arena, out);

	if (err)
		return err == STORE_NOT_FOUND ? STORE_NO_UPLOAD : err;
	if (!inode_attr_find(out->inode.attrs, INODE_ATTR_PART, UPLOAD_ATTR_ID,
		    &made_by) ||
		!slice_equal(made_by, id))
		return STORE_NO_UPLOAD;
	return store_sync(store);
}
