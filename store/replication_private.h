/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replication_private.h - what is to be replicated, within a transaction.
 *
 *	DB_REPLICATION	bucket, 0		how many wait, how many failed
 *			bucket, version		where it is to be replicated
 *
 *	replication.c		a bucket's rules
 *	replication_rules.c	and what is kept of them
 *	replication_row.c	how rows are encoded
 *	replication_counts.c	the first of these
 *	replication_note.c	what happens becomes rows
 *	replication_where.c	where what has a row is by now
 *	replication_run.c	rows are done,
 *	replication_step.c	and go
 *	replica.c		one replica
 *
 * 1. A version that is to be replicated has a row by the commit that makes it,
 *    and loses it by the one that makes its last replica, or gives it up.
 * 2. A row says where, not what: what is done makes the replica what the
 *    version is then.  So rows can be done in any order, and a version has one.
 * 3. A place in a row is one bucket, by its number.  It is done if the rules
 *    that the source has then still name it.
 * 4. The object's attribute REPLICATION tells how far it is; it is not of what
 *    the bytes are, so whatever makes a version anew goes without.
 * 5. Where the version is the current one its row names the directory that it
 *    hangs in: a directory above it may be renamed, and then that and the last
 *    component are its key.  A version that becomes an older one, or the
 *    current one again, has its row told.
 *
 * A bucket without rules pays for a look for its document with each version
 * that it keeps.
 */
#pragma once

#include "store/meta/db.h"
#include "store/object.h"
#include "store/object_event.h"
#include "store/replication.h"

/* What is done in a place.  Numbers are on the disk. */
enum replication_task {
	REPLICATION_MAKE = 1,
	REPLICATION_UPDATE = 2, /* attributes, of a replica that is there */
};

struct replication_place {
	uint64_t bucket;
	enum replication_task task;
};

#define REPLICATION_PLACES_MAX REPLICATION_RULES_MAX

struct replication_row {
	uint8_t tries;
	bool has_failed;  /* in a place that is not listed any more */
	int64_t tried_ns; /* the last of these */
	uint64_t dir;	  /* invariant 5; 0: in none */
	struct slice key;
	uint16_t count;
	struct slice places; /* encoded */
};

void replication_row_encode(struct buffer *to,
	const struct replication_row *row);
/* CORRUPT. */
must_check enum store_err replication_row_decode(struct slice value,
	struct replication_row *out);
void replication_row_add_place(struct buffer *to,
	const struct replication_place *place);
struct replication_place
replication_row_place(const struct replication_row *row, uint16_t i);

/* NOT_FOUND, CORRUPT. */
must_check enum store_err replication_row_get(struct db_txn *txn,
	uint64_t bucket, uint64_t number, struct replication_row *out);
/* Zeros where there are none; CORRUPT. */
must_check enum store_err replication_counts_get(struct db_txn *txn,
	uint64_t bucket, struct replication_counts *out);
must_check enum store_err replication_counts_put(struct db_txn *txn,
	uint64_t bucket, const struct replication_counts *counts);
/* So many more; a bucket that is gone counts nothing. */
must_check enum store_err replication_counts_add(struct db_txn *txn,
	uint64_t bucket, int waiting, int failed);
/* Of all buckets. */
must_check enum store_err replication_counts_sum(struct db_txn *txn,
	struct replication_counts *out);

/* The bucket's document, in the map.  NOT_FOUND. */
must_check enum store_err replication_find_document(struct db_txn *txn,
	uint64_t bucket, struct slice *value);
/* What tells it from all others; NULL: it is one from before there was that. */
#define REPLICATION_DIGEST_LEN 32
const uint8_t *replication_digest(struct slice bytes);
must_check enum store_err replication_is_there(struct db_txn *txn,
	uint64_t bucket, bool *is_there);
/* With the bucket's record. */
must_check enum store_err replication_end_bucket(struct db_txn *txn,
	uint64_t bucket);

/* The version is to be replicated, or what has changed of it, if a rule of the
 * bucket says so.  Neither what replication does itself, nor what the lifecycle
 * rules delete. */
must_check enum store_err replication_note(struct store *store,
	struct db_txn *txn, uint64_t bucket, struct slice key,
	enum object_event_type type, const struct version *version);
/* Whether replication_note() might do something. */
must_check enum store_err replication_note_is_wanted(struct db_txn *txn,
	uint64_t bucket, const struct version *version, bool *out);
/* Attributes have changed of what has the name that its record tells. */
must_check enum store_err replication_note_attrs(struct store *store,
	struct db_txn *txn, const struct inode *inode);

/* replication_where.c: the directory that a version hangs in under its key; 0:
 * in none, as it is an older one. */
must_check enum store_err replication_where(struct db_txn *txn, uint64_t bucket,
	struct slice key, uint64_t number, uint64_t *dir);
/* The key of what hangs in the directory still and had that key once.
 * NOT_FOUND: it does not, or S3 has no such key. */
must_check enum store_err replication_where_now(struct db_txn *txn,
	uint64_t dir, struct slice key, uint64_t number, struct buffer *now);
/* The version has come under that key (not in the map). */
must_check enum store_err replication_where_moved(struct db_txn *txn,
	uint64_t bucket, struct slice key, const struct version *version);

/* The attributes with that status; as they are where there is no room. */
struct slice replication_set_status(struct buffer *to, struct slice attrs,
	enum replication_status status);
/* The same of an inode as it is saved. */
must_check enum store_err replication_save_status(struct db_txn *txn,
	uint64_t ino, enum replication_status status);

/*
 * replica.c: the bucket gets the version, or what is new of it; *is_changed: it
 * had not all that.  BUSY: somebody writes to it; INVALID: the bucket does not
 * keep versions now; STALE: it is gone; QUOTA, and what else a put gives.
 */
must_check enum store_err replica_make(struct store *store, struct db_txn *txn,
	uint64_t bucket, struct slice key, const struct object *source,
	bool *is_changed);
must_check enum store_err replica_update(struct store *store,
	struct db_txn *txn, uint64_t bucket, struct slice key,
	const struct object *source, bool *is_changed);
