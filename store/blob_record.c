/* SPDX-License-Identifier: Apache-2.0 */
#include "store/blob_record_private.h"

#include "store/base/codec.h"
#include "store/meta/key.h"
#include "store/scrub_private.h"
#include "store/segment_private.h"
#include "store/session_private.h"

static enum store_err
put_number(struct db_txn *txn, enum db_table table, uint64_t blob)
{
	scoped(buffer_free) struct buffer value = {0};
	struct key key = key_u64(blob);

	codec_encode_u64(&value, db_txn_number(txn));
	return db_put(txn, table, key_slice(&key), buffer_slice(&value));
}

enum store_err
blob_record_mark_unflushed(struct db_txn *txn, uint64_t blob)
{
	return put_number(txn, DB_UNFLUSHED, blob);
}

enum store_err
blob_record_get(struct db_txn *txn, uint64_t blob, struct record_blob *record)
{
	struct key key = key_u64(blob);
	struct slice value;
	enum store_err err = db_get(txn, DB_BLOB, key_slice(&key), &value);

	return err ? err : record_blob_decode(value, record);
}

enum store_err
blob_record_put(struct db_txn *txn, uint64_t blob,
	const struct record_blob *record)
{
	scoped(buffer_free) struct buffer value = {0};
	struct key key = key_u64(blob);

	record_blob_encode(&value, record);
	return db_put(txn, DB_BLOB, key_slice(&key), buffer_slice(&value));
}

enum store_err
blob_record_insert(struct db_txn *txn, uint64_t blob,
	const struct record_blob *record)
{
	scoped(buffer_free) struct buffer value = {0};
	struct key key = key_u64(blob);

	record_blob_encode(&value, record);
	enum store_err err =
		db_insert(txn, DB_BLOB, key_slice(&key), buffer_slice(&value));
	return err == STORE_EXISTS ? STORE_CORRUPT : err;
}

/* What an inode or upload names has a record. */
static enum store_err
get_named_blob(struct db_txn *txn, uint64_t blob, struct record_blob *record)
{
	enum store_err err = blob_record_get(txn, blob, record);

	return err == STORE_NOT_FOUND ? STORE_CORRUPT : err;
}

enum store_err
blob_record_add_pending(struct store *store, struct db_txn *txn, uint64_t blob,
	uint64_t size)
{
	const struct record_blob record = {
		.place = RECORD_BLOB_FILE,
		.references = 1,
		.size = size,
	};
	enum store_err err = blob_record_insert(txn, blob, &record);

	if (!err)
		session_settle_blob(store, blob);
	return err;
}

enum store_err
blob_record_add(struct store *store, struct db_txn *txn, uint64_t blob,
	uint64_t size)
{
	enum store_err err = blob_record_add_pending(store, txn, blob, size);

	return err ? err : blob_record_mark_unflushed(txn, blob);
}

enum store_err
blob_record_share(struct db_txn *txn, uint64_t blob)
{
	struct record_blob record;
	enum store_err err = get_named_blob(txn, blob, &record);

	if (err)
		return err;
	if (record.is_damaged)
		return STORE_DAMAGED;
	if (record.references == UINT32_MAX)
		return STORE_TOO_MANY_LINKS;
	record.references++;
	return blob_record_put(txn, blob, &record);
}

enum store_err
blob_record_free(struct db_txn *txn, uint64_t blob)
{
	struct key key = key_u64(blob);
	enum store_err err = db_delete(txn, DB_BLOB, key_slice(&key));

	if (!err)
		err = db_delete(txn, DB_UNFLUSHED, key_slice(&key));
	if (err && err != STORE_NOT_FOUND)
		return err;
	return put_number(txn, DB_FREED, blob);
}

enum store_err
blob_record_drop(struct db_txn *txn, uint64_t blob)
{
	struct record_blob record;
	struct key key = key_u64(blob);

	if (blob == 0)
		return STORE_OK;
	enum store_err err = get_named_blob(txn, blob, &record);
	if (err)
		return err;
	if (record.references > 1) {
		record.references--;
		return blob_record_put(txn, blob, &record);
	}
	if (record.is_damaged)
		err = scrub_state_count(txn, -1);
	if (err)
		return err;
	if (record.place != RECORD_BLOB_PACKED)
		return blob_record_free(txn, blob);
	err = db_delete(txn, DB_BLOB, key_slice(&key));
	return err ? err : segment_remove(txn, &record);
}

enum store_err
blob_record_is_named(struct db_txn *txn, uint64_t blob, bool *is_named)
{
	struct key key = key_u64(blob);
	struct slice value;
	enum store_err err = db_get(txn, DB_BLOB, key_slice(&key), &value);

	if (err == STORE_NOT_FOUND)
		err = db_get(txn, DB_FREED, key_slice(&key), &value);
	*is_named = !err;
	return err == STORE_NOT_FOUND ? STORE_OK : err;
}

enum store_err
blob_record_is_shared(struct db_txn *txn, uint64_t blob, bool *is_shared)
{
	struct record_blob record = {.references = 0};
	enum store_err err = blob_record_get(txn, blob, &record);

	*is_shared =
		record.references != 1 || record.place == RECORD_BLOB_PACKED;
	return err == STORE_NOT_FOUND ? STORE_OK : err;
}
