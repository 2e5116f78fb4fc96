/* SPDX-License-Identifier: Apache-2.0 */
/* descriptors.h - a process that has no descriptor left. */
#pragma once

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <sys/resource.h>

/* While it is so nothing can be opened. */
static inline void
descriptors_take_away(bool are_gone)
{
	static struct rlimit before;
	struct rlimit none;

	if (are_gone) {
		cr_assert(zero(int, getrlimit(RLIMIT_NOFILE, &before)));
		none = (struct rlimit){0, before.rlim_max};
		cr_assert(zero(int, setrlimit(RLIMIT_NOFILE, &none)));
	} else {
		cr_assert(zero(int, setrlimit(RLIMIT_NOFILE, &before)));
	}
}
