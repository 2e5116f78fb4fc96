/* SPDX-License-Identifier: Apache-2.0 */
/*
 * temp_store.h - a store of a test's own, in a directory that goes with it.
 *
 *	scoped(temp_store_close) struct temp_store temp = temp_store_open();
 *
 * What fails here ends the test program with a message.
 */
#pragma once

#include "store/store.h"

struct temp_store {
	struct store *store;
	char dir[64];  /* removed at the end */
	char path[80]; /* of the store, in dir */
	uint64_t map_size;
	uint64_t segment_size;
};

/* A new store, open for writing; below $TMPDIR or /tmp. */
struct temp_store temp_store_open(void);
/* The same with tables of at most so many bytes. */
struct temp_store temp_store_open_small(uint64_t map_size);
/* The same with segments of so many bytes. */
struct temp_store temp_store_open_segments(uint64_t segment_size);
/* A new store that nobody has open: for tests that fork. */
struct temp_store temp_store_create(void);

/* Closes where it is open, and opens again. */
void temp_store_reopen(struct temp_store *temp);

/* Opens the store again for this process: after a fork, or where it was only
 * created. */
struct store *temp_store_open_at(const char *path, bool is_read_only);

/* Closes where it is open, and removes all. */
void temp_store_close(struct temp_store *temp);
