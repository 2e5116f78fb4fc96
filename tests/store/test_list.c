/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "store/file.h"
#include "tests/store/names.h"
#include "tests/store/objects.h"
#include "tests/support/temp_store.h"

static void
put_all(struct store *store, uint64_t bucket, const char *const *keys)
{
	for (; *keys; keys++)
		cr_assert(eq(int, names_put(store, bucket, *keys), STORE_OK));
}

Test(list, an_empty_bucket_has_an_empty_page)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = names_bucket(temp.store, "bucket");

	cr_expect(names_lists(temp.store, bucket, "", "", ""));
	cr_expect(names_lists(temp.store, bucket, "a/b", "/", ""));
}

Test(list, keys_come_in_the_order_of_their_bytes)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = names_bucket(temp.store, "bucket");
	const char *keys[] = {"a0", "a/z", "a/", "a-", "a", "a/b/c", "b",
		"\xc3\xa9", "a//b", "/", "//", "Z", NULL};

	put_all(temp.store, bucket, keys);

	cr_expect(names_lists(temp.store, bucket, "", "",
		"/\n//\nZ\na\na-\na/\na//b\na/b/c\na/z\na0\nb\n\xc3\xa9\n"));
	cr_expect(names_are_sound(temp.store));
}

Test(list, a_slash_folds_directories_into_common_prefixes)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = names_bucket(temp.store, "bucket");
	const char *keys[] = {
		"a", "a/", "a/1", "a/2", "b/c/d", "b/c/e", "c", NULL};

	put_all(temp.store, bucket, keys);

	cr_expect(names_lists(temp.store, bucket, "", "/", "a\n+a/\n+b/\nc\n"));
	cr_expect(names_lists(temp.store, bucket, "a/", "/", "a/\na/1\na/2\n"));
	cr_expect(names_lists(temp.store, bucket, "b/", "/", "+b/c/\n"));
	cr_expect(names_lists(temp.store, bucket, "b", "/", "+b/\n"));
	cr_expect(names_lists(temp.store, bucket, "b/c/", "/",
		"b/c/d\nb/c/e\n"));
	cr_expect(names_lists(temp.store, bucket, "x/", "/", ""));
}

Test(list, any_string_may_be_the_delimiter)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = names_bucket(temp.store, "bucket");
	const char *keys[] = {"2024-01-a", "2024-01-b", "2024-02/x-y",
		"2024-02/xy", "abc", "x/bay/1", "x/bay/2", "x/boy/1", NULL};

	put_all(temp.store, bucket, keys);

	cr_expect(names_lists(temp.store, bucket, "", "-",
		"+2024-\nabc\nx/bay/1\nx/bay/2\nx/boy/1\n"));
	cr_expect(names_lists(temp.store, bucket, "2024-", "-",
		"+2024-01-\n+2024-02/x-\n2024-02/xy\n"));
	cr_expect(names_lists(temp.store, bucket, "", "/b",
		"2024-01-a\n2024-01-b\n2024-02/x-y\n2024-02/xy\nabc\n+x/b\n"));
	cr_expect(names_lists(temp.store, bucket, "x", "ay/",
		"+x/bay/\nx/boy/1\n"));
	cr_expect(names_lists(temp.store, bucket, "", "4-0",
		"+2024-0\nabc\nx/bay/1\nx/bay/2\nx/boy/1\n"));
}

Test(list, a_page_may_begin_anywhere)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	scoped(arena_free) struct arena arena = {0};
	uint64_t bucket = names_bucket(temp.store, "bucket");
	const char *keys[] = {"a/1", "a/3", "b", "b/", "b/1", "c/1/x", NULL};
	static const struct {
		const char *after;
		const char *delimiter;
		const char *first; /* NULL: none */
	} cases[] = {
		{"", "", "a/1"},
		{"a", "", "a/1"},
		{"a/", "", "a/1"},
		{"a/1", "", "a/3"},
		{"a/2", "", "a/3"},
		{"a/3/4", "", "b"},
		{"a/", "/", "b"},
		{"a/2", "/", "b"},
		{"b", "", "b/"},
		{"b", "/", "b/"},
		{"b/", "", "b/1"},
		{"b/", "/", "c/"},
		{"c/1/x", "", NULL},
		{"c/1", "", "c/1/x"},
		{"c/0/zzz", "", "c/1/x"},
		{"c/1/", "/", NULL},
		{"zz", "", NULL},
	};

	put_all(temp.store, bucket, keys);

	for (size_t i = 0; i < array_len(cases); i++) {
		const struct list_request request = {
			.bucket = bucket,
			.after = slice_str(cases[i].after),
			.delimiter = slice_str(cases[i].delimiter),
			.max = 1,
		};
		struct list_page page;

		cr_assert(eq(int,
			list_read(temp.store, &request, &arena, &page),
			STORE_OK));
		cr_assert(eq(sz, page.count, cases[i].first ? 1 : 0));
		if (cases[i].first)
			cr_expect(slice_equal(page.entries[0].key,
					  slice_str(cases[i].first)),
				"after '%s'", cases[i].after);
	}
}

Test(list, a_page_of_nothing_is_not_truncated)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	scoped(arena_free) struct arena arena = {0};
	uint64_t bucket = names_bucket(temp.store, "bucket");
	struct list_request request = {.bucket = bucket, .max = 0};
	struct list_page page;

	cr_assert(eq(int, names_put(temp.store, bucket, "a"), STORE_OK));

	cr_expect(eq(int, list_read(temp.store, &request, &arena, &page),
		STORE_OK));
	cr_expect(eq(sz, page.count, 0));
	cr_expect(not(page.is_truncated));
}

Test(list, a_page_is_truncated_only_where_more_can_be_seen)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	scoped(arena_free) struct arena arena = {0};
	uint64_t bucket = names_bucket(temp.store, "bucket");
	struct list_request request = {.bucket = bucket, .max = 1};
	struct list_page page;
	struct inode link;

	cr_assert(eq(int, names_put(temp.store, bucket, "a"), STORE_OK));
	cr_assert(eq(int,
		tree_symlink(temp.store, bucket, SLICE("b"), SLICE("a"),
			&names_owner, &link),
		STORE_OK));

	cr_expect(eq(int, list_read(temp.store, &request, &arena, &page),
		STORE_OK));
	cr_expect(not(page.is_truncated));

	cr_assert(eq(int, names_put(temp.store, bucket, "c"), STORE_OK));

	cr_expect(eq(int, list_read(temp.store, &request, &arena, &page),
		STORE_OK));
	cr_expect(page.is_truncated);
}

Test(list, hides_what_s3_does_not_know)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = names_bucket(temp.store, "bucket");
	const struct tree_owner fifo = {S_IFIFO | 0644, 0, 0};
	struct inode inode;

	cr_assert(eq(int,
		tree_mkdir(temp.store, bucket, SLICE("dir"), &names_owner,
			&inode),
		STORE_OK));
	cr_assert(eq(int,
		tree_mknod(temp.store, inode.ino, SLICE("fifo"), &fifo, 0,
			&inode),
		STORE_OK));
	cr_assert(eq(int,
		tree_symlink(temp.store, bucket, SLICE("link"), SLICE("to"),
			&names_owner, &inode),
		STORE_OK));
	cr_assert(eq(int,
		names_put_size(temp.store, bucket, SLICE("unpublished"), 0,
			INODE_UNPUBLISHED, NULL),
		STORE_OK));

	cr_expect(names_lists(temp.store, bucket, "", "", "dir/\n"));
	cr_expect(eq(u64, names_objects(temp.store, bucket), 1));
}

Test(list, gives_attributes_when_asked)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	scoped(arena_free) struct arena arena = {0};
	uint64_t bucket = names_bucket(temp.store, "bucket");
	struct list_request request = {.bucket = bucket, .max = 10};
	struct slice value = SLICE("v"), found;
	struct list_page page;
	uint64_t ino;

	cr_assert(eq(int,
		names_put_size(temp.store, bucket, SLICE("k"), 7, 0, &ino),
		STORE_OK));
	cr_assert(eq(int,
		tree_set_attr(temp.store, ino, INODE_ATTR_XATTR,
			SLICE("user.a"), &value, 0),
		STORE_OK));

	cr_assert(eq(int, list_read(temp.store, &request, &arena, &page),
		STORE_OK));
	cr_expect(eq(sz, page.entries[0].inode.attrs.len, 0));
	cr_expect(eq(u64, page.entries[0].inode.size, 7));
	request.attr_kinds = UINT32_MAX;
	cr_assert(eq(int, list_read(temp.store, &request, &arena, &page),
		STORE_OK));
	cr_expect(inode_attr_find(page.entries[0].inode.attrs, INODE_ATTR_XATTR,
		SLICE("user.a"), &found));
}

Test(list, goes_as_deep_as_a_key_can)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = names_bucket(temp.store, "bucket");
	char key[TREE_KEY_MAX + 1], expected[TREE_KEY_MAX + 8];

	for (size_t i = 0; i < TREE_KEY_MAX; i++)
		key[i] = i % 2 ? '/' : 'a';
	key[TREE_KEY_MAX - 1] = 'b';
	key[TREE_KEY_MAX] = '\0';
	cr_assert(eq(int, names_put(temp.store, bucket, key), STORE_OK));
	cr_assert(eq(int, names_put(temp.store, bucket, "z"), STORE_OK));

	snprintf(expected, sizeof(expected), "%s\nz\n", key);
	cr_expect(names_lists(temp.store, bucket, "", "", expected));
	cr_expect(names_are_sound(temp.store));
	cr_expect(eq(int, names_delete(temp.store, bucket, key), STORE_OK));
	cr_expect(names_lists(temp.store, bucket, "", "/", "z\n"));
	cr_expect(names_are_sound(temp.store));
}

Test(list, a_bucket_that_is_gone_is_stale)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	scoped(arena_free) struct arena arena = {0};
	struct list_request request = {.bucket = 12345, .max = 10};
	struct list_page page;

	cr_expect(eq(int, list_read(temp.store, &request, &arena, &page),
		STORE_STALE));
}

/* 0xff is in no UTF-8, but a client may ask for it. */
Test(list, a_prefix_without_successor_ends_the_listing)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = names_bucket(temp.store, "bucket");
	struct inode dir;

	cr_assert(eq(int,
		tree_mkdir(temp.store, bucket, SLICE("\xff\xff"), &names_owner,
			&dir),
		STORE_OK));

	cr_expect(names_lists(temp.store, bucket, "", "\xff", "+\xff\n"));
	cr_expect(names_lists(temp.store, bucket, "\xff\xff", "\xff",
		"\xff\xff/\n"));
}

Test(list, a_file_modified_in_place_is_listed_as_its_data_is)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	scoped(arena_free) struct arena arena = {0};
	uint64_t bucket = names_bucket(temp.store, "bucket");
	const struct list_request request = {.bucket = bucket, .max = 10};
	struct list_page before, page;
	struct file *file = NULL;
	struct inode inode;

	cr_assert(eq(int, objects_put(temp.store, bucket, "k", "abc"),
		STORE_OK));
	cr_assert(eq(int, list_read(temp.store, &request, &arena, &before),
		STORE_OK));
	cr_assert(eq(int,
		tree_lookup(temp.store, bucket, SLICE("k"), TREE_FILE, NULL,
			&inode),
		STORE_OK));
	cr_assert(eq(int, file_open(temp.store, inode.ino, O_RDWR, &file),
		STORE_OK));
	cr_assert(eq(int, (int)pwrite(file_fd(file), "12345", 5, 0), 5));

	cr_assert(eq(int, list_read(temp.store, &request, &arena, &page),
		STORE_OK));
	cr_expect(eq(u64, page.entries[0].inode.size, 5));
	cr_expect(ne(int,
		memcmp(page.entries[0].inode.etag.value,
			before.entries[0].inode.etag.value, 16),
		0));
	cr_expect(eq(int, file_close(&file, O_RDWR), STORE_OK));
	cr_expect(names_are_sound(temp.store));
}
