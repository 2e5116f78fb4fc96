/* SPDX-License-Identifier: Apache-2.0 */
/*
 * disk.h - what a disk may hold after a power cut, by a log of shim.h.
 *
 * 1. What a flush of a file covers, of its bytes and its size, is there.
 * 2. A name that was made or taken away is so for certain once its directory,
 *    or the file system, was flushed; flushing the file does not help.
 * 3. Of the rest any part may be there, in any order; of a write any of its
 *    sectors.  A rename within a directory is one step; from one to another the
 *    new name and the end of the old one are two.  What is lost below the end
 *    of a file reads as zeros.
 * 4. Names of one file are links to one file.
 * 5. What only mappings wrote (locks, shared memory) may be anything.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "tests/crash/shim.h"

struct disk;

/* Generators that give the same numbers each time. */
uint64_t disk_draw(uint64_t *random, uint64_t below);

/* A log's beginning; what was there before is there. */
struct disk *disk_open(const char *log_path);
void disk_close(struct disk **disk);

/* The next record happens: NULL where there is none. */
const struct shim_record *disk_step(struct disk *disk);
uint64_t disk_steps_left(const struct disk *disk);

/* How much of what was not flushed is left. */
enum disk_cut {
	DISK_CUT_LOST,	  /* nothing */
	DISK_CUT_KEPT,	  /* all */
	DISK_CUT_ORDERED, /* all up to some moment */
	DISK_CUT_WHOLE,	  /* some of it, by whole calls */
	DISK_CUT_TORN,	  /* some of it, by sectors */
	DISK_CUTS,
};

/* The power fails now: makes the directory and what is left in it. */
void disk_cut(struct disk *disk, enum disk_cut kind, uint64_t seed,
	const char *to);
