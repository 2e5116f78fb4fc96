/* SPDX-License-Identifier: Apache-2.0 */
/*
 * states:  UNSET -> SET                      nobody waits yet
 *          UNSET -> THREAD -> SET            a plain thread waits (futex)
 *          UNSET -> a fiber's address -> SET
 *
 * event_set() does not touch the event after it has written SET but for the
 * futex call on its address, which at worst wakes a stranger for nothing; the
 * waiter may have freed the event by then.
 */
#include "store/base/event.h"

#include <assert.h>
#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "store/base/fiber.h"
#include "store/base/loop_private.h"

enum { UNSET, SET, THREAD };

/* The half of the word that holds the small states. */
static uint32_t *
futex_word(struct event *event)
{
	uint32_t *words = (uint32_t *)&event->state;

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	return words + sizeof(event->state) / sizeof(*words) - 1;
#else
	return words;
#endif
}

void
event_init(struct event *event)
{
	atomic_init(&event->state, UNSET);
}

bool
event_is_set(const struct event *event)
{
	return atomic_load(&event->state) == SET;
}

void
event_set(struct event *event)
{
	uint32_t *word = futex_word(event);
	uintptr_t before = atomic_exchange(&event->state, SET);

	assert(before != SET);
	if (before == THREAD)
		syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
	else if (before != UNSET)
		loop_ready((struct fiber *)before);
}

static void
wait_on_thread(struct event *event)
{
	while (!event_is_set(event)) {
		long result = syscall(SYS_futex, futex_word(event),
			FUTEX_WAIT_PRIVATE, THREAD, NULL, NULL, 0);
		assert(!result || errno == EAGAIN || errno == EINTR);
	}
}

void
event_wait(struct event *event)
{
	struct fiber *fiber = fiber_current();
	uintptr_t waiter = fiber ? (uintptr_t)fiber : THREAD;
	uintptr_t expected = UNSET;

	if (!atomic_compare_exchange_strong(&event->state, &expected, waiter)) {
		assert(expected == SET);
		return;
	}
	if (fiber)
		loop_park(fiber_loop());
	else
		wait_on_thread(event);
}
