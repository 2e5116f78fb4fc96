/* SPDX-License-Identifier: Apache-2.0 */
#include "store/base/md5_lanes.h"

#include <assert.h>

#if defined(__x86_64__)

/* RFC 1321 §3.4: which word, which constant and which rotation each step
 * has. */
static const uint8_t word_of[64] = {
	0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, /* 1 */
	1, 6, 11, 0, 5, 10, 15, 4, 9, 14, 3, 8, 13, 2, 7, 12, /* 2 */
	5, 8, 11, 14, 1, 4, 7, 10, 13, 0, 3, 6, 9, 12, 15, 2, /* 3 */
	0, 7, 14, 5, 12, 3, 10, 1, 8, 15, 6, 13, 4, 11, 2, 9, /* 4 */
};

static const uint8_t shifts[4][4] = {
	{7, 12, 17, 22},
	{5, 9, 14, 20},
	{4, 11, 16, 23},
	{6, 10, 15, 21},
};

static const uint32_t constants[64] = {
	0xd76aa478,
	0xe8c7b756,
	0x242070db,
	0xc1bdceee,
	0xf57c0faf,
	0x4787c62a,
	0xa8304613,
	0xfd469501,
	0x698098d8,
	0x8b44f7af,
	0xffff5bb1,
	0x895cd7be,
	0x6b901122,
	0xfd987193,
	0xa679438e,
	0x49b40821,
	0xf61e2562,
	0xc040b340,
	0x265e5a51,
	0xe9b6c7aa,
	0xd62f105d,
	0x02441453,
	0xd8a1e681,
	0xe7d3fbc8,
	0x21e1cde6,
	0xc33707d6,
	0xf4d50d87,
	0x455a14ed,
	0xa9e3e905,
	0xfcefa3f8,
	0x676f02d9,
	0x8d2a4c8a,
	0xfffa3942,
	0x8771f681,
	0x6d9d6122,
	0xfde5380c,
	0xa4beea44,
	0x4bdecfa9,
	0xf6bb4b60,
	0xbebfbc70,
	0x289b7ec6,
	0xeaa127fa,
	0xd4ef3085,
	0x04881d05,
	0xd9d4d039,
	0xe6db99e5,
	0x1fa27cf8,
	0xc4ac5665,
	0xf4292244,
	0x432aff97,
	0xab9423a7,
	0xfc93a039,
	0x655b59c3,
	0x8f0ccc92,
	0xffeff47d,
	0x85845dd1,
	0x6fa87e4f,
	0xfe2ce6e0,
	0xa3014314,
	0x4e0811a1,
	0xf7537e82,
	0xbd3af235,
	0x2ad7d2bb,
	0xeb86d391,
};

#define LANES 8
#define TARGET __attribute__((target("avx2")))
#define NAME(name) name##_8
#define INTERLEAVE_LOW 0, 8, 1, 9, 2, 10, 3, 11
#define INTERLEAVE_HIGH 4, 12, 5, 13, 6, 14, 7, 15
#include "store/base/md5_kernel_private.h"
#undef LANES
#undef TARGET
#undef NAME
#undef INTERLEAVE_LOW
#undef INTERLEAVE_HIGH

#define LANES 16
#define TARGET __attribute__((target("avx512f")))
#define NAME(name) name##_16
#define INTERLEAVE_LOW 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define INTERLEAVE_HIGH                                                        \
	8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#include "store/base/md5_kernel_private.h"

size_t
md5_lanes(void)
{
	if (__builtin_cpu_supports("avx512f"))
		return 16;
	return __builtin_cpu_supports("avx2") ? 8 : 1;
}

void
md5_lanes_run(size_t width, const struct md5_lane *lanes, size_t count,
	size_t blocks)
{
	assert(width <= md5_lanes() && count > 0 && count <= width);
	if (width == 8)
		run_lanes_8(lanes, count, blocks);
	else
		run_lanes_16(lanes, count, blocks);
}

#else

size_t
md5_lanes(void)
{
	return 1;
}

void
md5_lanes_run(size_t width, const struct md5_lane *lanes, size_t count,
	size_t blocks)
{
	(void)width;
	(void)lanes;
	(void)count;
	(void)blocks;
	assert(!"md5_lanes() is 1");
}

#endif
