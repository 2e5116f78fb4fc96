/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notification_private.h - the rows of DB_NOTIFICATION, within a transaction.
 *
 * Most stores have none: then each change of an object pays for a look into an
 * empty table.
 */
#pragma once

#include "store/meta/db.h"
#include "store/notification.h"
#include "store/object_event.h"

/* What a row says besides its rules. */
struct notification_row {
	struct slice bucket_name;
	struct slice organization;
	struct slice rules; /* encoded; those of notification_match() */
};

/* NOT_FOUND: the bucket wants nothing told.  CORRUPT. */
must_check enum store_err notification_row_get(struct db_txn *txn,
	uint64_t bucket, struct notification_row *out);

/* Whether there is a row: then records of the bucket's files tell their names
 * (dentry_private.h, invariant 2). */
must_check enum store_err notification_is_there(struct db_txn *txn,
	uint64_t bucket, bool *is_there);

/* The rule that asks for such an event; false: none does. */
bool notification_match(const struct notification_row *row,
	enum object_event_type type, struct slice key,
	struct notification_rule *out);

/* With the bucket's record. */
must_check enum store_err notification_end_bucket(struct db_txn *txn,
	uint64_t bucket);

/* False: the row does not decode. */
bool notification_row_is_sound(struct slice value);
