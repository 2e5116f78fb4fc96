/* SPDX-License-Identifier: Apache-2.0 */
/*
 * workers.h - the threads that answer the kernel.
 *
 * 1. Two threads wait for the kernel's next request.  One would leave it
 *    waiting while the other is kept by a disk; more would take turns, each
 *    wake up with cold caches, and on whichever CPU.
 * 2. Who takes a request and leaves nobody waiting calls one that rests, or
 *    starts one.
 * 3. Who has answered and finds two waiting rests.
 * 4. Only who waits for the kernel is interrupted: no request is.
 * 5. Where the kernel asks over io_uring, what it says here is which inodes it
 *    has forgotten, one by one as files are removed.  Nobody waits for an
 *    answer, so who was told of some leaves it alone for 20 ms: the next
 *    come together, by one wake-up.
 */
#pragma once

#include <fuse_lowlevel.h>
#include <stdbool.h>

#include "store/base/error.h"

struct workers;

/*
 * SIGUSR1 is theirs from now on, and does nothing but end a wait.
 * answered_first() is called once, by one of them, when the kernel has the
 * answer to its first request, which says what this session can.
 * asks_elsewhere(): whether rule 5 holds.
 */
struct workers *workers_create(struct fuse_session *session,
	void (*answered_first)(void *context),
	bool (*asks_elsewhere)(void *context), void *context);
/* Once workers_run() has returned, if it was called.  NULL is allowed. */
void workers_free(struct workers **workers);

/* Answers until the session is over.  Never called by a fiber.  An error: not
 * enough threads could be started. */
must_check enum store_err workers_run(struct workers *workers);

/* After fuse_session_exit(): ends the wait of those who wait for the kernel.
 * To be repeated until workers_run() has returned, for who was just about to
 * wait. */
void workers_interrupt(struct workers *workers);
