/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clock.h - what time it is, and times as text.
 *
 * Times of day are nanoseconds since 1970-01-01 UTC in an int64_t; deadlines
 * are milliseconds of the monotonic clock.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "store/base/slice.h"

#define CLOCK_NS_PER_S 1000000000ll
#define CLOCK_NS_PER_DAY (86400 * CLOCK_NS_PER_S)

int64_t clock_now_ns(void);
/* What the kernel stamps files with: the time of day in ticks of some
 * milliseconds.  A file is never given an earlier time than this was. */
int64_t clock_stamp_ns(void);
/* The day of a time of day, counted from 1970-01-01 UTC; 0 also before it. */
uint32_t clock_day(int64_t time_ns);
int64_t clock_monotonic_ms(void);
int64_t clock_monotonic_ns(void);

/* For system calls: the nanoseconds are from 0 on, also before 1970. */
struct timespec clock_to_timespec(int64_t time_ns);

/* "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 7231 IMF-fixdate), 29 and a NUL. */
void clock_to_http(int64_t time_ns, char to[30]);
/*
 * Any of the three forms of RFC 7231 §7.1.1.1.  Here and below, a time that
 * an int64_t cannot hold (before 1678, after 2261) becomes INT64_MIN or
 * INT64_MAX, and on false *time_ns is as before.
 */
bool clock_from_http(struct slice text, int64_t *time_ns);
/* "2026-11-21T20:18:00.000Z", 24 and a NUL. */
void clock_to_iso8601(int64_t time_ns, char to[25]);
/* With or without a fraction; in UTC ("Z") alone. */
bool clock_from_iso8601(struct slice text, int64_t *time_ns);
/* "20261121T201800Z", 16 and a NUL: SigV4's. */
void clock_to_basic(int64_t time_ns, char to[17]);
bool clock_from_basic(struct slice text, int64_t *time_ns);
