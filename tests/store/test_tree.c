/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <sys/xattr.h>

#include "store/base/clock.h"
#include "store/meta/key.h"
#include "tests/store/names.h"
#include "tests/support/temp_store.h"

static uint64_t
make_dir(struct store *store, uint64_t parent, const char *name)
{
	struct inode inode;

	cr_assert(eq(int,
		tree_mkdir(store, parent, slice_str(name), &names_owner,
			&inode),
		STORE_OK));
	return inode.ino;
}

static uint64_t
make_file(struct store *store, uint64_t bucket, const char *key)
{
	uint64_t ino;

	cr_assert(eq(int,
		names_put_size(store, bucket, slice_str(key), 0, 0, &ino),
		STORE_OK));
	return ino;
}

static struct inode
inode_of(struct store *store, uint64_t ino)
{
	struct inode inode;

	cr_assert(eq(int, tree_inode(store, ino, NULL, &inode), STORE_OK));
	return inode;
}

static enum store_err
move(struct store *store, uint64_t parent, const char *name,
	enum tree_want want, uint64_t new_parent, const char *new_name,
	unsigned flags)
{
	struct inode replaced;

	return tree_rename(store, parent, slice_str(name), want, new_parent,
		slice_str(new_name), flags, &replaced);
}

/* --- making and finding --------------------------------------------------- */

Test(tree, what_is_made_is_found)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = names_bucket(temp.store, "bucket");
	const struct tree_owner owner = {S_IFCHR | 0620, 7, 8};
	struct inode made, found;

	cr_assert(eq(int,
		tree_mkdir(temp.store, bucket, SLICE("d"), &names_owner, &made),
		STORE_OK));
	cr_assert(eq(int,
		tree_lookup(temp.store, bucket, SLICE("d"), TREE_DIR, NULL,
			&found),
		STORE_OK));
	cr_expect(eq(u64, found.ino, made.ino));
	cr_expect(eq(u64, found.parent, bucket));
	cr_expect(eq(u32, found.mode, S_IFDIR | 0755));
	cr_expect(eq(u32, found.uid, 1000));
	cr_expect(eq(u32, found.nlink, 2));
	cr_expect(eq(u32, inode_of(temp.store, bucket).nlink, 3));

	cr_assert(eq(int,
		tree_mknod(temp.store, made.ino, SLICE("tty"), &owner, 0x501,
			&made),
		STORE_OK));
	cr_assert(eq(int,
		tree_lookup(temp.store, found.ino, SLICE("tty"), TREE_FILE,
			NULL, &found),
		STORE_OK));
	cr_expect(eq(u32, found.mode, S_IFCHR | 0620));
	cr_expect(eq(u32, found.rdev, 0x501));
	cr_expect(names_are_sound(temp.store));
}

Test(tree, a_shown_name_is_a_directory_or_else_a_file)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = names_bucket(temp.store, "bucket");
	uint64_t file = make_file(temp.store, bucket, "both");
	uint64_t only = make_file(temp.store, bucket, "file");
	enum tree_want want;
	struct inode inode;

	make_file(temp.store, bucket, "both/below");

	cr_assert(not(tree_lookup_shown(temp.store, bucket, SLICE("both"),
		false, &want, &inode)));
	cr_expect(eq(int, want, TREE_DIR));
	cr_expect(inode_is_dir(&inode));
	cr_assert(not(tree_lookup_shown(temp.store, bucket, SLICE("both"), true,
		&want, &inode)));
	cr_expect(eq(int, want, TREE_FILE));
	cr_expect(eq(u64, inode.ino, file));
	cr_assert(not(tree_lookup_shown(temp.store, bucket, SLICE("file"),
		false, &want, &inode)));
	cr_expect(eq(int, want, TREE_FILE));
	cr_expect(eq(u64, inode.ino, only));
	cr_expect(eq(int,
		tree_lookup_shown(temp.store, bucket, SLICE("file"), true,
			&want, &inode),
		STORE_NOT_FOUND));
	cr_expect(eq(int,
		tree_lookup_shown(temp.store, only, SLICE("x"), false, &want,
			&inode),
		STORE_NOT_DIR));
}

Test(tree, a_symbolic_link_keeps_its_target)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	scoped(arena_free) struct arena arena = {0};
	uint64_t bucket = names_bucket(temp.store, "bucket");
	char long_target[4097];
	struct inode link;
	struct slice target;

	memset(long_target, 't', sizeof(long_target));
	cr_assert(eq(int,
		tree_symlink(temp.store, bucket, SLICE("l"), SLICE("../to"),
			&names_owner, &link),
		STORE_OK));
	cr_expect(eq(u64, link.size, 5));
	cr_assert(eq(int, tree_readlink(temp.store, link.ino, &arena, &target),
		STORE_OK));
	cr_expect(slice_equal(target, SLICE("../to")));
	cr_expect(eq(int, tree_readlink(temp.store, bucket, &arena, &target),
		STORE_INVALID));
	cr_expect(eq(int,
		tree_symlink(temp.store, bucket, SLICE("m"),
			slice_of(long_target, 4096), &names_owner, &link),
		STORE_NAME_TOO_LONG));
}

Test(tree, a_name_is_given_once_whatever_the_kind)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = names_bucket(temp.store, "bucket");
	struct inode inode;

	make_dir(temp.store, bucket, "d");
	uint64_t file = make_file(temp.store, bucket, "f");

	cr_expect(eq(int,
		tree_mkdir(temp.store, bucket, SLICE("f"), &names_owner,
			&inode),
		STORE_EXISTS));
	cr_expect(eq(int,
		tree_mkdir(temp.store, bucket, SLICE("d"), &names_owner,
			&inode),
		STORE_EXISTS));
	cr_expect(eq(int,
		tree_symlink(temp.store, bucket, SLICE("d"), SLICE("to"),
			&names_owner, &inode),
		STORE_EXISTS));
	cr_expect(eq(int,
		tree_link(temp.store, file, bucket, SLICE("d"), &inode),
		STORE_EXISTS));
	cr_expect(eq(int,
		tree_link(temp.store, file, bucket, SLICE("f"), &inode),
		STORE_EXISTS));
}

Test(tree, says_what_is_wrong_with_a_name)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = names_bucket(temp.store, "bucket");
	uint64_t file = make_file(temp.store, bucket, "f");
	char name[TREE_NAME_MAX + 1];
	struct inode inode;

	memset(name, 'n', sizeof(name));
	cr_expect(eq(int,
		tree_mkdir(temp.store, bucket, SLICE(""), &names_owner, &inode),
		STORE_BAD_NAME));
	cr_expect(eq(int,
		tree_mkdir(temp.store, bucket, SLICE("a/b"), &names_owner,
			&inode),
		STORE_BAD_NAME));
	cr_expect(eq(int,
		tree_mkdir(temp.store, bucket, slice_of(name, sizeof(name)),
			&names_owner, &inode),
		STORE_NAME_TOO_LONG));
	cr_expect(eq(int,
		tree_mkdir(temp.store, bucket, slice_of(name, TREE_NAME_MAX),
			&names_owner, &inode),
		STORE_OK));
	cr_expect(eq(int,
		tree_mkdir(temp.store, file, SLICE("d"), &names_owner, &inode),
		STORE_NOT_DIR));
	cr_expect(eq(int,
		tree_mkdir(temp.store, 777, SLICE("d"), &names_owner, &inode),
		STORE_STALE));
	cr_expect(eq(int,
		tree_lookup(temp.store, bucket, SLICE("x"), TREE_FILE, NULL,
			&inode),
		STORE_NOT_FOUND));
	cr_expect(eq(int,
		tree_lookup(temp.store, file, SLICE("x"), TREE_FILE, NULL,
			&inode),
		STORE_NOT_DIR));
	cr_expect(eq(int,
		tree_lookup(temp.store, 777, SLICE("x"), TREE_FILE, NULL,
			&inode),
		STORE_STALE));
	cr_expect(eq(int, tree_inode(temp.store, 777, NULL, &inode),
		STORE_STALE));
	cr_expect(names_are_sound(temp.store));
}

/* --- attributes ----------------------------------------------------------- */

Test(tree, sets_what_is_asked_and_no_more)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = names_bucket(temp.store, "bucket");
	uint64_t file = make_file(temp.store, bucket, "f");
	const struct tree_change times = {
		.has_mtime = true, .mtime_ns = 5, .mode = 0777};
	const struct tree_change mode = {.has_mode = true, .mode = 04711};
	struct inode inode;

	cr_assert(eq(int, tree_set(temp.store, file, &times, &inode),
		STORE_OK));
	cr_expect(eq(i64, inode.mtime_ns, 5));
	cr_expect(eq(u32, inode.mode, S_IFREG | 0644));
	cr_assert(eq(int, tree_set(temp.store, file, &mode, &inode), STORE_OK));
	cr_expect(eq(u32, inode.mode, S_IFREG | 04711));
	cr_expect(eq(i64, inode.mtime_ns, 5));
	cr_expect(gt(i64, inode.ctime_ns, 5));
	cr_expect(eq(int, tree_set(temp.store, 777, &mode, &inode),
		STORE_STALE));
}

Test(tree, extended_attributes_are_as_setxattr_has_them)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	scoped(arena_free) struct arena arena = {0};
	uint64_t bucket = names_bucket(temp.store, "bucket");
	uint64_t dir = make_dir(temp.store, bucket, "d");
	struct slice value = SLICE("1"), name = SLICE("user.a"), found;
	char *big = calloc(1, INODE_ATTRS_MAX);
	struct slice too_big = slice_of(big, INODE_ATTRS_MAX);
	struct inode inode;

	cr_expect(eq(int,
		tree_set_attr(temp.store, dir, INODE_ATTR_XATTR, name, &value,
			XATTR_REPLACE),
		STORE_NO_ATTR));
	cr_expect(eq(int,
		tree_set_attr(temp.store, dir, INODE_ATTR_XATTR, name, NULL, 0),
		STORE_NO_ATTR));
	cr_expect(eq(int,
		tree_set_attr(temp.store, dir, INODE_ATTR_XATTR, name, &value,
			XATTR_CREATE),
		STORE_OK));
	cr_expect(eq(int,
		tree_set_attr(temp.store, dir, INODE_ATTR_XATTR, name, &value,
			XATTR_CREATE),
		STORE_EXISTS));
	cr_expect(eq(int,
		tree_set_attr(temp.store, dir, INODE_ATTR_XATTR, name, &too_big,
			0),
		STORE_ATTR_TOO_BIG));
	cr_assert(eq(int, tree_inode(temp.store, dir, &arena, &inode),
		STORE_OK));
	cr_expect(inode_attr_find(inode.attrs, INODE_ATTR_XATTR, name, &found));
	cr_expect(slice_equal(found, value));
	cr_expect(eq(int,
		tree_set_attr(temp.store, dir, INODE_ATTR_XATTR, name, NULL, 0),
		STORE_OK));
	cr_assert(eq(int, tree_inode(temp.store, dir, &arena, &inode),
		STORE_OK));
	cr_expect(not(inode_attr_find(inode.attrs, INODE_ATTR_XATTR, name,
		&found)));
	cr_expect(names_are_sound(temp.store));
	free(big);
}

/* --- links and removal ---------------------------------------------------- */

Test(tree, a_file_lives_as_long_as_it_has_a_name)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = names_bucket(temp.store, "bucket");
	uint64_t file = make_file(temp.store, bucket, "f");
	struct inode inode;

	cr_assert(eq(int,
		tree_link(temp.store, file, bucket, SLICE("g"), &inode),
		STORE_OK));
	cr_expect(eq(u32, inode.nlink, 2));
	cr_expect(eq(u64, names_objects(temp.store, bucket), 2));
	cr_expect(names_are_sound(temp.store));
	cr_assert(eq(int, tree_unlink(temp.store, bucket, SLICE("f"), &inode),
		STORE_OK));
	cr_expect(eq(u32, inode.nlink, 1));
	cr_assert(eq(int, tree_unlink(temp.store, bucket, SLICE("g"), &inode),
		STORE_OK));
	cr_expect(eq(u32, inode.nlink, 0));
	cr_expect(eq(int, tree_inode(temp.store, file, NULL, &inode),
		STORE_STALE));
	cr_expect(eq(int,
		tree_link(temp.store, file, bucket, SLICE("h"), &inode),
		STORE_STALE));
	cr_expect(eq(u64, names_objects(temp.store, bucket), 0));
}

static enum store_err
fill_links(struct store *store, struct db_txn *txn, void *arg)
{
	struct inode inode;
	enum store_err err = dentry_inode(txn, *(uint64_t *)arg, &inode);

	(void)store;
	inode.nlink = TREE_LINKS_MAX;
	return err ? err : dentry_save_inode(txn, &inode);
}

Test(tree, links_have_bounds)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = names_bucket(temp.store, "bucket");
	uint64_t other = names_bucket(temp.store, "other");
	uint64_t file = make_file(temp.store, bucket, "f");
	uint64_t dir = make_dir(temp.store, bucket, "d");
	struct inode inode;

	cr_expect(eq(int,
		tree_link(temp.store, file, other, SLICE("f"), &inode),
		STORE_CROSS_BUCKET));
	cr_expect(eq(int,
		tree_link(temp.store, dir, bucket, SLICE("e"), &inode),
		STORE_IS_DIR));
	cr_assert(eq(int, names_change(temp.store, fill_links, &file),
		STORE_OK));
	cr_expect(eq(int,
		tree_link(temp.store, file, bucket, SLICE("e"), &inode),
		STORE_TOO_MANY_LINKS));
}

Test(tree, removal_knows_files_from_directories)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = names_bucket(temp.store, "bucket");
	uint64_t dir = make_dir(temp.store, bucket, "d");
	struct inode inode;

	make_file(temp.store, bucket, "d/f");
	cr_expect(eq(int, tree_unlink(temp.store, bucket, SLICE("d"), &inode),
		STORE_IS_DIR));
	cr_expect(eq(int, tree_rmdir(temp.store, bucket, SLICE("d")),
		STORE_NOT_EMPTY));
	cr_expect(eq(int, tree_rmdir(temp.store, dir, SLICE("f")),
		STORE_NOT_DIR));
	cr_expect(eq(int, tree_rmdir(temp.store, bucket, SLICE("x")),
		STORE_NOT_FOUND));
	cr_expect(eq(int, tree_unlink(temp.store, 777, SLICE("x"), &inode),
		STORE_STALE));
	cr_assert(eq(int, tree_unlink(temp.store, dir, SLICE("f"), &inode),
		STORE_OK));
	cr_expect(eq(int, tree_rmdir(temp.store, bucket, SLICE("d")),
		STORE_OK));
	cr_expect(eq(u32, inode_of(temp.store, bucket).nlink, 2));
	cr_expect(names_are_sound(temp.store));
}

Test(tree, a_directory_emptied_by_the_mount_stays)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = names_bucket(temp.store, "bucket");
	struct inode inode;

	make_file(temp.store, bucket, "d/f");
	uint64_t dir = names_dir(temp.store, bucket, "d/");
	cr_assert(eq(int, tree_unlink(temp.store, dir, SLICE("f"), &inode),
		STORE_OK));

	cr_expect(names_lists(temp.store, bucket, "", "", "d/\n"));
	cr_expect(eq(u64, names_objects(temp.store, bucket), 1));
	cr_expect(names_are_sound(temp.store));
}

/* --- rename --------------------------------------------------------------- */

Test(tree, a_directory_moves_with_all_below_it)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	scoped(arena_free) struct arena arena = {0};
	uint64_t bucket = names_bucket(temp.store, "bucket");
	struct slice path;

	make_file(temp.store, bucket, "a/b/c");
	make_file(temp.store, bucket, "a/b/d/e");
	uint64_t to = make_dir(temp.store, bucket, "to");
	uint64_t a = names_dir(temp.store, bucket, "a/");
	uint64_t b = names_dir(temp.store, bucket, "a/b/");
	cr_assert(eq(int, move(temp.store, a, "b", TREE_DIR, to, "z", 0),
		STORE_OK));

	cr_expect(names_lists(temp.store, bucket, "", "",
		"a/\nto/\nto/z/c\nto/z/d/e\n"));
	cr_expect(eq(u64, inode_of(temp.store, b).parent, to));
	cr_expect(eq(u32, inode_of(temp.store, a).nlink, 2));
	cr_expect(eq(u32, inode_of(temp.store, to).nlink, 3));
	cr_assert(eq(int, tree_path(temp.store, b, &arena, &path), STORE_OK));
	cr_expect(slice_equal(path, SLICE("to/z/")));
	cr_assert(eq(int, tree_path(temp.store, bucket, &arena, &path),
		STORE_OK));
	cr_expect(eq(sz, path.len, 0));
	cr_expect(names_are_sound(temp.store));
}

Test(tree, a_directory_does_not_move_below_itself)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = names_bucket(temp.store, "bucket");
	uint64_t a = make_dir(temp.store, bucket, "a");
	uint64_t b = make_dir(temp.store, a, "b");
	uint64_t c = make_dir(temp.store, b, "c");

	cr_expect(eq(int, move(temp.store, bucket, "a", TREE_DIR, a, "x", 0),
		STORE_LOOP));
	cr_expect(eq(int, move(temp.store, bucket, "a", TREE_DIR, c, "x", 0),
		STORE_LOOP));
	cr_expect(eq(int, move(temp.store, b, "c", TREE_DIR, bucket, "a", 0),
		STORE_NOT_EMPTY));
	cr_expect(eq(int,
		move(temp.store, b, "c", TREE_DIR, bucket, "a", TREE_EXCHANGE),
		STORE_LOOP));
	cr_expect(eq(int,
		move(temp.store, bucket, "a", TREE_DIR, b, "c", TREE_EXCHANGE),
		STORE_LOOP));
	cr_expect(names_are_sound(temp.store));
}

Test(tree, a_rename_replaces_its_like)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = names_bucket(temp.store, "bucket");
	uint64_t old = make_file(temp.store, bucket, "old");
	struct inode replaced;

	make_file(temp.store, bucket, "new");
	make_dir(temp.store, bucket, "d");
	make_dir(temp.store, bucket, "empty");
	make_file(temp.store, bucket, "full/f");

	cr_assert(eq(int,
		tree_rename(temp.store, bucket, SLICE("new"), TREE_FILE, bucket,
			SLICE("old"), 0, &replaced),
		STORE_OK));
	cr_expect(eq(u64, replaced.ino, old));
	cr_expect(eq(u32, replaced.nlink, 0));
	cr_assert(eq(int,
		tree_rename(temp.store, bucket, SLICE("old"), TREE_FILE, bucket,
			SLICE("free"), 0, &replaced),
		STORE_OK));
	cr_expect(eq(u64, replaced.ino, 0));
	cr_expect(eq(int,
		move(temp.store, bucket, "free", TREE_FILE, bucket, "d", 0),
		STORE_IS_DIR));
	cr_expect(eq(int,
		move(temp.store, bucket, "d", TREE_DIR, bucket, "free", 0),
		STORE_NOT_DIR));
	cr_expect(eq(int,
		move(temp.store, bucket, "d", TREE_DIR, bucket, "full", 0),
		STORE_NOT_EMPTY));
	cr_expect(eq(int,
		move(temp.store, bucket, "d", TREE_DIR, bucket, "empty", 0),
		STORE_OK));
	cr_expect(eq(int,
		move(temp.store, bucket, "d", TREE_DIR, bucket, "x", 0),
		STORE_NOT_FOUND));
	cr_expect(names_lists(temp.store, bucket, "", "",
		"empty/\nfree\nfull/f\n"));
	cr_expect(names_are_sound(temp.store));
}

Test(tree, a_rename_may_be_told_not_to_replace)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = names_bucket(temp.store, "bucket");

	make_file(temp.store, bucket, "f");
	make_dir(temp.store, bucket, "d");

	cr_expect(eq(int,
		move(temp.store, bucket, "f", TREE_FILE, bucket, "d",
			TREE_NO_REPLACE),
		STORE_EXISTS));
	cr_expect(eq(int,
		move(temp.store, bucket, "f", TREE_FILE, bucket, "f",
			TREE_NO_REPLACE),
		STORE_EXISTS));
	cr_expect(eq(int,
		move(temp.store, bucket, "f", TREE_FILE, bucket, "g",
			TREE_NO_REPLACE),
		STORE_OK));
	cr_expect(eq(int,
		move(temp.store, bucket, "g", TREE_FILE, bucket, "h",
			TREE_NO_REPLACE | TREE_EXCHANGE),
		STORE_INVALID));
}

Test(tree, an_exchange_swaps_whatever_the_two_are)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = names_bucket(temp.store, "bucket");
	uint64_t a = make_dir(temp.store, bucket, "a");

	make_file(temp.store, bucket, "a/f");
	make_file(temp.store, bucket, "d/g");
	cr_assert(eq(int,
		move(temp.store, a, "f", TREE_FILE, bucket, "d", TREE_EXCHANGE),
		STORE_OK));

	cr_expect(names_lists(temp.store, bucket, "", "", "a/\na/f/g\nd\n"));
	cr_expect(eq(u32, inode_of(temp.store, a).nlink, 3));
	cr_expect(eq(u32, inode_of(temp.store, bucket).nlink, 3));
	cr_expect(names_are_sound(temp.store));
	cr_expect(eq(int,
		move(temp.store, a, "f", TREE_DIR, bucket, "none",
			TREE_EXCHANGE),
		STORE_NOT_FOUND));
}

Test(tree, a_whiteout_appears_where_the_source_was)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = names_bucket(temp.store, "bucket");
	const struct tree_owner owner = {S_IFCHR, 7, 8};
	struct inode replaced, left;

	make_file(temp.store, bucket, "f");
	make_file(temp.store, bucket, "d/g");
	cr_assert(eq(int,
		tree_rename_whiteout(temp.store, bucket, SLICE("d"), TREE_DIR,
			bucket, SLICE("e"), 0, &owner, &replaced),
		STORE_OK));
	cr_assert(eq(int,
		tree_lookup(temp.store, bucket, SLICE("d"), TREE_FILE, NULL,
			&left),
		STORE_OK));

	cr_expect(eq(u32, left.mode, S_IFCHR));
	cr_expect(eq(u32, left.rdev, 0));
	cr_expect(eq(u32, left.uid, 7));
	cr_expect(eq(u32, left.gid, 8));
	cr_expect(names_lists(temp.store, bucket, "", "", "e/g\nf\n"));
	cr_expect(names_are_sound(temp.store));
	cr_expect(eq(int,
		tree_rename_whiteout(temp.store, bucket, SLICE("e"), TREE_DIR,
			bucket, SLICE("f"), TREE_EXCHANGE, &owner, &replaced),
		STORE_INVALID));
}

Test(tree, a_whiteout_takes_no_file_s_place)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = names_bucket(temp.store, "bucket");
	const struct tree_owner owner = {S_IFCHR, 0, 0};
	struct inode replaced;

	make_file(temp.store, bucket, "a");
	make_file(temp.store, bucket, "a/b");

	cr_expect(eq(int,
		tree_rename_whiteout(temp.store, bucket, SLICE("a"), TREE_DIR,
			bucket, SLICE("c"), 0, &owner, &replaced),
		STORE_EXISTS));
	cr_expect(names_lists(temp.store, bucket, "", "", "a\na/b\n"));
	cr_expect(names_are_sound(temp.store));
}

/* As S3 allows: "a" and "a/b". */
Test(tree, a_file_and_a_directory_of_one_name_move_apart)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = names_bucket(temp.store, "bucket");

	make_file(temp.store, bucket, "a");
	make_file(temp.store, bucket, "a/b");
	make_file(temp.store, bucket, "f");
	make_dir(temp.store, bucket, "d");
	cr_expect(eq(int,
		move(temp.store, bucket, "f", TREE_FILE, bucket, "a", 0),
		STORE_OK));
	cr_expect(names_lists(temp.store, bucket, "", "", "a\na/b\nd/\n"));
	cr_expect(eq(int,
		move(temp.store, bucket, "d", TREE_DIR, bucket, "a", 0),
		STORE_NOT_EMPTY));
	cr_expect(eq(int,
		move(temp.store, bucket, "a", TREE_FILE, bucket, "d",
			TREE_EXCHANGE),
		STORE_EXISTS));
	cr_expect(eq(int,
		move(temp.store, bucket, "a", TREE_DIR, bucket, "e", 0),
		STORE_OK));
	cr_expect(names_lists(temp.store, bucket, "", "", "a\nd/\ne/b\n"));
	cr_expect(names_are_sound(temp.store));
}

Test(tree, a_rename_between_two_links_of_a_file_does_nothing)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = names_bucket(temp.store, "bucket");
	uint64_t file = make_file(temp.store, bucket, "f");
	struct inode inode;

	cr_assert(eq(int,
		tree_link(temp.store, file, bucket, SLICE("g"), &inode),
		STORE_OK));
	cr_expect(eq(int,
		move(temp.store, bucket, "f", TREE_FILE, bucket, "g", 0),
		STORE_OK));
	cr_expect(names_lists(temp.store, bucket, "", "", "f\ng\n"));
}

Test(tree, no_directory_moves_to_another_bucket)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = names_bucket(temp.store, "bucket");
	uint64_t other = names_bucket(temp.store, "other");

	make_file(temp.store, bucket, "d/f");
	cr_expect(eq(int,
		move(temp.store, bucket, "d", TREE_DIR, other, "d", 0),
		STORE_CROSS_BUCKET));
	cr_expect(names_lists(temp.store, other, "", "", ""));
}

Test(tree, an_object_may_have_a_longer_path_than_s3_can_name)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = names_bucket(temp.store, "bucket");
	char key[TREE_KEY_MAX + 1], expected[TREE_KEY_MAX + 8];

	memset(key, 'k', TREE_KEY_MAX);
	memcpy(key, "d/", 2);
	key[TREE_KEY_MAX] = '\0';
	make_file(temp.store, bucket, key);
	cr_assert(eq(int,
		move(temp.store, bucket, "d", TREE_DIR, bucket, "long", 0),
		STORE_OK));

	snprintf(expected, sizeof(expected), "long%s\n", key + 1);
	cr_expect(names_lists(temp.store, bucket, "", "", expected));
	cr_expect(names_are_sound(temp.store));
}

/* --- reading directories -------------------------------------------------- */

struct seen {
	char text[256];
	size_t left;
};

static bool
note(struct slice component, const struct inode *inode, void *context)
{
	struct seen *seen = context;
	size_t len = strlen(seen->text);

	snprintf(seen->text + len, sizeof(seen->text) - len, "%.*s%s ",
		(int)component.len, component.data,
		inode->flags & INODE_UNPUBLISHED ? "?" : "");
	return --seen->left > 0;
}

Test(tree, a_directory_is_read_in_order_from_anywhere)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = names_bucket(temp.store, "bucket");
	struct seen all = {.left = 99}, some = {.left = 2};
	struct inode inode;

	make_file(temp.store, bucket, "a");
	make_file(temp.store, bucket, "a/b");
	make_file(temp.store, bucket, "a-");
	cr_assert(eq(int,
		names_put_size(temp.store, bucket, SLICE("new"), 0,
			INODE_UNPUBLISHED, NULL),
		STORE_OK));
	cr_assert(eq(int,
		tree_symlink(temp.store, bucket, SLICE("z"), SLICE("to"),
			&names_owner, &inode),
		STORE_OK));

	cr_expect(eq(int,
		tree_read_dir(temp.store, bucket, SLICE_NULL, note, &all),
		STORE_OK));
	cr_expect(eq(str, all.text, "a a- a/ new? z "));
	cr_expect(eq(int,
		tree_read_dir(temp.store, bucket, SLICE("a-"), note, &some),
		STORE_OK));
	cr_expect(eq(str, some.text, "a/ new? "));
	cr_expect(eq(int,
		tree_read_dir(temp.store, 777, SLICE_NULL, note, &all),
		STORE_STALE));
	cr_expect(eq(int,
		tree_read_dir(temp.store, inode.ino, SLICE_NULL, note, &all),
		STORE_NOT_DIR));
}

Test(tree, a_name_that_is_anothers_by_now_is_left_alone)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = names_bucket(temp.store, "bucket");
	uint64_t first, second;
	struct inode gone;

	cr_assert(zero(int,
		names_put_size(temp.store, bucket, SLICE("k"), 0, 0, &first)));
	cr_assert(zero(int,
		names_put_size(temp.store, bucket, SLICE("k"), 0, 0, &second)));

	cr_expect(eq(int,
		tree_unlink_own(temp.store, bucket, SLICE("k"), first, &gone),
		STORE_NOT_FOUND));
	cr_expect(eq(u64, names_objects(temp.store, bucket), 1));
	cr_expect(zero(int, tree_unlink_own(temp.store, bucket, SLICE("k"),
				    second, &gone)));
	cr_expect(zero(u64, names_objects(temp.store, bucket)));
	cr_expect(names_are_sound(temp.store));
}
