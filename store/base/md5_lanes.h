/* SPDX-License-Identifier: Apache-2.0 */
/*
 * md5_lanes.h - MD5 (RFC 1321) of several streams side by side, each in a lane
 * of the CPU's vectors: AVX-512 has 16 lanes and AVX2 8, chosen at run time.
 *
 * One stream cannot be digested by two lanes, so this serves uploads that
 * come at the same time: docs/decisions/0006-ring-and-lanes.md.
 *
 * Threads:   any.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define MD5_LANES_MAX 16
#define MD5_BLOCK 64

struct md5_lane {
	uint32_t *state; /* A, B, C, D */
	const uint8_t *data;
};

/* How many streams this CPU takes at a time; 1: it has no such vectors. */
size_t md5_lanes(void);

/* Takes so many blocks of each lane's data into its state.  width is 8 or 16,
 * at most md5_lanes(); count at most width. */
void md5_lanes_run(size_t width, const struct md5_lane *lanes, size_t count,
	size_t blocks);
