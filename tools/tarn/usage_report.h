/* SPDX-License-Identifier: Apache-2.0 */
/*
 * usage_report.h - what organizations and their buckets hold now.
 */
#pragma once

#include "store/bucket.h"
#include "store/tier.h"
#include "store/usage.h"

struct usage_line {
	struct bucket bucket;
	struct usage usage;
	struct tier_bytes tiers; /* of bytes with those of parts */
};

struct usage_organization {
	char name[sizeof(((struct bucket *)0)->owner)];
	struct usage usage;
	struct tier_bytes tiers;
	size_t first; /* of its buckets' lines */
	size_t end;   /* not one of them */
};

struct usage_report {
	struct usage_line *lines; /* by organization, then bucket */
	size_t count;
	struct usage_organization *organizations;
	size_t organization_count;
};

/* organization NULL: of all that have a bucket.  NO_ORGANIZATION.  Freed by
 * usage_report_free(), also after a failure. */
must_check enum store_err usage_report_gather(struct store *store,
	const char *organization, struct usage_report *out);
void usage_report_free(struct usage_report *report);
