/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "store/file.h"
#include "store/session_private.h"
#include "store/tree.h"
#include "tests/base/on_loop.h"
#include "tests/store/objects.h"
#include "tests/support/other_process.h"
#include "tests/support/temp_store.h"

Test(object, what_was_put_is_got)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");

	cr_expect(eq(int, objects_put(temp.store, bucket, "a/b/c", "hello"),
		STORE_OK));

	cr_expect(objects_is(temp.store, bucket, "a/b/c", "hello"));
	cr_expect(objects_is(temp.store, bucket, "a/b", NULL));
	cr_expect(objects_is(temp.store, bucket, "a/b/", NULL));
}

Test(object, a_put_is_seen_by_nobody_before_its_commit)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	struct object_put *put = NULL;
	struct object_attrs attrs = {0};
	struct object made;

	cr_assert(eq(int, object_put_begin(temp.store, 0, &put), STORE_OK));
	cr_assert(eq(int, object_put_write(put, SLICE("one ")), STORE_OK));
	cr_assert(eq(int, object_put_write(put, SLICE_NULL), STORE_OK));
	cr_assert(eq(int, object_put_write(put, SLICE("two")), STORE_OK));
	cr_expect(objects_is(temp.store, bucket, "key", NULL));
	cr_expect(eq(u64, object_put_size(put), 7));

	cr_expect(eq(int,
		object_put_commit(&put, bucket, SLICE("key"), &attrs, NULL,
			&made),
		STORE_OK));

	cr_expect(eq(ptr, put, NULL));
	cr_expect(eq(u64, made.inode.size, 7));
	cr_expect(objects_is(temp.store, bucket, "key", "one two"));
}

Test(object, an_empty_one_has_no_data_file)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");

	cr_expect(eq(int, objects_put(temp.store, bucket, "key", ""),
		STORE_OK));

	cr_expect(objects_is(temp.store, bucket, "key", ""));
	cr_expect(eq(u64, objects_files(temp.store), 0));
}

Test(object, carries_its_attributes)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	scoped(arena_free) struct arena arena = {0};
	scoped(buffer_free) struct buffer encoded = {0};
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	const struct inode_attr type = {
		INODE_ATTR_HEADER, SLICE("content-type"), SLICE("text/plain")};
	struct object_attrs attrs = objects_attrs(SLICE("hello"));
	struct object_put *put = NULL;
	struct object object;
	struct slice value;

	inode_attr_append(&encoded, &type);
	attrs.attrs = buffer_slice(&encoded);
	attrs.mtime_ns = 12345;
	attrs.checksum_kind = DIGEST_CRC32;
	attrs.checksum_len = 4;
	memcpy(attrs.checksum, "\1\2\3\4", 4);
	cr_assert(eq(int, object_put_begin(temp.store, 5, &put), STORE_OK));
	cr_assert(eq(int, object_put_write(put, SLICE("hello")), STORE_OK));
	cr_assert(eq(int,
		object_put_commit(&put, bucket, SLICE("key"), &attrs, NULL,
			&object),
		STORE_OK));

	cr_assert(eq(int,
		object_head(temp.store, bucket, SLICE("key"), &arena, &object),
		STORE_OK));

	cr_expect(eq(u64, object.inode.size, 5));
	cr_expect(eq(i64, object.inode.mtime_ns, 12345));
	cr_expect(eq(int, memcmp(&object.inode.etag, &attrs.etag, 16), 0));
	cr_expect(eq(int, object.inode.checksum_kind, DIGEST_CRC32));
	cr_expect(eq(int, memcmp(object.inode.checksum, "\1\2\3\4", 4), 0));
	cr_assert(inode_attr_find(object.inode.attrs, INODE_ATTR_HEADER,
		SLICE("content-type"), &value));
	cr_expect(slice_equal(value, SLICE("text/plain")));
}

Test(object, attributes_that_do_not_decode_are_refused_and_leave_no_file)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	struct object_attrs attrs = {.attrs = SLICE("\xff\xff\xff")};
	struct object_put *put = NULL;
	struct object made;

	cr_assert(eq(int, object_put_begin(temp.store, 0, &put), STORE_OK));
	cr_assert(eq(int, object_put_write(put, SLICE("hello")), STORE_OK));

	cr_expect(eq(int,
		object_put_commit(&put, bucket, SLICE("key"), &attrs, NULL,
			&made),
		STORE_INVALID));
	cr_expect(eq(u64, objects_files(temp.store), 0));
}

Test(object, carries_a_checksum_of_any_kind)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	scoped(arena_free) struct arena arena = {0};
	uint64_t bucket = objects_bucket(temp.store, "bucket");

	for (enum digest_kind kind = DIGEST_MD5; kind <= DIGEST_KIND_LAST;
		kind++) {
		struct object_attrs attrs = objects_attrs(SLICE("hello"));
		struct object_put *put = NULL;
		struct object object;

		attrs.checksum_kind = (uint8_t)kind;
		attrs.checksum_len = (uint8_t)digest_len(kind);
		digest_of(kind, SLICE("hello"), attrs.checksum);
		cr_assert(zero(int, object_put_begin(temp.store, 5, &put)));
		cr_assert(zero(int, object_put_write(put, SLICE("hello"))));
		cr_assert(zero(int,
			object_put_commit(&put, bucket, SLICE("key"), &attrs,
				NULL, &object)));
		cr_assert(zero(int, object_head(temp.store, bucket,
					    SLICE("key"), &arena, &object)));

		cr_expect(eq(int, object.inode.checksum_kind, kind));
		cr_expect(zero(memcmp(object.inode.checksum, attrs.checksum,
			sizeof(attrs.checksum))));
	}
}

Test(object, a_checksum_of_another_length_than_its_kinds_is_refused)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	struct object_attrs attrs = {
		.checksum_kind = DIGEST_SHA256, .checksum_len = 20};
	struct object_put *put = NULL;
	struct object made;

	cr_assert(eq(int, object_put_begin(temp.store, 0, &put), STORE_OK));

	cr_expect(eq(int,
		object_put_commit(&put, bucket, SLICE("key"), &attrs, NULL,
			&made),
		STORE_INVALID));
	cr_expect(objects_is(temp.store, bucket, "key", NULL));
}

Test(object, keys_that_s3_refuses_are_refused)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	char longest[1025 + 1];

	memset(longest, 'k', sizeof(longest));
	longest[1025] = '\0';
	cr_expect(eq(int, objects_put(temp.store, bucket, longest, "x"),
		STORE_KEY_TOO_LONG));
	longest[1024] = '\0';
	cr_expect(eq(int, objects_put(temp.store, bucket, longest, "x"),
		STORE_OK));
	cr_expect(eq(int, objects_put(temp.store, bucket, "", "x"),
		STORE_BAD_NAME));
	cr_expect(eq(int, objects_put(temp.store, bucket, "\xc3(", "x"),
		STORE_BAD_NAME));
	cr_expect(eq(u64, objects_files(temp.store), 1));
}

Test(object, keys_that_posix_cannot_show_are_kept_apart)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	static const char *const keys[] = {"a", "a/", "a//", "a//b", "a/b", "/",
		"/a", "//", ".", "..", "./a", "../a", "a/./b", "a/../b"};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		cr_expect(eq(int,
			objects_put(temp.store, bucket, keys[i], keys[i]),
			STORE_OK));

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		cr_expect(objects_is(temp.store, bucket, keys[i], keys[i]),
			"%s", keys[i]);
}

Test(object, a_bucket_that_is_gone_takes_no_object)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");

	cr_assert(eq(int, bucket_delete(temp.store, SLICE("bucket")),
		STORE_OK));

	cr_expect(eq(int, objects_put(temp.store, bucket, "key", "x"),
		STORE_STALE));
	cr_expect(eq(u64, objects_files(temp.store), 0));
}

Test(object, one_that_is_larger_than_the_disk_is_refused_before_its_body)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	struct object_put *put = NULL;

	cr_expect(eq(int, object_put_begin(temp.store, OBJECT_SIZE_MAX, &put),
		STORE_NO_SPACE));
	cr_expect(eq(int,
		object_put_begin(temp.store, OBJECT_SIZE_MAX + 1, &put),
		STORE_TOO_BIG));
	cr_expect(eq(ptr, put, NULL));
}

Test(object, what_was_opened_before_an_overwrite_reads_the_old_bytes)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	scoped(arena_free) struct arena arena = {0};
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	struct object object;
	uint64_t offset;
	char bytes[3];
	int fd;

	cr_assert(eq(int, objects_put(temp.store, bucket, "key", "old"),
		STORE_OK));
	cr_assert(eq(int,
		object_open(temp.store, bucket, SLICE("key"), &arena, &object,
			&fd, &offset),
		STORE_OK));

	cr_assert(eq(int, objects_put(temp.store, bucket, "key", "newer"),
		STORE_OK));
	cr_assert(eq(int, store_sync(temp.store), STORE_OK));

	cr_expect(eq(int, io_pread_all(fd, bytes, 3, offset), STORE_OK));
	cr_expect(eq(int, memcmp(bytes, "old", 3), 0));
	cr_expect(objects_is(temp.store, bucket, "key", "newer"));
	close(fd);
}

Test(object, an_overwrite_gives_back_the_old_data)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	uint64_t objects, bytes;

	for (int i = 0; i < 5; i++)
		cr_assert(eq(int,
			objects_put(temp.store, bucket, "key", "12345"),
			STORE_OK));

	objects_usage(temp.store, bucket, &objects, &bytes);
	cr_expect(eq(u64, objects, 1));
	cr_expect(eq(u64, bytes, 5));
	cr_expect(eq(u64, objects_blob_records(temp.store), 1));
	temp_store_reopen(&temp);
	cr_expect(eq(u64, objects_files_left(temp.store), 1));
}

Test(object, a_write_condition_holds_or_nothing_changes)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	struct inode_etag a = objects_attrs(SLICE("a")).etag;
	struct inode_etag other = a;
	struct object_condition new_only = {.must_not_exist = true};
	struct object_condition old_only = {.must_exist = true};
	struct object_condition match = {.must_match = &a};
	struct object_condition match_other = {.must_match = &other};

	other.parts = 1;
	cr_expect(eq(int,
		objects_put_if(temp.store, bucket, "key", SLICE("x"),
			&old_only),
		STORE_PRECONDITION));
	cr_expect(eq(int,
		objects_put_if(temp.store, bucket, "key", SLICE("x"), &match),
		STORE_NOT_FOUND));
	cr_expect(objects_is(temp.store, bucket, "key", NULL));
	cr_expect(eq(int,
		objects_put_if(temp.store, bucket, "key", SLICE("a"),
			&new_only),
		STORE_OK));
	cr_expect(eq(int,
		objects_put_if(temp.store, bucket, "key", SLICE("x"),
			&new_only),
		STORE_PRECONDITION));
	cr_expect(eq(int,
		objects_put_if(temp.store, bucket, "key", SLICE("x"),
			&match_other),
		STORE_PRECONDITION));
	cr_expect(objects_is(temp.store, bucket, "key", "a"));
	cr_expect(eq(int,
		objects_put_if(temp.store, bucket, "key", SLICE("b"), &match),
		STORE_OK));
	cr_expect(objects_is(temp.store, bucket, "key", "b"));
	cr_expect(eq(int,
		objects_put_if(temp.store, bucket, "key", SLICE("c"),
			&old_only),
		STORE_OK));
	cr_expect(objects_is(temp.store, bucket, "key", "c"));
	cr_expect(eq(int,
		object_delete(temp.store, bucket, SLICE("key"), &match),
		STORE_PRECONDITION));
	cr_expect(objects_is(temp.store, bucket, "key", "c"));
	cr_expect(eq(u64, objects_blob_records(temp.store), 1));
}

Test(object, an_aborted_put_leaves_no_file)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	struct object_put *put = NULL;

	cr_assert(eq(int, object_put_begin(temp.store, 0, &put), STORE_OK));
	cr_assert(eq(int, object_put_write(put, SLICE("bytes")), STORE_OK));
	cr_expect(eq(u64, objects_files(temp.store), 0));
	cr_assert(eq(int, object_put_write(put, objects_large()), STORE_OK));
	cr_expect(eq(u64, objects_files(temp.store), 1));

	object_put_abort(&put);

	cr_expect(eq(ptr, put, NULL));
	cr_expect(eq(u64, objects_files(temp.store), 0));
	object_put_abort(&put);
}

Test(object, a_put_whose_condition_fails_leaves_no_file)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	struct object_condition condition = {.must_exist = true};

	cr_expect(eq(int,
		objects_put_if(temp.store, bucket, "key", SLICE("x"),
			&condition),
		STORE_PRECONDITION));

	cr_expect(eq(u64, objects_files(temp.store), 0));
}

static void
write_some(struct store *store, struct other_process *self)
{
	struct object_put *put = NULL;
	enum store_err err = object_put_begin(store, 0, &put);

	if (!err)
		err = object_put_write(put, objects_large());
	other_process_tell(self, (uint64_t)err);
}

Test(object, a_put_whose_process_dies_leaves_no_file)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();

	store_close(&temp.store);
	struct other_process other = other_process_start(temp.path, write_some);
	cr_assert(eq(u64, other_process_hear(&other), STORE_OK));
	other_process_kill(&other);

	temp_store_reopen(&temp);

	cr_expect(eq(u64, objects_files(temp.store), 0));
}

Test(object, a_key_that_ends_in_a_slash_may_hold_bytes)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	uint64_t objects, bytes;

	cr_assert(eq(int, objects_put(temp.store, bucket, "dir/", "hidden"),
		STORE_OK));
	cr_assert(eq(int, objects_put(temp.store, bucket, "dir/file", "x"),
		STORE_OK));

	cr_expect(objects_is(temp.store, bucket, "dir/", "hidden"));
	objects_usage(temp.store, bucket, &objects, &bytes);
	cr_expect(eq(u64, objects, 2));
	cr_expect(eq(u64, bytes, 7));
	cr_assert(eq(int, objects_put(temp.store, bucket, "dir/", ""),
		STORE_OK));
	cr_expect(objects_is(temp.store, bucket, "dir/", ""));
	cr_expect(objects_is(temp.store, bucket, "dir/file", "x"));
	cr_expect(eq(u64, objects_blob_records(temp.store), 1));
}

Test(object, an_implicit_directory_becomes_an_object_when_it_is_put)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	uint64_t objects, bytes;

	cr_assert(eq(int, objects_put(temp.store, bucket, "dir/file", "x"),
		STORE_OK));
	cr_expect(eq(int,
		object_delete(temp.store, bucket, SLICE("dir/"), NULL),
		STORE_NOT_FOUND));
	cr_assert(eq(int, objects_put(temp.store, bucket, "dir/", "bytes"),
		STORE_OK));

	cr_expect(objects_is(temp.store, bucket, "dir/", "bytes"));
	objects_usage(temp.store, bucket, &objects, &bytes);
	cr_expect(eq(u64, objects, 2));
	cr_expect(eq(u64, bytes, 6));
}

Test(object, a_symbolic_link_is_not_there_for_s3_and_gives_way_to_a_put)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	const struct tree_owner owner = {.mode = 0777};
	struct inode link;

	cr_assert(eq(int,
		tree_symlink(temp.store, bucket, SLICE("link"), SLICE("target"),
			&owner, &link),
		STORE_OK));

	cr_expect(objects_is(temp.store, bucket, "link", NULL));
	cr_expect(eq(int,
		object_delete(temp.store, bucket, SLICE("link"), NULL),
		STORE_NOT_FOUND));
	cr_expect(eq(int, objects_put(temp.store, bucket, "link", "file"),
		STORE_OK));
	cr_expect(objects_is(temp.store, bucket, "link", "file"));
}

Test(object, a_file_that_grows_in_place_is_got_as_long_as_it_is)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	scoped(arena_free) struct arena arena = {0};
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	struct object before, after;
	struct file *file = NULL;

	cr_assert(eq(int, objects_put(temp.store, bucket, "a", "12345"),
		STORE_OK));
	cr_assert(eq(int,
		object_head(temp.store, bucket, SLICE("a"), &arena, &before),
		STORE_OK));
	cr_assert(eq(int,
		file_open(temp.store, before.inode.ino, O_RDWR, &file),
		STORE_OK));
	cr_assert(eq(i64, pwrite(file_fd(file), "678", 3, 5), 3));

	cr_expect(objects_is(temp.store, bucket, "a", "12345678"));
	cr_assert(eq(int,
		object_head(temp.store, bucket, SLICE("a"), &arena, &after),
		STORE_OK));
	cr_expect(eq(u64, after.inode.size, 8));
	cr_expect(ne(int,
		memcmp(&before.inode.etag, &after.inode.etag,
			sizeof(before.inode.etag)),
		0));
	cr_assert(eq(int, file_close(&file, O_RDWR), STORE_OK));
}

Test(object, a_file_changed_in_place_has_another_etag_at_once)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	scoped(arena_free) struct arena arena = {0};
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	struct object before, after;
	struct file *file = NULL;
	uint64_t offset;
	int fd;

	cr_assert(eq(int, objects_put(temp.store, bucket, "a", "12345"),
		STORE_OK));
	cr_assert(eq(int,
		object_head(temp.store, bucket, SLICE("a"), &arena, &before),
		STORE_OK));
	cr_assert(eq(int,
		file_open(temp.store, before.inode.ino, O_RDWR, &file),
		STORE_OK));
	cr_assert(eq(i64, pwrite(file_fd(file), "5", 1, 0), 1));

	cr_assert(eq(int,
		object_open(temp.store, bucket, SLICE("a"), &arena, &after, &fd,
			&offset),
		STORE_OK));
	close(fd);

	cr_expect(eq(u64, after.inode.size, 5));
	cr_expect(ne(int,
		memcmp(&before.inode.etag, &after.inode.etag,
			sizeof(before.inode.etag)),
		0));
	const struct object_condition old = {.must_match = &before.inode.etag};
	const struct object_condition now = {.must_match = &after.inode.etag};
	cr_expect(eq(int,
		objects_put_if(temp.store, bucket, "a", SLICE("x"), &old),
		STORE_PRECONDITION));
	cr_expect(eq(int,
		objects_put_if(temp.store, bucket, "a", SLICE("x"), &now),
		STORE_OK));
	cr_assert(eq(int, file_close(&file, O_RDWR), STORE_OK));
}

Test(object, an_unpublished_file_is_not_there_for_s3)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	const struct tree_owner owner = {.mode = S_IFREG | 0600};
	struct file *file = NULL;
	struct inode inode;

	cr_assert(eq(int,
		file_create(temp.store, bucket, SLICE("f"), &owner, &inode,
			&file),
		STORE_OK));
	cr_assert(eq(i64, pwrite(file_fd(file), "abc", 3, 0), 3));
	cr_expect(objects_is(temp.store, bucket, "f", NULL));

	cr_assert(eq(int, file_sync(file, false), STORE_OK));

	cr_expect(objects_is(temp.store, bucket, "f", "abc"));
	cr_assert(eq(int, file_close(&file, O_RDWR), STORE_OK));
}

static void
work_on_fiber(void *arg)
{
	scoped(arena_free) struct arena arena = {0};
	struct store *store = arg;
	uint64_t bucket = objects_bucket(store, "fiber");
	const size_t size = 9 << 20;
	char *bytes = arena_alloc(&arena, size);
	struct object_put *put = NULL;
	struct object made;

	memset(bytes, 'x', size);
	cr_expect(eq(int,
		objects_put_if(store, bucket, "big", slice_of(bytes, size),
			NULL),
		STORE_OK));
	struct slice got = objects_get(store, bucket, "big", &arena);
	cr_expect(slice_equal(got, slice_of(bytes, size)));
	cr_expect(eq(int, objects_copy(store, bucket, "big", "copy", &made),
		STORE_OK));
	cr_expect(eq(int, object_put_begin(store, 0, &put), STORE_OK));
	cr_expect(eq(int, object_put_write(put, SLICE("x")), STORE_OK));
	object_put_abort(&put);
	cr_expect(eq(int, object_delete(store, bucket, SLICE("big"), NULL),
		STORE_OK));
	cr_expect(eq(u64, objects_files(store), 1));
}

Test(object, all_works_on_a_fiber_as_on_a_thread)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();

	on_loop(work_on_fiber, temp.store);
}

Test(object, tags_are_set_beside_other_attributes)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	scoped(arena_free) struct arena arena = {0};
	scoped(buffer_free) struct buffer meta = {0}, tags = {0};
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	const struct inode_attr colour = {
		INODE_ATTR_META, SLICE("colour"), SLICE("blue")};
	const struct inode_attr tag = {
		INODE_ATTR_TAG, SLICE("team"), SLICE("red")};
	struct object object;
	struct slice value;

	inode_attr_append(&meta, &colour);
	inode_attr_append(&tags, &tag);
	cr_assert(eq(int, objects_put(temp.store, bucket, "a", "bytes"),
		STORE_OK));
	cr_assert(eq(int,
		object_set_attrs(temp.store, bucket, SLICE("a"),
			buffer_slice(&meta), 1u << INODE_ATTR_META),
		STORE_OK));

	cr_expect(eq(int,
		object_set_attrs(temp.store, bucket, SLICE("a"),
			buffer_slice(&tags), 1u << INODE_ATTR_TAG),
		STORE_OK));

	cr_assert(eq(int,
		object_head(temp.store, bucket, SLICE("a"), &arena, &object),
		STORE_OK));
	cr_expect(inode_attr_find(object.inode.attrs, INODE_ATTR_META,
		SLICE("colour"), &value));
	cr_expect(inode_attr_find(object.inode.attrs, INODE_ATTR_TAG,
		SLICE("team"), &value));
	cr_expect(eq(int,
		object_set_attrs(temp.store, bucket, SLICE("a"), SLICE_NULL,
			1u << INODE_ATTR_META),
		STORE_OK));
	cr_assert(eq(int,
		object_head(temp.store, bucket, SLICE("a"), &arena, &object),
		STORE_OK));
	cr_expect(not(inode_attr_find(object.inode.attrs, INODE_ATTR_META,
		SLICE("colour"), &value)));
	cr_expect(eq(int,
		object_set_attrs(temp.store, bucket, SLICE("none"), SLICE_NULL,
			0),
		STORE_NOT_FOUND));
}
