/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Invariant: while arena->end is set, the first block is the one being
 * filled; blocks for one large request each stand behind it.
 */
#include "store/base/arena.h"

#include <assert.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "store/base/error.h"

#if defined(__SANITIZE_ADDRESS__)
#define ARENA_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_ASAN 1
#endif
#endif

#ifdef ARENA_ASAN
#include <sanitizer/asan_interface.h>
#endif

#define ARENA_ALIGN ((size_t)alignof(max_align_t))
#define ARENA_BLOCK ((size_t)16384)
/* Larger requests would waste too much of a block's end. */
#define ARENA_SMALL_MAX ((size_t)4096)

struct arena_block {
	alignas(max_align_t) struct arena_block *next;
	size_t size; /* of data */
	alignas(max_align_t) char data[];
};

/*
 * What was not handed out may not be touched: AddressSanitizer sees to it.
 * Not inline: gcc 12 takes poisoning for a read of memory not yet written.
 */
__attribute__((noinline)) static void
block_poison(struct arena_block *block)
{
#ifdef ARENA_ASAN
	__asan_poison_memory_region(block->data, block->size);
#else
	(void)block;
#endif
}

static void
block_unpoison(void *at, size_t len)
{
#ifdef ARENA_ASAN
	__asan_unpoison_memory_region(at, len);
#else
	(void)at;
	(void)len;
#endif
}

static struct arena_block *
block_new(size_t size)
{
	struct arena_block *block;
	size_t total;

	if (__builtin_add_overflow(sizeof(*block), size, &total))
		error_out_of_memory();
	block = malloc(total);
	if (!block)
		error_out_of_memory();
	block->next = NULL;
	block->size = size;
	block_poison(block);
	return block;
}

static void
block_free_list(struct arena_block *block)
{
	while (block) {
		struct arena_block *next = block->next;

		block_unpoison(block->data, block->size);
		free(block);
		block = next;
	}
}

void
arena_init(struct arena *arena)
{
	*arena = (struct arena){0};
}

void
arena_reset(struct arena *arena)
{
	struct arena_block *kept = arena->end ? arena->blocks : NULL;

	if (!kept) {
		arena_free(arena);
		return;
	}
	block_free_list(kept->next);
	kept->next = NULL;
	block_poison(kept);
	arena->next = kept->data;
	arena->used = 0;
}

void
arena_free(struct arena *arena)
{
	block_free_list(arena->blocks);
	*arena = (struct arena){0};
}

static char *
take_block_of_its_own(struct arena *arena, size_t size)
{
	struct arena_block *block = block_new(size);
	struct arena_block **place = &arena->blocks;

	if (arena->end)
		place = &arena->blocks->next;
	block->next = *place;
	*place = block;
	return block->data;
}

static char *
take_from_block(struct arena *arena, size_t size)
{
	char *taken;

	if (!arena->end || (size_t)(arena->end - arena->next) < size) {
		struct arena_block *block = block_new(ARENA_BLOCK);

		block->next = arena->blocks;
		arena->blocks = block;
		arena->next = block->data;
		arena->end = block->data + block->size;
	}
	taken = arena->next;
	arena->next += size;
	return taken;
}

static void *
take(struct arena *arena, size_t size)
{
	size_t rounded;
	char *taken;

	if (__builtin_add_overflow(size ? size : 1, ARENA_ALIGN - 1, &rounded))
		error_out_of_memory();
	rounded &= ~(ARENA_ALIGN - 1);
	if (rounded > ARENA_SMALL_MAX)
		taken = take_block_of_its_own(arena, rounded);
	else
		taken = take_from_block(arena, rounded);
	arena->used += rounded;
	block_unpoison(taken, size);
	return taken;
}

void *
arena_alloc(struct arena *arena, size_t size)
{
	return memset(take(arena, size), 0, size);
}

void *
arena_alloc_array(struct arena *arena, size_t count, size_t size)
{
	size_t total;

	if (__builtin_mul_overflow(count, size, &total))
		error_out_of_memory();
	return arena_alloc(arena, total);
}

struct slice
arena_copy(struct arena *arena, struct slice s)
{
	return arena_concat(arena, s, SLICE_NULL);
}

char *
arena_str(struct arena *arena, struct slice s)
{
	/* arena_concat() made it, so it may be written to. */
	return (char *)arena_copy(arena, s).data;
}

struct slice
arena_printf(struct arena *arena, const char *format, ...)
{
	va_list args;
	va_list again;
	char *text;
	int len;

	assert(format);
	va_start(args, format);
	va_copy(again, args);
	len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (len < 0)
		error_out_of_memory();
	text = take(arena, (size_t)len + 1);
	vsnprintf(text, (size_t)len + 1, format, again);
	va_end(again);
	return slice_of(text, (size_t)len);
}

struct slice
arena_concat(struct arena *arena, struct slice a, struct slice b)
{
	size_t len;
	char *text;

	if (__builtin_add_overflow(a.len, b.len, &len) || len == SIZE_MAX)
		error_out_of_memory();
	text = take(arena, len + 1);
	if (a.len)
		memcpy(text, a.data, a.len);
	if (b.len)
		memcpy(text + a.len, b.data, b.len);
	text[len] = '\0';
	return slice_of(text, len);
}
