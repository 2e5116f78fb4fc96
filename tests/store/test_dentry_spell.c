/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "tests/store/names.h"
#include "tests/store/raw.h"
#include "tests/support/temp_store.h"

/* The key of a component in a directory, behind "key:". */
static enum store_err
spell(struct store *store, uint64_t dir, const char *component,
	struct buffer *key)
{
	scoped(db_abort) struct db_txn *txn = NULL;

	cr_assert(zero(int, db_begin_read(store->db, &txn)));
	buffer_append(key, SLICE("key:"));
	return dentry_spell(txn, dir, slice_str(component), key);
}

Test(dentry_spell, gives_the_key_that_leads_there)
{
	static const struct {
		const char *dir;
		const char *component;
		const char *key;
	} rows[] = {
		{"", "", "key:"},
		{"", "a", "key:a"},
		{"a/", "", "key:a/"},
		{"/", "file", "key:/file"},
		{"a/", "b/", "key:a/b/"},
		{"a/b/c/", "file", "key:a/b/c/file"},
		{"\xc3\xa4 /", "\xfe", "key:\xc3\xa4 /\xfe"},
	};
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = names_bucket(temp.store, "bucket");

	cr_assert(zero(int, names_put(temp.store, bucket, "a/b/c/file")));
	cr_assert(zero(int, names_put(temp.store, bucket, "/file")));
	cr_assert(zero(int, names_put(temp.store, bucket, "\xc3\xa4 /x")));
	for (size_t i = 0; i < array_len(rows); i++) {
		scoped(buffer_free) struct buffer key = {0};
		uint64_t dir = names_dir(temp.store, bucket, rows[i].dir);

		cr_assert(ne(u64, dir, 0), "%s", rows[i].dir);
		cr_expect(zero(int,
			spell(temp.store, dir, rows[i].component, &key)));
		cr_expect(slice_equal(buffer_slice(&key),
				  slice_str(rows[i].key)),
			"%.*s is not %s", (int)key.len, (char *)key.data,
			rows[i].key);
	}
}

Test(dentry_spell, gives_names_that_lie_in_chunks_whole)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	scoped(buffer_free) struct buffer key = {0};
	uint64_t bucket = names_bucket(temp.store, "bucket");
	char path[TREE_KEY_MAX + 1];

	memset(path, 'n', 1022);
	path[500] = '/';
	path[1021] = '/';
	path[1022] = '\0';
	cr_assert(zero(int, names_put(temp.store, bucket, path)));

	cr_expect(zero(int,
		spell(temp.store, names_dir(temp.store, bucket, path), "f",
			&key)));

	cr_expect(eq(sz, key.len, strlen("key:") + 1022 + 1));
	cr_expect(zero(int, memcmp(key.data + 4, path, 1022)));
	cr_expect(eq(chr, (char)key.data[key.len - 1], 'f'));
}

/* As an older version's directory hangs below no bucket. */
Test(dentry_spell, begins_below_the_root_of_a_history)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	scoped(arena_free) struct arena arena = {0};
	scoped(buffer_free) struct buffer key = {0};
	uint64_t bucket = names_bucket(temp.store, "bucket");
	struct inode root;

	cr_assert(zero(int, names_put(temp.store, bucket, "root/b/c")));
	cr_assert(zero(int,
		tree_inode(temp.store, names_dir(temp.store, bucket, "root/"),
			&arena, &root)));
	root.flags |= INODE_NONCURRENT;
	raw_inode(temp.store, &root);

	cr_expect(zero(int,
		spell(temp.store, names_dir(temp.store, bucket, "root/b/"), "c",
			&key)));
	cr_expect(slice_equal(buffer_slice(&key), SLICE("key:b/c")));
}

enum damage { HANGS_ON_ITSELF, HANGS_IN_A_RING, HAS_NO_NAME, HAS_NO_PARENT };

Test(dentry_spell, what_is_damaged_is_told)
{
	static const struct {
		enum damage damage;
		enum store_err err;
	} rows[] = {
		{HANGS_ON_ITSELF, STORE_CORRUPT},
		{HANGS_IN_A_RING, STORE_CORRUPT},
		{HAS_NO_NAME, STORE_CORRUPT},
		{HAS_NO_PARENT, STORE_STALE},
	};
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	scoped(arena_free) struct arena arena = {0};
	uint64_t bucket = names_bucket(temp.store, "bucket");

	cr_assert(zero(int, names_put(temp.store, bucket, "a/b/c/file")));
	uint64_t lowest = names_dir(temp.store, bucket, "a/b/c/");
	for (size_t i = 0; i < array_len(rows); i++) {
		scoped(buffer_free) struct buffer key = {0};
		struct inode sound, inode;

		cr_assert(zero(int, tree_inode(temp.store,
					    names_dir(temp.store, bucket, "a/"),
					    &arena, &sound)));
		inode = sound;
		if (rows[i].damage == HANGS_ON_ITSELF)
			inode.parent = inode.ino;
		if (rows[i].damage == HANGS_IN_A_RING)
			inode.parent = lowest;
		if (rows[i].damage == HAS_NO_NAME)
			inode.attrs = SLICE_NULL;
		if (rows[i].damage == HAS_NO_PARENT)
			inode.parent = 1u << 30;
		raw_inode(temp.store, &inode);

		cr_expect(eq(int, spell(temp.store, lowest, "file", &key),
				  rows[i].err),
			"%d", rows[i].damage);
		raw_inode(temp.store, &sound);
	}
}

Test(dentry_spell, knows_no_directory_that_is_gone)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	scoped(buffer_free) struct buffer key = {0};

	cr_expect(eq(int, spell(temp.store, 1u << 30, "file", &key),
		STORE_STALE));
}
