/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two walks side by side: below the bucket's root, where the current versions
 * are, and below its history's.  Of one key the current version comes first.
 */
#include "store/list_versions.h"

#include "store/history_private.h"
#include "store/list_private.h"
#include "store/walk_private.h"

/* One of the walks, and the entry that it is at. */
struct side {
	struct walk *walk; /* NULL: nothing is below it */
	bool is_history;
	bool is_end;
	struct buffer key; /* of an object: without what the history adds */
	bool is_dir;
	struct record_dentry dentry;
	struct inode inode; /* attrs empty */
};

struct listing {
	const struct list_versions_request *request;
	struct list_range range;
	struct arena *arena;
	struct record_versions of;
	struct side sides[2]; /* current, history */
	/* The last key of which something was seen. */
	struct buffer seen;
	bool has_seen;
	struct list_versions_page page;
	size_t capacity;
};

static void
side_free(struct side *side)
{
	walk_close(&side->walk);
	buffer_free(&side->key);
}

/* A directory of the history, or an implicit one, is nothing by itself; but
 * with the delimiter "/" a common prefix, as in list.h. */
static bool
is_shown(const struct listing *listing, const struct side *side)
{
	struct slice key = buffer_slice(&side->key);

	if (side->is_dir && slice_equal(listing->range.delimiter, SLICE("/")) &&
		list_common_prefix_len(&listing->range, key) > 0)
		return true;
	return dentry_is_visible(&side->inode) &&
	       !(side->is_dir && side->is_history);
}

static struct slice
without_number(struct slice key)
{
	ptrdiff_t end = slice_find_char(key, 0);

	return end < 0 ? key : slice_first(key, (size_t)end);
}

static enum store_err
step(struct side *side)
{
	struct slice key;

	enum store_err err = walk_next(side->walk, &key, &side->dentry);
	if (err)
		return err;
	buffer_clear(&side->key);
	buffer_append(&side->key, without_number(key));
	side->is_dir = side->dentry.kind == RECORD_DENTRY_DIR;
	err = walk_inode(side->walk, side->dentry.ino, &side->inode);
	side->inode.attrs = SLICE_NULL;
	return err;
}

/* To the next entry that is shown. */
static enum store_err
advance(struct listing *listing, struct side *side)
{
	enum store_err err = STORE_OK;

	while (!err && side->walk && !side->is_end) {
		err = step(side);
		if (err == STORE_NOT_FOUND ||
			(!err && !slice_has_prefix(buffer_slice(&side->key),
					 listing->range.prefix))) {
			side->is_end = true;
			return STORE_OK;
		}
		if (err || is_shown(listing, side))
			break;
		if (side->is_dir)
			err = walk_enter(side->walk, side->dentry.ino);
	}
	return err;
}

static struct side *
first_of(struct listing *listing)
{
	struct side *now = &listing->sides[0];
	struct side *older = &listing->sides[1];

	if (now->is_end || older->is_end)
		return now->is_end ? older : now;
	return slice_compare(buffer_slice(&now->key),
		       buffer_slice(&older->key)) <= 0
		       ? now
		       : older;
}

/* False where the page is full, and another entry comes. */
static bool
add(struct listing *listing, struct list_versions_entry *entry)
{
	struct list_versions_page *page = &listing->page;

	if (page->count == listing->request->max) {
		page->is_truncated = true;
		return false;
	}
	if (page->count == listing->capacity) {
		size_t more = listing->capacity ? 2 * listing->capacity : 32;
		struct list_versions_entry *entries =
			arena_new_array(listing->arena, more,
				struct list_versions_entry);

		if (page->count > 0)
			memcpy(entries, page->entries,
				page->count * sizeof(*entries));
		page->entries = entries;
		listing->capacity = more;
	}
	entry->key = arena_copy(listing->arena, entry->key);
	page->entries[page->count++] = *entry;
	return true;
}

static enum store_err
seek_side(struct listing *listing, struct side *side, struct slice start)
{
	if (!side->walk || side->is_end)
		return STORE_OK;
	enum store_err err = walk_seek(side->walk, start);
	return err ? err : advance(listing, side);
}

/* Goes on behind all that has the common prefix. */
static enum store_err
take_prefix(struct listing *listing, struct slice prefix, bool *is_end)
{
	scoped(buffer_free) struct buffer next = {0};
	struct list_versions_entry entry = {.key = prefix, .is_prefix = true};

	buffer_append(&next, prefix);
	*is_end = !add(listing, &entry) || !list_make_successor(&next);
	if (*is_end)
		return STORE_OK;
	for (size_t i = 0; i < array_len(listing->sides); i++) {
		struct side *side = &listing->sides[i];

		if (side->is_end ||
			!slice_has_prefix(buffer_slice(&side->key), entry.key))
			continue;
		enum store_err err =
			seek_side(listing, side, buffer_slice(&next));
		if (err)
			return err;
	}
	return STORE_OK;
}

static enum store_err
take_version(struct listing *listing, struct side *side, bool *is_end)
{
	struct slice key = buffer_slice(&side->key);
	bool is_first = !listing->has_seen ||
			!slice_equal(buffer_slice(&listing->seen), key);
	struct list_versions_entry entry = {
		.key = key,
		.is_marker = (side->inode.flags & INODE_MARKER) != 0,
		.version = side->dentry.version,
		.inode = side->inode,
	};

	entry.is_current = !side->is_history || (is_first && entry.is_marker);
	*is_end = !add(listing, &entry);
	if (*is_end)
		return STORE_OK;
	if (is_first) {
		buffer_clear(&listing->seen);
		buffer_append(&listing->seen, key);
		listing->has_seen = true;
	}
	enum store_err err = side->is_dir
				     ? walk_enter(side->walk, side->dentry.ino)
				     : STORE_OK;
	return err ? err : advance(listing, side);
}

static enum store_err
take(struct listing *listing, bool *is_end)
{
	struct side *side = first_of(listing);

	*is_end = side->is_end;
	if (*is_end)
		return STORE_OK;
	struct slice key = buffer_slice(&side->key);
	size_t prefix_len = list_common_prefix_len(&listing->range, key);
	return prefix_len ? take_prefix(listing,
				    arena_copy(listing->arena,
					    slice_first(key, prefix_len)),
				    is_end)
			  : take_version(listing, side, is_end);
}

static enum store_err
open_side(struct listing *listing, struct db_txn *txn, struct side *side,
	struct slice start, bool is_after)
{
	uint64_t root = side->is_history ? listing->of.history
					 : listing->request->bucket;

	if (side->is_history && listing->of.versioning == VERSIONING_NEVER) {
		side->is_end = true;
		return STORE_OK;
	}
	enum store_err err = walk_open(txn, root, start, is_after, &side->walk);
	return err ? err : advance(listing, side);
}

/* Behind one of the versions of a key: where that is in the history; its newest
 * one, where it is the current one. */
static enum store_err
find_version(struct listing *listing, struct db_txn *txn, struct buffer *start,
	bool *is_after)
{
	const struct list_versions_request *request = listing->request;
	scoped(history_row_free) struct history_row row = {0};
	struct version_ref ref = request->after_version;

	buffer_append(start, request->after);
	buffer_append_char(start, 0);
	*is_after = false;
	if (ref.which == VERSION_NUMBER) {
		buffer_printf(start, "%016llx",
			(unsigned long long)~ref.number);
		*is_after = true;
		return STORE_OK;
	}
	enum store_err err =
		history_find(txn, &listing->of, request->after, &ref, &row);
	if (err)
		return err == STORE_NOT_FOUND ? STORE_OK : err;
	if (row.component.len < DENTRY_HISTORY_LEN)
		return STORE_CORRUPT;
	start->len -= 1;
	buffer_append(start, slice_from(buffer_slice(&row.component),
				     row.component.len - DENTRY_HISTORY_LEN));
	*is_after = true;
	return STORE_OK;
}

static enum store_err
open_sides(struct listing *listing, struct db_txn *txn, bool *is_end)
{
	const struct list_versions_request *request = listing->request;
	scoped(buffer_free) struct buffer start = {0};
	scoped(buffer_free) struct buffer older = {0};
	bool is_after, is_older_after;

	*is_end = !list_find_start(&listing->range, &start, &is_after);
	if (*is_end)
		return STORE_OK;
	/* Behind all of a key: behind its last number. */
	buffer_append(&older, buffer_slice(&start));
	is_older_after = is_after;
	enum store_err err = STORE_OK;
	if (is_after && request->after_version.which != VERSION_CURRENT) {
		buffer_clear(&older);
		err = find_version(listing, txn, &older, &is_older_after);
		buffer_append(&listing->seen, request->after);
		listing->has_seen = true;
	} else if (is_after) {
		buffer_append(&older, slice_of("\0g", 2));
	}
	if (!err)
		err = open_side(listing, txn, &listing->sides[0],
			buffer_slice(&start), is_after);
	return err ? err
		   : open_side(listing, txn, &listing->sides[1],
			     buffer_slice(&older), is_older_after);
}

static enum store_err
read_page(struct store *store, struct listing *listing)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	bool is_end = false;

	enum store_err err = db_begin_read(store->db, &txn);
	if (!err)
		err = history_of(txn, listing->request->bucket, &listing->of);
	if (!err && listing->request->max > 0)
		err = open_sides(listing, txn, &is_end);
	else
		is_end = true;
	while (!err && !is_end)
		err = take(listing, &is_end);
	side_free(&listing->sides[0]);
	side_free(&listing->sides[1]);
	buffer_free(&listing->seen);
	return err;
}

enum store_err
list_versions_read(struct store *store,
	const struct list_versions_request *request, struct arena *arena,
	struct list_versions_page *out)
{
	struct listing listing = {
		.request = request,
		.range = {request->prefix, request->delimiter, request->after},
		.arena = arena,
		.sides = {{.is_history = false}, {.is_history = true}},
	};

	enum store_err err = read_page(store, &listing);
	for (size_t i = 0; !err && i < listing.page.count; i++) {
		struct list_versions_entry *entry = &listing.page.entries[i];

		if (!entry->is_prefix)
			err = dentry_refresh_inode(store, &entry->inode);
	}
	if (!err)
		*out = listing.page;
	return err;
}
