/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <signal.h>
#include <stdalign.h>
#include <stdint.h>

#include "store/base/arena.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>

/* As in <sanitizer/allocator_interface.h>, which gcc does not bring. */
size_t __sanitizer_get_current_allocated_bytes(void);
#endif

static bool
is_zero(const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (bytes[i])
			return false;
	return true;
}

Test(arena, memory_is_zeroed_and_aligned_whatever_the_size)
{
	scoped(arena_free) struct arena arena = {0};

	for (size_t size = 0; size < 10000; size += 37) {
		char *taken = arena_alloc(&arena, size);

		cr_expect(eq(sz, (uintptr_t)taken % alignof(max_align_t), 0));
		cr_expect(is_zero(taken, size), "%zu bytes", size);
		memset(taken, 0xee, size);
	}
}

Test(arena, pieces_do_not_overlap)
{
	scoped(arena_free) struct arena arena = {0};
	unsigned char *pieces[200];
	size_t wrong = 0;

	for (size_t i = 0; i < 200; i++) {
		pieces[i] = arena_alloc(&arena, i * 50 + 1);
		memset(pieces[i], (int)i, i * 50 + 1);
	}

	for (size_t i = 0; i < 200; i++)
		for (size_t at = 0; at < i * 50 + 1; at++)
			wrong += pieces[i][at] != i;
	cr_expect(eq(sz, wrong, 0));
}

Test(arena, memory_used_again_after_a_reset_is_zeroed)
{
	scoped(arena_free) struct arena arena = {0};
	char *first = arena_alloc(&arena, 100);
	char *again;

	memset(first, 0xee, 100);
	arena_reset(&arena);
	again = arena_alloc(&arena, 100);

	cr_expect(eq(ptr, again, first));
	cr_expect(is_zero(again, 100));
}

Test(arena, a_reset_forgets_what_was_used)
{
	scoped(arena_free) struct arena arena;

	arena_init(&arena);
	for (int i = 0; i < 100; i++)
		arena_alloc(&arena, 1000);
	arena_alloc(&arena, 1 << 20);
	cr_expect(ge(sz, arena.used, 100 * 1000 + (1 << 20)));

	arena_reset(&arena);

	cr_expect(eq(sz, arena.used, 0));
	cr_expect(is_zero(arena_alloc(&arena, 4000), 4000));
}

Test(arena, an_arena_with_only_a_large_piece_can_be_reset)
{
	scoped(arena_free) struct arena arena = {0};

	memset(arena_alloc(&arena, 100000), 1, 100000);
	arena_reset(&arena);

	cr_expect(is_zero(arena_alloc(&arena, 100000), 100000));
}

Test(arena, what_is_taken_after_a_reset_lies_in_memory_that_is_kept)
{
	scoped(arena_free) struct arena arena = {0};
	size_t wrong = 0;
	char *pieces[100];

	arena_alloc(&arena, 16);
	arena_alloc(&arena, 5000);
	arena_reset(&arena);
	for (size_t i = 0; i < 100; i++) {
		pieces[i] = arena_alloc(&arena, 1000);
		memset(pieces[i], (int)i, 1000);
	}

	for (size_t i = 0; i < 100; i++)
		wrong += pieces[i][0] != (char)i || pieces[i][999] != (char)i;
	cr_expect(eq(sz, wrong, 0));
}

Test(arena, a_large_piece_does_not_end_the_block_being_filled)
{
	scoped(arena_free) struct arena arena = {0};
	char *before = arena_alloc(&arena, 16);
	char *after;

	arena_alloc(&arena, 100000);
	after = arena_alloc(&arena, 16);

	cr_expect(eq(ptr, after, before + 16));
}

Test(arena, an_array_too_large_to_count_ends_the_process, .signal = SIGABRT)
{
	struct arena arena = {0};

	arena_alloc_array(&arena, SIZE_MAX / 8 + 2, 8);
}

Test(arena, a_size_that_rounding_would_overflow_ends_the_process,
	.signal = SIGABRT)
{
	struct arena arena = {0};

	arena_alloc(&arena, SIZE_MAX - 3);
}

Test(arena, a_copy_is_separate_and_ends_with_a_nul)
{
	scoped(arena_free) struct arena arena = {0};
	char original[] = "lake\0x";
	struct slice copy = arena_copy(&arena, slice_of(original, 6));

	original[0] = 'm';

	cr_expect(slice_equal(copy, SLICE("lake\0x")));
	cr_expect(eq(chr, copy.data[6], '\0'));
}

Test(arena, copies_of_nothing_are_empty_strings)
{
	scoped(arena_free) struct arena arena = {0};

	cr_expect(eq(str, arena_str(&arena, SLICE_NULL), ""));
	cr_expect(eq(sz, arena_copy(&arena, SLICE_NULL).len, 0));
	cr_expect(eq(sz, arena_concat(&arena, SLICE_NULL, SLICE_NULL).len, 0));
}

Test(arena, concat_puts_one_after_the_other)
{
	scoped(arena_free) struct arena arena = {0};
	struct slice both = arena_concat(&arena, SLICE("moun"), SLICE("tain"));

	cr_expect(slice_equal(both, SLICE("mountain")));
	cr_expect(eq(str, (char *)both.data, "mountain"));
}

Test(arena, printf_gives_the_whole_text_however_long)
{
	scoped(arena_free) struct arena arena = {0};
	struct slice text = arena_printf(&arena, "%05d-%s", 42, "x");
	struct slice wide = arena_printf(&arena, "%9000d", 7);

	cr_expect(eq(str, (char *)text.data, "00042-x"));
	cr_expect(eq(sz, text.len, 7));
	cr_expect(eq(sz, wide.len, 9000));
	cr_expect(eq(sz, strlen(wide.data), 9000));
	cr_expect(eq(chr, wide.data[8999], '7'));
}

Test(arena, new_array_makes_room_for_every_element)
{
	scoped(arena_free) struct arena arena = {0};
	uint64_t *numbers = arena_new_array(&arena, 1000, uint64_t);
	struct slice *one = arena_new(&arena, struct slice);

	for (uint64_t i = 0; i < 1000; i++)
		numbers[i] = i;
	cr_expect(eq(ptr, (void *)one->data, NULL));
	cr_expect(eq(u64, numbers[999], 999));
	cr_expect(ge(sz, arena.used, 8000 + sizeof(*one)));
}

Test(arena, freeing_twice_is_harmless)
{
	struct arena arena = {0};

	arena_alloc(&arena, 10);
	arena_free(&arena);
	arena_free(&arena);

	cr_expect(eq(sz, arena.used, 0));
}

#ifdef __SANITIZE_ADDRESS__
Test(arena, a_reset_keeps_one_block_and_free_keeps_none)
{
	struct arena arena = {0};
	size_t before = __sanitizer_get_current_allocated_bytes();
	size_t kept;

	for (int i = 0; i < 100; i++)
		arena_alloc(&arena, i % 2 ? 4000 : 50000);
	arena_reset(&arena);
	kept = __sanitizer_get_current_allocated_bytes() - before;
	arena_free(&arena);

	cr_expect(gt(sz, kept, 0));
	cr_expect(lt(sz, kept, 20000));
	cr_expect(eq(sz, __sanitizer_get_current_allocated_bytes(), before));
}

Test(arena, touching_beyond_a_piece_is_seen_by_the_sanitizer)
{
	scoped(arena_free) struct arena arena = {0};
	char *taken = arena_alloc(&arena, 20);

	cr_expect(not(__asan_address_is_poisoned(taken + 19)));
	cr_expect(__asan_address_is_poisoned(taken + 20));
	arena_reset(&arena);
	cr_expect(__asan_address_is_poisoned(taken));
}
#endif
