/* SPDX-License-Identifier: Apache-2.0 */
/*
 * last_access.h - notes which objects are accessed, for tier.h.
 *
 * To read an object changes nothing in the tables.  That it was read is kept in
 * memory, a bit for each inode, unless its record says so of today already; and
 * written down by and by, many together, also at store_close().  A process that
 * is killed loses what was not: such an object is as if it had not been read.
 * A store that is open for reading only notes nothing.
 *
 * Threads:   any thread may note; notes wait for no disk.
 */
#pragma once

#include "store/base/inode.h"
#include "store/store.h"

/* The bytes of the inode, as its record was just now, are read. */
void last_access_note(struct store *store, const struct inode *inode);

/* Writes down what was noted, and what is open.  Not durable: the next
 * checkpoint is early enough.  What cannot be written is forgotten. */
must_check enum store_err last_access_flush(struct store *store);

/* A thread that does so twice an hour, until the store is closed.  At most once
 * for each store handle.  NO_MEMORY. */
must_check enum store_err last_access_thread_start(struct store *store);
