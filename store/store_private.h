/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_private.h - what the files of the engine share.
 *
 * Order of locks: docs/locking.md.
 */
#pragma once

#include "store/data/blob.h"
#include "store/meta/db.h"
#include "store/store.h"

struct committer;	 /* commit.c */
struct durable;		 /* durable.c */
struct unflushed;	 /* unflushed.c */
struct reclaim;		 /* reclaim.c */
struct session;		 /* session.c */
struct pack;		 /* pack.c */
struct feed;		 /* feed.c */
struct file_table;	 /* file_table.c */
struct file_lingers;	 /* file_linger.c */
struct keyring;		 /* keyring.c */
struct last_access;	 /* last_access.c */
struct scrub_thread;	 /* scrub.c */
struct meter_thread;	 /* meter_thread.c */
struct complaints;	 /* complaint.c */
struct replication_kept; /* replication_rules.c */

struct store {
	/* fixed after open */
	char *path;
	char *region;
	bool is_read_only;
	bool after_power_cut; /* found so by this opening */
	struct db *db;
	struct blobs *blobs;
	struct committer *committer;
	struct durable *durable; /* checkpoints */
	struct unflushed *unflushed;
	struct session *session;
	struct pack *pack; /* segments it appends to */
	struct feed *feed;
	struct reclaim *reclaim;
	struct file_table *files;
	struct file_lingers *lingers;
	struct last_access *last_access; /* NULL: for reading only */
	struct complaints *complaints;
	struct replication_kept *replication;
	const char *key_path; /* while opening; NULL: in the store */
	uint8_t key[32];      /* seals token secrets */

	/* fixed before the first file is opened; NULL: none.  Borrowed. */
	const struct keyring *keyring;

	/* set once, by scrub_start(); NULL: none */
	struct scrub_thread *scrubber;
	/* set once, by meter_thread_start(); NULL: none */
	struct meter_thread *meter;
};

/* What STORE/format begins with; before a restore has looked at everything, the
 * second one.  The version and the end of the line follow. */
#define STORE_FORMAT_PREFIX "tarn store "
#define STORE_RESTORE_PREFIX "tarn restore "

/* STORE/name below, as long as the path of the store allows. */
struct store_path {
	char text[4096];
};
struct store_path store_path(const struct store *store, const char *name);

/* store.c: nobody else opens the store before *fd is closed.  -1 where the disk
 * is read-only, as nobody can write then. */
must_check enum store_err store_lock_openers(const struct store *store,
	int *fd);

/* store.c: what one process has at a time, until *fd is closed; name: of the
 * lock's file, as "run/scrub.lock".  BUSY: another has it. */
must_check enum store_err store_lock(const struct store *store,
	const char *name, int *fd);

/* store_key.c: what seals the secrets of tokens. */
must_check enum store_err store_key_make(struct store *store);
must_check enum store_err store_key_read(struct store *store);
/* What tells this store from others, and gives nothing of its key away: in hex,
 * with a NUL. */
#define STORE_KEY_TRACE_LEN 33
void store_key_trace(const struct store *store,
	char trace[STORE_KEY_TRACE_LEN]);
/* In the tables stands by what a key is known; never the key. */
must_check enum store_err store_key_note(const struct store *store,
	struct db_txn *txn);
/* BAD_KEY. */
must_check enum store_err store_key_check(const struct store *store);

/* file_table.c: the table of open files of this process. */
must_check enum store_err file_table_create(struct file_table **out);
void file_table_free(struct file_table **table);

/* file_linger.c: what may be written to though it was published. */
must_check enum store_err file_linger_create(struct file_lingers **out);
/* Closes what is held (file_linger_private.h), before the session goes. */
void file_linger_stop(struct store *store);
void file_linger_free(struct file_lingers **lingers);
