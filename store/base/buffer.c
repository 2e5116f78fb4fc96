/* SPDX-License-Identifier: Apache-2.0 */
#include "store/base/buffer.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "store/base/error.h"

#define BUFFER_SMALLEST ((size_t)256)

void
buffer_free(struct buffer *buffer)
{
	free(buffer->data);
	*buffer = (struct buffer){0};
}

void
buffer_clear(struct buffer *buffer)
{
	buffer->len = 0;
}

void
buffer_reserve(struct buffer *buffer, size_t more)
{
	size_t needed;
	size_t capacity = buffer->capacity;
	char *data;

	if (__builtin_add_overflow(buffer->len, more, &needed))
		error_out_of_memory();
	if (needed <= capacity)
		return;
	/* Doubling keeps the cost of an append constant on average. */
	if (__builtin_mul_overflow(capacity, (size_t)2, &capacity))
		error_out_of_memory();
	if (capacity < BUFFER_SMALLEST)
		capacity = BUFFER_SMALLEST;
	if (capacity < needed)
		capacity = needed;
	data = realloc(buffer->data, capacity);
	if (!data)
		error_out_of_memory();
	buffer->data = data;
	buffer->capacity = capacity;
}

void
buffer_append(struct buffer *buffer, struct slice s)
{
	if (s.len == 0)
		return;
	buffer_reserve(buffer, s.len);
	memcpy(buffer->data + buffer->len, s.data, s.len);
	buffer->len += s.len;
}

void
buffer_append_str(struct buffer *buffer, const char *text)
{
	buffer_append(buffer, slice_str(text));
}

void
buffer_append_char(struct buffer *buffer, char c)
{
	if (buffer->len == buffer->capacity)
		buffer_reserve(buffer, 1);
	buffer->data[buffer->len++] = c;
}

void
buffer_append_u64(struct buffer *buffer, uint64_t number)
{
	char digits[20];
	size_t start = sizeof(digits);

	do {
		digits[--start] = (char)('0' + number % 10);
		number /= 10;
	} while (number);
	buffer_append(buffer, slice_of(digits + start, sizeof(digits) - start));
}

void
buffer_printf(struct buffer *buffer, const char *format, ...)
{
	va_list args;
	va_list again;
	int len;

	assert(format);
	va_start(args, format);
	va_copy(again, args);
	len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (len < 0)
		error_out_of_memory();
	/* vsnprintf() ends with a NUL, which the length does not count. */
	buffer_reserve(buffer, (size_t)len + 1);
	vsnprintf(buffer->data + buffer->len, (size_t)len + 1, format, again);
	va_end(again);
	buffer->len += (size_t)len;
}
