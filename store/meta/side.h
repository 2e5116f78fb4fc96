/* SPDX-License-Identifier: Apache-2.0 */
/*
 * side.h - the side file: which commit is durable, and its meta page.
 *
 * Two slots are written by turns, each with a sequence number and a checksum,
 * so a write that a power cut tears leaves the one before.  The file is made
 * under another name and renamed: where it is, one slot has been whole.
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

/* Writes side->sequence's slot and flushes it; makes the file if missing. */
must_check enum store_err side_write(const char *path, const struct side *side);

/* Waits for the turn to write; close(2) gives it back. */
must_check enum store_err side_lock(const char *path, int *fd);
