/* SPDX-License-Identifier: Apache-2.0 */
#include "store/base/codec.h"
#include "store/meta/record_private.h"

static uint8_t
upload_version(const struct record_upload *record)
{
	return record_is_checksum_recent(record->checksum_kind) ||
			       record->attrs.len > INODE_ATTRS_FEW
		       ? RECORD_VERSION_UPLOAD
		       : RECORD_VERSION;
}

enum store_err
record_upload_decode(struct slice bytes, struct record_upload *out)
{
	uint8_t version;
	struct decoder decoder =
		record_begin_since(bytes, RECORD_VERSION_UPLOAD, &version);
	struct record_upload record;

	record.nonce = codec_decode_u64(&decoder);
	record.created_ns = codec_decode_i64(&decoder);
	record.blob = codec_decode_u64(&decoder);
	record.part_size = codec_decode_u64(&decoder);
	record.checksum_kind = codec_decode_u8(&decoder);
	record.is_checksum_full = record_decode_bool(&decoder);
	record.key = codec_decode_sized16(&decoder);
	record.initiator = codec_decode_sized16(&decoder);
	record.attrs = codec_decode_sized32(&decoder);
	enum store_err err = record_finish(&decoder,
		version == upload_version(&record) &&
			record_is_checksum_kind(record.checksum_kind) &&
			record.attrs.len <= INODE_ATTRS_MAX);
	if (err == STORE_OK)
		*out = record;
	return err;
}

void
record_upload_encode(struct buffer *to, const struct record_upload *record)
{
	codec_encode_u8(to, upload_version(record));
	codec_encode_u64(to, record->nonce);
	codec_encode_i64(to, record->created_ns);
	codec_encode_u64(to, record->blob);
	codec_encode_u64(to, record->part_size);
	codec_encode_u8(to, record->checksum_kind);
	codec_encode_u8(to, record->is_checksum_full);
	codec_encode_sized16(to, record->key);
	codec_encode_sized16(to, record->initiator);
	codec_encode_sized32(to, record->attrs);
}
