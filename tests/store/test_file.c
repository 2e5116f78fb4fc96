/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/file_left_private.h"
#include "store/file_linger_private.h"
#include "store/file_table_private.h"
#include "store/session_private.h"
#include "tests/store/files.h"
#include "tests/support/temp_store.h"

static const struct tree_owner owner = {S_IFREG | 0640, 1, 2};

static struct object
head(struct store *store, uint64_t bucket, const char *key)
{
	struct object object = {0};
	scoped(arena_free) struct arena arena = {0};

	cr_assert(not(object_head(store, bucket, slice_str(key), &arena,
		&object)));
	return object;
}

static bool
has_etag_of(const struct object *a, const struct object *b)
{
	return a->inode.etag.parts == b->inode.etag.parts &&
	       !memcmp(a->inode.etag.value, b->inode.etag.value, 16);
}

Test(file, a_new_file_is_seen_by_s3_when_it_is_closed)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	uint64_t objects, bytes;

	struct file *file = files_create(temp.store, bucket, "f");
	files_put(file, "text");
	cr_expect(not(files_is_seen(temp.store, bucket, "f")));
	cr_assert(not(file_close(&file, O_RDWR)));

	struct object object = head(temp.store, bucket, "f");
	cr_expect(eq(u64, object.inode.size, 4));
	cr_expect(eq(u32, object.inode.etag.parts, 1));
	objects_usage(temp.store, bucket, &objects, &bytes);
	cr_expect(eq(u64, objects, 1));
	cr_expect(eq(u64, bytes, 4));
}

Test(file, a_new_file_is_seen_by_s3_when_it_is_synced)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");

	struct file *file = files_create(temp.store, bucket, "f");
	files_put(file, "text");
	cr_assert(not(file_sync(file, true)));

	cr_expect(eq(u64, head(temp.store, bucket, "f").inode.size, 4));
	files_put(file, "longer text");
	cr_expect(eq(u64, head(temp.store, bucket, "f").inode.size, 11));
	cr_assert(not(file_close(&file, O_RDWR)));
	cr_expect(eq(u64, head(temp.store, bucket, "f").inode.size, 11));
}

/* What a reader's fsync leaves of it, as sync(1) does one. */
static void
expect_kept_by_sync(struct store *store, uint64_t bucket, const char *key)
{
	struct inode before = head(store, bucket, key).inode;
	struct file *file = NULL;

	cr_assert(not(file_open(store, before.ino, O_RDONLY, &file)));
	cr_assert(not(file_sync(file, false)));
	cr_assert(not(file_close(&file, O_RDONLY)));
	struct inode after = head(store, bucket, key).inode;

	cr_expect(eq(i64, after.mtime_ns, before.mtime_ns));
	cr_expect(inode_etag_equal(&after.etag, &before.etag));
}

Test(file, a_sync_by_who_only_reads_changes_nothing)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	const struct tree_change change = {.has_mtime = true, .mtime_ns = 200};
	static const char large[OBJECTS_LARGE];
	struct file *file = files_create(temp.store, bucket, "dated");
	uint64_t ino = file_ino(file);
	struct inode inode;

	files_put(file, "text");
	cr_assert(not(file_close(&file, O_RDWR)));
	cr_assert(not(file_attr_set(temp.store, ino, &change, &inode)));
	cr_assert(not(objects_put(temp.store, bucket, "small", "text")));
	cr_assert(not(objects_put_if(temp.store, bucket, "large",
		slice_of(large, sizeof(large)), NULL)));

	expect_kept_by_sync(temp.store, bucket, "dated");
	expect_kept_by_sync(temp.store, bucket, "small");
	expect_kept_by_sync(temp.store, bucket, "large");
	cr_expect(eq(i64, head(temp.store, bucket, "dated").inode.mtime_ns,
		200));
}

Test(file, creating_a_name_that_is_there_is_refused)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	struct file *file = NULL;
	struct inode inode;

	files_make(temp.store, bucket, "f", "x");

	cr_expect(eq(int,
		file_create(temp.store, bucket, SLICE("f"), &owner, &inode,
			&file),
		STORE_EXISTS));
	cr_expect(eq(ptr, file, NULL));
}

Test(file, a_rewrite_is_seen_by_s3_at_its_end_and_the_old_bytes_until_then)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	struct file *file = NULL;
	struct inode inode;

	uint64_t ino = files_make(temp.store, bucket, "f", "old text");
	struct object before = head(temp.store, bucket, "f");
	cr_assert(not(file_open(temp.store, ino, O_WRONLY | O_TRUNC, &file)));
	files_put(file, "new");
	struct object during = head(temp.store, bucket, "f");
	cr_assert(not(file_attr_get(file, &inode)));
	cr_assert(not(file_close(&file, O_WRONLY | O_TRUNC)));
	struct object after = head(temp.store, bucket, "f");

	cr_expect(eq(u64, during.inode.size, 8));
	cr_expect(has_etag_of(&before, &during));
	cr_expect(eq(u64, inode.size, 3));
	cr_expect(eq(u64, after.inode.size, 3));
	cr_expect(eq(u64, after.inode.ino, ino));
	cr_expect(not(has_etag_of(&before, &after)));
}

Test(file, truncating_by_number_is_seen_by_s3)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	struct inode inode;

	uint64_t ino = files_make(temp.store, bucket, "f", "0123456789");
	cr_assert(eq(int, file_data_truncate_ino(temp.store, ino, 4, &inode),
		STORE_OK));
	cr_expect(eq(u64, inode.size, 4));
	cr_expect(eq(u64, head(temp.store, bucket, "f").inode.size, 4));
	cr_assert(eq(int, file_data_truncate_ino(temp.store, ino, 0, &inode),
		STORE_OK));
	cr_expect(eq(u64, inode.size, 0));
	cr_expect(eq(u64, head(temp.store, bucket, "f").inode.size, 0));
}

Test(file, opening_for_writing_alone_changes_nothing_that_s3_sees)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	struct file *file = NULL;

	cr_assert(not(objects_put(temp.store, bucket, "o", "put by S3")));
	struct object before = head(temp.store, bucket, "o");
	cr_assert(not(file_open(temp.store, before.inode.ino, O_RDWR, &file)));
	cr_expect(eq(i64, head(temp.store, bucket, "o").inode.mtime_ns,
		before.inode.mtime_ns));
	cr_assert(not(file_flush(file)));
	cr_assert(not(file_close(&file, O_RDWR)));

	struct object after = head(temp.store, bucket, "o");
	cr_expect(has_etag_of(&before, &after));
	cr_expect(eq(i64, after.inode.mtime_ns, before.inode.mtime_ns));
	cr_expect(eq(u32, after.inode.flags & INODE_DIRTY, 0));
}

Test(file, a_change_in_place_gets_a_new_etag_and_is_seen_while_it_goes_on)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	struct file *file = NULL;

	cr_assert(not(objects_put(temp.store, bucket, "o", "put by S3")));
	struct object before = head(temp.store, bucket, "o");
	cr_assert(not(file_open(temp.store, before.inode.ino, O_RDWR, &file)));
	files_put(file, "PUT BY A MOUNT");
	struct object during = head(temp.store, bucket, "o");
	cr_assert(not(file_close(&file, O_RDWR)));
	struct object after = head(temp.store, bucket, "o");

	cr_expect(eq(u64, during.inode.size, 14));
	cr_expect(eq(u64, after.inode.size, 14));
	cr_expect(eq(u32, after.inode.etag.parts, 1));
	cr_expect(not(has_etag_of(&before, &after)));
	cr_expect(has_etag_of(&during, &after));
}

/* Metadata of these names, each "x". */
static void
set_notes(struct store *store, uint64_t bucket, const char *key,
	const char *const *names, size_t count)
{
	scoped(buffer_free) struct buffer attrs = {0};

	for (size_t i = 0; i < count; i++) {
		const struct inode_attr attr = {
			INODE_ATTR_META, slice_str(names[i]), SLICE("x")};

		inode_attr_append(&attrs, &attr);
	}
	cr_assert(not(object_set_attrs(store, bucket, slice_str(key),
		buffer_slice(&attrs), 1u << INODE_ATTR_META)));
}

Test(file, a_change_in_place_takes_away_what_clients_noted_of_the_bytes)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	scoped(arena_free) struct arena arena = {0};
	static const char *const names[] = {
		"colour", "md5chksum", "mtime", "s3cmd-attrs"};
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	struct file *file = NULL;
	struct object object;
	struct slice value;

	cr_assert(not(objects_put(temp.store, bucket, "o", "put by S3")));
	set_notes(temp.store, bucket, "o", names, array_len(names));
	object = head(temp.store, bucket, "o");
	cr_assert(not(file_open(temp.store, object.inode.ino, O_RDWR, &file)));
	files_put(file, "PUT BY A MOUNT");
	cr_assert(not(file_close(&file, O_RDWR)));
	cr_assert(not(object_head(temp.store, bucket, SLICE("o"), &arena,
		&object)));

	for (size_t i = 0; i < array_len(names); i++)
		cr_expect(eq(int,
			inode_attr_find(object.inode.attrs, INODE_ATTR_META,
				slice_str(names[i]), &value),
			i == 0));
}

Test(file, writing_to_a_copy_leaves_the_original_alone)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	struct file *reader = NULL, *writer = NULL;
	char got[16] = "";

	cr_assert(not(objects_put(temp.store, bucket, "o", "original")));
	cr_assert(not(objects_copy(temp.store, bucket, "o", "copy",
		&(struct object){0})));
	uint64_t ino = head(temp.store, bucket, "copy").inode.ino;
	cr_assert(not(file_open(temp.store, ino, O_RDONLY, &reader)));
	cr_expect(not(file_pin(reader)));
	int fd = file_fd(reader);
	cr_assert(not(file_open(temp.store, ino, O_RDWR, &writer)));
	files_put(writer, "ORIG");

	cr_expect(eq(int, file_fd(reader), fd));
	cr_expect(eq(i64, pread(fd, got, 15, 0), 8));
	cr_expect(eq(str, got, "ORIGinal"));
	cr_assert(not(file_close(&writer, O_RDWR)));
	cr_assert(not(file_close(&reader, O_RDONLY)));
	cr_expect(objects_is(temp.store, bucket, "o", "original"));
	cr_expect(objects_is(temp.store, bucket, "copy", "ORIGinal"));
}

static uint64_t
count_rows(struct store *store, enum db_table table)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	uint64_t count = 0;

	cr_assert(not(db_begin_read(store->db, &txn)));
	cr_assert(not(db_count(txn, table, &count)));
	return count;
}

Test(file, no_checkpoint_flushes_what_is_pending)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");

	struct file *file = files_create(temp.store, bucket, "f");

	cr_expect(eq(u64, count_rows(temp.store, DB_BLOB), 1));
	cr_expect(zero(u64, count_rows(temp.store, DB_UNFLUSHED)));
	cr_assert(not(file_close(&file, O_RDWR)));
}

Test(file, the_last_release_is_the_end_of_what_could_not_be_mapped)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	struct file *file = files_create(temp.store, bucket, "f");
	uint64_t ino = file_ino(file);

	files_put(file, "text");
	cr_assert(file_pin(file));
	cr_assert(not(file_flush(file)));
	cr_expect(eq(u64, count_rows(temp.store, DB_OPEN), 1));
	cr_assert(not(file_close(&file, O_RDWR)));
	cr_assert(not(objects_put(temp.store, bucket, "o", "another commit")));

	cr_expect(not(file_linger_has(temp.store, ino)));
	cr_expect(zero(u64, count_rows(temp.store, DB_OPEN)));
}

Test(file, data_the_kernel_has_is_not_written_to_once_it_is_shared)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	struct file *reader = NULL, *writer = NULL, *second = NULL;
	char got[16] = "";

	uint64_t ino = files_make(temp.store, bucket, "f", "text");
	cr_assert(not(file_open(temp.store, ino, O_RDONLY, &reader)));
	cr_assert(file_pin(reader));
	cr_assert(not(objects_copy(temp.store, bucket, "f", "copy",
		&(struct object){0})));
	/* Of the copy's data, too. */
	cr_assert(not(file_open(temp.store, ino, O_RDWR, &writer)));
	cr_expect(ne(u64, file_blob(writer), file_blob(reader)));
	files_put(writer, "TE");
	cr_assert(not(file_open(temp.store, ino, O_RDONLY, &second)));
	/* Not the writer's mark goes by that. */
	struct inode inode;
	cr_assert(not(file_sync(reader, false)));
	cr_assert(not(tree_inode(temp.store, ino, NULL, &inode)));
	cr_expect(ne(u32, inode.flags & INODE_DIRTY, 0));
	cr_expect(eq(int, fcntl(file_fd(reader), F_GETFL) & O_ACCMODE,
		O_RDONLY));

	cr_expect(eq(ptr, second, writer));
	cr_expect(eq(i64, pread(file_fd(reader), got, 15, 0), 4));
	cr_expect(eq(str, got, "text"));
	cr_assert(not(file_close(&reader, O_RDONLY)));
	cr_assert(not(file_close(&writer, O_RDWR)));
	cr_assert(not(file_close(&second, O_RDONLY)));
	cr_expect(objects_is(temp.store, bucket, "f", "TExt"));
	cr_expect(objects_is(temp.store, bucket, "copy", "text"));
	cr_expect(eq(u64, file_count(temp.store), 0));
}

Test(file, an_empty_object_can_be_read_and_written)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	struct file *reader = NULL, *writer = NULL;
	char byte;

	cr_assert(not(objects_put(temp.store, bucket, "o", "")));
	uint64_t ino = head(temp.store, bucket, "o").inode.ino;
	cr_assert(not(file_open(temp.store, ino, O_RDONLY, &reader)));
	cr_expect(eq(i64, pread(file_fd(reader), &byte, 1, 0), 0));
	cr_assert(not(file_open(temp.store, ino, O_WRONLY, &writer)));
	files_put(writer, "x");
	cr_expect(eq(i64, pread(file_fd(reader), &byte, 1, 0), 1));
	cr_assert(not(file_close(&reader, O_RDONLY)));
	cr_assert(not(file_close(&writer, O_WRONLY)));

	cr_expect(objects_is(temp.store, bucket, "o", "x"));
}

Test(file, flushing_publishes_where_there_is_no_other_writer)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	struct file *other = NULL;

	struct file *file = files_create(temp.store, bucket, "f");
	cr_assert(not(file_flush(file)));
	cr_expect(not(files_is_seen(temp.store, bucket, "f")));
	files_put(file, "text");
	cr_assert(not(file_open(temp.store, file_ino(file), O_WRONLY, &other)));
	cr_assert(not(file_flush(file)));
	cr_expect(not(files_is_seen(temp.store, bucket, "f")));
	cr_assert(not(file_close(&other, O_WRONLY)));
	cr_assert(not(file_flush(file)));
	cr_expect(files_is_seen(temp.store, bucket, "f"));
	files_put(file, "more text");
	cr_assert(not(file_close(&file, O_RDWR)));

	cr_expect(eq(u64, head(temp.store, bucket, "f").inode.size, 9));
}

Test(file, a_file_unlinked_while_open_goes_on_and_leaves_nothing)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	struct inode gone, inode;

	struct file *file = files_create(temp.store, bucket, "f");
	files_put(file, "text");
	cr_assert(not(tree_unlink(temp.store, bucket, SLICE("f"), &gone)));
	file_attr_note(temp.store, &gone);
	files_put(file, "TEXT and more");
	cr_assert(not(file_attr_get(file, &inode)));

	cr_expect(eq(u32, inode.nlink, 0));
	cr_expect(eq(u64, inode.size, 13));
	cr_assert(not(file_sync(file, false)));
	cr_assert(not(file_close(&file, O_RDWR)));
	cr_expect(not(files_is_seen(temp.store, bucket, "f")));
	cr_expect(eq(u64, file_count(temp.store), 0));
}

Test(file, closed_after_a_flush_is_off_the_list_with_the_next_commit)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");

	struct file *file = files_create(temp.store, bucket, "f");
	files_put(file, "text");
	cr_assert(not(file_flush(file)));
	cr_expect(eq(u64, count_rows(temp.store, DB_OPEN), 1));
	cr_expect(zero(u32, head(temp.store, bucket, "f").inode.flags));
	cr_assert(not(file_close(&file, O_RDWR)));
	cr_assert(not(objects_put(temp.store, bucket, "another", "x")));

	cr_expect(zero(u64, count_rows(temp.store, DB_OPEN)));
}

Test(file, a_rewrite_whose_name_goes_leaves_no_mark)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	uint64_t ino = files_make(temp.store, bucket, "f", "old");
	struct file *file = NULL;
	struct inode gone;

	cr_assert(not(file_open(temp.store, ino, O_WRONLY | O_TRUNC, &file)));
	cr_assert(not(tree_unlink(temp.store, bucket, SLICE("f"), &gone)));
	file_attr_note(temp.store, &gone);
	cr_assert(not(file_close(&file, O_WRONLY | O_TRUNC)));

	cr_expect(zero(u64, count_rows(temp.store, DB_OPEN)));
}

Test(file, a_file_with_two_names_that_a_power_cut_took_is_not_hidden_for_ever)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	uint64_t session = session_id(temp.store);
	struct inode inode;

	struct file *file = files_create(temp.store, bucket, "f");
	uint64_t ino = file_ino(file);
	cr_assert(not(tree_mkdir(temp.store, bucket, SLICE("d"), &owner,
		&inode)));
	cr_assert(not(tree_link(temp.store, ino, inode.ino, SLICE("second"),
		&inode)));

	cr_assert(not(file_left_settle(temp.store, session, ino, true, NULL)));

	/* One is found and goes; of the other it is not known where it is. */
	cr_expect(not(files_is_seen(temp.store, bucket, "d/second")));
	cr_expect(files_is_seen(temp.store, bucket, "f"));
	cr_assert(not(file_close(&file, O_RDWR)));
}
