/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "store/tree.h"
#include "tests/store/objects.h"
#include "tests/support/temp_store.h"

Test(object_delete, deleting_a_directory_key_keeps_what_is_below)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	uint64_t objects, bytes;

	cr_assert(eq(int, objects_put(temp.store, bucket, "dir/", "bytes"),
		STORE_OK));
	cr_assert(eq(int, objects_put(temp.store, bucket, "dir/file", "x"),
		STORE_OK));

	cr_expect(eq(int,
		object_delete(temp.store, bucket, SLICE("dir/"), NULL),
		STORE_OK));

	cr_expect(objects_is(temp.store, bucket, "dir/", NULL));
	cr_expect(objects_is(temp.store, bucket, "dir/file", "x"));
	objects_usage(temp.store, bucket, &objects, &bytes);
	cr_expect(eq(u64, objects, 1));
	cr_expect(eq(u64, bytes, 1));
	cr_expect(eq(u64, objects_blob_records(temp.store), 1));
	cr_expect(eq(int,
		object_delete(temp.store, bucket, SLICE("dir/file"), NULL),
		STORE_OK));
	cr_expect(eq(int, bucket_delete(temp.store, SLICE("bucket")),
		STORE_OK));
}

Test(object_delete,
	deleting_an_empty_directory_key_takes_implicit_parents_along)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");

	cr_assert(eq(int, objects_put(temp.store, bucket, "a/b/c/", ""),
		STORE_OK));

	cr_expect(eq(int,
		object_delete(temp.store, bucket, SLICE("a/b/c/"), NULL),
		STORE_OK));

	cr_expect(eq(int, bucket_delete(temp.store, SLICE("bucket")),
		STORE_OK));
}

Test(object_delete, deleting_takes_implicit_directories_along)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");

	cr_assert(eq(int, objects_put(temp.store, bucket, "a/b/c", "x"),
		STORE_OK));

	cr_expect(eq(int,
		object_delete(temp.store, bucket, SLICE("a/b/c"), NULL),
		STORE_OK));

	cr_expect(eq(int,
		object_delete(temp.store, bucket, SLICE("a/b/c"), NULL),
		STORE_NOT_FOUND));
	cr_expect(eq(u64, objects_blob_records(temp.store), 0));
	cr_expect(eq(int, bucket_delete(temp.store, SLICE("bucket")),
		STORE_OK));
}

Test(object_delete, many_are_deleted_at_once_and_each_has_its_answer)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	struct object_deletion many[] = {
		{.key = SLICE("a")},
		{.key = SLICE("nothing")},
		{.key = SLICE("d/b")},
		{.key = SLICE("")},
		{.key = SLICE("a")},
		{.key = SLICE("d/c")},
	};

	cr_assert(eq(int, objects_put(temp.store, bucket, "a", "1"), STORE_OK));
	cr_assert(eq(int, objects_put(temp.store, bucket, "d/b", "2"),
		STORE_OK));
	cr_assert(eq(int, objects_put(temp.store, bucket, "d/c", "3"),
		STORE_OK));
	cr_assert(eq(int, objects_put(temp.store, bucket, "kept", "4"),
		STORE_OK));

	cr_expect(eq(int,
		object_delete_many(temp.store, bucket, many, array_len(many)),
		STORE_OK));

	cr_expect(eq(int, many[0].err, STORE_OK));
	cr_expect(eq(int, many[1].err, STORE_NOT_FOUND));
	cr_expect(eq(int, many[2].err, STORE_OK));
	cr_expect(eq(int, many[3].err, STORE_BAD_NAME));
	cr_expect(eq(int, many[4].err, STORE_NOT_FOUND));
	cr_expect(eq(int, many[5].err, STORE_OK));
	cr_expect(objects_is(temp.store, bucket, "kept", "4"));
	cr_expect(eq(u64, objects_blob_records(temp.store), 1));
}

Test(object_delete, each_of_many_deletions_has_a_condition_of_its_own)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	const struct inode_etag other = {.parts = 9};
	struct object_deletion many[] = {
		{.key = SLICE("a"), .condition = {.must_match = &other}},
		{.key = SLICE("b"), .condition = {.must_exist = true}},
		{.key = SLICE("none"), .condition = {.must_exist = true}},
	};

	cr_assert(eq(int, objects_put(temp.store, bucket, "a", "1"), STORE_OK));
	cr_assert(eq(int, objects_put(temp.store, bucket, "b", "2"), STORE_OK));

	cr_expect(eq(int,
		object_delete_many(temp.store, bucket, many, array_len(many)),
		STORE_OK));

	cr_expect(eq(int, many[0].err, STORE_PRECONDITION));
	cr_expect(eq(int, many[1].err, STORE_OK));
	cr_expect(eq(int, many[2].err, STORE_PRECONDITION));
	cr_expect(objects_is(temp.store, bucket, "a", "1"));
}

Test(object_delete, more_are_deleted_at_once_than_fit_one_transaction)
{
	enum { COUNT = 2500 };
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	scoped(arena_free) struct arena arena = {0};
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	struct object_deletion *many =
		arena_new_array(&arena, COUNT, struct object_deletion);
	uint64_t objects, bytes;

	for (int i = 0; i < COUNT; i++)
		many[i] = (struct object_deletion){
			.key = arena_printf(&arena, "k%d", i)};
	cr_assert(eq(int, objects_put(temp.store, bucket, "k0", ""), STORE_OK));
	cr_assert(eq(int, objects_put(temp.store, bucket, "k1700", ""),
		STORE_OK));
	cr_assert(eq(int, objects_put(temp.store, bucket, "k2499", ""),
		STORE_OK));

	cr_expect(eq(int, object_delete_many(temp.store, bucket, many, COUNT),
		STORE_OK));

	for (int i = 0; i < COUNT; i++)
		cr_expect(eq(int, many[i].err,
			i == 0 || i == 1700 || i == 2499 ? STORE_OK
							 : STORE_NOT_FOUND));
	objects_usage(temp.store, bucket, &objects, &bytes);
	cr_expect(eq(u64, objects, 0));
}

static uint64_t
commit_soon(struct store *store, uint64_t bucket, const char *name)
{
	const struct tree_owner owner = {.mode = 0755};
	struct store_status status;
	struct inode made;

	cr_assert(zero(int,
		tree_mkdir(store, bucket, slice_str(name), &owner, &made)));
	cr_assert(zero(int, store_status(store, &status)));
	return status.last_commit;
}

/* The one that deleted it may be waiting for its checkpoint still. */
Test(object_delete, of_what_is_gone_is_answered_when_that_is_durable)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	struct object_deletion many[] = {
		{.key = SLICE("none")},
		{.key = SLICE("nothing")},
	};
	struct store_status status;

	uint64_t commit = commit_soon(temp.store, bucket, "a");
	cr_expect(eq(int,
		object_delete(temp.store, bucket, SLICE("none"), NULL),
		STORE_NOT_FOUND));
	cr_assert(zero(int, store_status(temp.store, &status)));
	cr_expect(status.last_checkpoint >= commit);
	commit = commit_soon(temp.store, bucket, "b");
	cr_expect(zero(int,
		object_delete_many(temp.store, bucket, many, array_len(many))));
	cr_assert(zero(int, store_status(temp.store, &status)));
	cr_expect(status.last_checkpoint >= commit);
}
