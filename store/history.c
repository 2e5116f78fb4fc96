/* SPDX-License-Identifier: Apache-2.0 */
#include "store/history_null_private.h"

#include <stdio.h>

#include "store/base/clock.h"
#include "store/meta/key.h"
#include "store/object_event_private.h"
#include "store/object_key_private.h"

/* What is gone through of a key to count some of its rows. */
#define ROWS_MAX 1024

void
history_row_free(struct history_row *row)
{
	buffer_free(&row->component);
}

enum store_err
history_of(struct db_txn *txn, uint64_t bucket, struct record_versions *out)
{
	struct key key = key_u64(bucket);
	struct slice value;

	*out = (struct record_versions){.versioning = VERSIONING_NEVER};
	enum store_err err = db_get(txn, DB_VERSION, key_slice(&key), &value);
	if (err)
		return err == STORE_NOT_FOUND ? STORE_OK : err;
	return record_versions_decode(value, out);
}

enum store_err
history_of_name(struct db_txn *txn, uint64_t bucket, uint64_t parent,
	struct slice component, struct record_versions *out, struct buffer *key)
{
	enum store_err err = history_of(txn, bucket, out);
	if (err || out->versioning == VERSIONING_NEVER)
		return err;
	err = dentry_spell(txn, parent, component, key);
	if (!err && object_key_validate(buffer_slice(key)))
		out->versioning = VERSIONING_NEVER;
	return err;
}

/* Hangs nowhere. */
static enum store_err
make_root(struct db_txn *txn, uint64_t bucket, uint64_t *ino)
{
	struct inode root = {
		.bucket = bucket,
		.mode = S_IFDIR | 0755,
		.nlink = 2,
		.flags = INODE_FROM_S3 | INODE_NONCURRENT,
	};

	root.mtime_ns = clock_now_ns();
	root.atime_ns = root.mtime_ns;
	root.ctime_ns = root.mtime_ns;
	root.birth_ns = root.mtime_ns;
	enum store_err err = commit_new_number(txn, &root.ino);
	*ino = root.ino;
	return err ? err : dentry_save_inode(txn, &root);
}

static enum store_err
save(struct db_txn *txn, uint64_t bucket, const struct record_versions *of)
{
	scoped(buffer_free) struct buffer value = {0};
	struct key key = key_u64(bucket);

	record_versions_encode(&value, of);
	return db_put(txn, DB_VERSION, key_slice(&key), buffer_slice(&value));
}

enum store_err
history_set(struct db_txn *txn, uint64_t bucket, enum versioning versioning)
{
	struct record_versions of;

	enum store_err err = history_of(txn, bucket, &of);
	if (!err && of.versioning == VERSIONING_NEVER)
		err = make_root(txn, bucket, &of.history);
	if (!err && of.lock.is_enabled && versioning != VERSIONING_ENABLED)
		err = STORE_LOCKED;
	if (err)
		return err;
	of.versioning = versioning;
	return save(txn, bucket, &of);
}

enum store_err
history_set_lock(struct db_txn *txn, uint64_t bucket,
	const struct inode_lock_rule *rule)
{
	struct record_versions of;

	enum store_err err = history_of(txn, bucket, &of);
	if (!err && of.versioning != VERSIONING_ENABLED)
		err = STORE_INVALID;
	if (err)
		return err;
	of.lock = *rule;
	of.lock.is_enabled = true;
	return save(txn, bucket, &of);
}

enum store_err
history_is_empty(struct db_txn *txn, uint64_t bucket, bool *is_empty)
{
	struct record_versions of;

	*is_empty = true;
	enum store_err err = history_of(txn, bucket, &of);
	return err || of.versioning == VERSIONING_NEVER
		       ? err
		       : dentry_is_empty(txn, of.history, is_empty);
}

enum store_err
history_end(struct db_txn *txn, uint64_t bucket)
{
	struct key key = key_u64(bucket);
	struct record_versions of;

	enum store_err err = history_of(txn, bucket, &of);
	if (err || of.versioning == VERSIONING_NEVER)
		return err;
	struct key root = key_u64(of.history);
	err = db_delete(txn, DB_VERSION, key_slice(&key));
	return err ? err : db_delete(txn, DB_INODE, key_slice(&root));
}

bool
history_is_meant(const struct record_dentry *dentry,
	const struct version_ref *ref)
{
	if (ref->which == VERSION_NULL)
		return version_is_null(&dentry->version);
	return ref->which == VERSION_NUMBER &&
	       !version_is_null(&dentry->version) &&
	       dentry->version.number == ref->number;
}

/* --- where they hang ---------------------------------------------------- */

static void
append_suffix(struct buffer *key, uint64_t number)
{
	buffer_append_char(key, 0);
	history_null_append_digits(key, number);
}

/* The rows of a key, from the newest on; path is what component points into. */
static enum store_err
open_rows(struct db_txn *txn, const struct record_versions *of,
	struct slice key, struct buffer *path, uint64_t *parent,
	struct slice *component, struct dentry_cursor **cursor)
{
	if (of->versioning == VERSIONING_NEVER)
		return STORE_NOT_FOUND;
	buffer_append(path, key);
	buffer_append_char(path, 0);
	enum store_err err = dentry_locate(txn, of->history, buffer_slice(path),
		parent, component);
	return err ? err
		   : dentry_cursor_open(txn, *parent, *component, false,
			     cursor);
}

/* NOT_FOUND: that was the last one. */
static enum store_err
next_row(struct dentry_cursor *cursor, struct slice component,
	struct slice *found, struct record_dentry *dentry)
{
	enum store_err err = dentry_cursor_next(cursor, found, dentry);

	return !err && !slice_has_prefix(*found, component) ? STORE_NOT_FOUND
							    : err;
}

/* The newest entry of the key that is meant; NULL: any. */
static enum store_err
search(struct db_txn *txn, const struct record_versions *of, struct slice key,
	const struct version_ref *meant, struct history_row *row)
{
	scoped(dentry_cursor_close) struct dentry_cursor *cursor = NULL;
	scoped(buffer_free) struct buffer path = {0};
	struct slice component, found;

	enum store_err err = open_rows(txn, of, key, &path, &row->parent,
		&component, &cursor);
	while (!err) {
		err = next_row(cursor, component, &found, &row->dentry);
		if (err || !meant || history_is_meant(&row->dentry, meant))
			break;
	}
	if (err)
		return err;
	buffer_clear(&row->component);
	buffer_append(&row->component, found);
	return STORE_OK;
}

static enum store_err
find_null(struct db_txn *txn, const struct record_versions *of,
	struct slice key, struct history_row *row)
{
	static const struct version_ref null = {.which = VERSION_NULL};
	scoped(buffer_free) struct buffer path = {0};
	bool is_complete = false;
	struct slice stem;
	uint64_t dir;

	if (of->versioning == VERSIONING_NEVER)
		return STORE_NOT_FOUND;
	buffer_append(&path, key);
	buffer_append_char(&path, 0);
	enum store_err err = dentry_locate(txn, of->history,
		buffer_slice(&path), &dir, &stem);
	if (err)
		return err;
	err = history_null_find(txn, dir, stem, row);
	if (err == STORE_NOT_FOUND) {
		err = history_null_run_is_complete(txn, &is_complete);
		if (err || is_complete)
			return err ? err : STORE_NOT_FOUND;
	} else if (err != STORE_STALE) {
		return err;
	}
	/* An older tarn has been here. */
	return search(txn, of, key, &null, row);
}

enum store_err
history_find(struct db_txn *txn, const struct record_versions *of,
	struct slice key, const struct version_ref *ref,
	struct history_row *row)
{
	scoped(buffer_free) struct buffer path = {0};
	struct slice component;

	if (ref->which == VERSION_NULL)
		return find_null(txn, of, key, row);
	if (of->versioning == VERSIONING_NEVER)
		return STORE_NOT_FOUND;
	buffer_append(&path, key);
	append_suffix(&path, ref->number);
	enum store_err err = dentry_locate(txn, of->history,
		buffer_slice(&path), &row->parent, &component);
	if (!err)
		err = dentry_find(txn, row->parent, component, &row->dentry);
	if (!err && !history_is_meant(&row->dentry, ref))
		err = STORE_NOT_FOUND;
	if (err)
		return err;
	buffer_clear(&row->component);
	buffer_append(&row->component, component);
	return STORE_OK;
}

enum store_err
history_newest(struct db_txn *txn, const struct record_versions *of,
	struct slice key, struct history_row *row)
{
	return search(txn, of, key, NULL, row);
}

enum store_err
history_count_newer(struct db_txn *txn, const struct record_versions *of,
	struct slice key, uint64_t number, uint32_t max, uint32_t *count,
	uint32_t *looked)
{
	scoped(dentry_cursor_close) struct dentry_cursor *cursor = NULL;
	scoped(buffer_free) struct buffer path = {0};
	struct record_dentry dentry;
	struct slice component, found;
	uint64_t parent;
	struct inode inode;

	*count = 0;
	if (max == 0)
		return STORE_OK;
	enum store_err err =
		open_rows(txn, of, key, &path, &parent, &component, &cursor);
	for (int i = 0; i < ROWS_MAX && *count < max && !err; i++) {
		++*looked;
		err = next_row(cursor, component, &found, &dentry);
		if (err || dentry.version.number <= number)
			break;
		err = dentry_inode(txn, dentry.ino, &inode);
		*count += !err && !(inode.flags & INODE_MARKER);
	}
	return err == STORE_NOT_FOUND ? STORE_OK : err;
}

enum store_err
history_is_alone(struct db_txn *txn, const struct record_versions *of,
	struct slice key, bool *out)
{
	scoped(dentry_cursor_close) struct dentry_cursor *cursor = NULL;
	scoped(buffer_free) struct buffer path = {0};
	struct record_dentry dentry;
	struct slice component, found;
	uint64_t parent;

	*out = false;
	enum store_err err =
		open_rows(txn, of, key, &path, &parent, &component, &cursor);
	if (!err)
		err = next_row(cursor, component, &found, &dentry);
	if (err)
		return err == STORE_NOT_FOUND ? STORE_OK : err;
	err = next_row(cursor, component, &found, &dentry);
	*out = err == STORE_NOT_FOUND;
	return *out ? STORE_OK : err;
}

enum store_err
history_hang(struct store *store, struct db_txn *txn,
	const struct record_versions *of, uint64_t bucket, struct slice key,
	const struct record_dentry *dentry)
{
	scoped(buffer_free) struct buffer path = {0};
	struct slice component;
	uint64_t parent;

	buffer_append(&path, key);
	append_suffix(&path, dentry->version.number);
	enum store_err err = dentry_locate_or_make(store, txn, of->history,
		bucket, buffer_slice(&path), &parent, &component);
	if (!err)
		err = dentry_put(txn, parent, component, dentry);
	return err || !version_is_null(&dentry->version)
		       ? err
		       : history_null_put(txn, parent, component,
				 dentry->version.number);
}

enum store_err
history_drop(struct store *store, struct db_txn *txn, struct history_row *row)
{
	struct inode gone;

	enum store_err err = history_null_remove(txn, row);
	return err ? err
		   : dentry_unlink(store, txn, row->parent,
			     buffer_slice(&row->component), true, &gone);
}

/* --- names -------------------------------------------------------------- */

static enum store_err
drop_null(struct store *store, struct db_txn *txn,
	const struct record_versions *of, struct slice key)
{
	static const struct version_ref null = {.which = VERSION_NULL};
	scoped(history_row_free) struct history_row row = {0};

	enum store_err err = history_find(txn, of, key, &null, &row);
	if (err)
		return err == STORE_NOT_FOUND ? STORE_OK : err;
	return history_drop(store, txn, &row);
}

enum store_err
history_reserve(struct db_txn *txn, uint64_t bucket, struct version *out)
{
	struct record_versions of;

	*out = (struct version){.number = 0};
	enum store_err err = history_of(txn, bucket, &of);
	if (err || of.versioning == VERSIONING_NEVER)
		return err;
	out->is_null = of.versioning == VERSIONING_SUSPENDED;
	return commit_new_number(txn, &out->number);
}

/* The next version of the key, which everybody sees. */
static enum store_err
begin(struct store *store, struct db_txn *txn, const struct record_versions *of,
	uint64_t bucket, struct slice key, struct version *out)
{
	enum store_err err = history_reserve(txn, bucket, out);

	return err || !out->is_null ? err : drop_null(store, txn, of, key);
}

enum store_err
history_begin(struct store *store, struct db_txn *txn, uint64_t bucket,
	uint64_t parent, struct slice component, struct version *out)
{
	scoped(buffer_free) struct buffer key = {0};
	struct record_versions of;

	*out = (struct version){.number = 0};
	enum store_err err =
		history_of_name(txn, bucket, parent, component, &of, &key);
	if (err || of.versioning == VERSIONING_NEVER)
		return err;
	return begin(store, txn, &of, bucket, buffer_slice(&key), out);
}

/* as: NULL for a new one. */
static enum store_err
mark(struct store *store, struct db_txn *txn, uint64_t bucket, struct slice key,
	const struct history_marker *as, struct version *marker)
{
	struct record_dentry dentry = {.kind = RECORD_DENTRY_FILE};
	struct record_versions of;
	struct inode inode = {
		.bucket = bucket,
		.mode = S_IFREG,
		.nlink = 1,
		.flags = INODE_FROM_S3 | INODE_NONCURRENT | INODE_MARKER,
	};

	inode.ctime_ns = clock_now_ns();
	inode.mtime_ns = as ? as->mtime_ns : inode.ctime_ns;
	inode.atime_ns = inode.mtime_ns;
	inode.birth_ns = inode.mtime_ns;
	enum store_err err = history_of(txn, bucket, &of);
	if (as)
		*marker = as->version;
	else if (!err)
		err = begin(store, txn, &of, bucket, key, marker);
	if (!err)
		err = commit_new_number(txn, &inode.ino);
	if (!err)
		err = dentry_save_inode(txn, &inode);
	dentry.ino = inode.ino;
	dentry.version = *marker;
	if (!err)
		err = history_hang(store, txn, &of, bucket, key, &dentry);
	return err ? err
		   : object_event_add(store, txn, bucket, key,
			     EVENT_REMOVED_MARKER, NULL, marker);
}

enum store_err
history_mark(struct store *store, struct db_txn *txn, uint64_t bucket,
	struct slice key, struct version *marker)
{
	return mark(store, txn, bucket, key, NULL, marker);
}

enum store_err
history_mark_as(struct store *store, struct db_txn *txn, uint64_t bucket,
	struct slice key, const struct history_marker *as)
{
	struct version marker;

	return mark(store, txn, bucket, key, as, &marker);
}
