/* SPDX-License-Identifier: Apache-2.0 */
/* Bits that flip on the disk: found, kept from everybody, and told. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/commit_private.h"
#include "store/dentry_private.h"
#include "store/file.h"
#include "store/scrub.h"
#include "store/upload.h"
#include "tests/store/objects.h"
#include "tests/support/temp_store.h"

/* Larger than what is packed. */
#define LARGE 200000

static struct scrub_result
scrub(struct store *store)
{
	const struct scrub_options options = {.bytes_per_s = 0};
	struct scrub_result result;

	cr_assert(zero(int, scrub_run(store, &options, &result)));
	cr_assert(result.is_whole);
	return result;
}

static struct slice
body(size_t len, char seed)
{
	static char bytes[LARGE];

	cr_assert(le(sz, len, sizeof(bytes)));
	for (size_t i = 0; i < len; i++)
		bytes[i] = (char)(seed + i * 7 + i / 251);
	return slice_of(bytes, len);
}

static void
put(struct store *store, uint64_t bucket, const char *key, size_t len)
{
	cr_assert(zero(int,
		objects_put_if(store, bucket, key, body(len, key[0]), NULL)));
}

static enum store_err
open_object(struct store *store, uint64_t bucket, const char *key, int *fd,
	uint64_t *offset)
{
	scoped(arena_free) struct arena arena = {0};
	struct object object;

	return object_open(store, bucket, slice_str(key), &arena, &object, fd,
		offset);
}

/* Flips a bit of the object's bytes where they lie, and leaves the file's times
 * as they are: that is what a disk does. */
static void
flip(struct store *store, uint64_t bucket, const char *key, uint64_t at)
{
	struct stat stat;
	char path[64];
	uint64_t offset = 0;
	char byte;
	int fd = -1;

	/* By the descriptor: where the damage is known, it is not given. */
	enum store_err err = open_object(store, bucket, key, &fd, &offset);
	cr_assert(zero(int, err));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	int file = open(path, O_RDWR | O_CLOEXEC);
	cr_assert(ge(int, file, 0));
	cr_assert(zero(int, fstat(file, &stat)));
	cr_assert(eq(int, pread(file, &byte, 1, (off_t)(offset + at)), 1));
	byte ^= 4;
	cr_assert(eq(int, pwrite(file, &byte, 1, (off_t)(offset + at)), 1));
	const struct timespec times[2] = {stat.st_atim, stat.st_mtim};
	cr_assert(zero(int, futimens(file, times)));
	close(file);
	close(fd);
}

static enum store_err
get(struct store *store, uint64_t bucket, const char *key)
{
	uint64_t offset;
	int fd = -1;
	enum store_err err = open_object(store, bucket, key, &fd, &offset);

	if (fd >= 0)
		close(fd);
	return err;
}

static uint64_t
damaged_count(struct store *store)
{
	struct store_status status;

	cr_assert(zero(int, store_status(store, &status)));
	return status.damaged_blobs;
}

Test(scrub, finds_a_flipped_bit_and_nobody_gets_the_object_any_more)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	put(temp.store, bucket, "large", LARGE);
	put(temp.store, bucket, "small", 4096);
	put(temp.store, bucket, "well", LARGE);
	cr_assert(eq(u64, scrub(temp.store).computed, 3));

	flip(temp.store, bucket, "large", 100001);
	flip(temp.store, bucket, "small", 17);
	struct scrub_result result = scrub(temp.store);

	cr_expect(eq(u64, result.damaged, 2));
	cr_expect(eq(int, get(temp.store, bucket, "large"), STORE_DAMAGED));
	cr_expect(eq(int, get(temp.store, bucket, "small"), STORE_DAMAGED));
	cr_expect(eq(int, get(temp.store, bucket, "well"), STORE_OK));
	cr_expect(eq(u64, damaged_count(temp.store), 2));
	temp_store_reopen(&temp);
	cr_expect(eq(int, get(temp.store, bucket, "large"), STORE_DAMAGED));
}

Test(scrub, what_is_right_again_is_given_again)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	struct inode inode;
	char path[160];
	char byte = 0;
	put(temp.store, bucket, "k", LARGE);
	scrub(temp.store);
	flip(temp.store, bucket, "k", 5);
	cr_assert(eq(u64, scrub(temp.store).damaged, 1));

	cr_assert(zero(int, tree_lookup(temp.store, bucket, SLICE("k"),
				    TREE_FILE, NULL, &inode)));
	snprintf(path, sizeof(path), "%s/data/%llx/%llx", temp.path,
		(unsigned long long)(inode.blob / 4096),
		(unsigned long long)inode.blob);
	int fd = open(path, O_RDWR | O_CLOEXEC);
	cr_assert(eq(int, pread(fd, &byte, 1, 5), 1));
	byte ^= 4;
	cr_assert(eq(int, pwrite(fd, &byte, 1, 5), 1));
	close(fd);
	struct scrub_result result = scrub(temp.store);

	cr_expect(eq(u64, result.well_again, 1));
	cr_expect(eq(int, get(temp.store, bucket, "k"), STORE_OK));
	cr_expect(zero(u64, damaged_count(temp.store)));
}

Test(scrub, a_damaged_object_can_be_replaced_and_deleted_but_not_copied)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	struct object made;
	put(temp.store, bucket, "replaced", LARGE);
	put(temp.store, bucket, "deleted", LARGE);
	scrub(temp.store);
	flip(temp.store, bucket, "replaced", 0);
	flip(temp.store, bucket, "deleted", LARGE - 1);
	cr_assert(eq(u64, scrub(temp.store).damaged, 2));

	cr_expect(eq(int,
		object_copy(temp.store, bucket, SLICE("deleted"), NULL, NULL,
			bucket, SLICE("copy"), NULL, NULL, &made),
		STORE_DAMAGED));
	put(temp.store, bucket, "replaced", LARGE);
	cr_expect(zero(int,
		object_delete(temp.store, bucket, SLICE("deleted"), NULL)));

	cr_expect(eq(int, get(temp.store, bucket, "replaced"), STORE_OK));
	cr_expect(zero(u64, damaged_count(temp.store)));
	cr_expect(zero(u64, objects_findings(temp.store)));
}

Test(scrub, a_mount_gets_an_error_and_may_write_the_file_anew)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	struct file *file = NULL;
	struct inode inode;
	put(temp.store, bucket, "k", LARGE);
	scrub(temp.store);
	flip(temp.store, bucket, "k", 1);
	scrub(temp.store);
	cr_assert(zero(int, tree_lookup(temp.store, bucket, SLICE("k"),
				    TREE_FILE, NULL, &inode)));

	enum store_err err = file_open(temp.store, inode.ino, O_RDONLY, &file);
	cr_expect(eq(int, err, STORE_DAMAGED));
	cr_expect(eq(int, error_errno(err), EIO));
	cr_expect(eq(int, file_open(temp.store, inode.ino, O_RDWR, &file),
		STORE_DAMAGED));
	cr_assert(zero(int,
		file_open(temp.store, inode.ino, O_RDWR | O_TRUNC, &file)));
	cr_assert(zero(int, io_pwrite_all(file_fd(file), "new", 3, 0)));
	cr_assert(zero(int, file_close(&file, O_RDWR | O_TRUNC)));

	cr_expect(objects_is(temp.store, bucket, "k", "new"));
	cr_expect(zero(u64, damaged_count(temp.store)));
}

Test(scrub, a_file_written_in_place_is_no_damage)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	struct file *file = NULL;
	struct inode inode;
	put(temp.store, bucket, "k", LARGE);
	scrub(temp.store);
	cr_assert(zero(int, tree_lookup(temp.store, bucket, SLICE("k"),
				    TREE_FILE, NULL, &inode)));

	cr_assert(zero(int, file_open(temp.store, inode.ino, O_RDWR, &file)));
	cr_assert(zero(int, io_pwrite_all(file_fd(file), "other", 5, 9)));
	struct scrub_result open = scrub(temp.store);
	cr_assert(zero(int, file_flush(file)));
	cr_assert(zero(int, file_close(&file, O_RDWR)));
	/* The mark of a file that was closed goes with a later commit. */
	put(temp.store, bucket, "other", 10);
	struct scrub_result closed = scrub(temp.store);
	flip(temp.store, bucket, "k", 11);
	struct scrub_result flipped = scrub(temp.store);

	cr_expect(eq(u64, open.passed_over, 1));
	cr_expect(zero(u64, open.damaged));
	cr_expect(zero(u64, closed.damaged));
	cr_expect(eq(u64, closed.computed, 2));
	cr_expect(eq(u64, flipped.damaged, 1));
}

Test(scrub, a_time_in_the_future_hides_nothing)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	const struct tree_change change = {
		.has_mtime = true,
		.mtime_ns = 4102444800000000000,
	};
	struct inode inode;
	struct file *file = NULL;

	put(temp.store, bucket, "f", LARGE);
	cr_assert(zero(int, tree_lookup(temp.store, bucket, SLICE("f"),
				    TREE_FILE, NULL, &inode)));
	cr_assert(zero(int, file_open(temp.store, inode.ino, O_RDWR, &file)));
	cr_assert(eq(i64, pwrite(file_fd(file), "new", 3, 0), 3));
	cr_assert(zero(int,
		file_attr_set(temp.store, inode.ino, &change, &inode)));
	cr_assert(zero(int, file_close(&file, O_RDWR)));
	cr_assert(eq(u64, scrub(temp.store).computed, 1));
	flip(temp.store, bucket, "f", 100001);

	cr_expect(eq(u64, scrub(temp.store).damaged, 1));
	cr_expect(eq(int, get(temp.store, bucket, "f"), STORE_DAMAGED));
}

Test(scrub, a_file_cut_short_or_gone_is_found)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	struct stat stat;
	struct inode short_one, gone;
	char path[160];
	put(temp.store, bucket, "short", LARGE);
	put(temp.store, bucket, "gone", LARGE);
	cr_assert(zero(int, tree_lookup(temp.store, bucket, SLICE("short"),
				    TREE_FILE, NULL, &short_one)));
	cr_assert(zero(int, tree_lookup(temp.store, bucket, SLICE("gone"),
				    TREE_FILE, NULL, &gone)));

	snprintf(path, sizeof(path), "%s/data/%llx/%llx", temp.path,
		(unsigned long long)(short_one.blob / 4096),
		(unsigned long long)short_one.blob);
	int fd = open(path, O_RDWR | O_CLOEXEC);
	cr_assert(zero(int, fstat(fd, &stat)));
	cr_assert(zero(int, ftruncate(fd, 1000)));
	const struct timespec times[2] = {stat.st_atim, stat.st_mtim};
	cr_assert(zero(int, futimens(fd, times)));
	close(fd);
	cr_assert(zero(int, blob_remove(temp.store->blobs, gone.blob)));
	struct scrub_result result = scrub(temp.store);

	cr_expect(eq(u64, result.damaged, 1));
	cr_expect(eq(u64, result.missing, 1));
	cr_expect(eq(int, get(temp.store, bucket, "short"), STORE_DAMAGED));
}

static bool
stops(void *context)
{
	(void)context;
	return false;
}

Test(scrub, what_is_missing_is_told_until_a_whole_one_does_not_miss_it)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	const struct scrub_options cut_off = {.goes_on = stops};
	struct scrub_result result;
	struct store_status status;
	struct inode gone;
	put(temp.store, bucket, "gone", LARGE);
	put(temp.store, bucket, "there", LARGE);
	cr_assert(zero(int, tree_lookup(temp.store, bucket, SLICE("gone"),
				    TREE_FILE, NULL, &gone)));

	cr_assert(zero(int, blob_remove(temp.store->blobs, gone.blob)));
	scrub(temp.store);
	cr_assert(zero(int, store_status(temp.store, &status)));
	cr_expect(eq(u64, status.missing_blobs, 1));
	cr_assert(zero(int,
		object_delete(temp.store, bucket, SLICE("gone"), NULL)));
	cr_assert(zero(int, scrub_run(temp.store, &cut_off, &result)));
	cr_assert(zero(int, store_status(temp.store, &status)));
	cr_expect(eq(u64, status.missing_blobs, 1));
	scrub(temp.store);

	cr_assert(zero(int, store_status(temp.store, &status)));
	cr_expect(zero(u64, status.missing_blobs));
}

Test(scrub, a_copy_that_shares_the_bytes_is_damaged_with_them)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	struct object made;
	put(temp.store, bucket, "k", LARGE);
	cr_assert(zero(int,
		object_copy(temp.store, bucket, SLICE("k"), NULL, NULL, bucket,
			SLICE("copy"), NULL, NULL, &made)));
	cr_assert(eq(u64, scrub(temp.store).computed, 1));

	flip(temp.store, bucket, "k", 77);
	struct scrub_result result = scrub(temp.store);

	cr_expect(eq(u64, result.damaged, 1));
	cr_expect(eq(int, get(temp.store, bucket, "copy"), STORE_DAMAGED));
	cr_expect(zero(int,
		object_delete(temp.store, bucket, SLICE("k"), NULL)));
	cr_expect(eq(u64, damaged_count(temp.store), 1));
	cr_expect(zero(int,
		object_delete(temp.store, bucket, SLICE("copy"), NULL)));
	cr_expect(zero(u64, damaged_count(temp.store)));
}

Test(scrub, fsck_tells_of_what_is_marked)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	put(temp.store, bucket, "k", LARGE);
	scrub(temp.store);
	flip(temp.store, bucket, "k", 1);
	cr_expect(zero(u64, objects_findings(temp.store)));

	scrub(temp.store);

	cr_expect(eq(u64, objects_findings(temp.store), 1));
}

Test(scrub, the_checksum_of_an_upload_is_kept)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	struct slice bytes = body(LARGE, 'x');
	struct object_attrs attrs = objects_attrs(bytes);
	struct object_put *put = NULL;
	struct object made;
	attrs.checksum_kind = DIGEST_CRC64NVME;
	attrs.checksum_len = 8;
	digest_of(DIGEST_CRC64NVME, bytes, attrs.checksum);
	cr_assert(zero(int, object_put_begin(temp.store, bytes.len, &put)));
	cr_assert(zero(int, object_put_write(put, bytes)));
	cr_assert(zero(int, object_put_commit(&put, bucket, SLICE("k"), &attrs,
				    NULL, &made)));

	flip(temp.store, bucket, "k", 3);
	struct scrub_result result = scrub(temp.store);

	cr_expect(zero(u64, result.computed));
	cr_expect(eq(u64, result.damaged, 1));
}

static bool
ends_at_once(void *context)
{
	return --*(int *)context > 0;
}

Test(scrub, can_be_ended_and_keeps_its_pace)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	int asked = 2;
	const struct scrub_options options = {
		.bytes_per_s = 1,
		.goes_on = ends_at_once,
		.context = &asked,
	};
	struct scrub_result result;
	put(temp.store, bucket, "a", LARGE);
	put(temp.store, bucket, "b", LARGE);

	cr_assert(zero(int, scrub_run(temp.store, &options, &result)));

	cr_expect(not(result.is_whole));
	cr_expect(zero(u64, result.damaged));
}

Test(scrub, runs_by_itself_until_the_store_is_closed)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	struct store_status status = {.last_scrub_ns = 0};
	put(temp.store, bucket, "k", LARGE);

	cr_assert(zero(int, scrub_start(temp.store, 0, 0)));
	while (!status.last_scrub_ns)
		cr_assert(zero(int, store_status(temp.store, &status)));
	temp_store_reopen(&temp);

	flip(temp.store, bucket, "k", 3);
	cr_expect(eq(u64, scrub(temp.store).damaged, 1));
}
