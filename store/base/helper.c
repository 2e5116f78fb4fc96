/* SPDX-License-Identifier: Apache-2.0 */
#include "store/base/helper.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "store/base/mutex.h"
#include "store/base/thread.h"

struct helper_pool {
	pthread_mutex_t lock;

	/* under lock */
	pthread_cond_t has_work;
	struct helper_job *first;
	struct helper_job **end;
	size_t waiting; /* jobs in the list */
	size_t idle;
	size_t thread_count;
	pthread_t threads[HELPER_THREADS_MAX];
	bool is_closing;
};

struct helper_pool *
helper_pool_create(void)
{
	struct helper_pool *pool = calloc(1, sizeof(*pool));
	if (!pool)
		return NULL;

	mutex_init(&pool->lock);
	int err = pthread_cond_init(&pool->has_work, NULL);
	assert(!err);
	pool->end = &pool->first;
	return pool;
}

/* NULL once the pool closes. */
static struct helper_job *
take(struct helper_pool *pool)
{
	mutex_scoped(&pool->lock);

	pool->idle++;
	while (!pool->first && !pool->is_closing)
		pthread_cond_wait(&pool->has_work, &pool->lock);
	pool->idle--;

	struct helper_job *job = pool->first;
	if (job) {
		pool->first = job->next;
		if (!pool->first)
			pool->end = &pool->first;
		pool->waiting--;
	}
	return job;
}

static void
work(void *arg)
{
	struct helper_pool *pool = arg;
	struct helper_job *job;

	while ((job = take(pool))) {
		job->run(job->arg);
		event_set(&job->done);
	}
}

static bool
start_thread_locked(struct helper_pool *pool)
{
	if (thread_start(&pool->threads[pool->thread_count], "tarn-helper",
		    work, pool))
		return false;
	pool->thread_count++;
	return true;
}

static bool
enqueue(struct helper_pool *pool, struct helper_job *job)
{
	mutex_scoped(&pool->lock);

	if (pool->waiting >= pool->idle &&
		pool->thread_count < HELPER_THREADS_MAX &&
		!start_thread_locked(pool) && !pool->thread_count)
		return false;
	job->next = NULL;
	*pool->end = job;
	pool->end = &job->next;
	pool->waiting++;
	return true;
}

bool
helper_pool_submit(struct helper_pool *pool, struct helper_job *job)
{
	if (!enqueue(pool, job))
		return false;
	/* Without the lock, or who wakes up would only wait for it. */
	pthread_cond_signal(&pool->has_work);
	return true;
}

void
helper_pool_free(struct helper_pool **pool)
{
	struct helper_pool *doomed = *pool;
	if (!doomed)
		return;

	mutex_lock(&doomed->lock);
	assert(!doomed->first);
	doomed->is_closing = true;
	pthread_cond_broadcast(&doomed->has_work);
	mutex_unlock(&doomed->lock);

	for (size_t i = 0; i < doomed->thread_count; i++) {
		int err = pthread_join(doomed->threads[i], NULL);
		assert(!err);
	}
	pthread_cond_destroy(&doomed->has_work);
	mutex_destroy(&doomed->lock);
	free(doomed);
	*pool = NULL;
}
