/* SPDX-License-Identifier: Apache-2.0 */
#include "store/base/loop.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <pthread.h>
#include <string.h>

#include "store/base/event.h"
#include "store/base/io.h"
#include "tests/base/on_loop.h"

static void
note_fiber(void *arg)
{
	struct fiber **seen = arg;

	*seen = fiber_current();
}

Test(loop, runs_a_function_as_a_fiber)
{
	struct fiber *seen = NULL;

	on_loop(note_fiber, &seen);

	cr_expect(seen != NULL);
	cr_expect(fiber_current() == NULL);
	cr_expect(fiber_loop() == NULL);
}

static unsigned int
recurse(unsigned int depth)
{
	volatile char page[512];

	memset((char *)page, (int)depth, sizeof(page));
	return depth ? recurse(depth - 1) + (unsigned char)page[0] : 0;
}

static void
use_stack(void *arg)
{
	unsigned int *sum = arg;

	*sum = recurse(100);
}

Test(loop, gives_a_fiber_a_deep_stack)
{
	unsigned int sum = 0;

	on_loop(use_stack, &sum);

	cr_expect(eq(u32, sum, 5050));
}

struct relay {
	struct event turn[3];
	char log[4];
	size_t len;
};

struct runner {
	struct relay *relay;
	int number;
};

static void
run_relay(void *arg)
{
	struct runner *runner = arg;
	struct relay *relay = runner->relay;

	if (runner->number > 0)
		event_wait(&relay->turn[runner->number]);
	relay->log[relay->len++] = (char)('a' + runner->number);
	if (runner->number < 2)
		event_set(&relay->turn[runner->number + 1]);
}

static void
start_relay(void *arg)
{
	static struct runner runners[3];
	struct relay *relay = arg;

	/* The last first, so that each but the first has to wait. */
	for (int i = 2; i >= 0; i--) {
		runners[i] = (struct runner){relay, i};
		cr_assert(not(loop_spawn(fiber_loop(), run_relay,
			&runners[i])));
	}
	cr_expect(eq(sz, loop_fibers(fiber_loop()), 4));
}

Test(loop, lets_fibers_wait_for_each_other)
{
	struct relay relay = {0};

	on_loop(start_relay, &relay);

	cr_expect(eq(str, relay.log, "abc"));
}

static void
count_up(void *arg)
{
	(*(unsigned int *)arg)++;
}

static void
spawn_many(void *arg)
{
	/* More than the loop keeps in its pool, in two generations. */
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 500; i++)
			cr_assert(not(loop_spawn(fiber_loop(), count_up, arg)));
		io_sleep_ms(1);
	}
}

Test(loop, runs_every_fiber_of_many)
{
	unsigned int count = 0;

	on_loop(spawn_many, &count);

	cr_expect(eq(u32, count, 1000));
}

static void *
run_loop(void *arg)
{
	loop_run(arg);
	return NULL;
}

static void
tell(void *arg)
{
	event_set(arg);
}

Test(loop, takes_fibers_from_other_threads_while_it_sleeps)
{
	struct event told = EVENT_INIT;
	struct loop *loop = NULL;
	pthread_t thread;

	cr_assert(not(loop_create(&loop)));
	cr_assert(not(pthread_create(&thread, NULL, run_loop, loop)));
	cr_assert(not(loop_spawn(loop, tell, &told)));
	event_wait(&told);

	cr_expect(not(loop_is_stopping(loop)));
	loop_stop(loop);
	pthread_join(thread, NULL);
	cr_expect(loop_is_stopping(loop));
	cr_expect(eq(sz, loop_fibers(loop), 0));
	loop_destroy(&loop);
	cr_expect(loop == NULL);
}

Test(loop, that_never_ran_can_be_destroyed)
{
	struct loop *loop = NULL;

	cr_assert(not(loop_create(&loop)));
	loop_destroy(&loop);

	cr_expect(loop == NULL);
}

struct crossing {
	struct event from_thread;
	struct event from_fiber;
};

static void
answer(void *arg)
{
	struct crossing *crossing = arg;

	event_wait(&crossing->from_thread);
	event_set(&crossing->from_fiber);
}

Test(event, passes_between_a_thread_and_a_fiber_both_ways)
{
	struct crossing crossing = {EVENT_INIT, EVENT_INIT};
	struct loop *loop = NULL;
	pthread_t thread;

	cr_assert(not(loop_create(&loop)));
	cr_assert(not(loop_spawn(loop, answer, &crossing)));
	cr_assert(not(pthread_create(&thread, NULL, run_loop, loop)));
	event_set(&crossing.from_thread);
	event_wait(&crossing.from_fiber);

	loop_stop(loop);
	pthread_join(thread, NULL);
	loop_destroy(&loop);
}

Test(event, set_before_the_wait_is_not_lost)
{
	struct event event = EVENT_INIT;

	cr_expect(not(event_is_set(&event)));
	event_set(&event);
	event_wait(&event);

	cr_expect(event_is_set(&event));
}
