/* SPDX-License-Identifier: Apache-2.0 */
/* Files that another process has open, or had when it was killed. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <unistd.h>

#include "store/file_table_private.h"
#include "tests/store/files.h"
#include "tests/support/other_process.h"
#include "tests/support/temp_store.h"

static void
write_and_wait(struct store *store, struct other_process *self)
{
	uint64_t bucket = objects_bucket(store, "bucket");
	uint64_t ino = files_make(store, bucket, "in-place", "before");
	struct file *in_place = NULL, *rewrite = NULL;

	files_make(store, bucket, "unchanged", "same");
	uint64_t same = files_head(store, bucket, "unchanged").ino;
	uint64_t again = files_make(store, bucket, "rewrite", "old");
	cr_assert(not(file_open(store, same, O_RDWR, &rewrite)));
	cr_assert(not(file_open(store, ino, O_RDWR, &in_place)));
	files_put(in_place, "AFTER IT");
	files_put(files_create(store, bucket, "new"), "unfinished");
	cr_assert(not(file_open(store, again, O_WRONLY | O_TRUNC, &rewrite)));
	files_put(rewrite, "rewritten");
	other_process_tell(self, bucket);
}

Test(file_processes,
	what_a_killed_process_had_open_is_settled_to_what_was_written)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_create();
	struct other_process process =
		other_process_start(temp.path, write_and_wait);
	uint64_t bucket = other_process_hear(&process);
	uint64_t objects, bytes;

	other_process_kill(&process);
	temp_store_reopen(&temp);

	cr_expect(objects_is(temp.store, bucket, "in-place", "AFTER IT"));
	cr_expect(objects_is(temp.store, bucket, "new", "unfinished"));
	cr_expect(objects_is(temp.store, bucket, "rewrite", "rewritten"));
	cr_expect(eq(u32, files_head(temp.store, bucket, "unchanged").flags,
		0));
	objects_usage(temp.store, bucket, &objects, &bytes);
	cr_expect(eq(u64, objects, 4));
	cr_expect(eq(u64, bytes, 8 + 10 + 9 + 4));
}

static void
create_and_wait(struct store *store, struct other_process *self)
{
	uint64_t bucket = objects_bucket(store, "bucket");
	uint64_t old = files_make(store, bucket, "rewrite", "before");
	struct file *file = files_create(store, bucket, "new");
	struct file *rewrite = NULL;

	cr_assert(not(file_open(store, old, O_WRONLY | O_TRUNC, &rewrite)));
	other_process_tell(self, bucket);
	other_process_tell(self, file_ino(file));
	other_process_tell(self, old);
}

/* What that process has open. */
struct shared_open {
	struct other_process process;
	uint64_t bucket;
	uint64_t new;
	uint64_t old;
};

static struct shared_open
open_in_another(struct temp_store *temp)
{
	struct shared_open it = {
		.process = other_process_start(temp->path, create_and_wait),
	};

	it.bucket = other_process_hear(&it.process);
	it.new = other_process_hear(&it.process);
	it.old = other_process_hear(&it.process);
	temp_store_reopen(temp);
	return it;
}

static void
sync_text(struct store *store, uint64_t ino, const char *text)
{
	struct file *file = NULL;

	cr_assert(not(file_open(store, ino, O_RDWR, &file)));
	files_put(file, text);
	cr_assert(not(file_sync(file, false)));
	cr_assert(not(file_close(&file, O_RDWR)));
}

/* What nobody publishes is dropped after a power cut. */
Test(file_processes,
	what_is_synced_is_published_though_another_process_has_it_open)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_create();
	struct shared_open it = open_in_another(&temp);

	cr_expect(not(files_is_seen(temp.store, it.bucket, "new")));
	sync_text(temp.store, it.new, "synced");
	sync_text(temp.store, it.old, "after");
	cr_expect(objects_is(temp.store, it.bucket, "new", "synced"));
	cr_expect(objects_is(temp.store, it.bucket, "rewrite", "after"));
	other_process_kill(&it.process);
	temp_store_reopen(&temp);

	cr_expect(objects_is(temp.store, it.bucket, "new", "synced"));
	cr_expect(objects_is(temp.store, it.bucket, "rewrite", "after"));
	cr_expect(zero(u64, objects_findings(temp.store)));
}

Test(file_processes, truncating_at_open_what_another_process_writes)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_create();
	struct shared_open it = open_in_another(&temp);
	struct file *file = NULL;

	cr_assert(not(file_open(temp.store, it.old, O_WRONLY | O_TRUNC,
		&file)));
	files_put(file, "here");
	cr_assert(not(file_close(&file, O_WRONLY | O_TRUNC)));
	other_process_kill(&it.process);
	temp_store_reopen(&temp);

	cr_expect(objects_is(temp.store, it.bucket, "rewrite", "here"));
	cr_expect(ne(u64, it.new, 0));
}

Test(file_processes, a_reader_who_outlives_a_writer_cannot_write)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	struct file *reader = NULL, *writer = NULL;

	uint64_t ino = files_make(temp.store, bucket, "f", "text");
	cr_assert(not(file_open(temp.store, ino, O_RDONLY, &reader)));
	cr_assert(not(file_open(temp.store, ino, O_WRONLY, &writer)));
	files_put(writer, "TE");
	cr_assert(not(file_close(&writer, O_WRONLY)));

	cr_expect(eq(int, fcntl(file_fd(reader), F_GETFL) & O_ACCMODE,
		O_RDONLY));
	cr_assert(not(file_open(temp.store, ino, O_WRONLY, &writer)));
	files_put(writer, "more text");
	cr_assert(not(file_close(&writer, O_WRONLY)));
	cr_assert(not(file_close(&reader, O_RDONLY)));
	cr_expect(objects_is(temp.store, bucket, "f", "more text"));
}

/* Takes a while to copy. */
#define SHARED_SIZE (192 << 20)

static void
fill_with_bytes(int fd)
{
	static char bytes[1 << 20];

	memset(bytes, 'b', sizeof(bytes));
	for (off_t at = 0; at < SHARED_SIZE; at += sizeof(bytes))
		cr_assert(eq(i64, pwrite(fd, bytes, sizeof(bytes), at),
			sizeof(bytes)));
}

static void
open_shared_and_wait(struct store *store, struct other_process *self)
{
	uint64_t bucket = objects_bucket(store, "bucket");
	struct file *file = files_create(store, bucket, "original");
	uint64_t ino = file_ino(file);

	fill_with_bytes(file_fd(file));
	files_put(file, "before");
	cr_assert(not(file_close(&file, O_RDWR)));
	cr_assert(not(objects_copy(store, bucket, "original", "copy",
		&(struct object){0})));
	other_process_tell(self, bucket);
	other_process_tell(self, ino);
	other_process_pause(self);
	cr_assert(not(file_open(store, ino, O_RDWR, &file)));
	cr_assert(not(file_close(&file, O_RDWR)));
	other_process_tell(self, 0);
}

Test(file_processes,
	a_clone_is_not_put_in_the_place_of_what_others_wrote_meanwhile)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_create();
	struct other_process process =
		other_process_start(temp.path, open_shared_and_wait);
	uint64_t bucket = other_process_hear(&process);
	uint64_t ino = other_process_hear(&process);
	char got[7] = "";
	struct file *file = NULL;

	temp_store_reopen(&temp);
	uint64_t files = objects_files(temp.store);
	other_process_resume(&process);
	/* It copies. */
	while (objects_files(temp.store) == files)
		continue;
	cr_assert(not(object_delete(temp.store, bucket, SLICE("copy"), NULL)));
	sync_text(temp.store, ino, "synced");
	other_process_hear(&process);

	cr_assert(not(file_open(temp.store, ino, O_RDONLY, &file)));
	cr_expect(eq(i64, pread(file_fd(file), got, 6, 0), 6));
	cr_expect(eq(str, got, "synced"));
	cr_assert(not(file_close(&file, O_RDONLY)));
	other_process_kill(&process);
}

static void
write_after_flush_and_wait(struct store *store, struct other_process *self)
{
	uint64_t bucket = objects_bucket(store, "bucket");
	struct file *file = files_create(store, bucket, "f");

	files_put(file, "text");
	cr_assert(not(file_flush(file)));
	files_put(file, "through a duplicate");
	cr_assert(not(file_sync(file, false)));
	files_put(file, "and then as much further");
	other_process_tell(self, bucket);
}

Test(file_processes, what_is_synced_after_a_flush_is_settled_too)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_create();
	struct other_process process =
		other_process_start(temp.path, write_after_flush_and_wait);
	uint64_t bucket = other_process_hear(&process);

	other_process_kill(&process);
	temp_store_reopen(&temp);

	cr_expect(objects_is(temp.store, bucket, "f",
		"and then as much further"));
	cr_expect(eq(u32, files_head(temp.store, bucket, "f").flags, 0));
}

Test(file_processes, a_copy_is_apart_from_what_is_written_after_a_flush)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");

	struct file *file = files_create(temp.store, bucket, "f");
	files_put(file, "text");
	cr_assert(not(file_flush(file)));
	cr_assert(not(objects_copy(temp.store, bucket, "f", "copy",
		&(struct object){0})));
	files_put(file, "MAPS");
	cr_assert(not(file_close(&file, O_RDWR)));

	cr_expect(objects_is(temp.store, bucket, "copy", "text"));
	cr_expect(objects_is(temp.store, bucket, "f", "MAPS"));
}

static void
flush_write_and_wait(struct store *store, struct other_process *self)
{
	uint64_t bucket = objects_bucket(store, "bucket");
	struct file *file = files_create(store, bucket, "f");

	files_put(file, "text");
	cr_assert(not(file_flush(file)));
	files_put(file, "through a duplicate");
	other_process_tell(self, bucket);
}

Test(file_processes, what_a_killed_process_wrote_after_a_flush_is_settled)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_create();
	struct other_process process =
		other_process_start(temp.path, flush_write_and_wait);
	uint64_t bucket = other_process_hear(&process);

	other_process_kill(&process);
	temp_store_reopen(&temp);

	cr_expect(eq(u64, files_head(temp.store, bucket, "f").size, 19));
}

static void
rewrite_and_wait(struct store *store, struct other_process *self)
{
	uint64_t ino =
		files_make(store, objects_bucket(store, "bucket"), "f", "old");
	struct file *file = NULL;

	other_process_tell(self, ino);
	other_process_pause(self);
	cr_assert(not(file_open(store, ino, O_WRONLY | O_TRUNC, &file)));
	files_put(file, "rewritten");
	cr_assert(not(file_close(&file, O_WRONLY | O_TRUNC)));
	other_process_tell(self, 0);
}

/* Who has the turn may be copying for minutes; the invalidation's thread has
 * all other news to tell the kernel of. */
Test(file_processes, news_are_told_without_a_turn_and_known_to_who_reads_then,
	.timeout = 60)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_create();
	struct other_process process =
		other_process_start(temp.path, rewrite_and_wait);
	uint64_t ino = other_process_hear(&process);
	struct file *file = NULL;
	char got[16] = "";
	size_t len = 0;

	temp_store_reopen(&temp);
	cr_assert(not(file_open(temp.store, ino, O_RDONLY, &file)));
	other_process_resume(&process);
	other_process_hear(&process);
	struct file *busy = file_table_take(temp.store, ino);
	struct file *with_turn = busy;
	cr_expect(file_is_busy(temp.store, ino));

	file_note_news(temp.store, ino);
	cr_expect(file_data_read_waits(file, 0));
	file_table_give_turn(&with_turn);
	file_table_release(&busy);

	cr_expect(not(file_is_busy(temp.store, ino)));
	cr_assert(not(file_data_read(file, got, sizeof(got), 0, &len)));
	cr_expect(eq(str, got, "rewritten"));
	cr_expect(not(file_data_read_waits(file, 0)));
	cr_assert(not(file_close(&file, O_RDONLY)));
	other_process_kill(&process);
}
