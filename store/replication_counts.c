/* SPDX-License-Identifier: Apache-2.0 */
#include "store/base/codec.h"
#include "store/meta/key.h"
#include "store/replication_private.h"

#define VERSION 1

static enum store_err
decode_counts(struct slice value, struct replication_counts *out)
{
	struct decoder decoder = codec_decoder(value);
	uint8_t version = codec_decode_u8(&decoder);

	out->waiting = codec_decode_u64(&decoder);
	out->failed = codec_decode_u64(&decoder);
	if (version == VERSION && !decoder.is_bad &&
		codec_decode_left(&decoder) == 0)
		return STORE_OK;
	*out = (struct replication_counts){0};
	return STORE_CORRUPT;
}

static enum store_err
find_counts(struct db_txn *txn, uint64_t bucket, struct replication_counts *out)
{
	struct key key = key_u64_u64(bucket, 0);
	struct slice value;
	enum store_err err =
		db_get(txn, DB_REPLICATION, key_slice(&key), &value);

	*out = (struct replication_counts){0};
	return err ? err : decode_counts(value, out);
}

enum store_err
replication_counts_get(struct db_txn *txn, uint64_t bucket,
	struct replication_counts *out)
{
	enum store_err err = find_counts(txn, bucket, out);

	return err == STORE_NOT_FOUND ? STORE_OK : err;
}

enum store_err
replication_counts_put(struct db_txn *txn, uint64_t bucket,
	const struct replication_counts *counts)
{
	scoped(buffer_free) struct buffer value = {0};
	struct key key = key_u64_u64(bucket, 0);

	codec_encode_u8(&value, VERSION);
	codec_encode_u64(&value, counts->waiting);
	codec_encode_u64(&value, counts->failed);
	return db_put(txn, DB_REPLICATION, key_slice(&key),
		buffer_slice(&value));
}

enum store_err
replication_counts_add(struct db_txn *txn, uint64_t bucket, int waiting,
	int failed)
{
	struct replication_counts counts;
	enum store_err err = find_counts(txn, bucket, &counts);

	/* Those that are damaged begin anew: fsck counts. */
	if (err && err != STORE_CORRUPT)
		return err == STORE_NOT_FOUND ? STORE_OK : err;
	if (waiting > 0 || counts.waiting > 0)
		counts.waiting = (uint64_t)((int64_t)counts.waiting + waiting);
	counts.failed += (uint64_t)failed;
	return replication_counts_put(txn, bucket, &counts);
}

enum store_err
replication_counts_sum(struct db_txn *txn, struct replication_counts *out)
{
	scoped(db_cursor_close) struct db_cursor cursor = {0};
	struct key key = key_u64_u64(0, 0);
	uint64_t bucket, number;
	enum store_err err = db_cursor_open(txn, DB_REPLICATION, &cursor);

	*out = (struct replication_counts){0};
	while (!err) {
		struct replication_counts counts = {0};

		err = db_cursor_seek(&cursor, key_slice(&key));
		if (!err)
			err = key_split_u64_u64(cursor.key, &bucket, &number);
		if (err)
			break;
		if (number == 0 && decode_counts(cursor.value, &counts))
			counts = (struct replication_counts){0};
		out->waiting += counts.waiting;
		out->failed += counts.failed;
		/* Behind its rows. */
		if (bucket == UINT64_MAX)
			break;
		key = key_u64_u64(bucket + 1, 0);
	}
	return err == STORE_NOT_FOUND ? STORE_OK : err;
}
