/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "store/base/codec.h"
#include "store/object_event_private.h"

#define VERSION 1

void
object_event_row_encode(struct buffer *to, const struct object_event *event)
{
	codec_encode_u8(to, VERSION);
	codec_encode_u8(to, (uint8_t)event->type);
	codec_encode_i64(to, event->time_ns);
	codec_encode_u64(to, event->bucket);
	codec_encode_u64(to, event->version.number);
	codec_encode_u8(to, event->version.is_null);
	codec_encode_u64(to, event->size);
	codec_encode_bytes(to,
		slice_of(event->etag.value, sizeof(event->etag.value)));
	codec_encode_u32(to, event->etag.parts);
	codec_encode_sized16(to, event->bucket_name);
	codec_encode_sized16(to, event->organization);
	codec_encode_sized16(to, event->rule);
	codec_encode_sized16(to, event->principal);
	codec_encode_sized16(to, event->address);
	codec_encode_sized16(to, event->request);
	codec_encode_sized16(to, event->key);
}

enum store_err
object_event_row_decode(struct slice value, struct object_event *out)
{
	struct decoder decoder = codec_decoder(value);
	uint8_t version = codec_decode_u8(&decoder);
	uint8_t type = codec_decode_u8(&decoder);

	*out = (struct object_event){
		.type = (enum object_event_type)type,
		.time_ns = codec_decode_i64(&decoder),
	};
	out->bucket = codec_decode_u64(&decoder);
	out->version.number = codec_decode_u64(&decoder);
	out->version.is_null = codec_decode_u8(&decoder) != 0;
	out->size = codec_decode_u64(&decoder);
	struct slice etag =
		codec_decode_bytes(&decoder, sizeof(out->etag.value));
	out->etag.parts = codec_decode_u32(&decoder);
	out->bucket_name = codec_decode_sized16(&decoder);
	out->organization = codec_decode_sized16(&decoder);
	out->rule = codec_decode_sized16(&decoder);
	out->principal = codec_decode_sized16(&decoder);
	out->address = codec_decode_sized16(&decoder);
	out->request = codec_decode_sized16(&decoder);
	out->key = codec_decode_sized16(&decoder);
	if (version != VERSION || type >= EVENT_TYPES || decoder.is_bad ||
		codec_decode_left(&decoder) > 0)
		return STORE_CORRUPT;
	memcpy(out->etag.value, etag.data, sizeof(out->etag.value));
	return STORE_OK;
}
