/* SPDX-License-Identifier: Apache-2.0 */
/*
 * slice.h - bytes that belong to somebody else.
 *
 * Not NUL-terminated.  data may be NULL only where len is 0.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct slice {
	const char *data;
	size_t len;
};

#define SLICE(literal) ((struct slice){"" literal, sizeof(literal) - 1})
#define SLICE_NULL ((struct slice){NULL, 0})

static inline struct slice
slice_of(const void *data, size_t len)
{
	return (struct slice){data, len};
}

static inline struct slice
slice_str(const char *text)
{
	return (struct slice){text, text ? strlen(text) : 0};
}

static inline bool
slice_equal(struct slice a, struct slice b)
{
	return a.len == b.len && (a.len == 0 || !memcmp(a.data, b.data, a.len));
}

/* Order of unsigned bytes; a proper prefix comes first. */
int slice_compare(struct slice a, struct slice b);

/* ASCII letters compare without case. */
bool slice_equal_nocase(struct slice a, struct slice b);
bool slice_has_prefix(struct slice s, struct slice prefix);
bool slice_has_suffix(struct slice s, struct slice suffix);

/* The part from start on; start may not lie beyond the end. */
struct slice slice_from(struct slice s, size_t start);

/* The first len bytes, or all where there are fewer. */
struct slice slice_first(struct slice s, size_t len);

/* Without spaces and tabs at both ends. */
struct slice slice_trim(struct slice s);
/* Nor the ends of lines. */
struct slice slice_trim_lines(struct slice s);

/* Offset of the first occurrence, or -1. */
ptrdiff_t slice_find(struct slice s, struct slice wanted);
ptrdiff_t slice_find_char(struct slice s, char wanted);

/*
 * Cuts *rest at the first separator: the piece before goes to *piece, the
 * rest after it stays.  The last piece ends at the end.  False when *rest is
 * SLICE_NULL: there is no further piece.
 */
bool slice_split(struct slice *rest, char separator, struct slice *piece);

/* With a NUL; false, and nothing written, where `room` bytes are too few. */
bool slice_to_str(struct slice s, char *to, size_t room);

/*
 * A whole decimal number from 0 to max; false on anything else (empty, sign,
 * space, overflow).
 */
bool slice_to_u64(struct slice s, unsigned long max, unsigned long *out);

/*
 * Length in bytes of the UTF-8 character that s begins with; 0 where it
 * begins with none, or is empty.
 */
size_t slice_utf8_len(struct slice s);

/* True where s is well-formed UTF-8 (RFC 3629: no surrogates, no overlong). */
bool slice_is_utf8(struct slice s);
