/* SPDX-License-Identifier: Apache-2.0 */
#include "store/durable_private.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "store/base/clock.h"
#include "store/base/event.h"
#include "store/base/log.h"
#include "store/base/mutex.h"
#include "store/base/thread.h"
#include "store/feed_private.h"
#include "store/meta/checkpoint.h"
#include "store/reclaim_private.h"
#include "store/unflushed_private.h"

#define PERIOD_MS 1000
/* While others commit: how often we look how far behind our pin is. */
#define BUSY_PERIOD_MS 50
/* A pin may be that many commits behind: pages freed since stay unused. */
#define BEHIND_MAX 1024
/* Disk space that is the tables' alone: with the disk full of data the
 * commits that delete some still find room. */
#define RESERVE (16ll << 20)

struct durable {
	/* fixed after open */
	struct store *store;
	struct checkpoint *checkpoint;
	bool has_thread;
	pthread_t thread;

	/* the checkpoint thread's */
	int64_t reserved;  /* the tables' file has its blocks up to here */
	int64_t due_ms;	   /* when the next is due, if anybody committed */
	bool is_any_freed; /* as of the last one */

	/* atomic */
	_Atomic(uint64_t) own; /* the commit that our last one covers */
	atomic_bool is_behind; /* told the thread that the pin is */

	pthread_mutex_t lock;
	pthread_cond_t wake;
	/* under lock */
	struct durable_waiter *waiters;
	enum store_err flush_err; /* of durable_fail() */
	bool is_stopping;
};

/* For checkpoint_make(). */
static enum store_err
flush_data(struct db_txn *snapshot, void *context)
{
	struct durable *durable = context;
	uint64_t freed = 0;
	enum store_err err = db_count(snapshot, DB_FREED, &freed);

	durable->is_any_freed = freed > 0;
	return err ? err : unflushed_flush(durable->store, snapshot);
}

/* Where there is no room, or no such call, there is no reserve. */
static void
keep_reserve(struct durable *durable)
{
	int fd = db_fd(durable->store->db);
	struct stat st;

	if (fstat(fd, &st) || st.st_size + RESERVE / 2 < durable->reserved)
		return;
	if (fallocate(fd, FALLOC_FL_KEEP_SIZE, st.st_size, RESERVE) == 0)
		durable->reserved = st.st_size + RESERVE;
}

static void
say_failed(enum store_err why)
{
	log_error("a flush failed: %s; nothing can be written until all who "
		  "have the store open are restarted",
		error_sentence(why));
}

/* What durable_fail() asked for; or another process's, which may have ended
 * before it had written it down. */
static void
take_failure(struct durable *durable)
{
	mutex_lock(&durable->lock);
	enum store_err why = durable->flush_err;
	durable->flush_err = STORE_OK;
	mutex_unlock(&durable->lock);
	if (why)
		say_failed(why);
	else if (feed_has_failed(durable->store))
		why = STORE_IO;
	if (why)
		checkpoint_fail(durable->checkpoint, why);
}

static enum store_err
make(struct durable *durable)
{
	struct store *store = durable->store;
	uint64_t number = 0;

	take_failure(durable);
	enum store_err err = durable_has_failed(store) ? STORE_IO : STORE_OK;
	if (err)
		return err;
	err = checkpoint_make(durable->checkpoint, flush_data, durable,
		&number);
	if (err && !checkpoint_has_failed(durable->checkpoint)) {
		log_error("no checkpoint could be begun: %s",
			error_sentence(err));
		durable->due_ms = clock_monotonic_ms() + PERIOD_MS;
		return err;
	}
	if (err) {
		say_failed(err);
		feed_set_failed(store);
		return STORE_IO;
	}
	atomic_store(&durable->own, number);
	atomic_store(&durable->is_behind, false);
	durable->due_ms = clock_monotonic_ms() + PERIOD_MS;
	feed_set_checkpoint(store, number);
	keep_reserve(durable);
	unflushed_note_checkpoint(store);
	return STORE_OK;
}

static void
answer_waiters(struct durable *durable, enum store_err err)
{
	uint64_t covered = feed_checkpoint(durable->store);
	struct durable_waiter *answered = NULL;

	mutex_lock(&durable->lock);
	struct durable_waiter **link = &durable->waiters;
	while (*link) {
		struct durable_waiter *waiter = *link;

		if (waiter->commit > covered && !err) {
			link = &waiter->next;
			continue;
		}
		*link = waiter->next;
		waiter->err = waiter->commit > covered ? err : STORE_OK;
		waiter->next = answered;
		answered = waiter;
	}
	mutex_unlock(&durable->lock);
	while (answered) {
		struct durable_waiter *waiter = answered;

		answered = waiter->next;
		event_set(waiter->done);
	}
}

static uint64_t
commits_behind(struct durable *durable)
{
	uint64_t last = db_last_commit(durable->store->db);
	uint64_t own = atomic_load(&durable->own);

	return last > own ? last - own : 0;
}

/* Waits for somebody who waits, for many commits, or for the period's end.
 * *wanted: the commit to cover, 0 where nobody waits.  False: it is over. */
static bool
wait_for_work(struct durable *durable, uint64_t *wanted)
{
	int64_t period_ms =
		commits_behind(durable) ? BUSY_PERIOD_MS : PERIOD_MS;
	int64_t deadline_ms = clock_monotonic_ms() + period_ms;
	mutex_scoped(&durable->lock);

	while (!durable->waiters && !durable->is_stopping &&
		!atomic_load(&durable->is_behind) &&
		thread_wait_locked(&durable->wake, &durable->lock, deadline_ms))
		;
	*wanted = 0;
	for (struct durable_waiter *w = durable->waiters; w; w = w->next)
		*wanted = w->commit > *wanted ? w->commit : *wanted;
	return *wanted || !durable->is_stopping;
}

/* Invariant 1, where nobody waits. */
static bool
is_due(struct durable *durable, uint64_t wanted)
{
	if (wanted)
		return wanted > feed_checkpoint(durable->store);
	uint64_t behind = commits_behind(durable);
	return behind >= BEHIND_MAX ||
	       (behind > 0 && clock_monotonic_ms() >= durable->due_ms);
}

static void
thread_run(void *arg)
{
	struct durable *durable = arg;
	uint64_t wanted;

	while (wait_for_work(durable, &wanted)) {
		bool makes_one = is_due(durable, wanted);
		enum store_err err = makes_one ? make(durable) : STORE_OK;

		/* After a failure there is none to be had. */
		atomic_store(&durable->is_behind, false);
		answer_waiters(durable, err);
		if (makes_one && !err && durable->is_any_freed)
			reclaim_wake(durable->store);
	}
}

void
durable_note_commit(struct store *store, uint64_t commit)
{
	struct durable *durable = store->durable;

	if (commit < atomic_load(&durable->own) + BEHIND_MAX ||
		atomic_exchange(&durable->is_behind, true))
		return;
	/* Under the lock, or it comes between the look and the wait. */
	mutex_scoped(&durable->lock);
	pthread_cond_signal(&durable->wake);
}

/* flush_err: what the thread is to know of, too. */
static void
wake_thread(struct durable *durable, struct durable_waiter *list,
	enum store_err flush_err)
{
	struct durable_waiter **end = &list;

	while (*end)
		end = &(*end)->next;
	mutex_lock(&durable->lock);
	*end = durable->waiters;
	durable->waiters = list;
	if (flush_err)
		durable->flush_err = flush_err;
	mutex_unlock(&durable->lock);
	/* Without the lock, or it would wake up only to wait for that. */
	pthread_cond_signal(&durable->wake);
}

void
durable_await(struct store *store, struct durable_waiter *list)
{
	wake_thread(store->durable, list, STORE_OK);
}

enum store_err
durable_wait(struct store *store, uint64_t commit)
{
	struct event done = EVENT_INIT;
	struct durable_waiter waiter = {.commit = commit, .done = &done};

	if (store->is_read_only)
		return STORE_READ_ONLY;
	if (feed_checkpoint(store) >= commit)
		return STORE_OK;
	durable_await(store, &waiter);
	event_wait(&done);
	return waiter.err;
}

enum store_err
durable_fail(struct store *store, enum store_err why)
{
	struct event done = EVENT_INIT;
	/* No checkpoint covers it: the failure will be its answer. */
	struct durable_waiter waiter = {.commit = UINT64_MAX, .done = &done};

	if (store->is_read_only)
		return STORE_IO;
	/* At once: the kernel tells of it once, and whoever flushes the same
	 * file now, here or elsewhere, is told that all is well. */
	feed_set_failed(store);
	wake_thread(store->durable, &waiter, why);
	event_wait(&done);
	return STORE_IO;
}

enum store_err
durable_checkpoint(struct store *store, uint64_t *number)
{
	return checkpoint_number(store->durable->checkpoint, number);
}

bool
durable_has_failed(struct store *store)
{
	return feed_has_failed(store) || db_has_failed(store->db);
}

static enum store_err
begin(struct durable *durable)
{
	struct store *store = durable->store;
	struct store_path side = store_path(store, "meta/checkpoint");
	enum store_err err = unflushed_open(store);

	if (!err)
		err = checkpoint_open(store->db, side.text,
			&durable->checkpoint);
	if (err || store->is_read_only)
		return err;
	err = make(durable);
	if (!err)
		err = thread_start(&durable->thread, "tarn-checkpoint",
			thread_run, durable);
	durable->has_thread = !err;
	return err;
}

enum store_err
durable_open(struct store *store)
{
	struct durable *durable = calloc(1, sizeof(*durable));

	if (!durable)
		return STORE_NO_MEMORY;
	durable->store = store;
	mutex_init(&durable->lock);
	thread_init_condition(&durable->wake);
	store->durable = durable;
	return begin(durable);
}

void
durable_close(struct store *store)
{
	struct durable *durable = store->durable;

	store->durable = NULL;
	if (!durable)
		return;
	if (durable->has_thread) {
		mutex_lock(&durable->lock);
		durable->is_stopping = true;
		pthread_cond_signal(&durable->wake);
		mutex_unlock(&durable->lock);
		pthread_join(durable->thread, NULL);
		/* What fails here is in the log, and was not acknowledged. */
		if (commits_behind(durable) && make(durable))
			log_error("the last checkpoint was not made");
	}
	if (durable->checkpoint)
		checkpoint_close(&durable->checkpoint);
	pthread_cond_destroy(&durable->wake);
	mutex_destroy(&durable->lock);
	free(durable);
	unflushed_close(store);
}
