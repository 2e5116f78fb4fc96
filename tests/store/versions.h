/* SPDX-License-Identifier: Apache-2.0 */
/* versions.h - a bucket that keeps versions, and all of them as one line. */
#pragma once

#include "store/list_versions.h"
#include "store/tree.h"
#include "store/versioning.h"
#include "tests/store/names.h"
#include "tests/store/objects.h"
#include "tests/support/temp_store.h"

struct versions {
	struct temp_store temp;
	struct store *store;
	uint64_t bucket;
};

static inline struct versions
versions_begin(enum versioning versioning)
{
	struct versions it = {.temp = temp_store_open()};

	it.store = it.temp.store;
	it.bucket = objects_bucket(it.store, "bucket");
	if (versioning != VERSIONING_NEVER)
		cr_assert(zero(int,
			versioning_set(it.store, it.bucket, versioning)));
	return it;
}

static inline void
versions_end(struct versions *it)
{
	cr_expect(names_are_sound(it->store));
	temp_store_close(&it->temp);
}

static inline void
versions_put(struct versions *it, const char *key, const char *body)
{
	cr_assert(eq(int, objects_put(it->store, it->bucket, key, body),
		STORE_OK));
}

static inline void
versions_append_body(struct versions *it, struct buffer *to,
	const struct list_versions_entry *entry)
{
	scoped(arena_free) struct arena arena = {0};
	struct version_ref ref = version_ref_of(&entry->version);
	struct object object;
	uint64_t offset;
	char bytes[64];
	int fd;

	cr_assert(zero(int,
		object_open_version(it->store, it->bucket, entry->key, &ref,
			&arena, &object, &fd, &offset)));
	cr_expect(eq(int, version_is_null(&object.version),
		version_is_null(&entry->version)));
	cr_assert(object.inode.size <= sizeof(bytes));
	if (fd < 0)
		return;
	cr_assert(eq(long, pread(fd, bytes, object.inode.size, (off_t)offset),
		(long)object.inode.size));
	close(fd);
	buffer_append(to, slice_of(bytes, object.inode.size));
}

/* "KEY=BODY", a '-' for a marker, '*' behind the current one, '0' behind a null
 * one; "(PREFIX)". */
static inline void
versions_append_entry(struct versions *it, struct buffer *to,
	const struct list_versions_entry *entry)
{
	if (to->len > 0)
		buffer_append_char(to, ' ');
	if (entry->is_prefix) {
		buffer_printf(to, "(%.*s)", (int)entry->key.len,
			entry->key.data);
		return;
	}
	buffer_append(to, entry->key);
	buffer_append_char(to, '=');
	if (entry->is_marker)
		buffer_append_char(to, '-');
	else
		versions_append_body(it, to, entry);
	if (entry->is_current)
		buffer_append_char(to, '*');
	if (version_is_null(&entry->version))
		buffer_append_char(to, '0');
}

static inline void
versions_append_pages(struct versions *it, struct buffer *to,
	struct list_versions_request request)
{
	for (;;) {
		scoped(arena_free) struct arena arena = {0};
		scoped(buffer_free) struct buffer after = {0};
		struct list_versions_page page;

		cr_assert(zero(int, list_versions_read(it->store, &request,
					    &arena, &page)));
		for (size_t i = 0; i < page.count; i++)
			versions_append_entry(it, to, &page.entries[i]);
		if (!page.is_truncated)
			return;
		const struct list_versions_entry *last =
			&page.entries[page.count - 1];
		static char key[2000];

		memcpy(key, last->key.data, last->key.len);
		request.after = slice_of(key, last->key.len);
		request.after_version = (struct version_ref){0};
		if (!last->is_prefix)
			request.after_version = version_ref_of(&last->version);
	}
}

/* The same whatever the size of the pages. */
static inline bool
versions_lists_below(struct versions *it, const char *prefix,
	const char *delimiter, const char *expected)
{
	static const size_t sizes[] = {1, 2, 3, 1000};
	bool is_so = true;

	for (size_t i = 0; i < array_len(sizes); i++) {
		scoped(buffer_free) struct buffer all = {0};

		versions_append_pages(it, &all,
			(struct list_versions_request){
				.bucket = it->bucket,
				.prefix = slice_str(prefix),
				.delimiter = slice_str(delimiter),
				.max = sizes[i],
			});
		if (slice_equal(buffer_slice(&all), slice_str(expected)))
			continue;
		fprintf(stderr, "by %zu: \"%.*s\"\n", sizes[i], (int)all.len,
			all.data);
		is_so = false;
	}
	return is_so;
}

static inline bool
versions_lists(struct versions *it, const char *expected)
{
	return versions_lists_below(it, "", "", expected);
}

/* The nth of the list, from 0. */
static inline struct version_ref
versions_nth(struct versions *it, size_t n)
{
	scoped(arena_free) struct arena arena = {0};
	struct list_versions_request request = {
		.bucket = it->bucket, .max = n + 1};
	struct list_versions_page page;

	cr_assert(zero(int,
		list_versions_read(it->store, &request, &arena, &page)));
	cr_assert(eq(sz, page.count, n + 1));
	return version_ref_of(&page.entries[n].version);
}

static inline enum store_err
versions_drop(struct versions *it, const char *key, struct version_ref ref,
	struct object_deletion *out)
{
	*out = (struct object_deletion){.key = slice_str(key), .version = ref};
	enum store_err err = object_delete_many(it->store, it->bucket, out, 1);

	return err ? err : out->err;
}

static inline void
versions_drop_nth(struct versions *it, const char *key, size_t n)
{
	struct object_deletion done;

	cr_assert(zero(int,
		versions_drop(it, key, versions_nth(it, n), &done)));
}
