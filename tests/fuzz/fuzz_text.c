/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The small parsers of store/base: hexadecimal, base64, percent encoding,
 * dates, numbers, UTF-8.  What one of them accepts must come back the same
 * after being written and read again.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "store/base/clock.h"
#include "store/base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
try_hex(struct slice text)
{
	size_t len = text.len / 2;
	uint8_t *bytes = malloc(len ? len : 1);
	char *again = malloc(TEXT_HEX_LEN(len) + 1);

	if (text_from_hex(text, bytes, len)) {
		text_to_hex(bytes, len, again);
		assert(slice_equal_nocase(text, slice_str(again)));
	}
	free(again);
	free(bytes);
}

/* There is but one text for given bytes, so it must be the same text. */
static void
try_base64(struct slice text, size_t room)
{
	size_t len = room;
	uint8_t *bytes = malloc(room ? room : 1);
	char *again = malloc(TEXT_BASE64_LEN(room) + 1);

	if (text_from_base64(text, bytes, &len)) {
		assert(len <= room);
		text_to_base64(bytes, len, again);
		assert(slice_equal(text, slice_str(again)));
	} else {
		assert(len == room);
	}
	free(again);
	free(bytes);
}

static void
try_percent(struct slice text, bool plus_is_space)
{
	scoped(buffer_free) struct buffer plain = {0};
	scoped(buffer_free) struct buffer encoded = {0};
	scoped(buffer_free) struct buffer again = {0};

	if (!text_percent_decode(&plain, text, plus_is_space)) {
		assert(plain.len == 0);
		return;
	}
	text_percent_encode(&encoded, buffer_slice(&plain), plus_is_space);
	assert(text_percent_decode(&again, buffer_slice(&encoded), true));
	assert(slice_equal(buffer_slice(&plain), buffer_slice(&again)));
}

/* A time is cut to what the form holds, which is no later, and stays there. */
static void
expect_cut(bool is_read, int64_t again, int64_t time_ns, int64_t unit_ns)
{
	assert(is_read);
	/* The earliest time held is in a second that is not held whole. */
	if (time_ns < INT64_MIN + CLOCK_NS_PER_S)
		return;
	assert(again <= time_ns || time_ns == INT64_MAX);
	assert(time_ns - again < unit_ns || again == INT64_MAX);
}

static void
try_clock(struct slice text)
{
	char http[30];
	char iso[25];
	char basic[17];
	int64_t time_ns;
	int64_t again = 0;
	bool is_read;

	if (!clock_from_http(text, &time_ns) &&
		!clock_from_iso8601(text, &time_ns) &&
		!clock_from_basic(text, &time_ns))
		return;
	clock_to_http(time_ns, http);
	is_read = clock_from_http(slice_str(http), &again);
	expect_cut(is_read, again, time_ns, CLOCK_NS_PER_S);
	clock_to_basic(time_ns, basic);
	is_read = clock_from_basic(slice_str(basic), &again);
	expect_cut(is_read, again, time_ns, CLOCK_NS_PER_S);
	clock_to_iso8601(time_ns, iso);
	is_read = clock_from_iso8601(slice_str(iso), &again);
	expect_cut(is_read, again, time_ns, CLOCK_NS_PER_S / 1000);
}

static void
try_slice(struct slice text)
{
	struct slice rest = text;
	struct slice piece;
	unsigned long number;
	size_t total = 0;

	if (slice_to_u64(text, UINT32_MAX, &number))
		assert(number <= UINT32_MAX);
	while (slice_split(&rest, ',', &piece))
		total += piece.len + 1;
	assert(!text.data || total == text.len + 1);
	if (slice_is_utf8(text))
		for (rest = text; rest.len;)
			rest = slice_from(rest, slice_utf8_len(rest));
	assert(slice_trim(text).len <= text.len);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Of its own, so that a byte read beyond the end is noticed. */
	char *copy = malloc(size ? size : 1);
	struct slice text = slice_of(copy, size);

	if (size)
		memcpy(copy, data, size);
	try_hex(text);
	try_base64(text, size);
	try_base64(text, size ? data[0] % 8u : 0);
	try_percent(text, true);
	try_percent(text, false);
	try_clock(text);
	try_slice(text);
	free(copy);
	return 0;
}
