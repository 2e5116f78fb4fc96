/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ticker.h - a thread that does something every so often.
 *
 * Threads:   ticker_is_stopping() by any; it is for what a tick does at length.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "store/base/compiler.h"
#include "store/base/error.h"

struct ticker;

struct ticker_options {
	const char *name;  /* of the thread: up to 15 bytes */
	uint64_t first_ms; /* until the first tick; 0: that one comes even
			    * where it is stopped at once */
	uint64_t then_ms;  /* from the end of one to the next */
	void (*tick)(struct ticker *ticker, void *context);
	void *context;
};

/* *out is written before the first tick.  NO_MEMORY. */
must_check enum store_err ticker_start(const struct ticker_options *options,
	struct ticker **out);

bool ticker_is_stopping(const struct ticker *ticker);

/* Waits for the end of the tick that is under way.  NULL is allowed. */
void ticker_stop(struct ticker **ticker);
