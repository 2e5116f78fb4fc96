/* SPDX-License-Identifier: Apache-2.0 */
/*
 * usage_history.h - what organizations and their buckets held over a period,
 * and what that cost.
 *
 * An hour counts where it begins.  What was held is bytes with those of parts;
 * a GB-month is 2^30 bytes for PRICE_HOURS.
 *
 * The steps of a price table are the organization's, hour by hour: an hour
 * costs what PRICE_HOURS of such hours would, divided by as many.  So the
 * periods of a year add up to the year, and a steady amount costs what the
 * table says of a month.  What an hour of a tier costs its buckets share by
 * their bytes in it; where prices are not by tier, of all tiers alike.
 */
#pragma once

#include <stdio.h>

#include "store/store.h"
#include "tools/tarn/price.h"

enum usage_history_format {
	USAGE_HISTORY_TEXT,
	USAGE_HISTORY_JSON,
	USAGE_HISTORY_CSV, /* the samples (RFC 4180) */
};

struct usage_history {
	const char *organization; /* NULL: all */
	uint64_t from_hour;
	uint64_t to_hour; /* not itself; > from_hour */
	const struct price_table *prices;
	enum usage_history_format format;
};

/* The first whole hour at or after a time: "2026-11-21" or
 * "2026-11-21T20:18:00Z".  False: it is none. */
bool usage_history_parse(const char *text, uint64_t *hour);

/* The first hour that begins after now; the first of this month, in UTC. */
uint64_t usage_history_next_hour(void);
uint64_t usage_history_month(void);

/* NO_ORGANIZATION: nor was there any. */
must_check enum store_err usage_history_print(struct store *store,
	const struct usage_history *history, FILE *to);
