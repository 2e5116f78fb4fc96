/* SPDX-License-Identifier: Apache-2.0 */
/* objects.h - objects as the tests of object.c and upload.c handle them: whole,
 * as text. */
#pragma once

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/base/digest.h"
#include "store/base/io.h"
#include "store/blob_record_private.h"
#include "store/bucket.h"
#include "store/check.h"
#include "store/commit_private.h"
#include "store/object.h"
#include "store/pack_private.h"
#include "store/reclaim_private.h"
#include "store/store_private.h"
#include "store/usage.h"

static inline uint64_t
objects_bucket(struct store *store, const char *name)
{
	struct bucket bucket;
	enum store_err err = bucket_create(store, slice_str(name),
		SLICE("default"), &bucket);

	assert(!err);
	return bucket.ino;
}

static inline struct object_attrs
objects_attrs(struct slice body)
{
	struct object_attrs attrs = {0};

	digest_of(DIGEST_MD5, body, attrs.etag.value);
	return attrs;
}

static inline enum store_err
objects_put_if(struct store *store, uint64_t bucket, const char *key,
	struct slice body, const struct object_condition *condition)
{
	struct object_attrs attrs = objects_attrs(body);
	struct object_put *put = NULL;
	struct object made;
	enum store_err err = object_put_begin(store, body.len, &put);

	if (err)
		return err;
	err = object_put_write(put, body);
	if (err) {
		object_put_abort(&put);
		return err;
	}
	return object_put_commit(&put, bucket, slice_str(key), &attrs,
		condition, &made);
}

static inline enum store_err
objects_put(struct store *store, uint64_t bucket, const char *key,
	const char *body)
{
	return objects_put_if(store, bucket, key, slice_str(body), NULL);
}

/* More than is packed. */
#define OBJECTS_LARGE (PACK_MAX + 1)

static inline struct slice
objects_large(void)
{
	static char bytes[OBJECTS_LARGE];

	memset(bytes, 'x', sizeof(bytes));
	return slice_of(bytes, sizeof(bytes));
}

/* The object's bytes, in the arena; data NULL where there is none. */
static inline struct slice
objects_get(struct store *store, uint64_t bucket, const char *key,
	struct arena *arena)
{
	struct object object;
	uint64_t offset;
	int fd;
	enum store_err err = object_open(store, bucket, slice_str(key), arena,
		&object, &fd, &offset);

	if (err == STORE_NOT_FOUND)
		return SLICE_NULL;
	assert(!err);
	char *bytes = arena_alloc(arena, object.inode.size + 1);
	if (fd >= 0) {
		err = io_pread_all(fd, bytes, object.inode.size, offset);
		assert(!err);
		close(fd);
	}
	return slice_of(bytes, object.inode.size);
}

/* Whether the key holds exactly that text; NULL: whether there is nothing. */
static inline bool
objects_is(struct store *store, uint64_t bucket, const char *key,
	const char *text)
{
	scoped(arena_free) struct arena arena = {0};
	struct slice got = objects_get(store, bucket, key, &arena);

	if (!text || !got.data)
		return !text && !got.data;
	return slice_equal(got, slice_str(text));
}

static inline bool
objects_is_segment(struct store *store, uint64_t id)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	struct record_blob record = {.place = RECORD_BLOB_FILE};
	enum store_err err = db_begin_read(store->db, &txn);

	if (!err)
		err = blob_record_get(txn, id, &record);
	return !err && record.place == RECORD_BLOB_SEGMENT;
}

struct objects_count {
	struct store *store;
	uint64_t files;
	uint64_t segments;
};

static inline enum store_err
objects_count_visit(uint64_t id, void *context)
{
	struct objects_count *count = context;

	if (objects_is_segment(count->store, id))
		count->segments++;
	else
		count->files++;
	return STORE_OK;
}

static inline void
objects_count_stray(const char *path, void *context)
{
	(void)context;
	fprintf(stderr, "stray: %s\n", path);
	abort();
}

static inline struct objects_count
objects_count(struct store *store)
{
	struct objects_count count = {.store = store};
	enum store_err err = blob_walk(store->blobs, 0, objects_count_visit,
		objects_count_stray, &count);

	assert(!err);
	return count;
}

static inline uint64_t
objects_rows(struct store *store, enum db_table table)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	uint64_t count = 0;
	enum store_err err = db_begin_read(store->db, &txn);

	if (!err)
		err = db_count(txn, table, &count);
	assert(!err);
	return count;
}

/* Files of segments there are. */
static inline uint64_t
objects_segments(struct store *store)
{
	return objects_count(store).segments;
}

/* What there is of data, named by a record or not: files, but for those that
 * packed blobs share, and what is packed. */
static inline uint64_t
objects_files(struct store *store)
{
	return objects_count(store).files + objects_rows(store, DB_PACK);
}

/* Data files left once all that nobody names is gone.  The store makes do
 * without its reclaim thread from here on. */
static inline uint64_t
objects_files_left(struct store *store)
{
	enum store_err err = STORE_OK;

	reclaim_stop(store);
	/* Twice: what is moved out of a segment frees that. */
	for (int i = 0; i < 2 && !err; i++) {
		err = store_sync(store);
		if (!err)
			err = reclaim_run(store);
	}
	assert(!err);
	return objects_files(store);
}

/* Those of objects: segments belong to none. */
static inline uint64_t
objects_blob_records(struct store *store)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	scoped(db_cursor_close) struct db_cursor cursor = {0};
	uint64_t count = 0;
	enum store_err err = db_begin_read(store->db, &txn);

	if (!err)
		err = db_cursor_open(txn, DB_BLOB, &cursor);
	if (!err)
		err = db_cursor_seek(&cursor, SLICE_NULL);
	while (!err) {
		struct record_blob record;

		err = record_blob_decode(cursor.value, &record);
		assert(!err);
		count += record.place != RECORD_BLOB_SEGMENT;
		err = db_cursor_next(&cursor);
	}
	assert(err == STORE_NOT_FOUND);
	return count;
}

static inline void
objects_usage(struct store *store, uint64_t bucket, uint64_t *objects,
	uint64_t *bytes)
{
	struct usage usage;
	enum store_err err = usage_of_bucket(store, bucket, &usage);

	assert(!err);
	*objects = usage.objects;
	*bytes = usage.bytes;
}

static inline void
objects_print_finding(const struct check_finding *finding, void *context)
{
	(void)context;
	fprintf(stderr, "%s: %s\n", check_kind_name(finding->kind),
		finding->text);
}

/* What fsck has to say: how many findings. */
static inline uint64_t
objects_findings(struct store *store)
{
	struct check_result result;
	enum store_err err = check_store(store, CHECK_LOOK,
		objects_print_finding, NULL, &result);

	assert(!err);
	return result.findings;
}

static inline enum store_err
objects_copy(struct store *store, uint64_t bucket, const char *from,
	const char *to, struct object *out)
{
	return object_copy(store, bucket, slice_str(from), NULL, NULL, bucket,
		slice_str(to), NULL, NULL, out);
}
