/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cut.h - power cuts to order: what a disk may hold of LMDB's file when the
 * power fails.
 *
 * The file is kept sector by sector and at random as it was when it was last
 * flushed, as it was at the cut, or, where it never was flushed, as zeros.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/base/slice.h"
#include "store/meta/db.h"

/* A generator that gives the same numbers each time. */
struct cut_random {
	uint64_t state;
};

uint64_t cut_random_next(struct cut_random *random);
/* From 0 to below - 1. */
uint64_t cut_random_below(struct cut_random *random, uint64_t below);

struct cut_image {
	char *data;
	size_t len;
};

struct cut_image cut_read(const char *path);
void cut_write(const char *path, const char *data, size_t len);
void cut_free(struct cut_image *image);

/* Writes to path a mixture of the two. */
void cut_mix(struct cut_random *random, const char *path,
	const struct cut_image *flushed, const struct cut_image *at_cut);

/* Some commits of changes at random. */
void cut_workload(struct cut_random *random, struct db *db,
	unsigned int commits);

/* A number that tells the contents of all tables. */
uint64_t cut_contents(struct db *db);

/* The same, of a store that may be damaged: false where it cannot be read,
 * is not of these contents or takes no writes. */
bool cut_is_whole(const char *meta_path, uint64_t contents);
