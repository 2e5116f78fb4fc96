/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event.h - wait, once, for what another thread or fiber will do.
 *
 *	struct event done = EVENT_INIT;
 *	hand_over(&done);
 *	event_wait(&done);
 *
 * Threads:   event_set() from any thread or fiber, once; one waiter.  The
 *            waiter may free the event as soon as event_wait() returns, even
 *            while event_set() is still returning.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct event {
	_Atomic(uintptr_t) state; /* unset, set, or the waiter */
};

#define EVENT_INIT                                                             \
	{                                                                      \
		0                                                              \
	}

void event_init(struct event *event);
void event_set(struct event *event);
bool event_is_set(const struct event *event);
void event_wait(struct event *event);
