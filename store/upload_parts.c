/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "store/base/clock.h"
#include "store/base/codec.h"
#include "store/base/digest.h"
#include "store/meta/key.h"
#include "store/seal.h"
#include "store/session_private.h"
#include "store/upload_private.h"

enum store_err
upload_parts_find(struct db_txn *txn, uint64_t number, uint64_t part,
	struct record_part *out)
{
	struct key key = key_u64_u64(number, part);
	struct slice value;
	enum store_err err = db_get(txn, DB_PART, key_slice(&key), &value);

	return err ? err : record_part_decode(value, out);
}

void
upload_parts_describe(unsigned number, const struct record_part *record,
	struct upload_part_info *out)
{
	*out = (struct upload_part_info){
		.number = number,
		.size = record->size,
		.modified_ns = record->modified_ns,
		.checksum_kind = record->checksum_kind,
		.checksum_len = (uint8_t)record->checksum.len,
	};
	memcpy(out->md5, record->md5, sizeof(out->md5));
	if (record->checksum.len)
		memcpy(out->checksum, record->checksum.data,
			record->checksum.len);
}

/* The part at the cursor; NOT_FOUND past the last one of the upload. */
static enum store_err
read_part(const struct db_cursor *cursor, uint64_t number,
	struct upload_part_info *out)
{
	struct record_part record;
	uint64_t owner, part;
	enum store_err err;

	err = key_split_u64_u64(cursor->key, &owner, &part);
	if (err)
		return err;
	if (owner != number || part > UPLOAD_PARTS_MAX)
		return STORE_NOT_FOUND;
	err = record_part_decode(cursor->value, &record);
	if (!err)
		upload_parts_describe((unsigned)part, &record, out);
	return err;
}

static enum store_err
list_parts(struct db_txn *txn, uint64_t number, unsigned after, size_t max,
	struct upload_part_info *out, size_t *count, bool *is_truncated)
{
	struct key start = key_u64_u64(number, (uint64_t)after + 1);
	struct upload_part_info info;
	struct db_cursor cursor;
	enum store_err err;

	err = db_cursor_open(txn, DB_PART, &cursor);
	if (err)
		return err;
	err = db_cursor_seek(&cursor, key_slice(&start));
	for (; !err; err = db_cursor_next(&cursor)) {
		err = read_part(&cursor, number, &info);
		if (err)
			break;
		if (*count == max) {
			*is_truncated = true;
			break;
		}
		out[(*count)++] = info;
	}
	db_cursor_close(&cursor);
	return err == STORE_NOT_FOUND ? STORE_OK : err;
}

enum store_err
upload_parts(struct store *store, uint64_t bucket, struct slice key,
	struct slice id, unsigned after, size_t max, struct arena *arena,
	struct upload_part_info **out, size_t *count, bool *is_truncated)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	const struct upload_ref ref = {bucket, key, id};
	struct record_upload record;
	uint64_t number;
	enum store_err err;

	*count = 0;
	*is_truncated = false;
	if (max > UPLOAD_PARTS_MAX)
		max = UPLOAD_PARTS_MAX;
	err = db_begin_read(store->db, &txn);
	if (!err)
		err = upload_find(txn, &ref, &number, &record);
	if (err)
		return err;
	*out = arena_new_array(arena, max, struct upload_part_info);
	return list_parts(txn, number, after, max, *out, count, is_truncated);
}

static enum store_err
is_alive(struct db_txn *txn, uint64_t session, bool *alive)
{
	struct key key = key_u64(session);
	struct slice value;
	enum store_err err = db_get(txn, DB_SESSION, key_slice(&key), &value);

	*alive = !err;
	return err == STORE_NOT_FOUND ? STORE_OK : err;
}

/* An arrival of a session that is gone is nothing: its writer died. */
static enum store_err
find_live_arrival(struct db_txn *txn, struct db_cursor *cursor, uint64_t number,
	unsigned first, bool *has)
{
	struct key start = key_u64_u64(number, UPLOAD_ARRIVAL | first);
	struct record_part record;
	uint64_t owner, part;
	enum store_err err = db_cursor_seek(cursor, key_slice(&start));

	for (; !err && !*has; err = *has ? STORE_OK : db_cursor_next(cursor)) {
		err = key_split_u64_u64(cursor->key, &owner, &part);
		if (err || owner != number)
			return err;
		err = record_part_decode(cursor->value, &record);
		if (!err)
			err = is_alive(txn, record.session, has);
		if (err)
			return err;
	}
	return err == STORE_NOT_FOUND ? STORE_OK : err;
}

enum store_err
upload_parts_arriving(struct db_txn *txn, uint64_t number, unsigned first,
	bool *has)
{
	struct db_cursor cursor;
	enum store_err err;

	*has = false;
	err = db_cursor_open(txn, DB_PART, &cursor);
	if (err)
		return err;
	err = find_live_arrival(txn, &cursor, number, first, has);
	db_cursor_close(&cursor);
	return err;
}

enum store_err
upload_parts_is_arriving(struct db_txn *txn, uint64_t number, unsigned part,
	bool *is)
{
	struct record_part record;
	enum store_err err;

	*is = false;
	err = upload_parts_find(txn, number, UPLOAD_ARRIVAL | part, &record);
	if (err)
		return err == STORE_NOT_FOUND ? STORE_OK : err;
	return is_alive(txn, record.session, is);
}

enum store_err
upload_parts_reserve(struct store *store, struct db_txn *txn, uint64_t number,
	unsigned part)
{
	scoped(buffer_free) struct buffer value = {0};
	struct key key = key_u64_u64(number, UPLOAD_ARRIVAL | part);
	const struct record_part arrival = {
		.modified_ns = clock_now_ns(),
		.session = session_id(store),
	};

	record_part_encode(&value, &arrival);
	return db_put(txn, DB_PART, key_slice(&key), buffer_slice(&value));
}

enum store_err
upload_parts_release(struct db_txn *txn, uint64_t number, unsigned part)
{
	struct key key = key_u64_u64(number, UPLOAD_ARRIVAL | part);

	return db_delete_if_there(txn, DB_PART, key_slice(&key));
}

/*
 * The attribute: version, flags, checksum kind, count; then sizes: one of all
 * but the last and one of the last, or each; then numbers, unless 1, 2, 3...;
 * then checksums, if of one kind.  docs/format.md.
 */
#define VERSION 1
#define VERSION_RECENT 2 /* of a checksum that record_is_checksum_recent() */
#define HAS_SIZES 1u
#define HAS_NUMBERS 2u

struct parts {
	unsigned flags;
	size_t count;
	size_t checksum_len;
	uint8_t checksum_kind;
	struct slice sizes;
	struct slice numbers;
	struct slice checksums;
};

static uint8_t
version_of(uint8_t checksum_kind)
{
	return record_is_checksum_recent(checksum_kind) ? VERSION_RECENT
							: VERSION;
}

void
upload_parts_encode(struct buffer *to, const struct upload_part_info *parts,
	size_t count)
{
	uint8_t kind = parts[0].checksum_kind;
	unsigned flags = 0;

	for (size_t i = 0; i < count; i++) {
		if (parts[i].number != i + 1)
			flags |= HAS_NUMBERS;
		if (i + 1 < count && parts[i].size != parts[0].size)
			flags |= HAS_SIZES;
		if (parts[i].checksum_kind != kind)
			kind = 0;
	}
	codec_encode_u8(to, version_of(kind));
	codec_encode_u8(to, (uint8_t)flags);
	codec_encode_u8(to, kind);
	codec_encode_u32(to, (uint32_t)count);
	for (size_t i = 0; i < count; i++)
		if ((flags & HAS_SIZES) || i == 0 || i + 1 == count)
			codec_encode_u64(to, parts[i].size);
	if (count == 1 && !(flags & HAS_SIZES))
		codec_encode_u64(to, parts[0].size);
	for (size_t i = 0; i < count && (flags & HAS_NUMBERS); i++)
		codec_encode_u16(to, (uint16_t)parts[i].number);
	for (size_t i = 0; i < count && kind; i++)
		codec_encode_bytes(to,
			slice_of(parts[i].checksum, parts[i].checksum_len));
}

static bool
decode(struct slice value, struct parts *out)
{
	struct decoder decoder = codec_decoder(value);
	uint8_t version = codec_decode_u8(&decoder);

	*out = (struct parts){0};
	out->flags = codec_decode_u8(&decoder);
	out->checksum_kind = codec_decode_u8(&decoder);
	out->count = codec_decode_u32(&decoder);
	if (version != version_of(out->checksum_kind) || !out->count ||
		out->count > UPLOAD_PARTS_MAX ||
		(out->checksum_kind && !digest_is_kind(out->checksum_kind)))
		return false;
	if (out->checksum_kind)
		out->checksum_len =
			digest_len((enum digest_kind)out->checksum_kind);
	out->sizes = codec_decode_bytes(&decoder,
		8 * ((out->flags & HAS_SIZES) ? out->count : 2));
	out->numbers = codec_decode_bytes(&decoder,
		(out->flags & HAS_NUMBERS) ? 2 * out->count : 0);
	out->checksums =
		codec_decode_bytes(&decoder, out->checksum_len * out->count);
	return !decoder.is_bad && !codec_decode_left(&decoder);
}

static unsigned
number_at(const struct parts *parts, size_t i)
{
	struct decoder decoder;

	if (!(parts->flags & HAS_NUMBERS))
		return (unsigned)i + 1;
	decoder = codec_decoder(slice_from(parts->numbers, 2 * i));
	return codec_decode_u16(&decoder);
}

static uint64_t
size_at(const struct parts *parts, size_t i)
{
	struct decoder decoder;

	if (!(parts->flags & HAS_SIZES))
		i = i + 1 == parts->count;
	decoder = codec_decoder(slice_from(parts->sizes, 8 * i));
	return codec_decode_u64(&decoder);
}

/* False where the object has been written to since: its parts are history. */
static bool
read_parts(const struct inode *inode, struct parts *out)
{
	struct slice value;
	uint64_t total = 0;

	if (!inode_attr_find(inode->attrs, INODE_ATTR_PART, UPLOAD_ATTR_PARTS,
		    &value) ||
		!decode(value, out))
		return false;
	for (size_t i = 0; i < out->count; i++)
		total += size_at(out, i);
	return total == inode->size && out->count == inode->etag.parts;
}

bool
upload_parts_of(const struct inode *inode, unsigned number,
	struct upload_part_info *out, uint64_t *offset, unsigned *count)
{
	struct parts parts;
	size_t i = 0;

	if (!read_parts(inode, &parts))
		return false;
	*count = (unsigned)parts.count;
	*offset = 0;
	for (; i < parts.count && number_at(&parts, i) != number; i++)
		*offset += size_at(&parts, i);
	if (i == parts.count)
		return false;
	*out = (struct upload_part_info){
		.number = number,
		.size = size_at(&parts, i),
		.modified_ns = inode->mtime_ns,
		.checksum_kind = parts.checksum_kind,
		.checksum_len = (uint8_t)parts.checksum_len,
	};
	struct decoder checksums = codec_decoder(parts.checksums);
	(void)codec_decode_bytes(&checksums, i * parts.checksum_len);
	struct slice own = codec_decode_bytes(&checksums, parts.checksum_len);
	if (own.len)
		memcpy(out->checksum, own.data, own.len);
	return true;
}

bool
upload_parts_stream(const struct inode *inode, uint64_t at,
	struct upload_stream *out)
{
	struct slice value;
	struct parts parts;

	*out = (struct upload_stream){.size = inode->size};
	if (!inode_attr_find(inode->attrs, INODE_ATTR_PART, UPLOAD_ATTR_PARTS,
		    &value))
		return at < inode->size;
	if (!read_parts(inode, &parts))
		return false;
	for (size_t i = 0; i < parts.count; i++) {
		out->part = number_at(&parts, i);
		out->size = size_at(&parts, i);
		if (out->size > inode->size - out->start)
			return false;
		if (at - out->start < out->size)
			return true;
		out->start += out->size;
		out->stored_at += seal_stored_len(out->size);
	}
	return false;
}
