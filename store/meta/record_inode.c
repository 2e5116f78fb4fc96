/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <sys/stat.h>

#include "store/base/codec.h"
#include "store/meta/record_private.h"

#define INODE_VERSION_KEPT 2	 /* 1: without INODE_FLAGS_OF_VERSIONS */
#define INODE_VERSION_ACCESSED 3 /* 1, 2: on the day of birth */
#define INODE_VERSION_LOCKED 4	 /* 1 to 3: without a lock */
/* In the newest, bits tell of all that is not always there. */

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
	/* Of the newest version. */
	FIELD_ACCESSED = 1 << 10, /* not on the day of birth */
	FIELD_LOCK = 1 << 11,
};

#define INODE_FLAGS_OF_VERSIONS (INODE_NONCURRENT | INODE_MARKER)
#define INODE_FLAGS_ALL                                                        \
	(INODE_EXPLICIT | INODE_UNPUBLISHED | INODE_DIRTY | INODE_FROM_S3 |    \
		INODE_FLAGS_OF_VERSIONS)
_Static_assert(INODE_FLAGS_ALL <= UINT8_MAX, "flags are kept in a byte");

/* The day of its birth goes without saying. */
static bool
is_accessed_later(const struct inode *inode)
{
	return inode_access_day(inode) != clock_day(inode->birth_ns);
}

static uint8_t
inode_version(const struct inode *inode)
{
	if (record_is_checksum_recent(inode->checksum_kind) ||
		inode->attrs.len > INODE_ATTRS_FEW)
		return RECORD_VERSION_INODE;
	if (!inode_lock_is_empty(&inode->lock))
		return INODE_VERSION_LOCKED;
	if (is_accessed_later(inode))
		return INODE_VERSION_ACCESSED;
	return inode->flags & INODE_FLAGS_OF_VERSIONS ? INODE_VERSION_KEPT
						      : RECORD_VERSION;
}

static bool
has_day(uint8_t version, uint16_t fields)
{
	return version == INODE_VERSION_ACCESSED ||
	       version == INODE_VERSION_LOCKED || (fields & FIELD_ACCESSED);
}

static bool
has_lock(uint8_t version, uint16_t fields)
{
	return version == INODE_VERSION_LOCKED || (fields & FIELD_LOCK);
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
	if (inode_version(inode) == RECORD_VERSION_INODE) {
		fields |= is_accessed_later(inode) ? FIELD_ACCESSED : 0;
		fields |= !inode_lock_is_empty(&inode->lock) ? FIELD_LOCK : 0;
	}
	return (uint16_t)fields;
}

/* Of objects alone, and a date where there is a mode. */
static bool
is_lock_sound(const struct inode *inode)
{
	const struct inode_lock *lock = &inode->lock;
	uint32_t type = inode->mode & S_IFMT;

	if (inode_lock_is_empty(lock))
		return lock->until_ns == 0;
	return lock->mode <= INODE_LOCK_COMPLIANCE &&
	       lock->hold <= INODE_HOLD_ON &&
	       (lock->mode != INODE_LOCK_NONE) == (lock->until_ns != 0) &&
	       (type == S_IFREG || type == S_IFDIR) &&
	       !(inode->flags & INODE_MARKER);
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
	       record_is_checksum_sound(inode->checksum_kind,
		       inode->checksum_len) &&
	       is_lock_sound(inode) && inode->attrs.len <= INODE_ATTRS_MAX;
}

static void
decode_checksum(struct decoder *decoder, struct inode *inode)
{
	inode->checksum_kind = codec_decode_u8(decoder);
	inode->is_checksum_composite = record_decode_bool(decoder);
	inode->checksum_parts = codec_decode_u32(decoder);
	inode->checksum_len = codec_decode_u8(decoder);
	if (inode->checksum_len > sizeof(inode->checksum))
		decoder->is_bad = true;
	else
		record_decode_array(decoder, inode->checksum,
			inode->checksum_len);
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
		record_decode_array(decoder, inode->etag.value,
			sizeof(inode->etag.value));
		inode->etag.parts = codec_decode_u32(decoder);
	}
	if (fields & FIELD_CHECKSUM)
		decode_checksum(decoder, inode);
}

static void
decode_lock(struct decoder *decoder, struct inode_lock *lock)
{
	lock->mode = codec_decode_u8(decoder);
	lock->hold = codec_decode_u8(decoder);
	lock->is_due = record_decode_bool(decoder);
	lock->until_ns = codec_decode_i64(decoder);
}

static void
encode_lock(struct buffer *to, const struct inode_lock *lock)
{
	codec_encode_u8(to, lock->mode);
	codec_encode_u8(to, lock->hold);
	codec_encode_u8(to, lock->is_due);
	codec_encode_i64(to, lock->until_ns);
}

enum store_err
record_inode_decode(struct slice bytes, struct inode *out)
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
	if (has_day(version, fields))
		inode.access_day = codec_decode_u32(&decoder);
	if (has_lock(version, fields))
		decode_lock(&decoder, &inode.lock);
	inode.attrs = codec_decode_bytes(&decoder, codec_decode_left(&decoder));
	/* A field that is there but empty, or a bit without a field, too. */
	enum store_err err = record_finish(&decoder,
		is_inode_sound(&inode) && inode_fields(&inode) == fields &&
			inode_version(&inode) == version &&
			(version != INODE_VERSION_LOCKED ||
				inode.access_day == inode_access_day(&inode)));
	if (err == STORE_OK)
		*out = inode;
	return err;
}

void
record_inode_encode(struct buffer *to, const struct inode *inode)
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
	if (has_day(version, fields))
		codec_encode_u32(to, inode_access_day(inode));
	if (has_lock(version, fields))
		encode_lock(to, &inode->lock);
	codec_encode_bytes(to, inode->attrs);
}
