/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 1. A fiber is on at most one list: ready, incoming or pool; none while it
 *    runs or waits.
 * 2. A wait is in the ring, or in the heap of deadlines, or in both, from its
 *    beginning until its completion is taken; only then may its stack go on.
 * 3. Whoever pushes on `incoming` sees is_asleep if the loop will not look at
 *    the list again before it sleeps (both sides: store, then load the other's
 *    word, sequentially consistent).
 * 4. loop_destroy() waits for `wakers` to be 0: another thread may have made
 *    the last fiber ready and still be about to write the eventfd.
 */
#include "store/base/loop.h"

#include <assert.h>
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "store/base/clock.h"
#include "store/base/loop_private.h"
#include "store/base/sigpipe.h"

/* What a fiber may do without waiting before others have their turn. */
#define LOOP_CHARGE_MAX (2 * 1024 * 1024)
#define LOOP_CHARGE_CALL (16 * 1024)

static void
list_append(struct fiber_list *list, struct fiber *fiber)
{
	fiber->next = NULL;
	*list->end = fiber;
	list->end = &fiber->next;
	list->count++;
}

enum store_err
loop_create(struct loop **out)
{
	struct loop *loop = calloc(1, sizeof(*loop));
	if (!loop)
		return STORE_NO_MEMORY;

	loop->ready.end = &loop->ready.first;
	loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (loop->wake_fd < 0) {
		free(loop);
		return STORE_IO;
	}
	enum store_err err = ring_open(&loop->ring);
	if (err) {
		close(loop->wake_fd);
		free(loop);
		return err;
	}
	*out = loop;
	return STORE_OK;
}

static void
empty_pool(struct loop *loop)
{
	while (loop->pool) {
		struct fiber *fiber = loop->pool;

		loop->pool = fiber->next;
		fiber_destroy(fiber);
	}
	loop->pool_count = 0;
}

void
loop_destroy(struct loop **loop)
{
	struct loop *doomed = *loop;
	if (!doomed)
		return;

	assert(atomic_load(&doomed->fibers) == 0);
	while (atomic_load(&doomed->wakers))
		sched_yield();
	helper_pool_free(&doomed->helpers);
	ring_close(&doomed->ring);
	close(doomed->wake_fd);
	deadline_free(&doomed->deadlines);
	free(doomed);
	*loop = NULL;
}

size_t
loop_fibers(const struct loop *loop)
{
	return atomic_load(&loop->fibers);
}

bool
loop_is_stopping(const struct loop *loop)
{
	return atomic_load(&loop->is_stopping);
}

/* Between ++wakers and --wakers: invariant 4. */
static void
wake(struct loop *loop)
{
	uint64_t one = 1;

	if (!atomic_exchange(&loop->is_asleep, false))
		return;
	ssize_t written = write(loop->wake_fd, &one, sizeof(one));
	/* EAGAIN: the counter is full, so it is awake. */
	assert(written == (ssize_t)sizeof(one) || errno == EAGAIN);
}

static void
push_incoming(struct loop *loop, struct fiber *fiber)
{
	atomic_fetch_add(&loop->wakers, 1);
	fiber->next = atomic_load(&loop->incoming);
	while (!atomic_compare_exchange_weak(&loop->incoming, &fiber->next,
		fiber))
		;
	wake(loop);
	atomic_fetch_sub(&loop->wakers, 1);
}

void
loop_ready(struct fiber *fiber)
{
	struct loop *loop = fiber->loop;

	if (fiber_loop() == loop)
		list_append(&loop->ready, fiber);
	else
		push_incoming(loop, fiber);
}

void
loop_stop(struct loop *loop)
{
	atomic_fetch_add(&loop->wakers, 1);
	atomic_store(&loop->is_stopping, true);
	wake(loop);
	atomic_fetch_sub(&loop->wakers, 1);
}

enum store_err
loop_spawn(struct loop *loop, void (*run)(void *arg), void *arg)
{
	struct fiber *fiber = NULL;

	if (fiber_loop() == loop && loop->pool) {
		fiber = loop->pool;
		loop->pool = fiber->next;
		loop->pool_count--;
	} else {
		fiber = fiber_create(loop, &loop->main);
	}
	if (!fiber)
		return STORE_NO_MEMORY;
	fiber->run = run;
	fiber->arg = arg;
	fiber->note = NULL;
	fiber->is_ended = false;
	atomic_fetch_add(&loop->fibers, 1);
	loop_ready(fiber);
	return STORE_OK;
}

/* Lets the loop run others; back when this fiber is made ready. */
static void
switch_out(struct loop *loop)
{
	fiber_switch(fiber_current(), &loop->main);
}

void
loop_park(struct loop *loop)
{
	switch_out(loop);
}

void
loop_charge(struct loop *loop, size_t bytes)
{
	loop->charge += bytes + LOOP_CHARGE_CALL;
	if (loop->charge < LOOP_CHARGE_MAX)
		return;
	list_append(&loop->ready, fiber_current());
	switch_out(loop);
}

static int
wait_sleep(struct loop *loop, struct loop_wait *wait, int64_t deadline_ms)
{
	wait->fiber = fiber_current();
	if (deadline_ms)
		deadline_add(&loop->deadlines, &wait->deadline, deadline_ms);
	switch_out(loop);
	if (wait->result == -ECANCELED && wait->is_expired)
		return -ETIMEDOUT;
	return wait->result;
}

static void
wait_finish(struct loop *loop, struct loop_wait *wait, int result, char *buffer)
{
	wait->result = result;
	wait->buffer = buffer;
	deadline_remove(&loop->deadlines, &wait->deadline);
	if (wait->link) {
		*wait->link = wait->next;
		if (wait->next)
			wait->next->link = wait->link;
	}
	list_append(&loop->ready, wait->fiber);
}

struct io_uring_sqe *
loop_wait_begin(struct loop *loop)
{
	return ring_entry(&loop->ring);
}

int
loop_wait_end_buffer(struct loop *loop, struct io_uring_sqe *entry, int fd,
	int64_t deadline_ms, char **buffer)
{
	struct loop_wait wait = {.fd = fd};
	struct loop_wait **bucket =
		&loop->waits[(unsigned int)fd % LOOP_FD_BUCKETS];

	io_uring_sqe_set_data(entry, &wait);
	wait.next = *bucket;
	wait.link = bucket;
	if (wait.next)
		wait.next->link = &wait.next;
	*bucket = &wait;
	int result = wait_sleep(loop, &wait, deadline_ms);

	*buffer = wait.buffer;
	return result;
}

int
loop_wait_end(struct loop *loop, struct io_uring_sqe *entry, int fd,
	int64_t deadline_ms)
{
	char *none;

	return loop_wait_end_buffer(loop, entry, fd, deadline_ms, &none);
}

void
loop_wait_until(struct loop *loop, int64_t deadline_ms)
{
	struct loop_wait wait = {.fd = -1};

	(void)wait_sleep(loop, &wait, deadline_ms);
}

struct helper_pool *
loop_helpers(struct loop *loop)
{
	if (!loop->helpers)
		loop->helpers = helper_pool_create();
	return loop->helpers;
}

/*
 * The entry goes in before any later one of the same fiber, whose wait may lie
 * at the same address, so it can only meet the wait it is meant for.
 */
static void
cancel(struct loop *loop, struct loop_wait *wait)
{
	struct io_uring_sqe *entry = ring_entry(&loop->ring);

	io_uring_prep_cancel(entry, wait, 0);
	io_uring_sqe_set_data(entry, NULL);
}

void
loop_cancel_fd(struct loop *loop, int fd)
{
	struct loop_wait *wait =
		loop->waits[(unsigned int)fd % LOOP_FD_BUCKETS];

	for (; wait; wait = wait->next) {
		if (wait->fd == fd)
			cancel(loop, wait);
	}
}

static void
expire(struct loop *loop)
{
	struct deadline *earliest = deadline_earliest(&loop->deadlines);
	if (!earliest)
		return;

	int64_t now = clock_monotonic_ms();
	while (earliest && earliest->at_ms <= now) {
		struct loop_wait *wait =
			container_of(earliest, struct loop_wait, deadline);

		deadline_remove(&loop->deadlines, earliest);
		wait->is_expired = true;
		if (wait->fd < 0)
			wait_finish(loop, wait, -ECANCELED, NULL);
		else
			cancel(loop, wait);
		earliest = deadline_earliest(&loop->deadlines);
	}
}

static void
recycle(struct loop *loop, struct fiber *fiber)
{
	if (loop->pool_count < LOOP_STACKS_MAX) {
		fiber->next = loop->pool;
		loop->pool = fiber;
		loop->pool_count++;
	} else {
		fiber_destroy(fiber);
	}
	atomic_fetch_sub(&loop->fibers, 1);
}

/* Moves what other threads made ready, in the order in which they did. */
static void
take_incoming(struct loop *loop)
{
	struct fiber *newest = atomic_exchange(&loop->incoming, NULL);
	struct fiber *oldest = NULL;

	while (newest) {
		struct fiber *next = newest->next;

		newest->next = oldest;
		oldest = newest;
		newest = next;
	}
	while (oldest) {
		struct fiber *next = oldest->next;

		list_append(&loop->ready, oldest);
		oldest = next;
	}
}

/* Those that are ready now; what they make ready has its turn later. */
static void
run_ready(struct loop *loop)
{
	struct fiber *fiber = loop->ready.first;

	loop->turn = loop->ready.count;
	loop->ready = (struct fiber_list){.end = &loop->ready.first};
	while (fiber) {
		struct fiber *next = fiber->next;

		if (!fiber->is_entered)
			fiber_enter(fiber);
		loop->charge = 0;
		fiber_set_current(loop, fiber);
		fiber_switch(&loop->main, fiber);
		fiber_set_current(loop, NULL);
		if (fiber->is_ended)
			recycle(loop, fiber);
		fiber = next;
	}
}

static void
arm_wake(struct loop *loop)
{
	struct io_uring_sqe *entry = ring_entry(&loop->ring);

	io_uring_prep_poll_add(entry, loop->wake_fd, POLLIN);
	io_uring_sqe_set_data(entry, &loop->wake_fd);
	loop->is_wake_armed = true;
}

static void
take_wake(struct loop *loop)
{
	uint64_t count;
	ssize_t got = read(loop->wake_fd, &count, sizeof(count));

	assert(got == (ssize_t)sizeof(count) || errno == EAGAIN);
	loop->is_wake_armed = false;
}

static int64_t
timeout_ms(const struct loop *loop)
{
	const struct deadline *earliest = deadline_earliest(&loop->deadlines);
	if (!earliest)
		return -1;

	int64_t left = earliest->at_ms - clock_monotonic_ms();
	return left > 0 ? left : 0;
}

/* Submits what has gathered and sleeps where there is nothing to run. */
static void
poll_ring(struct loop *loop)
{
	struct ring_completion done;

	if (!loop->is_wake_armed)
		arm_wake(loop);
	if (loop->ready.first) {
		ring_submit(&loop->ring, false, 0);
	} else {
		/* Invariant 3. */
		atomic_store(&loop->is_asleep, true);
		bool wait = !atomic_load(&loop->incoming) &&
			    (!loop_is_stopping(loop) || loop_fibers(loop));
		ring_submit(&loop->ring, wait, timeout_ms(loop));
		atomic_store(&loop->is_asleep, false);
	}
	while (ring_next(&loop->ring, &done)) {
		if (done.data == &loop->wake_fd)
			take_wake(loop);
		else if (done.data)
			wait_finish(loop, done.data, done.result, done.buffer);
	}
	expire(loop);
}

void
loop_run(struct loop *loop)
{
	enum store_err err = ring_enable(&loop->ring);
	assert(!err);

	/* sendfile(2) has no MSG_NOSIGNAL. */
	struct sigpipe_state before;
	sigpipe_block(&before);

	fiber_init_main(&loop->main, loop);
	fiber_set_current(loop, NULL);
	for (;;) {
		take_incoming(loop);
		run_ready(loop);
		if (loop_is_stopping(loop) && !loop_fibers(loop) &&
			!atomic_load(&loop->incoming))
			break;
		poll_ring(loop);
	}
	/* Entries that nobody waited for. */
	ring_submit(&loop->ring, false, 0);
	empty_pool(loop);
	fiber_set_current(NULL, NULL);
	sigpipe_restore(&before);
}
