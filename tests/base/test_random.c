/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "store/base/random.h"

Test(random, two_draws_differ)
{
	unsigned char a[32] = {0};
	unsigned char b[32] = {0};

	random_bytes(a, sizeof(a));
	random_bytes(b, sizeof(b));

	cr_expect(ne(int, memcmp(a, b, sizeof(a)), 0));
	cr_expect(ne(u64, random_u64(), random_u64()));
}

/* getrandom(2) gives long requests in pieces. */
Test(random, a_long_request_is_filled_to_its_end_and_no_further)
{
	static unsigned char bytes[1000001];
	size_t zeros = 0;

	random_bytes(bytes, 1000000);

	for (size_t i = 1000000 - 64; i < 1000000; i++)
		zeros += bytes[i] == 0;
	cr_expect(lt(sz, zeros, 16));
	cr_expect(eq(int, bytes[1000000], 0));
}
