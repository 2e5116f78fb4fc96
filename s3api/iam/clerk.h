/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clerk.h - what is written about keys behind the backs of requests: when each
 * was used last; and what has expired is swept away.
 *
 * A request costs one look at a table in memory.  What is new is written by a
 * thread of its own, all of a second in one commit, each key once a minute.
 *
 * Threads:   clerk_note(): any.
 */
#pragma once

#include <stdint.h>

#include "store/base/compiler.h"
#include "store/base/slice.h"
#include "store/store.h"

struct clerk;

/* NO_MEMORY: no thread could be started. */
must_check enum store_err clerk_start(struct store *store, struct clerk **out);

/* Writes what is left.  NULL is allowed. */
void clerk_stop(struct clerk **clerk);

/* The key has been used, by whoever has its secret. */
void clerk_note(struct clerk *clerk, struct slice access_key, int64_t now_ns);
