/* SPDX-License-Identifier: Apache-2.0 */
/*
 * complaint_private.h - what is damaged is logged once, and not by each change
 * that meets it.
 *
 * Of more than COMPLAINTS_MAX nothing is said: fsck lists them.
 *
 * Threads:   any.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "store/store.h"

#define COMPLAINTS_MAX 64

/* Of a bucket. */
enum complaint { COMPLAINT_NOTIFICATION, COMPLAINT_REPLICATION };

/* For store_open() and store_close().  NO_MEMORY. */
must_check enum store_err complaint_open(struct store *store);
void complaint_close(struct store *store);

/* Whether it is to be said now. */
bool complaint_is_new(struct store *store, enum complaint what,
	uint64_t bucket);
