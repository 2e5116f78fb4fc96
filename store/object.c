/* SPDX-License-Identifier: Apache-2.0 */
#include "store/object.h"

#include <fcntl.h>
#include <unistd.h>

#include "store/base/clock.h"
#include "store/blob_record_private.h"
#include "store/commit_private.h"
#include "store/cut_private.h"
#include "store/last_access.h"
#include "store/object_event_private.h"
#include "store/object_key_private.h"
#include "store/sealed.h"
#include "store/unflushed_private.h"

static const struct version_ref current = {.which = VERSION_CURRENT};

/* Where the bytes are. */
struct place {
	uint64_t blob;
	uint64_t file; /* the blob, or the segment that it lies in */
	uint64_t offset;
	uint64_t size;	 /* packed: exactly */
	uint64_t commit; /* as of which that is so */
	bool is_damaged;
	bool may_be_lost; /* a flush of it has failed */
};

/* What has no record lies in a file of its own, if anywhere: fsck. */
static enum store_err
find_place(struct store *store, struct db_txn *txn, uint64_t blob,
	struct place *place)
{
	struct record_blob record = {.place = RECORD_BLOB_FILE};
	enum store_err err =
		blob ? blob_record_get(txn, blob, &record) : STORE_OK;

	*place = (struct place){
		.blob = blob,
		.file = blob,
		.commit = db_txn_number(txn),
		.is_damaged = record.is_damaged,
	};
	if (record.place == RECORD_BLOB_PACKED) {
		place->file = record.segment;
		place->offset = record.offset;
		place->size = record.size;
	}
	place->may_be_lost =
		place->file && unflushed_may_be_lost(store, txn, place->file);
	return err == STORE_NOT_FOUND ? STORE_OK : err;
}

/* The record, as of a snapshot that has ended: attrs are in the arena. */
static enum store_err
read_record(struct store *store, uint64_t bucket, struct slice key,
	const struct version_ref *version, struct arena *arena,
	struct object *out, struct place *place)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	enum store_err err;

	*out = (struct object){0};
	err = db_begin_read(store->db, &txn);
	if (err)
		return err;
	err = object_key_find_version(txn, bucket, key, version, out);
	if (err) {
		out->inode.attrs = SLICE_NULL;
		return err;
	}
	out->inode.attrs = arena_copy(arena, out->inode.attrs);
	return find_place(store, txn, out->inode.blob, place);
}

/*
 * Between the record and its data file the object may be replaced, or moved to
 * another segment, and the file reclaimed: then there is another record by now.
 * A file that is still missing when the record is the same is lost.
 */
static enum store_err
judge_missing(struct place *before, const struct place *now)
{
	if (before->blob == now->blob && before->file == now->file)
		return STORE_CORRUPT;
	*before = *now;
	return STORE_OK;
}

enum store_err
object_head_version(struct store *store, uint64_t bucket, struct slice key,
	const struct version_ref *version, struct arena *arena,
	struct object *out)
{
	struct place place, missing = {0};
	struct stat stat;
	enum store_err err;

	for (;;) {
		err = read_record(store, bucket, key, version, arena, out,
			&place);
		if (err || !out->inode.blob ||
			!(out->inode.flags & INODE_DIRTY))
			return err;
		err = blob_stat(store->blobs, out->inode.blob, &stat);
		if (!err)
			dentry_apply_stat(&out->inode, &stat);
		if (err != STORE_NOT_FOUND)
			return err;
		err = judge_missing(&missing, &place);
		if (err)
			return err;
	}
}

enum store_err
object_head(struct store *store, uint64_t bucket, struct slice key,
	struct arena *arena, struct object *out)
{
	return object_head_version(store, bucket, key, &current, arena, out);
}

/*
 * Takes the truth from the file where the record may lag behind it: it is being
 * modified in place, or was when the power went.  Where the file had the
 * record's size a moment ago, and nobody writes to it, it has it still.
 */
static enum store_err
settle_open(struct object *object, int *fd, uint64_t size)
{
	struct inode *inode = &object->inode;
	bool is_sealed = sealed_is(inode);
	bool is_sure = !(inode->flags & INODE_DIRTY) &&
		       !object->guard.is_written &&
		       size == sealed_file_len(inode);
	enum store_err err = STORE_OK;
	struct stat stat;

	/* Nobody modifies sealed data in place. */
	if (!is_sure && is_sealed)
		err = STORE_CORRUPT;
	else if (!is_sure && fstat(*fd, &stat))
		err = error_from_errno(errno);
	else if (!is_sure && ((inode->flags & INODE_DIRTY) ||
				     (uint64_t)stat.st_size != inode->size))
		dentry_apply_stat(inode, &stat);
	if (err || !inode->size) {
		(void)close(*fd);
		*fd = -1;
	}
	return err;
}

/* One in a segment is never written in place. */
static enum store_err
settle_packed(const struct inode *inode, const struct place *place, int *fd,
	uint64_t *offset)
{
	*offset = place->offset;
	if (place->size == sealed_file_len(inode))
		return STORE_OK;
	(void)close(*fd);
	*fd = -1;
	return STORE_CORRUPT;
}

/* No byte of what a scrub has found to be other bytes, or of what a failed
 * flush may have lost. */
static enum store_err
expect_readable(const struct place *place)
{
	if (place->is_damaged)
		return STORE_DAMAGED;
	return place->may_be_lost ? STORE_IO : STORE_OK;
}

/* What is sealed or packed is never changed in place. */
static void
begin_guard(struct store *store, struct object *object,
	const struct place *place)
{
	if (place->file == place->blob && !sealed_is(&object->inode))
		object->guard = cut_begin(store, &object->inode, place->blob,
			place->commit);
}

static enum store_err
open_data(struct store *store, uint64_t bucket, struct slice key,
	const struct version_ref *version, struct arena *arena,
	struct object *out, int *fd, uint64_t *offset)
{
	struct place place, missing = {0};
	uint64_t size = 0;
	enum store_err err;

	*fd = -1;
	*offset = 0;
	for (;;) {
		err = read_record(store, bucket, key, version, arena, out,
			&place);
		if (err || !out->inode.blob)
			return err;
		err = expect_readable(&place);
		if (err)
			return err;
		begin_guard(store, out, &place);
		err = blob_open_shared(store->blobs, place.file, fd, &size);
		if (!err && place.file != place.blob)
			return settle_packed(&out->inode, &place, fd, offset);
		if (!err)
			return settle_open(out, fd, size);
		if (err != STORE_NOT_FOUND)
			return err;
		err = judge_missing(&missing, &place);
		if (err)
			return err;
	}
}

enum store_err
object_open(struct store *store, uint64_t bucket, struct slice key,
	struct arena *arena, struct object *out, int *fd, uint64_t *offset)
{
	return object_open_version(store, bucket, key, &current, arena, out, fd,
		offset);
}

enum store_err
object_open_version(struct store *store, uint64_t bucket, struct slice key,
	const struct version_ref *version, struct arena *arena,
	struct object *out, int *fd, uint64_t *offset)
{
	enum store_err err =
		open_data(store, bucket, key, version, arena, out, fd, offset);

	if (!err)
		last_access_note(store, &out->inode);
	return err;
}

struct set_attrs {
	uint64_t bucket;
	struct slice key;
	const struct version_ref *version;
	struct slice attrs;
	uint32_t kinds;
};

static enum store_err
tell_attrs(struct store *store, struct db_txn *txn, const struct set_attrs *set,
	const struct inode *inode, const struct version *version)
{
	enum store_err err = STORE_OK;

	if (set->kinds & (1u << INODE_ATTR_TAG))
		err = object_event_add(store, txn, set->bucket, set->key,
			EVENT_TAGS_PUT, inode, version);
	if (!err && (set->kinds & (1u << INODE_ATTR_ACL)))
		err = object_event_add(store, txn, set->bucket, set->key,
			EVENT_ACL_PUT, inode, version);
	return err;
}

static enum store_err
apply_set_attrs(struct store *store, struct db_txn *txn, void *arg)
{
	const struct set_attrs *set = arg;
	scoped(buffer_free) struct buffer merged = {0};
	struct object object;
	enum store_err err;

	err = object_key_find_version(txn, set->bucket, set->key, set->version,
		&object);
	if (err)
		return err;
	struct inode inode = object.inode;
	inode_attrs_merge(&merged, inode.attrs, set->attrs, set->kinds);
	if (merged.len > INODE_ATTRS_MAX)
		return STORE_ATTR_TOO_BIG;
	inode.attrs = buffer_slice(&merged);
	inode.ctime_ns = clock_now_ns();
	err = dentry_save_inode(txn, &inode);
	if (!err)
		err = feed_append_inode(store, txn, inode.ino, false);
	return err ? err : tell_attrs(store, txn, set, &inode, &object.version);
}

enum store_err
object_set_attrs(struct store *store, uint64_t bucket, struct slice key,
	struct slice attrs, uint32_t kinds)
{
	return object_set_attrs_version(store, bucket, key, &current, attrs,
		kinds);
}

enum store_err
object_set_attrs_version(struct store *store, uint64_t bucket, struct slice key,
	const struct version_ref *version, struct slice attrs, uint32_t kinds)
{
	struct set_attrs set = {
		.bucket = bucket,
		.key = key,
		.version = version,
		.attrs = attrs,
		.kinds = kinds,
	};

	if (attrs.len > INODE_ATTRS_MAX)
		return STORE_ATTR_TOO_BIG;
	if (!inode_attrs_are_valid(attrs))
		return STORE_INVALID;
	return commit_run_durably(store, apply_set_attrs, &set);
}
