/* SPDX-License-Identifier: Apache-2.0 */
#include "store/chunk_private.h"

#include "store/commit_private.h"

static enum store_err
find_node(struct db_txn *txn, const struct key *key, uint64_t *node)
{
	struct record_dentry dentry;
	struct slice value;

	enum store_err err = db_get(txn, DB_DENTRY, key_slice(key), &value);
	if (err)
		return err;
	err = record_dentry_decode(value, &dentry);
	if (err)
		return err;
	if (dentry.kind != RECORD_DENTRY_CHUNK)
		return STORE_CORRUPT;
	*node = dentry.ino;
	return STORE_OK;
}

static enum store_err
make_node(struct db_txn *txn, const struct key *key, uint64_t *node)
{
	scoped(buffer_free) struct buffer value = {0};
	struct record_dentry dentry = {.kind = RECORD_DENTRY_CHUNK};

	enum store_err err = commit_new_number(txn, &dentry.ino);
	if (err)
		return err;
	record_dentry_encode(&value, &dentry);
	*node = dentry.ino;
	return db_put(txn, DB_DENTRY, key_slice(key), buffer_slice(&value));
}

static enum store_err
walk(struct db_txn *txn, uint64_t parent, struct slice component, bool make,
	uint64_t *node, struct slice *rest)
{
	if (component.len > CHUNK_NAME_MAX)
		return STORE_NAME_TOO_LONG;
	while (component.len >= KEY_CHUNK) {
		struct key key =
			key_dentry(parent, slice_first(component, KEY_CHUNK));
		enum store_err err = find_node(txn, &key, &parent);
		if (err == STORE_NOT_FOUND && make)
			err = make_node(txn, &key, &parent);
		if (err)
			return err;
		component = slice_from(component, KEY_CHUNK);
	}
	*node = parent;
	*rest = component;
	return STORE_OK;
}

enum store_err
chunk_locate(struct db_txn *txn, uint64_t parent, struct slice component,
	uint64_t *node, struct slice *rest)
{
	return walk(txn, parent, component, false, node, rest);
}

enum store_err
chunk_locate_or_make(struct db_txn *txn, uint64_t parent,
	struct slice component, uint64_t *node, struct slice *rest)
{
	return walk(txn, parent, component, true, node, rest);
}

enum store_err
chunk_prune(struct db_txn *txn, uint64_t parent, struct slice component)
{
	struct key keys[CHUNK_DEPTH_MAX];
	uint64_t nodes[CHUNK_DEPTH_MAX];
	size_t depth = 0;

	while (component.len >= KEY_CHUNK && depth < CHUNK_DEPTH_MAX) {
		keys[depth] =
			key_dentry(parent, slice_first(component, KEY_CHUNK));
		enum store_err err = find_node(txn, &keys[depth], &parent);
		if (err)
			return err;
		nodes[depth++] = parent;
		component = slice_from(component, KEY_CHUNK);
	}
	while (depth-- > 0) {
		bool is_empty;
		enum store_err err =
			chunk_is_empty(txn, nodes[depth], &is_empty);
		if (err || !is_empty)
			return err;
		err = db_delete(txn, DB_DENTRY, key_slice(&keys[depth]));
		if (err)
			return err;
	}
	return STORE_OK;
}

enum store_err
chunk_is_empty(struct db_txn *txn, uint64_t node, bool *is_empty)
{
	scoped(db_cursor_close) struct db_cursor cursor = {0};
	struct key key = key_dentry(node, SLICE_NULL);
	struct slice name;
	uint64_t first;

	enum store_err err = db_cursor_open(txn, DB_DENTRY, &cursor);
	if (err)
		return err;
	err = db_cursor_seek(&cursor, key_slice(&key));
	*is_empty = err == STORE_NOT_FOUND;
	if (err)
		return *is_empty ? STORE_OK : err;
	err = key_split_dentry(cursor.key, &first, &name);
	*is_empty = !err && first != node;
	return err;
}
