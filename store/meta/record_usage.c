/* SPDX-License-Identifier: Apache-2.0 */
#include "store/base/codec.h"
#include "store/meta/record_private.h"

enum store_err
record_usage_decode(struct slice bytes, struct record_usage *out)
{
	struct decoder decoder = codec_decoder(bytes);
	struct record_usage record = {0};
	uint8_t version = codec_decode_u8(&decoder);

	record.objects = codec_decode_u64(&decoder);
	record.bytes = codec_decode_u64(&decoder);
	if (version == RECORD_VERSION_USAGE) {
		record.part_bytes = codec_decode_u64(&decoder);
		record.organization = codec_decode_sized16(&decoder);
	}
	enum store_err err = record_finish(&decoder,
		(version == RECORD_VERSION_USAGE ||
			version == RECORD_VERSION) &&
			record.organization.len <= RECORD_NAME_MAX);
	if (err == STORE_OK)
		*out = record;
	return err;
}

void
record_usage_encode(struct buffer *to, const struct record_usage *record)
{
	codec_encode_u8(to, RECORD_VERSION_USAGE);
	codec_encode_u64(to, record->objects);
	codec_encode_u64(to, record->bytes);
	codec_encode_u64(to, record->part_bytes);
	codec_encode_sized16(to, record->organization);
}
