/* SPDX-License-Identifier: Apache-2.0 */
#include "store/base/thread.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

struct start {
	void (*run)(void *arg);
	void *arg;
};

static void *
begin(void *arg)
{
	struct start start = *(struct start *)arg;

	free(arg);
	start.run(start.arg);
	return NULL;
}

enum store_err
thread_start(pthread_t *thread, const char *name, void (*run)(void *arg),
	void *arg)
{
	struct start *start = malloc(sizeof(*start));
	sigset_t all;
	sigset_t before;

	if (!start)
		return STORE_NO_MEMORY;
	*start = (struct start){.run = run, .arg = arg};
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int rc = pthread_create(thread, NULL, begin, start);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc) {
		free(start);
		return STORE_NO_MEMORY;
	}
	(void)pthread_setname_np(*thread, name);
	return STORE_OK;
}

void
thread_init_condition(pthread_cond_t *condition)
{
	pthread_condattr_t attr;

	int rc = pthread_condattr_init(&attr);
	assert(rc == 0);
	rc = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	assert(rc == 0);
	rc = pthread_cond_init(condition, &attr);
	assert(rc == 0);
	pthread_condattr_destroy(&attr);
}

bool
thread_wait_locked(pthread_cond_t *condition, pthread_mutex_t *lock,
	int64_t deadline_ms)
{
	struct timespec until = {
		.tv_sec = deadline_ms / 1000,
		.tv_nsec = deadline_ms % 1000 * 1000000,
	};

	return pthread_cond_timedwait(condition, lock, &until) != ETIMEDOUT;
}
