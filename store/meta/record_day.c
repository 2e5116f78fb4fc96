/* SPDX-License-Identifier: Apache-2.0 */
#include "store/base/codec.h"
#include "store/meta/record_private.h"

enum store_err
record_day_decode(struct slice bytes, struct record_day *out)
{
	struct decoder decoder = codec_decoder(bytes);
	struct record_day record;
	uint8_t version = codec_decode_u8(&decoder);

	record.bytes = codec_decode_u64(&decoder);
	enum store_err err = record_finish(&decoder,
		version == RECORD_VERSION_DAY && record.bytes > 0);
	if (err == STORE_OK)
		*out = record;
	return err;
}

void
record_day_encode(struct buffer *to, const struct record_day *record)
{
	codec_encode_u8(to, RECORD_VERSION_DAY);
	codec_encode_u64(to, record->bytes);
}
