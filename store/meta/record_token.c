/* SPDX-License-Identifier: Apache-2.0 */
#include "store/base/codec.h"
#include "store/meta/record_private.h"

/* What an earlier version can say is said by it: a token has one encoding. */
static uint8_t
token_version(const struct record_token *record)
{
	if (record->granted_by.len > 0)
		return RECORD_VERSION_TOKEN;
	if (record->kind == RECORD_TOKEN_PLAIN && !record->is_suspended &&
		!record->needs_session && record->role.len == 0)
		return RECORD_VERSION;
	return RECORD_VERSION + 1;
}

enum store_err
record_token_decode(struct slice bytes, struct record_token *out)
{
	struct decoder decoder = codec_decoder(bytes);
	uint8_t version = codec_decode_u8(&decoder);
	struct record_token record = {.kind = RECORD_TOKEN_PLAIN};

	record.level = codec_decode_u8(&decoder);
	record.created_ns = codec_decode_i64(&decoder);
	record.expires_ns = codec_decode_i64(&decoder);
	record.name = codec_decode_sized16(&decoder);
	record.organization = codec_decode_sized16(&decoder);
	record.region = codec_decode_sized16(&decoder);
	record.sealed = codec_decode_sized16(&decoder);
	if (version > RECORD_VERSION) {
		record.kind = codec_decode_u8(&decoder);
		record.is_suspended = record_decode_bool(&decoder);
		record.needs_session = record_decode_bool(&decoder);
		record.role = codec_decode_sized16(&decoder);
	}
	if (version == RECORD_VERSION_TOKEN)
		record.granted_by = codec_decode_sized16(&decoder);
	enum store_err err =
		record_finish(&decoder, version == token_version(&record));
	if (err == STORE_OK)
		*out = record;
	return err;
}

void
record_token_encode(struct buffer *to, const struct record_token *record)
{
	uint8_t version = token_version(record);

	codec_encode_u8(to, version);
	codec_encode_u8(to, record->level);
	codec_encode_i64(to, record->created_ns);
	codec_encode_i64(to, record->expires_ns);
	codec_encode_sized16(to, record->name);
	codec_encode_sized16(to, record->organization);
	codec_encode_sized16(to, record->region);
	codec_encode_sized16(to, record->sealed);
	if (version == RECORD_VERSION)
		return;
	codec_encode_u8(to, record->kind);
	codec_encode_u8(to, record->is_suspended);
	codec_encode_u8(to, record->needs_session);
	codec_encode_sized16(to, record->role);
	if (version == RECORD_VERSION_TOKEN)
		codec_encode_sized16(to, record->granted_by);
}
