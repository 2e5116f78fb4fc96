/* SPDX-License-Identifier: Apache-2.0 */
#include "store/base/md5_lanes.h"

#define OPENSSL_SUPPRESS_DEPRECATED
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <openssl/md5.h>
#include <string.h>

#include "store/base/random.h"

#define BLOCKS_MAX 9

static uint8_t bytes[MD5_LANES_MAX][BLOCKS_MAX * MD5_BLOCK + 1];

/* From any state on, at any address. */
static void
expect_as_openssl(size_t width, size_t count, size_t blocks, size_t offset)
{
	struct md5_lane lanes[MD5_LANES_MAX];
	uint32_t states[MD5_LANES_MAX][4];
	MD5_CTX alone[MD5_LANES_MAX];

	random_bytes(states, sizeof(states));
	for (size_t i = 0; i < count; i++) {
		MD5_Init(&alone[i]);
		alone[i].A = states[i][0];
		alone[i].B = states[i][1];
		alone[i].C = states[i][2];
		alone[i].D = states[i][3];
		MD5_Update(&alone[i], bytes[i] + offset, blocks * MD5_BLOCK);
		lanes[i] = (struct md5_lane){states[i], bytes[i] + offset};
	}

	md5_lanes_run(width, lanes, count, blocks);

	for (size_t i = 0; i < count; i++) {
		cr_expect(eq(u32, states[i][0], alone[i].A));
		cr_expect(eq(u32, states[i][1], alone[i].B));
		cr_expect(eq(u32, states[i][2], alone[i].C));
		cr_expect(eq(u32, states[i][3], alone[i].D));
	}
}

Test(md5_lanes, each_lane_of_every_width_does_what_openssl_does)
{
	if (md5_lanes() == 1)
		cr_skip("this CPU has no vectors for it");

	for (size_t width = 8; width <= md5_lanes(); width *= 2) {
		for (size_t count = 1; count <= width; count++) {
			random_bytes(bytes, sizeof(bytes));
			for (size_t blocks = 1; blocks <= BLOCKS_MAX; blocks++)
				expect_as_openssl(width, count, blocks,
					blocks % 2);
		}
	}
}
