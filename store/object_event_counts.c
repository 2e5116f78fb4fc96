/* SPDX-License-Identifier: Apache-2.0 */
#include "store/base/codec.h"
#include "store/meta/key.h"
#include "store/object_event_private.h"

#define VERSION 1

static bool
decode_counts(struct slice value, struct object_event_counts *out)
{
	struct decoder decoder = codec_decoder(value);
	uint8_t version = codec_decode_u8(&decoder);

	out->waiting = codec_decode_u64(&decoder);
	out->dropped = codec_decode_u64(&decoder);
	return version == VERSION && !decoder.is_bad &&
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
object_event_counts_put(struct db_txn *txn, uint64_t topic,
	const struct object_event_counts *counts)
{
	scoped(buffer_free) struct buffer value = {0};
	struct key key = key_u64_u64(topic, 0);

	codec_encode_u8(&value, VERSION);
	codec_encode_u64(&value, counts->waiting);
	codec_encode_u64(&value, counts->dropped);
	return db_put(txn, DB_EVENT, key_slice(&key), buffer_slice(&value));
}
