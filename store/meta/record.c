/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decoders are strict: what they accept is exactly what the encoder writes
 * for the struct they give, or what that of an earlier version did (only
 * attributes are looked at later, one by one, by inode_attr_next).  So a
 * damaged record is found where it is read, and the fuzzer can compare.
 */
#include "store/meta/record.h"

#include <string.h>

#include "store/base/codec.h"
#include "store/base/digest.h"

#define RECORD_VERSION 1
#define USAGE_VERSION 2	 /* 1: without parts and organization */
#define DAY_VERSION 3	 /* in the same table as usage, after its versions */
#define BLOB_VERSION 2	 /* 1: files alone, and none of the flags */
#define SAMPLE_VERSION 2 /* 1: without tiers */
#define DENTRY_VERSION 2 /* 1: without a version of the object */
#define INODE_VERSION_KEPT 2	 /* 1: without INODE_FLAGS_OF_VERSIONS */
#define INODE_VERSION_ACCESSED 3 /* 1, 2: on the day of birth */
#define TOKEN_VERSION_GRANTED 3
#define VERSION_MAX 15 /* that any tarn may come to have */

enum blob_flag {
	BLOB_CRC64NVME = 1 << 0,
	BLOB_DAMAGED = 1 << 1,
	BLOB_FLAGS_ALL = (1 << 2) - 1,
};

/* Which of the fields that are mostly empty an inode's record has. */
enum inode_field {
	FIELD_OWNER = 1 << 0,
	FIELD_RDEV = 1 << 1,
	FIELD_PARENT = 1 << 2,
	FIELD_BLOB = 1 << 3,
	FIELD_PENDING = 1 << 4,
	/* Times: where they differ from mtime. */
	FIELD_ATIME = 1 << 5,
	FIELD_CTIME = 1 << 6,
	FIELD_BIRTH = 1 << 7,
	FIELD_ETAG = 1 << 8,
	FIELD_CHECKSUM = 1 << 9,
	FIELD_ALL = (1 << 10) - 1,
};

#define INODE_FLAGS_OF_VERSIONS (INODE_NONCURRENT | INODE_MARKER)
#define INODE_FLAGS_ALL                                                        \
	(INODE_EXPLICIT | INODE_UNPUBLISHED | INODE_DIRTY | INODE_FROM_S3 |    \
		INODE_FLAGS_OF_VERSIONS)
_Static_assert(INODE_FLAGS_ALL <= UINT8_MAX, "flags are kept in a byte");

static struct decoder
begin(struct slice bytes)
{
	struct decoder decoder = codec_decoder(bytes);

	if (codec_decode_u8(&decoder) != RECORD_VERSION)
		decoder.is_bad = true;
	return decoder;
}

/* Of a record that has had several layouts, up to `newest`. */
static struct decoder
begin_since(struct slice bytes, uint8_t newest, uint8_t *layout)
{
	struct decoder decoder = codec_decoder(bytes);

	*layout = codec_decode_u8(&decoder);
	if (*layout < RECORD_VERSION || *layout > newest)
		decoder.is_bad = true;
	return decoder;
}

static enum store_err
finish(const struct decoder *decoder, bool is_sound)
{
	if (decoder->is_bad || codec_decode_left(decoder) > 0 || !is_sound)
		return STORE_CORRUPT;
	return STORE_OK;
}

static bool
decode_bool(struct decoder *decoder)
{
	uint8_t value = codec_decode_u8(decoder);

	if (value > 1)
		decoder->is_bad = true;
	return value == 1;
}

static void
decode_array(struct decoder *decoder, uint8_t *to, size_t len)
{
	struct slice bytes = codec_decode_bytes(decoder, len);

	if (bytes.len == len && len > 0)
		memcpy(to, bytes.data, len);
}

/* 0 (none) or an enum digest_kind. */
static bool
is_checksum_kind(uint8_t kind)
{
	return kind == 0 || (kind >= DIGEST_MD5 && kind <= DIGEST_CRC64NVME);
}

static bool
is_checksum_sound(uint8_t kind, size_t len)
{
	if (!is_checksum_kind(kind))
		return false;
	return len == (kind ? digest_len((enum digest_kind)kind) : 0);
}

enum store_err
record_decode_bucket(struct slice bytes, struct record_bucket *out)
{
	struct decoder decoder = begin(bytes);
	struct record_bucket record;

	record.root_ino = codec_decode_u64(&decoder);
	record.created_ns = codec_decode_i64(&decoder);
	record.versioning = codec_decode_u8(&decoder);
	record.owner = codec_decode_sized16(&decoder);
	record.region = codec_decode_sized16(&decoder);
	enum store_err err =
		finish(&decoder, record.owner.len <= RECORD_NAME_MAX &&
					 record.region.len <= RECORD_NAME_MAX);
	if (err == STORE_OK)
		*out = record;
	return err;
}

void
record_encode_bucket(struct buffer *to, const struct record_bucket *record)
{
	codec_encode_u8(to, RECORD_VERSION);
	codec_encode_u64(to, record->root_ino);
	codec_encode_i64(to, record->created_ns);
	codec_encode_u8(to, record->versioning);
	codec_encode_sized16(to, record->owner);
	codec_encode_sized16(to, record->region);
}

enum store_err
record_decode_dentry(struct slice bytes, struct record_dentry *out)
{
	uint8_t layout;
	struct decoder decoder = begin_since(bytes, DENTRY_VERSION, &layout);
	struct record_dentry record = {.ino = 0};

	record.kind = codec_decode_u8(&decoder);
	record.ino = codec_decode_u64(&decoder);
	if (layout > 1) {
		record.version.number = codec_decode_u64(&decoder);
		record.version.is_null = decode_bool(&decoder);
	}
	enum store_err err = finish(&decoder,
		record.kind >= RECORD_DENTRY_FILE &&
			record.kind <= RECORD_DENTRY_CHUNK &&
			(layout > 1) == (record.version.number != 0) &&
			(layout == 1 || record.kind != RECORD_DENTRY_CHUNK));
	if (err == STORE_OK)
		*out = record;
	return err;
}

void
record_encode_dentry(struct buffer *to, const struct record_dentry *record)
{
	bool has_version = record->version.number != 0;

	codec_encode_u8(to, has_version ? DENTRY_VERSION : RECORD_VERSION);
	codec_encode_u8(to, (uint8_t)record->kind);
	codec_encode_u64(to, record->ino);
	if (!has_version)
		return;
	codec_encode_u64(to, record->version.number);
	codec_encode_u8(to, record->version.is_null);
}

enum store_err
record_decode_versions(struct slice bytes, struct record_versions *out)
{
	struct decoder decoder = begin(bytes);
	struct record_versions record;

	record.versioning = codec_decode_u8(&decoder);
	record.history = codec_decode_u64(&decoder);
	enum store_err err = finish(&decoder,
		(record.versioning == VERSIONING_ENABLED ||
			record.versioning == VERSIONING_SUSPENDED) &&
			record.history > INODE_ROOT);
	if (err == STORE_OK)
		*out = record;
	return err;
}

void
record_encode_versions(struct buffer *to, const struct record_versions *record)
{
	codec_encode_u8(to, RECORD_VERSION);
	codec_encode_u8(to, (uint8_t)record->versioning);
	codec_encode_u64(to, record->history);
}

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
record_decode_blob(struct slice bytes, struct record_blob *out)
{
	struct decoder decoder = codec_decoder(bytes);
	uint8_t version = codec_decode_u8(&decoder);
	struct record_blob record = {0};

	if (version == BLOB_VERSION) {
		decode_blob_2(&decoder, &record);
	} else if (version == 1) {
		record.place = codec_decode_u8(&decoder);
		record.references = codec_decode_u32(&decoder);
		record.size = codec_decode_u64(&decoder);
	} else {
		decoder.is_bad = true;
	}
	enum store_err err = finish(&decoder,
		is_blob_sound(&record) &&
			(version > 1 || record.place == RECORD_BLOB_FILE));
	if (err == STORE_OK)
		*out = record;
	return err;
}

void
record_encode_blob(struct buffer *to, const struct record_blob *record)
{
	unsigned int flags = 0;

	flags |= record->has_crc64nvme ? BLOB_CRC64NVME : 0;
	flags |= record->is_damaged ? BLOB_DAMAGED : 0;
	codec_encode_u8(to, BLOB_VERSION);
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

enum store_err
record_decode_upload(struct slice bytes, struct record_upload *out)
{
	struct decoder decoder = begin(bytes);
	struct record_upload record;

	record.nonce = codec_decode_u64(&decoder);
	record.created_ns = codec_decode_i64(&decoder);
	record.blob = codec_decode_u64(&decoder);
	record.part_size = codec_decode_u64(&decoder);
	record.checksum_kind = codec_decode_u8(&decoder);
	record.is_checksum_full = decode_bool(&decoder);
	record.key = codec_decode_sized16(&decoder);
	record.initiator = codec_decode_sized16(&decoder);
	record.attrs = codec_decode_sized32(&decoder);
	enum store_err err =
		finish(&decoder, is_checksum_kind(record.checksum_kind) &&
					 record.attrs.len <= INODE_ATTRS_MAX);
	if (err == STORE_OK)
		*out = record;
	return err;
}

void
record_encode_upload(struct buffer *to, const struct record_upload *record)
{
	codec_encode_u8(to, RECORD_VERSION);
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

enum store_err
record_decode_part(struct slice bytes, struct record_part *out)
{
	struct decoder decoder = begin(bytes);
	struct record_part record;

	record.size = codec_decode_u64(&decoder);
	record.modified_ns = codec_decode_i64(&decoder);
	decode_array(&decoder, record.md5, sizeof(record.md5));
	record.blob = codec_decode_u64(&decoder);
	record.session = codec_decode_u64(&decoder);
	record.checksum_kind = codec_decode_u8(&decoder);
	record.checksum = codec_decode_sized16(&decoder);
	enum store_err err =
		finish(&decoder, record.size <= INT64_MAX &&
					 is_checksum_sound(record.checksum_kind,
						 record.checksum.len));
	if (err == STORE_OK)
		*out = record;
	return err;
}

void
record_encode_part(struct buffer *to, const struct record_part *record)
{
	codec_encode_u8(to, RECORD_VERSION);
	codec_encode_u64(to, record->size);
	codec_encode_i64(to, record->modified_ns);
	codec_encode_bytes(to, slice_of(record->md5, sizeof(record->md5)));
	codec_encode_u64(to, record->blob);
	codec_encode_u64(to, record->session);
	codec_encode_u8(to, record->checksum_kind);
	codec_encode_sized16(to, record->checksum);
}

enum store_err
record_decode_usage(struct slice bytes, struct record_usage *out)
{
	struct decoder decoder = codec_decoder(bytes);
	struct record_usage record = {0};
	uint8_t version = codec_decode_u8(&decoder);

	record.objects = codec_decode_u64(&decoder);
	record.bytes = codec_decode_u64(&decoder);
	if (version == USAGE_VERSION) {
		record.part_bytes = codec_decode_u64(&decoder);
		record.organization = codec_decode_sized16(&decoder);
	}
	enum store_err err = finish(&decoder,
		(version == USAGE_VERSION || version == RECORD_VERSION) &&
			record.organization.len <= RECORD_NAME_MAX);
	if (err == STORE_OK)
		*out = record;
	return err;
}

void
record_encode_usage(struct buffer *to, const struct record_usage *record)
{
	codec_encode_u8(to, USAGE_VERSION);
	codec_encode_u64(to, record->objects);
	codec_encode_u64(to, record->bytes);
	codec_encode_u64(to, record->part_bytes);
	codec_encode_sized16(to, record->organization);
}

enum store_err
record_decode_day(struct slice bytes, struct record_day *out)
{
	struct decoder decoder = codec_decoder(bytes);
	struct record_day record;
	uint8_t version = codec_decode_u8(&decoder);

	record.bytes = codec_decode_u64(&decoder);
	enum store_err err =
		finish(&decoder, version == DAY_VERSION && record.bytes > 0);
	if (err == STORE_OK)
		*out = record;
	return err;
}

void
record_encode_day(struct buffer *to, const struct record_day *record)
{
	codec_encode_u8(to, DAY_VERSION);
	codec_encode_u64(to, record->bytes);
}

enum store_err
record_decode_quota(struct slice bytes, struct record_quota *out)
{
	struct decoder decoder = begin(bytes);
	struct record_quota record;

	record.objects = codec_decode_u64(&decoder);
	record.bytes = codec_decode_u64(&decoder);
	enum store_err err = finish(&decoder, true);
	if (err == STORE_OK)
		*out = record;
	return err;
}

void
record_encode_quota(struct buffer *to, const struct record_quota *record)
{
	codec_encode_u8(to, RECORD_VERSION);
	codec_encode_u64(to, record->objects);
	codec_encode_u64(to, record->bytes);
}

/* Whether what is not hot is no more than all. */
static bool
are_within(const struct record_sample *record, uint64_t held)
{
	return record->warm <= held && record->cold <= held - record->warm &&
	       record->archived <= held - record->warm - record->cold;
}

enum store_err
record_decode_sample(struct slice bytes, struct record_sample *out)
{
	struct decoder decoder = codec_decoder(bytes);
	struct record_sample record = {0};
	uint8_t version = codec_decode_u8(&decoder);

	record.objects = codec_decode_u64(&decoder);
	record.bytes = codec_decode_u64(&decoder);
	record.part_bytes = codec_decode_u64(&decoder);
	bool is_sound = !__builtin_add_overflow(record.bytes, record.part_bytes,
		&record.warm);
	if (version == SAMPLE_VERSION) {
		uint64_t held = record.warm;

		record.warm = codec_decode_u64(&decoder);
		record.cold = codec_decode_u64(&decoder);
		record.archived = codec_decode_u64(&decoder);
		is_sound = is_sound && are_within(&record, held);
	}
	enum store_err err = finish(&decoder,
		is_sound && (version == SAMPLE_VERSION ||
				    version == RECORD_VERSION));
	if (err == STORE_OK)
		*out = record;
	return err;
}

void
record_encode_sample(struct buffer *to, const struct record_sample *record)
{
	codec_encode_u8(to, SAMPLE_VERSION);
	codec_encode_u64(to, record->objects);
	codec_encode_u64(to, record->bytes);
	codec_encode_u64(to, record->part_bytes);
	codec_encode_u64(to, record->warm);
	codec_encode_u64(to, record->cold);
	codec_encode_u64(to, record->archived);
}

enum store_err
record_decode_sampled(struct slice bytes, struct record_sampled *out)
{
	struct decoder decoder = begin(bytes);
	struct record_sampled record;

	record.hour = codec_decode_u64(&decoder);
	uint8_t stage = codec_decode_u8(&decoder);
	record.stage = (enum record_sampled_stage)stage;
	record.from = codec_decode_sized16(&decoder);
	enum store_err err = finish(&decoder,
		stage >= RECORD_SAMPLED_BUCKETS && stage <= RECORD_SAMPLED_ALL);
	if (err == STORE_OK)
		*out = record;
	return err;
}

void
record_encode_sampled(struct buffer *to, const struct record_sampled *record)
{
	codec_encode_u8(to, RECORD_VERSION);
	codec_encode_u64(to, record->hour);
	codec_encode_u8(to, (uint8_t)record->stage);
	codec_encode_sized16(to, record->from);
}

enum store_err
record_decode_session(struct slice bytes, struct record_session *out)
{
	struct decoder decoder = begin(bytes);
	struct record_session record;

	decode_array(&decoder, record.boot_id, sizeof(record.boot_id));
	record.started_ns = codec_decode_i64(&decoder);
	record.pid = codec_decode_u32(&decoder);
	record.role = codec_decode_sized16(&decoder);
	enum store_err err = finish(&decoder, true);
	if (err == STORE_OK)
		*out = record;
	return err;
}

void
record_encode_session(struct buffer *to, const struct record_session *record)
{
	codec_encode_u8(to, RECORD_VERSION);
	codec_encode_bytes(to,
		slice_of(record->boot_id, sizeof(record->boot_id)));
	codec_encode_i64(to, record->started_ns);
	codec_encode_u32(to, record->pid);
	codec_encode_sized16(to, record->role);
}

/* What an earlier version can say is said by it: a token has one encoding. */
static uint8_t
token_version(const struct record_token *record)
{
	if (record->granted_by.len > 0)
		return TOKEN_VERSION_GRANTED;
	if (record->kind == RECORD_TOKEN_PLAIN && !record->is_suspended &&
		!record->needs_session && record->role.len == 0)
		return RECORD_VERSION;
	return RECORD_VERSION + 1;
}

enum store_err
record_decode_token(struct slice bytes, struct record_token *out)
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
		record.is_suspended = decode_bool(&decoder);
		record.needs_session = decode_bool(&decoder);
		record.role = codec_decode_sized16(&decoder);
	}
	if (version == TOKEN_VERSION_GRANTED)
		record.granted_by = codec_decode_sized16(&decoder);
	enum store_err err =
		finish(&decoder, version == token_version(&record));
	if (err == STORE_OK)
		*out = record;
	return err;
}

void
record_encode_token(struct buffer *to, const struct record_token *record)
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
	if (version == TOKEN_VERSION_GRANTED)
		codec_encode_sized16(to, record->granted_by);
}

enum store_err
record_decode_change(struct slice bytes, struct record_change *out)
{
	struct decoder decoder = begin(bytes);
	struct record_change record;

	record.kind = codec_decode_u8(&decoder);
	record.origin = codec_decode_u64(&decoder);
	record.parent = codec_decode_u64(&decoder);
	record.ino = codec_decode_u64(&decoder);
	record.name = codec_decode_sized16(&decoder);
	enum store_err err =
		finish(&decoder, record.kind >= RECORD_CHANGE_DENTRY &&
					 record.kind <= RECORD_CHANGE_DOCUMENT);
	if (err == STORE_OK)
		*out = record;
	return err;
}

void
record_encode_change(struct buffer *to, const struct record_change *record)
{
	codec_encode_u8(to, RECORD_VERSION);
	codec_encode_u8(to, (uint8_t)record->kind);
	codec_encode_u64(to, record->origin);
	codec_encode_u64(to, record->parent);
	codec_encode_u64(to, record->ino);
	codec_encode_sized16(to, record->name);
}

static uint16_t
inode_fields(const struct inode *inode)
{
	const struct inode_etag none = {.parts = 0};
	bool has_etag =
		inode->etag.parts != 0 ||
		memcmp(inode->etag.value, none.value, sizeof(none.value)) != 0;
	unsigned int fields = 0;

	fields |= inode->uid || inode->gid ? FIELD_OWNER : 0;
	fields |= inode->rdev ? FIELD_RDEV : 0;
	fields |= inode->parent ? FIELD_PARENT : 0;
	fields |= inode->blob ? FIELD_BLOB : 0;
	fields |= inode->pending ? FIELD_PENDING : 0;
	fields |= inode->atime_ns != inode->mtime_ns ? FIELD_ATIME : 0;
	fields |= inode->ctime_ns != inode->mtime_ns ? FIELD_CTIME : 0;
	fields |= inode->birth_ns != inode->mtime_ns ? FIELD_BIRTH : 0;
	fields |= has_etag ? FIELD_ETAG : 0;
	fields |= inode->checksum_kind ? FIELD_CHECKSUM : 0;
	return (uint16_t)fields;
}

/* The day of its birth goes without saying. */
static uint8_t
inode_version(const struct inode *inode)
{
	if (inode_access_day(inode) != clock_day(inode->birth_ns))
		return INODE_VERSION_ACCESSED;
	return inode->flags & INODE_FLAGS_OF_VERSIONS ? INODE_VERSION_KEPT
						      : RECORD_VERSION;
}

static bool
is_inode_sound(const struct inode *inode)
{
	uint32_t type = inode->mode & S_IFMT;

	return inode->ino != 0 &&
	       (type == S_IFREG || type == S_IFDIR || type == S_IFLNK ||
		       type == S_IFCHR || type == S_IFBLK || type == S_IFIFO ||
		       type == S_IFSOCK) &&
	       (inode->mode & ~(uint32_t)(S_IFMT | 07777)) == 0 &&
	       (inode->flags & ~(uint32_t)INODE_FLAGS_ALL) == 0 &&
	       inode->size <= INT64_MAX &&
	       is_checksum_sound(inode->checksum_kind, inode->checksum_len) &&
	       inode->attrs.len <= INODE_ATTRS_MAX;
}

static void
decode_checksum(struct decoder *decoder, struct inode *inode)
{
	inode->checksum_kind = codec_decode_u8(decoder);
	inode->is_checksum_composite = decode_bool(decoder);
	inode->checksum_parts = codec_decode_u32(decoder);
	inode->checksum_len = codec_decode_u8(decoder);
	if (inode->checksum_len > sizeof(inode->checksum))
		decoder->is_bad = true;
	else
		decode_array(decoder, inode->checksum, inode->checksum_len);
}

static void
decode_fields(struct decoder *decoder, uint16_t fields, struct inode *inode)
{
	if (fields & FIELD_OWNER) {
		inode->uid = codec_decode_u32(decoder);
		inode->gid = codec_decode_u32(decoder);
	}
	if (fields & FIELD_RDEV)
		inode->rdev = codec_decode_u32(decoder);
	if (fields & FIELD_PARENT)
		inode->parent = codec_decode_u64(decoder);
	if (fields & FIELD_BLOB)
		inode->blob = codec_decode_u64(decoder);
	if (fields & FIELD_PENDING)
		inode->pending = codec_decode_u64(decoder);
	inode->atime_ns = fields & FIELD_ATIME ? codec_decode_i64(decoder)
					       : inode->mtime_ns;
	inode->ctime_ns = fields & FIELD_CTIME ? codec_decode_i64(decoder)
					       : inode->mtime_ns;
	inode->birth_ns = fields & FIELD_BIRTH ? codec_decode_i64(decoder)
					       : inode->mtime_ns;
	if (fields & FIELD_ETAG) {
		decode_array(decoder, inode->etag.value,
			sizeof(inode->etag.value));
		inode->etag.parts = codec_decode_u32(decoder);
	}
	if (fields & FIELD_CHECKSUM)
		decode_checksum(decoder, inode);
}

enum store_err
record_decode_inode(struct slice bytes, struct inode *out)
{
	struct decoder decoder = codec_decoder(bytes);
	struct inode inode = {0};
	uint8_t version = codec_decode_u8(&decoder);
	uint16_t fields = codec_decode_u16(&decoder);

	inode.flags = codec_decode_u8(&decoder);
	inode.mode = codec_decode_u32(&decoder);
	inode.nlink = codec_decode_u32(&decoder);
	inode.ino = codec_decode_u64(&decoder);
	inode.bucket = codec_decode_u64(&decoder);
	inode.size = codec_decode_u64(&decoder);
	inode.mtime_ns = codec_decode_i64(&decoder);
	decode_fields(&decoder, fields, &inode);
	if (version == INODE_VERSION_ACCESSED)
		inode.access_day = codec_decode_u32(&decoder);
	inode.attrs = codec_decode_bytes(&decoder, codec_decode_left(&decoder));
	/* A field that is there but empty, or a bit without a field, too. */
	enum store_err err = finish(&decoder,
		is_inode_sound(&inode) && inode_fields(&inode) == fields &&
			inode_version(&inode) == version);
	if (err == STORE_OK)
		*out = inode;
	return err;
}

void
record_encode_inode(struct buffer *to, const struct inode *inode)
{
	uint16_t fields = inode_fields(inode);
	uint8_t version = inode_version(inode);

	buffer_reserve(to, 160 + inode->attrs.len);
	codec_encode_u8(to, version);
	codec_encode_u16(to, fields);
	codec_encode_u8(to, (uint8_t)inode->flags);
	codec_encode_u32(to, inode->mode);
	codec_encode_u32(to, inode->nlink);
	codec_encode_u64(to, inode->ino);
	codec_encode_u64(to, inode->bucket);
	codec_encode_u64(to, inode->size);
	codec_encode_i64(to, inode->mtime_ns);
	if (fields & FIELD_OWNER) {
		codec_encode_u32(to, inode->uid);
		codec_encode_u32(to, inode->gid);
	}
	if (fields & FIELD_RDEV)
		codec_encode_u32(to, inode->rdev);
	if (fields & FIELD_PARENT)
		codec_encode_u64(to, inode->parent);
	if (fields & FIELD_BLOB)
		codec_encode_u64(to, inode->blob);
	if (fields & FIELD_PENDING)
		codec_encode_u64(to, inode->pending);
	if (fields & FIELD_ATIME)
		codec_encode_i64(to, inode->atime_ns);
	if (fields & FIELD_CTIME)
		codec_encode_i64(to, inode->ctime_ns);
	if (fields & FIELD_BIRTH)
		codec_encode_i64(to, inode->birth_ns);
	if (fields & FIELD_ETAG) {
		codec_encode_bytes(to,
			slice_of(inode->etag.value, sizeof(inode->etag.value)));
		codec_encode_u32(to, inode->etag.parts);
	}
	if (fields & FIELD_CHECKSUM) {
		codec_encode_u8(to, inode->checksum_kind);
		codec_encode_u8(to, inode->is_checksum_composite);
		codec_encode_u32(to, inode->checksum_parts);
		codec_encode_u8(to, inode->checksum_len);
		codec_encode_bytes(to,
			slice_of(inode->checksum, inode->checksum_len));
	}
	if (version == INODE_VERSION_ACCESSED)
		codec_encode_u32(to, inode->access_day);
	codec_encode_bytes(to, inode->attrs);
}

/* The newest version that is known; 0: values have none. */
static uint8_t
newest_version(enum db_table table)
{
	switch (table) {
	case DB_BUCKET:
	case DB_VERSION:
	case DB_UPLOAD:
	case DB_PART:
	case DB_CHANGE:
	case DB_SESSION:
		return RECORD_VERSION;
	case DB_DENTRY:
		return DENTRY_VERSION;
	case DB_INODE:
		return INODE_VERSION_ACCESSED;
	case DB_DOCUMENT: /* of the metering */
		return SAMPLE_VERSION;
	case DB_BLOB:
		return BLOB_VERSION;
	case DB_USAGE:
		return DAY_VERSION;
	case DB_TOKEN:
		return TOKEN_VERSION_GRANTED;
	case DB_META:
	case DB_PACK:
	case DB_UNFLUSHED:
	case DB_FREED:
	case DB_LEASE:
	case DB_OPEN:
	case DB_TOKEN_NAME:
	case DB_TABLES:
		break;
	}
	return 0;
}

bool
record_is_newer(enum db_table table, struct slice bytes)
{
	uint8_t newest = newest_version(table);
	uint8_t version = bytes.len > 0 ? (uint8_t)bytes.data[0] : 0;

	return newest > 0 && version > newest && version <= VERSION_MAX;
}
