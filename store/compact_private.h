/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compact_private.h - gives back the space of dead bytes in segments.
 *
 * What lives in a segment of which a quarter is dead is copied to the one that
 * this process appends to, as if it were put there anew; with the last blob
 * the old segment is freed like any other blob.  docs/durability.md.
 *
 * A reader that has the old file open reads on; one that has read the record
 * and finds no file reads the record again.
 *
 * Threads:   one at a time of all processes: who has run/reclaim.lock.
 */
#pragma once

#include "store/store_private.h"

/* Moves about max bytes, or all that are to be moved.  0: nothing. */
must_check enum store_err compact_run(struct store *store, uint64_t max);
