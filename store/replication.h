/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replication.h - rules of a bucket by which its new objects get replicas in
 * other buckets of the store.
 *
 * S3 API: PutBucketReplication.  A replica is the same version, with the same
 * bytes, which it shares, under the same key; what comes to a bucket as a
 * replica is not replicated again.  What waits is a row by the commit that made
 * the version, and goes by the one that makes the replica: none is missing, and
 * none is made twice.
 *
 * The rules are the bucket's document REPLICATION_KIND.  Encoded: u8 version 2,
 * 32 bytes SHA-256 of what follows (version 1, still read, has none); s16 role,
 * s16 organization, s16 name and s16 role of whom they are done for, u16 count;
 * of each rule s16 id, u32 priority, u32 enum replication_said, u8 enum
 * replication_form, s16 prefix, s16 tags, u64 bucket, s16 its name, s16
 * account.
 *
 * Threads:   any; replication_run() by plain threads, one process at a time.
 * Ownership: slices of decoded rules point into what they were decoded from;
 *            the rules lie in the arena.
 */
#pragma once

#include "store/base/arena.h"
#include "store/base/inode.h"
#include "store/bucket.h"

#define REPLICATION_KIND "replication"
#define REPLICATION_RULES_MAX 1000

/* How a rule's filter was written; it is told the same way. */
enum replication_form {
	REPLICATION_PREFIX, /* <Prefix> of the rule itself: the first version */
	REPLICATION_FILTER, /* <Filter> of one condition, or of none */
	REPLICATION_AND,
	REPLICATION_FORMS
};

/* Numbers are on the disk: never change one. */
enum replication_said {
	REPLICATION_ENABLED = 1 << 0,
	REPLICATION_HAS_PREFIX = 1 << 1,
	REPLICATION_HAS_PRIORITY = 1 << 2,
	REPLICATION_HAS_MARKERS = 1 << 3, /* DeleteMarkerReplication, */
	REPLICATION_MARKERS = 1 << 4,	  /* and it is enabled */
	REPLICATION_STANDARD = 1 << 5,	  /* StorageClass */
	/* What is not there is not asked for; they are told as they came. */
	REPLICATION_NO_EXISTING = 1 << 6,
	REPLICATION_NO_KMS = 1 << 7,
	REPLICATION_NO_MODIFICATIONS = 1 << 8,
	REPLICATION_NO_TIME = 1 << 9,
	REPLICATION_NO_METRICS = 1 << 10,
	REPLICATION_TRANSLATED = 1 << 11, /* replicas are their bucket's */
	REPLICATION_SAID_LAST = REPLICATION_TRANSLATED,
};

struct replication_rule {
	struct slice id;
	uint32_t priority;
	uint32_t said; /* enum replication_said */

	/* The filter: all that is given has to fit. */
	enum replication_form form;
	struct slice prefix;
	struct slice tags; /* as attributes, inode.h */

	uint64_t bucket; /* where replicas are made: this one, and no other that
			  * gets its name */
	struct slice bucket_name;
	struct slice account;
};

struct replication {
	struct slice role; /* as the document has it */
	/* Whose rights they are done by. */
	struct slice organization;
	struct slice name;
	struct slice name_role; /* empty: none */
	struct replication_rule *rules;
	size_t count;
};

void replication_encode(struct buffer *to,
	const struct replication *replication);
/* False: the bytes are no such rules. */
must_check bool replication_decode(struct slice bytes, struct arena *arena,
	struct replication *out);

/* Whether an object with that key and these attributes fits. */
bool replication_rule_fits(const struct replication_rule *rule,
	struct slice key, struct slice attrs);

/* Whether delete markers of users are replicated, too. */
static inline bool
replication_rule_marks(const struct replication_rule *rule)
{
	return rule->form == REPLICATION_PREFIX ||
	       (rule->said & REPLICATION_MARKERS) != 0;
}

/* Durable.  NULL: no rules any more.  INVALID: the bucket does not keep
 * versions now; STALE: it is gone. */
must_check enum store_err replication_put(struct store *store, uint64_t bucket,
	const struct replication *replication);
/* NOT_FOUND, CORRUPT. */
must_check enum store_err replication_read(struct store *store, uint64_t bucket,
	struct arena *arena, struct replication *out);

/* Of a version, in its attributes.  Numbers are on the disk. */
enum replication_status {
	REPLICATION_NONE = 0,
	REPLICATION_PENDING = 1,
	REPLICATION_COMPLETED = 2,
	REPLICATION_FAILED = 3,
	REPLICATION_REPLICA = 4,
	REPLICATION_STATUSES
};
enum replication_status replication_status_of(struct slice attrs);
/* "PENDING", ...; of NONE NULL. */
const char *replication_status_name(enum replication_status status);

struct replication_counts {
	uint64_t waiting; /* versions */
	uint64_t failed;  /* those that were given up, ever */
};
/* Of the store's buckets together. */
must_check enum store_err replication_count(struct store *store,
	struct replication_counts *out);

/* --- replication_run.c ---------------------------------------------------- */

/* How often it is tried to make a replica, at growing intervals. */
#define REPLICATION_TRIES 8

/* Grows with anything that is new in the store: else nothing waits that did not
 * wait before. */
uint64_t replication_mark(struct store *store);

/* Of one version, to one bucket. */
struct replication_ask {
	const struct replication *replication;
	const struct bucket *from;
	const struct bucket *to;
	struct slice key;
	const struct replication_rule *rule;
	uint64_t number; /* of the version in `from` */
	bool is_marker;
	bool is_update; /* of the attributes of a replica that is there */
};

struct replication_options {
	int64_t now_ns; /* 0: now */
	/* Asked before each version; false ends the run.  NULL: it goes on. */
	bool (*goes_on)(void *context);
	/* Whether who has set the rules may still have that replicated.  NULL:
	 * he may. */
	bool (*may)(const struct replication_ask *ask, void *context);
	/* What was changed, and what could not be: ACCESS where he may not.
	 * Not durable yet.  NULL: nobody is told. */
	void (*report)(const struct replication_ask *ask, enum store_err err,
		void *context);
	void *context;
};

struct replication_result {
	uint64_t done;	 /* versions */
	uint64_t failed; /* that were given up */
	uint64_t left;	 /* that wait on: to be tried again, or written to */
};

/* All that waits and is due.  Durable.  BUSY: another process is at it; IO,
 * READ_ONLY, NO_MEMORY. */
must_check enum store_err replication_run(struct store *store,
	const struct replication_options *options,
	struct replication_result *out);
