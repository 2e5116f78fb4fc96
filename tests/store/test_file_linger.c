/* SPDX-License-Identifier: Apache-2.0 */
/* What was published and may be written to further is looked at until it can
 * be said what it is. */
#include "store/file_linger_private.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "store/file_mark_private.h"
#include "store/reclaim_private.h"
#include "store/session_private.h"
#include "tests/crash/faults.h"
#include "tests/store/files.h"
#include "tests/store/versions.h"
#include "tests/support/temp_store.h"

/* Calls of file_linger_run() that look at everything there is. */
#define ROUNDS 2

/* The thread is stopped: a test says itself when to look. */
static struct temp_store
open_quiet(void)
{
	struct temp_store temp = temp_store_open();

	reclaim_stop(temp.store);
	return temp;
}

static void
run(struct store *store, int rounds)
{
	while (rounds-- > 0)
		file_linger_run(store);
}

/* What the list of open files says of it; UINT32_MAX: nothing. */
static uint32_t
flags_in_list(struct store *store, uint64_t ino)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	struct session_open row;

	cr_assert(zero(int, db_begin_read(store->db, &txn)));
	return session_get_open(txn, session_id(store), ino, &row) ? UINT32_MAX
								   : row.flags;
}

/* Still open for writing, and published by a close(2). */
static struct file *
open_published(struct store *store)
{
	struct file *file =
		files_create(store, objects_bucket(store, "bucket"), "f");

	files_put(file, "text");
	cr_assert(zero(int, file_flush(file)));
	cr_expect(file_linger_has(store, file_ino(file)));
	cr_expect(zero(u32, flags_in_list(store, file_ino(file))));
	return file;
}

/* Closed, but a descriptor can write to its data; *inode: what it is. */
static int
close_but_for_data(struct store *store, struct inode *inode)
{
	struct file *file = open_published(store);
	int fd;

	cr_assert(zero(int,
		blob_open(store->blobs, file_blob(file), O_RDWR, &fd)));
	cr_assert(zero(int, tree_inode(store, file_ino(file), NULL, inode)));
	file_let_linger(file);
	cr_assert(zero(int, file_close(&file, O_RDWR)));
	cr_expect(file_linger_has(store, inode->ino));
	return fd;
}

/* The next commit fails. */
static struct faults *
break_next_commit(const struct temp_store *temp)
{
	char meta[128];

	(void)snprintf(meta, sizeof(meta), "%s/meta", temp->path);
	struct faults *faults = faults_begin(meta);
	faults_arm(faults, FAULTS_WRITE, 1, EIO, false);
	return faults;
}

Test(file_linger, what_is_still_open_is_dirty_after_some_rounds)
{
	scoped(temp_store_close) struct temp_store temp = open_quiet();
	struct file *file = open_published(temp.store);

	run(temp.store, ROUNDS - 1);
	cr_expect(zero(u32, flags_in_list(temp.store, file_ino(file))));
	cr_expect(file_linger_has(temp.store, file_ino(file)));
	run(temp.store, 1);

	cr_expect(eq(u32, flags_in_list(temp.store, file_ino(file)),
		INODE_DIRTY));
	cr_expect(not(file_linger_has(temp.store, file_ino(file))));
	files_close(&file, O_RDWR);
}

Test(file_linger, waits_for_no_turn_and_comes_back_in_the_next_round)
{
	scoped(temp_store_close) struct temp_store temp = open_quiet();
	struct file *file = open_published(temp.store);
	struct file *busy = file_table_take(temp.store, file_ino(file));
	struct file *with_turn = busy;

	run(temp.store, ROUNDS + 3);
	cr_expect(file_linger_has(temp.store, file_ino(file)));
	cr_expect(zero(u32, flags_in_list(temp.store, file_ino(file))));
	file_table_give_turn(&with_turn);
	file_table_release(&busy);
	run(temp.store, 1);

	cr_expect(eq(u32, flags_in_list(temp.store, file_ino(file)),
		INODE_DIRTY));
	files_close(&file, O_RDWR);
}

Test(file_linger, a_mark_that_fails_is_made_in_the_next_round)
{
	scoped(temp_store_close) struct temp_store temp = open_quiet();
	struct file *file = open_published(temp.store);
	struct faults *faults = break_next_commit(&temp);

	run(temp.store, ROUNDS);
	cr_expect(eq(u64, faults->hits, 1));
	cr_expect(zero(u32, flags_in_list(temp.store, file_ino(file))));
	cr_expect(file_linger_has(temp.store, file_ino(file)));
	run(temp.store, 1);

	cr_expect(eq(u32, flags_in_list(temp.store, file_ino(file)),
		INODE_DIRTY));
	cr_expect(not(file_linger_has(temp.store, file_ino(file))));
	faults_disarm(faults);
	files_close(&file, O_RDWR);
}

Test(file_linger, who_can_write_is_asked_for_until_nobody_can)
{
	scoped(temp_store_close) struct temp_store temp = open_quiet();
	struct inode inode;
	int fd = close_but_for_data(temp.store, &inode);

	run(temp.store, ROUNDS + 3);
	cr_expect(file_linger_has(temp.store, inode.ino));
	cr_expect(eq(u32, flags_in_list(temp.store, inode.ino), INODE_DIRTY));
	cr_assert(eq(i64, pwrite(fd, "more text", 9, 0), 9));
	close(fd);
	run(temp.store, 1);

	cr_expect(not(file_linger_has(temp.store, inode.ino)));
	cr_expect(eq(u64, files_head(temp.store, inode.bucket, "f").size, 9));
	cr_expect(zero(u32,
		files_head(temp.store, inode.bucket, "f").flags & INODE_DIRTY));
}

Test(file_linger, a_settlement_that_fails_is_made_in_the_next_round)
{
	scoped(temp_store_close) struct temp_store temp = open_quiet();
	struct inode inode;
	int fd = close_but_for_data(temp.store, &inode);

	cr_assert(eq(i64, pwrite(fd, "more text", 9, 0), 9));
	close(fd);
	struct faults *faults = break_next_commit(&temp);
	run(temp.store, ROUNDS);
	cr_expect(eq(u64, faults->hits, 1));
	cr_expect(file_linger_has(temp.store, inode.ino));
	run(temp.store, 1);

	cr_expect(not(file_linger_has(temp.store, inode.ino)));
	cr_expect(eq(u64, files_head(temp.store, inode.bucket, "f").size, 9));
	faults_disarm(faults);
}

Test(file_linger, what_went_meanwhile_is_in_no_list)
{
	scoped(temp_store_close) struct temp_store temp = open_quiet();
	struct file *file = open_published(temp.store);
	struct inode inode, gone;

	cr_assert(zero(int,
		tree_inode(temp.store, file_ino(file), NULL, &inode)));
	file_let_linger(file);
	files_close(&file, O_RDWR);
	cr_assert(zero(int,
		tree_unlink(temp.store, inode.bucket, SLICE("f"), &gone)));
	run(temp.store, ROUNDS);
	files_make(temp.store, inode.bucket, "another", "");

	cr_expect(eq(u32, flags_in_list(temp.store, inode.ino), UINT32_MAX));
}

/* Of a bucket that keeps versions: opened for writing and not written to;
 * what a map would be by then has its data. */
static struct file *
open_copy(struct store *store, struct inode *inode, int *map)
{
	uint64_t bucket = objects_bucket(store, "bucket");

	cr_assert(zero(int, versioning_set(store, bucket, VERSIONING_ENABLED)));
	uint64_t ino = files_make(store, bucket, "f", "text");

	run(store, ROUNDS);
	*inode = files_head(store, bucket, "f");
	inode->attrs = SLICE_NULL;
	struct file *file = files_open(store, ino, O_RDWR);
	cr_assert(zero(int,
		blob_open(store->blobs, file_blob(file), O_RDWR, map)));
	file_let_linger(file);
	return file;
}

static bool
is_as_it_was(struct store *store, const struct inode *was)
{
	struct inode now = files_head(store, was->bucket, "f");

	return inode_etag_equal(&now.etag, &was->etag) &&
	       now.mtime_ns == was->mtime_ns && now.size == was->size &&
	       !now.pending && !(now.flags & INODE_DIRTY);
}

Test(file_linger, what_a_map_stores_in_a_copy_becomes_a_version)
{
	struct versions it = {.temp = open_quiet()};
	struct inode was;
	int map;

	it.store = it.temp.store;
	struct file *file = open_copy(it.store, &was, &map);
	it.bucket = was.bucket;
	files_close(&file, O_RDWR);
	run(it.store, ROUNDS + 3);
	cr_expect(versions_lists(&it, "f=text*"));
	cr_assert(eq(i64, pwrite(map, "more text", 9, 0), 9));
	run(it.store, 1);
	cr_expect(versions_lists(&it, "f=more text* f=text"));
	cr_assert(eq(i64, pwrite(map, "even more", 9, 0), 9));
	close(map);
	run(it.store, ROUNDS);

	cr_expect(versions_lists(&it, "f=even more* f=text"));
	cr_expect(not(file_linger_has(it.store, was.ino)));
	cr_expect(zero(u64, file_count(it.store)));
	versions_end(&it);
}

Test(file_linger, a_copy_that_nobody_can_write_to_any_more_goes)
{
	struct versions it = {.temp = open_quiet()};
	struct inode was;
	int map;

	it.store = it.temp.store;
	struct file *file = open_copy(it.store, &was, &map);
	files_close(&file, O_RDWR);
	run(it.store, ROUNDS);
	cr_expect(eq(u64, file_count(it.store), 1));
	close(map);
	run(it.store, 1);

	cr_expect(zero(u64, file_count(it.store)));
	cr_expect(eq(u32, flags_in_list(it.store, was.ino), UINT32_MAX));
	cr_expect(is_as_it_was(it.store, &was));
	versions_end(&it);
}

Test(file_linger, who_opens_a_copy_that_is_kept_publishes_it_with_his_close)
{
	struct versions it = {.temp = open_quiet()};
	struct inode was;
	int map;

	it.store = it.temp.store;
	struct file *file = open_copy(it.store, &was, &map);
	it.bucket = was.bucket;
	close(map);
	files_close(&file, O_RDWR);
	file = files_open(it.store, was.ino, O_RDWR);
	files_put(file, "news");
	cr_assert(zero(int, file_flush(file)));
	cr_expect(versions_lists(&it, "f=news* f=text"));
	files_close(&file, O_RDWR);
	run(it.store, ROUNDS);

	cr_expect(versions_lists(&it, "f=news* f=text"));
	cr_expect(zero(u64, file_count(it.store)));
	versions_end(&it);
}

Test(file_linger, a_copy_that_is_kept_goes_with_the_store)
{
	struct temp_store temp = open_quiet();
	struct inode was;
	int map;

	struct file *file = open_copy(temp.store, &was, &map);
	close(map);
	files_close(&file, O_RDWR);
	temp_store_reopen(&temp);

	cr_expect(is_as_it_was(temp.store, &was));
	temp_store_close(&temp);
}

/* touch(1) opens it for writing and writes nothing. */
Test(file_linger, a_time_that_is_set_in_a_copy_stays)
{
	struct versions it = {.temp = open_quiet()};
	struct inode was;
	int map;

	it.store = it.temp.store;
	struct file *file = open_copy(it.store, &was, &map);
	close(map);
	files_set_mtime(it.store, was.ino, 7);
	files_close(&file, O_RDWR);
	run(it.store, ROUNDS + 3);
	was.mtime_ns = 7;

	cr_expect(is_as_it_was(it.store, &was));
	versions_end(&it);
}
