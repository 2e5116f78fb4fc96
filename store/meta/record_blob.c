/* SPDX-License-Identifier: Apache-2.0 */
#include "store/base/codec.h"
#include "store/meta/record_private.h"

enum blob_flag {
	BLOB_CRC64NVME = 1 << 0,
	BLOB_DAMAGED = 1 << 1,
	BLOB_FLAGS_ALL = (1 << 2) - 1,
};

static bool
is_blob_sound(const struct record_blob *blob)
{
	bool is_segment = blob->place == RECORD_BLOB_SEGMENT;

	return blob->place >= RECORD_BLOB_FILE &&
	       blob->place <= RECORD_BLOB_SEGMENT && blob->size <= INT64_MAX &&
	       blob->offset <= INT64_MAX - blob->size &&
	       blob->live <= blob->size &&
	       (blob->place == RECORD_BLOB_PACKED) == (blob->segment != 0) &&
	       !(is_segment && (blob->has_crc64nvme || blob->is_damaged));
}

static void
decode_blob_2(struct decoder *decoder, struct record_blob *record)
{
	uint8_t flags;

	record->place = codec_decode_u8(decoder);
	flags = codec_decode_u8(decoder);
	record->is_damaged = (flags & BLOB_DAMAGED) != 0;
	record->has_crc64nvme = (flags & BLOB_CRC64NVME) != 0;
	if (flags & ~BLOB_FLAGS_ALL)
		decoder->is_bad = true;
	record->references = codec_decode_u32(decoder);
	record->size = codec_decode_u64(decoder);
	if (record->place == RECORD_BLOB_PACKED) {
		record->segment = codec_decode_u64(decoder);
		record->offset = codec_decode_u64(decoder);
	}
	if (record->place == RECORD_BLOB_SEGMENT) {
		record->live = codec_decode_u64(decoder);
		record->session = codec_decode_u64(decoder);
	}
	if (record->has_crc64nvme)
		record->crc64nvme = codec_decode_u64(decoder);
}

enum store_err
record_blob_decode(struct slice bytes, struct record_blob *out)
{
	struct decoder decoder = codec_decoder(bytes);
	uint8_t version = codec_decode_u8(&decoder);
	struct record_blob record = {0};

	if (version == RECORD_VERSION_BLOB) {
		decode_blob_2(&decoder, &record);
	} else if (version == 1) {
		record.place = codec_decode_u8(&decoder);
		record.references = codec_decode_u32(&decoder);
		record.size = codec_decode_u64(&decoder);
	} else {
		decoder.is_bad = true;
	}
	enum store_err err = record_finish(&decoder,
		is_blob_sound(&record) &&
			(version > 1 || record.place == RECORD_BLOB_FILE));
	if (err == STORE_OK)
		*out = record;
	return err;
}

void
record_blob_encode(struct buffer *to, const struct record_blob *record)
{
	unsigned int flags = 0;

	flags |= record->has_crc64nvme ? BLOB_CRC64NVME : 0;
	flags |= record->is_damaged ? BLOB_DAMAGED : 0;
	codec_encode_u8(to, RECORD_VERSION_BLOB);
	codec_encode_u8(to, (uint8_t)record->place);
	codec_encode_u8(to, (uint8_t)flags);
	codec_encode_u32(to, record->references);
	codec_encode_u64(to, record->size);
	if (record->place == RECORD_BLOB_PACKED) {
		codec_encode_u64(to, record->segment);
		codec_encode_u64(to, record->offset);
	}
	if (record->place == RECORD_BLOB_SEGMENT) {
		codec_encode_u64(to, record->live);
		codec_encode_u64(to, record->session);
	}
	if (record->has_crc64nvme)
		codec_encode_u64(to, record->crc64nvme);
}
