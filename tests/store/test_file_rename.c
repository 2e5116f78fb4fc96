/* SPDX-License-Identifier: Apache-2.0 */
/* Files that are renamed before they are closed. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "store/file_left_private.h"
#include "store/session_private.h"
#include "tests/store/files.h"
#include "tests/support/other_process.h"
#include "tests/support/temp_store.h"

static void
move(struct store *store, uint64_t bucket, const char *from, const char *to,
	unsigned flags)
{
	struct inode replaced;

	cr_assert(not(tree_rename(store, bucket, slice_str(from), TREE_FILE,
		bucket, slice_str(to), flags, &replaced)));
}

Test(file_rename, what_is_still_written_takes_an_objects_place_at_once)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	uint64_t objects, bytes;

	cr_assert(not(objects_put(temp.store, bucket, "final", "the old")));
	struct file *file = files_create(temp.store, bucket, "tmp");
	files_put(file, "the new");
	move(temp.store, bucket, "tmp", "final", 0);
	cr_expect(objects_is(temp.store, bucket, "final", "the new"));
	cr_expect(zero(u64, files_head(temp.store, bucket, "tmp").ino));
	files_put(file, "the new, longer");
	cr_expect(objects_is(temp.store, bucket, "final", "the new, longer"));
	files_close(&file, O_RDWR);

	cr_expect(objects_is(temp.store, bucket, "final", "the new, longer"));
	cr_expect(zero(u32, files_head(temp.store, bucket, "final").flags));
	objects_usage(temp.store, bucket, &objects, &bytes);
	cr_expect(eq(u64, objects, 1));
	cr_expect(eq(u64, bytes, 15));
	cr_expect(zero(u64, objects_findings(temp.store)));
}

Test(file_rename, what_is_closed_unchanged_afterwards_keeps_its_etag)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");

	cr_assert(not(objects_put(temp.store, bucket, "final", "the old")));
	struct file *file = files_create(temp.store, bucket, "tmp");
	files_put(file, "the new");
	move(temp.store, bucket, "tmp", "final", 0);
	struct inode before = files_head(temp.store, bucket, "final");
	cr_assert(not(file_flush(file)));
	files_close(&file, O_RDWR);
	struct inode after = files_head(temp.store, bucket, "final");

	cr_expect(inode_etag_equal(&before.etag, &after.etag));
	cr_expect(eq(i64, before.mtime_ns, after.mtime_ns));
}

Test(file_rename, where_there_is_no_object_it_is_none_until_it_is_closed)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");

	struct file *file = files_create(temp.store, bucket, "tmp");
	struct file *other = files_create(temp.store, bucket, "other");
	move(temp.store, bucket, "tmp", "final", 0);
	cr_expect(zero(u64, files_head(temp.store, bucket, "final").ino));
	move(temp.store, bucket, "other", "final", 0);
	cr_expect(zero(u64, files_head(temp.store, bucket, "final").ino));
	files_close(&file, O_RDWR);
	files_close(&other, O_RDWR);

	cr_expect(ne(u64, files_head(temp.store, bucket, "final").ino, 0));
}

Test(file_rename, an_object_and_what_is_written_exchange_their_names)
{
	for (int is_there = 0; is_there < 2; is_there++) {
		scoped(temp_store_close) struct temp_store temp =
				temp_store_open();
		uint64_t bucket = objects_bucket(temp.store, "bucket");

		cr_assert(not(objects_put(temp.store, bucket, "o", "object")));
		struct file *file = files_create(temp.store, bucket, "f");
		files_put(file, "file");
		move(temp.store, bucket, is_there ? "o" : "f",
			is_there ? "f" : "o", TREE_EXCHANGE);

		cr_expect(objects_is(temp.store, bucket, "o", "file"));
		cr_expect(objects_is(temp.store, bucket, "f", "object"));
		files_close(&file, O_RDWR);
		cr_expect(zero(u64, objects_findings(temp.store)));
	}
}

/* The bytes of what was never published nobody has flushed. */
Test(file_rename, a_power_cut_leaves_an_object_under_the_name)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	uint64_t session = session_id(temp.store);

	cr_assert(not(objects_put(temp.store, bucket, "final", "the old")));
	struct file *file = files_create(temp.store, bucket, "tmp");
	files_put(file, "the new");
	move(temp.store, bucket, "tmp", "final", 0);

	cr_assert(not(file_left_settle(temp.store, session, file_ino(file),
		true, NULL)));

	cr_expect(objects_is(temp.store, bucket, "final", "the new"));
	files_close(&file, O_RDWR);
}

static void
create_and_wait(struct store *store, struct other_process *self)
{
	uint64_t bucket = objects_bucket(store, "bucket");

	files_put(files_create(store, bucket, "tmp"), "theirs");
	other_process_tell(self, bucket);
}

Test(file_rename, what_another_process_writes_takes_an_objects_place_too)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_create();
	struct other_process process =
		other_process_start(temp.path, create_and_wait);
	uint64_t bucket = other_process_hear(&process);

	temp_store_reopen(&temp);
	cr_assert(not(objects_put(temp.store, bucket, "final", "the old")));
	move(temp.store, bucket, "tmp", "final", 0);

	cr_expect(objects_is(temp.store, bucket, "final", "theirs"));
	other_process_kill(&process);
	temp_store_reopen(&temp);
	cr_expect(objects_is(temp.store, bucket, "final", "theirs"));
	cr_expect(zero(u32, files_head(temp.store, bucket, "final").flags));
}
