/* SPDX-License-Identifier: Apache-2.0 */
/* The checked longjmp takes a jump to another stack for an attack. */
#undef _FORTIFY_SOURCE

#include "store/base/fiber.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include "store/base/fiber_private.h"

#if defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#endif
#endif

#if defined(__SANITIZE_THREAD__)
#define WITH_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define WITH_TSAN 1
#endif
#endif

#ifdef WITH_ASAN
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef WITH_TSAN
#include <sanitizer/tsan_interface.h>
#endif

/* TSan keeps its own call stack; the switch itself must not be on it. */
#if defined(__clang__) || defined(WITH_TSAN)
#define SWITCHES __attribute__((no_sanitize("thread")))
#else
#define SWITCHES
#endif
#define SWITCHES_INLINE SWITCHES __attribute__((always_inline)) static inline

static _Thread_local struct loop *thread_loop;
static _Thread_local struct fiber *thread_fiber;
static _Thread_local const void *thread_note;

struct fiber *
fiber_current(void)
{
	return thread_fiber;
}

struct loop *
fiber_loop(void)
{
	return thread_fiber ? thread_loop : NULL;
}

void
fiber_set_note(const void *note)
{
	if (thread_fiber)
		thread_fiber->note = note;
	else
		thread_note = note;
}

const void *
fiber_note(void)
{
	return thread_fiber ? thread_fiber->note : thread_note;
}

void
fiber_set_current(struct loop *loop, struct fiber *fiber)
{
	thread_loop = loop;
	thread_fiber = fiber;
}

SWITCHES_INLINE void
leave(struct fiber *from, struct fiber *to, bool for_ever)
{
	(void)from;
	(void)to;
	(void)for_ever;
#ifdef WITH_ASAN
	__sanitizer_start_switch_fiber(for_ever ? NULL : &from->asan_stack,
		to->stack, to->stack_size);
#endif
#ifdef WITH_TSAN
	__tsan_switch_to_fiber(to->tsan_state, 0);
#endif
}

SWITCHES_INLINE void
arrive(struct fiber *self)
{
	(void)self;
#ifdef WITH_ASAN
	__sanitizer_finish_switch_fiber(self->asan_stack, NULL, NULL);
#endif
}

SWITCHES void
fiber_switch(struct fiber *from, struct fiber *to)
{
	leave(from, to, false);
	if (_setjmp(from->env) == 0)
		_longjmp(to->env, 1);
	arrive(from);
}

/* The bottom of every fiber's stack. */
SWITCHES static void
trampoline(unsigned int high, unsigned int low)
{
	/* makecontext() hands on ints alone. */
	uintptr_t address = ((uintptr_t)high << 32) | low;
	struct fiber *self = (struct fiber *)address;

#ifdef WITH_ASAN
	__sanitizer_finish_switch_fiber(NULL, &self->main->stack,
		&self->main->stack_size);
#endif
	leave(self, self->main, false);
	if (_setjmp(self->env) == 0)
		_longjmp(self->main->env, 1);
	arrive(self);

	while (self->run) {
		self->run(self->arg);
		self->is_ended = true;
		fiber_switch(self, self->main);
	}

	leave(self, self->main, true);
	_longjmp(self->main->env, 1);
}

SWITCHES void
fiber_enter(struct fiber *fiber)
{
	uintptr_t address = (uintptr_t)fiber;
	struct fiber *main = fiber->main;
	ucontext_t theirs;

	int err = getcontext(&theirs);
	assert(!err);
	theirs.uc_link = NULL;
	theirs.uc_stack.ss_sp = (void *)fiber->stack;
	theirs.uc_stack.ss_size = fiber->stack_size;
	makecontext(&theirs, (void (*)(void))trampoline, 2,
		(unsigned int)(address >> 32), (unsigned int)address);

	fiber->is_entered = true;
#ifdef WITH_TSAN
	fiber->tsan_state = __tsan_create_fiber(0);
#endif
	leave(main, fiber, false);
	if (_setjmp(main->env) == 0)
		setcontext(&theirs);
	arrive(main);
}

struct fiber *
fiber_create(struct loop *loop, struct fiber *main)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t size = FIBER_STACK_SIZE + page;
	struct fiber *fiber = calloc(1, sizeof(*fiber));
	if (!fiber)
		return NULL;

	void *mapping = mmap(NULL, size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);
	if (mapping == MAP_FAILED) {
		free(fiber);
		return NULL;
	}
	if (mprotect(mapping, page, PROT_NONE)) {
		munmap(mapping, size);
		free(fiber);
		return NULL;
	}
	fiber->loop = loop;
	fiber->main = main;
	fiber->mapping = mapping;
	fiber->mapping_size = size;
	fiber->stack = (char *)mapping + page;
	fiber->stack_size = FIBER_STACK_SIZE;
	return fiber;
}

void
fiber_destroy(struct fiber *fiber)
{
	if (fiber->is_entered) {
		/* Out of the trampoline, so that ASan frees what it keeps. */
		fiber->run = NULL;
		fiber_switch(fiber->main, fiber);
#ifdef WITH_TSAN
		__tsan_destroy_fiber(fiber->tsan_state);
#endif
	}
	munmap(fiber->mapping, fiber->mapping_size);
	free(fiber);
}

void
fiber_init_main(struct fiber *main, struct loop *loop)
{
	*main = (struct fiber){.loop = loop};
#ifdef WITH_TSAN
	main->tsan_state = __tsan_get_current_fiber();
#endif
}
