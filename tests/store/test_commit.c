/* SPDX-License-Identifier: Apache-2.0 */
#include "store/blob_record_private.h"
#include "store/commit_private.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/base/buffer.h"
#include "store/base/event.h"
#include "store/base/loop.h"
#include "store/durable_private.h"
#include "store/meta/key.h"
#include "store/meta/record.h"
#include "store/session_private.h"
#include "tests/store/descriptors.h"
#include "tests/support/temp_store.h"

/* A change that puts one row under (owner, number) and then may fail. */
struct row {
	uint64_t number;
	size_t len;
	enum store_err fails_before;
	enum store_err fails_after;
	unsigned int runs;
};

static enum store_err
apply_row(struct store *store, struct db_txn *txn, void *arg)
{
	struct row *row = arg;
	struct key key = key_u64(row->number);
	scoped(buffer_free) struct buffer value = {0};

	(void)store;
	row->runs++;
	if (row->fails_before)
		return row->fails_before;
	for (size_t i = 0; i < row->len; i++)
		buffer_append_char(&value, 'x');
	enum store_err err =
		db_put(txn, DB_DOCUMENT, key_slice(&key), buffer_slice(&value));
	return err ? err : row->fails_after;
}

static bool
has_row(struct store *store, enum db_table table, uint64_t number)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	struct key key = key_u64(number);
	struct slice value;

	cr_assert(zero(int, db_begin_read(store->db, &txn)));
	return db_get(txn, table, key_slice(&key), &value) == STORE_OK;
}

Test(commit, makes_a_change_visible_and_tells_its_number)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	struct row row = {.number = 1};
	uint64_t commit = 0;

	cr_assert(zero(int, commit_run(temp.store, apply_row, &row, &commit)));

	cr_expect(has_row(temp.store, DB_DOCUMENT, 1));
	cr_expect(eq(u64, commit, db_last_commit(temp.store->db)));
	cr_expect(eq(u32, row.runs, 1));
}

Test(commit, of_a_change_that_fails_leaves_nothing)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	struct row before = {.number = 1, .fails_before = STORE_EXISTS};
	struct row after = {.number = 2, .fails_after = STORE_NOT_EMPTY};
	uint64_t last = db_last_commit(temp.store->db);

	cr_expect(eq(int, commit_run(temp.store, apply_row, &before, NULL),
		STORE_EXISTS));
	cr_expect(eq(int, commit_run(temp.store, apply_row, &after, NULL),
		STORE_NOT_EMPTY));

	cr_expect(not(has_row(temp.store, DB_DOCUMENT, 2)));
	cr_expect(eq(u64, db_last_commit(temp.store->db), last));
}

/* Holds the lead until `members` others stand in the queue behind it. */
struct gate {
	struct event entered;
	struct event open;
};

static enum store_err
apply_gate(struct store *store, struct db_txn *txn, void *arg)
{
	struct gate *gate = arg;

	(void)store;
	(void)txn;
	event_set(&gate->entered);
	event_wait(&gate->open);
	return STORE_OK;
}

struct caller {
	pthread_t thread;
	struct store *store;
	void *arg;
	enum store_err (*apply)(struct store *store, struct db_txn *txn,
		void *arg);
	enum store_err err;
	uint64_t commit;
	bool is_durable;
};

static void *
call(void *arg)
{
	struct caller *caller = arg;

	caller->err = commit_run(caller->store, caller->apply, caller->arg,
		&caller->commit);
	if (!caller->err && caller->is_durable)
		caller->err = durable_wait(caller->store, caller->commit);
	return NULL;
}

static void
start(struct caller *caller)
{
	cr_assert(zero(int,
		pthread_create(&caller->thread, NULL, call, caller)));
}

Test(commit, runs_again_those_whose_transaction_another_one_spoiled)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	struct gate gate = {0};
	struct caller leader = {
		.store = temp.store,
		.apply = apply_gate,
		.arg = &gate,
	};
	struct row rows[8];
	struct caller callers[8];

	start(&leader);
	event_wait(&gate.entered);
	for (unsigned int i = 0; i < 8; i++) {
		rows[i] = (struct row){.number = i};
		if (i == 4)
			rows[i].fails_after = STORE_NOT_EMPTY;
		if (i == 5)
			rows[i].fails_before = STORE_EXISTS;
		callers[i] = (struct caller){
			.store = temp.store,
			.apply = apply_row,
			.arg = &rows[i],
		};
		start(&callers[i]);
	}
	event_set(&gate.open);
	pthread_join(leader.thread, NULL);
	for (unsigned int i = 0; i < 8; i++)
		pthread_join(callers[i].thread, NULL);

	for (unsigned int i = 0; i < 8; i++) {
		enum store_err wanted = i == 4	 ? STORE_NOT_EMPTY
					: i == 5 ? STORE_EXISTS
						 : STORE_OK;

		cr_expect(eq(int, callers[i].err, wanted));
		cr_expect(eq(int, has_row(temp.store, DB_DOCUMENT, i),
			wanted == STORE_OK));
	}
}

Test(commit, gives_each_of_many_threads_its_own_result)
{
	enum { THREADS = 16, ROUNDS = 50 };
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	static struct row rows[THREADS];
	static struct caller callers[THREADS];

	for (unsigned int round = 0; round < ROUNDS; round++) {
		for (unsigned int i = 0; i < THREADS; i++) {
			rows[i] = (struct row){
				.number = round * THREADS + i,
				.fails_after = i % 3 ? STORE_OK : STORE_LOOP,
			};
			callers[i] = (struct caller){
				.store = temp.store,
				.apply = apply_row,
				.arg = &rows[i],
			};
			start(&callers[i]);
		}
		for (unsigned int i = 0; i < THREADS; i++) {
			pthread_join(callers[i].thread, NULL);
			cr_expect(eq(int, callers[i].err,
				i % 3 ? STORE_OK : STORE_LOOP));
			cr_expect(eq(int,
				has_row(temp.store, DB_DOCUMENT,
					rows[i].number),
				i % 3 != 0));
		}
	}
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
	struct row row = {.number = fibers->started++};

	if (commit_run_durably(fibers->store, apply_row, &row))
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
		cr_expect(has_row(temp.store, DB_DOCUMENT, i));
}

Test(commit, is_durable_when_the_wait_returns)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	struct row row = {.number = 1};
	struct store_status status;
	uint64_t commit;

	cr_assert(zero(int, commit_run(temp.store, apply_row, &row, &commit)));
	cr_assert(zero(int, durable_wait(temp.store, commit)));

	cr_assert(zero(int, store_status(temp.store, &status)));
	cr_expect(ge(u64, status.last_checkpoint, commit));
}

Test(commit, by_many_who_wait_is_durable_for_each)
{
	enum { THREADS = 32 };
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	static struct row rows[THREADS];
	static struct caller callers[THREADS];
	struct store_status status;

	for (unsigned int i = 0; i < THREADS; i++) {
		rows[i] = (struct row){.number = i};
		callers[i] = (struct caller){
			.store = temp.store,
			.apply = apply_row,
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

Test(commit, that_does_not_fit_is_refused_and_others_go_on)
{
	scoped(temp_store_close) struct temp_store temp =
			temp_store_open_small(4ull << 20);
	struct row small = {.number = 1, .len = 100};
	struct row huge = {.number = 2, .len = 8u << 20};

	cr_expect(eq(int, commit_run(temp.store, apply_row, &huge, NULL),
		STORE_NO_SPACE));
	cr_expect(zero(int, commit_run(temp.store, apply_row, &small, NULL)));

	cr_expect(has_row(temp.store, DB_DOCUMENT, 1));
	cr_expect(not(has_row(temp.store, DB_DOCUMENT, 2)));
}

static enum store_err
apply_blob(struct store *store, struct db_txn *txn, void *arg)
{
	const uint64_t *blob = arg;

	return blob_record_add(store, txn, *blob, 5);
}

static void
add_blob(struct store *store, uint64_t blob)
{
	cr_assert(zero(int, commit_run(store, apply_blob, &blob, NULL)));
}

Test(commit, takes_out_unflushed_records_once_a_checkpoint_has_them)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	struct row row = {.number = 1};
	uint64_t blob;
	int fd;

	cr_assert(zero(int, session_lease_blob(temp.store, &blob)));
	cr_assert(zero(int, blob_create(temp.store->blobs, blob, &fd)));
	close(fd);
	add_blob(temp.store, blob);
	cr_expect(has_row(temp.store, DB_UNFLUSHED, blob));

	cr_assert(zero(int, store_sync(temp.store)));
	cr_assert(zero(int, commit_run(temp.store, apply_row, &row, NULL)));

	cr_expect(not(has_row(temp.store, DB_UNFLUSHED, blob)));
}

static enum store_err
apply_unflushed(struct store *store, struct db_txn *txn, void *arg)
{
	(void)store;
	return blob_record_mark_unflushed(txn, *(const uint64_t *)arg);
}

Test(commit, keeps_an_unflushed_record_that_was_put_there_again)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t blob;

	cr_assert(zero(int, session_lease_blob(temp.store, &blob)));
	add_blob(temp.store, blob);
	cr_assert(zero(int, store_sync(temp.store)));
	/* The very commit that cleans puts it there anew. */
	cr_assert(zero(int,
		commit_run(temp.store, apply_unflushed, &blob, NULL)));

	cr_expect(has_row(temp.store, DB_UNFLUSHED, blob));
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
	struct row before = {.number = 1};
	struct row lost = {.number = 2};
	struct row after = {.number = 3};
	struct store_status status;
	uint64_t blob;
	int fd;

	cr_assert(zero(int, session_lease_blob(temp.store, &blob)));
	cr_assert(zero(int, blob_create(temp.store->blobs, blob, &fd)));
	close(fd);
	add_blob(temp.store, blob);
	cr_assert(zero(int,
		commit_run_durably(temp.store, apply_row, &before)));
	break_data(&temp, blob, &fd);
	cr_assert(zero(int, commit_run(temp.store, apply_row, &lost, NULL)));
	/* The background may have found out first. */
	enum store_err err =
		commit_run(temp.store, apply_unflushed, &blob, NULL);
	cr_expect(err == STORE_OK || err == STORE_IO);

	cr_expect(eq(int, store_sync(temp.store), STORE_IO));
	cr_expect(eq(int, commit_run(temp.store, apply_row, &after, NULL),
		STORE_IO));
	cr_expect(eq(int, store_sync(temp.store), STORE_IO));
	cr_assert(zero(int, store_status(temp.store, &status)));
	cr_expect(status.has_failed);
	cr_expect(has_row(temp.store, DB_DOCUMENT, 1));

	store_close(&temp.store);
	mend_data(&temp, blob, fd);
	temp_store_reopen(&temp);
	cr_expect(has_row(temp.store, DB_DOCUMENT, 1));
	cr_expect(not(has_row(temp.store, DB_DOCUMENT, 3)));
	cr_expect(zero(int, commit_run_durably(temp.store, apply_row, &after)));
}

Test(commit, is_durable_also_where_no_descriptor_is_left)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	struct row row = {.number = 1};
	struct store_status status;
	uint64_t blob;
	int fd;

	cr_assert(zero(int, session_lease_blob(temp.store, &blob)));
	cr_assert(zero(int, blob_create(temp.store->blobs, blob, &fd)));
	close(fd);
	descriptors_take_away(true);
	add_blob(temp.store, blob);
	enum store_err err = commit_run_durably(temp.store, apply_row, &row);
	descriptors_take_away(false);

	cr_expect(zero(int, err));
	cr_assert(zero(int, store_status(temp.store, &status)));
	cr_expect(not(status.has_failed));
}

Test(commit, of_very_many_does_not_let_the_tables_grow)
{
	scoped(temp_store_close) struct temp_store temp =
			temp_store_open_small(64ull << 20);
	struct row row = {.len = 100};

	/* Each replaces some 16 KiB of pages: 160 MiB in all. */
	for (row.number = 1; row.number <= 10000; row.number++)
		cr_assert(zero(int,
			commit_run(temp.store, apply_row, &row, NULL)));
}

Test(commit, on_a_read_only_store_is_refused)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_create();
	struct row row = {.number = 1};

	temp.store = temp_store_open_at(temp.path, true);

	cr_expect(eq(int, commit_run(temp.store, apply_row, &row, NULL),
		STORE_READ_ONLY));
}
