/* SPDX-License-Identifier: Apache-2.0 */
/*
 * durable_private.h - checkpoints: one thread a process makes them, for all
 * who wait and at least every second.
 *
 * 1. A process makes a checkpoint of its own for every second in which
 *    anybody committed, and sooner where there were many commits, so that its
 *    pin (checkpoint.h) does not stay behind and LMDB can reuse pages: what
 *    each commit replaces stays in the file until no pin is older.
 * 2. After a flush that failed, in whichever process, nobody commits or
 *    acknowledges anything any more until all have closed the store; who
 *    opens it then finds the last checkpoint.
 */
#pragma once

#include "store/base/event.h"
#include "store/store_private.h"

/* Makes the checkpoint that must come before the first write. */
must_check enum store_err durable_open(struct store *store);
/* Makes a last checkpoint. */
void durable_close(struct store *store);

/* Waits for a checkpoint that covers the commit.  IO: a flush failed, now or
 * earlier. */
must_check enum store_err durable_wait(struct store *store, uint64_t commit);

/* Who waits for a checkpoint that covers a commit.  *done is set when there is
 * one, or none to be had: err. */
struct durable_waiter {
	uint64_t commit;
	struct event *done;
	enum store_err err;
	struct durable_waiter *next;
};

/* All of a list; each may be gone as soon as its event is set. */
void durable_await(struct store *store, struct durable_waiter *list);

/* By the leader, after a commit. */
void durable_note_commit(struct store *store, uint64_t commit);

/* The commit that the side file covers. */
must_check enum store_err durable_checkpoint(struct store *store,
	uint64_t *number);

/* A flush of data failed outside of a checkpoint: from here on all is as if it
 * had within one.  Gives IO. */
must_check enum store_err durable_fail(struct store *store, enum store_err why);

/* A flush failed, in whichever process, or this one cannot go on. */
bool durable_has_failed(struct store *store);
