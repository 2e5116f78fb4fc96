/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fiber.h - code that waits without holding its thread.
 *
 * A fiber is a function with a stack of its own, run by one loop (loop.h) on
 * that loop's thread.  Where it waits (io.h, event.h) the loop runs others.
 * So one request reads as straight code, and one thread carries thousands.
 *
 * The same wait functions work on a plain thread, where they simply block:
 * the engine does not know which of the two calls it.
 *
 * Rules: no mutex and no open read transaction is held across a wait; a
 * fiber never moves to another thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "store/base/compiler.h"
#include "store/base/error.h"

#define FIBER_STACK_SIZE (256 * 1024) /* address space; pages as touched */

struct fiber;
struct loop;

/* The running fiber; NULL on a plain thread. */
struct fiber *fiber_current(void);

/* The loop of the running fiber; NULL on a plain thread. */
struct loop *fiber_loop(void);

/* What the running fiber, or on a plain thread that one, notes for the
 * functions that it calls; borrowed.  NULL at its beginning. */
void fiber_set_note(const void *note);
const void *fiber_note(void);
