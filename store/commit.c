/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 1. The queue is empty while nobody leads.
 * 2. Whoever leads has its own change at the head of the queue, or is the
 *    commit thread.  So a leader is never kept longer than its own batch, and
 *    passes the lead on to the first that still waits.
 * 3. Only the leader of a process is in a write transaction of it.  What
 *    session.c and feed.c keep for the running transaction is the leader's.
 * 4. A change lies on the stack of who called: after event_set() or
 *    durable_await() it is gone.
 */
#include "store/commit_private.h"

#include <assert.h>
#include <stdlib.h>

#include "store/base/event.h"
#include "store/base/fiber.h"
#include "store/base/mutex.h"
#include "store/base/thread.h"
#include "store/commit_batch_private.h"
#include "store/counter_private.h"
#include "store/durable_private.h"
#include "store/feed_private.h"
#include "store/object_event.h"

#define BATCH_MAX 256

struct committer {
	/* fixed after open */
	struct store *store;

	pthread_mutex_t lock;
	pthread_cond_t wake; /* of the commit thread */
	/* under lock */
	struct commit_change *first;
	struct commit_change **end;
	bool has_leader;
	bool thread_leads;
	bool has_thread;
	bool is_stopping;
	pthread_t thread;
};

static size_t
take_batch_locked(struct committer *committer, struct commit_change **members)
{
	size_t count = 0;

	while (committer->first && count < BATCH_MAX) {
		members[count++] = committer->first;
		committer->first = committer->first->next;
	}
	if (!committer->first)
		committer->end = &committer->first;
	return count;
}

/* Those that wait for their checkpoint are handed on to its thread as they
 * are, and not woken up only to go there. */
static void
tell_all(struct store *store, struct commit_change **members, size_t count,
	const struct commit_change *own)
{
	struct durable_waiter *waiters = NULL;

	for (size_t i = 0; i < count; i++) {
		struct commit_change *change = members[i];

		if (change == own)
			continue;
		if (!change->is_durable || change->err) {
			event_set(&change->done);
			continue;
		}
		change->waiter = (struct durable_waiter){
			.commit = change->number,
			.done = &change->done,
			.next = waiters,
		};
		waiters = &change->waiter;
	}
	if (waiters)
		durable_await(store, waiters);
}

static void
take_and_run(struct committer *committer, const struct commit_change *own)
{
	struct commit_change *members[BATCH_MAX];
	size_t count;

	mutex_lock(&committer->lock);
	count = take_batch_locked(committer, members);
	mutex_unlock(&committer->lock);
	assert(!own || (count > 0 && members[0] == own));
	commit_batch_run(committer->store, members, count);
	tell_all(committer->store, members, count, own);
}

/* Invariant 2. */
static void
pass_lead(struct committer *committer)
{
	struct commit_change *next = NULL;

	mutex_lock(&committer->lock);
	if (!committer->first) {
		committer->has_leader = false;
	} else if (committer->first->is_on_fiber) {
		committer->thread_leads = true;
		pthread_cond_signal(&committer->wake);
	} else {
		next = committer->first;
		next->must_lead = true;
	}
	mutex_unlock(&committer->lock);
	if (next)
		event_set(&next->done);
}

/* The commit thread: leads for fibers, as long as there is work. */
static void
thread_run(void *arg)
{
	struct committer *committer = arg;

	for (;;) {
		mutex_lock(&committer->lock);
		if (committer->thread_leads && !committer->first) {
			committer->thread_leads = false;
			committer->has_leader = false;
		}
		while (!committer->thread_leads && !committer->is_stopping)
			pthread_cond_wait(&committer->wake, &committer->lock);
		bool is_over = !committer->thread_leads;
		mutex_unlock(&committer->lock);
		if (is_over)
			return;
		take_and_run(committer, NULL);
	}
}

enum role { FOLLOWS, LEADS, WAKES_THREAD };

/* What the caller is to do now. */
static enum role
enqueue(struct committer *committer, struct commit_change *change)
{
	mutex_scoped(&committer->lock);

	*committer->end = change;
	committer->end = &change->next;
	if (committer->has_leader)
		return FOLLOWS;
	committer->has_leader = true;
	if (!change->is_on_fiber)
		return LEADS;
	committer->thread_leads = true;
	return WAKES_THREAD;
}

static enum store_err
start_thread(struct committer *committer)
{
	mutex_scoped(&committer->lock);

	if (committer->has_thread)
		return STORE_OK;
	enum store_err err = thread_start(&committer->thread, "tarn-commit",
		thread_run, committer);
	committer->has_thread = !err;
	return err;
}

/* Queues it, and leads where that is our turn, until it has been run, and is
 * durable where that was asked for. */
static enum store_err
run_change(struct store *store, struct commit_change *change, uint64_t *commit)
{
	struct committer *committer = store->committer;

	if (store->is_read_only)
		return STORE_READ_ONLY;
	change->origin = feed_origin();
	change->cause = object_event_cause();
	change->is_on_fiber = fiber_current() != NULL;
	event_init(&change->done);
	if (change->is_on_fiber) {
		enum store_err err = start_thread(committer);

		if (err)
			return err;
	}
	enum role role = enqueue(committer, change);
	bool leads = role == LEADS;

	/* Without the lock, or it would wake up only to wait for that. */
	if (role == WAKES_THREAD)
		pthread_cond_signal(&committer->wake);
	if (!leads) {
		event_wait(&change->done);
		leads = change->must_lead;
	}
	if (leads) {
		take_and_run(committer, change);
		pass_lead(committer);
		if (!change->err && change->is_durable)
			change->err = durable_wait(store, change->number);
	} else if (!change->err) {
		change->err = change->waiter.err;
	}
	if (!change->err && commit)
		*commit = change->number;
	return change->err;
}

enum store_err
commit_run(struct store *store,
	enum store_err (*apply)(struct store *store, struct db_txn *txn,
		void *arg),
	void *arg, uint64_t *commit)
{
	struct commit_change change = {.apply = apply, .arg = arg};

	return run_change(store, &change, commit);
}

enum store_err
commit_run_written(struct store *store,
	enum store_err (*write)(struct store *store, void *arg),
	void *write_arg,
	enum store_err (*apply)(struct store *store, struct db_txn *txn,
		void *arg),
	void *arg, uint64_t *commit)
{
	struct commit_change change = {
		.write = write,
		.write_arg = write_arg,
		.apply = apply,
		.arg = arg,
	};

	return run_change(store, &change, commit);
}

/* What S3 acknowledges. */
static enum store_err
run_acknowledgeable(struct store *store, struct commit_change *change)
{
	uint64_t commit = 0;
	enum store_err err;

	change->is_durable = true;
	err = run_change(store, change, &commit);
	if (!err)
		feed_wait_seen(store, commit);
	return err;
}

enum store_err
commit_run_durably(struct store *store,
	enum store_err (*apply)(struct store *store, struct db_txn *txn,
		void *arg),
	void *arg)
{
	struct commit_change change = {.apply = apply, .arg = arg};

	return run_acknowledgeable(store, &change);
}

enum store_err
commit_run_written_durably(struct store *store,
	enum store_err (*write)(struct store *store, void *arg),
	void *write_arg,
	enum store_err (*apply)(struct store *store, struct db_txn *txn,
		void *arg),
	void *arg)
{
	struct commit_change change = {
		.write = write,
		.write_arg = write_arg,
		.apply = apply,
		.arg = arg,
	};

	return run_acknowledgeable(store, &change);
}

enum store_err
commit_new_number(struct db_txn *txn, uint64_t *number)
{
	return counter_take(txn, COUNTER_NUMBER, 1, number);
}

enum store_err
commit_open(struct store *store)
{
	struct committer *committer = calloc(1, sizeof(*committer));

	if (!committer)
		return STORE_NO_MEMORY;
	committer->store = store;
	committer->end = &committer->first;
	mutex_init(&committer->lock);
	pthread_cond_init(&committer->wake, NULL);
	store->committer = committer;
	return STORE_OK;
}

void
commit_close(struct store *store)
{
	struct committer *committer = store->committer;

	store->committer = NULL;
	if (!committer)
		return;
	mutex_lock(&committer->lock);
	committer->is_stopping = true;
	pthread_cond_signal(&committer->wake);
	mutex_unlock(&committer->lock);
	if (committer->has_thread)
		pthread_join(committer->thread, NULL);
	pthread_cond_destroy(&committer->wake);
	mutex_destroy(&committer->lock);
	free(committer);
}
