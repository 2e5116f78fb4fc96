/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dir_position.h - where the reading of a directory goes on.
 *
 * The kernel keeps what it was told of a directory for all who read it, until
 * the directory changes, and asks by the offset of the last entry that a
 * reader had.  So an offset is a checksum of its name, which means the same
 * whoever listed it and when.  A name that is gone meanwhile is no longer
 * found by its checksum in the store: those that go while a directory is open
 * are remembered, a number of them.
 */
#pragma once

#include <stdint.h>

#include "store/base/arena.h"

/* Offsets of "." and ".."; those of names are above. */
#define DIR_POSITION_DOT 1
#define DIR_POSITION_DOTS 2

/* The offset of a component, with a directory's '/'. */
uint64_t dir_position_of(struct slice component);

struct dir_gone_name;

/* What has gone since a directory was opened; zeros are none. */
struct dir_gone {
	/* The recent ones, and those before them. */
	struct {
		struct arena arena;
		struct dir_gone_name *names; /* the latest first */
		size_t count;
	} half[2];
};

void dir_position_add_gone(struct dir_gone *gone, struct slice component);

static inline size_t
dir_position_count_gone(const struct dir_gone *gone)
{
	return gone->half[0].count + gone->half[1].count;
}

/* The name at an offset, in the arena; SLICE_NULL: it is not remembered. */
struct slice dir_position_find_gone(const struct dir_gone *gone,
	uint64_t offset, struct arena *arena);
void dir_position_free_gone(struct dir_gone *gone);
