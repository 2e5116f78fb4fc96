/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 1. path begins with the path_len bytes that lead to each level's directory.
 * 2. A level that is not is_placed was entered by a seek: its cursor has yet
 *    to be put behind the component of the level above it on the stack.
 * 3. Cursors of levels that were left stay for the next that come.
 */
#include "store/walk_private.h"

#include <assert.h>
#include <stdlib.h>

#include "store/meta/key.h"

struct level {
	uint64_t dir;
	size_t path_len;
	bool is_placed;
	struct dentry_cursor *cursor;
};

struct walk {
	struct db_txn *txn;
	uint64_t bucket;
	struct level *levels;
	size_t depth;
	size_t capacity;
	struct buffer path;
	struct db_cursor inodes;
};

static struct level *
top(struct walk *walk)
{
	return &walk->levels[walk->depth - 1];
}

static void
push(struct walk *walk, uint64_t dir)
{
	if (walk->depth == walk->capacity) {
		size_t more = walk->capacity + 16;

		walk->levels =
			reallocarray(walk->levels, more, sizeof(struct level));
		if (!walk->levels)
			error_out_of_memory();
		for (size_t i = walk->capacity; i < more; i++)
			walk->levels[i] = (struct level){.cursor = NULL};
		walk->capacity = more;
	}
	walk->depth++;
	top(walk)->dir = dir;
	top(walk)->path_len = walk->path.len;
	top(walk)->is_placed = false;
}

static enum store_err
place(struct walk *walk, struct slice start, bool is_after)
{
	struct level *level = top(walk);

	level->is_placed = true;
	if (level->cursor)
		return dentry_cursor_restart(level->cursor, level->dir, start,
			is_after);
	return dentry_cursor_open(walk->txn, level->dir, start, is_after,
		&level->cursor);
}

static enum store_err
pop(struct walk *walk)
{
	size_t end = top(walk)->path_len;

	walk->depth--;
	if (top(walk)->is_placed)
		return STORE_OK;
	size_t begin = top(walk)->path_len;
	return place(walk, slice_of(walk->path.data + begin, end - begin),
		true);
}

/* Puts the stack where the key is, or where it would be. */
static enum store_err
seek(struct walk *walk, struct slice start, bool is_after)
{
	walk->depth = 0;
	buffer_clear(&walk->path);
	push(walk, walk->bucket);
	for (;;) {
		struct record_dentry dentry;
		ptrdiff_t slash = slice_find_char(start, '/');
		size_t len = (size_t)(slash + 1);

		/* "dir/" itself is an entry of its parent; what comes after it
		 * begins in the directory. */
		if (slash < 0 || (len == start.len && !is_after))
			break;
		struct slice component = slice_first(start, len);
		enum store_err err = dentry_find(walk->txn, top(walk)->dir,
			component, &dentry);
		if (err == STORE_NOT_FOUND)
			return place(walk, component, false);
		if (err)
			return err;
		buffer_append(&walk->path, component);
		push(walk, dentry.ino);
		start = slice_from(start, len);
	}
	return place(walk, start, is_after && start.len > 0);
}

enum store_err
walk_open(struct db_txn *txn, uint64_t bucket, struct slice start,
	bool is_after, struct walk **out)
{
	struct walk *walk = calloc(1, sizeof(*walk));
	struct inode root;

	if (!walk)
		error_out_of_memory();
	walk->txn = txn;
	walk->bucket = bucket;
	enum store_err err = dentry_inode(txn, bucket, &root);
	if (!err)
		err = db_cursor_open(txn, DB_INODE, &walk->inodes);
	if (!err)
		err = seek(walk, start, is_after);
	if (err) {
		walk_close(&walk);
		return err;
	}
	*out = walk;
	return STORE_OK;
}

void
walk_close(struct walk **walk)
{
	if (!*walk)
		return;
	for (size_t i = 0; i < (*walk)->capacity; i++)
		dentry_cursor_close(&(*walk)->levels[i].cursor);
	db_cursor_close(&(*walk)->inodes);
	buffer_free(&(*walk)->path);
	free((*walk)->levels);
	free(*walk);
	*walk = NULL;
}

enum store_err
walk_next(struct walk *walk, struct slice *key, struct record_dentry *dentry)
{
	struct slice component;

	for (;;) {
		enum store_err err = dentry_cursor_next(top(walk)->cursor,
			&component, dentry);
		if (!err)
			break;
		if (err != STORE_NOT_FOUND || walk->depth == 1)
			return err;
		err = pop(walk);
		if (err)
			return err;
	}
	walk->path.len = top(walk)->path_len;
	buffer_append(&walk->path, component);
	*key = buffer_slice(&walk->path);
	return STORE_OK;
}

enum store_err
walk_enter(struct walk *walk, uint64_t dir)
{
	push(walk, dir);
	return place(walk, SLICE_NULL, false);
}

enum store_err
walk_seek(struct walk *walk, struct slice start)
{
	return seek(walk, start, false);
}

enum store_err
walk_inode(struct walk *walk, uint64_t ino, struct inode *out)
{
	struct key key = key_u64(ino);

	enum store_err err = db_cursor_seek(&walk->inodes, key_slice(&key));
	if (err == STORE_NOT_FOUND ||
		(!err && !slice_equal(walk->inodes.key, key_slice(&key))))
		return STORE_CORRUPT;
	return err ? err : record_inode_decode(walk->inodes.value, out);
}
