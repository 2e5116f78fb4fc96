/* SPDX-License-Identifier: Apache-2.0 */
/*
 * codec.h - numbers and bytes in records, with every bound checked.
 *
 * A decoder that has run past its end, or met a wrong length, is `is_bad` for
 * good and gives zeros and empty slices from then on, so a caller decodes all
 * it expects and asks once.  Integers are little-endian unless the name says
 * big: keys are big-endian so that they sort as numbers.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "store/base/buffer.h"
#include "store/base/slice.h"

struct decoder {
	const uint8_t *next;
	const uint8_t *end;
	bool is_bad;
};

struct decoder codec_decoder(struct slice s);
uint8_t codec_decode_u8(struct decoder *decoder);
uint16_t codec_decode_u16(struct decoder *decoder);
uint32_t codec_decode_u32(struct decoder *decoder);
uint64_t codec_decode_u64(struct decoder *decoder);
int64_t codec_decode_i64(struct decoder *decoder);
struct slice codec_decode_bytes(struct decoder *decoder, size_t len);
/* Bytes with a 16- or 32-bit length in front. */
struct slice codec_decode_sized16(struct decoder *decoder);
struct slice codec_decode_sized32(struct decoder *decoder);
static inline size_t
codec_decode_left(const struct decoder *decoder)
{
	return (size_t)(decoder->end - decoder->next);
}

void codec_encode_u8(struct buffer *buffer, uint8_t value);
void codec_encode_u16(struct buffer *buffer, uint16_t value);
void codec_encode_u32(struct buffer *buffer, uint32_t value);
void codec_encode_u64(struct buffer *buffer, uint64_t value);
void codec_encode_i64(struct buffer *buffer, int64_t value);
void codec_encode_bytes(struct buffer *buffer, struct slice s);
void codec_encode_sized16(struct buffer *buffer,
	struct slice s); /* len < 64 Ki */
void codec_encode_sized32(struct buffer *buffer, struct slice s);

/* Into eight bytes at `to`, most significant first, and back. */
void codec_store_u64_big(uint8_t *to, uint64_t value);
uint64_t codec_load_u64_big(const uint8_t *from);
