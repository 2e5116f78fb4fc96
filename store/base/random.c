/* SPDX-License-Identifier: Apache-2.0 */
#include "store/base/random.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/types.h>

void
random_bytes(void *to, size_t len)
{
	char *next = to;

	while (len) {
		ssize_t count = getrandom(next, len, 0);

		/* A kernel without it is one we do not run on. */
		if (count < 0 && errno != EINTR)
			abort();
		if (count < 0)
			continue;
		next += count;
		len -= (size_t)count;
	}
}

uint64_t
random_u64(void)
{
	uint64_t number;

	random_bytes(&number, sizeof(number));
	return number;
}
