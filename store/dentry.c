/* SPDX-License-Identifier: Apache-2.0 */
#include "store/dentry_private.h"

#include <assert.h>

#include "store/base/clock.h"
#include "store/base/codec.h"
#include "store/base/digest.h"
#include "store/blob_record_private.h"
#include "store/chunk_private.h"
#include "store/history_private.h"
#include "store/notification_private.h"
#include "store/object_event_private.h"
#include "store/session_private.h"
#include "store/tree.h"
#include "store/usage_private.h"

/* What a directory keeps when S3 puts or deletes "dir/". */
#define KINDS_OF_DIR ((1u << INODE_ATTR_XATTR) | (1u << INODE_ATTR_NAME))
#define KINDS_ALL (~0u)

enum store_err
dentry_find(struct db_txn *txn, uint64_t parent, struct slice component,
	struct record_dentry *out)
{
	struct slice rest, value;
	uint64_t node;

	enum store_err err = chunk_locate(txn, parent, component, &node, &rest);
	if (err)
		return err == STORE_NAME_TOO_LONG ? STORE_NOT_FOUND : err;
	struct key key = key_dentry(node, rest);
	err = db_get(txn, DB_DENTRY, key_slice(&key), &value);
	if (err)
		return err;
	err = record_dentry_decode(value, out);
	if (!err && out->kind == RECORD_DENTRY_CHUNK)
		err = STORE_CORRUPT;
	return err;
}

enum store_err
dentry_put(struct db_txn *txn, uint64_t parent, struct slice component,
	const struct record_dentry *dentry)
{
	scoped(buffer_free) struct buffer value = {0};
	struct slice rest;
	uint64_t node;

	enum store_err err =
		chunk_locate_or_make(txn, parent, component, &node, &rest);
	if (err)
		return err;
	struct key key = key_dentry(node, rest);
	record_dentry_encode(&value, dentry);
	return db_put(txn, DB_DENTRY, key_slice(&key), buffer_slice(&value));
}

enum store_err
dentry_remove(struct db_txn *txn, uint64_t parent, struct slice component)
{
	struct slice rest;
	uint64_t node;

	enum store_err err = chunk_locate(txn, parent, component, &node, &rest);
	if (err)
		return err == STORE_NAME_TOO_LONG ? STORE_NOT_FOUND : err;
	struct key key = key_dentry(node, rest);
	err = db_delete(txn, DB_DENTRY, key_slice(&key));
	if (err || node == parent)
		return err;
	return chunk_prune(txn, parent, component);
}

enum store_err
dentry_is_empty(struct db_txn *txn, uint64_t dir, bool *is_empty)
{
	return chunk_is_empty(txn, dir, is_empty);
}

bool
dentry_climb_is_round(struct dentry_climb *climb, uint64_t dir)
{
	if (dir == climb->mark)
		return true;
	if (climb->left-- == 0) {
		climb->mark = dir;
		climb->span = 2 * climb->span + 1;
		climb->left = climb->span;
	}
	return false;
}

enum store_err
dentry_inode(struct db_txn *txn, uint64_t ino, struct inode *out)
{
	struct key key = key_u64(ino);
	struct slice value;

	enum store_err err = db_get(txn, DB_INODE, key_slice(&key), &value);
	if (err == STORE_NOT_FOUND)
		return STORE_STALE;
	return err ? err : record_inode_decode(value, out);
}

enum store_err
dentry_find_told(struct db_txn *txn, const struct inode *inode,
	struct record_dentry *out)
{
	struct slice component;

	if (!inode_attr_find(inode->attrs, INODE_ATTR_NAME, SLICE_NULL,
		    &component))
		return STORE_NOT_FOUND;
	enum store_err err = dentry_find(txn, inode->parent, component, out);
	return !err && out->ino != inode->ino ? STORE_NOT_FOUND : err;
}

enum store_err
dentry_save_inode(struct db_txn *txn, const struct inode *inode)
{
	scoped(buffer_free) struct buffer value = {0};
	struct key key = key_u64(inode->ino);

	record_inode_encode(&value, inode);
	return db_put(txn, DB_INODE, key_slice(&key), buffer_slice(&value));
}

bool
dentry_is_visible(const struct inode *inode)
{
	if (inode_is_dir(inode))
		return inode->flags & INODE_EXPLICIT;
	return S_ISREG(inode->mode) && !(inode->flags & INODE_UNPUBLISHED);
}

/* Invariant 4. */
static bool
is_counted(const struct inode *inode)
{
	return dentry_is_visible(inode) && inode->ino != inode->bucket &&
	       !(inode->flags & INODE_MARKER);
}

int64_t
dentry_names_counted(const struct inode *inode)
{
	if (!is_counted(inode))
		return 0;
	return inode_is_dir(inode) ? 1 : (int64_t)inode->nlink;
}

enum store_err
dentry_update_inode(struct db_txn *txn, const struct inode *was,
	const struct inode *now)
{
	assert(was->ino == now->ino && was->bucket == now->bucket);
	enum store_err err = dentry_save_inode(txn, now);

	return err ? err
		   : usage_change_names(txn, was, dentry_names_counted(was),
			     now, dentry_names_counted(now));
}

enum store_err
dentry_change_bucket(struct db_txn *txn, struct inode *inode, uint64_t bucket)
{
	int64_t names = dentry_names_counted(inode);

	if (inode->bucket == bucket)
		return STORE_OK;
	enum store_err err = usage_add_names(txn, inode, -names);
	inode->bucket = bucket;
	return err ? err : usage_add_names(txn, inode, names);
}

void
dentry_apply_stat(struct inode *inode, const struct stat *stat)
{
	int64_t mtime_ns = (int64_t)stat->st_mtim.tv_sec * CLOCK_NS_PER_S +
			   stat->st_mtim.tv_nsec;
	int64_t ctime_ns = (int64_t)stat->st_ctim.tv_sec * CLOCK_NS_PER_S +
			   stat->st_ctim.tv_nsec;
	uint64_t size = (uint64_t)stat->st_size;
	uint8_t seed[32];

	if (size == inode->size && mtime_ns == inode->mtime_ns)
		return;
	codec_store_u64_big(seed, inode->blob);
	codec_store_u64_big(seed + 8, size);
	codec_store_u64_big(seed + 16, (uint64_t)mtime_ns);
	/* The one that nobody can set. */
	codec_store_u64_big(seed + 24, (uint64_t)ctime_ns);
	digest_of(DIGEST_MD5, slice_of(seed, sizeof(seed)), inode->etag.value);
	inode->etag.parts = 1;
	inode->size = size;
	inode->mtime_ns = mtime_ns;
	inode->checksum_kind = 0;
	inode->checksum_len = 0;
}

enum store_err
dentry_refresh_inode(struct store *store, struct inode *inode)
{
	struct stat stat;

	if (!(inode->flags & INODE_DIRTY) || inode->blob == 0)
		return STORE_OK;
	enum store_err err = blob_stat(store->blobs, inode->blob, &stat);
	if (err == STORE_NOT_FOUND) {
		/* Replaced since the record was read, which was whole. */
		return STORE_OK;
	}
	if (err)
		return err;
	dentry_apply_stat(inode, &stat);
	return STORE_OK;
}

enum store_err
dentry_expect_free(struct db_txn *txn, uint64_t parent, struct slice name,
	struct inode *dir)
{
	char component[TREE_NAME_MAX + 1];
	struct record_dentry dentry;

	if (name.len == 0 || memchr(name.data, '/', name.len))
		return STORE_BAD_NAME;
	if (name.len > TREE_NAME_MAX)
		return STORE_NAME_TOO_LONG;
	enum store_err err = dentry_inode(txn, parent, dir);
	if (err)
		return err;
	if (!inode_is_dir(dir))
		return STORE_NOT_DIR;
	memcpy(component, name.data, name.len);
	component[name.len] = '/';
	for (size_t len = name.len; len <= name.len + 1; len++) {
		err = dentry_find(txn, parent, slice_of(component, len),
			&dentry);
		if (err != STORE_NOT_FOUND)
			return err ? err : STORE_EXISTS;
	}
	return STORE_OK;
}

enum store_err
dentry_touch_dir(struct store *store, struct db_txn *txn, uint64_t dir,
	int subdirs)
{
	struct inode inode;

	enum store_err err = dentry_inode(txn, dir, &inode);
	if (err)
		return err;
	inode.mtime_ns = clock_now_ns();
	inode.ctime_ns = inode.mtime_ns;
	inode.nlink = (uint32_t)((int64_t)inode.nlink + subdirs);
	err = dentry_save_inode(txn, &inode);
	/* With its listing: mounts that have kept that know it by its mtime,
	 * which may be set back. */
	return err ? err : feed_append_inode(store, txn, dir, true);
}

static bool
is_dir_component(struct slice component)
{
	return component.len > 0 && component.data[component.len - 1] == '/';
}

/* "dir/" is put where there is one: all hangs on its number, so it stays. */
static enum store_err
replace_dir(struct store *store, struct db_txn *txn,
	const struct record_dentry *dentry, const struct inode *inode)
{
	scoped(buffer_free) struct buffer attrs = {0};
	struct inode was;

	enum store_err err = dentry_inode(txn, dentry->ino, &was);
	if (err)
		return err;
	struct inode now = *inode;
	now.ino = was.ino;
	now.bucket = was.bucket;
	now.parent = was.parent;
	now.mode = was.mode;
	now.uid = was.uid;
	now.gid = was.gid;
	now.nlink = was.nlink;
	now.flags = was.flags | INODE_EXPLICIT;
	now.birth_ns = was.birth_ns;
	now.access_day = inode_access_day(inode);
	inode_attrs_merge(&attrs, inode->attrs, was.attrs, KINDS_OF_DIR);
	now.attrs = buffer_slice(&attrs);
	err = dentry_update_inode(txn, &was, &now);
	if (!err)
		err = blob_record_drop(txn, was.blob);
	return err ? err : feed_append_inode(store, txn, was.ino, true);
}

struct slice
dentry_named_attrs(struct buffer *to, struct slice attrs,
	const struct slice *component)
{
	struct slice name;

	if (!component &&
		!inode_attr_find(attrs, INODE_ATTR_NAME, SLICE_NULL, &name))
		return attrs;
	inode_attr_set(to, attrs, INODE_ATTR_NAME, SLICE_NULL, component);
	return buffer_slice(to);
}

enum store_err
dentry_publish(struct store *store, struct db_txn *txn, uint64_t parent,
	struct slice component, const struct version *version,
	const struct inode *inode)
{
	scoped(buffer_free) struct buffer attrs = {0};
	struct record_dentry old = {.ino = 0};
	struct record_dentry dentry = {
		RECORD_DENTRY_FILE, inode->ino, *version};
	bool is_dir = is_dir_component(component);
	struct inode now = *inode;
	struct inode gone;
	bool is_told;

	enum store_err err =
		notification_is_there(txn, inode->bucket, &is_told);
	if (err)
		return err;
	bool is_named = is_dir || version->number || is_told;
	err = dentry_find(txn, parent, component, &old);
	if (err && err != STORE_NOT_FOUND)
		return err;
	if (!err && is_dir) {
		err = replace_dir(store, txn, &old, inode);
		old.version = *version;
		return err ? err : dentry_put(txn, parent, component, &old);
	}
	assert(old.ino != inode->ino);
	now.parent = is_named ? parent : 0;
	if (is_dir) {
		dentry.kind = RECORD_DENTRY_DIR;
		now.mode = S_IFDIR | (inode->mode & 07777);
		now.nlink = 2;
		now.flags |= INODE_EXPLICIT;
	}
	now.attrs = dentry_named_attrs(&attrs, inode->attrs,
		is_named ? &component : NULL);
	/* First of all: the attributes may lie in the map. */
	err = dentry_save_inode(txn, &now);
	if (!err && is_counted(&now))
		err = usage_add_names(txn, &now, 1);
	if (!err && old.ino)
		err = dentry_release(store, txn, old.ino, &gone);
	if (!err)
		err = dentry_put(txn, parent, component, &dentry);
	if (!err)
		err = dentry_touch_dir(store, txn, parent, is_dir);
	if (!err)
		err = feed_append_dentry(store, txn, parent, component,
			old.ino);
	return err;
}

enum store_err
dentry_forget(struct store *store, struct db_txn *txn,
	const struct inode *inode)
{
	struct key key = key_u64(inode->ino);

	/* Whoever forgot to ask. */
	if (inode_lock_holds(&inode->lock, clock_now_ns()))
		return STORE_LOCKED;
	enum store_err err = db_delete(txn, DB_INODE, key_slice(&key));
	if (!err)
		err = blob_record_drop(txn, inode->blob);
	if (!err)
		err = blob_record_drop(txn, inode->pending);
	if (!err && (inode->pending ||
			    (inode->flags & (INODE_DIRTY | INODE_UNPUBLISHED))))
		err = session_set_open(store, txn, inode->ino, 0);
	return err;
}

enum store_err
dentry_release(struct store *store, struct db_txn *txn, uint64_t ino,
	struct inode *out)
{
	enum store_err err = dentry_inode(txn, ino, out);
	if (err)
		return err;
	bool was_counted = is_counted(out);
	out->ctime_ns = clock_now_ns();
	out->nlink = inode_is_dir(out) || out->nlink == 0 ? 0 : out->nlink - 1;
	if (out->nlink > 0)
		err = dentry_save_inode(txn, out);
	else
		err = dentry_forget(store, txn, out);
	out->attrs = SLICE_NULL;
	if (!err && was_counted)
		err = usage_add_names(txn, out, -1);
	return err ? err : feed_append_inode(store, txn, ino, false);
}

/* An implicit directory has lost its last entry: takes it out of its parent,
 * which is then *dir. */
static enum store_err
remove_implicit(struct store *store, struct db_txn *txn,
	const struct inode *inode, uint64_t *dir)
{
	char component[CHUNK_NAME_MAX];
	struct inode gone;
	struct slice name;

	if (!inode_attr_find(inode->attrs, INODE_ATTR_NAME, SLICE_NULL,
		    &name) ||
		name.len > sizeof(component))
		return STORE_CORRUPT;
	memcpy(component, name.data, name.len);
	name.data = component;
	*dir = inode->parent;
	enum store_err err = dentry_remove(txn, *dir, name);
	if (err)
		return err == STORE_NOT_FOUND ? STORE_CORRUPT : err;
	err = feed_append_dentry(store, txn, *dir, name, inode->ino);
	return err ? err : dentry_release(store, txn, inode->ino, &gone);
}

/* An empty directory that the mount keeps is one that S3 lists: a new version
 * of it. */
static enum store_err
make_explicit(struct store *store, struct db_txn *txn, struct inode *inode,
	int subdirs)
{
	/* First of all: it may change what the record points to. */
	enum store_err err = history_keep_renewed(store, txn, inode);
	if (!err)
		err = dentry_inode(txn, inode->ino, inode);
	if (err)
		return err;
	struct inode now = *inode;

	now.flags |= INODE_EXPLICIT;
	now.nlink = (uint32_t)((int64_t)now.nlink + subdirs);
	now.mtime_ns = clock_now_ns();
	now.ctime_ns = now.mtime_ns;
	digest_of(DIGEST_MD5, SLICE_NULL, now.etag.value);
	err = dentry_update_inode(txn, inode, &now);
	if (!err)
		err = feed_append_inode(store, txn, now.ino, false);
	if (!err)
		err = dentry_inode(txn, now.ino, inode);
	return err ? err : object_event_add_told(store, txn, inode);
}

enum store_err
dentry_settle_dir(struct store *store, struct db_txn *txn, uint64_t dir,
	int subdirs, bool is_s3)
{
	for (;;) {
		struct inode inode;
		bool is_empty;

		enum store_err err = dentry_inode(txn, dir, &inode);
		if (err)
			return err;
		if (inode.ino == inode.bucket ||
			(inode.flags & (INODE_EXPLICIT | INODE_NONCURRENT)))
			return dentry_touch_dir(store, txn, dir, subdirs);
		err = dentry_is_empty(txn, dir, &is_empty);
		if (err)
			return err;
		if (!is_empty)
			return dentry_touch_dir(store, txn, dir, subdirs);
		if (!is_s3)
			return make_explicit(store, txn, &inode, subdirs);
		err = remove_implicit(store, txn, &inode, &dir);
		if (err)
			return err;
		subdirs = -1;
	}
}

/* S3 deletes "dir/", but there are keys below. */
static enum store_err
make_dir_implicit(struct store *store, struct db_txn *txn,
	const struct inode *was, struct inode *out)
{
	scoped(buffer_free) struct buffer attrs = {0};
	struct inode now = *was;

	if (!(was->flags & INODE_EXPLICIT))
		return STORE_NOT_FOUND;
	if (inode_lock_holds(&was->lock, clock_now_ns()))
		return STORE_LOCKED;
	now.lock = (struct inode_lock){0};
	now.flags &= ~(uint32_t)INODE_EXPLICIT;
	now.size = 0;
	now.blob = 0;
	now.ctime_ns = clock_now_ns();
	now.etag = (struct inode_etag){.parts = 0};
	now.checksum_kind = 0;
	now.checksum_len = 0;
	inode_attrs_merge(&attrs, was->attrs, SLICE_NULL,
		KINDS_ALL & ~KINDS_OF_DIR);
	now.attrs = buffer_slice(&attrs);
	enum store_err err = dentry_update_inode(txn, was, &now);
	if (!err)
		err = blob_record_drop(txn, was->blob);
	if (!err)
		err = feed_append_inode(store, txn, now.ino, true);
	*out = now;
	out->attrs = SLICE_NULL;
	return err;
}

enum store_err
dentry_unlink(struct store *store, struct db_txn *txn, uint64_t parent,
	struct slice component, bool is_s3, struct inode *out)
{
	struct record_dentry dentry;
	struct inode inode;
	bool is_empty = true;

	enum store_err err = dentry_find(txn, parent, component, &dentry);
	if (err)
		return err;
	bool is_dir = dentry.kind == RECORD_DENTRY_DIR;
	if (is_dir) {
		err = dentry_inode(txn, dentry.ino, &inode);
		if (!err)
			err = dentry_is_empty(txn, dentry.ino, &is_empty);
		if (err)
			return err;
	}
	if (!is_empty)
		return is_s3 ? make_dir_implicit(store, txn, &inode, out)
			     : STORE_NOT_EMPTY;
	err = dentry_remove(txn, parent, component);
	if (!err)
		err = feed_append_dentry(store, txn, parent, component,
			dentry.ino);
	if (!err)
		err = dentry_release(store, txn, dentry.ino, out);
	return err ? err
		   : dentry_settle_dir(store, txn, parent, -is_dir, is_s3);
}
