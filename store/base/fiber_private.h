/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fiber_private.h - stacks and the switch between them, for loop.c.
 *
 * A fiber is entered once by makecontext() and from then on by _longjmp(),
 * which unlike swapcontext() makes no system call (QEMU's way).  Its function
 * returned, it waits in a trampoline for the next one, so a pooled fiber costs
 * no set-up.
 */
#pragma once

#include <setjmp.h>

#include "store/base/fiber.h"

struct fiber {
	struct fiber *next; /* in the one list it is on */
	struct loop *loop;
	struct fiber *main; /* the loop's own stack */
	void (*run)(void *arg);
	void *arg;
	const void *note; /* fiber_set_note() */
	bool is_entered;
	bool is_ended; /* run returned */

	jmp_buf env;
	const void *stack; /* lowest usable byte */
	size_t stack_size;
	void *mapping; /* with the guard page below; NULL for a main */
	size_t mapping_size;
	void *asan_stack;
	void *tsan_state;
};

/* A fiber with a stack, not yet entered, from any thread; NULL: no memory. */
struct fiber *fiber_create(struct loop *loop, struct fiber *main);

/* On the loop's thread, or on any where it was never entered. */
void fiber_destroy(struct fiber *fiber);

/* Brings a new fiber into its trampoline, from the loop's own stack. */
void fiber_enter(struct fiber *fiber);

/* What the running thread's own stack needs before a switch away from it. */
void fiber_init_main(struct fiber *main, struct loop *loop);

/* Leaves `from`, which is running, for `to`; returns when switched back. */
void fiber_switch(struct fiber *from, struct fiber *to);

/* Which loop this thread runs, and its running fiber; NULL, NULL: none. */
void fiber_set_current(struct loop *loop, struct fiber *fiber);
