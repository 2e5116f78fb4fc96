/* SPDX-License-Identifier: Apache-2.0 */
/*
 * meter.h - what each bucket held, hour by hour.
 *
 * An hour's sample of a bucket is what it held when the hour was sampled, soon
 * after its beginning.  One is kept only where it differs from the one before,
 * so what a bucket held in an hour is what its last sample up to then says;
 * without any it held nothing.  A bucket that was deleted has one of zeros.
 * Samples outlive their bucket and its organization, by METER_KEPT_HOURS.
 *
 * Samples that were taken before there were tiers (tier.h) say that all was
 * warm.
 *
 * Threads:   any.
 * Units:     hours since 1970-01-01 UTC; bytes.
 */
#pragma once

#include "store/bucket.h"
#include "store/organization.h"
#include "store/store.h"
#include "store/tier.h"

#define METER_KEPT_HOURS (400 * 24)

/* A bucket held so much from that hour on. */
struct meter_reading {
	char organization[ORGANIZATION_NAME_MAX + 1];
	char bucket[BUCKET_NAME_MAX + 1];
	uint64_t hour;
	uint64_t objects;
	uint64_t bytes;
	uint64_t part_bytes;	 /* of uploads not completed */
	struct tier_bytes tiers; /* of both */
};

/* The hour of a time in nanoseconds since 1970 UTC. */
uint64_t meter_hour(int64_t time_ns);

/* Samples all buckets, and removes samples that are too old, unless that hour,
 * or one after it, was sampled before: by whichever process, also if it was
 * killed halfway.  Not durable: the next checkpoint is early enough.  Many
 * small commits; hour > 0. */
must_check enum store_err meter_sample(struct store *store, uint64_t hour);

/* The first hour of which all is still known; 0: all are. */
must_check enum store_err meter_kept_from(struct store *store, uint64_t *hour);

struct meter_range {
	const char *organization; /* NULL: all */
	uint64_t from_hour;
	uint64_t to_hour; /* not itself; > from_hour */
};

/* How far a reader has come; zeros: nowhere. */
struct meter_place {
	char next[162];
	size_t len;
	bool is_end;
};

/*
 * The next readings in the range, up to max, *count of them, which may be 0
 * before the end: place->is_end tells that.  Those of a bucket are neighbours,
 * in the order of their hours, and the buckets of an organization are.  What a
 * bucket held before the range is told as of its first hour.  CORRUPT: a sample
 * is damaged; fsck removes it.
 */
must_check enum store_err meter_read(struct store *store,
	const struct meter_range *range, struct meter_place *place,
	struct meter_reading *out, size_t max, size_t *count);

/* A thread that samples each hour, once all that there is is counted by day
 * (access_day_private.h), until the store is closed.  At most once for
 * each store handle.  NO_MEMORY. */
must_check enum store_err meter_thread_start(struct store *store);
