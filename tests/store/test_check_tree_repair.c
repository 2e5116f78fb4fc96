/* SPDX-License-Identifier: Apache-2.0 */
/* Each test breaks the store behind the engine's back. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "store/check_private.h"
#include "store/meta/key.h"
#include "tests/store/checks.h"
#include "tests/store/raw.h"
#include "tests/support/temp_store.h"

Test(check_tree_repair, names_that_no_key_can_have)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = checks_fill(temp.store);
	struct inode file = checks_find(temp.store, bucket, "k", TREE_FILE);

	raw_dentry(temp.store, bucket, "x/y", RECORD_DENTRY_FILE, file.ino);
	checks_expect_repair(temp.store, CHECK_RECORD);
	raw_dentry(temp.store, bucket, "z", RECORD_DENTRY_DIR, file.ino);
	checks_expect_repair(temp.store, CHECK_RECORD);
	raw_dentry(temp.store, bucket, "z/", RECORD_DENTRY_DIR, file.ino);
	checks_expect_repair(temp.store, CHECK_DENTRY);
	cr_expect(names_lists(temp.store, bucket, "", "", "d/e/\nd/f\nk\n"));
}

Test(check_tree_repair, a_file_name_without_its_inode)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = checks_fill(temp.store);
	struct inode file = checks_find(temp.store, bucket, "k", TREE_FILE);

	raw_delete(temp.store, DB_INODE, key_u64(file.ino));
	checks_expect_repair(temp.store, CHECK_DENTRY);
	cr_expect(names_lists(temp.store, bucket, "", "", "d/e/\nd/f\n"));
	cr_expect(eq(u64, names_objects(temp.store, bucket), 2));
}

Test(check_tree_repair, a_directory_without_its_inode_keeps_what_is_in_it)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = checks_fill(temp.store);
	uint64_t dir = names_dir(temp.store, bucket, "d/");

	raw_delete(temp.store, DB_INODE, key_u64(dir));
	checks_expect_repair(temp.store, CHECK_DENTRY);
	cr_expect(names_lists(temp.store, bucket, "", "", "d/e/\nd/f\nk\n"));
	cr_expect(objects_is(temp.store, bucket, "d/f", "1"));
}

Test(check_tree_repair, names_below_a_directory_that_is_gone_are_saved)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = checks_fill(temp.store);
	uint64_t dir = names_dir(temp.store, bucket, "d/");
	char key[64];

	raw_delete(temp.store, DB_INODE, key_u64(dir));
	raw_delete(temp.store, DB_DENTRY, key_dentry(bucket, SLICE("d/")));
	checks_expect_repair(temp.store, CHECK_DENTRY);
	snprintf(key, sizeof(key), "lost+found/%llu/f",
		(unsigned long long)dir);
	cr_expect(objects_is(temp.store, bucket, key, "1"));
}

Test(check_tree_repair, a_chunk_node_that_begins_no_name)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = checks_fill(temp.store);
	char name[KEY_CHUNK + 1];

	memset(name, 'n', KEY_CHUNK);
	name[KEY_CHUNK] = '\0';
	raw_dentry(temp.store, bucket, name, RECORD_DENTRY_CHUNK, 1u << 30);
	checks_expect_repair(temp.store, CHECK_DENTRY);
}

Test(check_tree_repair, an_inode_without_a_name_gets_one)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = checks_fill(temp.store);
	struct inode file = checks_find(temp.store, bucket, "k", TREE_FILE);
	uint64_t dir = names_dir(temp.store, bucket, "d/");
	char key[64];

	raw_delete(temp.store, DB_DENTRY, key_dentry(bucket, SLICE("k")));
	raw_delete(temp.store, DB_DENTRY, key_dentry(bucket, SLICE("d/")));
	checks_expect_repair(temp.store, CHECK_ORPHAN);
	snprintf(key, sizeof(key), "lost+found/%llu",
		(unsigned long long)file.ino);
	cr_expect(objects_is(temp.store, bucket, key, "12345"));
	snprintf(key, sizeof(key), "lost+found/%llu/f",
		(unsigned long long)dir);
	cr_expect(objects_is(temp.store, bucket, key, "1"));
}

Test(check_tree_repair, directories_that_hang_on_each_other_are_saved)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	scoped(arena_free) struct arena arena = {0};
	uint64_t bucket = checks_fill(temp.store);
	uint64_t dir = names_dir(temp.store, bucket, "d/");
	struct inode inode;
	struct slice path;

	cr_assert(eq(int, objects_put(temp.store, bucket, "x/", ""), STORE_OK));
	/* d/ is taken out of the bucket and hung below d/e/. */
	uint64_t below = names_dir(temp.store, bucket, "d/e/");
	cr_assert(eq(int, tree_inode(temp.store, dir, &arena, &inode),
		STORE_OK));
	inode.parent = below;
	raw_inode(temp.store, &inode);
	raw_delete(temp.store, DB_DENTRY, key_dentry(bucket, SLICE("d/")));
	raw_dentry(temp.store, below, "d/", RECORD_DENTRY_DIR, dir);
	cr_expect(eq(int, tree_path(temp.store, below, &arena, &path),
		STORE_CORRUPT));
	cr_expect(eq(int,
		tree_rename(temp.store, bucket, SLICE("x"), TREE_DIR, below,
			SLICE("x"), 0, &inode),
		STORE_CORRUPT));
	checks_expect_repair(temp.store, CHECK_ORPHAN);
	cr_expect(eq(u64, names_objects(temp.store, bucket), 4));
}

Test(check_tree_repair, a_wrong_count_of_links)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = checks_fill(temp.store);
	struct inode inode = checks_find(temp.store, bucket, "k", TREE_FILE);

	inode.nlink = 7;
	raw_inode(temp.store, &inode);
	checks_expect_repair(temp.store, CHECK_NLINK);
	cr_expect(eq(u32, checks_find(temp.store, bucket, "k", TREE_FILE).nlink,
		1));
}

Test(check_tree_repair, a_directory_that_mistakes_its_place)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = checks_fill(temp.store);
	struct inode inode = checks_find(temp.store, bucket, "d", TREE_DIR);

	inode.parent = inode.ino;
	raw_inode(temp.store, &inode);
	checks_expect_repair(temp.store, CHECK_PARENT);
	cr_expect(eq(u64, checks_find(temp.store, bucket, "d", TREE_DIR).parent,
		bucket));
}
