/* SPDX-License-Identifier: Apache-2.0 */
/*
 * deadline.h - which wait ends first: a binary heap of deadlines.
 *
 * Threads:   one.
 * Ownership: deadlines are borrowed until they are removed.
 * Units:     milliseconds of clock_monotonic_ms().
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "store/base/compiler.h"

struct deadline {
	int64_t at_ms;
	size_t place; /* in the heap, from 1; 0: not in it */
};

/* Zeros are an empty heap. */
struct deadline_heap {
	struct deadline **members; /* members[1] is the earliest */
	size_t count;
	size_t capacity;
};

void deadline_add(struct deadline_heap *heap, struct deadline *deadline,
	int64_t at_ms);
/* Allowed where it is not in the heap. */
void deadline_remove(struct deadline_heap *heap, struct deadline *deadline);
/* NULL where there is none. */
struct deadline *deadline_earliest(const struct deadline_heap *heap);
void deadline_free(struct deadline_heap *heap);
