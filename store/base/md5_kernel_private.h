/* SPDX-License-Identifier: Apache-2.0 */
/*
 * md5_kernel_private.h - the body of md5_lanes.c, included once for each width
 * of vector.  Before it: LANES, TARGET (the instructions it may use), NAME(x)
 * (a name of that width's own) and the two orders of INTERLEAVE_*.
 *
 * Word k of a block of every lane must lie in one vector, so that the blocks,
 * loaded as they are, are transposed: log2(LANES) rounds of interleaving.
 */

typedef uint32_t NAME(vector) __attribute__((vector_size(4 * LANES)));
typedef uint32_t NAME(loose)
	__attribute__((vector_size(4 * LANES), aligned(1), may_alias));

#define INLINE TARGET __attribute__((always_inline)) static inline

INLINE
NAME(vector) NAME(rotate)(NAME(vector) x, int by)
{
	return x << by | x >> (32 - by);
}

INLINE void
NAME(transpose)(NAME(vector) rows[LANES])
{
	for (int round = 1; round < LANES; round *= 2) {
		NAME(vector) next[LANES];

#pragma GCC unroll 16
		for (int i = 0; i < LANES / 2; i++) {
			next[2 * i] = __builtin_shufflevector(rows[i],
				rows[i + LANES / 2], INTERLEAVE_LOW);
			next[2 * i + 1] = __builtin_shufflevector(rows[i],
				rows[i + LANES / 2], INTERLEAVE_HIGH);
		}
#pragma GCC unroll 16
		for (int i = 0; i < LANES; i++)
			rows[i] = next[i];
	}
}

/* The 16 words of one block of every lane. */
INLINE void
NAME(load)(const uint8_t *const data[LANES], size_t offset,
	NAME(vector) words[16])
{
#pragma GCC unroll 2
	for (int part = 0; part < 16; part += LANES) {
#pragma GCC unroll 16
		for (int lane = 0; lane < LANES; lane++)
			words[part + lane] = *(const NAME(loose) *)(const void
					*)(data[lane] + offset + 4 * part);
		NAME(transpose)(words + part);
	}
}

INLINE
NAME(vector) NAME(mix)(int step, NAME(vector) b, NAME(vector) c, NAME(vector) d)
{
	switch (step / 16) {
	case 0:
		return d ^ (b & (c ^ d));
	case 1:
		return c ^ (d & (b ^ c));
	case 2:
		return b ^ c ^ d;
	default:
		return c ^ (b | ~d);
	}
}

TARGET static void
NAME(run)(NAME(vector) state[4], const uint8_t *const data[LANES],
	size_t blocks)
{
	NAME(vector) a = state[0];
	NAME(vector) b = state[1];
	NAME(vector) c = state[2];
	NAME(vector) d = state[3];

	for (size_t block = 0; block < blocks; block++) {
		NAME(vector) before[4] = {a, b, c, d};
		NAME(vector) words[16];

		NAME(load)(data, block * MD5_BLOCK, words);
#pragma GCC unroll 64
		for (int step = 0; step < 64; step++) {
			NAME(vector)
			sum = a + NAME(mix)(step, b, c, d) +
			      words[word_of[step]] + constants[step];

			a = d;
			d = c;
			c = b;
			b += NAME(rotate)(sum, shifts[step / 16][step % 4]);
		}
		a += before[0];
		b += before[1];
		c += before[2];
		d += before[3];
	}
	state[0] = a;
	state[1] = b;
	state[2] = c;
	state[3] = d;
}

TARGET static void
NAME(run_lanes)(const struct md5_lane *lanes, size_t count, size_t blocks)
{
	const uint8_t *data[LANES];
	NAME(vector) state[4];

	/* Lanes that nobody wants do what the first does. */
	for (size_t lane = 0; lane < LANES; lane++) {
		const struct md5_lane *from = &lanes[lane < count ? lane : 0];

		data[lane] = from->data;
		for (int i = 0; i < 4; i++)
			state[i][lane] = from->state[i];
	}
	NAME(run)(state, data, blocks);
	for (size_t lane = 0; lane < count; lane++) {
		for (int i = 0; i < 4; i++)
			lanes[lane].state[i] = state[i][lane];
	}
}

#undef INLINE
