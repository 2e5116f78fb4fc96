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
#include "store/counter_private.h"
#include "store/durable_private.h"
#include "store/feed_private.h"
#include "store/object_event.h"
#include "store/session_private.h"

#define BATCH_MAX 256
/* A transaction that has changed that much takes no further member. */
#define BATCH_CHANGES_MAX 10000
#define FULL_DISK (1u << 20) /* bytes that are left of one */

struct change {
	enum store_err (*write)(struct store *store, void *arg); /* or NULL */
	void *write_arg;
	enum store_err (*apply)(struct store *store, struct db_txn *txn,
		void *arg);
	void *arg;
	uint64_t origin;
	const struct object_event_cause *cause;
	bool is_on_fiber;
	bool is_durable; /* to be told of its checkpoint, not of its commit */

	/* the leader's */
	enum store_err err;
	enum store_err write_err; /* apply is not called */
	uint64_t number;
	bool is_out; /* failed after it wrote: err is final */
	bool must_lead;
	struct durable_waiter waiter;

	struct event done;
	struct change *next; /* under lock */
};

struct committer {
	/* fixed after open */
	struct store *store;

	pthread_mutex_t lock;
	pthread_cond_t wake; /* of the commit thread */
	/* under lock */
	struct change *first;
	struct change **end;
	bool has_leader;
	bool thread_leads;
	bool has_thread;
	bool is_stopping;
	pthread_t thread;
};

/* True where the transaction cannot go on after this error of a change. */
static bool
spoils(enum store_err err)
{
	return err == STORE_IO || err == STORE_CORRUPT ||
	       err == STORE_NO_SPACE || err == STORE_NO_MEMORY;
}

/* False: the transaction must be dropped, since this one spoiled it. */
static bool
apply_one(struct store *store, struct db_txn *txn, struct change *change)
{
	uint64_t before = db_txn_changes(txn);

	feed_set_origin(change->origin);
	object_event_set_cause(change->cause);
	change->err = change->apply(store, txn, change->arg);
	if (!change->err)
		return true;
	change->is_out = db_txn_changes(txn) != before || spoils(change->err);
	return !change->is_out;
}

/* Runs members up to *count, which becomes how many there was room for.
 * False: somebody is out. */
static bool
apply_all(struct store *store, struct db_txn *txn, struct change **members,
	size_t *count)
{
	for (size_t i = 0; i < *count; i++) {
		if (db_txn_changes(txn) > BATCH_CHANGES_MAX) {
			*count = i;
			return true;
		}
		if (!members[i]->is_out && !apply_one(store, txn, members[i]))
			return false;
	}
	return true;
}

/* LMDB calls a write that was cut short by a full disk an I/O error. */
static enum store_err
tell_full_from_broken(struct store *store, enum store_err err)
{
	struct statvfs space;

	if (err == STORE_IO && !blob_space(store->blobs, &space) &&
		(uint64_t)space.f_bavail * space.f_frsize < FULL_DISK)
		return STORE_NO_SPACE;
	return err;
}

/* One transaction.  *is_again: it was dropped, with what spoiled it out. */
static enum store_err
run_once(struct store *store, struct change **members, size_t *count,
	bool *with_cleaning, bool *is_again)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	enum store_err err = db_begin_write(store->db, &txn);
	uint64_t number = 0;

	*is_again = false;
	if (err)
		return err;
	session_note_begin(store);
	if (!apply_all(store, txn, members, count)) {
		*is_again = true;
		return STORE_OK;
	}
	bool is_changed = db_txn_changes(txn) > 0;
	if (is_changed && *with_cleaning &&
		(durable_clean(store, txn) || session_clean_open(store, txn))) {
		*with_cleaning = false;
		*is_again = true;
		return STORE_OK;
	}
	err = db_commit(&txn, &number);
	if (err)
		return tell_full_from_broken(store, err);
	session_note_commit(store);
	bool is_news = false;
	for (size_t i = 0; i < *count; i++) {
		members[i]->number = number;
		is_news = is_news || feed_is_news(store, members[i]->origin);
	}
	if (is_changed) {
		if (is_news)
			feed_publish(store);
		durable_note_commit(store, number);
	}
	return STORE_OK;
}

/* Runs the first members together; gives how many. */
static size_t
run_together(struct store *store, struct change **members, size_t count)
{
	bool with_cleaning = true;
	bool is_again = true;
	size_t ran = count;
	enum store_err err = STORE_OK;

	/* Each further round has one member less, or no cleaning. */
	while (is_again) {
		ran = count;
		err = run_once(store, members, &ran, &with_cleaning, &is_again);
	}
	for (size_t i = 0; i < ran && err; i++) {
		if (!members[i]->is_out)
			members[i]->err = err;
	}
	return ran;
}

/* One may be too much for the disk where others are not; and a checkpoint
 * lets LMDB use again what earlier commits have replaced. */
static void
retry_without_space(struct store *store, struct change **members, size_t count)
{
	bool has_waited = false;

	for (size_t i = 0; i < count; i++) {
		if (members[i]->err != STORE_NO_SPACE || members[i]->write_err)
			continue;
		if (!has_waited &&
			durable_wait(store, db_last_commit(store->db)))
			return;
		has_waited = true;
		members[i]->is_out = false;
		run_together(store, members + i, 1);
	}
}

/* Without the writer's lock: other processes need not wait for it.  Nothing is
 * added to a file of which the kernel may have dropped bytes: it would get a
 * hole where they were. */
static void
write_each(struct store *store, struct change **members, size_t count)
{
	if (durable_has_failed(store))
		return;
	for (size_t i = 0; i < count; i++) {
		struct change *change = members[i];

		if (!change->write)
			continue;
		change->write_err = change->write(store, change->write_arg);
		change->err = change->write_err;
		change->is_out = change->write_err != STORE_OK;
	}
}

static void
run_batch(struct store *store, struct change **members, size_t count)
{
	enum store_err refused =
		durable_has_failed(store) ? STORE_IO : STORE_OK;
	const struct object_event_cause *cause = object_event_cause();
	uint64_t origin = feed_origin();
	size_t ran;

	for (size_t i = 0; i < count; i += ran) {
		if (refused) {
			members[i]->err = refused;
			ran = 1;
			continue;
		}
		ran = run_together(store, members + i, count - i);
		retry_without_space(store, members + i, ran);
	}
	feed_set_origin(origin);
	object_event_set_cause(cause);
}

static size_t
take_batch_locked(struct committer *committer, struct change **members)
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
tell_all(struct store *store, struct change **members, size_t count,
	const struct change *own)
{
	struct durable_waiter *waiters = NULL;

	for (size_t i = 0; i < count; i++) {
		struct change *change = members[i];

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
take_and_run(struct committer *committer, const struct change *own)
{
	struct change *members[BATCH_MAX];
	size_t count;

	mutex_lock(&committer->lock);
	count = take_batch_locked(committer, members);
	mutex_unlock(&committer->lock);
	assert(!own || (count > 0 && members[0] == own));
	write_each(committer->store, members, count);
	run_batch(committer->store, members, count);
	tell_all(committer->store, members, count, own);
}

/* Invariant 2. */
static void
pass_lead(struct committer *committer)
{
	struct change *next = NULL;

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
enqueue(struct committer *committer, struct change *change)
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
run_change(struct store *store, struct change *change, uint64_t *commit)
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
	struct change change = {.apply = apply, .arg = arg};

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
	struct change change = {
		.write = write,
		.write_arg = write_arg,
		.apply = apply,
		.arg = arg,
	};

	return run_change(store, &change, commit);
}

/* What S3 acknowledges. */
static enum store_err
run_acknowledgeable(struct store *store, struct change *change)
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
	struct change change = {.apply = apply, .arg = arg};

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
	struct change change = {
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
