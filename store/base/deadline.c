/* SPDX-License-Identifier: Apache-2.0 */
#include "store/base/deadline.h"

#include <assert.h>
#include <stdlib.h>

static void
put(struct deadline_heap *heap, size_t place, struct deadline *deadline)
{
	heap->members[place] = deadline;
	deadline->place = place;
}

static void
sift_up(struct deadline_heap *heap, size_t place, struct deadline *deadline)
{
	while (place > 1 && heap->members[place / 2]->at_ms > deadline->at_ms) {
		put(heap, place, heap->members[place / 2]);
		place /= 2;
	}
	put(heap, place, deadline);
}

static void
sift_down(struct deadline_heap *heap, size_t place, struct deadline *deadline)
{
	for (;;) {
		size_t child = 2 * place;

		if (child > heap->count)
			break;
		if (child < heap->count && heap->members[child + 1]->at_ms <
						   heap->members[child]->at_ms)
			child++;
		if (heap->members[child]->at_ms >= deadline->at_ms)
			break;
		put(heap, place, heap->members[child]);
		place = child;
	}
	put(heap, place, deadline);
}

void
deadline_add(struct deadline_heap *heap, struct deadline *deadline,
	int64_t at_ms)
{
	if (heap->count + 1 >= heap->capacity) {
		heap->capacity = heap->capacity ? 2 * heap->capacity : 64;
		heap->members = realloc(heap->members,
			heap->capacity * sizeof(struct deadline *));
		assert(heap->members);
	}
	deadline->at_ms = at_ms;
	heap->count++;
	sift_up(heap, heap->count, deadline);
}

void
deadline_remove(struct deadline_heap *heap, struct deadline *deadline)
{
	size_t place = deadline->place;
	if (!place)
		return;

	struct deadline *last = heap->members[heap->count];
	heap->count--;
	deadline->place = 0;
	if (last == deadline)
		return;
	if (place > 1 && heap->members[place / 2]->at_ms > last->at_ms)
		sift_up(heap, place, last);
	else
		sift_down(heap, place, last);
}

struct deadline *
deadline_earliest(const struct deadline_heap *heap)
{
	return heap->count ? heap->members[1] : NULL;
}

void
deadline_free(struct deadline_heap *heap)
{
	free(heap->members);
	*heap = (struct deadline_heap){0};
}
