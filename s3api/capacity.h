/* SPDX-License-Identifier: Apache-2.0 */
/*
 * capacity.h - how many connections the system lets the process have.
 *
 * Each takes two descriptors, its own and that of what it sends, and two
 * mappings: its fiber's stack and the page that guards it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* UINT64_MAX: no limit that we know of. */
struct capacity {
	uint64_t descriptors; /* RLIMIT_NOFILE */
	uint64_t mappings;    /* vm.max_map_count */
};

struct capacity capacity_read(void);

/*
 * As many connections as are wanted, or as there can be besides what the store
 * needs and so many loops keep.  A warning tells of fewer, where they were
 * asked for or are few.
 */
size_t capacity_connections(const struct capacity *capacity, size_t wanted,
	unsigned int loops, bool are_asked_for);
