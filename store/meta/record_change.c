/* SPDX-License-Identifier: Apache-2.0 */
#include "store/base/codec.h"
#include "store/meta/record_private.h"

enum store_err
record_change_decode(struct slice bytes, struct record_change *out)
{
	struct decoder decoder = record_begin(bytes);
	struct record_change record;

	record.kind = codec_decode_u8(&decoder);
	record.origin = codec_decode_u64(&decoder);
	record.parent = codec_decode_u64(&decoder);
	record.ino = codec_decode_u64(&decoder);
	record.name = codec_decode_sized16(&decoder);
	enum store_err err = record_finish(&decoder,
		record.kind >= RECORD_CHANGE_DENTRY &&
			record.kind <= RECORD_CHANGE_DOCUMENT);
	if (err == STORE_OK)
		*out = record;
	return err;
}

void
record_change_encode(struct buffer *to, const struct record_change *record)
{
	codec_encode_u8(to, RECORD_VERSION);
	codec_encode_u8(to, (uint8_t)record->kind);
	codec_encode_u64(to, record->origin);
	codec_encode_u64(to, record->parent);
	codec_encode_u64(to, record->ino);
	codec_encode_sized16(to, record->name);
}
