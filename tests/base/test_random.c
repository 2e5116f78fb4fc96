/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>

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

static void
ignore(int number)
{
	(void)number;
}

/* A signal makes getrandom(2) give less than it was asked for. */
Test(random, a_request_that_signals_interrupt_is_filled_to_its_end)
{
	const size_t len = 16u << 20;
	static unsigned char bytes[(16u << 20) + 1];
	const struct sigaction action = {.sa_handler = ignore};
	const struct itimerval often = {{0, 100}, {0, 100}};
	const struct itimerval never = {{0, 0}, {0, 0}};
	size_t zeros = 0;

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	random_bytes(bytes, len);
	setitimer(ITIMER_REAL, &never, NULL);

	for (size_t i = len - 64; i < len; i++)
		zeros += bytes[i] == 0;
	cr_expect(lt(sz, zeros, 16));
	cr_expect(eq(int, bytes[len], 0));
}
