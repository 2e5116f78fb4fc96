/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <signal.h>

#include "store/base/buffer.h"

Test(buffer, an_empty_buffer_is_an_empty_slice)
{
	scoped(buffer_free) struct buffer buffer = {0};

	buffer_append(&buffer, SLICE_NULL);
	buffer_append_str(&buffer, "");

	cr_expect(eq(sz, buffer_slice(&buffer).len, 0));
}

Test(buffer, pieces_come_one_after_the_other)
{
	scoped(buffer_free) struct buffer buffer = {0};

	buffer_append(&buffer, SLICE("a\0b"));
	buffer_append_str(&buffer, "-");
	buffer_append_char(&buffer, '=');
	buffer_append_u64(&buffer, 0);
	buffer_append_u64(&buffer, UINT64_MAX);
	buffer_printf(&buffer, "[%d]", -5);

	cr_expect(slice_equal(buffer_slice(&buffer),
		SLICE("a\0b-=018446744073709551615[-5]")));
}

Test(buffer, content_survives_growth)
{
	scoped(buffer_free) struct buffer buffer = {0};
	size_t wrong = 0;

	for (size_t i = 0; i < 100000; i++)
		buffer_append_char(&buffer, (char)(i % 251));

	for (size_t i = 0; i < buffer.len; i++)
		wrong += buffer.data[i] != (char)(i % 251);
	cr_expect(eq(sz, buffer.len, 100000));
	cr_expect(eq(sz, wrong, 0));
}

Test(buffer, printf_longer_than_the_room_is_whole)
{
	scoped(buffer_free) struct buffer buffer = {0};

	buffer_append_str(&buffer, "x");
	buffer_printf(&buffer, "%5000d", 1);

	cr_expect(eq(sz, buffer.len, 5001));
	cr_expect(eq(chr, buffer.data[5000], '1'));
}

Test(buffer, clear_keeps_the_memory)
{
	scoped(buffer_free) struct buffer buffer = {0};
	char *memory;

	buffer_reserve(&buffer, 1000);
	memory = buffer.data;
	buffer_append_str(&buffer, "old");
	buffer_clear(&buffer);
	buffer_append_str(&buffer, "new");

	cr_expect(eq(ptr, buffer.data, memory));
	cr_expect(slice_equal(buffer_slice(&buffer), SLICE("new")));
}

Test(buffer, reserved_room_is_not_moved_by_appends_within_it)
{
	scoped(buffer_free) struct buffer buffer = {0};
	char *memory;

	buffer_append_str(&buffer, "x");
	buffer_reserve(&buffer, 5000);
	memory = buffer.data;
	for (int i = 0; i < 5000; i++)
		buffer_append_char(&buffer, 'y');

	cr_expect(eq(ptr, buffer.data, memory));
}

Test(buffer, a_reserve_that_overflows_ends_the_process, .signal = SIGABRT)
{
	struct buffer buffer = {0};

	buffer_append_str(&buffer, "x");
	buffer_reserve(&buffer, SIZE_MAX);
}

Test(buffer, a_freed_buffer_can_be_used_again)
{
	scoped(buffer_free) struct buffer buffer = {0};

	buffer_append_str(&buffer, "x");
	buffer_free(&buffer);
	buffer_free(&buffer);
	buffer_append_str(&buffer, "y");

	cr_expect(slice_equal(buffer_slice(&buffer), SLICE("y")));
}
