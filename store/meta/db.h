/* SPDX-License-Identifier: Apache-2.0 */
/*
 * db.h - ordered tables with transactions: the only face of LMDB.
 *
 * Readers see the snapshot they began with and never wait; there is one
 * writer at a time among all processes.  A commit is visible to every process
 * at once, and durable only after a checkpoint (checkpoint.h).
 *
 * Processes: open after fork(2), never before: LMDB's locks are those of the
 *            process that opened.  For the same reason a process opens a
 *            store but once, and nobody else there opens lock.mdb.
 * Threads:   db: any.  A read transaction may move between threads but is
 *            used by one at a time; a write transaction stays on its thread.
 * Ownership: slices from db_get() and cursors point into the map: they live
 *            until the transaction ends or, in a write transaction, until
 *            its next change.
 * Failure:   IO, CORRUPT, NO_SPACE (disk or map full), NO_MEMORY anywhere;
 *            after an error in a write transaction only db_abort() is left.
 *            NOT_FOUND and EXISTS are answers and change nothing.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "store/base/compiler.h"
#include "store/base/error.h"
#include "store/base/slice.h"

#define DB_KEY_MAX 511

/* On-disk names and layouts of keys and values: docs/format.md. */
enum db_table {
	DB_META,       /* text -> store-wide facts: format, region, counters */
	DB_BUCKET,     /* name -> record_bucket */
	DB_DENTRY,     /* parent inode, component -> record_dentry */
	DB_INODE,      /* inode -> record_inode */
	DB_VERSION,    /* bucket -> record_versions */
	DB_BLOB,       /* blob -> record_blob */
	DB_PACK,       /* segment, offset -> the blob packed there;
			* 0, segment: to be compacted */
	DB_UPLOAD,     /* bucket, upload number -> record_upload */
	DB_PART,       /* upload number, part number -> record_part */
	DB_DOCUMENT,   /* owner id, kind -> bytes as given */
	DB_USAGE,      /* bucket -> record_usage;
			* bucket, day -> record_day */
	DB_CHANGE,     /* sequence -> record_change: the feed */
	DB_UNFLUSHED,  /* blob -> commit that put it here: a checkpoint that
			* covers it flushes the data */
	DB_FREED,      /* blob -> commit that freed it: data to reclaim */
	DB_SESSION,    /* session -> record_session */
	DB_LEASE,      /* session, first blob id -> count */
	DB_OPEN,       /* session, inode -> flags: dirty or unpublished */
	DB_TOKEN,      /* access key -> record_token */
	DB_TOKEN_NAME, /* token name -> access key */
	DB_NOTIFICATION, /* bucket -> whom its events are for */
	DB_EVENT,	 /* topic, 0 -> record_topic_state;
			  * topic, number -> an event that is to be told */
	DB_REPLICATION,	 /* bucket, 0 -> how many wait, how many failed;
			  * bucket, version -> where it is to be replicated */
	DB_NULL,	 /* where older versions of a key hang -> number of
			  * the one that is null */
	DB_TABLES
};

struct db;
struct db_txn;

struct db_options {
	const char *path;  /* a directory that exists */
	uint64_t map_size; /* 0: 1 TiB, or what the machine grants */
	bool is_read_only; /* no write transactions, no lock file needed */
	bool create;	   /* make the tables where missing */
};

/* NOT_A_STORE: no tables there; BAD_VERSION; BUSY: this process has them open
 * already. */
must_check enum store_err db_open(const struct db_options *options,
	struct db **out);
void db_close(struct db **db);

/* The file that holds it all, for flushing and saving its meta page. */
int db_fd(const struct db *db);

/* Number of the last commit, by any process. */
uint64_t db_last_commit(struct db *db);

/* Writes a copy of all tables, as of one commit, to an empty file: while others
 * go on, but for an instant. */
must_check enum store_err db_copy(struct db *db, int fd);

/* Whether this process can begin no transaction any more: a write of its own
 * failed where it leaves the tables' end unknown.  Others go on. */
bool db_has_failed(const struct db *db);

/* Forgets readers of dead processes, so that their pages can be reused. */
void db_reap_readers(struct db *db);

must_check enum store_err db_begin_read(struct db *db, struct db_txn **out);
/* Waits for the writer of whichever process. */
must_check enum store_err db_begin_write(struct db *db, struct db_txn **out);
/* Write transactions only.  *number is that of the commit; a transaction
 * that changed nothing commits nothing and gives the last one's number. */
must_check enum store_err db_commit(struct db_txn **txn, uint64_t *number);
/* Ends a read, or drops a write.  NULL is allowed: fits scoped(). */
void db_abort(struct db_txn **txn);

/* The commit that a read sees, or that a write will be. */
uint64_t db_txn_number(const struct db_txn *txn);

/* Grows with each db_put and db_delete that changed something. */
uint64_t db_txn_changes(const struct db_txn *txn);

/* Makes the tables that this store is older than: those from DB_NOTIFICATION
 * on, which read as empty until then.  While nobody else has a transaction of
 * this process. */
must_check enum store_err db_open_added(struct db_txn *txn);

must_check enum store_err db_get(struct db_txn *txn, enum db_table table,
	struct slice key, struct slice *value);
must_check enum store_err db_put(struct db_txn *txn, enum db_table table,
	struct slice key, struct slice value);
/* EXISTS: there is one already. */
must_check enum store_err db_insert(struct db_txn *txn, enum db_table table,
	struct slice key, struct slice value);
/* As db_put for a key above all others of its table: cheaper.  INVALID: not
 * above. */
must_check enum store_err db_append(struct db_txn *txn, enum db_table table,
	struct slice key, struct slice value);
/* NOT_FOUND */
must_check enum store_err db_delete(struct db_txn *txn, enum db_table table,
	struct slice key);
/* The same where one that is not there is no error. */
must_check enum store_err db_delete_if_there(struct db_txn *txn,
	enum db_table table, struct slice key);
must_check enum store_err db_count(struct db_txn *txn, enum db_table table,
	uint64_t *count);

/*
 * A place in a table.  After each call that gives STORE_OK, key and value
 * are those of the place; NOT_FOUND: there is none that way.
 */
struct db_cursor {
	void *handle;
	struct slice key;
	struct slice value;
};

must_check enum store_err db_cursor_open(struct db_txn *txn,
	enum db_table table, struct db_cursor *cursor);
/* Before the end of its transaction.  Allowed on zeros. */
void db_cursor_close(struct db_cursor *cursor);

/* The first key >= the one given. */
must_check enum store_err db_cursor_seek(struct db_cursor *cursor,
	struct slice key);
must_check enum store_err db_cursor_next(struct db_cursor *cursor);
/* The last key < the one given. */
must_check enum store_err db_cursor_seek_before(struct db_cursor *cursor,
	struct slice key);
