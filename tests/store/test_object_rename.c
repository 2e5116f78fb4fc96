/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "store/file.h"
#include "tests/store/versions.h"

static enum store_err
let(const struct inode *source, const struct inode *target, void *context)
{
	(void)source;
	(void)target;
	(void)context;
	return STORE_OK;
}

static enum store_err
rename_as(struct versions *it, const char *from, const char *to,
	const struct object_rename_token *token)
{
	struct inode moved;

	return object_rename(it->store, it->bucket, slice_str(from),
		slice_str(to), let, NULL, token, &moved);
}

static enum store_err
rename_key(struct versions *it, const char *from, const char *to)
{
	return rename_as(it, from, to, NULL);
}

static bool
is(struct versions *it, const char *key, const char *text)
{
	return objects_is(it->store, it->bucket, key, text);
}

static bool
is_dir_there(struct versions *it, const char *name)
{
	struct inode inode;

	return !tree_lookup(it->store, it->bucket, slice_str(name), TREE_DIR,
		NULL, &inode);
}

Test(object_rename, takes_all_that_the_object_is_along)
{
	struct versions it = versions_begin(VERSIONING_NEVER);
	scoped(arena_free) struct arena arena = {0};
	scoped(buffer_free) struct buffer attrs = {0};
	const struct inode_attr list[] = {
		{INODE_ATTR_META, SLICE("colour"), SLICE("blue")},
		{INODE_ATTR_TAG, SLICE("t"), SLICE("1")},
		{INODE_ATTR_ACL, SLICE("s3"), SLICE("acl")},
	};
	struct object before, after;
	struct inode told;

	for (size_t i = 0; i < array_len(list); i++)
		inode_attr_append(&attrs, &list[i]);
	versions_put(&it, "d/a", "text");
	cr_assert(zero(int, object_set_attrs(it.store, it.bucket, SLICE("d/a"),
				    buffer_slice(&attrs), UINT32_MAX)));
	cr_assert(zero(int, object_head(it.store, it.bucket, SLICE("d/a"),
				    &arena, &before)));

	cr_assert(zero(int, object_rename(it.store, it.bucket, SLICE("d/a"),
				    SLICE("e/f/b"), let, NULL, NULL, &told)));

	cr_expect(is(&it, "d/a", NULL));
	cr_expect(is(&it, "e/f/b", "text"));
	cr_assert(zero(int, object_head(it.store, it.bucket, SLICE("e/f/b"),
				    &arena, &after)));
	cr_expect(eq(u64, after.inode.ino, before.inode.ino));
	cr_expect(eq(u64, after.inode.blob, before.inode.blob));
	cr_expect(eq(i64, after.inode.mtime_ns, before.inode.mtime_ns));
	cr_expect(inode_etag_equal(&after.inode.etag, &before.inode.etag));
	cr_expect(slice_equal(after.inode.attrs, before.inode.attrs));
	cr_expect(eq(u64, told.ino, before.inode.ino));
	versions_end(&it);
}

Test(object_rename, what_has_the_new_key_goes)
{
	struct versions it = versions_begin(VERSIONING_NEVER);
	uint64_t objects, bytes;

	versions_put(&it, "a", "new");
	versions_put(&it, "b", "what was there");

	cr_assert(zero(int, rename_key(&it, "a", "b")));

	cr_expect(is(&it, "a", NULL));
	cr_expect(is(&it, "b", "new"));
	objects_usage(it.store, it.bucket, &objects, &bytes);
	cr_expect(eq(u64, objects, 1));
	cr_expect(eq(u64, bytes, 3));
	cr_expect(eq(u64, objects_files_left(it.store), 1));
	versions_end(&it);
}

Test(object_rename, a_directory_of_the_new_name_stays_beside_it)
{
	struct versions it = versions_begin(VERSIONING_NEVER);

	versions_put(&it, "a", "1");
	versions_put(&it, "b/x", "2");
	cr_assert(zero(int, rename_key(&it, "a", "b")));
	cr_expect(is(&it, "b", "1"));
	cr_expect(is(&it, "b/x", "2"));

	cr_assert(zero(int, rename_key(&it, "b", "b/x/y")));
	cr_expect(is(&it, "b/x", "2"));
	cr_expect(is(&it, "b/x/y", "1"));
	versions_end(&it);
}

Test(object_rename, directories_that_nobody_made_go_with_their_last_key)
{
	struct versions it = versions_begin(VERSIONING_NEVER);

	versions_put(&it, "a/b/c", "1");
	versions_put(&it, "kept/", "");
	versions_put(&it, "kept/a", "2");

	cr_assert(zero(int, rename_key(&it, "a/b/c", "a/b")));
	cr_expect(is(&it, "a/b", "1"));
	cr_assert(zero(int, rename_key(&it, "a/b", "top")));
	cr_expect(not(is_dir_there(&it, "a")));
	cr_assert(zero(int, rename_key(&it, "kept/a", "top")));
	cr_expect(is_dir_there(&it, "kept"));
	cr_expect(is(&it, "top", "2"));
	versions_end(&it);
}

Test(object_rename, onto_itself_changes_nothing)
{
	struct versions it = versions_begin(VERSIONING_NEVER);

	versions_put(&it, "a", "1");
	cr_expect(zero(int, rename_key(&it, "a", "a")));
	cr_expect(is(&it, "a", "1"));
	versions_end(&it);
}

Test(object_rename, of_two_names_of_one_file_the_new_one_stays)
{
	struct versions it = versions_begin(VERSIONING_NEVER);
	struct inode inode;

	versions_put(&it, "a", "1");
	cr_assert(zero(int, tree_lookup(it.store, it.bucket, SLICE("a"),
				    TREE_FILE, NULL, &inode)));
	cr_assert(zero(int,
		tree_link(it.store, inode.ino, it.bucket, SLICE("b"), &inode)));

	cr_expect(zero(int, rename_key(&it, "a", "b")));

	cr_expect(is(&it, "a", NULL));
	cr_expect(is(&it, "b", "1"));
	versions_end(&it);
}

Test(object_rename, takes_the_place_of_what_s3_does_not_see)
{
	struct versions it = versions_begin(VERSIONING_NEVER);
	struct inode inode;

	versions_put(&it, "a", "1");
	cr_assert(zero(int, tree_symlink(it.store, it.bucket, SLICE("b"),
				    SLICE("a"), &names_owner, &inode)));
	cr_expect(eq(int, rename_key(&it, "b", "c"), STORE_NOT_FOUND));
	cr_expect(zero(int, rename_key(&it, "a", "b")));
	cr_expect(is(&it, "b", "1"));
	versions_end(&it);
}

Test(object_rename, is_not_where_versions_are_kept_or_were)
{
	struct versions it = versions_begin(VERSIONING_ENABLED);

	versions_put(&it, "a", "1");
	cr_expect(eq(int, rename_key(&it, "a", "b"), STORE_UNSUPPORTED));
	cr_assert(zero(int,
		versioning_set(it.store, it.bucket, VERSIONING_SUSPENDED)));
	cr_expect(eq(int, rename_key(&it, "a", "b"), STORE_UNSUPPORTED));
	cr_expect(versions_lists(&it, "a=1*"));
	versions_end(&it);
}

Test(object_rename, of_a_file_that_is_written_to_goes_on_being_written)
{
	struct versions it = versions_begin(VERSIONING_NEVER);
	struct inode inode;
	struct file *file;
	size_t done;

	versions_put(&it, "a", "1");
	cr_assert(zero(int, tree_lookup(it.store, it.bucket, SLICE("a"),
				    TREE_FILE, NULL, &inode)));
	cr_assert(zero(int, file_open(it.store, inode.ino, O_RDWR, &file)));
	cr_assert(zero(int, file_data_write(file, SLICE("23"), 0, &done)));

	cr_expect(zero(int, rename_key(&it, "a", "b")));
	cr_assert(zero(int, file_data_write(file, SLICE("4"), 2, &done)));
	cr_assert(zero(int, file_close(&file, O_RDWR)));

	cr_expect(is(&it, "b", "234"));
	versions_end(&it);
}

static enum store_err
refuse(const struct inode *source, const struct inode *target, void *context)
{
	bool *is_as_expected = context;

	*is_as_expected = source->size == 1 && target && target->size == 2;
	return STORE_PRECONDITION;
}

Test(object_rename, asks_about_both_and_may_be_refused)
{
	struct versions it = versions_begin(VERSIONING_NEVER);
	struct inode moved;
	bool is_as_expected = false;

	versions_put(&it, "a", "1");
	versions_put(&it, "b", "22");

	cr_expect(eq(int,
		object_rename(it.store, it.bucket, SLICE("a"), SLICE("b"),
			refuse, &is_as_expected, NULL, &moved),
		STORE_PRECONDITION));

	cr_expect(is_as_expected);
	cr_expect(is(&it, "a", "1"));
	cr_expect(is(&it, "b", "22"));
	versions_end(&it);
}

Test(object_rename, who_asks_again_with_his_token_is_told_that_it_is_done)
{
	struct versions it = versions_begin(VERSIONING_NEVER);
	const struct object_rename_token token = {{1}, {1}};
	const struct object_rename_token other = {{1}, {2}};

	versions_put(&it, "a", "1");
	cr_assert(zero(int, rename_as(&it, "a", "b", &token)));
	/* Somebody else's. */
	versions_put(&it, "a", "2");

	cr_expect(zero(int, rename_as(&it, "a", "b", &token)));
	cr_expect(eq(int, rename_as(&it, "a", "b", &other), STORE_EXISTS));

	cr_expect(is(&it, "a", "2"));
	cr_expect(is(&it, "b", "1"));
	versions_end(&it);
}

Test(object_rename, nor_has_what_was_renamed_again_without_it)
{
	struct versions it = versions_begin(VERSIONING_NEVER);
	const struct object_rename_token token = {{1}, {1}};

	versions_put(&it, "a", "1");
	cr_assert(zero(int, rename_as(&it, "a", "b", &token)));
	cr_assert(zero(int, rename_key(&it, "b", "c")));

	cr_expect(eq(int, rename_as(&it, "a", "c", &token), STORE_NOT_FOUND));
	versions_end(&it);
}

Test(object_rename, a_copy_has_not_come_by_the_rename)
{
	struct versions it = versions_begin(VERSIONING_NEVER);
	const struct object_rename_token token = {{1}, {1}};
	struct object object;

	versions_put(&it, "a", "1");
	cr_assert(zero(int, rename_as(&it, "a", "b", &token)));
	cr_assert(zero(int,
		objects_copy(it.store, it.bucket, "b", "c", &object)));

	cr_expect(eq(int, rename_as(&it, "a", "c", &token), STORE_NOT_FOUND));
	versions_end(&it);
}

Test(object_rename, says_what_it_cannot_do)
{
	struct versions it = versions_begin(VERSIONING_NEVER);

	versions_put(&it, "a", "1");
	versions_put(&it, "d/", "");

	cr_expect(eq(int, rename_key(&it, "d/", "e/"), STORE_IS_DIR));
	cr_expect(eq(int, rename_key(&it, "a", "e/"), STORE_IS_DIR));
	cr_expect(eq(int, rename_key(&it, "no", "b"), STORE_NOT_FOUND));
	cr_expect(eq(int, rename_key(&it, "", "b"), STORE_BAD_NAME));
	cr_expect(eq(int, rename_key(&it, "a", "\xff"), STORE_BAD_NAME));
	cr_expect(is(&it, "a", "1"));
	versions_end(&it);
}
