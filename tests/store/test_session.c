/* SPDX-License-Identifier: Apache-2.0 */
#include "store/session_private.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/blob_record_private.h"
#include "store/commit_private.h"
#include "store/counter_private.h"
#include "store/meta/key.h"
#include "store/reclaim_private.h"
#include "tests/support/other_process.h"
#include "tests/support/temp_store.h"

static uint64_t
rows(struct store *store, enum db_table table)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	uint64_t count = 0;

	cr_assert(zero(int, db_begin_read(store->db, &txn)));
	cr_assert(zero(int, db_count(txn, table, &count)));
	return count;
}

static bool
has_file(struct store *store, uint64_t blob)
{
	struct stat st;

	return blob_stat(store->blobs, blob, &st) == STORE_OK;
}

static uint64_t
make_file(struct store *store)
{
	uint64_t blob;
	int fd;

	cr_assert(zero(int, session_lease_blob(store, &blob)));
	cr_assert(zero(int, blob_create(store->blobs, blob, &fd)));
	close(fd);
	return blob;
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
make_named_file(struct store *store)
{
	uint64_t blob = make_file(store);

	cr_assert(zero(int, commit_run(store, apply_add, &blob, NULL)));
	return blob;
}

Test(session, leases_ids_that_nobody_had_before)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t last = 0;

	for (int i = 0; i < 2 * SESSION_LEASE_BLOCK + 1; i++) {
		uint64_t blob;

		if (i == SESSION_LEASE_BLOCK)
			temp_store_reopen(&temp);
		cr_assert(zero(int, session_lease_blob(temp.store, &blob)));
		cr_assert(gt(u64, blob, last));
		last = blob;
	}
}

Test(session, ends_a_lease_when_all_its_ids_are_named_or_returned)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	struct store *store = temp.store;

	reclaim_stop(store);
	for (int i = 0; i < SESSION_LEASE_BLOCK; i++) {
		uint64_t blob;

		if (i % 2) {
			make_named_file(store);
			continue;
		}
		cr_assert(zero(int, session_lease_blob(store, &blob)));
		cr_assert(zero(int, session_end_leases(store)));
		cr_expect(eq(u64, rows(store, DB_LEASE), 1));
		session_return_blob(store, blob);
	}
	cr_assert(zero(int, session_end_leases(store)));

	cr_expect(zero(u64, rows(store, DB_LEASE)));
}

Test(session, does_not_count_an_id_as_named_by_a_commit_that_failed)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	struct store *store = temp.store;
	uint64_t blob;

	reclaim_stop(store);
	cr_assert(zero(int, session_lease_blob(store, &blob)));
	session_note_begin(store);
	session_settle_blob(store, blob);
	session_note_begin(store);
	session_note_commit(store);
	for (int i = 1; i < SESSION_LEASE_BLOCK; i++) {
		cr_assert(zero(int, session_lease_blob(store, &blob)));
		session_return_blob(store, blob);
	}
	cr_assert(zero(int, session_end_leases(store)));

	cr_expect(eq(u64, rows(store, DB_LEASE), 1));
}

Test(session, closed_leaves_no_records_and_no_unnamed_files)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t named = make_named_file(temp.store);
	uint64_t unnamed = make_file(temp.store);

	store_close(&temp.store);
	temp.store = temp_store_open_at(temp.path, true);

	cr_expect(zero(u64, rows(temp.store, DB_SESSION)));
	cr_expect(zero(u64, rows(temp.store, DB_LEASE)));
	cr_expect(has_file(temp.store, named));
	cr_expect(not(has_file(temp.store, unnamed)));
}

/* Tells of a file with a name, one without, and one freed. */
static void
leave_files(struct store *store, struct other_process *self)
{
	uint64_t freed = make_named_file(store);

	reclaim_stop(store);
	cr_assert(zero(int, store_sync(store)));
	other_process_tell(self, make_named_file(store));
	other_process_tell(self, make_file(store));
	cr_assert(zero(int, commit_run(store, apply_drop, &freed, NULL)));
	other_process_tell(self, freed);
	other_process_tell(self, session_id(store));
}

Test(session, killed_is_cleared_up_by_who_opens_the_store_next)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_create();
	struct other_process other =
		other_process_start(temp.path, leave_files);
	uint64_t named = other_process_hear(&other);
	uint64_t unnamed = other_process_hear(&other);
	uint64_t freed = other_process_hear(&other);
	uint64_t session = other_process_hear(&other);
	char lock[128];

	other_process_kill(&other);
	temp_store_reopen(&temp);
	snprintf(lock, sizeof(lock), "%s/run/%llu", temp.path,
		(unsigned long long)session);

	cr_expect(has_file(temp.store, named));
	cr_expect(not(has_file(temp.store, unnamed)));
	cr_expect(eq(u64, rows(temp.store, DB_SESSION), 1));
	cr_expect(zero(u64, rows(temp.store, DB_LEASE)));
	cr_expect(ne(int, access(lock, F_OK), 0));
	/* Freed, not leaked: reclaim's, once a checkpoint covers it. */
	cr_assert(zero(int, store_sync(temp.store)));
	cr_assert(zero(int, reclaim_run(temp.store)));
	cr_expect(not(has_file(temp.store, freed)));
}

Test(session, alive_is_left_alone)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_create();
	struct other_process other =
		other_process_start(temp.path, leave_files);
	struct store_session sessions[4];
	size_t count;
	uint64_t unnamed;

	other_process_hear(&other);
	unnamed = other_process_hear(&other);
	other_process_hear(&other);
	other_process_hear(&other);
	temp_store_reopen(&temp);
	cr_assert(zero(int, session_reap(temp.store)));

	cr_expect(has_file(temp.store, unnamed));
	cr_assert(zero(int, store_sessions(temp.store, sessions, 4, &count)));
	cr_assert(eq(sz, count, 2));
	cr_expect(sessions[0].is_alive);
	cr_expect(sessions[1].is_alive);

	other_process_kill(&other);
	cr_assert(zero(int, store_sessions(temp.store, sessions, 4, &count)));
	cr_assert(eq(sz, count, 2));
	cr_expect(not(sessions[0].is_alive));
	cr_assert(zero(int, session_reap(temp.store)));
	cr_expect(not(has_file(temp.store, unnamed)));
}

/* Many leases after the point that the power cut goes back to. */
static void
go_on_after_a_checkpoint(struct store *store, struct other_process *self)
{
	reclaim_stop(store);
	other_process_tell(self, make_named_file(store));
	other_process_tell(self, make_file(store));
	cr_assert(zero(int, store_sync(store)));
	other_process_tell(self, 0);
	other_process_pause(self);
	for (int i = 0; i < 2 * SESSION_LEASE_BLOCK; i++)
		make_named_file(store);
	other_process_tell(self, make_named_file(store));
}

static void
run_shell(const char *format, const char *path)
{
	char command[512];

	snprintf(command, sizeof(command), format, path, path, path);
	cr_assert(zero(int, system(command)));
}

/* Both meta pages torn: only the checkpoint is left. */
static void
tear_tables(const struct temp_store *temp)
{
	run_shell("dd if=/dev/zero of=%s/meta/data.mdb bs=8192 count=1 "
		  "conv=notrunc status=none",
		temp->path);
}

Test(session, after_a_power_cut_leaves_no_file_without_a_name)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_create();
	struct other_process other =
		other_process_start(temp.path, go_on_after_a_checkpoint);
	uint64_t named = other_process_hear(&other);
	uint64_t unnamed = other_process_hear(&other);
	uint64_t lost;

	/* The disk as of the checkpoint, but for the data files. */
	other_process_hear(&other);
	run_shell("cp -r %s/meta %s/saved", temp.path);
	other_process_resume(&other);
	lost = other_process_hear(&other);
	other_process_kill(&other);
	run_shell("rm -r %s/meta && mv %s/saved %s/meta", temp.path);
	tear_tables(&temp);
	temp_store_reopen(&temp);

	cr_expect(has_file(temp.store, named));
	cr_expect(not(has_file(temp.store, unnamed)));
	for (uint64_t blob = named + 1; blob <= lost; blob++)
		cr_expect(not(has_file(temp.store, blob)));
	/* The ids are given out again, and nothing is in their way. */
	for (uint64_t blob = 0; blob <= lost;
		blob = make_named_file(temp.store))
		;
}

static enum store_err
apply_set_back(struct store *store, struct db_txn *txn, void *arg)
{
	(void)store;
	(void)arg;
	return counter_set(txn, COUNTER_BLOB, 1);
}

/* A counter that is wrong is fsck's. */
Test(session, after_a_power_cut_keeps_what_a_record_names)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t named = make_named_file(temp.store);

	cr_assert(zero(int,
		commit_run(temp.store, apply_set_back, NULL, NULL)));
	store_close(&temp.store);
	tear_tables(&temp);
	temp_store_reopen(&temp);

	cr_expect(has_file(temp.store, named));
}
