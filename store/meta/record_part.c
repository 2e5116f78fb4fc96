/* SPDX-License-Identifier: Apache-2.0 */
#include "store/base/codec.h"
#include "store/meta/record_private.h"

static uint8_t
part_version(const struct record_part *record)
{
	return record_is_checksum_recent(record->checksum_kind)
		       ? RECORD_VERSION_PART
		       : RECORD_VERSION;
}

enum store_err
record_part_decode(struct slice bytes, struct record_part *out)
{
	uint8_t version;
	struct decoder decoder =
		record_begin_since(bytes, RECORD_VERSION_PART, &version);
	struct record_part record;

	record.size = codec_decode_u64(&decoder);
	record.modified_ns = codec_decode_i64(&decoder);
	record_decode_array(&decoder, record.md5, sizeof(record.md5));
	record.blob = codec_decode_u64(&decoder);
	record.session = codec_decode_u64(&decoder);
	record.checksum_kind = codec_decode_u8(&decoder);
	record.checksum = codec_decode_sized16(&decoder);
	enum store_err err = record_finish(&decoder,
		record.size <= INT64_MAX && version == part_version(&record) &&
			record_is_checksum_sound(record.checksum_kind,
				record.checksum.len));
	if (err == STORE_OK)
		*out = record;
	return err;
}

void
record_part_encode(struct buffer *to, const struct record_part *record)
{
	codec_encode_u8(to, part_version(record));
	codec_encode_u64(to, record->size);
	codec_encode_i64(to, record->modified_ns);
	codec_encode_bytes(to, slice_of(record->md5, sizeof(record->md5)));
	codec_encode_u64(to, record->blob);
	codec_encode_u64(to, record->session);
	codec_encode_u8(to, record->checksum_kind);
	codec_encode_sized16(to, record->checksum);
}
