/* SPDX-License-Identifier: Apache-2.0 */
/*
 * access_log.h - lines about requests, each on its way to the bucket that the
 * bucket it is about has named: S3's server access logs.
 *
 * As there, it is best effort: where the disk lags behind, or the target takes
 * no objects (its quota, or it is gone), lines are dropped.  They gather in
 * files of STORE/access-log, by audit.h; a file that is complete, after some
 * minutes or by its size, becomes an object of each bucket that has lines in
 * it, and what a process that was killed left behind is delivered by the next
 * one.  Objects are put by the store itself: that is no request, and no line.
 *
 * Threads:   any, also fibers; nobody waits for a disk.
 */
#pragma once

#include "store/audit.h"
#include "store/bucket.h"
#include "store/store.h"

struct access_log;

struct access_log_options {
	uint64_t file_bytes; /* 0: 8 MiB */
	int64_t file_ms;     /* 0: five minutes */
};

/* What audit_open() gives. */
must_check enum store_err access_log_open(struct store *store,
	const struct access_log_options *options, struct access_log **out);

/* Delivers what there is.  NULL is allowed. */
void access_log_close(struct access_log **log);

/* Whether the bucket wants lines about it: only then they need be made.  One
 * that cannot be read wants none. */
bool access_log_is_wanted(struct access_log *log, const struct bucket *bucket);

/* A line about the bucket and what happened then, without its end; no line feed
 * in it. */
void access_log_append(struct access_log *log, const struct bucket *bucket,
	int64_t time_ns, struct slice line);
