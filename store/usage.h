/* SPDX-License-Identifier: Apache-2.0 */
/*
 * usage.h - what buckets and organizations hold, and how much they may.
 *
 * Counted are the objects that S3 sees, with their sizes as of the last
 * publication, and the parts of uploads that are not completed.  The counters
 * are part of each change, so they are right at every commit; a change that
 * would make them exceed a quota is not made (QUOTA).  What makes nothing
 * larger is never refused.
 *
 * A file that is written through a mount is counted when it is published: it
 * may exceed a quota by what is written while it is open.  That stays, and
 * whoever changes a file is told at fsync(2) and close(2) while more is kept
 * than may be; none can be made, or be made longer, until there is room.
 *
 * Threads:   any.
 */
#pragma once

#include "store/store.h"

/* Of an organization that was given no quota: 30 TB. */
#define USAGE_ORGANIZATION_BYTES 30000000000000ull

struct usage_quota {
	uint64_t objects; /* 0: no limit */
	uint64_t bytes;	  /* 0: no limit */
};

struct usage {
	uint64_t objects;
	uint64_t bytes;
	uint64_t part_bytes; /* of uploads not completed; count as bytes */
	struct usage_quota quota;
};

/* NO_BUCKET */
must_check enum store_err usage_of_bucket(struct store *store, uint64_t bucket,
	struct usage *out);
/* Zeros for one that nobody knows. */
must_check enum store_err usage_of_organization(struct store *store,
	struct slice organization, struct usage *out);

/* Durable; may be below what there is: then nothing more comes in.
 * NO_BUCKET. */
must_check enum store_err usage_set_bucket_quota(struct store *store,
	uint64_t bucket, const struct usage_quota *quota);
/* NO_ORGANIZATION; INVALID: a name of no or of over 63 bytes. */
must_check enum store_err usage_set_organization_quota(struct store *store,
	struct slice organization, const struct usage_quota *quota);

/* Whether so many bytes more would be too much now: said before a body comes
 * rather than after it.  QUOTA. */
must_check enum store_err usage_check_room(struct store *store, uint64_t bucket,
	uint64_t bytes);

/* Whether it holds more than it may.  QUOTA. */
must_check enum store_err usage_check_kept(struct store *store,
	uint64_t bucket);

/* How many bytes and objects the bucket's quotas leave; UINT64_MAX: no
 * limit. */
must_check enum store_err usage_left(struct store *store, uint64_t bucket,
	struct usage_quota *out);
