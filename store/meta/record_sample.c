/* SPDX-License-Identifier: Apache-2.0 */
#include "store/base/codec.h"
#include "store/meta/record_private.h"

/* Whether what is not hot is no more than all. */
static bool
are_within(const struct record_sample *record, uint64_t held)
{
	return record->warm <= held && record->cold <= held - record->warm &&
	       record->archived <= held - record->warm - record->cold;
}

enum store_err
record_sample_decode(struct slice bytes, struct record_sample *out)
{
	struct decoder decoder = codec_decoder(bytes);
	struct record_sample record = {0};
	uint8_t version = codec_decode_u8(&decoder);

	record.objects = codec_decode_u64(&decoder);
	record.bytes = codec_decode_u64(&decoder);
	record.part_bytes = codec_decode_u64(&decoder);
	bool is_sound = !__builtin_add_overflow(record.bytes, record.part_bytes,
		&record.warm);
	if (version == RECORD_VERSION_SAMPLE) {
		uint64_t held = record.warm;

		record.warm = codec_decode_u64(&decoder);
		record.cold = codec_decode_u64(&decoder);
		record.archived = codec_decode_u64(&decoder);
		is_sound = is_sound && are_within(&record, held);
	}
	enum store_err err = record_finish(&decoder,
		is_sound && (version == RECORD_VERSION_SAMPLE ||
				    version == RECORD_VERSION));
	if (err == STORE_OK)
		*out = record;
	return err;
}

void
record_sample_encode(struct buffer *to, const struct record_sample *record)
{
	codec_encode_u8(to, RECORD_VERSION_SAMPLE);
	codec_encode_u64(to, record->objects);
	codec_encode_u64(to, record->bytes);
	codec_encode_u64(to, record->part_bytes);
	codec_encode_u64(to, record->warm);
	codec_encode_u64(to, record->cold);
	codec_encode_u64(to, record->archived);
}
