/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mutex.h - a pthread mutex whose lock ends with its scope.
 *
 *	mutex_scoped(&store->lock);
 *
 * Never held across I/O, a callback or a wait of a fiber.
 */
#pragma once

#include <pthread.h>

void mutex_init(pthread_mutex_t *mutex);
void mutex_destroy(pthread_mutex_t *mutex);
void mutex_lock(pthread_mutex_t *mutex);
void mutex_unlock(pthread_mutex_t *mutex);

pthread_mutex_t *mutex_scope_begin(pthread_mutex_t *mutex);
void mutex_scope_end(pthread_mutex_t **mutex);

#define MUTEX_PASTE_(a, b) a##b
#define MUTEX_PASTE(a, b) MUTEX_PASTE_(a, b)
#define mutex_scoped(mutex)                                                    \
	__attribute__((cleanup(mutex_scope_end), unused)) pthread_mutex_t *    \
	MUTEX_PASTE(mutex_scope_, __LINE__) = mutex_scope_begin(mutex)
