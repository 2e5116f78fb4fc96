/* SPDX-License-Identifier: Apache-2.0 */
#include "store/base/clock.h"

#include <string.h>
#include <time.h>

/* What an int64_t of nanoseconds can hold: some of 1677 to some of 2262. */
#define CLOCK_S_MAX (INT64_MAX / CLOCK_NS_PER_S - 1)
#define CLOCK_S_MIN (INT64_MIN / CLOCK_NS_PER_S + 1)

static const char *const day_names[] = {"Sunday", "Monday", "Tuesday",
	"Wednesday", "Thursday", "Friday", "Saturday"};
static const char *const month_names[] = {"Jan", "Feb", "Mar", "Apr", "May",
	"Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

static int64_t
now_ns(clockid_t id)
{
	struct timespec now;

	/* It cannot fail for a clock that every Linux has. */
	clock_gettime(id, &now);
	return now.tv_sec * CLOCK_NS_PER_S + now.tv_nsec;
}

int64_t
clock_now_ns(void)
{
	return now_ns(CLOCK_REALTIME);
}

int64_t
clock_stamp_ns(void)
{
	return now_ns(CLOCK_REALTIME_COARSE);
}

uint32_t
clock_day(int64_t time_ns)
{
	return time_ns > 0 ? (uint32_t)(time_ns / CLOCK_NS_PER_DAY) : 0;
}

int64_t
clock_monotonic_ns(void)
{
	return now_ns(CLOCK_MONOTONIC);
}

int64_t
clock_monotonic_ms(void)
{
	return clock_monotonic_ns() / 1000000;
}

struct timespec
clock_to_timespec(int64_t time_ns)
{
	struct timespec time = {
		.tv_sec = time_ns / CLOCK_NS_PER_S,
		.tv_nsec = time_ns % CLOCK_NS_PER_S,
	};

	if (time.tv_nsec < 0) {
		time.tv_nsec += CLOCK_NS_PER_S;
		time.tv_sec--;
	}
	return time;
}

/* Returns the nanoseconds within the second. */
static int64_t
split(int64_t time_ns, struct tm *parts)
{
	struct timespec time = clock_to_timespec(time_ns);

	gmtime_r(&time.tv_sec, parts);
	return time.tv_nsec;
}

/* Without snprintf(3), which took a fifth of a listing's time.  Gives where
 * the next goes. */
static char *
put_number(char *to, int number, int digits)
{
	for (int i = digits - 1; i >= 0; i--) {
		to[i] = (char)('0' + number % 10);
		number /= 10;
	}
	return to + digits;
}

static char *
put_text(char *to, const char *text, size_t len)
{
	memcpy(to, text, len);
	return to + len;
}

static char *
put_date(char *to, const struct tm *parts, const char *between)
{
	size_t len = strlen(between);

	to = put_number(to, parts->tm_year + 1900, 4);
	to = put_text(to, between, len);
	to = put_number(to, parts->tm_mon + 1, 2);
	to = put_text(to, between, len);
	return put_number(to, parts->tm_mday, 2);
}

static char *
put_time(char *to, const struct tm *parts, const char *between)
{
	size_t len = strlen(between);

	to = put_number(to, parts->tm_hour, 2);
	to = put_text(to, between, len);
	to = put_number(to, parts->tm_min, 2);
	to = put_text(to, between, len);
	return put_number(to, parts->tm_sec, 2);
}

void
clock_to_http(int64_t time_ns, char to[30])
{
	struct tm parts;

	split(time_ns, &parts);
	to = put_text(to, day_names[parts.tm_wday], 3);
	to = put_text(to, ", ", 2);
	to = put_number(to, parts.tm_mday, 2);
	to = put_text(to, " ", 1);
	to = put_text(to, month_names[parts.tm_mon], 3);
	to = put_text(to, " ", 1);
	to = put_number(to, parts.tm_year + 1900, 4);
	to = put_text(to, " ", 1);
	to = put_time(to, &parts, ":");
	(void)put_text(to, " GMT", sizeof(" GMT"));
}

void
clock_to_iso8601(int64_t time_ns, char to[25])
{
	struct tm parts;
	int64_t ns = split(time_ns, &parts);

	to = put_date(to, &parts, "-");
	to = put_text(to, "T", 1);
	to = put_time(to, &parts, ":");
	to = put_text(to, ".", 1);
	to = put_number(to, (int)(ns / 1000000), 3);
	(void)put_text(to, "Z", sizeof("Z"));
}

void
clock_to_basic(int64_t time_ns, char to[17])
{
	struct tm parts;

	split(time_ns, &parts);
	to = put_date(to, &parts, "");
	to = put_text(to, "T", 1);
	to = put_time(to, &parts, "");
	(void)put_text(to, "Z", sizeof("Z"));
}

/* What is left of a text; has_failed stays set. */
struct parser {
	struct slice rest;
	bool has_failed;
};

static bool
skip(struct parser *parser, const char *literal)
{
	struct slice wanted = slice_str(literal);

	if (parser->has_failed || !slice_has_prefix(parser->rest, wanted)) {
		parser->has_failed = true;
		return false;
	}
	parser->rest = slice_from(parser->rest, wanted.len);
	return true;
}

/* Exactly so many digits. */
static int
number(struct parser *parser, size_t digits)
{
	unsigned long value;

	if (parser->has_failed || parser->rest.len < digits ||
		!slice_to_u64(slice_first(parser->rest, digits), 9999,
			&value)) {
		parser->has_failed = true;
		return 0;
	}
	parser->rest = slice_from(parser->rest, digits);
	return (int)value;
}

/* 0 to 11. */
static int
month(struct parser *parser)
{
	for (int i = 0; i < 12; i++) {
		struct slice name = slice_str(month_names[i]);

		if (slice_has_prefix(parser->rest, name)) {
			skip(parser, month_names[i]);
			return i;
		}
	}
	parser->has_failed = true;
	return 0;
}

static void
time_of_day(struct parser *parser, struct tm *parts)
{
	parts->tm_hour = number(parser, 2);
	skip(parser, ":");
	parts->tm_min = number(parser, 2);
	skip(parser, ":");
	parts->tm_sec = number(parser, 2);
}

static int
days_of_month(int year, int month_index)
{
	static const int days[] = {
		31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return days[month_index] + (month_index == 1 && is_leap);
}

/* Where parts is a time that exists: timegm() would make one of anything. */
static bool
join(const struct tm *given, int64_t ns, int64_t *time_ns)
{
	struct tm parts = *given;
	int64_t seconds;

	if (parts.tm_mon < 0 || parts.tm_mon > 11 || parts.tm_mday < 1 ||
		parts.tm_mday >
			days_of_month(parts.tm_year + 1900, parts.tm_mon) ||
		parts.tm_hour > 23 || parts.tm_min > 59 ||
		parts.tm_sec > 60) /* 60: a leap second */
		return false;
	seconds = timegm(&parts);
	if (seconds > CLOCK_S_MAX)
		*time_ns = INT64_MAX;
	else if (seconds < CLOCK_S_MIN)
		*time_ns = INT64_MIN;
	else
		*time_ns = seconds * CLOCK_NS_PER_S + ns;
	return true;
}

/* Sun, 06 Nov 1994 08:49:37 GMT */
static bool
from_imf(struct slice rest, struct tm *parts)
{
	struct parser parser = {.rest = rest};

	skip(&parser, ", ");
	parts->tm_mday = number(&parser, 2);
	skip(&parser, " ");
	parts->tm_mon = month(&parser);
	skip(&parser, " ");
	parts->tm_year = number(&parser, 4) - 1900;
	skip(&parser, " ");
	time_of_day(&parser, parts);
	skip(&parser, " GMT");
	return !parser.has_failed && parser.rest.len == 0;
}

/* A year that seems over 50 years ahead is past: RFC 7231 §7.1.1.1. */
static int
full_year(int two)
{
	struct tm now;
	int year;

	split(clock_now_ns(), &now);
	year = now.tm_year - now.tm_year % 100 + two;
	return year > now.tm_year + 50 ? year - 100 : year;
}

/* Sunday, 06-Nov-94 08:49:37 GMT */
static bool
from_rfc850(struct slice rest, struct tm *parts)
{
	struct parser parser = {.rest = rest};

	skip(&parser, ", ");
	parts->tm_mday = number(&parser, 2);
	skip(&parser, "-");
	parts->tm_mon = month(&parser);
	skip(&parser, "-");
	parts->tm_year = full_year(number(&parser, 2));
	skip(&parser, " ");
	time_of_day(&parser, parts);
	skip(&parser, " GMT");
	return !parser.has_failed && parser.rest.len == 0;
}

/* Sun Nov  6 08:49:37 1994 */
static bool
from_asctime(struct slice rest, struct tm *parts)
{
	struct parser parser = {.rest = rest};

	skip(&parser, " ");
	parts->tm_mon = month(&parser);
	skip(&parser, " ");
	if (slice_has_prefix(parser.rest, SLICE(" "))) {
		skip(&parser, " ");
		parts->tm_mday = number(&parser, 1);
	} else {
		parts->tm_mday = number(&parser, 2);
	}
	skip(&parser, " ");
	time_of_day(&parser, parts);
	skip(&parser, " ");
	parts->tm_year = number(&parser, 4) - 1900;
	return !parser.has_failed && parser.rest.len == 0;
}

bool
clock_from_http(struct slice text, int64_t *time_ns)
{
	struct tm parts = {0};

	for (size_t i = 0; i < 7; i++) {
		struct slice name = slice_str(day_names[i]);

		if (slice_has_prefix(text, name))
			return from_rfc850(slice_from(text, name.len),
				       &parts) &&
			       join(&parts, 0, time_ns);
		if (slice_has_prefix(text, slice_first(name, 3))) {
			text = slice_from(text, 3);
			return (from_imf(text, &parts) ||
				       from_asctime(text, &parts)) &&
			       join(&parts, 0, time_ns);
		}
	}
	return false;
}

/* ".123": what is finer than a nanosecond is dropped. */
static int64_t
fraction(struct parser *parser)
{
	int64_t ns = 0;
	int64_t unit = CLOCK_NS_PER_S / 10;

	skip(parser, ".");
	do {
		ns += unit * number(parser, 1);
		unit /= 10;
	} while (parser->rest.len && parser->rest.data[0] != 'Z' &&
		 !parser->has_failed);
	return ns;
}

bool
clock_from_iso8601(struct slice text, int64_t *time_ns)
{
	struct parser parser = {.rest = text};
	struct tm parts = {0};
	int64_t ns = 0;

	parts.tm_year = number(&parser, 4) - 1900;
	skip(&parser, "-");
	parts.tm_mon = number(&parser, 2) - 1;
	skip(&parser, "-");
	parts.tm_mday = number(&parser, 2);
	skip(&parser, "T");
	time_of_day(&parser, &parts);
	if (slice_has_prefix(parser.rest, SLICE(".")))
		ns = fraction(&parser);
	skip(&parser, "Z");
	return !parser.has_failed && parser.rest.len == 0 &&
	       join(&parts, ns, time_ns);
}

bool
clock_from_basic(struct slice text, int64_t *time_ns)
{
	struct parser parser = {.rest = text};
	struct tm parts = {0};

	parts.tm_year = number(&parser, 4) - 1900;
	parts.tm_mon = number(&parser, 2) - 1;
	parts.tm_mday = number(&parser, 2);
	skip(&parser, "T");
	parts.tm_hour = number(&parser, 2);
	parts.tm_min = number(&parser, 2);
	parts.tm_sec = number(&parser, 2);
	skip(&parser, "Z");
	return !parser.has_failed && parser.rest.len == 0 &&
	       join(&parts, 0, time_ns);
}
