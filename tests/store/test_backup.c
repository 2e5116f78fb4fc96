/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/backup_private.h"
#include "store/file.h"
#include "store/hold_private.h"
#include "store/meta/key.h"
#include "store/meta/record.h"
#include "store/scrub.h"
#include "store/versioning.h"
#include "tests/crash/faults.h"
#include "tests/store/backups.h"
#include "tests/store/objects.h"
#include "tests/support/temp_store.h"

#define LARGE 300000

static void
put_large(struct store *store, uint64_t bucket, const char *key, char byte)
{
	static char bytes[LARGE];

	memset(bytes, byte, sizeof(bytes));
	cr_assert(zero(int, objects_put_if(store, bucket, key,
				    slice_of(bytes, sizeof(bytes)), NULL)));
}

/* Whether the key holds so many of one byte. */
static bool
is_large(struct store *store, uint64_t bucket, const char *key, char byte)
{
	scoped(arena_free) struct arena arena = {0};
	struct slice got = objects_get(store, bucket, key, &arena);

	return got.len == LARGE && got.data[0] == byte &&
	       !memcmp(got.data, got.data + 1, LARGE - 1);
}

static uint64_t
bucket_ino(struct store *store)
{
	struct bucket bucket;

	cr_assert(zero(int, bucket_get(store, SLICE("bucket"), &bucket)));
	return bucket.ino;
}

Test(backup, brings_back_what_was_there_and_not_what_came_after)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	const struct backups_place place = backups_place_in(&temp, "backups");
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	put_large(temp.store, bucket, "large", 'l');
	cr_assert(zero(int, objects_put(temp.store, bucket, "small", "s")));
	cr_assert(zero(int, objects_put(temp.store, bucket, "empty", "")));
	cr_assert(zero(int, objects_put(temp.store, bucket, "dir/x", "x")));

	struct backup_result made = backups_make(temp.store, place.to, 0);
	cr_assert(zero(int,
		object_delete(temp.store, bucket, SLICE("small"), NULL)));
	put_large(temp.store, bucket, "large", 'm');
	cr_assert(zero(int, objects_put(temp.store, bucket, "later", "")));
	struct restore_result result = backups_restore(&place, 0);

	cr_expect(eq(u64, result.commit, made.commit));
	cr_expect(zero(u64, result.damaged + result.missing));
	struct store *store = temp_store_open_at(place.restored, false);
	bucket = bucket_ino(store);
	cr_expect(is_large(store, bucket, "large", 'l'));
	cr_expect(objects_is(store, bucket, "small", "s"));
	cr_expect(objects_is(store, bucket, "empty", ""));
	cr_expect(objects_is(store, bucket, "dir/x", "x"));
	cr_expect(objects_is(store, bucket, "later", NULL));
	cr_expect(zero(int, objects_put(store, bucket, "new", "new")));
	cr_expect(zero(u64, objects_findings(store)));
	cr_expect(eq(u64, objects_files_left(store) > 0, true));
	store_close(&store);
}

Test(backup, brings_back_which_version_is_null)
{
	static const struct version_ref null = {.which = VERSION_NULL};
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	scoped(arena_free) struct arena arena = {0};
	const struct backups_place place = backups_place_in(&temp, "backups");
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	struct object object;
	uint64_t offset;
	int fd = -1;

	cr_assert(zero(int, objects_put(temp.store, bucket, "k", "null")));
	cr_assert(zero(int,
		versioning_set(temp.store, bucket, VERSIONING_ENABLED)));
	cr_assert(zero(int, objects_put(temp.store, bucket, "k", "")));

	backups_make(temp.store, place.to, 0);
	backups_restore(&place, 0);

	struct store *store = temp_store_open_at(place.restored, false);
	cr_expect(eq(u64, objects_rows(store, DB_NULL), 1));
	cr_assert(zero(int,
		object_open_version(store, bucket_ino(store), SLICE("k"), &null,
			&arena, &object, &fd, &offset)));
	cr_expect(eq(u64, object.inode.size, 4));
	close(fd);
	store_close(&store);
}

Test(backup, shares_what_has_not_changed_since)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	struct backups_place place = backups_place_in(&temp, "backups");
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	put_large(temp.store, bucket, "same", 's');
	put_large(temp.store, bucket, "other", 'a');
	struct backup_result first = backups_make(temp.store, place.to, 0);
	put_large(temp.store, bucket, "other", 'b');

	struct backup_result second =
		backups_make(temp.store, place.to, first.commit);

	cr_expect(eq(u64, second.shared, 1));
	cr_expect(eq(u64, second.copied, 1));
	backups_restore(&place, first.commit);
	struct store *store = temp_store_open_at(place.restored, false);
	cr_expect(is_large(store, bucket_ino(store), "other", 'a'));
	/* The restored one has files of its own. */
	put_large(store, bucket_ino(store), "same", 'x');
	store_close(&store);
	snprintf(place.restored, sizeof(place.restored), "%s/second", temp.dir);
	backups_restore(&place, 0);
	store = temp_store_open_at(place.restored, false);
	cr_expect(is_large(store, bucket_ino(store), "other", 'b'));
	cr_expect(is_large(store, bucket_ino(store), "same", 's'));
	store_close(&store);
}

/* An object, open for writing through a mount. */
static struct file *
open_to_write(struct store *store, uint64_t bucket, const char *key)
{
	struct file *file = NULL;
	struct inode inode;

	cr_assert(zero(int, tree_lookup(store, bucket, slice_str(key),
				    TREE_FILE, NULL, &inode)));
	cr_assert(zero(int, file_open(store, inode.ino, O_RDWR, &file)));
	return file;
}

Test(backup, a_file_written_in_place_is_copied_anew)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	struct backups_place place = backups_place_in(&temp, "backups");
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	put_large(temp.store, bucket, "k", 'a');
	struct backup_result first = backups_make(temp.store, place.to, 0);
	struct file *file = open_to_write(temp.store, bucket, "k");
	cr_assert(zero(int, io_pwrite_all(file_fd(file), "longer", 6, LARGE)));

	/* While it is open, and its record does not know. */
	struct backup_result second =
		backups_make(temp.store, place.to, first.commit);
	cr_assert(zero(int, file_flush(file)));
	cr_assert(zero(int, file_close(&file, O_RDWR)));

	cr_expect(zero(u64, second.shared + second.damaged));
	backups_restore(&place, first.commit);
	struct store *store = temp_store_open_at(place.restored, false);
	cr_expect(is_large(store, bucket_ino(store), "k", 'a'));
	store_close(&store);
	snprintf(place.restored, sizeof(place.restored), "%s/second", temp.dir);
	backups_restore(&place, second.commit);
	store = temp_store_open_at(place.restored, false);
	scoped(arena_free) struct arena arena = {0};
	struct slice got = objects_get(store, bucket_ino(store), "k", &arena);
	cr_expect(eq(sz, got.len, LARGE + 6));
	cr_expect(slice_has_suffix(got, SLICE("longer")));
	cr_expect(zero(u64, objects_findings(store)));
	store_close(&store);
}

/* Stores through a map to a page that is dirty already leave the time. */
Test(backup, the_copy_of_what_is_open_for_writing_is_not_shared)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	struct backups_place place = backups_place_in(&temp, "backups");
	uint64_t bucket = objects_bucket(temp.store, "bucket");

	put_large(temp.store, bucket, "k", 'a');
	struct file *file = open_to_write(temp.store, bucket, "k");
	struct backup_result first = backups_make(temp.store, place.to, 0);
	cr_assert(zero(int, file_close(&file, O_RDWR)));

	struct backup_result second =
		backups_make(temp.store, place.to, first.commit);
	cr_expect(eq(u64, second.shared, 0));
	cr_expect(eq(u64, second.copied, 1));
	objects_bucket(temp.store, "another");
	struct backup_result third =
		backups_make(temp.store, place.to, second.commit);
	cr_expect(eq(u64, third.shared, 1));
}

/* `touch -r`, and who cares for times as containers of VeraCrypt do. */
Test(backup, a_file_whose_writer_put_its_time_back_is_copied_anew)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	struct backups_place place = backups_place_in(&temp, "backups");
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	struct inode inode;

	put_large(temp.store, bucket, "k", 'a');
	struct file *file = open_to_write(temp.store, bucket, "k");
	cr_assert(zero(int, io_pwrite_all(file_fd(file), "b", 1, 0)));
	cr_assert(zero(int, file_close(&file, O_RDWR)));
	struct backup_result first = backups_make(temp.store, place.to, 0);

	file = open_to_write(temp.store, bucket, "k");
	cr_assert(zero(int, file_attr_get(file, &inode)));
	const struct tree_change change = {
		.has_mtime = true,
		.mtime_ns = inode.mtime_ns,
	};
	cr_assert(zero(int, io_pwrite_all(file_fd(file), "c", 1, 0)));
	cr_assert(zero(int,
		file_attr_set(temp.store, inode.ino, &change, &inode)));
	cr_assert(zero(int, file_close(&file, O_RDWR)));
	struct backup_result second =
		backups_make(temp.store, place.to, first.commit);

	cr_expect(zero(u64, second.shared));
	backups_restore(&place, second.commit);
	struct store *store = temp_store_open_at(place.restored, false);
	scoped(arena_free) struct arena arena = {0};
	struct slice got = objects_get(store, bucket_ino(store), "k", &arena);
	cr_expect(eq(chr, got.data[0], 'c'));
	store_close(&store);
}

Test(backup, what_is_deleted_meanwhile_stays_until_it_is_over)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	uint64_t hold;
	put_large(temp.store, bucket, "before", 'b');
	put_large(temp.store, bucket, "after", 'a');
	cr_assert(zero(int,
		object_delete(temp.store, bucket, SLICE("before"), NULL)));

	cr_assert(zero(int, hold_take(temp.store, &hold)));
	cr_assert(zero(int,
		object_delete(temp.store, bucket, SLICE("after"), NULL)));
	cr_expect(eq(u64, objects_files_left(temp.store), 1));
	cr_assert(zero(int, hold_release(temp.store)));
	cr_expect(eq(u64, objects_files_left(temp.store), 0));
}

Test(backup, a_hold_goes_with_its_session)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	uint64_t hold;

	cr_assert(zero(int, hold_take(temp.store, &hold)));
	temp_store_reopen(&temp);
	put_large(temp.store, bucket, "k", 'k');
	cr_assert(zero(int,
		object_delete(temp.store, bucket, SLICE("k"), NULL)));

	cr_expect(eq(u64, objects_files_left(temp.store), 0));
}

static bool
stops(void *context)
{
	(void)context;
	return false;
}

Test(backup, one_that_is_interrupted_leaves_nothing)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	const struct backups_place place = backups_place_in(&temp, "backups");
	const struct backup_options options = {
		.to = place.to,
		.goes_on = stops,
	};
	struct backup_result made;
	char partial[200];
	struct stat stat_of;
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	put_large(temp.store, bucket, "k", 'k');

	cr_expect(eq(int, backup_make(temp.store, &options, &made),
		STORE_CANCELED));

	snprintf(partial, sizeof(partial), "%s/partial", place.to);
	cr_expect(ne(int, stat(partial, &stat_of), 0));
	cr_expect(zero(u64, backups_make(temp.store, place.to, 0).damaged));
	cr_assert(zero(int,
		object_delete(temp.store, bucket, SLICE("k"), NULL)));
	cr_expect(eq(u64, objects_files_left(temp.store), 0));
}

/* Ends the process where it is asked for the last time: in the scrub. */
static bool
dies_at_the_end(void *context)
{
	int *left = context;

	if (--*left == 0)
		_exit(0);
	return true;
}

static bool
counts(void *context)
{
	++*(int *)context;
	return true;
}

static enum store_err
try_open(const char *path, bool is_read_only)
{
	const struct store_options options = {
		.path = path,
		.role = "test",
		.is_read_only = is_read_only,
		.map_size = 1ull << 30,
	};
	scoped(store_close) struct store *store = NULL;

	return store_open(&options, &store);
}

Test(backup, what_was_restored_is_no_store_before_all_of_it_was_looked_at)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	struct backups_place place = backups_place_in(&temp, "backups");
	int asked = 0;
	struct restore_options options = {
		.from = place.to,
		.to = place.restored,
		.goes_on = counts,
		.context = &asked,
	};
	struct restore_result result;
	int status = 1;

	put_large(temp.store, objects_bucket(temp.store, "bucket"), "k", 'k');
	backups_make(temp.store, place.to, 0);
	store_close(&temp.store);
	cr_assert(zero(int, backup_restore(&options, &result)));
	cr_expect(zero(int, try_open(place.restored, false)));
	snprintf(place.restored, sizeof(place.restored), "%s/killed", temp.dir);
	options.goes_on = dies_at_the_end;
	pid_t child = fork();
	if (child == 0)
		_exit(backup_restore(&options, &result) ? 3 : 2);
	cr_assert(eq(int, waitpid(child, &status, 0), child));

	cr_assert(zero(int, status));
	cr_expect(eq(int, try_open(place.restored, false), STORE_UNEXAMINED));
	cr_expect(eq(int, try_open(place.restored, true), STORE_UNEXAMINED));
	cr_expect(eq(int, backup_restore(&options, &result), STORE_UNEXAMINED));
}

/* Alters a byte of k, as a disk does: its time stays. */
static void
spoil_data(struct store *store, uint64_t bucket)
{
	const struct scrub_options options = {.bytes_per_s = 0};
	struct scrub_result scrubbed;
	struct inode inode;
	struct stat stat_of;
	int fd = -1;

	cr_assert(zero(int, scrub_run(store, &options, &scrubbed)));
	cr_assert(zero(int, tree_lookup(store, bucket, SLICE("k"), TREE_FILE,
				    NULL, &inode)));
	cr_assert(zero(int, blob_open(store->blobs, inode.blob, O_RDWR, &fd)));
	cr_assert(zero(int, fstat(fd, &stat_of)));
	cr_assert(zero(int, io_pwrite_all(fd, "x", 1, 1000)));
	const struct timespec times[2] = {stat_of.st_atim, stat_of.st_mtim};
	cr_assert(zero(int, futimens(fd, times)));
	close(fd);
}

Test(backup, damage_is_told_when_it_is_made_and_when_it_comes_back)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	const struct backups_place place = backups_place_in(&temp, "backups");
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	put_large(temp.store, bucket, "k", 'k');
	spoil_data(temp.store, bucket);

	struct backup_result made = backups_make(temp.store, place.to, 0);
	struct restore_result result = backups_restore(&place, 0);

	cr_expect(eq(u64, made.damaged, 1));
	cr_expect(eq(u64, result.damaged, 1));
}

static enum store_err
try_make(struct store *store, const char *to, struct backup_result *result)
{
	const struct backup_options options = {.to = to};

	return backup_make(store, &options, result);
}

/* Each write in turn, until there is none left. */
Test(backup, a_disk_that_takes_no_copy_is_no_damage)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	const struct backups_place place = backups_place_in(&temp, "backups");
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	struct backup_result result;
	char data[200];
	uint64_t hits = 1;

	put_large(temp.store, bucket, "k", 'k');
	cr_assert(zero(int, objects_put(temp.store, bucket, "small", "s")));
	snprintf(data, sizeof(data), "%s/partial/data", place.to);
	struct faults *faults = faults_begin(data);
	for (uint64_t at = 1; hits; at++) {
		faults_arm(faults, FAULTS_WRITE, at, EIO, true);
		enum store_err err = try_make(temp.store, place.to, &result);
		hits = atomic_load(&faults->hits);
		faults_disarm(faults);
		cr_assert(eq(int, err, hits ? STORE_IO : STORE_OK), "write %d",
			(int)at);
		cr_expect(zero(u64, result.damaged), "write %d", (int)at);
	}
}

Test(backup, a_disk_that_cannot_read_is_damage_unless_it_was_for_once)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	const struct backups_place place = backups_place_in(&temp, "backups");
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	struct backup_result result;
	char data[200];

	put_large(temp.store, bucket, "k", 'k');
	snprintf(data, sizeof(data), "%s/data", temp.path);
	struct faults *faults = faults_begin(data);
	faults_arm(faults, FAULTS_READ, 1, EIO, true);
	cr_expect(zero(int, try_make(temp.store, place.to, &result)));
	cr_expect(eq(u64, result.damaged, 1));

	/* Two opens, then the copy. */
	objects_bucket(temp.store, "another");
	faults_arm(faults, FAULTS_READ, 3, EIO, false);
	cr_expect(zero(int, try_make(temp.store, place.to, &result)));
	cr_expect(eq(u64, atomic_load(&faults->hits), 1));
	cr_expect(zero(u64, result.damaged));
	cr_expect(eq(u64, result.copied, 1));
}

static bool
deletes_k(void *context)
{
	struct store *store = context;

	(void)!object_delete(store, bucket_ino(store), SLICE("k"), NULL);
	return true;
}

Test(backup, damage_is_told_of_what_is_deleted_meanwhile)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	const struct backups_place place = backups_place_in(&temp, "backups");
	const struct backup_options options = {
		.to = place.to,
		.goes_on = deletes_k,
		.context = temp.store,
	};
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	struct backup_result made;
	put_large(temp.store, bucket, "k", 'k');
	spoil_data(temp.store, bucket);

	cr_assert(zero(int, backup_make(temp.store, &options, &made)));

	cr_expect(objects_is(temp.store, bucket, "k", NULL));
	cr_expect(eq(u64, made.damaged, 1));
}

/* Overwrites the first byte of each copy of the inode's record in the tables of
 * the backup: they have no checksum. */
static void
spoil_record(const struct backups_place *place, uint64_t commit,
	const struct inode *inode)
{
	scoped(buffer_free) struct buffer record = {0};
	scoped(buffer_free) struct buffer tables = {0};
	struct stat stat_of;
	char path[200];
	uint64_t spoiled = 0;

	record_inode_encode(&record, inode);
	snprintf(path, sizeof(path), "%s/%llu/meta/data.mdb", place->to,
		(unsigned long long)commit);
	int fd = open(path, O_RDWR | O_CLOEXEC);
	cr_assert(zero(int, fstat(fd, &stat_of)));
	size_t size = (size_t)stat_of.st_size;
	char *bytes = malloc(size);
	cr_assert(zero(int, io_pread_all(fd, bytes, size, 0)));
	for (char *at = bytes; (at = memmem(at, size - (size_t)(at - bytes),
					record.data, record.len));
		at++, spoiled++)
		cr_assert(zero(int,
			io_pwrite_all(fd, "\0", 1, (uint64_t)(at - bytes))));
	free(bytes);
	close(fd);
	cr_assert(gt(u64, spoiled, 0));
}

static bool
has_row(struct store *store, enum db_table table, struct key key)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	struct slice value;

	cr_assert(zero(int, db_begin_read(store->db, &txn)));
	return !db_get(txn, table, key_slice(&key), &value);
}

Test(backup, damage_of_the_tables_is_told_and_nothing_is_taken_away_for_it)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	scoped(arena_free) struct arena arena = {0};
	const struct backups_place place = backups_place_in(&temp, "backups");
	const struct restore_options options = {
		.from = place.to,
		.to = place.restored,
	};
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	struct restore_result result;
	struct inode inode;
	put_large(temp.store, bucket, "k", 'k');
	cr_assert(zero(int, tree_lookup(temp.store, bucket, SLICE("k"),
				    TREE_FILE, &arena, &inode)));

	struct backup_result made = backups_make(temp.store, place.to, 0);
	spoil_record(&place, made.commit, &inode);
	cr_assert(zero(int, backup_restore(&options, &result)));

	cr_expect(gt(u64, result.findings, 0));
	struct store *store = temp_store_open_at(place.restored, false);
	cr_expect(has_row(store, DB_INODE, key_u64(inode.ino)));
	cr_expect(has_row(store, DB_DENTRY, key_dentry(bucket, SLICE("k"))));
	cr_expect(has_row(store, DB_BLOB, key_u64(inode.blob)));
	store_close(&store);
}

static uint64_t
blob_of(struct store *store, uint64_t bucket, const char *key)
{
	struct inode inode;

	cr_assert(zero(int, tree_lookup(store, bucket, slice_str(key),
				    TREE_FILE, NULL, &inode)));
	return inode.blob;
}

static void
write_list(const struct backups_place *place, uint64_t commit, const char *text)
{
	char dir[200];

	snprintf(dir, sizeof(dir), "%s/%llu", place->to,
		(unsigned long long)commit);
	cr_assert(zero(int, backup_lost_write(dir, slice_str(text))));
}

Test(backup, small_objects_that_were_lost_come_back_as_damaged)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	const struct backups_place place = backups_place_in(&temp, "backups");
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	scoped(arena_free) struct arena arena = {0};
	struct object object;
	uint64_t offset;
	char list[80];
	int fd;
	cr_assert(zero(int, objects_put(temp.store, bucket, "lost", "lost")));
	cr_assert(zero(int, objects_put(temp.store, bucket, "well", "well")));

	struct backup_result made = backups_make(temp.store, place.to, 0);
	snprintf(list, sizeof(list), "%llu\n4294967296\n",
		(unsigned long long)blob_of(temp.store, bucket, "lost"));
	write_list(&place, made.commit, list);
	struct restore_result result = backups_restore(&place, 0);

	cr_expect(eq(u64, result.damaged, 1));
	struct store *store = temp_store_open_at(place.restored, false);
	bucket = bucket_ino(store);
	cr_expect(objects_is(store, bucket, "well", "well"));
	cr_expect(eq(int,
		object_open(store, bucket, SLICE("lost"), &arena, &object, &fd,
			&offset),
		STORE_DAMAGED));
	store_close(&store);
}

Test(backup, a_list_of_what_was_lost_may_be_anything)
{
	static const char *const lists[] = {"x", "1", "1\nx\n",
		"99999999999999999999999999999999999999\n", "\n", "-1\n"};

	for (size_t i = 0; i < array_len(lists); i++) {
		scoped(temp_store_close) struct temp_store temp =
				temp_store_open();
		const struct backups_place place =
			backups_place_in(&temp, "backups");
		const struct restore_options options = {
			.from = place.to,
			.to = place.restored,
		};
		struct restore_result result;

		objects_bucket(temp.store, "bucket");
		write_list(&place, backups_make(temp.store, place.to, 0).commit,
			lists[i]);
		cr_assert(zero(int, backup_restore(&options, &result)));
		cr_expect(eq(u64, result.findings, 1), "%s", lists[i]);
	}
}

Test(backup, knows_what_lies_in_lost_pages)
{
	scoped(backup_lost_free) struct backup_lost lost = {0};
	struct record_blob record = {
		.place = RECORD_BLOB_PACKED,
		.segment = 7,
		.size = 100,
	};

	backup_lost_add(&lost, 6, 0, 4096);
	backup_lost_add(&lost, 7, 4096, 8192);
	backup_lost_add(&lost, 7, 8192, 12288);
	cr_expect(eq(sz, lost.count, 2));

	record.offset = 4096 - 100;
	cr_expect(not(backup_lost_hides(&lost, &record)));
	record.offset++;
	cr_expect(backup_lost_hides(&lost, &record));
	record.offset = 12287;
	cr_expect(backup_lost_hides(&lost, &record));
	record.has_crc64nvme = true;
	cr_expect(not(backup_lost_hides(&lost, &record)));
	record.has_crc64nvme = false;
	record.offset = 12288;
	cr_expect(not(backup_lost_hides(&lost, &record)));
	record.segment = 8;
	record.offset = 5000;
	cr_expect(not(backup_lost_hides(&lost, &record)));
}
