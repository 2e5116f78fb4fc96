/* SPDX-License-Identifier: Apache-2.0 */
#include "store/logging.h"

#include "store/base/codec.h"
#include "store/bucket.h"

#define VERSION 1

void
logging_encode(struct buffer *to, const struct logging *logging)
{
	codec_encode_u8(to, VERSION);
	codec_encode_u8(to, (uint8_t)logging->format);
	codec_encode_sized16(to, logging->target);
	codec_encode_sized16(to, logging->prefix);
	codec_encode_sized32(to, logging->list);
}

bool
logging_decode(struct slice bytes, struct logging *out)
{
	struct decoder decoder = codec_decoder(bytes);
	uint8_t version = codec_decode_u8(&decoder);
	uint8_t format = codec_decode_u8(&decoder);

	*out = (struct logging){
		.format = (enum logging_format)format,
		.target = codec_decode_sized16(&decoder),
	};
	out->prefix = codec_decode_sized16(&decoder);
	out->list = codec_decode_sized32(&decoder);
	return version == VERSION && format < LOGGING_FORMATS &&
	       !decoder.is_bad && codec_decode_left(&decoder) == 0;
}

enum store_err
logging_read(struct store *store, uint64_t bucket, struct arena *arena,
	struct logging *out)
{
	struct slice bytes;
	enum store_err err = bucket_get_document(store, bucket,
		SLICE(LOGGING_KIND), arena, &bytes);

	if (err)
		return err;
	return logging_decode(bytes, out) ? STORE_OK : STORE_CORRUPT;
}
