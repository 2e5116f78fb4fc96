/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tier.h - what a bucket holds, by when it was accessed last.
 *
 * A tier is what a byte is billed as, and nothing else: data does not move and
 * is read from all tiers alike.  An object is accessed when it is made, when
 * S3 reads its bytes, and while it is open on a mount (last_access.h); its tier
 * follows from the days since then.  Parts of uploads that are not completed
 * are hot.
 *
 * In a store that was made before there were tiers, what has not been counted
 * yet (access_day_private.h) is warm.
 *
 * Threads:   any.
 * Units:     days since 1970-01-01 UTC (clock_day()); bytes.
 */
#pragma once

#include "store/store.h"

enum tier {
	TIER_HOT,
	TIER_WARM,
	TIER_COLD,
	TIER_ARCHIVE, /* where the bucket has one */
};
#define TIERS 4

/* The first day since the access that is no longer of the tier before. */
#define TIER_WARM_DAYS 7
#define TIER_COLD_DAYS 30
#define TIER_ARCHIVE_DAYS_MIN 60
#define TIER_ARCHIVE_DAYS_MAX 36500

struct tier_bytes {
	uint64_t of[TIERS];
};

/* "hot" */
const char *tier_name(enum tier tier);

uint64_t tier_sum(const struct tier_bytes *bytes);

/* As of that day: the sum is that of bytes and part_bytes of
 * usage_of_bucket().  NO_BUCKET. */
must_check enum store_err tier_of_bucket(struct store *store, uint64_t bucket,
	uint32_t today, struct tier_bytes *out);

/* After how many days without access an object counts as archived; 0: never.
 * CORRUPT. */
must_check enum store_err tier_archive_days(struct store *store,
	uint64_t bucket, uint32_t *days);
/* Durable.  INVALID: neither 0 nor in the range.  NO_BUCKET. */
must_check enum store_err tier_set_archive_days(struct store *store,
	uint64_t bucket, uint32_t days);
