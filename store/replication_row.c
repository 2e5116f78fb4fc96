/* SPDX-License-Identifier: Apache-2.0 */
#include "store/base/codec.h"
#include "store/meta/key.h"
#include "store/meta/record.h"
#include "store/replication_private.h"

#define VERSION RECORD_VERSION_REPLICATION
#define VERSION_WITHOUT_DIR 1
#define PLACE_LEN 9

void
replication_row_encode(struct buffer *to, const struct replication_row *row)
{
	codec_encode_u8(to, VERSION);
	codec_encode_u8(to, row->tries);
	codec_encode_u8(to, row->has_failed);
	codec_encode_i64(to, row->tried_ns);
	codec_encode_u64(to, row->dir);
	codec_encode_sized16(to, row->key);
	codec_encode_u16(to, row->count);
	codec_encode_bytes(to, row->places);
}

void
replication_row_add_place(struct buffer *to,
	const struct replication_place *place)
{
	codec_encode_u64(to, place->bucket);
	codec_encode_u8(to, (uint8_t)place->task);
}

struct replication_place
replication_row_place(const struct replication_row *row, uint16_t i)
{
	struct decoder decoder =
		codec_decoder(slice_from(row->places, (size_t)i * PLACE_LEN));
	struct replication_place place = {.bucket = codec_decode_u64(&decoder)};

	place.task = (enum replication_task)codec_decode_u8(&decoder);
	return place;
}

static bool
are_places(const struct replication_row *row)
{
	for (uint16_t i = 0; i < row->count; i++) {
		struct replication_place place = replication_row_place(row, i);

		if (place.task != REPLICATION_MAKE &&
			place.task != REPLICATION_UPDATE)
			return false;
	}
	return row->count > 0 && row->count <= REPLICATION_PLACES_MAX;
}

enum store_err
replication_row_decode(struct slice value, struct replication_row *out)
{
	struct decoder decoder = codec_decoder(value);
	uint8_t version = codec_decode_u8(&decoder);
	uint8_t has_failed;

	out->tries = codec_decode_u8(&decoder);
	has_failed = codec_decode_u8(&decoder);
	out->has_failed = has_failed != 0;
	out->tried_ns = codec_decode_i64(&decoder);
	out->dir = version == VERSION ? codec_decode_u64(&decoder) : 0;
	out->key = codec_decode_sized16(&decoder);
	out->count = codec_decode_u16(&decoder);
	out->places =
		codec_decode_bytes(&decoder, (size_t)out->count * PLACE_LEN);
	return (version == VERSION || version == VERSION_WITHOUT_DIR) &&
			       !decoder.is_bad && has_failed <= 1 &&
			       codec_decode_left(&decoder) == 0 &&
			       are_places(out)
		       ? STORE_OK
		       : STORE_CORRUPT;
}

enum store_err
replication_row_get(struct db_txn *txn, uint64_t bucket, uint64_t number,
	struct replication_row *out)
{
	struct key key = key_u64_u64(bucket, number);
	struct slice value;
	enum store_err err =
		db_get(txn, DB_REPLICATION, key_slice(&key), &value);

	return err ? err : replication_row_decode(value, out);
}
