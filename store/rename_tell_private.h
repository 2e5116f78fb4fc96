/* SPDX-License-Identifier: Apache-2.0 */
/* rename_tell_private.h - events of names that move, inside apply: what
 * rename.c calls. */
#pragma once

#include "store/dentry_private.h"

struct rename_tell_name {
	uint64_t bucket;
	uint64_t parent;
	struct slice component;
};

/* Whether it is told when that loses its name: of a directory it always is. */
must_check enum store_err rename_tell_is_seen(struct db_txn *txn,
	const struct record_dentry *dentry, bool *out);

/* `what` has the name now.  *is_told: S3 sees it there. */
must_check enum store_err rename_tell_came(struct store *store,
	struct db_txn *txn, const struct rename_tell_name *name,
	const struct record_dentry *what, bool *is_told);

must_check enum store_err rename_tell_left(struct store *store,
	struct db_txn *txn, const struct rename_tell_name *name);
