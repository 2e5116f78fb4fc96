/* SPDX-License-Identifier: Apache-2.0 */
/* feed_state_private.h - what feed.c, feed_wait.c and feed_trim.c share. */
#pragma once

#include "store/feed_private.h"
#include "store/shared_private.h"

struct feed_waiters; /* feed_wait.c */

struct feed {
	/* fixed after open */
	struct shared *shared;
	int shared_fd;
	struct feed_waiters *waiters;

	/* atomic: feed_private.h, invariant 4 */
	_Atomic(uint64_t) own_origin;
	_Atomic(uint64_t) own_bit; /* of shared.listeners; 0: nobody here */

	/* the leader's */
	struct buffer line;
	uint64_t txn_number;
	uint64_t txn_lines;
};
