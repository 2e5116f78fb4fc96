/* SPDX-License-Identifier: Apache-2.0 */
/* names.h - names without data, as the tests of the namespace make them. */
#pragma once

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/bucket.h"
#include "store/check.h"
#include "store/dentry_private.h"
#include "store/list.h"
#include "store/tree.h"
#include "store/usage.h"

static const struct tree_owner names_owner = {0755, 1000, 1000};

static inline uint64_t
names_bucket(struct store *store, const char *name)
{
	struct bucket bucket;
	enum store_err err = bucket_create(store, slice_str(name),
		SLICE("default"), &bucket);

	assert(!err);
	return bucket.ino;
}

/* Runs something in a transaction of its own. */
static inline enum store_err
names_change(struct store *store,
	enum store_err (*apply)(struct store *store, struct db_txn *txn,
		void *arg),
	void *arg)
{
	return commit_run(store, apply, arg, NULL);
}

struct names_put {
	uint64_t bucket;
	struct slice key;
	uint64_t size;
	uint32_t flags;
	uint64_t ino;
};

static inline enum store_err
names_put_apply(struct store *store, struct db_txn *txn, void *arg)
{
	struct names_put *put = arg;
	struct slice component;
	uint64_t parent;
	const struct version version = {.number = 0};
	enum store_err err = dentry_locate_or_make(store, txn, put->bucket,
		put->bucket, put->key, &parent, &component);
	struct inode inode = {
		.bucket = put->bucket,
		.mode = S_IFREG | 0644,
		.nlink = 1,
		.size = put->size,
		.flags = put->flags,
	};

	if (!err)
		err = commit_new_number(txn, &inode.ino);
	if (err)
		return err;
	put->ino = inode.ino;
	return dentry_publish(store, txn, parent, component, &version, &inode);
}

/* As a PUT through S3 of an object without data, whatever its size. */
static inline enum store_err
names_put_size(struct store *store, uint64_t bucket, struct slice key,
	uint64_t size, uint32_t flags, uint64_t *ino)
{
	struct names_put put = {bucket, key, size, flags, 0};
	enum store_err err = names_change(store, names_put_apply, &put);

	if (ino)
		*ino = put.ino;
	return err;
}

static inline enum store_err
names_put(struct store *store, uint64_t bucket, const char *key)
{
	return names_put_size(store, bucket, slice_str(key), 0, 0, NULL);
}

static inline enum store_err
names_delete_apply(struct store *store, struct db_txn *txn, void *arg)
{
	struct names_put *put = arg;
	struct slice component;
	struct inode gone;
	uint64_t parent;
	enum store_err err =
		dentry_locate(txn, put->bucket, put->key, &parent, &component);

	if (err)
		return err;
	return dentry_unlink(store, txn, parent, component, true, &gone);
}

/* As a DELETE through S3. */
static inline enum store_err
names_delete(struct store *store, uint64_t bucket, const char *key)
{
	struct names_put put = {.bucket = bucket, .key = slice_str(key)};

	return names_change(store, names_delete_apply, &put);
}

/* The directory of a path such as "a/b/"; 0 where there is none. */
static inline uint64_t
names_dir(struct store *store, uint64_t bucket, const char *path)
{
	struct inode inode = {.ino = bucket};

	while (*path) {
		size_t len = strcspn(path, "/");

		if (tree_lookup(store, inode.ino, slice_of(path, len), TREE_DIR,
			    NULL, &inode))
			return 0;
		path += len + 1;
	}
	return inode.ino;
}

/*
 * The whole listing, page by page: a line an entry, common prefixes with a
 * '+' in front.  Free it.
 */
static inline char *
names_list(struct store *store, uint64_t bucket, const char *prefix,
	const char *delimiter, size_t page_size)
{
	struct arena arena = {0};
	struct buffer text = {0};
	struct buffer after = {0};
	struct list_page page = {.is_truncated = true};

	while (page.is_truncated) {
		struct list_request request = {
			.bucket = bucket,
			.prefix = slice_str(prefix),
			.delimiter = slice_str(delimiter),
			.after = buffer_slice(&after),
			.max = page_size,
		};
		enum store_err err = list_read(store, &request, &arena, &page);

		assert(!err);
		assert(page.count <= page_size);
		assert(!page.is_truncated || page.count == page_size);
		for (size_t i = 0; i < page.count; i++) {
			if (page.entries[i].is_prefix)
				buffer_append_char(&text, '+');
			buffer_append(&text, page.entries[i].key);
			buffer_append_char(&text, '\n');
		}
		if (page.count > 0) {
			buffer_clear(&after);
			buffer_append(&after, page.entries[page.count - 1].key);
		}
		arena_reset(&arena);
	}
	buffer_append_char(&text, '\0');
	arena_free(&arena);
	buffer_free(&after);
	return text.data;
}

/* Whether the listing, in pages of one size after the other, is that text. */
static inline bool
names_lists(struct store *store, uint64_t bucket, const char *prefix,
	const char *delimiter, const char *expected)
{
	bool is_same = true;

	for (size_t page_size = 1; page_size <= 5 && is_same; page_size++) {
		char *text =
			names_list(store, bucket, prefix, delimiter, page_size);

		is_same = strcmp(text, expected) == 0;
		if (!is_same)
			fprintf(stderr, "pages of %zu: got\n%sexpected\n%s",
				page_size, text, expected);
		free(text);
	}
	return is_same;
}

static inline void
names_print_finding(const struct check_finding *finding, void *context)
{
	(void)context;
	fprintf(stderr, "%s: %s\n", check_kind_name(finding->kind),
		finding->text);
}

/* Whether the check finds nothing. */
static inline bool
names_are_sound(struct store *store)
{
	struct check_result result;
	enum store_err err = check_store(store, CHECK_LOOK, names_print_finding,
		NULL, &result);

	return !err && result.findings == 0;
}

static inline uint64_t
names_objects(struct store *store, uint64_t bucket)
{
	struct usage usage;
	enum store_err err = usage_of_bucket(store, bucket, &usage);

	assert(!err);
	return usage.objects;
}

static inline uint64_t
names_bytes(struct store *store, uint64_t bucket)
{
	struct usage usage;
	enum store_err err = usage_of_bucket(store, bucket, &usage);

	assert(!err);
	return usage.bytes;
}
