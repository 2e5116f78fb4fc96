/* SPDX-License-Identifier: Apache-2.0 */
#include "store/base/codec.h"
#include "store/meta/record_private.h"

enum store_err
record_bucket_decode(struct slice bytes, struct record_bucket *out)
{
	struct decoder decoder = record_begin(bytes);
	struct record_bucket record;

	record.root_ino = codec_decode_u64(&decoder);
	record.created_ns = codec_decode_i64(&decoder);
	record.versioning = codec_decode_u8(&decoder);
	record.owner = codec_decode_sized16(&decoder);
	record.region = codec_decode_sized16(&decoder);
	enum store_err err = record_finish(&decoder,
		record.owner.len <= RECORD_NAME_MAX &&
			record.region.len <= RECORD_NAME_MAX);
	if (err == STORE_OK)
		*out = record;
	return err;
}

void
record_bucket_encode(struct buffer *to, const struct record_bucket *record)
{
	codec_encode_u8(to, RECORD_VERSION);
	codec_encode_u64(to, record->root_ino);
	codec_encode_i64(to, record->created_ns);
	codec_encode_u8(to, record->versioning);
	codec_encode_sized16(to, record->owner);
	codec_encode_sized16(to, record->region);
}
