/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <time.h>

#include "store/base/clock.h"
#include "store/base/compiler.h"

#define SECONDS(n) ((n)*CLOCK_NS_PER_S)
#define RFC_TIME SECONDS(784111777) /* Sun, 06 Nov 1994 08:49:37 GMT */

static void
expect_none(bool (*parse)(struct slice, int64_t *), const char *const *texts,
	size_t count)
{
	for (size_t i = 0; i < count; i++) {
		int64_t time_ns = 7;

		cr_expect(not(parse(slice_str(texts[i]), &time_ns)), "\"%s\"",
			texts[i]);
		cr_expect(eq(i64, time_ns, 7));
	}
}

Test(clock, now_is_what_the_kernel_says)
{
	int64_t before = (int64_t)time(NULL);
	int64_t now = clock_now_ns();
	int64_t after = (int64_t)time(NULL);

	/* time() may lag by a tick of the kernel. */
	cr_expect(ge(i64, now, SECONDS(before - 1)));
	cr_expect(le(i64, now, SECONDS(after + 2)));
}

Test(clock, monotonic_time_does_not_go_back)
{
	int64_t last = clock_monotonic_ns();

	for (int i = 0; i < 10000; i++) {
		int64_t now = clock_monotonic_ns();

		cr_assert(ge(i64, now, last));
		last = now;
	}
	cr_expect(ge(i64, clock_monotonic_ms(), last / 1000000));
}

Test(clock, a_timespec_has_no_negative_nanoseconds)
{
	struct timespec before = clock_to_timespec(-1);
	struct timespec first = clock_to_timespec(INT64_MIN);
	struct timespec after = clock_to_timespec(3 * CLOCK_NS_PER_S + 2);

	cr_expect(eq(i64, before.tv_sec, -1));
	cr_expect(eq(i64, before.tv_nsec, 999999999));
	cr_expect(eq(i64, first.tv_sec, -9223372037));
	cr_expect(eq(i64, first.tv_nsec, 145224192));
	cr_expect(eq(i64, after.tv_sec, 3));
	cr_expect(eq(i64, after.tv_nsec, 2));
}

Test(clock, http_dates_are_written_as_imf_fixdate)
{
	char to[30];

	clock_to_http(RFC_TIME, to);
	cr_expect(eq(str, to, "Sun, 06 Nov 1994 08:49:37 GMT"));
	clock_to_http(0, to);
	cr_expect(eq(str, to, "Thu, 01 Jan 1970 00:00:00 GMT"));
}

Test(clock, each_of_the_three_http_forms_is_read)
{
	static const char *const forms[] = {"Sun, 06 Nov 1994 08:49:37 GMT",
		"Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"};

	for (size_t i = 0; i < array_len(forms); i++) {
		int64_t time_ns = 0;

		cr_expect(clock_from_http(slice_str(forms[i]), &time_ns));
		cr_expect(eq(i64, time_ns, RFC_TIME));
	}
}

Test(clock, asctime_days_of_two_digits_are_read)
{
	int64_t time_ns = 0;

	cr_expect(clock_from_http(SLICE("Wed Nov 16 08:49:37 1994"), &time_ns));
	cr_expect(eq(i64, time_ns, RFC_TIME + SECONDS(864000)));
}

/* RFC 7231 §7.1.1.1: what appears over 50 years ahead is past. */
Test(clock, a_two_digit_year_is_no_more_than_fifty_years_ahead)
{
	for (int year = 0; year < 100; year++) {
		time_t now = time(NULL);
		struct tm parts;
		int64_t time_ns = 0;
		time_t seconds;
		char text[40];
		int difference;

		snprintf(text, sizeof(text), "Monday, 15-Jun-%02d 00:00:00 GMT",
			year);
		cr_assert(clock_from_http(slice_str(text), &time_ns));

		gmtime_r(&now, &parts);
		difference = parts.tm_year;
		seconds = (time_ns - (time_ns < 0)) / CLOCK_NS_PER_S;
		gmtime_r(&seconds, &parts);
		difference = parts.tm_year - difference;
		cr_expect(eq(int, parts.tm_year % 100, year));
		cr_expect(le(int, difference, 50));
		cr_expect(gt(int, difference, -100));
	}
}

Test(clock, what_is_no_http_date_is_refused)
{
	static const char *const bad[] = {"", "Sun", "Sun,", "Sunday",
		"Sunday, ", "Xxx, 06 Nov 1994 08:49:37 GMT",
		"sun, 06 Nov 1994 08:49:37 GMT", "Sun, 6 Nov 1994 08:49:37 GMT",
		"Sun, 06 nov 1994 08:49:37 GMT", "Sun, 06 Nov 94 08:49:37 GMT",
		"Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 UTC",
		"Sun, 06 Nov 1994 08:49:37 GMT ",
		"Sun, 06 Nov 1994 24:00:00 GMT",
		"Sun, 06 Nov 1994 23:60:00 GMT",
		"Sun, 06 Nov 1994 23:59:61 GMT",
		"Sun, 00 Nov 1994 08:49:37 GMT",
		"Sun, 31 Nov 1994 08:49:37 GMT",
		"Sun, 29 Feb 1994 08:49:37 GMT",
		"Sun, 29 Feb 1900 08:49:37 GMT",
		"Sun, -6 Nov 1994 08:49:37 GMT",
		"Sun, 06 Nov 1994 +8:49:37 GMT",
		"Sunday, 06-Nov-1994 08:49:37 GMT",
		"Sunday, 31-Nov-94 08:49:37 GMT", "Sun Nov 6 08:49:37 1994",
		"Sun Nov  6 08:49:37 1994 GMT", "Sun Nov 31 08:49:37 1994",
		"Sun Nov  0 08:49:37 1994", "Sun Nov  6 08:49:37 94",
		"784111777"};

	expect_none(clock_from_http, bad, array_len(bad));
}

Test(clock, iso_8601_times_have_milliseconds)
{
	char to[25];

	clock_to_iso8601(RFC_TIME + 123999999, to);
	cr_expect(eq(str, to, "1994-11-06T08:49:37.123Z"));
	clock_to_iso8601(0, to);
	cr_expect(eq(str, to, "1970-01-01T00:00:00.000Z"));
}

Test(clock, times_before_1970_are_written_right)
{
	char iso[25];
	char basic[17];

	clock_to_iso8601(-1, iso);
	clock_to_basic(-SECONDS(86400) + 1, basic);

	cr_expect(eq(str, iso, "1969-12-31T23:59:59.999Z"));
	cr_expect(eq(str, basic, "19691231T000000Z"));
}

Test(clock, iso_8601_is_read_with_and_without_a_fraction)
{
	static const struct {
		const char *text;
		int64_t ns;
	} cases[] = {
		{"1994-11-06T08:49:37Z", 0},
		{"1994-11-06T08:49:37.5Z", 500000000},
		{"1994-11-06T08:49:37.123Z", 123000000},
		{"1994-11-06T08:49:37.000000001Z", 1},
		{"1994-11-06T08:49:37.1234567899999Z", 123456789},
	};

	for (size_t i = 0; i < array_len(cases); i++) {
		int64_t time_ns = 0;

		cr_expect(clock_from_iso8601(slice_str(cases[i].text),
			&time_ns));
		cr_expect(eq(i64, time_ns, RFC_TIME + cases[i].ns));
	}
}

Test(clock, the_29th_of_february_exists_in_leap_years_only)
{
	int64_t time_ns;

	cr_expect(clock_from_iso8601(SLICE("2024-02-29T00:00:00Z"), &time_ns));
	cr_expect(clock_from_iso8601(SLICE("2000-02-29T00:00:00Z"), &time_ns));
	cr_expect(not(clock_from_iso8601(SLICE("2023-02-29T00:00:00Z"),
		&time_ns)));
	cr_expect(not(clock_from_iso8601(SLICE("2100-02-29T00:00:00Z"),
		&time_ns)));
}

Test(clock, a_leap_second_is_the_next_minute)
{
	int64_t leap = 0;
	int64_t next = 1;

	cr_expect(clock_from_iso8601(SLICE("2016-12-31T23:59:60Z"), &leap));
	cr_expect(clock_from_iso8601(SLICE("2017-01-01T00:00:00Z"), &next));
	cr_expect(eq(i64, leap, next));
}

Test(clock, what_is_no_iso_8601_time_in_utc_is_refused)
{
	static const char *const bad[] = {"", "1994", "1994-11-06",
		"1994-11-06T08:49:37", "1994-11-06T08:49Z",
		"1994-11-06 08:49:37Z", "1994-11-06t08:49:37Z",
		"1994-11-06T08:49:37z", "1994-11-06T08:49:37+00:00",
		"1994-11-06T08:49:37.Z", "1994-11-06T08:49:37.",
		"1994-11-06T08:49:37.5", "1994-11-06T08:49:37.-5Z",
		"1994-11-06T08:49:37.5ZZ", "1994-11-06T08:49:37Z ",
		"1994-00-06T08:49:37Z", "1994-13-06T08:49:37Z",
		"1994-11-00T08:49:37Z", "1994-11-31T08:49:37Z",
		"1994-11-06T24:49:37Z", "1994-11-06T08:60:37Z",
		"1994-11-06T08:49:61Z", "94-11-06T08:49:37Z",
		"+994-11-06T08:49:37Z", "19941106T084937Z"};

	expect_none(clock_from_iso8601, bad, array_len(bad));
}

Test(clock, times_beyond_the_range_become_the_nearest_that_is_held)
{
	int64_t past = 0;
	int64_t future = 0;
	char text[25];

	cr_expect(clock_from_iso8601(SLICE("0001-01-01T00:00:00Z"), &past));
	cr_expect(clock_from_iso8601(SLICE("9999-12-31T23:59:59Z"), &future));
	cr_expect(eq(i64, past, INT64_MIN));
	cr_expect(eq(i64, future, INT64_MAX));

	clock_to_iso8601(past, text);
	cr_expect(eq(str, text, "1677-09-21T00:12:43.145Z"));
	clock_to_iso8601(future, text);
	cr_expect(eq(str, text, "2262-04-11T23:47:16.854Z"));
}

Test(clock, basic_times_are_written_and_read)
{
	int64_t time_ns = 0;
	char to[17];

	clock_to_basic(RFC_TIME + 999999999, to);

	cr_expect(eq(str, to, "19941106T084937Z"));
	cr_expect(clock_from_basic(slice_str(to), &time_ns));
	cr_expect(eq(i64, time_ns, RFC_TIME));
}

Test(clock, what_is_no_basic_time_is_refused)
{
	static const char *const bad[] = {"", "19941106T084937",
		"19941106 084937Z", "19941106T084937ZZ", "19941306T084937Z",
		"19941131T084937Z", "19941106T240000Z", "19941106T006000Z",
		"19941106T000061Z", "1994110T6084937Z", "19941106T0849 7Z",
		"1994-11-06T08:49:37Z"};

	expect_none(clock_from_basic, bad, array_len(bad));
}

Test(clock, every_week_of_five_centuries_comes_back_from_each_form)
{
	for (int64_t day = -106000; day < 106000; day += 7) {
		int64_t expected = SECONDS(day * 86400 + day % 86399);
		char http[30];
		char iso[25];
		char basic[17];
		int64_t from[3] = {0};

		clock_to_http(expected, http);
		clock_to_iso8601(expected, iso);
		clock_to_basic(expected, basic);
		cr_assert(clock_from_http(slice_str(http), &from[0]));
		cr_assert(clock_from_iso8601(slice_str(iso), &from[1]));
		cr_assert(clock_from_basic(slice_str(basic), &from[2]));
		for (size_t i = 0; i < 3; i++)
			cr_assert(eq(i64, from[i], expected));
	}
}
