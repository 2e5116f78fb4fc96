/* SPDX-License-Identifier: Apache-2.0 */
#include "store/base/codec.h"
#include "store/meta/record_private.h"

enum store_err
record_sampled_decode(struct slice bytes, struct record_sampled *out)
{
	struct decoder decoder = record_begin(bytes);
	struct record_sampled record;

	record.hour = codec_decode_u64(&decoder);
	uint8_t stage = codec_decode_u8(&decoder);
	record.stage = (enum record_sampled_stage)stage;
	record.from = codec_decode_sized16(&decoder);
	enum store_err err = record_finish(&decoder,
		stage >= RECORD_SAMPLED_BUCKETS && stage <= RECORD_SAMPLED_ALL);
	if (err == STORE_OK)
		*out = record;
	return err;
}

void
record_sampled_encode(struct buffer *to, const struct record_sampled *record)
{
	codec_encode_u8(to, RECORD_VERSION);
	codec_encode_u64(to, record->hour);
	codec_encode_u8(to, (uint8_t)record->stage);
	codec_encode_sized16(to, record->from);
}
