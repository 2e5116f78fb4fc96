/* SPDX-License-Identifier: Apache-2.0 */
/*
 * object_event_private.h - the outbox: events on their way to topics, within a
 * transaction.
 *
 *	DB_EVENT	topic, 0	how many wait, of how many bytes, and
 *					how many were dropped
 *			topic, number	an event
 *
 *	object_event.c		what happens becomes rows
 *	object_event_counts.c	the first of these
 *	object_event_name.c	S3's names
 *	object_event_row.c	how rows are encoded
 *	outbox.c		rows are told, and go
 *
 * 1. An event is a row by the commit that makes the change: none is told of
 *    what did not happen, and none is missing of what did.
 * 2. Numbers grow from commit to commit, so rows of a topic are in order.
 * 3. A topic has at most as many rows as it allows, and TOPIC_EVENT_BYTES for
 *    each of these together, or one row; the oldest go for one more, and are
 *    counted.  Rows of a topic without its row 0 are nobody's.
 * 4. At most one rule of a bucket asks for an event (notification.h), so it is
 *    one row.
 *
 * Slices may point into the map; what is added is encoded before the first
 * change.  A row of DB_NOTIFICATION that is damaged lets objects change, and
 * tells of nothing.
 */
#pragma once

#include "store/base/buffer.h"
#include "store/bucket.h"
#include "store/meta/db.h"
#include "store/object_event.h"

struct object_event_counts {
	uint64_t waiting;
	uint64_t dropped;
	uint64_t bytes;	  /* of the values of those that wait */
	bool lacks_bytes; /* it was written before they were counted */
};

void object_event_row_encode(struct buffer *to,
	const struct object_event *event);
/* Its number is the caller's to fill in.  CORRUPT. */
must_check enum store_err object_event_row_decode(struct slice value,
	struct object_event *out);

/* NOT_FOUND: there is no such topic; CORRUPT. */
must_check enum store_err object_event_counts_get(struct db_txn *txn,
	uint64_t topic, struct object_event_counts *out);
/* The same for who changes them: nothing is lacking.  That counts what waits,
 * once. */
must_check enum store_err object_event_counts_get_whole(struct db_txn *txn,
	uint64_t topic, struct object_event_counts *out);
/* Of the rows themselves: how many wait, and their bytes. */
must_check enum store_err object_event_counts_anew(struct db_txn *txn,
	uint64_t topic, struct object_event_counts *counts);
/* One row less, of so many bytes. */
void object_event_counts_take(struct object_event_counts *counts,
	uint64_t bytes);
must_check enum store_err object_event_counts_put(struct db_txn *txn,
	uint64_t topic, const struct object_event_counts *counts);

/* Something happened to what has the key, if the bucket wants that told.
 * inode: what there is then; not of a removal. */
must_check enum store_err object_event_add(struct store *store,
	struct db_txn *txn, uint64_t bucket, struct slice key,
	enum object_event_type type, const struct inode *inode,
	const struct version *version);

/* The same of a name in a directory.  Nothing, where S3 has no such key. */
must_check enum store_err object_event_add_name(struct store *store,
	struct db_txn *txn, uint64_t bucket, uint64_t parent,
	struct slice component, enum object_event_type type,
	const struct inode *inode, const struct version *version);

/* There is a file, or its bytes are others, under the name that its record
 * tells, if it has that still. */
must_check enum store_err object_event_add_told(struct store *store,
	struct db_txn *txn, const struct inode *inode);

/* To the topic, if it is there. */
must_check enum store_err object_event_add_test(struct db_txn *txn,
	const struct bucket *bucket, struct slice topic);
