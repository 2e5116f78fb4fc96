/* SPDX-License-Identifier: Apache-2.0 */
#include "store/base/codec.h"
#include "store/meta/record_private.h"

enum store_err
record_session_decode(struct slice bytes, struct record_session *out)
{
	struct decoder decoder = record_begin(bytes);
	struct record_session record;

	record_decode_array(&decoder, record.boot_id, sizeof(record.boot_id));
	record.started_ns = codec_decode_i64(&decoder);
	record.pid = codec_decode_u32(&decoder);
	record.role = codec_decode_sized16(&decoder);
	enum store_err err = record_finish(&decoder, true);
	if (err == STORE_OK)
		*out = record;
	return err;
}

void
record_session_encode(struct buffer *to, const struct record_session *record)
{
	codec_encode_u8(to, RECORD_VERSION);
	codec_encode_bytes(to,
		slice_of(record->boot_id, sizeof(record->boot_id)));
	codec_encode_i64(to, record->started_ns);
	codec_encode_u32(to, record->pid);
	codec_encode_sized16(to, record->role);
}
