/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <signal.h>

#include "store/base/compiler.h"
#include "store/base/mutex.h"

struct counter {
	pthread_mutex_t lock;
	unsigned long value;
};

static void *
count_up(void *arg)
{
	struct counter *counter = arg;

	for (int i = 0; i < 100000; i++) {
		mutex_scoped(&counter->lock);
		counter->value++;
	}
	return NULL;
}

Test(mutex, threads_take_turns)
{
	struct counter counter = {.value = 0};
	pthread_t threads[4];

	mutex_init(&counter.lock);
	for (size_t i = 0; i < array_len(threads); i++)
		pthread_create(&threads[i], NULL, count_up, &counter);
	for (size_t i = 0; i < array_len(threads); i++)
		pthread_join(threads[i], NULL);

	cr_expect(eq(ulong, counter.value, 400000));
	mutex_destroy(&counter.lock);
}

Test(mutex, a_scope_holds_the_lock_until_it_ends)
{
	pthread_mutex_t lock;

	mutex_init(&lock);
	{
		mutex_scoped(&lock);
		cr_expect(eq(int, pthread_mutex_trylock(&lock), EBUSY));
	}

	cr_expect(eq(int, pthread_mutex_trylock(&lock), 0));
	mutex_unlock(&lock);
	mutex_destroy(&lock);
}

Test(mutex, two_scopes_may_nest)
{
	pthread_mutex_t outer;
	pthread_mutex_t inner;

	mutex_init(&outer);
	mutex_init(&inner);
	{
		mutex_scoped(&outer);
		mutex_scoped(&inner);
		cr_expect(eq(int, pthread_mutex_trylock(&outer), EBUSY));
		cr_expect(eq(int, pthread_mutex_trylock(&inner), EBUSY));
	}
	mutex_destroy(&outer);
	mutex_destroy(&inner);
}

Test(mutex, a_second_lock_by_the_holder_ends_the_process, .signal = SIGABRT)
{
	pthread_mutex_t lock;

	mutex_init(&lock);
	mutex_lock(&lock);
	mutex_lock(&lock);
}

Test(mutex, an_unlock_without_a_lock_ends_the_process, .signal = SIGABRT)
{
	pthread_mutex_t lock;

	mutex_init(&lock);
	mutex_unlock(&lock);
}
