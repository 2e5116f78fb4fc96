/* SPDX-License-Identifier: Apache-2.0 */
#include "store/base/ticker.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "store/base/clock.h"
#include "store/base/mutex.h"
#include "store/base/thread.h"

struct ticker {
	struct ticker_options options; /* fixed */
	pthread_t thread;

	atomic_bool is_stopping;
	pthread_mutex_t lock;
	pthread_cond_t wake;
};

bool
ticker_is_stopping(const struct ticker *ticker)
{
	return atomic_load(&ticker->is_stopping);
}

/* False: it is over. */
static bool
wait_for_turn(struct ticker *ticker, uint64_t ms)
{
	int64_t deadline_ms = clock_monotonic_ms() + (int64_t)ms;
	mutex_scoped(&ticker->lock);

	while (!ticker_is_stopping(ticker) &&
		thread_wait_locked(&ticker->wake, &ticker->lock, deadline_ms))
		;
	return !ticker_is_stopping(ticker);
}

static void
run(void *arg)
{
	struct ticker *ticker = arg;
	const struct ticker_options *options = &ticker->options;

	for (bool is_on = !options->first_ms ||
			  wait_for_turn(ticker, options->first_ms);
		is_on; is_on = wait_for_turn(ticker, options->then_ms))
		options->tick(ticker, options->context);
}

static void
free_ticker(struct ticker *ticker)
{
	pthread_cond_destroy(&ticker->wake);
	mutex_destroy(&ticker->lock);
	free(ticker);
}

enum store_err
ticker_start(const struct ticker_options *options, struct ticker **out)
{
	struct ticker *ticker = calloc(1, sizeof(*ticker));

	if (!ticker)
		return STORE_NO_MEMORY;
	ticker->options = *options;
	mutex_init(&ticker->lock);
	thread_init_condition(&ticker->wake);
	*out = ticker;
	enum store_err err =
		thread_start(&ticker->thread, options->name, run, ticker);
	if (err) {
		*out = NULL;
		free_ticker(ticker);
	}
	return err;
}

void
ticker_stop(struct ticker **ticker_at)
{
	struct ticker *ticker = *ticker_at;

	if (!ticker)
		return;
	mutex_lock(&ticker->lock);
	atomic_store(&ticker->is_stopping, true);
	pthread_cond_signal(&ticker->wake);
	mutex_unlock(&ticker->lock);
	pthread_join(ticker->thread, NULL);
	/* Until then the tick may ask by way of it. */
	*ticker_at = NULL;
	free_ticker(ticker);
}
