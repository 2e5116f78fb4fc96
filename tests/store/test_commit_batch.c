/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <pthread.h>

#include "store/base/event.h"
#include "store/commit_private.h"
#include "tests/store/commits.h"
#include "tests/support/temp_store.h"

Test(commit_batch, of_a_change_that_fails_leaves_nothing)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	struct commits_row before = {.number = 1, .fails_before = STORE_EXISTS};
	struct commits_row after = {
		.number = 2, .fails_after = STORE_NOT_EMPTY};
	uint64_t last = db_last_commit(temp.store->db);

	cr_expect(eq(int,
		commit_run(temp.store, commits_apply_row, &before, NULL),
		STORE_EXISTS));
	cr_expect(eq(int,
		commit_run(temp.store, commits_apply_row, &after, NULL),
		STORE_NOT_EMPTY));

	cr_expect(not(commits_has_row(temp.store, DB_DOCUMENT, 2)));
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

Test(commit_batch, runs_again_those_whose_transaction_another_one_spoiled)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	struct gate gate = {0};
	struct commits_caller leader = {
		.store = temp.store,
		.apply = apply_gate,
		.arg = &gate,
	};
	struct commits_row rows[8];
	struct commits_caller callers[8];

	start(&leader);
	event_wait(&gate.entered);
	for (unsigned int i = 0; i < 8; i++) {
		rows[i] = (struct commits_row){.number = i};
		if (i == 4)
			rows[i].fails_after = STORE_NOT_EMPTY;
		if (i == 5)
			rows[i].fails_before = STORE_EXISTS;
		callers[i] = (struct commits_caller){
			.store = temp.store,
			.apply = commits_apply_row,
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
		cr_expect(eq(int, commits_has_row(temp.store, DB_DOCUMENT, i),
			wanted == STORE_OK));
	}
}

Test(commit_batch, gives_each_of_many_threads_its_own_result)
{
	enum { THREADS = 16, ROUNDS = 50 };
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	static struct commits_row rows[THREADS];
	static struct commits_caller callers[THREADS];

	for (unsigned int round = 0; round < ROUNDS; round++) {
		for (unsigned int i = 0; i < THREADS; i++) {
			rows[i] = (struct commits_row){
				.number = round * THREADS + i,
				.fails_after = i % 3 ? STORE_OK : STORE_LOOP,
			};
			callers[i] = (struct commits_caller){
				.store = temp.store,
				.apply = commits_apply_row,
				.arg = &rows[i],
			};
			start(&callers[i]);
		}
		for (unsigned int i = 0; i < THREADS; i++) {
			pthread_join(callers[i].thread, NULL);
			cr_expect(eq(int, callers[i].err,
				i % 3 ? STORE_OK : STORE_LOOP));
			cr_expect(eq(int,
				commits_has_row(temp.store, DB_DOCUMENT,
					rows[i].number),
				i % 3 != 0));
		}
	}
}

Test(commit_batch, that_does_not_fit_is_refused_and_others_go_on)
{
	scoped(temp_store_close) struct temp_store temp =
			temp_store_open_small(4ull << 20);
	struct commits_row small = {.number = 1, .len = 100};
	struct commits_row huge = {.number = 2, .len = 8u << 20};

	cr_expect(eq(int,
		commit_run(temp.store, commits_apply_row, &huge, NULL),
		STORE_NO_SPACE));
	cr_expect(zero(int,
		commit_run(temp.store, commits_apply_row, &small, NULL)));

	cr_expect(commits_has_row(temp.store, DB_DOCUMENT, 1));
	cr_expect(not(commits_has_row(temp.store, DB_DOCUMENT, 2)));
}
