/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loop.h - one thread, one io_uring, many fibers.
 *
 * Threads:   loop_run() by the one thread that owns the loop; loop_stop()
 *            and loop_spawn() from any thread.
 * Ownership: a fiber and its stack belong to the loop and are freed when its
 *            function returns.
 */
#pragma once

#include "store/base/fiber.h"

/* Stacks that a loop keeps for its next fibers. */
#define LOOP_STACKS_MAX 256

/* IO: no io_uring to be had; NO_MEMORY. */
must_check enum store_err loop_create(struct loop **out);
/* Only after loop_run() has returned (or never ran), with no fiber left. */
void loop_destroy(struct loop **loop);

/* Runs fibers until loop_stop() was called and the last fiber has ended. */
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);
bool loop_is_stopping(const struct loop *loop);

/* Starts run(arg) as a fiber of this loop, soon.  NO_MEMORY. */
must_check enum store_err loop_spawn(struct loop *loop, void (*run)(void *arg),
	void *arg);

/* Fibers alive, for limits and tests. */
size_t loop_fibers(const struct loop *loop);
