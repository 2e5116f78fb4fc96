/* SPDX-License-Identifier: Apache-2.0 */
#include "store/list_private.h"

#include "store/walk_private.h"

struct listing {
	const struct list_request *request;
	struct list_range range;
	struct arena *arena;
	struct list_page page;
	size_t capacity;
};

size_t
list_common_prefix_len(const struct list_range *range, struct slice key)
{
	struct slice rest;
	ptrdiff_t at;

	if (range->delimiter.len == 0 || key.len < range->prefix.len)
		return 0;
	rest = slice_from(key, range->prefix.len);
	at = slice_find(rest, range->delimiter);
	if (at < 0)
		return 0;
	return range->prefix.len + (size_t)at + range->delimiter.len;
}

bool
list_make_successor(struct buffer *prefix)
{
	while (prefix->len > 0) {
		unsigned char last =
			(unsigned char)prefix->data[prefix->len - 1];

		if (last < 0xff) {
			prefix->data[prefix->len - 1] = (char)(last + 1);
			return true;
		}
		prefix->len--;
	}
	return false;
}

bool
list_find_start(const struct list_range *range, struct buffer *start,
	bool *is_after)
{
	*is_after = false;
	if (slice_compare(range->after, range->prefix) < 0) {
		buffer_append(start, range->prefix);
		return true;
	}
	if (!slice_has_prefix(range->after, range->prefix))
		return false;
	size_t prefix_len = list_common_prefix_len(range, range->after);
	if (prefix_len > 0) {
		buffer_append(start, slice_first(range->after, prefix_len));
		return list_make_successor(start);
	}
	buffer_append(start, range->after);
	*is_after = range->after.len > 0;
	return true;
}

/* Those that are asked for. */
static struct slice
attrs_of(const struct listing *listing, const struct inode *inode)
{
	scoped(buffer_free) struct buffer attrs = {0};

	if (!listing->request->attr_kinds)
		return SLICE_NULL;
	inode_attrs_merge(&attrs, SLICE_NULL, inode->attrs,
		listing->request->attr_kinds);
	return arena_copy(listing->arena, buffer_slice(&attrs));
}

/* False where the page is full, and another entry comes. */
static bool
add(struct listing *listing, struct slice key, const struct inode *inode)
{
	struct list_page *page = &listing->page;

	if (page->count == listing->request->max) {
		page->is_truncated = true;
		return false;
	}
	if (page->count == listing->capacity) {
		size_t more = listing->capacity ? 2 * listing->capacity : 32;
		struct list_entry *entries = arena_new_array(listing->arena,
			more, struct list_entry);

		if (page->count > 0)
			memcpy(entries, page->entries,
				page->count * sizeof(*entries));
		page->entries = entries;
		listing->capacity = more;
	}
	struct list_entry *entry = &page->entries[page->count++];
	entry->key = arena_copy(listing->arena, key);
	entry->is_prefix = !inode;
	if (!inode)
		return true;
	entry->inode = *inode;
	entry->inode.attrs = attrs_of(listing, inode);
	return true;
}

static enum store_err
skip_prefix(struct walk *walk, struct slice prefix, bool *is_end)
{
	scoped(buffer_free) struct buffer next = {0};

	buffer_append(&next, prefix);
	*is_end = !list_make_successor(&next);
	return *is_end ? STORE_OK : walk_seek(walk, buffer_slice(&next));
}

/* Deals with one entry of the walk. */
static enum store_err
take(struct listing *listing, struct walk *walk, struct slice key,
	const struct record_dentry *dentry, bool *is_end)
{
	bool is_dir = dentry->kind == RECORD_DENTRY_DIR;
	size_t prefix_len = list_common_prefix_len(&listing->range, key);
	struct slice prefix = slice_first(key, prefix_len);
	struct inode inode;

	/* What is below need not be looked at: there is something. */
	if (is_dir && prefix_len > 0 &&
		slice_equal(listing->range.delimiter, SLICE("/"))) {
		*is_end = !add(listing, prefix, NULL);
		return STORE_OK;
	}
	enum store_err err = walk_inode(walk, dentry->ino, &inode);
	if (err)
		return err;
	if (dentry_is_visible(&inode)) {
		bool is_key = prefix_len == 0;

		*is_end = !add(listing, is_key ? key : prefix,
			is_key ? &inode : NULL);
		if (*is_end)
			return STORE_OK;
		if (!is_key)
			return skip_prefix(walk, prefix, is_end);
	}
	return is_dir ? walk_enter(walk, dentry->ino) : STORE_OK;
}

static enum store_err
read_page(struct store *store, struct listing *listing)
{
	const struct list_request *request = listing->request;
	scoped(db_abort) struct db_txn *txn = NULL;
	scoped(walk_close) struct walk *walk = NULL;
	scoped(buffer_free) struct buffer start = {0};
	bool is_after;

	bool is_end = !list_find_start(&listing->range, &start, &is_after) ||
		      request->max == 0;
	enum store_err err = db_begin_read(store->db, &txn);
	if (!err)
		err = walk_open(txn, request->bucket, buffer_slice(&start),
			is_after, &walk);
	while (!err && !is_end) {
		struct record_dentry dentry;
		struct slice key;

		err = walk_next(walk, &key, &dentry);
		if (err || !slice_has_prefix(key, listing->range.prefix))
			break;
		err = take(listing, walk, key, &dentry, &is_end);
	}
	return err == STORE_NOT_FOUND ? STORE_OK : err;
}

enum store_err
list_read(struct store *store, const struct list_request *request,
	struct arena *arena, struct list_page *out)
{
	struct listing listing = {
		.request = request,
		.range = {request->prefix, request->delimiter, request->after},
		.arena = arena,
	};

	enum store_err err = read_page(store, &listing);
	for (size_t i = 0; !err && i < listing.page.count; i++) {
		struct list_entry *entry = &listing.page.entries[i];

		if (!entry->is_prefix)
			err = dentry_refresh_inode(store, &entry->inode);
	}
	if (!err)
		*out = listing.page;
	return err;
}
