/* SPDX-License-Identifier: Apache-2.0 */
/* tier_private.h - tiers within a transaction. */
#pragma once

#include "store/meta/db.h"
#include "store/meta/record.h"
#include "store/tier.h"

/* The document of a bucket that has an archive (docs/format.md). */
#define TIER_ARCHIVE_KIND "archive"

/* False: such a document does not decode. */
bool tier_archive_is_sound(struct slice value);

/* Of what the bucket's counters say; *rows: how many it took to tell. */
must_check enum store_err tier_counted(struct db_txn *txn, uint64_t bucket,
	const struct record_usage *usage, uint32_t today,
	struct tier_bytes *out, size_t *rows);
