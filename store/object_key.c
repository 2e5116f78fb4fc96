/* SPDX-License-Identifier: Apache-2.0 */
#include "store/object_key_private.h"

#include <string.h>

#include "store/base/clock.h"
#include "store/base/digest.h"
#include "store/history_private.h"
#include "store/lock.h"
#include "store/lock_private.h"
#include "store/sealed.h"
#include "store/session_private.h"
#include "store/tree.h"
#include "store/upload_private.h"

/* Modes of what S3 makes; mounts show their own owner and umask. */
#define MODE_FILE (S_IFREG | 0644)
#define MODE_DIR (S_IFDIR | 0755)

static bool
is_dir_key(struct slice key)
{
	return slice_has_suffix(key, SLICE("/"));
}

enum store_err
object_key_validate(struct slice key)
{
	if (key.len > TREE_KEY_MAX)
		return STORE_KEY_TOO_LONG;
	/* A NUL ends a key in the history. */
	if (!key.len || !slice_is_utf8(key) || slice_find_char(key, 0) >= 0)
		return STORE_BAD_NAME;
	return STORE_OK;
}

static enum store_err
find(struct db_txn *txn, uint64_t bucket, struct slice key,
	struct record_dentry *dentry, struct inode *out)
{
	struct slice component;
	uint64_t parent;
	enum store_err err;

	err = object_key_validate(key);
	if (err)
		return err;
	err = dentry_locate(txn, bucket, key, &parent, &component);
	if (err)
		return err;
	err = dentry_find(txn, parent, component, dentry);
	if (err)
		return err;
	err = dentry_inode(txn, dentry->ino, out);
	if (err)
		return err == STORE_STALE ? STORE_CORRUPT : err;
	return dentry_is_visible(out) ? STORE_OK : STORE_NOT_FOUND;
}

enum store_err
object_key_find(struct db_txn *txn, uint64_t bucket, struct slice key,
	struct inode *out)
{
	struct record_dentry dentry;

	return find(txn, bucket, key, &dentry, out);
}

/* One that is older, or a marker. */
static enum store_err
find_older(struct db_txn *txn, const struct record_versions *of,
	struct slice key, const struct version_ref *ref, struct object *out)
{
	scoped(history_row_free) struct history_row row = {0};
	bool is_current = ref->which == VERSION_CURRENT;

	enum store_err err = is_current ? history_newest(txn, of, key, &row)
					: history_find(txn, of, key, ref, &row);
	if (!err)
		err = dentry_inode(txn, row.dentry.ino, &out->inode);
	if (err)
		return err == STORE_STALE ? STORE_CORRUPT : err;
	out->is_marker = (out->inode.flags & INODE_MARKER) != 0;
	if (out->is_marker || !is_current)
		out->version = row.dentry.version;
	return out->is_marker || is_current ? STORE_NOT_FOUND : STORE_OK;
}

enum store_err
object_key_find_version(struct db_txn *txn, uint64_t bucket, struct slice key,
	const struct version_ref *ref, struct object *out)
{
	struct record_dentry dentry;
	struct record_versions of;

	*out = (struct object){0};
	enum store_err err = history_of(txn, bucket, &of);
	if (err)
		return err;
	out->versioning = of.versioning;
	err = find(txn, bucket, key, &dentry, &out->inode);
	if (!err && (ref->which == VERSION_CURRENT ||
			    history_is_meant(&dentry, ref))) {
		out->version = dentry.version;
		return STORE_OK;
	}
	if (err && err != STORE_NOT_FOUND)
		return err;
	return find_older(txn, &of, key, ref, out);
}

enum store_err
object_key_meets_nothing(const struct object_condition *condition)
{
	if (condition->must_match)
		return STORE_NOT_FOUND;
	return condition->must_exist ? STORE_PRECONDITION : STORE_OK;
}

enum store_err
object_key_meets(struct store *store, const struct object_condition *condition,
	struct inode *inode)
{
	enum store_err err;

	if (condition->must_not_exist)
		return STORE_PRECONDITION;
	if (!condition->must_match)
		return STORE_OK;
	/* A file being written in place: readers are told the ETag of now. */
	err = dentry_refresh_inode(store, inode);
	if (err)
		return err;
	return inode_etag_equal(condition->must_match, &inode->etag)
		       ? STORE_OK
		       : STORE_PRECONDITION;
}

enum store_err
object_key_check(struct store *store, struct db_txn *txn, uint64_t bucket,
	struct slice key, const struct object_condition *condition,
	bool *is_there)
{
	static const struct object_condition nothing;
	const struct object_condition *asked = condition ? condition : &nothing;
	struct inode inode;
	enum store_err err = object_key_find(txn, bucket, key, &inode);

	if (is_there)
		*is_there = !err;
	if (err == STORE_NOT_FOUND)
		return object_key_meets_nothing(asked);
	return err ? err : object_key_meets(store, asked, &inode);
}

/* It may be without being dirty: session_private.h, rule 3. */
enum store_err
object_key_is_written(struct store *store, struct db_txn *txn,
	const struct inode *inode, bool *out)
{
	*out = (inode->flags & INODE_DIRTY) != 0;
	if (*out)
		return STORE_OK;
	enum store_err err = session_has_open(txn, 0, inode->ino, true, out);
	if (!err && !*out && inode->blob && !sealed_is(inode))
		*out = blob_has_writer(store->blobs, inode->blob);
	return err;
}

void
object_key_strip_maker(struct buffer *to, struct slice attrs)
{
	scoped(buffer_free) struct buffer rest = {0};

	inode_attr_set(&rest, attrs, INODE_ATTR_PART, UPLOAD_ATTR_ID, NULL);
	inode_attr_set(to, buffer_slice(&rest), INODE_ATTR_PART,
		OBJECT_KEY_ATTR_RENAME, NULL);
}

bool
object_key_is_checksum(unsigned kind, size_t len)
{
	if (!kind)
		return !len;
	return digest_is_kind(kind) &&
	       len == digest_len((enum digest_kind)kind);
}

enum store_err
object_key_describe(const struct object_attrs *attrs, struct inode *out)
{
	*out = (struct inode){
		.mtime_ns = attrs->mtime_ns ? attrs->mtime_ns : clock_now_ns(),
		.etag = attrs->etag,
		.checksum_kind = attrs->checksum_kind,
		.is_checksum_composite = attrs->is_checksum_composite,
		.checksum_parts = attrs->checksum_parts,
		.checksum_len = attrs->checksum_len,
		.attrs = attrs->attrs,
	};
	memcpy(out->checksum, attrs->checksum, sizeof(out->checksum));
	if (attrs->attrs.len > INODE_ATTRS_MAX)
		return STORE_ATTR_TOO_BIG;
	if (!inode_attrs_are_valid(attrs->attrs) ||
		!object_key_is_checksum(attrs->checksum_kind,
			attrs->checksum_len))
		return STORE_INVALID;
	return lock_cut_attr(&out->attrs, &out->lock);
}

/* What all that S3 makes has in common. */
static enum store_err
fill_new(struct db_txn *txn, uint64_t bucket, uint32_t mode,
	struct inode *inode)
{
	int64_t now = clock_now_ns();

	inode->bucket = bucket;
	inode->parent = 0;
	inode->mode = mode;
	inode->uid = 0;
	inode->gid = 0;
	inode->nlink = 1;
	inode->rdev = 0;
	inode->flags = INODE_FROM_S3;
	inode->pending = 0;
	inode->atime_ns = now;
	inode->ctime_ns = now;
	inode->birth_ns = now;
	inode->access_day = 0;
	return commit_new_number(txn, &inode->ino);
}

/* As history_name_publish_as() has it. */
static enum store_err
publish(struct store *store, struct db_txn *txn, uint64_t bucket,
	struct slice key, struct inode *inode, const struct version *as,
	struct version *version)
{
	struct slice component;
	uint64_t parent;
	enum store_err err;

	err = dentry_locate_or_make(store, txn, bucket, bucket, key, &parent,
		&component);
	if (!err)
		err = fill_new(txn, bucket,
			is_dir_key(key) ? MODE_DIR : MODE_FILE, inode);
	if (err)
		return err;
	return as ? history_name_publish_as(store, txn, parent, component,
			    inode, as)
		  : history_name_publish(store, txn, parent, component, inode,
			    version);
}

enum store_err
object_key_publish(struct store *store, struct db_txn *txn, uint64_t bucket,
	struct slice key, struct inode *inode, struct version *version)
{
	return publish(store, txn, bucket, key, inode, NULL, version);
}

enum store_err
object_key_publish_as(struct store *store, struct db_txn *txn, uint64_t bucket,
	struct slice key, struct inode *inode, const struct version *as)
{
	return publish(store, txn, bucket, key, inode, as, NULL);
}

enum store_err
object_key_add_older(struct store *store, struct db_txn *txn, uint64_t bucket,
	struct slice key, struct inode *inode, const struct version *as)
{
	struct record_dentry dentry = {RECORD_DENTRY_FILE, 0, *as};
	struct record_versions of;
	struct inode none;

	enum store_err err = history_of(txn, bucket, &of);
	if (!err)
		err = fill_new(txn, bucket, MODE_FILE, inode);
	if (err)
		return err;
	inode->flags |= INODE_NONCURRENT;
	if (of.lock.is_enabled)
		lock_begin(&of.lock, &inode->lock);
	none = *inode;
	none.flags = INODE_UNPUBLISHED;
	dentry.ino = inode->ino;
	err = dentry_update_inode(txn, &none, inode);
	return err ? err : history_hang(store, txn, &of, bucket, key, &dentry);
}

enum store_err
object_key_remove(struct store *store, struct db_txn *txn, uint64_t bucket,
	struct slice key, struct version *marker)
{
	struct slice component;
	struct inode gone;
	uint64_t parent;
	enum store_err err;

	err = dentry_locate(txn, bucket, key, &parent, &component);
	if (err)
		return err;
	return history_name_unlink(store, txn, parent, component, true, &gone,
		marker);
}
