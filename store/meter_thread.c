/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "store/access_day_private.h"
#include "store/base/clock.h"
#include "store/base/log.h"
#include "store/base/ticker.h"
#include "store/durable_private.h"
#include "store/meter_private.h"

/* How often it looks whether an hour has begun: clocks are set, machines
 * sleep. */
#define LOOK_MS 30000

struct meter_thread {
	struct store *store;
	enum store_err said; /* told once, not at each look */
	struct ticker *ticker;
};

/* Of a store that was made before there were tiers: once. */
static enum store_err
count_by_day(struct ticker *ticker, struct store *store, bool *more)
{
	enum store_err err;

	do {
		err = access_day_count(store, more);
	} while (*more && !ticker_is_stopping(ticker));
	return err;
}

static void
look(struct ticker *ticker, void *context)
{
	struct meter_thread *thread = context;
	uint64_t hour = meter_hour(clock_now_ns());
	enum store_err err = STORE_OK;
	bool more;

	if (hour > 0 && !durable_has_failed(thread->store)) {
		err = count_by_day(ticker, thread->store, &more);
		if (!err && !more)
			err = meter_sample(thread->store, hour);
	}
	if (err && err != thread->said)
		log_error("buckets are not metered: %s", error_sentence(err));
	thread->said = err;
}

enum store_err
meter_thread_start(struct store *store)
{
	struct meter_thread *thread = calloc(1, sizeof(*thread));

	if (!thread)
		return STORE_NO_MEMORY;
	thread->store = store;
	const struct ticker_options options = {
		.name = "tarn-meter",
		.then_ms = LOOK_MS,
		.tick = look,
		.context = thread,
	};
	enum store_err err = ticker_start(&options, &thread->ticker);

	if (err)
		free(thread);
	else
		store->meter = thread;
	return err;
}

void
meter_thread_stop(struct store *store)
{
	if (store->meter)
		ticker_stop(&store->meter->ticker);
	free(store->meter);
	store->meter = NULL;
}
