/* SPDX-License-Identifier: Apache-2.0 */
/* uploads.h - an upload as the tests of it begin one, and its parts. */
#pragma once

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "store/upload_private.h"
#include "tests/store/objects.h"
#include "tests/support/temp_store.h"

#define UPLOADS_MIB (1ull << 20)
#define UPLOADS_PART (5 * UPLOADS_MIB)
#define UPLOADS_UNKNOWN UINT64_MAX
#define UPLOADS_KEY SLICE("dir/big")

struct uploads {
	struct temp_store temp;
	struct store *store;
	uint64_t bucket;
	char id[UPLOAD_ID_LEN + 1];
	struct arena arena;
};

static inline void
uploads_begin(struct uploads *to)
{
	const struct upload_info info = {.initiator = SLICE("AKID")};

	cr_assert(eq(int,
		upload_begin(to->store, to->bucket, UPLOADS_KEY, &info, to->id),
		STORE_OK));
}

static inline struct uploads
uploads_open(void)
{
	struct uploads it = {.temp = temp_store_open()};

	it.store = it.temp.store;
	it.bucket = objects_bucket(it.store, "bucket");
	uploads_begin(&it);
	return it;
}

static inline void
uploads_close(struct uploads *it)
{
	arena_free(&it->arena);
	temp_store_close(&it->temp);
}

/* Bytes that tell which part and version they are of, and where in it. */
static inline struct slice
uploads_body(struct uploads *it, unsigned seed, uint64_t size)
{
	char *bytes = arena_alloc(&it->arena, size + 8);

	for (uint64_t at = 0; at < size; at += 8) {
		uint64_t word = at * 0x9e3779b97f4a7c15u + seed;
		memcpy(bytes + at, &word, 8);
	}
	return slice_of(bytes, size);
}

static inline struct upload_part_info
uploads_describe(unsigned number, struct slice bytes)
{
	struct upload_part_info info = {.number = number, .size = bytes.len};

	digest_of(DIGEST_MD5, bytes, info.md5);
	return info;
}

static inline struct upload_part *
uploads_start(struct uploads *it, unsigned number, uint64_t announced)
{
	struct upload_part *part = NULL;

	cr_assert(eq(int,
		upload_part_begin(it->store, it->bucket, UPLOADS_KEY,
			slice_str(it->id), number, announced, &part),
		STORE_OK));
	return part;
}

static inline void
uploads_feed(struct upload_part *part, struct slice bytes)
{
	cr_assert(eq(int, upload_part_write(part, bytes), STORE_OK));
}

static inline struct upload_part_info
uploads_send_as(struct uploads *it, unsigned number, uint64_t announced,
	struct slice bytes)
{
	struct upload_part_info info = uploads_describe(number, bytes);
	struct upload_part *part = uploads_start(it, number, announced);

	uploads_feed(part, slice_first(bytes, bytes.len / 3));
	uploads_feed(part, slice_from(bytes, bytes.len / 3));
	cr_assert(eq(u64, upload_part_size(part), bytes.len));
	cr_assert(eq(int, upload_part_commit(&part, &info), STORE_OK));
	return info;
}

static inline struct upload_part_info
uploads_deliver(struct uploads *it, unsigned number, struct slice bytes)
{
	return uploads_send_as(it, number, bytes.len, bytes);
}

static inline enum store_err
uploads_complete(struct uploads *it, const struct upload_part_info *wanted,
	size_t count, struct object *out)
{
	const struct object_attrs attrs = {0};

	return upload_complete(it->store, it->bucket, UPLOADS_KEY,
		slice_str(it->id), wanted, count, &attrs, NULL, out);
}

/* Whether the object is these pieces one after the other. */
static inline bool
uploads_holds(struct uploads *it, const struct slice *pieces, size_t count)
{
	struct slice got =
		objects_get(it->store, it->bucket, "dir/big", &it->arena);

	for (size_t i = 0; i < count; i++) {
		if (!slice_equal(slice_first(got, pieces[i].len), pieces[i]))
			return false;
		got = slice_from(got, pieces[i].len);
	}
	return got.data && !got.len;
}

/* Where parts lie in place; 0: no such file yet. */
static inline uint64_t
uploads_blob_of(struct uploads *it)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	const struct upload_ref ref = {
		it->bucket, UPLOADS_KEY, slice_str(it->id)};
	struct record_upload record;
	uint64_t number;

	cr_assert(eq(int, db_begin_read(it->store->db, &txn), STORE_OK));
	cr_assert(eq(int, upload_find(txn, &ref, &number, &record), STORE_OK));
	return record.blob;
}

/* After a checkpoint and reclaim. */
static inline uint64_t
uploads_files_left(struct uploads *it)
{
	temp_store_reopen(&it->temp);
	it->store = it->temp.store;
	return objects_files_left(it->store);
}
