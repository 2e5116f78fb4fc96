/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A version has a number that no other of the store has, so a replica keeps it:
 * and with it its place among the versions that its bucket has by itself.
 * Where a newer one is there it is an older one from the beginning.
 */
#include "store/blob_record_private.h"
#include "store/history_private.h"
#include "store/object_event_private.h"
#include "store/object_key_private.h"
#include "store/replication_private.h"
#include "store/sealed.h"
#include "store/usage_private.h"

/* What a replica has of its source.  A list says who may have the source. */
#define KINDS                                                                  \
	(1u << INODE_ATTR_HEADER | 1u << INODE_ATTR_META |                     \
		1u << INODE_ATTR_TAG | 1u << INODE_ATTR_XATTR |                \
		1u << INODE_ATTR_PART | 1u << INODE_ATTR_SSE_C |               \
		1u << INODE_ATTR_REDIRECT)
/* And what of it can be set anew. */
#define KINDS_TO_FOLLOW                                                        \
	(1u << INODE_ATTR_HEADER | 1u << INODE_ATTR_META |                     \
		1u << INODE_ATTR_TAG | 1u << INODE_ATTR_XATTR |                \
		1u << INODE_ATTR_REDIRECT)

static enum store_err
expect_versions(struct db_txn *txn, uint64_t bucket)
{
	struct record_versions of;
	struct inode root;

	enum store_err err = dentry_inode(txn, bucket, &root);
	if (!err)
		err = history_of(txn, bucket, &of);
	if (err)
		return err;
	return of.versioning == VERSIONING_ENABLED ? STORE_OK : STORE_INVALID;
}

/* NOT_FOUND: neither as a version nor as a marker. */
static enum store_err
find(struct db_txn *txn, uint64_t bucket, struct slice key,
	const struct version *version, struct object *out)
{
	struct version_ref ref = version_ref_of(version);
	enum store_err err =
		object_key_find_version(txn, bucket, key, &ref, out);

	return err == STORE_NOT_FOUND && out->is_marker ? STORE_OK : err;
}

/* Of what the key means now; *is_there: an object. */
static enum store_err
find_newest(struct db_txn *txn, uint64_t bucket, struct slice key,
	uint64_t *number, bool *is_there)
{
	static const struct version_ref current = {.which = VERSION_CURRENT};
	struct object newest;
	enum store_err err =
		object_key_find_version(txn, bucket, key, &current, &newest);

	*is_there = !err;
	*number = newest.version.number;
	return err == STORE_NOT_FOUND ? STORE_OK : err;
}

static enum store_err
make_marker(struct store *store, struct db_txn *txn, uint64_t bucket,
	struct slice key, const struct object *source)
{
	const struct history_marker marker = {
		.version = source->version,
		.mtime_ns = source->inode.mtime_ns,
	};
	struct slice component;
	uint64_t parent, newest;
	bool is_there;

	enum store_err err = find_newest(txn, bucket, key, &newest, &is_there);
	if (err)
		return err;
	if (!is_there || newest > marker.version.number)
		return history_mark_as(store, txn, bucket, key, &marker);
	err = dentry_locate(txn, bucket, key, &parent, &component);
	return err ? err
		   : history_name_unlink_as(store, txn, parent, component,
			     &marker);
}

/* The copy of what was read of the source, which points into the map. */
static void
describe(const struct object *source, struct buffer *attrs, struct inode *made)
{
	scoped(buffer_free) struct buffer kept = {0}, bytes = {0};

	inode_attrs_merge(&kept, SLICE_NULL, source->inode.attrs, KINDS);
	object_key_strip_maker(&bytes, buffer_slice(&kept));
	struct slice all = buffer_slice(&bytes);
	struct slice with =
		replication_set_status(attrs, all, REPLICATION_REPLICA);

	if (with.data == all.data) {
		buffer_clear(attrs);
		buffer_append(attrs, all);
	}
	*made = source->inode;
	/* Its own bucket says how it is locked. */
	made->lock = (struct inode_lock){0};
	made->attrs = buffer_slice(attrs);
}

/* CopyObject would clone what somebody writes to; the replica has the ETag. */
static enum store_err
expect_settled(struct store *store, struct db_txn *txn,
	const struct inode *source)
{
	bool is_written = (source->flags & INODE_DIRTY) != 0;
	enum store_err err = STORE_OK;

	if (!is_written && source->blob && !sealed_is(source))
		err = object_key_is_written(store, txn, source, &is_written);
	return err || !is_written ? err : STORE_BUSY;
}

static enum store_err
make_object(struct store *store, struct db_txn *txn, uint64_t bucket,
	struct slice key, const struct object *source)
{
	scoped(buffer_free) struct buffer attrs = {0};
	struct version version = source->version;
	struct usage_mark mark;
	struct inode made;
	uint64_t newest;
	bool is_there;

	enum store_err err = expect_settled(store, txn, &source->inode);
	if (!err)
		err = usage_mark(txn, bucket, &mark);
	if (!err)
		err = find_newest(txn, bucket, key, &newest, &is_there);
	if (err)
		return err;
	describe(source, &attrs, &made);
	if (made.blob)
		err = blob_record_share(txn, made.blob);
	if (!err && newest < version.number)
		err = object_key_publish_as(store, txn, bucket, key, &made,
			&version);
	else if (!err)
		err = object_key_add_older(store, txn, bucket, key, &made,
			&version);
	if (!err && newest > version.number)
		err = object_event_add(store, txn, bucket, key,
			EVENT_CREATED_PUT, &made, &version);
	return err ? err : usage_check(txn, &mark);
}

/* As object_set_attrs() does it; nothing where it has all that. */
static enum store_err
follow(struct store *store, struct db_txn *txn, uint64_t bucket,
	struct slice key, const struct object *source,
	const struct object *replica, bool *is_changed)
{
	scoped(buffer_free) struct buffer attrs = {0};
	struct version version = replica->version;
	struct inode inode = replica->inode;

	inode_attrs_merge(&attrs, inode.attrs, source->inode.attrs,
		KINDS_TO_FOLLOW);
	*is_changed = !slice_equal(buffer_slice(&attrs), inode.attrs);
	if (!*is_changed)
		return STORE_OK;
	if (attrs.len > INODE_ATTRS_MAX)
		return STORE_ATTR_TOO_BIG;
	inode.attrs = buffer_slice(&attrs);
	inode.ctime_ns = clock_now_ns();
	enum store_err err = dentry_save_inode(txn, &inode);
	if (!err)
		err = feed_append_inode(store, txn, inode.ino, false);
	return err ? err
		   : object_event_add(store, txn, bucket, key, EVENT_TAGS_PUT,
			     &inode, &version);
}

enum store_err
replica_update(struct store *store, struct db_txn *txn, uint64_t bucket,
	struct slice key, const struct object *source, bool *is_changed)
{
	struct object replica;
	enum store_err err = find(txn, bucket, key, &source->version, &replica);

	*is_changed = false;
	/* It was deleted there. */
	if (err == STORE_NOT_FOUND || (!err && replica.is_marker))
		return STORE_OK;
	return err ? err
		   : follow(store, txn, bucket, key, source, &replica,
			     is_changed);
}

enum store_err
replica_make(struct store *store, struct db_txn *txn, uint64_t bucket,
	struct slice key, const struct object *source, bool *is_changed)
{
	struct object replica;

	*is_changed = false;
	enum store_err err = expect_versions(txn, bucket);
	if (!err)
		err = find(txn, bucket, key, &source->version, &replica);
	if (!err && !replica.is_marker && !source->is_marker)
		return follow(store, txn, bucket, key, source, &replica,
			is_changed);
	if (err != STORE_NOT_FOUND)
		return err;
	*is_changed = true;
	return source->is_marker ? make_marker(store, txn, bucket, key, source)
				 : make_object(store, txn, bucket, key, source);
}
