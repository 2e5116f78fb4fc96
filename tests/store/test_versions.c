/* SPDX-License-Identifier: Apache-2.0 */
/* What a bucket keeps of its objects: history_private.h. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "tests/store/versions.h"

Test(versions, a_bucket_that_never_kept_any_has_null_ones)
{
	struct versions it = versions_begin(VERSIONING_NEVER);
	struct version_ref null = {.which = VERSION_NULL};
	struct object_deletion done;

	versions_put(&it, "a", "1");
	versions_put(&it, "a", "2");
	cr_expect(versions_lists(&it, "a=2*0"));
	cr_expect(eq(int, versions_drop(&it, "b", null, &done),
		STORE_NOT_FOUND));
	cr_expect(zero(int, versions_drop(&it, "a", null, &done)));
	cr_expect(not(done.is_marker));
	cr_expect(versions_lists(&it, ""));
	cr_expect(eq(u64, objects_blob_records(it.store), 0));
	versions_end(&it);
}

Test(versions, what_a_put_replaces_is_kept)
{
	struct versions it = versions_begin(VERSIONING_NEVER);
	enum versioning versioning;

	versions_put(&it, "a", "1");
	cr_assert(zero(int,
		versioning_set(it.store, it.bucket, VERSIONING_ENABLED)));
	cr_assert(zero(int, versioning_get(it.store, it.bucket, &versioning)));
	cr_expect(eq(int, versioning, VERSIONING_ENABLED));
	versions_put(&it, "a", "2");
	versions_put(&it, "a", "3");

	cr_expect(versions_lists(&it, "a=3* a=2 a=10"));
	cr_expect(objects_is(it.store, it.bucket, "a", "3"));
	cr_expect(names_lists(it.store, it.bucket, "", "", "a\n"));
	versions_end(&it);
}

Test(versions, a_delete_leaves_a_marker_that_can_be_deleted)
{
	struct versions it = versions_begin(VERSIONING_ENABLED);
	scoped(arena_free) struct arena arena = {0};
	struct version_ref current = {.which = VERSION_CURRENT};
	struct object_deletion done;
	struct object object;

	versions_put(&it, "d/a", "1");
	cr_assert(zero(int, versions_drop(&it, "d/a", current, &done)));
	cr_expect(done.is_marker);
	cr_expect(not(version_is_null(&done.which)));
	cr_expect(versions_lists(&it, "d/a=-* d/a=1"));
	cr_expect(names_lists(it.store, it.bucket, "", "", ""));
	cr_expect(eq(int,
		object_head_version(it.store, it.bucket, SLICE("d/a"), &current,
			&arena, &object),
		STORE_NOT_FOUND));
	cr_expect(object.is_marker);
	cr_expect(eq(u64, object.version.number, done.which.number));
	cr_assert(zero(int, versions_drop(&it, "d/a", current, &done)));
	cr_expect(versions_lists(&it, "d/a=-* d/a=- d/a=1"));

	cr_assert(zero(int, versions_drop(&it, "d/a",
				    version_ref_of(&object.version), &done)));
	cr_expect(done.is_marker);
	cr_expect(versions_lists(&it, "d/a=-* d/a=1"),
		"not the newest: nothing else");
	versions_drop_nth(&it, "d/a", 0);
	cr_expect(versions_lists(&it, "d/a=1*"));
	cr_expect(objects_is(it.store, it.bucket, "d/a", "1"));
	versions_end(&it);
}

Test(versions, a_delete_of_what_never_was_leaves_a_marker_too)
{
	struct versions it = versions_begin(VERSIONING_ENABLED);

	cr_expect(zero(int,
		object_delete(it.store, it.bucket, SLICE("x/y"), NULL)));
	cr_expect(versions_lists(&it, "x/y=-*"));
	versions_drop_nth(&it, "x/y", 0);
	cr_expect(versions_lists(&it, ""));
	versions_end(&it);
}

Test(versions, the_one_before_follows_one_that_goes_for_good)
{
	struct versions it = versions_begin(VERSIONING_ENABLED);

	versions_put(&it, "a", "1");
	versions_put(&it, "a", "2");
	versions_put(&it, "a", "3");
	versions_drop_nth(&it, "a", 1);
	cr_expect(versions_lists(&it, "a=3* a=1"));
	versions_drop_nth(&it, "a", 0);
	cr_expect(versions_lists(&it, "a=1*"));
	cr_expect(objects_is(it.store, it.bucket, "a", "1"));
	cr_expect(eq(int, bucket_delete(it.store, SLICE("bucket")),
		STORE_BUCKET_NOT_EMPTY));
	versions_drop_nth(&it, "a", 0);
	cr_expect(versions_lists(&it, ""));
	cr_expect(eq(u64, objects_blob_records(it.store), 0));
	versions_end(&it);
}

Test(versions, a_bucket_with_a_marker_alone_is_not_empty)
{
	struct versions it = versions_begin(VERSIONING_ENABLED);

	versions_put(&it, "a/b/c", "1");
	cr_assert(zero(int,
		object_delete(it.store, it.bucket, SLICE("a/b/c"), NULL)));
	cr_expect(eq(int, bucket_delete(it.store, SLICE("bucket")),
		STORE_BUCKET_NOT_EMPTY));
	versions_drop_nth(&it, "a/b/c", 1);
	cr_expect(versions_lists(&it, "a/b/c=-*"));
	versions_drop_nth(&it, "a/b/c", 0);
	cr_expect(zero(int, bucket_delete(it.store, SLICE("bucket"))));
	cr_expect(eq(u64, objects_rows(it.store, DB_VERSION), 0));
	cr_expect(eq(u64, objects_rows(it.store, DB_INODE), 0));
	versions_end(&it);
}

Test(versions, while_suspended_the_null_version_is_replaced)
{
	struct versions it = versions_begin(VERSIONING_NEVER);

	versions_put(&it, "a", "0");
	cr_assert(zero(int,
		versioning_set(it.store, it.bucket, VERSIONING_ENABLED)));
	versions_put(&it, "a", "1");
	cr_assert(zero(int,
		versioning_set(it.store, it.bucket, VERSIONING_SUSPENDED)));
	cr_expect(versions_lists(&it, "a=1* a=00"));
	versions_put(&it, "a", "2");
	cr_expect(versions_lists(&it, "a=2*0 a=1"),
		"the older null one is gone");
	versions_put(&it, "a", "3");
	cr_expect(versions_lists(&it, "a=3*0 a=1"));
	cr_assert(zero(int,
		object_delete(it.store, it.bucket, SLICE("a"), NULL)));
	cr_expect(versions_lists(&it, "a=-*0 a=1"));
	versions_put(&it, "a", "4");
	cr_expect(versions_lists(&it, "a=4*0 a=1"));
	cr_assert(zero(int,
		versioning_set(it.store, it.bucket, VERSIONING_ENABLED)));
	versions_put(&it, "a", "5");
	cr_expect(versions_lists(&it, "a=5* a=40 a=1"));
	cr_expect(eq(u64, objects_blob_records(it.store), 3));
	versions_end(&it);
}

Test(versions, a_null_version_is_found_by_that_name_wherever_it_is)
{
	struct versions it = versions_begin(VERSIONING_NEVER);
	scoped(arena_free) struct arena arena = {0};
	struct version_ref null = {.which = VERSION_NULL};
	struct object_deletion done;
	struct object object;

	versions_put(&it, "a", "0");
	cr_assert(zero(int,
		versioning_set(it.store, it.bucket, VERSIONING_ENABLED)));
	versions_put(&it, "a", "11");
	cr_assert(zero(int, object_head_version(it.store, it.bucket, SLICE("a"),
				    &null, &arena, &object)));
	cr_expect(eq(u64, object.inode.size, 1));
	cr_assert(zero(int, versions_drop(&it, "a", null, &done)));
	cr_expect(eq(int,
		object_head_version(it.store, it.bucket, SLICE("a"), &null,
			&arena, &object),
		STORE_NOT_FOUND));
	cr_expect(not(object.is_marker));
	cr_expect(versions_lists(&it, "a=11*"));
	versions_end(&it);
}

Test(versions, directories_and_keys_below_them_come_in_the_order_of_keys)
{
	struct versions it = versions_begin(VERSIONING_ENABLED);

	for (int i = 0; i < 2; i++) {
		versions_put(&it, "a", i ? "2" : "1");
		versions_put(&it, "a-", i ? "2" : "1");
		versions_put(&it, "a/", i ? "2" : "1");
		versions_put(&it, "a/b", i ? "2" : "1");
		versions_put(&it, "a0", i ? "2" : "1");
	}
	cr_assert(zero(int,
		object_delete(it.store, it.bucket, SLICE("a/"), NULL)));
	cr_assert(zero(int,
		object_delete(it.store, it.bucket, SLICE("a/b"), NULL)));
	cr_expect(versions_lists(&it,
		"a=2* a=1 a-=2* a-=1 a/=-* a/=2 a/=1 a/b=-* a/b=2 a/b=1 "
		"a0=2* a0=1"));
	cr_expect(versions_lists_below(&it, "", "/",
		"a=2* a=1 a-=2* a-=1 (a/) a0=2* a0=1"));
	cr_expect(versions_lists_below(&it, "a/", "/",
		"a/=-* a/=2 a/=1 a/b=-* a/b=2 a/b=1"));
	cr_expect(versions_lists_below(&it, "a", "-",
		"a=2* a=1 (a-) a/=-* a/=2 a/=1 a/b=-* a/b=2 a/b=1 a0=2* "
		"a0=1"));
	cr_expect(versions_lists_below(&it, "b", "", ""));
	versions_end(&it);
}

Test(versions, of_dir_come_back)
{
	struct versions it = versions_begin(VERSIONING_ENABLED);

	versions_put(&it, "d/", "1");
	versions_put(&it, "d/f", "x");
	versions_put(&it, "d/", "2");
	versions_drop_nth(&it, "d/", 0);
	cr_expect(versions_lists(&it, "d/=1* d/f=x*"));
	cr_expect(objects_is(it.store, it.bucket, "d/", "1"));
	cr_assert(zero(int,
		object_delete(it.store, it.bucket, SLICE("d/"), NULL)));
	cr_assert(zero(int,
		object_delete(it.store, it.bucket, SLICE("d/f"), NULL)));
	cr_expect(versions_lists(&it, "d/=-* d/=1 d/f=-* d/f=x"));
	versions_drop_nth(&it, "d/", 0);
	cr_expect(versions_lists(&it, "d/=1* d/f=-* d/f=x"));
	versions_drop_nth(&it, "d/", 0);
	versions_drop_nth(&it, "d/f", 0);
	cr_expect(versions_lists(&it, "d/f=x*"));
	versions_end(&it);
}

Test(versions, the_longest_key_has_them)
{
	struct versions it = versions_begin(VERSIONING_ENABLED);
	scoped(buffer_free) struct buffer expected = {0};
	char key[1025];

	memset(key, 'k', 1024);
	key[1024] = '\0';
	versions_put(&it, key, "1");
	versions_put(&it, key, "2");
	buffer_printf(&expected, "%s=2* %s=1", key, key);
	buffer_append_char(&expected, 0);
	cr_expect(versions_lists(&it, expected.data));
	versions_drop_nth(&it, key, 0);
	versions_drop_nth(&it, key, 0);
	cr_expect(versions_lists(&it, ""));
	versions_end(&it);
}

Test(versions, many_of_many_keys_come_in_pages)
{
	enum { KEYS = 40, ROUNDS = 5 };
	struct versions it = versions_begin(VERSIONING_ENABLED);
	scoped(buffer_free) struct buffer expected = {0};
	char key[32], body[8];

	for (int round = 0; round < ROUNDS; round++)
		for (int i = 0; i < KEYS; i++) {
			snprintf(key, sizeof(key), "d%d/k%02d", i / 20, i);
			snprintf(body, sizeof(body), "%d", round);
			versions_put(&it, key, body);
		}
	for (int i = 0; i < KEYS; i++)
		for (int round = ROUNDS - 1; round >= 0; round--)
			buffer_printf(&expected, "%sd%d/k%02d=%d%s",
				expected.len ? " " : "", i / 20, i, round,
				round == ROUNDS - 1 ? "*" : "");
	buffer_append_char(&expected, 0);
	cr_expect(versions_lists(&it, expected.data));
	versions_end(&it);
}

Test(versions, count_and_go_with_their_bytes)
{
	struct versions it = versions_begin(VERSIONING_ENABLED);
	uint64_t objects, bytes;

	versions_put(&it, "a", "1");
	versions_put(&it, "a", "22");
	cr_assert(zero(int,
		object_delete(it.store, it.bucket, SLICE("a"), NULL)));
	objects_usage(it.store, it.bucket, &objects, &bytes);
	cr_expect(eq(u64, objects, 2), "a marker is none");
	cr_expect(eq(u64, bytes, 3));
	versions_drop_nth(&it, "a", 1);
	versions_drop_nth(&it, "a", 1);
	objects_usage(it.store, it.bucket, &objects, &bytes);
	cr_expect(eq(u64, objects, 0));
	cr_expect(eq(u64, bytes, 0));
	versions_end(&it);
}

Test(versions, an_old_one_can_be_copied_and_tagged)
{
	struct versions it = versions_begin(VERSIONING_ENABLED);
	scoped(arena_free) struct arena arena = {0};
	scoped(buffer_free) struct buffer tags = {0};
	struct inode_attr tag = {INODE_ATTR_TAG, SLICE("t"), SLICE("v")};
	struct object object;
	struct slice value;

	versions_put(&it, "a", "1");
	versions_put(&it, "a", "2");
	struct version_ref old = versions_nth(&it, 1);

	cr_assert(zero(int,
		object_copy_version(it.store, it.bucket, SLICE("a"), &old, NULL,
			NULL, it.bucket, SLICE("a"), NULL, NULL, &object)));
	cr_expect(versions_lists(&it, "a=1* a=2 a=1"));
	inode_attr_append(&tags, &tag);
	cr_assert(zero(int,
		object_set_attrs_version(it.store, it.bucket, SLICE("a"), &old,
			buffer_slice(&tags), 1u << INODE_ATTR_TAG)));
	cr_assert(zero(int, object_head_version(it.store, it.bucket, SLICE("a"),
				    &old, &arena, &object)));
	cr_expect(inode_attr_find(object.inode.attrs, INODE_ATTR_TAG,
		SLICE("t"), &value));
	cr_assert(zero(int,
		object_head(it.store, it.bucket, SLICE("a"), &arena, &object)));
	cr_expect(not(inode_attr_find(object.inode.attrs, INODE_ATTR_TAG,
		SLICE("t"), &value)));
	versions_end(&it);
}

Test(versions, many_null_ones_are_deleted_at_once)
{
	enum { COUNT = 20 };
	struct versions it = versions_begin(VERSIONING_NEVER);
	struct object_deletion deletions[COUNT] = {0};
	char keys[COUNT][4];

	for (int i = 0; i < COUNT; i++) {
		(void)snprintf(keys[i], sizeof(keys[i]), "%02d", i);
		deletions[i].key = slice_str(keys[i]);
		deletions[i].version.which = VERSION_NULL;
		versions_put(&it, keys[i], "1");
	}
	cr_assert(zero(int,
		versioning_set(it.store, it.bucket, VERSIONING_SUSPENDED)));
	versions_put(&it, "stays", "1");
	cr_assert(zero(int,
		object_delete_many(it.store, it.bucket, deletions, COUNT)));
	for (int i = 0; i < COUNT; i++)
		cr_expect(zero(int, deletions[i].err));
	cr_expect(versions_lists(&it, "stays=1*0"));
	versions_end(&it);
}
