/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arena.h - memory that is freed all at once; one for each request.
 *
 * Threads:   one at a time.
 * Ownership: what an arena gives lives until arena_reset() or arena_free().
 * Failure:   running out of memory ends the process: nothing that small is
 *            survivable, and every caller is simpler for it.  Sizes that come
 *            from outside must be bounded before they get here.
 */
#pragma once

#include <stdarg.h>
#include <stddef.h>

#include "store/base/compiler.h"
#include "store/base/slice.h"

struct arena_block;

struct arena {
	struct arena_block *blocks;
	char *next;
	char *end;
	size_t used; /* bytes handed out since the last reset */
};

/* An arena of zeros is empty and ready. */
void arena_init(struct arena *arena);
void arena_reset(struct arena *arena); /* keeps one block */
void arena_free(struct arena *arena);

/* Zeroed, aligned for any type. */
void *arena_alloc(struct arena *arena, size_t size);
void *arena_alloc_array(struct arena *arena, size_t count, size_t size);

#define arena_new(arena, type) ((type *)arena_alloc((arena), sizeof(type)))
#define arena_new_array(arena, count, type)                                    \
	((type *)arena_alloc_array((arena), (count), sizeof(type)))

/* Copies; the copy is followed by a NUL that its length does not count. */
struct slice arena_copy(struct arena *arena, struct slice s);
char *arena_str(struct arena *arena, struct slice s);
struct slice arena_printf(struct arena *arena, const char *format, ...)
	printf_like(2, 3);
struct slice arena_concat(struct arena *arena, struct slice a, struct slice b);
