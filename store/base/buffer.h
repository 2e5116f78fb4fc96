/* SPDX-License-Identifier: Apache-2.0 */
/*
 * buffer.h - bytes that grow at the end: replies, records, XML.
 *
 * Running out of memory ends the process, as in arena.h.
 */
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "store/base/compiler.h"
#include "store/base/slice.h"

struct buffer {
	char *data;
	size_t len;
	size_t capacity;
};

void buffer_free(struct buffer *buffer);
void buffer_clear(struct buffer *buffer); /* keeps the memory */
void buffer_reserve(struct buffer *buffer, size_t more);
void buffer_append(struct buffer *buffer, struct slice s);
void buffer_append_str(struct buffer *buffer, const char *text);
void buffer_append_char(struct buffer *buffer, char c);
void buffer_append_u64(struct buffer *buffer, uint64_t number); /* decimal */
void buffer_printf(struct buffer *buffer, const char *format, ...)
	printf_like(2, 3);

static inline struct slice
buffer_slice(const struct buffer *buffer)
{
	return slice_of(buffer->data, buffer->len);
}
