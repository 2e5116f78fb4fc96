/* SPDX-License-Identifier: Apache-2.0 */
/* What a mount does in a bucket that keeps versions. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <fcntl.h>
#include <sys/stat.h>

#include "store/file.h"
#include "tests/store/versions.h"

static const struct tree_owner owner = {.mode = 0644};

static uint64_t
ino_of(struct versions *it, const char *name)
{
	scoped(arena_free) struct arena arena = {0};
	struct inode inode;

	cr_assert(zero(int, tree_lookup(it->store, it->bucket, slice_str(name),
				    TREE_FILE, &arena, &inode)));
	return inode.ino;
}

static void
write_at(struct file *file, uint64_t offset, const char *text)
{
	size_t done;

	cr_assert(zero(int,
		file_data_write(file, slice_str(text), offset, &done)));
	cr_assert(eq(sz, done, strlen(text)));
}

static struct file *
open_file(struct versions *it, const char *name, int flags)
{
	struct file *file;

	cr_assert(zero(int,
		file_open(it->store, ino_of(it, name), flags, &file)));
	return file;
}

static void
close_file(struct file *file, int flags)
{
	cr_assert(zero(int, file_close(&file, flags)));
}

static void
create(struct versions *it, const char *name, const char *text)
{
	struct inode inode;
	struct file *file;

	cr_assert(zero(int, file_create(it->store, it->bucket, slice_str(name),
				    &owner, &inode, &file)));
	write_at(file, 0, text);
	close_file(file, O_RDWR);
}

static void
rewrite(struct versions *it, const char *name, const char *text)
{
	struct file *file = open_file(it, name, O_WRONLY | O_TRUNC);

	write_at(file, 0, text);
	close_file(file, O_WRONLY | O_TRUNC);
}

static void
enable(struct versions *it)
{
	cr_assert(zero(int,
		versioning_set(it->store, it->bucket, VERSIONING_ENABLED)));
}

Test(versions_file, a_new_file_is_the_first)
{
	struct versions it = versions_begin(VERSIONING_ENABLED);

	create(&it, "f", "1");
	cr_expect(versions_lists(&it, "f=1*"));
	versions_end(&it);
}

Test(versions_file, what_is_truncated_and_rewritten_is_kept)
{
	struct versions it = versions_begin(VERSIONING_ENABLED);

	create(&it, "f", "1");
	rewrite(&it, "f", "2");
	rewrite(&it, "f", "3");
	cr_expect(versions_lists(&it, "f=3* f=2 f=1"));
	versions_end(&it);
}

Test(versions_file, what_is_changed_in_place_is_kept)
{
	struct versions it = versions_begin(VERSIONING_ENABLED);

	create(&it, "f", "abc");
	struct file *file = open_file(&it, "f", O_RDWR);

	write_at(file, 1, "X");
	cr_expect(versions_lists(&it, "f=abc*"), "seen by S3 when closed");
	close_file(file, O_RDWR);
	cr_expect(versions_lists(&it, "f=aXc* f=abc"));
	versions_end(&it);
}

Test(versions_file, whose_object_came_by_s3_is_kept)
{
	struct versions it = versions_begin(VERSIONING_ENABLED);

	versions_put(&it, "f", "abc");
	struct file *file = open_file(&it, "f", O_RDWR);

	write_at(file, 3, "d");
	close_file(file, O_RDWR);
	rewrite(&it, "f", "new");
	cr_expect(versions_lists(&it, "f=new* f=abcd f=abc"));
	versions_end(&it);
}

Test(versions_file, from_before_its_bucket_kept_any_is_kept)
{
	struct versions it = versions_begin(VERSIONING_NEVER);

	create(&it, "f", "abc");
	versions_put(&it, "g", "ghi");
	enable(&it);
	struct file *file = open_file(&it, "f", O_RDWR);

	write_at(file, 0, "A");
	close_file(file, O_RDWR);
	rewrite(&it, "g", "new");
	cr_expect(versions_lists(&it, "f=Abc* f=abc0 g=new* g=ghi0"));
	versions_end(&it);
}

Test(versions_file, opened_for_writing_and_left_alone_is_no_new_one)
{
	struct versions it = versions_begin(VERSIONING_ENABLED);

	create(&it, "f", "abc");
	uint64_t blobs = objects_blob_records(it.store);

	close_file(open_file(&it, "f", O_RDWR), O_RDWR);
	cr_expect(versions_lists(&it, "f=abc*"));
	cr_expect(eq(u64, objects_blob_records(it.store), blobs));
	rewrite(&it, "f", "");
	cr_expect(versions_lists(&it, "f=* f=abc"), "truncated is not alone");
	versions_end(&it);
}

Test(versions_file, one_opening_makes_one_however_often_it_is_synced)
{
	struct versions it = versions_begin(VERSIONING_ENABLED);

	create(&it, "f", "abc");
	struct file *file = open_file(&it, "f", O_RDWR);

	write_at(file, 0, "1");
	cr_assert(zero(int, file_sync(file, false)));
	cr_expect(versions_lists(&it, "f=1bc* f=abc"));
	write_at(file, 1, "2");
	cr_assert(zero(int, file_sync(file, false)));
	cr_expect(versions_lists(&it, "f=12c* f=abc"));
	close_file(file, O_RDWR);
	cr_expect(versions_lists(&it, "f=12c* f=abc"));
	versions_end(&it);
}

Test(versions_file, what_is_put_while_one_writes_does_not_change)
{
	struct versions it = versions_begin(VERSIONING_ENABLED);

	create(&it, "f", "abc");
	struct file *file = open_file(&it, "f", O_RDWR);

	write_at(file, 0, "1");
	cr_assert(zero(int, file_sync(file, false)));
	versions_put(&it, "f", "put");
	write_at(file, 1, "2");
	close_file(file, O_RDWR);
	cr_expect(versions_lists(&it, "f=put* f=12c f=abc"),
		"the writer goes on with the version that is his");
	versions_end(&it);
}

Test(versions_file, unlinked_is_kept_behind_a_marker)
{
	struct versions it = versions_begin(VERSIONING_ENABLED);
	struct object_deletion done;
	struct inode gone;

	create(&it, "f", "abc");
	cr_assert(zero(int,
		tree_unlink(it.store, it.bucket, SLICE("f"), &gone)));
	cr_expect(eq(u32, gone.nlink, 0));
	cr_expect(versions_lists(&it, "f=-* f=abc"));
	create(&it, "f", "new");
	cr_expect(versions_lists(&it, "f=new* f=- f=abc"));
	cr_assert(zero(int,
		versions_drop(&it, "f", versions_nth(&it, 0), &done)));
	cr_assert(zero(int,
		versions_drop(&it, "f", versions_nth(&it, 0), &done)));
	cr_expect(versions_lists(&it, "f=abc*"));
	rewrite(&it, "f", "again");
	cr_expect(versions_lists(&it, "f=again* f=abc"));
	versions_end(&it);
}

Test(versions_file, what_is_open_when_it_is_unlinked_goes_on)
{
	struct versions it = versions_begin(VERSIONING_ENABLED);
	struct inode gone;
	char bytes[3];
	size_t got;

	create(&it, "f", "abc");
	struct file *reader = open_file(&it, "f", O_RDONLY);
	struct file *writer = open_file(&it, "f", O_RDWR);

	write_at(writer, 0, "X");
	cr_assert(zero(int,
		tree_unlink(it.store, it.bucket, SLICE("f"), &gone)));
	file_attr_note(it.store, &gone);
	cr_assert(zero(int, file_data_read(reader, bytes, 3, 0, &got)));
	cr_expect(eq(sz, got, 3));
	close_file(writer, O_RDWR);
	close_file(reader, O_RDONLY);
	cr_expect(versions_lists(&it, "f=-* f=abc"), "what was published");
	versions_end(&it);
}

Test(versions_file, renamed_over_is_kept)
{
	struct versions it = versions_begin(VERSIONING_ENABLED);
	struct inode replaced;

	create(&it, "f", "old");
	create(&it, "tmp", "new");
	cr_assert(zero(int,
		tree_rename(it.store, it.bucket, SLICE("tmp"), TREE_FILE,
			it.bucket, SLICE("f"), 0, &replaced)));
	cr_expect(versions_lists(&it, "f=new* f=old"));
	rewrite(&it, "f", "newer");
	cr_expect(versions_lists(&it, "f=newer* f=new f=old"));
	cr_assert(zero(int,
		tree_rename(it.store, it.bucket, SLICE("f"), TREE_FILE,
			it.bucket, SLICE("g"), 0, &replaced)));
	cr_expect(versions_lists(&it, "f=-* f=new f=old g=newer*"));
	versions_end(&it);
}

Test(versions_file, moved_away_again_and_again_leave_one_marker)
{
	struct versions it = versions_begin(VERSIONING_ENABLED);
	struct inode replaced, gone;

	create(&it, "tmp", "1");
	cr_assert(zero(int,
		tree_unlink(it.store, it.bucket, SLICE("tmp"), &gone)));
	for (int i = 0; i < 3; i++) {
		create(&it, "tmp", "2");
		cr_assert(zero(int, tree_rename(it.store, it.bucket,
					    SLICE("tmp"), TREE_FILE, it.bucket,
					    SLICE("zz"), 0, &replaced)));
	}

	cr_expect(versions_lists(&it, "tmp=-* tmp=1 zz=2* zz=2 zz=2"));
	versions_end(&it);
}

Test(versions_file, exchanged_are_new_ones)
{
	struct versions it = versions_begin(VERSIONING_ENABLED);
	struct inode replaced;

	create(&it, "a", "1");
	create(&it, "b", "2");
	cr_assert(zero(int,
		tree_rename(it.store, it.bucket, SLICE("a"), TREE_FILE,
			it.bucket, SLICE("b"), TREE_EXCHANGE, &replaced)));
	cr_expect(versions_lists(&it, "a=2* b=1*"));
	rewrite(&it, "a", "3");
	cr_expect(versions_lists(&it, "a=3* a=2 b=1*"));
	versions_end(&it);
}

Test(versions_file, exchanged_with_a_directory_leaves_a_marker)
{
	struct versions it = versions_begin(VERSIONING_ENABLED);
	struct inode replaced;

	versions_put(&it, "a", "1");
	versions_put(&it, "a", "2");
	versions_put(&it, "d/f", "3");
	cr_assert(zero(int,
		tree_rename(it.store, it.bucket, SLICE("a"), TREE_FILE,
			it.bucket, SLICE("d"), TREE_EXCHANGE, &replaced)));

	cr_expect(versions_lists(&it, "a=-* a=1 a/f=3* d=2*"));
	versions_end(&it);
}

Test(versions_file, with_two_names_is_kept_under_that_which_goes)
{
	struct versions it = versions_begin(VERSIONING_ENABLED);
	struct inode linked;

	create(&it, "a", "1");
	cr_assert(zero(int, tree_link(it.store, ino_of(&it, "a"), it.bucket,
				    SLICE("b"), &linked)));
	versions_put(&it, "a", "2");
	cr_expect(versions_lists(&it, "a=2* a=1 b=1*"));
	rewrite(&it, "b", "3");
	cr_expect(versions_lists(&it, "a=2* a=1 b=3* b=1"));
	versions_end(&it);
}

Test(versions_file, a_directory_that_was_removed_has_them_still)
{
	struct versions it = versions_begin(VERSIONING_ENABLED);
	struct inode dir, gone;

	cr_assert(zero(int, tree_mkdir(it.store, it.bucket, SLICE("d"),
				    &(struct tree_owner){.mode = 0755}, &dir)));
	versions_put(&it, "d/f", "1");
	cr_assert(zero(int, tree_unlink(it.store, dir.ino, SLICE("f"), &gone)));
	cr_assert(zero(int, tree_rmdir(it.store, it.bucket, SLICE("d"))));
	cr_expect(versions_lists(&it, "d/=-* d/= d/f=-* d/f=1"));
	versions_drop_nth(&it, "d/f", 2);
	cr_expect(versions_lists(&it, "d/=-* d/= d/f=1*"));
	versions_end(&it);
}

Test(versions_file, a_directory_with_entries_is_not_removed)
{
	struct versions it = versions_begin(VERSIONING_ENABLED);
	struct inode dir;

	cr_assert(zero(int, tree_mkdir(it.store, it.bucket, SLICE("d"),
				    &(struct tree_owner){.mode = 0755}, &dir)));
	versions_put(&it, "d/f", "1");
	cr_expect(eq(int, tree_rmdir(it.store, it.bucket, SLICE("d")),
		STORE_NOT_EMPTY));
	cr_expect(versions_lists(&it, "d/=* d/f=1*"));
	versions_end(&it);
}

Test(versions_file, while_suspended_the_null_one_is_changed_in_its_place)
{
	struct versions it = versions_begin(VERSIONING_ENABLED);

	create(&it, "f", "1");
	cr_assert(zero(int,
		versioning_set(it.store, it.bucket, VERSIONING_SUSPENDED)));
	rewrite(&it, "f", "2");
	cr_expect(versions_lists(&it, "f=2*0 f=1"));
	rewrite(&it, "f", "3");
	cr_expect(versions_lists(&it, "f=3*0 f=1"));
	create(&it, "g", "4");
	cr_expect(versions_lists(&it, "f=3*0 f=1 g=4*0"));
	versions_end(&it);
}

Test(versions_file, what_a_duplicate_stores_after_a_close_goes_to_its_version)
{
	struct versions it = versions_begin(VERSIONING_ENABLED);

	create(&it, "f", "1");
	struct file *file = open_file(&it, "f", O_RDWR);

	file_pin(file);
	write_at(file, 0, "2");
	cr_assert(zero(int, file_flush(file)));
	write_at(file, 1, "3");
	cr_expect(zero(int, file_flush(file)));
	close_file(file, O_RDWR);

	cr_expect(versions_lists(&it, "f=23* f=1"));
	versions_end(&it);
}

Test(versions_file, a_change_whose_time_another_mount_sets_back_is_one)
{
	struct versions it = versions_begin(VERSIONING_ENABLED);
	struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}};
	struct stat stat;

	create(&it, "f", "old");
	struct file *file = open_file(&it, "f", O_RDWR);

	/* What another process does by its own descriptor. */
	cr_assert(zero(int, fstat(file_fd(file), &stat)));
	times[1] = stat.st_mtim;
	cr_assert(eq(long, pwrite(file_fd(file), "new", 3, 0), 3));
	cr_assert(zero(int, futimens(file_fd(file), times)));
	close_file(file, O_RDWR);

	cr_expect(versions_lists(&it, "f=new* f=old"));
	versions_end(&it);
}
