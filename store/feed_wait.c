/* SPDX-License-Identifier: Apache-2.0 */
#include "store/feed_wait_private.h"

#include <stdlib.h>

#include "store/base/clock.h"
#include "store/base/event.h"
#include "store/base/mutex.h"
#include "store/base/thread.h"
#include "store/feed_state_private.h"

#define WAIT_MS 1000

struct waiter {
	uint64_t commit;
	int64_t deadline_ms;
	struct event done;
	struct waiter *next;
};

struct feed_waiters {
	/* fixed after open */
	struct shared *shared;

	pthread_mutex_t lock;
	pthread_cond_t wake;
	/* under lock */
	struct waiter *first;
	bool has_thread;
	bool is_stopping;
	pthread_t thread;
};

/* True where one that is waited for has not come so far. */
static bool
is_unseen(const struct shared_listener *listener, uint64_t commit)
{
	return atomic_load(&listener->session) != 0 &&
	       atomic_load(&listener->seen) < commit &&
	       !atomic_load(&listener->is_lagging);
}

static bool
is_seen_by_all(struct shared *shared, uint64_t commit)
{
	uint64_t listeners = atomic_load(&shared->listeners);

	for (unsigned int i = 0; i < SHARED_LISTENERS; i++) {
		if (listeners >> i & 1 &&
			is_unseen(&shared->listener[i], commit))
			return false;
	}
	return true;
}

static void
give_up_on(struct shared *shared, uint64_t commit)
{
	uint64_t listeners = atomic_load(&shared->listeners);

	for (unsigned int i = 0; i < SHARED_LISTENERS; i++) {
		struct shared_listener *listener = &shared->listener[i];

		if (listeners >> i & 1 && is_unseen(listener, commit))
			atomic_store(&listener->is_lagging, 1);
	}
}

/* Takes those out who need not wait any longer; *deadline_ms: when the next
 * one need not, or 0 where nobody is left. */
static struct waiter *
take_answered(struct feed_waiters *waiters, int64_t *deadline_ms)
{
	int64_t now_ms = clock_monotonic_ms();
	struct waiter *answered = NULL;
	mutex_scoped(&waiters->lock);
	struct waiter **link = &waiters->first;

	*deadline_ms = 0;
	while (*link) {
		struct waiter *waiter = *link;

		if (waiter->deadline_ms <= now_ms)
			give_up_on(waiters->shared, waiter->commit);
		if (!is_seen_by_all(waiters->shared, waiter->commit)) {
			if (!*deadline_ms || waiter->deadline_ms < *deadline_ms)
				*deadline_ms = waiter->deadline_ms;
			link = &waiter->next;
			continue;
		}
		*link = waiter->next;
		waiter->next = answered;
		answered = waiter;
	}
	return answered;
}

/* False: it is over. */
static bool
wait_for_waiter(struct feed_waiters *waiters)
{
	mutex_scoped(&waiters->lock);

	while (!waiters->first && !waiters->is_stopping)
		pthread_cond_wait(&waiters->wake, &waiters->lock);
	return waiters->first != NULL;
}

static void
thread_run(void *arg)
{
	struct feed_waiters *waiters = arg;
	int64_t deadline_ms;

	while (wait_for_waiter(waiters)) {
		/* Before the look: a listener that comes on after it changes
		 * the word, and the wait ends at once. */
		uint32_t seen = atomic_load(&waiters->shared->seen);
		struct waiter *waiter = take_answered(waiters, &deadline_ms);

		while (waiter) {
			struct waiter *next = waiter->next;

			event_set(&waiter->done);
			waiter = next;
		}
		int64_t left_ms = deadline_ms - clock_monotonic_ms();
		if (deadline_ms && left_ms > 0)
			shared_wait(&waiters->shared->seen, seen, left_ms);
	}
}

/* False: there is no thread to wait with. */
static bool
enqueue(struct feed_waiters *waiters, struct waiter *waiter)
{
	mutex_scoped(&waiters->lock);

	if (!waiters->has_thread) {
		if (thread_start(&waiters->thread, "tarn-feed", thread_run,
			    waiters))
			return false;
		waiters->has_thread = true;
	}
	waiter->next = waiters->first;
	waiters->first = waiter;
	pthread_cond_signal(&waiters->wake);
	return true;
}

/* False: the thread has taken it. */
static bool
withdraw(struct feed_waiters *waiters, struct waiter *waiter)
{
	mutex_scoped(&waiters->lock);
	struct waiter **link = &waiters->first;

	while (*link && *link != waiter)
		link = &(*link)->next;
	if (!*link)
		return false;
	*link = waiter->next;
	return true;
}

void
feed_wait_seen(struct store *store, uint64_t commit)
{
	struct feed_waiters *waiters = store->feed->waiters;
	struct waiter waiter = {
		.commit = commit,
		.deadline_ms = clock_monotonic_ms() + WAIT_MS,
	};

	if (feed_origin() || is_seen_by_all(waiters->shared, commit))
		return;
	event_init(&waiter.done);
	if (!enqueue(waiters, &waiter))
		return;
	/* A listener that came on before the thread knew of us woke nobody. */
	if (is_seen_by_all(waiters->shared, commit) &&
		withdraw(waiters, &waiter))
		return;
	event_wait(&waiter.done);
}

enum store_err
feed_wait_open(struct store *store)
{
	struct feed_waiters *waiters = calloc(1, sizeof(*waiters));

	if (!waiters)
		return STORE_NO_MEMORY;
	waiters->shared = store->feed->shared;
	mutex_init(&waiters->lock);
	pthread_cond_init(&waiters->wake, NULL);
	store->feed->waiters = waiters;
	return STORE_OK;
}

void
feed_wait_close(struct store *store)
{
	struct feed_waiters *waiters = store->feed->waiters;

	store->feed->waiters = NULL;
	if (!waiters)
		return;
	mutex_lock(&waiters->lock);
	waiters->is_stopping = true;
	pthread_cond_signal(&waiters->wake);
	mutex_unlock(&waiters->lock);
	if (waiters->has_thread)
		pthread_join(waiters->thread, NULL);
	pthread_cond_destroy(&waiters->wake);
	mutex_destroy(&waiters->lock);
	free(waiters);
}
