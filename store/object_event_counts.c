/* SPDX-License-Identifier: Apache-2.0 */
#include "store/base/codec.h"
#include "store/meta/key.h"
#include "store/meta/record.h"
#include "store/object_event_private.h"

#define VERSION RECORD_VERSION_EVENT
#define VERSION_WITHOUT_BYTES 1

static bool
decode_counts(struct slice value, struct object_event_counts *out)
{
	struct decoder decoder = codec_decoder(value);
	uint8_t version = codec_decode_u8(&decoder);

	out->waiting = codec_decode_u64(&decoder);
	out->dropped = codec_decode_u64(&decoder);
	out->lacks_bytes = version == VERSION_WITHOUT_BYTES;
	out->bytes = out->lacks_bytes ? 0 : codec_decode_u64(&decoder);
	return (version == VERSION || out->lacks_bytes) && !decoder.is_bad &&
	       codec_decode_left(&decoder) == 0;
}

enum store_err
object_event_counts_get(struct db_txn *txn, uint64_t topic,
	struct object_event_counts *out)
{
	struct key key = key_u64_u64(topic, 0);
	struct slice value;
	enum store_err err = db_get(txn, DB_EVENT, key_slice(&key), &value);

	*out = (struct object_event_counts){0};
	if (err)
		return err;
	if (decode_counts(value, out))
		return STORE_OK;
	*out = (struct object_event_counts){0};
	return STORE_CORRUPT;
}

enum store_err
object_event_counts_anew(struct db_txn *txn, uint64_t topic,
	struct object_event_counts *counts)
{
	scoped(db_cursor_close) struct db_cursor cursor = {0};
	struct key key = key_u64_u64(topic, 1);
	uint64_t found, number;
	enum store_err err = db_cursor_open(txn, DB_EVENT, &cursor);

	counts->waiting = 0;
	counts->bytes = 0;
	counts->lacks_bytes = false;
	if (!err)
		err = db_cursor_seek(&cursor, key_slice(&key));
	for (; !err; err = db_cursor_next(&cursor)) {
		err = key_split_u64_u64(cursor.key, &found, &number);
		if (err || found != topic)
			break;
		counts->waiting++;
		counts->bytes += cursor.value.len;
	}
	return err == STORE_NOT_FOUND ? STORE_OK : err;
}

enum store_err
object_event_counts_get_whole(struct db_txn *txn, uint64_t topic,
	struct object_event_counts *out)
{
	enum store_err err = object_event_counts_get(txn, topic, out);

	return err || !out->lacks_bytes
		       ? err
		       : object_event_counts_anew(txn, topic, out);
}

void
object_event_counts_take(struct object_event_counts *counts, uint64_t bytes)
{
	counts->waiting -= counts->waiting > 0;
	counts->bytes -= bytes < counts->bytes ? bytes : counts->bytes;
	if (counts->waiting == 0)
		counts->bytes = 0; /* whatever it said */
}

enum store_err
object_event_counts_put(struct db_txn *txn, uint64_t topic,
	const struct object_event_counts *counts)
{
	scoped(buffer_free) struct buffer value = {0};
	struct key key = key_u64_u64(topic, 0);

	codec_encode_u8(&value, VERSION);
	codec_encode_u64(&value, counts->waiting);
	codec_encode_u64(&value, counts->dropped);
	codec_encode_u64(&value, counts->bytes);
	return db_put(txn, DB_EVENT, key_slice(&key), buffer_slice(&value));
}
