/* SPDX-License-Identifier: Apache-2.0 */
#include "store/base/deadline.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdbool.h>

#define COUNT 300

static int64_t
earliest_of(const struct deadline *deadlines)
{
	int64_t earliest = INT64_MAX;

	for (int i = 0; i < COUNT; i++) {
		if (deadlines[i].place && deadlines[i].at_ms < earliest)
			earliest = deadlines[i].at_ms;
	}
	return earliest;
}

Test(deadline, an_empty_heap_has_no_earliest)
{
	struct deadline_heap heap = {0};
	struct deadline never = {0};

	deadline_remove(&heap, &never);

	cr_expect(eq(ptr, deadline_earliest(&heap), NULL));
}

Test(deadline, the_earliest_comes_first_whatever_was_added_and_removed)
{
	struct deadline_heap heap = {0};
	struct deadline deadlines[COUNT] = {0};
	uint32_t random = 12345;

	for (int step = 0; step < 20000; step++) {
		random = random * 1664525 + 1013904223;
		struct deadline *each = &deadlines[(random >> 8) % COUNT];

		if (each->place)
			deadline_remove(&heap, each);
		else
			deadline_add(&heap, each, (random >> 16) % 1000);
		const struct deadline *first = deadline_earliest(&heap);
		cr_assert(eq(i64, first ? first->at_ms : INT64_MAX,
			earliest_of(deadlines)));
	}

	deadline_free(&heap);
}
