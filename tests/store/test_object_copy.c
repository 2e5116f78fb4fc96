/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "store/file.h"
#include "store/tree.h"
#include "tests/store/objects.h"
#include "tests/support/temp_store.h"

Test(object_copy, a_copy_takes_the_kinds_it_is_given_and_keeps_the_others)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	scoped(arena_free) struct arena arena = {0};
	scoped(buffer_free) struct buffer had = {0};
	scoped(buffer_free) struct buffer given = {0};
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	const struct inode_attr list[] = {
		{INODE_ATTR_META, SLICE("colour"), SLICE("blue")},
		{INODE_ATTR_TAG, SLICE("t"), SLICE("old")},
		{INODE_ATTR_ACL, SLICE("s3"), SLICE("acl")},
	};
	const struct inode_attr tag = {
		INODE_ATTR_TAG, SLICE("t"), SLICE("new")};
	struct object_attrs attrs = {.kinds = 1u << INODE_ATTR_TAG};
	struct object object;
	struct slice value;

	for (size_t i = 0; i < array_len(list); i++)
		inode_attr_append(&had, &list[i]);
	inode_attr_append(&given, &tag);
	attrs.attrs = buffer_slice(&given);
	cr_assert(eq(int, objects_put(temp.store, bucket, "a", "1"), STORE_OK));
	cr_assert(eq(int,
		object_set_attrs(temp.store, bucket, SLICE("a"),
			buffer_slice(&had), UINT32_MAX),
		STORE_OK));

	cr_expect(eq(int,
		object_copy(temp.store, bucket, SLICE("a"), NULL, NULL, bucket,
			SLICE("b"), &attrs, NULL, &object),
		STORE_OK));

	cr_assert(eq(int,
		object_head(temp.store, bucket, SLICE("b"), &arena, &object),
		STORE_OK));
	cr_expect(inode_attr_find(object.inode.attrs, INODE_ATTR_META,
		SLICE("colour"), &value));
	cr_assert(inode_attr_find(object.inode.attrs, INODE_ATTR_TAG,
		SLICE("t"), &value));
	cr_expect(slice_equal(value, SLICE("new")));
	cr_expect(not(inode_attr_find(object.inode.attrs, INODE_ATTR_ACL,
		SLICE("s3"), &value)));
}

Test(object_copy, a_copy_shares_the_data)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	struct object made;

	cr_assert(eq(int, objects_put(temp.store, bucket, "a", "bytes"),
		STORE_OK));

	cr_expect(eq(int, objects_copy(temp.store, bucket, "a", "b/c", &made),
		STORE_OK));

	cr_expect(eq(u64, objects_files(temp.store), 1));
	cr_expect(objects_is(temp.store, bucket, "b/c", "bytes"));
	cr_assert(eq(int, object_delete(temp.store, bucket, SLICE("a"), NULL),
		STORE_OK));
	temp_store_reopen(&temp);
	cr_expect(objects_is(temp.store, bucket, "b/c", "bytes"));
	cr_assert(eq(int, object_delete(temp.store, bucket, SLICE("b/c"), NULL),
		STORE_OK));
	temp_store_reopen(&temp);
	cr_expect(eq(u64, objects_files_left(temp.store), 0));
}

Test(object_copy, a_copy_onto_itself_keeps_the_data_and_takes_new_attributes)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	scoped(arena_free) struct arena arena = {0};
	scoped(buffer_free) struct buffer encoded = {0};
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	const struct inode_attr meta = {
		INODE_ATTR_META, SLICE("colour"), SLICE("blue")};
	struct object_attrs attrs = {.etag.parts = 77};
	struct object object;
	struct slice value;

	inode_attr_append(&encoded, &meta);
	attrs.attrs = buffer_slice(&encoded);
	cr_assert(eq(int, objects_put(temp.store, bucket, "a", "bytes"),
		STORE_OK));

	cr_expect(eq(int,
		object_copy(temp.store, bucket, SLICE("a"), NULL, NULL, bucket,
			SLICE("a"), &attrs, NULL, &object),
		STORE_OK));

	cr_expect(objects_is(temp.store, bucket, "a", "bytes"));
	cr_assert(eq(int,
		object_head(temp.store, bucket, SLICE("a"), &arena, &object),
		STORE_OK));
	cr_expect(inode_attr_find(object.inode.attrs, INODE_ATTR_META,
		SLICE("colour"), &value));
	cr_expect(eq(int, object.inode.etag.parts, 0));
	cr_expect(eq(u64, objects_blob_records(temp.store), 1));
}

static enum store_err
refuse(const struct object *source, void *context)
{
	*(uint64_t *)context = source->inode.size;
	return STORE_PRECONDITION;
}

Test(object_copy, a_copy_asks_about_its_source)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	uint64_t seen = 0;
	struct object made;

	cr_assert(eq(int, objects_put(temp.store, bucket, "a", "bytes"),
		STORE_OK));

	cr_expect(eq(int,
		object_copy(temp.store, bucket, SLICE("a"), refuse, &seen,
			bucket, SLICE("b"), NULL, NULL, &made),
		STORE_PRECONDITION));
	cr_expect(eq(u64, seen, 5));
	cr_expect(objects_is(temp.store, bucket, "b", NULL));
	cr_expect(eq(int, objects_copy(temp.store, bucket, "none", "b", &made),
		STORE_NOT_FOUND));
}

Test(object_copy, a_copy_of_a_file_being_written_in_place_has_bytes_of_its_own)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	scoped(arena_free) struct arena arena = {0};
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	struct object source, made;
	struct file *file = NULL;

	cr_assert(eq(int, objects_put(temp.store, bucket, "a", "before"),
		STORE_OK));
	cr_assert(eq(int,
		object_head(temp.store, bucket, SLICE("a"), &arena, &source),
		STORE_OK));
	cr_assert(eq(int,
		file_open(temp.store, source.inode.ino, O_RDWR, &file),
		STORE_OK));
	cr_assert(eq(i64, pwrite(file_fd(file), "BEFORE+", 7, 0), 7));

	cr_expect(eq(int, objects_copy(temp.store, bucket, "a", "b", &made),
		STORE_OK));
	cr_assert(eq(i64, pwrite(file_fd(file), "after!!", 7, 0), 7));

	cr_expect(objects_is(temp.store, bucket, "b", "BEFORE+"));
	cr_expect(objects_is(temp.store, bucket, "a", "after!!"));
	cr_expect(eq(u64, made.inode.size, 7));
	cr_assert(eq(int, file_close(&file, O_RDWR), STORE_OK));
	cr_expect(eq(u64, objects_files_left(temp.store), 2));
}

/* The kernel serves what it has passed through after the mount's process is
 * dead: nobody's row tells of it. */
Test(object_copy, does_not_share_data_that_somebody_can_still_write_to)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	scoped(arena_free) struct arena arena = {0};
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	struct object made;
	int fd;

	cr_assert(zero(int, objects_put_if(temp.store, bucket, "a",
				    objects_large(), NULL)));
	cr_assert(zero(int,
		object_head(temp.store, bucket, SLICE("a"), &arena, &made)));
	uint64_t blob = made.inode.blob;
	cr_assert(zero(int, blob_open(temp.store->blobs, blob, O_RDWR, &fd)));
	cr_assert(zero(int,
		object_copy(temp.store, bucket, SLICE("a"), NULL, NULL, bucket,
			SLICE("b"), NULL, NULL, &made)));
	cr_expect(ne(u64, made.inode.blob, blob));
	(void)close(fd);
	cr_assert(zero(int,
		object_copy(temp.store, bucket, SLICE("a"), NULL, NULL, bucket,
			SLICE("c"), NULL, NULL, &made)));
	cr_expect(eq(u64, made.inode.blob, blob));
}
