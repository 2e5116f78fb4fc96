/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/iam/clerk.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "store/base/clock.h"
#include "store/base/log.h"
#include "store/base/mutex.h"
#include "store/base/thread.h"
#include "store/token.h"

#define SETS 1024
#define WAYS 4
#define PENDING_MAX 256
#define GATHER_S 1
#define SWEEP_S 30

/* A slot holds 36 bits of a key's hash and 28 bits of the minute in which it
 * was noted. */
#define MINUTE_BITS 28
#define MINUTE_MASK ((1ull << MINUTE_BITS) - 1)

struct clerk {
	/* fixed after start */
	struct store *store;
	pthread_t thread;

	/* atomic */
	_Atomic(uint64_t) slots[SETS][WAYS];

	pthread_mutex_t lock;
	pthread_cond_t changed;
	/* under lock */
	bool is_stopping;
	char pending[PENDING_MAX][TOKEN_ACCESS_KEY_MAX + 1];
	size_t pending_count;
	int64_t used_ns; /* the newest of them */
};

/* FNV-1a: keys are noted once their signature is right, so nobody chooses
 * them. */
static uint64_t
hash_of(struct slice text)
{
	uint64_t hash = 0xcbf29ce484222325;

	for (size_t i = 0; i < text.len; i++)
		hash = (hash ^ (unsigned char)text.data[i]) * 0x100000001b3;
	return hash ^ hash >> 29;
}

/* True for the first to note it in this minute.  Where the set is full of
 * others, the one that was noted longest ago goes. */
static bool
is_new(struct clerk *clerk, struct slice access_key, int64_t now_ns)
{
	uint64_t hash = hash_of(access_key);
	uint64_t minute =
		(uint64_t)(now_ns / (60 * CLOCK_NS_PER_S)) & MINUTE_MASK;
	uint64_t wanted = (hash & ~MINUTE_MASK) | minute;
	_Atomic(uint64_t) *set = clerk->slots[hash % SETS];
	size_t oldest = 0;

	for (size_t i = 0; i < WAYS; i++) {
		uint64_t slot =
			atomic_load_explicit(&set[i], memory_order_relaxed);
		uint64_t rival = atomic_load_explicit(&set[oldest],
			memory_order_relaxed);

		if (slot == wanted)
			return false;
		if ((slot & ~MINUTE_MASK) == (wanted & ~MINUTE_MASK)) {
			oldest = i;
			break;
		}
		if ((slot & MINUTE_MASK) < (rival & MINUTE_MASK))
			oldest = i;
	}
	/* Of several at once one finds another value there. */
	return atomic_exchange(&set[oldest], wanted) != wanted;
}

void
clerk_note(struct clerk *clerk, struct slice access_key, int64_t now_ns)
{
	if (access_key.len > TOKEN_ACCESS_KEY_MAX ||
		!is_new(clerk, access_key, now_ns))
		return;

	mutex_scoped(&clerk->lock);

	/* Beyond that it is noted in the next minute. */
	if (clerk->pending_count == PENDING_MAX)
		return;

	(void)slice_to_str(access_key, clerk->pending[clerk->pending_count++],
		sizeof(clerk->pending[0]));
	clerk->used_ns = now_ns;
	pthread_cond_signal(&clerk->changed);
}

/* --- the thread ----------------------------------------------------------- */

static void
wait_locked(struct clerk *clerk, int64_t until_ms)
{
	const struct timespec until = {
		.tv_sec = until_ms / 1000,
		.tv_nsec = until_ms % 1000 * 1000000,
	};

	(void)pthread_cond_timedwait(&clerk->changed, &clerk->lock, &until);
}

/* Until there is something to write, or it is time; then a little longer, for
 * more to come.  False: it stops. */
static bool
wait_for_work(struct clerk *clerk, int64_t until_ms)
{
	mutex_scoped(&clerk->lock);

	while (!clerk->is_stopping && clerk->pending_count == 0 &&
		clock_monotonic_ms() < until_ms)
		wait_locked(clerk, until_ms);
	if (clerk->pending_count > 0)
		until_ms = clock_monotonic_ms() + GATHER_S * 1000;
	while (!clerk->is_stopping && clock_monotonic_ms() < until_ms)
		wait_locked(clerk, until_ms);
	return !clerk->is_stopping;
}

static void
write_pending(struct clerk *clerk,
	char keys[PENDING_MAX][TOKEN_ACCESS_KEY_MAX + 1])
{
	struct slice slices[PENDING_MAX];
	int64_t used_ns;
	size_t count;

	{
		mutex_scoped(&clerk->lock);
		count = clerk->pending_count;
		used_ns = clerk->used_ns;
		memcpy(keys, clerk->pending, sizeof(clerk->pending));
		clerk->pending_count = 0;
	}
	if (count == 0)
		return;
	for (size_t i = 0; i < count; i++)
		slices[i] = slice_str(keys[i]);

	enum store_err err =
		token_use_note(clerk->store, slices, count, used_ns);

	if (err)
		log_warn("the last use of keys is not noted: %s",
			error_sentence(err));
}

static void
sweep(struct clerk *clerk)
{
	bool more = true;
	enum store_err err = STORE_OK;

	while (more && !err)
		err = token_expiry_sweep(clerk->store, clock_now_ns(), &more);
	if (err)
		log_warn("expired keys are not swept: %s", error_sentence(err));
}

static void
run(void *arg)
{
	struct clerk *clerk = arg;
	char(*keys)[TOKEN_ACCESS_KEY_MAX + 1] =
		calloc(PENDING_MAX, sizeof(*keys));
	int64_t sweep_at_ms = clock_monotonic_ms();

	if (!keys)
		error_out_of_memory();
	do {
		if (clock_monotonic_ms() >= sweep_at_ms) {
			sweep(clerk);
			sweep_at_ms = clock_monotonic_ms() + SWEEP_S * 1000;
		}
		write_pending(clerk, keys);
	} while (wait_for_work(clerk, sweep_at_ms));
	write_pending(clerk, keys);
	free(keys);
}

static void
free_clerk(struct clerk *clerk)
{
	pthread_cond_destroy(&clerk->changed);
	mutex_destroy(&clerk->lock);
	free(clerk);
}

enum store_err
clerk_start(struct store *store, struct clerk **out)
{
	struct clerk *clerk = calloc(1, sizeof(*clerk));

	if (!clerk)
		return STORE_NO_MEMORY;
	clerk->store = store;
	mutex_init(&clerk->lock);
	thread_init_condition(&clerk->changed);
	enum store_err err =
		thread_start(&clerk->thread, "tarn-clerk", run, clerk);
	if (err) {
		free_clerk(clerk);
		return err;
	}
	*out = clerk;
	return STORE_OK;
}

void
clerk_stop(struct clerk **ptr)
{
	struct clerk *clerk = *ptr;

	*ptr = NULL;
	if (!clerk)
		return;
	{
		mutex_scoped(&clerk->lock);
		clerk->is_stopping = true;
		pthread_cond_signal(&clerk->changed);
	}
	pthread_join(clerk->thread, NULL);
	free_clerk(clerk);
}
