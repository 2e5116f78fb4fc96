/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replicator.h - a thread that makes the replicas that wait, as long as no
 * other process does: store/replication.h.
 *
 * Who has set a bucket's rules has to have the right to each, by the policies
 * of then (iam/standing.h).
 */
#pragma once

#include "store/audit.h"
#include "store/base/compiler.h"
#include "store/base/error.h"
#include "store/store.h"

struct replicator;

/* audit is told of each replica; NULL: nobody is.  The store and audit outlive
 * it.  NO_MEMORY. */
must_check enum store_err replicator_start(struct store *store,
	struct audit *audit, struct replicator **out);

/* Waits for the version that it is at.  NULL is allowed. */
void replicator_stop(struct replicator **replicator);
