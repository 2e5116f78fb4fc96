/* SPDX-License-Identifier: Apache-2.0 */
/*
 * price.h - what a month of keeping bytes costs.
 *
 * A table is a text file, a line for each step: from how many GB on (PRICE_GB
 * bytes), and the price of a GB a month (PRICE_HOURS) from there.  The first
 * step begins at 0; '#' begins a comment.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PRICE_STEPS_MAX 64
#define PRICE_GB 0x1p30
#define PRICE_HOURS 730

struct price_table {
	size_t count;
	struct {
		double from_gb;
		double per_gb;
	} steps[PRICE_STEPS_MAX];
};

/* 0.03 a GB, whatever the amount. */
struct price_table price_default(void);

/* False, and what is wrong is said, where it cannot be read. */
bool price_read(const char *path, struct price_table *out);

/* Dollars a month. */
double price_of(const struct price_table *table, uint64_t bytes);
