/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "store/base/clock.h"
#include "store/base/log.h"
#include "store/base/mutex.h"
#include "store/base/thread.h"
#include "store/durable_private.h"
#include "store/meter_private.h"

/* How often it looks whether an hour has begun: clocks are set, machines
 * sleep. */
#define LOOK_MS 30000

struct meter_thread {
	/* fixed */
	struct store *store;
	pthread_t thread;

	pthread_mutex_t lock;
	pthread_cond_t wake;
	/* under lock */
	bool is_stopping;
};

/* False: it is over. */
static bool
wait_a_while(struct meter_thread *thread)
{
	int64_t deadline_ms = clock_monotonic_ms() + LOOK_MS;
	mutex_scoped(&thread->lock);

	while (!thread->is_stopping &&
		thread_wait_locked(&thread->wake, &thread->lock, deadline_ms))
		;
	return !thread->is_stopping;
}

static void
thread_run(void *arg)
{
	struct meter_thread *thread = arg;
	enum store_err said = STORE_OK;

	do {
		uint64_t hour = meter_hour(clock_now_ns());
		enum store_err err = STORE_OK;

		if (hour > 0 && !durable_has_failed(thread->store))
			err = meter_sample(thread->store, hour);
		if (err && err != said)
			log_error("buckets are not metered: %s",
				error_sentence(err));
		said = err;
	} while (wait_a_while(thread));
}

static void
free_thread(struct meter_thread *thread)
{
	pthread_cond_destroy(&thread->wake);
	mutex_destroy(&thread->lock);
	free(thread);
}

enum store_err
meter_thread_start(struct store *store)
{
	struct meter_thread *thread = calloc(1, sizeof(*thread));

	if (!thread)
		return STORE_NO_MEMORY;
	thread->store = store;
	mutex_init(&thread->lock);
	thread_init_condition(&thread->wake);
	enum store_err err =
		thread_start(&thread->thread, "tarn-meter", thread_run, thread);
	if (err) {
		free_thread(thread);
		return err;
	}
	store->meter = thread;
	return STORE_OK;
}

void
meter_thread_stop(struct store *store)
{
	struct meter_thread *thread = store->meter;

	store->meter = NULL;
	if (!thread)
		return;
	mutex_lock(&thread->lock);
	thread->is_stopping = true;
	pthread_cond_signal(&thread->wake);
	mutex_unlock(&thread->lock);
	pthread_join(thread->thread, NULL);
	free_thread(thread);
}
