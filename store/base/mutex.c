/* SPDX-License-Identifier: Apache-2.0 */
#include "store/base/mutex.h"

#include <assert.h>

/* Error-checking, so that a second lock is found and does not hang. */
void
mutex_init(pthread_mutex_t *mutex)
{
	pthread_mutexattr_t attributes;
	int failed = pthread_mutexattr_init(&attributes);

	assert(!failed);
	failed = pthread_mutexattr_settype(&attributes,
		PTHREAD_MUTEX_ERRORCHECK);
	assert(!failed);
	failed = pthread_mutex_init(mutex, &attributes);
	assert(!failed);
	pthread_mutexattr_destroy(&attributes);
}

void
mutex_destroy(pthread_mutex_t *mutex)
{
	int failed = pthread_mutex_destroy(mutex);

	assert(!failed);
}

void
mutex_lock(pthread_mutex_t *mutex)
{
	int failed = pthread_mutex_lock(mutex);

	assert(!failed);
}

void
mutex_unlock(pthread_mutex_t *mutex)
{
	int failed = pthread_mutex_unlock(mutex);

	assert(!failed);
}

pthread_mutex_t *
mutex_scope_begin(pthread_mutex_t *mutex)
{
	mutex_lock(mutex);
	return mutex;
}

void
mutex_scope_end(pthread_mutex_t **mutex)
{
	mutex_unlock(*mutex);
}
