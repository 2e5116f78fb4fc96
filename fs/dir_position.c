/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/dir_position.h"

#include "store/base/codec.h"
#include "store/base/digest.h"

/* Offsets are positive, and none of a name is one of the first. */
#define OFFSET_MASK ((uint64_t)INT64_MAX >> 1)
#define OFFSET_MARK (OFFSET_MASK + 1)

/* The names remembered are between this many and twice as many: rm takes
 * some ten thousand entries before it removes them. */
#define HALF 32768

struct dir_gone_name {
	struct dir_gone_name *next;
	struct slice component;
	uint64_t offset;
};

uint64_t
dir_position_of(struct slice component)
{
	uint8_t sum[DIGEST_LEN_MAX];

	digest_of(DIGEST_CRC64NVME, component, sum);
	return (codec_load_u64_big(sum) & OFFSET_MASK) | OFFSET_MARK;
}

void
dir_position_add_gone(struct dir_gone *gone, struct slice component)
{
	if (gone->half[0].count == HALF) {
		arena_free(&gone->half[1].arena);
		gone->half[1] = gone->half[0];
		gone->half[0] = (typeof(gone->half[0])){.count = 0};
	}
	struct arena *arena = &gone->half[0].arena;
	struct dir_gone_name *name = arena_new(arena, struct dir_gone_name);

	name->component = arena_copy(arena, component);
	name->offset = dir_position_of(component);
	name->next = gone->half[0].names;
	gone->half[0].names = name;
	gone->half[0].count++;
}

struct slice
dir_position_find_gone(const struct dir_gone *gone, uint64_t offset,
	struct arena *arena)
{
	for (size_t i = 0; i < array_len(gone->half); i++)
		for (const struct dir_gone_name *name = gone->half[i].names;
			name; name = name->next)
			if (name->offset == offset)
				return arena_copy(arena, name->component);
	return SLICE_NULL;
}

void
dir_position_free_gone(struct dir_gone *gone)
{
	arena_free(&gone->half[0].arena);
	arena_free(&gone->half[1].arena);
	*gone = (struct dir_gone){0};
}
