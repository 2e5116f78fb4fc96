/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 1. nodes[0] is the directory, nodes[depth] where the table's cursor is;
 *    long_name begins with the depth * KEY_CHUNK bytes that lead there.
 * 2. is_at: the table's cursor stands on an entry not yet given out.
 */
#include <assert.h>
#include <stdlib.h>

#include "store/chunk_private.h"
#include "store/dentry_private.h"

struct dentry_cursor {
	struct db_txn *txn;
	struct db_cursor table;
	uint64_t nodes[CHUNK_DEPTH_MAX];
	size_t depth;
	bool is_at;
	bool is_end;
	char long_name[KEY_CHUNK * CHUNK_DEPTH_MAX];
};

/* Puts the table's cursor on the first entry >= name below the last node, or
 * on what comes after all of its entries. */
static enum store_err
seek_table(struct dentry_cursor *cursor, struct slice name, bool is_after)
{
	struct key key = key_dentry(cursor->nodes[cursor->depth], name);

	enum store_err err = db_cursor_seek(&cursor->table, key_slice(&key));
	if (!err && is_after && slice_equal(cursor->table.key, key_slice(&key)))
		err = db_cursor_next(&cursor->table);
	cursor->is_at = !err;
	cursor->is_end = false;
	if (err == STORE_NOT_FOUND) {
		/* The end of the table: also the end of this node. */
		cursor->is_end = true;
		return STORE_OK;
	}
	return err;
}

/* Enters the chunk node that the name begins with. */
static enum store_err
enter(struct dentry_cursor *cursor, struct slice name, uint64_t node)
{
	if (cursor->depth + 1 >= CHUNK_DEPTH_MAX || name.len != KEY_CHUNK)
		return STORE_CORRUPT;
	memcpy(cursor->long_name + cursor->depth * KEY_CHUNK, name.data,
		KEY_CHUNK);
	cursor->nodes[++cursor->depth] = node;
	return STORE_OK;
}

static enum store_err
leave(struct dentry_cursor *cursor)
{
	cursor->depth--;
	return seek_table(cursor,
		slice_of(cursor->long_name + cursor->depth * KEY_CHUNK,
			KEY_CHUNK),
		true);
}

static enum store_err
position(struct dentry_cursor *cursor, struct slice start, bool is_after)
{
	cursor->depth = 0;
	while (start.len >= KEY_CHUNK) {
		struct slice name = slice_first(start, KEY_CHUNK), rest;
		uint64_t node;
		/* No name is as long as that: what is found is above. */
		if (cursor->depth + 1 == CHUNK_DEPTH_MAX)
			return seek_table(cursor, name, false);
		enum store_err err = chunk_locate(cursor->txn,
			cursor->nodes[cursor->depth], name, &node, &rest);
		if (err == STORE_NOT_FOUND)
			return seek_table(cursor, name, false);
		if (!err)
			err = enter(cursor, name, node);
		if (err)
			return err;
		start = slice_from(start, KEY_CHUNK);
	}
	return seek_table(cursor, start, is_after);
}

enum store_err
dentry_cursor_open(struct db_txn *txn, uint64_t dir, struct slice start,
	bool is_after, struct dentry_cursor **out)
{
	struct dentry_cursor *cursor = calloc(1, sizeof(*cursor));

	if (!cursor)
		error_out_of_memory();
	cursor->txn = txn;
	enum store_err err = db_cursor_open(txn, DB_DENTRY, &cursor->table);
	if (!err)
		err = dentry_cursor_restart(cursor, dir, start, is_after);
	if (err) {
		dentry_cursor_close(&cursor);
		return err;
	}
	*out = cursor;
	return STORE_OK;
}

void
dentry_cursor_close(struct dentry_cursor **cursor)
{
	if (!*cursor)
		return;
	db_cursor_close(&(*cursor)->table);
	free(*cursor);
	*cursor = NULL;
}

enum store_err
dentry_cursor_restart(struct dentry_cursor *cursor, uint64_t dir,
	struct slice start, bool is_after)
{
	cursor->nodes[0] = dir;
	return position(cursor, start, is_after);
}

/* Moves to the next entry of the table that lies below the last node. */
static enum store_err
advance(struct dentry_cursor *cursor, struct slice *name)
{
	uint64_t node;

	if (!cursor->is_at && !cursor->is_end) {
		enum store_err err = db_cursor_next(&cursor->table);
		if (err == STORE_NOT_FOUND)
			cursor->is_end = true;
		else if (err)
			return err;
	}
	if (cursor->is_end)
		return STORE_NOT_FOUND;
	cursor->is_at = false;
	enum store_err err = key_split_dentry(cursor->table.key, &node, name);
	if (err)
		return err;
	if (node == cursor->nodes[cursor->depth])
		return STORE_OK;
	cursor->is_end = true;
	return STORE_NOT_FOUND;
}

static struct slice
whole_name(struct dentry_cursor *cursor, struct slice name)
{
	size_t before = cursor->depth * KEY_CHUNK;

	if (before == 0)
		return name;
	memcpy(cursor->long_name + before, name.data, name.len);
	return slice_of(cursor->long_name, before + name.len);
}

enum store_err
dentry_cursor_next(struct dentry_cursor *cursor, struct slice *component,
	struct record_dentry *dentry)
{
	struct slice name;

	for (;;) {
		enum store_err err = advance(cursor, &name);
		if (err == STORE_NOT_FOUND && cursor->depth > 0) {
			err = leave(cursor);
			if (err)
				return err;
			continue;
		}
		if (err)
			return err;
		err = record_dentry_decode(cursor->table.value, dentry);
		if (err)
			return err;
		if (dentry->kind != RECORD_DENTRY_CHUNK) {
			if (name.len >= KEY_CHUNK)
				return STORE_CORRUPT;
			*component = whole_name(cursor, name);
			return STORE_OK;
		}
		err = enter(cursor, name, dentry->ino);
		if (!err)
			err = seek_table(cursor, SLICE_NULL, false);
		if (err)
			return err;
	}
}
