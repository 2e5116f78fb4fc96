/* SPDX-License-Identifier: Apache-2.0 */
/*
 * side.h - the side file: which commit is durable, and its meta page.
 *
 * Two slots are written by turns, each with a sequence number and a checksum,
 * so a write that a power cut tears leaves the one before.  The file is made
 * under another name and renamed: where it is, one slot has been whole.
 *
 * Whoever makes checkpoints keeps its descriptors: one that cannot be made
 * since there are none left would be taken for a failed flush.
 *
 * Threads:   writers hold side_lock(); readers need none.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "store/base/compiler.h"
#include "store/base/error.h"
#include "store/meta/metapage.h"

#define SIDE_BOOT_ID_LEN 16

struct side {
	uint64_t sequence;
	uint64_t commit;
	uint64_t file_size; /* of the tables' file, at least */
	uint8_t boot_id[SIDE_BOOT_ID_LEN];
	bool is_failed;	  /* a flush failed after this checkpoint */
	bool is_restored; /* put back, and no checkpoint made since */
	uint8_t metapage[METAPAGE_LEN];
};

/* The newest whole slot.  NOT_FOUND: no such file; CORRUPT: no whole slot;
 * BAD_VERSION; IO. */
must_check enum store_err side_read(const char *path, struct side *out);

/* The file at path, as it was opened before where *fd is not -1 and it still
 * is there.  NOT_FOUND. */
must_check enum store_err side_open(const char *path, int *fd);
/* As side_read(). */
must_check enum store_err side_read_open(int fd, struct side *out);
/* Writes side->sequence's slot and flushes it; *fd as side_open() takes it,
 * but makes the file if it is missing. */
must_check enum store_err side_write(const char *path, int *fd,
	const struct side *side);

/* Waits for the turn to write; *fd -1: opens the file for it.  close(2) gives
 * it back, too. */
must_check enum store_err side_lock(const char *path, int *fd);
void side_unlock(int fd);
