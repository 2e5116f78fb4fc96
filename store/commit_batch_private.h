/* SPDX-License-Identifier: Apache-2.0 */
/*
 * commit_batch_private.h - the changes that one leader runs: as many as it can
 * in one transaction, each atomic by itself.
 *
 * Threads:   the leader of the process (commit.c) alone.
 */
#pragma once

#include "store/base/event.h"
#include "store/commit_private.h"
#include "store/durable_private.h"

struct object_event_cause;

struct commit_change {
	enum store_err (*write)(struct store *store, void *arg); /* or NULL */
	void *write_arg;
	enum store_err (*apply)(struct store *store, struct db_txn *txn,
		void *arg);
	void *arg;
	uint64_t origin;
	const struct object_event_cause *cause;
	bool is_on_fiber;
	bool is_durable; /* to be told of its checkpoint, not of its commit */

	/* the leader's */
	enum store_err err;
	enum store_err write_err; /* apply is not called */
	uint64_t number;
	bool is_out; /* failed after it wrote: err is final */
	bool must_lead;
	struct durable_waiter waiter;

	struct event done;
	struct commit_change *next; /* under committer.lock */
};

/* Calls every write(), then the apply() of each in its order.  Sets err of each
 * and, where that is STORE_OK, the number of its commit. */
void commit_batch_run(struct store *store, struct commit_change **members,
	size_t count);
