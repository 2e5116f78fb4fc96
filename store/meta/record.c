/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decoders are strict: what they accept is exactly what the encoder writes
 * for the struct they give, or what that of an earlier version did (only
 * attributes are looked at later, one by one, by inode_attr_next).  So a
 * damaged record is found where it is read, and the fuzzer can compare.
 */
#include <string.h>

#include "store/base/codec.h"
#include "store/base/digest.h"
#include "store/meta/record_private.h"

#define VERSION_MAX 15 /* that any tarn may come to have */

struct decoder
record_begin(struct slice bytes)
{
	uint8_t version;

	return record_begin_since(bytes, RECORD_VERSION, &version);
}

struct decoder
record_begin_since(struct slice bytes, uint8_t newest, uint8_t *version)
{
	struct decoder decoder = codec_decoder(bytes);

	*version = codec_decode_u8(&decoder);
	if (*version < RECORD_VERSION || *version > newest)
		decoder.is_bad = true;
	return decoder;
}

enum store_err
record_finish(const struct decoder *decoder, bool is_sound)
{
	if (decoder->is_bad || codec_decode_left(decoder) > 0 || !is_sound)
		return STORE_CORRUPT;
	return STORE_OK;
}

bool
record_decode_bool(struct decoder *decoder)
{
	uint8_t value = codec_decode_u8(decoder);

	if (value > 1)
		decoder->is_bad = true;
	return value == 1;
}

void
record_decode_array(struct decoder *decoder, uint8_t *to, size_t len)
{
	struct slice bytes = codec_decode_bytes(decoder, len);

	if (bytes.len == len && len > 0)
		memcpy(to, bytes.data, len);
}

bool
record_is_checksum_kind(uint8_t kind)
{
	return kind == 0 || digest_is_kind(kind);
}

bool
record_is_checksum_recent(uint8_t kind)
{
	return kind == DIGEST_MD5 || kind > DIGEST_CRC64NVME;
}

bool
record_is_checksum_sound(uint8_t kind, size_t len)
{
	if (!record_is_checksum_kind(kind))
		return false;
	return len == (kind ? digest_len((enum digest_kind)kind) : 0);
}

/* The newest version that is known; 0: values have none. */
static uint8_t
newest_version(enum db_table table)
{
	switch (table) {
	case DB_BUCKET:
	case DB_CHANGE:
	case DB_SESSION:
	case DB_NOTIFICATION:
		return RECORD_VERSION;
	case DB_EVENT:
		return RECORD_VERSION_EVENT;
	case DB_REPLICATION:
		return RECORD_VERSION_REPLICATION;
	case DB_DENTRY:
		return RECORD_VERSION_DENTRY;
	case DB_VERSION:
		return RECORD_VERSION_VERSIONS;
	case DB_INODE:
		return RECORD_VERSION_INODE;
	case DB_DOCUMENT: /* of the metering */
		return RECORD_VERSION_SAMPLE;
	case DB_BLOB:
		return RECORD_VERSION_BLOB;
	case DB_PART:
		return RECORD_VERSION_PART;
	case DB_UPLOAD:
		return RECORD_VERSION_UPLOAD;
	case DB_USAGE:
		return RECORD_VERSION_DAY;
	case DB_TOKEN:
		return RECORD_VERSION_TOKEN;
	case DB_META:
	case DB_PACK:
	case DB_UNFLUSHED:
	case DB_FREED:
	case DB_LEASE:
	case DB_OPEN:
	case DB_TOKEN_NAME:
	case DB_NULL:
	case DB_TABLES:
		break;
	}
	return 0;
}

_Static_assert(RECORD_GENERATION == 2 && RECORD_VERSION == 1 &&
		       RECORD_VERSION_BLOB == 2 && RECORD_VERSION_DAY == 3 &&
		       RECORD_VERSION_DENTRY == 2 &&
		       RECORD_VERSION_EVENT == 2 && RECORD_VERSION_INODE == 5 &&
		       RECORD_VERSION_PART == 2 &&
		       RECORD_VERSION_REPLICATION == 2 &&
		       RECORD_VERSION_SAMPLE == 2 &&
		       RECORD_VERSION_TOKEN == 3 &&
		       RECORD_VERSION_UPLOAD == 2 &&
		       RECORD_VERSION_USAGE == 2 &&
		       RECORD_VERSION_VERSIONS == 2,
	"another version is another generation");

bool
record_is_newer(enum db_table table, struct slice bytes)
{
	uint8_t newest = newest_version(table);
	uint8_t version = bytes.len > 0 ? (uint8_t)bytes.data[0] : 0;

	return newest > 0 && version > newest && version <= VERSION_MAX;
}
