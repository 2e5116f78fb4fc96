/* SPDX-License-Identifier: Apache-2.0 */
#include "store/base/codec.h"
#include "store/meta/record_private.h"

enum store_err
record_dentry_decode(struct slice bytes, struct record_dentry *out)
{
	uint8_t layout;
	struct decoder decoder =
		record_begin_since(bytes, RECORD_VERSION_DENTRY, &layout);
	struct record_dentry record = {.ino = 0};

	record.kind = codec_decode_u8(&decoder);
	record.ino = codec_decode_u64(&decoder);
	if (layout > 1) {
		record.version.number = codec_decode_u64(&decoder);
		record.version.is_null = record_decode_bool(&decoder);
	}
	enum store_err err = record_finish(&decoder,
		record.kind >= RECORD_DENTRY_FILE &&
			record.kind <= RECORD_DENTRY_CHUNK &&
			(layout > 1) == (record.version.number != 0) &&
			(layout == 1 || record.kind != RECORD_DENTRY_CHUNK));
	if (err == STORE_OK)
		*out = record;
	return err;
}

void
record_dentry_encode(struct buffer *to, const struct record_dentry *record)
{
	bool has_version = record->version.number != 0;

	codec_encode_u8(to,
		has_version ? RECORD_VERSION_DENTRY : RECORD_VERSION);
	codec_encode_u8(to, (uint8_t)record->kind);
	codec_encode_u64(to, record->ino);
	if (!has_version)
		return;
	codec_encode_u64(to, record->version.number);
	codec_encode_u8(to, record->version.is_null);
}
