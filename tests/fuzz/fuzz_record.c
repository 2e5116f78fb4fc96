/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What comes from the tables: the first byte chooses the decoder, the rest is
 * the record.  What is accepted must encode to the same bytes.
 */
#include <stdint.h>
#include <stdlib.h>

#include "store/base/buffer.h"
#include "store/base/inode.h"
#include "store/meta/key.h"
#include "store/meta/record.h"
#include "store/meter_private.h"
#include "store/seal.h"
#include "store/upload_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define ROUND_TRIP(type, struct_type)                                          \
	static void type##_round_trip(struct slice bytes)                      \
	{                                                                      \
		struct struct_type record;                                     \
		scoped(buffer_free) struct buffer again = {0};                 \
                                                                               \
		if (record_##type##_decode(bytes, &record))                    \
			return;                                                \
		record_##type##_encode(&again, &record);                       \
		if (!slice_equal(buffer_slice(&again), bytes))                 \
			abort();                                               \
	}
ROUND_TRIP(bucket, record_bucket)
ROUND_TRIP(dentry, record_dentry)
ROUND_TRIP(versions, record_versions)
ROUND_TRIP(upload, record_upload)
ROUND_TRIP(part, record_part)
ROUND_TRIP(quota, record_quota)
ROUND_TRIP(day, record_day)
ROUND_TRIP(sampled, record_sampled)
ROUND_TRIP(session, record_session)
ROUND_TRIP(token, record_token)
ROUND_TRIP(change, record_change)
ROUND_TRIP(inode, inode)

/* One of an earlier version becomes one of today, which means the same. */
#define ROUND_TRIP_OF_VERSIONS(name, type)                                     \
	static void name##_round_trip(struct slice bytes)                      \
	{                                                                      \
		struct type record, same;                                      \
		scoped(buffer_free) struct buffer again = {0};                 \
		scoped(buffer_free) struct buffer third = {0};                 \
                                                                               \
		if (record_##name##_decode(bytes, &record))                    \
			return;                                                \
		record_##name##_encode(&again, &record);                       \
		if (bytes.data[0] != 1 &&                                      \
			!slice_equal(buffer_slice(&again), bytes))             \
			abort();                                               \
		if (record_##name##_decode(buffer_slice(&again), &same))       \
			abort();                                               \
		record_##name##_encode(&third, &same);                         \
		if (!slice_equal(buffer_slice(&third), buffer_slice(&again)))  \
			abort();                                               \
	}
ROUND_TRIP_OF_VERSIONS(blob, record_blob)
ROUND_TRIP_OF_VERSIONS(usage, record_usage)
ROUND_TRIP_OF_VERSIONS(sample, record_sample)

/* Setting and merging keep a valid list valid, and stay within any other. */
static void
attrs_walk(struct slice attrs)
{
	scoped(buffer_free) struct buffer set = {0};
	scoped(buffer_free) struct buffer merged = {0};
	struct slice value = SLICE("value");
	bool is_valid = inode_attrs_are_valid(attrs);

	inode_attr_set(&set, attrs, INODE_ATTR_TAG, SLICE("name"), &value);
	inode_attrs_merge(&merged, attrs, buffer_slice(&set),
		1u << INODE_ATTR_TAG | 1u << INODE_ATTR_META);
	if (!is_valid)
		return;
	if (!inode_attrs_are_valid(buffer_slice(&set)) ||
		!inode_attrs_are_valid(buffer_slice(&merged)))
		abort();
	if (!inode_attr_find(buffer_slice(&set), INODE_ATTR_TAG, SLICE("name"),
		    &value))
		abort();
}

static void
key_split(struct slice key)
{
	struct slice name;
	uint64_t first;
	uint64_t second;

	if (key_split_dentry(key, &first, &name) == STORE_OK &&
		name.len <= KEY_CHUNK) {
		struct key again = key_dentry(first, name);

		if (!slice_equal(key_slice(&again), key))
			abort();
	}
	if (key_split_u64_u64(key, &first, &second) == STORE_OK) {
		struct key again = key_u64_u64(first, second);

		if (!slice_equal(key_slice(&again), key))
			abort();
	}
	if (key_split_u64(key, &first) == STORE_OK) {
		struct key again = key_u64(first);

		if (!slice_equal(key_slice(&again), key))
			abort();
	}
}

static void
etag_round_trip(struct slice text)
{
	char again[INODE_ETAG_TEXT_LEN + 1];
	struct inode_etag etag;
	struct inode_etag same;

	if (!inode_etag_parse(text, &etag))
		return;
	size_t len = inode_etag_text(&etag, again);
	if (!inode_etag_parse(slice_of(again, len), &same) ||
		same.parts != etag.parts)
		abort();
}

/* Nobody but seal_create() makes an attribute that opens. */
static void
seal_round_trip(struct slice attr)
{
	static const uint8_t key[SEAL_KEY_LEN];
	struct seal seal;

	if (seal_open(&seal, attr, key) == STORE_OK)
		abort();
}

/* Whatever the list of parts says: the streams follow one another. */
static void
streams_walk(struct slice bytes)
{
	struct inode inode;
	struct upload_stream stream;

	if (record_inode_decode(bytes, &inode) || !inode.size)
		return;
	for (uint64_t at = 0; at < inode.size; at += stream.size) {
		if (!upload_parts_stream(&inode, at, &stream))
			return;
		if (stream.start != at || !stream.size ||
			stream.size > inode.size - at)
			abort();
	}
}

static void
meter_name_round_trip(struct slice kind)
{
	struct meter_name name;

	if (!meter_name_parse(kind, &name))
		return;
	struct store_document_kind again = meter_name_kind(&name);
	if (!slice_equal(store_document_kind_slice(&again), kind))
		abort();
}

static void (*const targets[])(struct slice bytes) = {
	bucket_round_trip,
	dentry_round_trip,
	blob_round_trip,
	upload_round_trip,
	part_round_trip,
	usage_round_trip,
	quota_round_trip,
	session_round_trip,
	token_round_trip,
	change_round_trip,
	inode_round_trip,
	attrs_walk,
	key_split,
	etag_round_trip,
	seal_round_trip,
	streams_walk,
	sample_round_trip,
	sampled_round_trip,
	meter_name_round_trip,
	day_round_trip,
	versions_round_trip,
};

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (len > 0 && data[0] < array_len(targets))
		targets[data[0]](slice_of(data + 1, len - 1));
	return 0;
}
