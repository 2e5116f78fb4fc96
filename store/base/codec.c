/* SPDX-License-Identifier: Apache-2.0 */
#include "store/base/codec.h"

#include <assert.h>
#include <endian.h>
#include <string.h>

struct decoder
codec_decoder(struct slice s)
{
	/* An empty slice may be NULL, to which nothing may be added. */
	static const uint8_t nothing[1];
	const uint8_t *start = s.len ? (const uint8_t *)s.data : nothing;

	return (struct decoder){.next = start, .end = start + s.len};
}

struct slice
codec_decode_bytes(struct decoder *decoder, size_t len)
{
	struct slice taken;

	/* Once bad, nothing is left. */
	if (len > codec_decode_left(decoder)) {
		decoder->is_bad = true;
		decoder->next = decoder->end;
		return SLICE_NULL;
	}
	taken = slice_of(decoder->next, len);
	decoder->next += len;
	return taken;
}

/* Leaves *to as it was, zero, where too little is left. */
static void
decode_number(struct decoder *decoder, void *to, size_t len)
{
	struct slice taken = codec_decode_bytes(decoder, len);

	if (taken.len)
		memcpy(to, taken.data, len);
}

uint8_t
codec_decode_u8(struct decoder *decoder)
{
	uint8_t value = 0;

	decode_number(decoder, &value, sizeof(value));
	return value;
}

uint16_t
codec_decode_u16(struct decoder *decoder)
{
	uint16_t value = 0;

	decode_number(decoder, &value, sizeof(value));
	return le16toh(value);
}

uint32_t
codec_decode_u32(struct decoder *decoder)
{
	uint32_t value = 0;

	decode_number(decoder, &value, sizeof(value));
	return le32toh(value);
}

uint64_t
codec_decode_u64(struct decoder *decoder)
{
	uint64_t value = 0;

	decode_number(decoder, &value, sizeof(value));
	return le64toh(value);
}

int64_t
codec_decode_i64(struct decoder *decoder)
{
	return (int64_t)codec_decode_u64(decoder);
}

struct slice
codec_decode_sized16(struct decoder *decoder)
{
	return codec_decode_bytes(decoder, codec_decode_u16(decoder));
}

struct slice
codec_decode_sized32(struct decoder *decoder)
{
	return codec_decode_bytes(decoder, codec_decode_u32(decoder));
}

void
codec_encode_u8(struct buffer *buffer, uint8_t value)
{
	buffer_append_char(buffer, (char)value);
}

void
codec_encode_u16(struct buffer *buffer, uint16_t value)
{
	value = htole16(value);
	buffer_append(buffer, slice_of(&value, sizeof(value)));
}

void
codec_encode_u32(struct buffer *buffer, uint32_t value)
{
	value = htole32(value);
	buffer_append(buffer, slice_of(&value, sizeof(value)));
}

void
codec_encode_u64(struct buffer *buffer, uint64_t value)
{
	value = htole64(value);
	buffer_append(buffer, slice_of(&value, sizeof(value)));
}

void
codec_encode_i64(struct buffer *buffer, int64_t value)
{
	codec_encode_u64(buffer, (uint64_t)value);
}

void
codec_encode_bytes(struct buffer *buffer, struct slice s)
{
	buffer_append(buffer, s);
}

void
codec_encode_sized16(struct buffer *buffer, struct slice s)
{
	assert(s.len <= UINT16_MAX);
	codec_encode_u16(buffer, (uint16_t)s.len);
	buffer_append(buffer, s);
}

void
codec_encode_sized32(struct buffer *buffer, struct slice s)
{
	assert(s.len <= UINT32_MAX);
	codec_encode_u32(buffer, (uint32_t)s.len);
	buffer_append(buffer, s);
}

void
codec_store_u64_big(uint8_t *to, uint64_t value)
{
	value = htobe64(value);
	memcpy(to, &value, sizeof(value));
}

uint64_t
codec_load_u64_big(const uint8_t *from)
{
	uint64_t value;

	memcpy(&value, from, sizeof(value));
	return be64toh(value);
}
