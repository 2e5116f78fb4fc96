/* SPDX-License-Identifier: Apache-2.0 */
/*
 * thread.h - threads that leave signals to the program.
 *
 * Threads:   any.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "store/base/compiler.h"
#include "store/base/error.h"

/* With all signals blocked.  name: up to 15 bytes.  NO_MEMORY. */
must_check enum store_err thread_start(pthread_t *thread, const char *name,
	void (*run)(void *arg), void *arg);

/* A condition whose waits are timed by the monotonic clock. */
void thread_init_condition(pthread_cond_t *condition);

/* False: the time is over. */
bool thread_wait_locked(pthread_cond_t *condition, pthread_mutex_t *lock,
	int64_t deadline_ms);
