/* SPDX-License-Identifier: Apache-2.0 */
#include "store/base/slice.h"

#include <assert.h>
#include <stdint.h>

int
slice_compare(struct slice a, struct slice b)
{
	size_t common = a.len < b.len ? a.len : b.len;
	int order = common ? memcmp(a.data, b.data, common) : 0;

	if (order)
		return order;
	return (a.len > b.len) - (a.len < b.len);
}

/* Not tolower(): it depends on the locale. */
static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool
slice_equal_nocase(struct slice a, struct slice b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++)
		if (lower(a.data[i]) != lower(b.data[i]))
			return false;
	return true;
}

bool
slice_has_prefix(struct slice s, struct slice prefix)
{
	return s.len >= prefix.len &&
	       slice_equal(slice_first(s, prefix.len), prefix);
}

bool
slice_has_suffix(struct slice s, struct slice suffix)
{
	return s.len >= suffix.len &&
	       slice_equal(slice_from(s, s.len - suffix.len), suffix);
}

struct slice
slice_from(struct slice s, size_t start)
{
	assert(start <= s.len);
	if (start == 0)
		return s;
	return slice_of(s.data + start, s.len - start);
}

struct slice
slice_first(struct slice s, size_t len)
{
	return slice_of(s.data, len < s.len ? len : s.len);
}

static struct slice
trim(struct slice s, const char *what)
{
	while (s.len && s.data[0] && strchr(what, s.data[0]))
		s = slice_from(s, 1);
	while (s.len && s.data[s.len - 1] && strchr(what, s.data[s.len - 1]))
		s.len--;
	return s;
}

struct slice
slice_trim(struct slice s)
{
	return trim(s, " \t");
}

struct slice
slice_trim_lines(struct slice s)
{
	return trim(s, " \t\r\n");
}

ptrdiff_t
slice_find(struct slice s, struct slice wanted)
{
	const char *found;

	if (wanted.len == 0)
		return 0;
	if (s.len < wanted.len)
		return -1;
	found = memmem(s.data, s.len, wanted.data, wanted.len);
	return found ? found - s.data : -1;
}

ptrdiff_t
slice_find_char(struct slice s, char wanted)
{
	const char *found = s.len ? memchr(s.data, wanted, s.len) : NULL;

	return found ? found - s.data : -1;
}

bool
slice_split(struct slice *rest, char separator, struct slice *piece)
{
	ptrdiff_t at;

	if (!rest->data)
		return false;
	at = slice_find_char(*rest, separator);
	if (at < 0) {
		*piece = *rest;
		*rest = SLICE_NULL;
		return true;
	}
	*piece = slice_first(*rest, (size_t)at);
	*rest = slice_from(*rest, (size_t)at + 1);
	return true;
}

bool
slice_to_str(struct slice s, char *to, size_t room)
{
	if (s.len >= room)
		return false;
	if (s.len > 0)
		memcpy(to, s.data, s.len);
	to[s.len] = '\0';
	return true;
}

bool
slice_to_u64(struct slice s, unsigned long max, unsigned long *out)
{
	unsigned long value = 0;

	if (s.len == 0)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		if (s.data[i] < '0' || s.data[i] > '9')
			return false;
		if (__builtin_mul_overflow(value, 10ul, &value) ||
			__builtin_add_overflow(value,
				(unsigned long)(s.data[i] - '0'), &value))
			return false;
	}
	if (value > max)
		return false;
	*out = value;
	return true;
}

/*
 * The bounds of the second byte are where overlong forms, surrogates and
 * values beyond U+10FFFF are told apart (RFC 3629 §4).
 */
size_t
slice_utf8_len(struct slice s)
{
	static const struct {
		uint8_t first_min, first_max, second_min, second_max, len;
	} forms[] = {
		{0xc2, 0xdf, 0x80, 0xbf, 2},
		{0xe0, 0xe0, 0xa0, 0xbf, 3},
		{0xe1, 0xec, 0x80, 0xbf, 3},
		{0xed, 0xed, 0x80, 0x9f, 3},
		{0xee, 0xef, 0x80, 0xbf, 3},
		{0xf0, 0xf0, 0x90, 0xbf, 4},
		{0xf1, 0xf3, 0x80, 0xbf, 4},
		{0xf4, 0xf4, 0x80, 0x8f, 4},
	};
	const uint8_t *bytes = (const uint8_t *)s.data;
	size_t form = 0;

	if (s.len == 0)
		return 0;
	if (bytes[0] < 0x80)
		return 1;
	while (form < sizeof(forms) / sizeof(forms[0]) &&
		bytes[0] > forms[form].first_max)
		form++;
	if (form == sizeof(forms) / sizeof(forms[0]) ||
		bytes[0] < forms[form].first_min || s.len < forms[form].len ||
		bytes[1] < forms[form].second_min ||
		bytes[1] > forms[form].second_max)
		return 0;
	for (size_t i = 2; i < forms[form].len; i++)
		if ((bytes[i] & 0xc0) != 0x80)
			return 0;
	return forms[form].len;
}

bool
slice_is_utf8(struct slice s)
{
	while (s.len) {
		size_t len = slice_utf8_len(s);

		if (len == 0)
			return false;
		s = slice_from(s, len);
	}
	return true;
}
