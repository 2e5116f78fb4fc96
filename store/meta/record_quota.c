/* SPDX-License-Identifier: Apache-2.0 */
#include "store/base/codec.h"
#include "store/meta/record_private.h"

enum store_err
record_quota_decode(struct slice bytes, struct record_quota *out)
{
	struct decoder decoder = record_begin(bytes);
	struct record_quota record;

	record.objects = codec_decode_u64(&decoder);
	record.bytes = codec_decode_u64(&decoder);
	enum store_err err = record_finish(&decoder, true);
	if (err == STORE_OK)
		*out = record;
	return err;
}

void
record_quota_encode(struct buffer *to, const struct record_quota *record)
{
	codec_encode_u8(to, RECORD_VERSION);
	codec_encode_u64(to, record->objects);
	codec_encode_u64(to, record->bytes);
}
