/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/s3_attr.h"

#include <linux/limits.h>

#include "store/base/clock.h"
#include "store/base/digest.h"
#include "store/base/text.h"
#include "store/lock.h"

#define PREFIX SLICE("user.s3.")
#define META SLICE("meta.")
#define LOCK SLICE("object-lock-")

/* Those that PutObject keeps. */
static const char *const headers[] = {
	"cache-control",
	"content-disposition",
	"content-encoding",
	"content-language",
	"content-type",
	"expires",
};

static const struct checksum {
	const char *name;
	enum digest_kind kind;
} checksums[] = {
	{"checksum-crc32", DIGEST_CRC32},
	{"checksum-crc32c", DIGEST_CRC32C},
	{"checksum-crc64nvme", DIGEST_CRC64NVME},
	{"checksum-sha1", DIGEST_SHA1},
	{"checksum-sha256", DIGEST_SHA256},
	{"checksum-sha512", DIGEST_SHA512},
	{"checksum-md5", DIGEST_MD5},
	{"checksum-xxhash64", DIGEST_XXHASH64},
	{"checksum-xxhash3", DIGEST_XXHASH3},
	{"checksum-xxhash128", DIGEST_XXHASH128},
};

bool
s3_attr_is(struct slice name)
{
	return slice_has_prefix(name, PREFIX);
}

bool
s3_attr_is_version(struct slice name)
{
	return slice_equal(name, SLICE("user.s3.version-id"));
}

enum store_err
s3_attr_find(struct slice name, enum inode_attr_kind *kind, struct slice *key)
{
	*key = slice_from(name, PREFIX.len);
	if (slice_has_prefix(*key, META)) {
		*kind = INODE_ATTR_META;
		*key = slice_from(*key, META.len);
		return text_is_lower_token(*key) ? STORE_OK : STORE_INVALID;
	}
	*kind = INODE_ATTR_HEADER;
	for (size_t i = 0; i < array_len(headers); i++)
		if (slice_equal(*key, slice_str(headers[i])))
			return STORE_OK;
	return STORE_UNSUPPORTED;
}

enum store_err
s3_attr_check(enum inode_attr_kind kind, struct slice value)
{
	if (value.len == 0)
		return kind == INODE_ATTR_META ? STORE_OK : STORE_INVALID;
	if (value.data[0] == ' ' || value.data[value.len - 1] == ' ' ||
		!slice_is_utf8(value))
		return STORE_INVALID;
	for (size_t i = 0; i < value.len; i++) {
		unsigned char c = (unsigned char)value.data[i];

		if (c < ' ' || c == 0x7f)
			return STORE_INVALID;
	}
	return STORE_OK;
}

static struct slice
checksum_text(const struct inode *object, struct arena *arena)
{
	char text[TEXT_BASE64_LEN(sizeof(object->checksum)) + 1];

	text_to_base64(object->checksum, object->checksum_len, text);
	return object->is_checksum_composite
		       ? arena_printf(arena, "%s-%u", text,
				 object->checksum_parts)
		       : arena_copy(arena, slice_str(text));
}

/* False: it has nothing of that name. */
static bool
get_lock(const struct inode_lock *lock, struct slice key, struct arena *arena,
	struct slice *value)
{
	const char *mode = lock_mode_name(lock->mode);
	char date[25];

	if (!slice_has_prefix(key, LOCK))
		return false;
	key = slice_from(key, LOCK.len);
	if (slice_equal(key, SLICE("legal-hold")) && lock->hold) {
		*value = lock->hold == INODE_HOLD_ON ? SLICE("ON")
						     : SLICE("OFF");
		return true;
	}
	if (slice_equal(key, SLICE("mode")) && mode) {
		*value = slice_str(mode);
		return true;
	}
	if (slice_equal(key, SLICE("retain-until-date")) && mode) {
		clock_to_iso8601(lock->until_ns, date);
		*value = arena_copy(arena, slice_str(date));
		return true;
	}
	return false;
}

/* What is made of the record, and kept nowhere as it is shown. */
static bool
get_computed(const struct inode *object, struct slice key, struct arena *arena,
	struct slice *value)
{
	char etag[INODE_ETAG_TEXT_LEN + 1];

	if (slice_equal(key, SLICE("etag"))) {
		size_t len = inode_etag_text(&object->etag, etag);

		*value = arena_copy(arena, slice_of(etag, len));
		return true;
	}
	for (size_t i = 0; i < array_len(checksums); i++) {
		if (object->checksum_kind != checksums[i].kind ||
			!slice_equal(key, slice_str(checksums[i].name)))
			continue;
		*value = checksum_text(object, arena);
		return true;
	}
	return get_lock(&object->lock, key, arena, value);
}

enum store_err
s3_attr_get(const struct inode *object, struct slice name, struct arena *arena,
	struct slice *value)
{
	enum inode_attr_kind kind;
	struct slice key;

	if (get_computed(object, slice_from(name, PREFIX.len), arena, value))
		return STORE_OK;
	if (s3_attr_find(name, &kind, &key) ||
		!inode_attr_find(object->attrs, kind, key, value))
		return STORE_NO_ATTR;
	return STORE_OK;
}

bool
s3_attr_name(const struct inode_attr *attr, struct buffer *name)
{
	if (attr->kind != INODE_ATTR_HEADER && attr->kind != INODE_ATTR_META)
		return false;
	buffer_append(name, PREFIX);
	if (attr->kind == INODE_ATTR_META)
		buffer_append(name, META);
	buffer_append(name, attr->name);
	/* One that could not be asked for. */
	return name->len <= XATTR_NAME_MAX;
}
