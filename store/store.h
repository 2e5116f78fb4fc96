/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store.h - a store: open it, close it, ask how it is.
 *
 * A store is a directory.  Any number of processes may have it open at once;
 * each may be killed at any moment without harm to the others.
 *
 *	STORE/format      one line: what this is, and its version
 *	STORE/store.key   seals token secrets, mode 0600
 *	STORE/meta/       the tables and the checkpoint
 *	STORE/data/       blobs
 *	STORE/access-log/ lines on their way into buckets; there once served
 *	STORE/run/        locks and shared memory of running processes
 *
 * Threads:   any, after store_open().  Functions of the engine that change
 *            something wait for the commit, and where they say "durable" for
 *            a checkpoint: on a fiber others run meanwhile.
 * Failure:   IO, CORRUPT, NO_SPACE, NO_MEMORY, READ_ONLY may come from any
 *            function and are not repeated below.  An error means that
 *            nothing changed.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "store/base/compiler.h"
#include "store/base/error.h"
#include "store/base/slice.h"

#define STORE_FORMAT_VERSION 2

struct store;

struct store_options {
	const char *path;
	const char *role;	/* "serve", "mount", ...: shown by status */
	const char *key_path;	/* NULL: STORE/store.key */
	bool is_read_only;	/* takes no session, changes nothing */
	uint64_t map_size;	/* tests; 0: the default */
	uint64_t segment_size;	/* of small objects; tests; 0: the default */
	bool spares_everywhere; /* tests: see blob_spare_use() */
	bool is_restoring;	/* backup_restore() alone: what others may not
				 * open yet */
};

/* Makes a new store, durably, in a new or empty directory.  region: 1 to 63
 * bytes.  key_path: where its key is to lie, or lies already; NULL:
 * STORE/store.key.  EXISTS: there is one; NOT_EMPTY, NOT_DIR, INVALID, and of
 * a key that lies there what store_open() says. */
must_check enum store_err store_create(const char *path, struct slice region,
	const char *key_path);

/* Recovers where needed.  A process opens a store once at a time.
 * NOT_A_STORE, UNEXAMINED: a restore has not ended; BAD_VERSION, ACCESS: others
 * than the owner may read the key; BAD_KEY: it is not this store's. */
must_check enum store_err store_open(const struct store_options *options,
	struct store **out);

/* The absolute path; good as long as it is open. */
const char *store_dir(const struct store *store);

/* Makes a last checkpoint.  NULL is allowed. */
void store_close(struct store **store);

struct slice store_region(const struct store *store);

/* Makes everything acknowledged so far by any process durable. */
must_check enum store_err store_sync(struct store *store);

struct store_status {
	uint64_t last_commit;
	uint64_t last_checkpoint;
	uint64_t buckets;
	uint64_t objects;
	uint64_t bytes;
	uint64_t capacity_bytes; /* of the file system below */
	uint64_t free_bytes;
	uint64_t reserved_bytes; /* unused, too, but root's alone */
	uint64_t inodes;	 /* of the file system below */
	uint64_t free_inodes;
	uint64_t freed_blobs; /* waiting for reclaim */
	uint64_t unflushed_blobs;
	uint64_t damaged_blobs;	     /* found so by a scrub */
	uint64_t missing_blobs;	     /* when the last whole scrub ended */
	int64_t last_scrub_ns;	     /* when a whole one ended; 0: never */
	uint64_t unread_audit_files; /* that cannot be delivered: audit.h */
	uint64_t events_waiting;     /* for their topics */
	uint64_t events_dropped;     /* since the topics were made */
	uint64_t replicas_waiting;   /* versions that are to have some */
	uint64_t replicas_failed;    /* versions that have not got them */
	bool has_failed;	     /* a flush failed: read-only from here */
};

must_check enum store_err store_status(struct store *store,
	struct store_status *out);

struct store_session {
	uint64_t id;
	uint32_t pid;
	int64_t started_ns;
	char role[16];
	bool is_alive;
};

/* Up to max of those known; *count tells how many. */
must_check enum store_err store_sessions(struct store *store,
	struct store_session *out, size_t max, size_t *count);
