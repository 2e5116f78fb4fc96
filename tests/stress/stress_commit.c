/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads and fibers that commit, fail, wait for checkpoints and for a
 * listener, all at once, for TSan: every change that was acknowledged is
 * there, none that failed is, and each is durable when its wait returns.
 *
 *	stress_commit [changes per thread]
 */
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "store/base/clock.h"
#include "store/base/io.h"
#include "store/base/loop.h"
#include "store/base/slice.h"
#include "store/blob_record_private.h"
#include "store/commit_private.h"
#include "store/durable_private.h"
#include "store/feed_private.h"
#include "store/meta/key.h"
#include "store/session_private.h"
#include "tests/support/temp_store.h"

#define THREADS 6
#define FIBERS 32
#define PATIENCE_MS 60000

static struct store *store;
static unsigned long changes = 300;
static atomic_ulong failures;
static atomic_ulong acknowledged;
static atomic_ulong heard;

static void
expect(bool is_so)
{
	if (!is_so)
		atomic_fetch_add(&failures, 1);
}

struct change {
	uint64_t owner;
	uint64_t number;
	uint64_t blob;
	bool fails;
};

static enum store_err
apply(struct store *unused, struct db_txn *txn, void *arg)
{
	const struct change *change = arg;
	struct key key = key_u64_u64(change->owner, change->number);
	enum store_err err =
		db_put(txn, DB_DOCUMENT, key_slice(&key), SLICE("a document"));

	if (!err && change->blob)
		err = blob_record_add(unused, txn, change->blob, 0);
	if (!err)
		err = feed_append_inode(unused, txn, change->number,
			change->blob != 0);
	return !err && change->fails ? STORE_LOOP : err;
}

static bool
is_there(const struct change *change)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	struct key key = key_u64_u64(change->owner, change->number);
	struct slice value;

	return !db_begin_read(store->db, &txn) &&
	       !db_get(txn, DB_DOCUMENT, key_slice(&key), &value);
}

static void
run_change(uint64_t owner, uint64_t number)
{
	struct change change = {
		.owner = owner,
		.number = number,
		.fails = number % 7 == 3,
	};
	enum store_err wanted = change.fails ? STORE_LOOP : STORE_OK;
	uint64_t commit = 0;
	enum store_err err;

	if (number % 5 == 0)
		expect(!session_lease_blob(store, &change.blob));
	if (number % 3 == 0) {
		err = commit_run_durably(store, apply, &change);
	} else {
		err = commit_run(store, apply, &change, &commit);
		if (!err && number % 3 == 1)
			expect(!durable_wait(store, commit));
		expect(number % 3 != 1 || feed_checkpoint(store) >= commit);
	}
	expect(err == wanted);
	expect(is_there(&change) == !change.fails);
	if (change.blob && err)
		session_return_blob(store, change.blob);
	atomic_fetch_add(&acknowledged, !err);
}

static void *
run_thread(void *arg)
{
	uint64_t owner = (uint64_t)(uintptr_t)arg;

	for (unsigned long i = 0; i < changes; i++)
		run_change(owner, i);
	return NULL;
}

static void
run_fiber(void *arg)
{
	uint64_t owner = (uint64_t)(uintptr_t)arg;

	for (unsigned long i = 0; i < changes / 8; i++)
		run_change(owner, i);
}

static void *
run_loop(void *arg)
{
	struct loop *loop = NULL;
	enum store_err err = loop_create(&loop);

	(void)arg;
	assert(!err);
	for (uintptr_t i = 0; i < FIBERS; i++) {
		err = loop_spawn(loop, run_fiber, (void *)(1000 + i));
		assert(!err);
	}
	loop_stop(loop);
	loop_run(loop);
	loop_destroy(&loop);
	return NULL;
}

static void *
run_listener(void *arg)
{
	struct feed_listener *listener = arg;
	struct feed_entry entry;

	while (!feed_next(listener, &entry))
		atomic_fetch_add(&heard, 1);
	return NULL;
}

static uint64_t
count_rows(void)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	uint64_t count = 0;

	expect(!db_begin_read(store->db, &txn));
	expect(!db_count(txn, DB_DOCUMENT, &count));
	return count;
}

static void
start(pthread_t *thread, void *(*run)(void *arg), void *arg)
{
	int rc = pthread_create(thread, NULL, run, arg);

	assert(rc == 0);
}

int
main(int argc, char **argv)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	struct feed_listener *listener = NULL;
	pthread_t threads[THREADS + 2];

	if (argc > 1 && !slice_to_u64(slice_str(argv[1]), 1000000, &changes))
		return 2;
	store = temp.store;
	expect(!feed_listen(store, 0, &listener));
	int64_t begun_ms = clock_monotonic_ms();
	start(&threads[THREADS + 1], run_listener, listener);
	for (uintptr_t i = 0; i < THREADS; i++)
		start(&threads[i], run_thread, (void *)(i + 1));
	start(&threads[THREADS], run_loop, NULL);
	for (int i = 0; i <= THREADS; i++)
		pthread_join(threads[i], NULL);
	int64_t took_ms = clock_monotonic_ms() - begun_ms;
	unsigned long total = atomic_load(&acknowledged);
	/* It gives up after a second. */
	feed_wait_seen(store, db_last_commit(store->db));
	int64_t end_ms = clock_monotonic_ms() + PATIENCE_MS;
	while (atomic_load(&heard) < total && clock_monotonic_ms() < end_ms)
		io_sleep_ms(1);
	feed_wake(listener);
	pthread_join(threads[THREADS + 1], NULL);
	feed_ignore(&listener);

	printf("%lu changes in %lld ms\n", total, (long long)took_ms);
	expect(count_rows() == total);
	expect(atomic_load(&heard) == total);
	unsigned long failed = atomic_load(&failures);
	printf("%lu passed, %lu failed\n", total, failed);
	return failed != 0;
}
