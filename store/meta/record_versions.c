/* SPDX-License-Identifier: Apache-2.0 */
#include "store/base/codec.h"
#include "store/meta/record_private.h"

static void
decode_lock(struct decoder *decoder, struct inode_lock_rule *rule)
{
	rule->is_enabled = true;
	rule->mode = codec_decode_u8(decoder);
	rule->days = codec_decode_u32(decoder);
	rule->years = codec_decode_u32(decoder);
}

/* With a default there is one period, and else none. */
static bool
is_lock_sound(const struct inode_lock_rule *rule)
{
	return rule->mode <= INODE_LOCK_COMPLIANCE &&
	       rule->days <= INODE_LOCK_DAYS_MAX &&
	       rule->years <= INODE_LOCK_YEARS_MAX &&
	       (rule->mode != INODE_LOCK_NONE) ==
		       ((rule->days != 0) != (rule->years != 0)) &&
	       !(rule->days && rule->years);
}

enum store_err
record_versions_decode(struct slice bytes, struct record_versions *out)
{
	uint8_t version;
	struct decoder decoder =
		record_begin_since(bytes, RECORD_VERSION_VERSIONS, &version);
	struct record_versions record = {0};

	record.versioning = codec_decode_u8(&decoder);
	record.history = codec_decode_u64(&decoder);
	if (version == RECORD_VERSION_VERSIONS)
		decode_lock(&decoder, &record.lock);
	enum store_err err = record_finish(&decoder,
		(record.versioning == VERSIONING_ENABLED ||
			record.versioning == VERSIONING_SUSPENDED) &&
			record.history > INODE_ROOT &&
			is_lock_sound(&record.lock));
	if (err == STORE_OK)
		*out = record;
	return err;
}

void
record_versions_encode(struct buffer *to, const struct record_versions *record)
{
	const struct inode_lock_rule *rule = &record->lock;

	codec_encode_u8(to,
		rule->is_enabled ? RECORD_VERSION_VERSIONS : RECORD_VERSION);
	codec_encode_u8(to, (uint8_t)record->versioning);
	codec_encode_u64(to, record->history);
	if (!rule->is_enabled)
		return;
	codec_encode_u8(to, rule->mode);
	codec_encode_u32(to, rule->days);
	codec_encode_u32(to, rule->years);
}
