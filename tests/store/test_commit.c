/* SPDX-License-Identifier: Apache-2.0 */
#include "store/commit_private.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "store/base/loop.h"
#include "store/durable_private.h"
#include "store/session_private.h"
#include "tests/store/commits.h"
#include "tests/store/descriptors.h"
#include "tests/support/temp_store.h"

Test(commit, makes_a_change_visible_and_tells_its_number)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	struct commits_row row = {.number = 1};
	uint64_t commit = 0;

	cr_assert(zero(int,
		commit_run(temp.store, commits_apply_row, &row, &commit)));

	cr_expect(commits_has_row(temp.store, DB_DOCUMENT, 1));
	cr_expect(eq(u64, commit, db_last_commit(temp.store->db)));
	cr_expect(eq(u32, row.runs, 1));
}

/* Fibers of one loop, all at once. */
struct fibers {
	struct loop *loop;
	struct store *store;
	unsigned int started;
	unsigned int done;
	unsigned int failed;
};

static void
run_fiber(void *arg)
{
	struct fibers *fibers = arg;
	struct commits_row row = {.number = fibers->started++};

	if (commit_run_durably(fibers->store, commits_apply_row, &row))
		fibers->failed++;
	fibers->done++;
}

Test(commit, on_fibers_does_not_hold_up_the_loop)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	struct fibers fibers = {.store = temp.store};

	cr_assert(zero(int, loop_create(&fibers.loop)));
	for (unsigned int i = 0; i < 300; i++)
		cr_assert(zero(int,
			loop_spawn(fibers.loop, run_fiber, &fibers)));
	loop_stop(fibers.loop);
	loop_run(fibers.loop);
	loop_destroy(&fibers.loop);

	cr_expect(eq(u32, fibers.done, 300));
	cr_expect(zero(u32, fibers.failed));
	for (unsigned int i = 0; i < 300; i++)
		cr_expect(commits_has_row(temp.store, DB_DOCUMENT, i));
}

Test(commit, is_durable_when_the_wait_returns)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	struct commits_row row = {.number = 1};
	struct store_status status;
	uint64_t commit;

	cr_assert(zero(int,
		commit_run(temp.store, commits_apply_row, &row, &commit)));
	cr_assert(zero(int, durable_wait(temp.store, commit)));

	cr_assert(zero(int, store_status(temp.store, &status)));
	cr_expect(ge(u64, status.last_checkpoint, commit));
}

Test(commit, by_many_who_wait_is_durable_for_each)
{
	enum { THREADS = 32 };
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	static struct commits_row rows[THREADS];
	static struct commits_caller callers[THREADS];
	struct store_status status;

	for (unsigned int i = 0; i < THREADS; i++) {
		rows[i] = (struct commits_row){.number = i};
		callers[i] = (struct commits_caller){
			.store = temp.store,
			.apply = commits_apply_row,
			.arg = &rows[i],
			.is_durable = true,
		};
		start(&callers[i]);
	}
	for (unsigned int i = 0; i < THREADS; i++) {
		pthread_join(callers[i].thread, NULL);
		cr_expect(zero(int, callers[i].err));
	}

	cr_assert(zero(int, store_status(temp.store, &status)));
	for (unsigned int i = 0; i < THREADS; i++)
		cr_expect(ge(u64, status.last_checkpoint, callers[i].commit));
}

struct number_args {
	uint64_t number;
};

static enum store_err
apply_number(struct store *store, struct db_txn *txn, void *arg)
{
	struct number_args *args = arg;

	(void)store;
	return commit_new_number(txn, &args->number);
}

Test(commit, gives_numbers_that_were_never_given_before)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	struct number_args first, second;

	cr_assert(zero(int,
		commit_run(temp.store, apply_number, &first, NULL)));
	temp_store_reopen(&temp);
	cr_assert(zero(int,
		commit_run(temp.store, apply_number, &second, NULL)));

	cr_expect(gt(u64, first.number, 1));
	cr_expect(gt(u64, second.number, first.number));
}

/* What has taken the place of the blob's file cannot be flushed. */
static void
break_data(const struct temp_store *temp, uint64_t blob, int *pipe)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/data/0/%llx", temp->path,
		(unsigned long long)blob);
	cr_assert(zero(int, unlink(path)));
	cr_assert(zero(int, mkfifo(path, 0600)));
	/* Else whoever opens it to flush it waits for this. */
	*pipe = open(path, O_RDWR | O_CLOEXEC);
	cr_assert(ge(int, *pipe, 0));
}

static void
mend_data(const struct temp_store *temp, uint64_t blob, int pipe)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/data/0/%llx", temp->path,
		(unsigned long long)blob);
	close(pipe);
	cr_assert(zero(int, unlink(path)));
	close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
}

Test(commit, after_a_flush_that_failed_is_refused_until_the_store_is_reopened)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	struct commits_row before = {.number = 1};
	struct commits_row lost = {.number = 2};
	struct commits_row after = {.number = 3};
	struct store_status status;
	uint64_t blob;
	int fd;

	cr_assert(zero(int, session_lease_blob(temp.store, &blob)));
	cr_assert(zero(int, blob_create(temp.store->blobs, blob, &fd)));
	close(fd);
	commits_add_blob(temp.store, blob);
	cr_assert(zero(int,
		commit_run_durably(temp.store, commits_apply_row, &before)));
	break_data(&temp, blob, &fd);
	cr_assert(zero(int,
		commit_run(temp.store, commits_apply_row, &lost, NULL)));
	/* The background may have found out first. */
	enum store_err err =
		commit_run(temp.store, commits_apply_unflushed, &blob, NULL);
	cr_expect(err == STORE_OK || err == STORE_IO);

	cr_expect(eq(int, store_sync(temp.store), STORE_IO));
	cr_expect(eq(int,
		commit_run(temp.store, commits_apply_row, &after, NULL),
		STORE_IO));
	cr_expect(eq(int, store_sync(temp.store), STORE_IO));
	cr_assert(zero(int, store_status(temp.store, &status)));
	cr_expect(status.has_failed);
	cr_expect(commits_has_row(temp.store, DB_DOCUMENT, 1));

	store_close(&temp.store);
	mend_data(&temp, blob, fd);
	temp_store_reopen(&temp);
	cr_expect(commits_has_row(temp.store, DB_DOCUMENT, 1));
	cr_expect(not(commits_has_row(temp.store, DB_DOCUMENT, 3)));
	cr_expect(zero(int,
		commit_run_durably(temp.store, commits_apply_row, &after)));
}

Test(commit, is_durable_also_where_no_descriptor_is_left)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	struct commits_row row = {.number = 1};
	struct store_status status;
	uint64_t blob;
	int fd;

	cr_assert(zero(int, session_lease_blob(temp.store, &blob)));
	cr_assert(zero(int, blob_create(temp.store->blobs, blob, &fd)));
	close(fd);
	descriptors_take_away(true);
	commits_add_blob(temp.store, blob);
	enum store_err err =
		commit_run_durably(temp.store, commits_apply_row, &row);
	descriptors_take_away(false);

	cr_expect(zero(int, err));
	cr_assert(zero(int, store_status(temp.store, &status)));
	cr_expect(not(status.has_failed));
}

Test(commit, of_very_many_does_not_let_the_tables_grow)
{
	scoped(temp_store_close) struct temp_store temp =
			temp_store_open_small(64ull << 20);
	struct commits_row row = {.len = 100};

	/* Each replaces some 16 KiB of pages: 160 MiB in all. */
	for (row.number = 1; row.number <= 10000; row.number++)
		cr_assert(zero(int,
			commit_run(temp.store, commits_apply_row, &row, NULL)));
}

Test(commit, on_a_read_only_store_is_refused)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_create();
	struct commits_row row = {.number = 1};

	temp.store = temp_store_open_at(temp.path, true);

	cr_expect(eq(int, commit_run(temp.store, commits_apply_row, &row, NULL),
		STORE_READ_ONLY));
}
