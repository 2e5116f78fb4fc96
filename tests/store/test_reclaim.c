/* SPDX-License-Identifier: Apache-2.0 */
#include "store/reclaim_private.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/blob_record_private.h"
#include "store/commit_private.h"
#include "store/data/blob_spare.h"
#include "store/feed_private.h"
#include "store/meta/key.h"
#include "store/session_private.h"
#include "tests/support/temp_store.h"

/* The thread is stopped: a test says itself when to reclaim. */
static struct temp_store
open_quiet(void)
{
	struct temp_store temp = temp_store_open();

	reclaim_stop(temp.store);
	return temp;
}

static bool
has_file(struct store *store, uint64_t blob)
{
	struct stat st;

	return blob_stat(store->blobs, blob, &st) == STORE_OK;
}

static enum store_err
apply_add(struct store *store, struct db_txn *txn, void *arg)
{
	return blob_record_add(store, txn, *(uint64_t *)arg, 0);
}

static enum store_err
apply_drop(struct store *store, struct db_txn *txn, void *arg)
{
	(void)store;
	return blob_record_drop(txn, *(uint64_t *)arg);
}

static uint64_t
add_blob(struct store *store)
{
	uint64_t blob;
	int fd;

	cr_assert(zero(int, session_lease_blob(store, &blob)));
	cr_assert(zero(int, blob_create(store->blobs, blob, &fd)));
	close(fd);
	cr_assert(zero(int, commit_run(store, apply_add, &blob, NULL)));
	return blob;
}

static uint64_t
freed(struct store *store)
{
	struct store_status status;

	cr_assert(zero(int, store_status(store, &status)));
	return status.freed_blobs;
}

Test(reclaim, waits_for_the_checkpoint_that_covers_the_end_of_the_name)
{
	scoped(temp_store_close) struct temp_store temp = open_quiet();
	struct store *store = temp.store;
	uint64_t blob = add_blob(store);
	uint64_t commit;

	cr_assert(zero(int, store_sync(store)));
	cr_assert(zero(int, commit_run(store, apply_drop, &blob, &commit)));
	/* Unless the background made that checkpoint just now. */
	cr_assert(zero(int, reclaim_run(store)));
	if (feed_checkpoint(store) < commit)
		cr_expect(has_file(store, blob));

	cr_assert(zero(int, store_sync(store)));
	cr_assert(zero(int, reclaim_run(store)));
	cr_expect(not(has_file(store, blob)));
	cr_expect(zero(u64, freed(store)));
}

Test(reclaim, leaves_what_still_has_a_name)
{
	scoped(temp_store_close) struct temp_store temp = open_quiet();
	struct store *store = temp.store;
	uint64_t kept = add_blob(store);
	uint64_t gone = add_blob(store);

	cr_assert(zero(int, commit_run(store, apply_drop, &gone, NULL)));
	cr_assert(zero(int, store_sync(store)));
	cr_assert(zero(int, reclaim_run(store)));

	cr_expect(has_file(store, kept));
	cr_expect(not(has_file(store, gone)));
}

static enum store_err
apply_mark_freed(struct store *store, struct db_txn *txn, void *arg)
{
	struct key key = key_u64(*(uint64_t *)arg);

	(void)store;
	return db_put(txn, DB_FREED, key_slice(&key),
		SLICE("\1\0\0\0\0\0\0\0"));
}

/* Such tables are fsck's, which would find nothing left to save. */
Test(reclaim, leaves_what_is_marked_as_freed_and_in_use)
{
	scoped(temp_store_close) struct temp_store temp = open_quiet();
	struct store *store = temp.store;
	uint64_t used = add_blob(store);
	uint64_t gone = add_blob(store);

	cr_assert(zero(int, commit_run(store, apply_mark_freed, &used, NULL)));
	cr_assert(zero(int, commit_run(store, apply_drop, &gone, NULL)));
	cr_assert(zero(int, store_sync(store)));
	cr_assert(zero(int, reclaim_run(store)));

	cr_expect(has_file(store, used));
	cr_expect(not(has_file(store, gone)));
	cr_expect(eq(u64, freed(store), 1));
}

Test(reclaim, goes_on_where_the_files_are_gone_but_not_the_records)
{
	scoped(temp_store_close) struct temp_store temp = open_quiet();
	struct store *store = temp.store;
	uint64_t blob = add_blob(store);

	cr_assert(zero(int, commit_run(store, apply_drop, &blob, NULL)));
	cr_assert(zero(int, store_sync(store)));
	cr_assert(zero(int, blob_remove(store->blobs, blob)));
	cr_assert(zero(int, reclaim_run(store)));

	cr_expect(zero(u64, freed(store)));
}

Test(reclaim, passes_over_a_file_that_cannot_be_removed)
{
	scoped(temp_store_close) struct temp_store temp = open_quiet();
	uint64_t stuck = add_blob(temp.store);
	uint64_t other = add_blob(temp.store);
	char path[128];

	snprintf(path, sizeof(path), "%s/data/0/%llx", temp.path,
		(unsigned long long)stuck);
	cr_assert(zero(int, unlink(path)));
	cr_assert(zero(int, mkdir(path, 0700)));
	cr_assert(zero(int, commit_run(temp.store, apply_drop, &stuck, NULL)));
	cr_assert(zero(int,
		commit_run_durably(temp.store, apply_drop, &other)));

	cr_expect(zero(int, reclaim_run(temp.store)));

	cr_expect(not(has_file(temp.store, other)));
	cr_expect(eq(u64, freed(temp.store), 1));
	cr_expect(zero(int, reclaim_run(temp.store)));
	cr_expect(eq(u64, freed(temp.store), 1));
}

Test(reclaim, of_more_than_one_batch_leaves_none)
{
	enum { BLOBS = 2500 };
	scoped(temp_store_close) struct temp_store temp = open_quiet();
	struct store *store = temp.store;
	static uint64_t blobs[BLOBS];

	for (int i = 0; i < BLOBS; i++)
		blobs[i] = add_blob(store);
	for (int i = 0; i < BLOBS; i++)
		cr_assert(zero(int,
			commit_run(store, apply_drop, &blobs[i], NULL)));
	cr_assert(zero(int, store_sync(store)));
	cr_assert(zero(int, reclaim_run(store)));

	cr_expect(zero(u64, freed(store)));
	for (int i = 0; i < BLOBS; i++)
		cr_expect(not(has_file(store, blobs[i])));
}

Test(reclaim, begins_no_batch_once_the_deadline_has_come)
{
	scoped(temp_store_close) struct temp_store temp = open_quiet();
	struct store *store = temp.store;
	uint64_t blob = add_blob(store);
	bool is_left = true;

	cr_expect(zero(int, reclaim_run_until(store, 0, 0, &is_left)));
	cr_expect(not(is_left), "there is nothing to do");
	cr_assert(zero(int, commit_run_durably(store, apply_drop, &blob)));

	cr_expect(zero(int, reclaim_run_until(store, 0, 0, &is_left)));
	cr_expect(is_left);
	cr_expect(eq(u64, freed(store), 1));
	cr_expect(has_file(store, blob));
	cr_expect(zero(int, reclaim_run_until(store, 0, INT64_MAX, &is_left)));
	cr_expect(not(is_left));
	cr_expect(zero(u64, freed(store)));
}

static ino_t
file_of(struct store *store, uint64_t blob)
{
	struct stat st;

	cr_assert(zero(int, blob_stat(store->blobs, blob, &st)));
	return st.st_ino;
}

Test(reclaim, leaves_the_file_to_the_next_blob)
{
	scoped(temp_store_close) struct temp_store temp = open_quiet();
	struct store *store = temp.store;
	uint64_t blob = add_blob(store);
	ino_t file = file_of(store, blob);

	cr_assert(zero(int, commit_run_durably(store, apply_drop, &blob)));
	cr_assert(zero(int, reclaim_run(store)));

	cr_expect(zero(u64, freed(store)));
	cr_expect(eq(ulong, file_of(store, add_blob(store)), file));
}

Test(reclaim, leaves_no_file_that_a_power_cut_may_bring_back)
{
	scoped(temp_store_close) struct temp_store temp = open_quiet();
	struct store *store = temp.store;
	uint64_t blob = add_blob(store);
	ino_t file = file_of(store, blob);
	uint64_t commit;

	cr_assert(zero(int, store_sync(store)));
	cr_assert(zero(int, commit_run(store, apply_drop, &blob, &commit)));
	cr_assert(zero(int, reclaim_run(store)));

	/* Unless the background made that checkpoint just now. */
	if (feed_checkpoint(store) < commit)
		cr_expect(ne(ulong, file_of(store, add_blob(store)), file));
}

Test(reclaim, sweeps_up_what_the_dead_were_about_to_keep)
{
	scoped(temp_store_close) struct temp_store temp = open_quiet();
	uint64_t blob = add_blob(temp.store);
	char path[128];
	bool is_aside;

	cr_assert(zero(int,
		blob_spare_set_aside(temp.store->blobs, blob, &is_aside)));
	cr_assert(is_aside);
	snprintf(path, sizeof(path), "%s/data/spare/%llx", temp.path,
		(unsigned long long)blob);
	cr_assert(zero(int, access(path, F_OK)));

	reclaim_note_death(temp.store);
	cr_assert(zero(int, reclaim_run(temp.store)));

	cr_expect(ne(int, access(path, F_OK), 0));
}
