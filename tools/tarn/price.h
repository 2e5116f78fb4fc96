/* SPDX-License-Identifier: Apache-2.0 */
/*
 * price.h - what a month of keeping bytes costs.
 *
 * A table is a text file, a line for each step: from how many GB on (PRICE_GB
 * bytes), and the price of a GB a month (PRICE_HOURS) from there.  The first
 * step begins at 0; '#' begins a comment.
 *
 * Either lines hold for all that is kept, or each begins with the name of its
 * tier, whose bytes alone it is for.  Then hot, warm and cold have steps; an
 * archive without any costs what cold does, by steps of its own.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/tier.h"

#define PRICE_STEPS_MAX 64
#define PRICE_GB 0x1p30
#define PRICE_HOURS 730

struct price_steps {
	size_t count;
	struct {
		double from_gb;
		double per_gb;
	} steps[PRICE_STEPS_MAX];
};

struct price_table {
	bool is_by_tier;
	struct price_steps all; /* where it is not */
	struct price_steps of[TIERS];
};

/* 0.03 a GB, whatever the amount and the tier. */
struct price_table price_default(void);

/* False, and what is wrong is said, where it cannot be read. */
bool price_read(const char *path, struct price_table *out);

/* Dollars a month. */
double price_of(const struct price_table *table,
	const struct tier_bytes *bytes);

/* The same of a byte of each tier, where so many are kept; 0 of a tier that
 * has none. */
void price_of_byte(const struct price_table *table,
	const struct tier_bytes *bytes, double out[TIERS]);
