/* SPDX-License-Identifier: Apache-2.0 */
/*
 * expirer.h - a thread that once a day (UTC) does what the lifecycle rules of
 * all buckets say: store/lifecycle.h.  Of several processes one does it.
 *
 * What it deletes and aborts is told to the audit log, with the names that S3
 * gives that in its own logs; docs/access.md has the fields.
 */
#pragma once

#include <stdint.h>

#include "store/audit.h"
#include "store/base/compiler.h"
#include "store/store.h"

struct expirer;

/* It looks after first_ms, as the clock of a machine that has just started may
 * be wrong, then each minute whether a day has begun; an hour after a run that
 * failed somewhere again.  audit: NULL for none; it outlives the expirer, as
 * the store does.  NO_MEMORY. */
must_check enum store_err expirer_start(struct store *store,
	struct audit *audit, uint64_t first_ms, struct expirer **out);

/* Waits for the page that it is at.  NULL is allowed. */
void expirer_stop(struct expirer **expirer);
