/* SPDX-License-Identifier: Apache-2.0 */
#include "store/base/codec.h"
#include "store/meta/record_private.h"

enum store_err
record_versions_decode(struct slice bytes, struct record_versions *out)
{
	struct decoder decoder = record_begin(bytes);
	struct record_versions record;

	record.versioning = codec_decode_u8(&decoder);
	record.history = codec_decode_u64(&decoder);
	enum store_err err = record_finish(&decoder,
		(record.versioning == VERSIONING_ENABLED ||
			record.versioning == VERSIONING_SUSPENDED) &&
			record.history > INODE_ROOT);
	if (err == STORE_OK)
		*out = record;
	return err;
}

void
record_versions_encode(struct buffer *to, const struct record_versions *record)
{
	codec_encode_u8(to, RECORD_VERSION);
	codec_encode_u8(to, (uint8_t)record->versioning);
	codec_encode_u64(to, record->history);
}
