/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replication_step_private.h - what a change does of a row: one place, or what
 * became of several.
 *
 * Each decides anew whether there is still something to do, and tells what
 * became of the row.
 */
#pragma once

#include "store/replication_private.h"

/* A row, out of the map. */
struct replication_item {
	uint64_t bucket;
	uint64_t number;
	uint64_t dir; /* as the row has it */
	struct slice key;
	uint16_t count;
	struct replication_place *places;
};

enum replication_outcome {
	REPLICATION_STEP_OPEN, /* there are places left, or there is no such row
				*/
	REPLICATION_STEP_DONE,
	REPLICATION_STEP_FAILED,
};

struct replication_step {
	const struct replication_item *item;
	int64_t now_ns;
	const struct replication_place *place;
	/* Instead: places where it did not succeed. */
	const uint64_t *failed;
	uint16_t failed_count;
	bool is_ended; /* nor will it: the rules name them no longer */
	enum replication_outcome outcome;
	bool is_changed; /* the place was, by this task */
	enum replication_task task;
};

/* And the key that it has by now.  NOT_FOUND: the version is gone. */
must_check enum store_err replication_step_source(struct db_txn *txn,
	const struct replication_item *item, struct buffer *key,
	struct object *out);

/* Whether the rule is enabled and would have the key replicated there. */
bool replication_step_names(const struct replication_rule *rule,
	struct slice key, uint64_t bucket);

/* Each is for commit_run(), with the step as its argument.  step->place is
 * done.  BUSY: not now; and what replica_make() gives. */
must_check enum store_err replication_step_place(struct store *store,
	struct db_txn *txn, void *arg);
/* Those of step->failed were tried in vain. */
must_check enum store_err replication_step_failed(struct store *store,
	struct db_txn *txn, void *arg);
/* The version was gone: so is the row, if that is so still. */
must_check enum store_err replication_step_drop(struct store *store,
	struct db_txn *txn, void *arg);
