/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check_private.h - what the passes of a check gather from one snapshot.
 *
 * 16 bytes are kept for each inode and for each blob, in the order of their
 * numbers; everything else is read again from the snapshot where it is needed.
 *
 *	check_scan.c		each table by itself; fills the arrays
 *	check_reference.c	what names a blob
 *	check_tree.c		names against inodes
 *	check_counter.c		what numbers come next
 *	check_usage.c		counters against what was counted
 *	check_day.c		the same of bytes by day of last access
 *	check_event.c		what waits for topics
 *	check_replication.c	and to be replicated
 *	check_null.c		which older versions are null
 *	check_pack.c		segments against what is packed into them
 *	check_data.c		blobs against data files
 *	check_repair.c		what can be put right
 *	check_tree_repair.c	of names and inodes
 */
#pragma once

#include "store/base/arena.h"
#include "store/check.h"
#include "store/dentry_private.h"
#include "store/meta/key.h"

/* What puts a finding right.  Those up to CHECK_FIX_LAST_SHAPE change what
 * there is to count, so counters are left to a later round. */
enum check_fix {
	CHECK_FIX_NONE,
	/* First, since others take numbers. */
	CHECK_FIX_COUNTER,     /* name, a: the next number, at least */
	CHECK_FIX_ROW,	       /* table, key: the row is deleted */
	CHECK_FIX_UPLOAD,      /* a: bucket, b: number: it is aborted */
	CHECK_FIX_OPEN,	       /* a: session, b: inode: settled */
	CHECK_FIX_ROOT,	       /* a: bucket: its root's record is made */
	CHECK_FIX_HISTORY,     /* a: root, b: bucket: its record is made */
	CHECK_FIX_VERSIONS,    /* a: root, b: bucket: its row is made */
	CHECK_FIX_LOCK,	       /* a: bucket: has Object Lock */
	CHECK_FIX_BUCKET,      /* a: bucket: gets a name, "lost-<number>" */
	CHECK_FIX_DIR,	       /* a: inode, b: parent, name: record is made */
	CHECK_FIX_ADOPT,       /* a: inode, b: bucket: record and name */
	CHECK_FIX_CUT,	       /* as the next, after losing its name */
	CHECK_FIX_ATTACH,      /* a: inode, b: bucket: name in lost+found/ */
	CHECK_FIX_HOME,	       /* a: inode, b: bucket: that is where it is */
	CHECK_FIX_PARENT,      /* a: inode, b: parent, name: as it hangs */
	CHECK_FIX_SIZE,	       /* a: inode: as its data file says */
	CHECK_FIX_RECORD_SIZE, /* a: inode: as records say: packed, or no blob
				*/
	CHECK_FIX_CUT_OFF,     /* a: blob: marked as damaged */
	CHECK_FIX_PACKED, /* a: blob, b: segment, c: offset, d: size: record */
	CHECK_FIX_PLACE,  /* a: blob: its segment's row is made */
	CHECK_FIX_LAST_SHAPE = CHECK_FIX_PLACE,
	CHECK_FIX_SEGMENT,     /* a: segment: counted anew */
	CHECK_FIX_NLINK,       /* a: inode, b: links */
	CHECK_FIX_REFERENCES,  /* a: blob, b: references */
	CHECK_FIX_USAGE,       /* key, value: the row is made so; empty: goes */
	CHECK_FIX_DAMAGED,     /* a: how many are marked so */
	CHECK_FIX_EVENTS,      /* a: topic: what waits for it is counted anew */
	CHECK_FIX_REPLICATION, /* a: bucket: the same of its versions */
	CHECK_FIX_NULL,	       /* a: directory, b: number, name: gets its row */
	CHECK_FIX_FILE,	       /* a: blob: the data file is removed */
};

struct check_job {
	enum check_kind kind;
	enum check_fix fix;
	enum db_table table;
	uint64_t a, b, c, d;
	struct slice name;  /* or the row's key */
	struct slice value; /* of the row */
	const char *text;
	bool is_repaired;
	struct check_job *next;
};

struct check_inode {
	uint64_t ino;
	uint32_t names;
	uint32_t subdirs : 28;
	uint32_t is_dir : 1;
	uint32_t is_root : 1;	 /* of a bucket, with or without name */
	uint32_t is_reached : 1; /* from the root, or reported */
	uint32_t is_climbing : 1;
};

struct check_blob {
	uint64_t id;
	uint32_t references;
	bool is_seen; /* its file has been looked at */
};

/* What the rows of a segment come to. */
struct check_segment {
	uint64_t id;
	uint64_t live;
	uint64_t end; /* of the last blob */
	uint32_t references;
};

/* A row whose blob has no record. */
struct check_lost {
	uint64_t blob;
	uint64_t segment;
	uint64_t offset;
	bool is_named; /* by an inode */
};

struct check_bucket {
	uint64_t ino;
	struct record_usage usage; /* as counted */
	bool has_root;
	bool has_lock; /* Object Lock, or that it lacks it is noted */
};

/* What is counted of a bucket for a day. */
struct check_day {
	uint64_t bucket;
	uint32_t day;
	uint64_t bytes;
};

struct check_days {
	uint64_t mark;	       /* access_day_mark() */
	struct check_day *all; /* some twice, but at the end */
	size_t count;
	size_t capacity;
};

struct check_upload {
	uint64_t number;
	uint64_t bucket;
};

/* A node of a long name. */
struct check_chunk {
	uint64_t node;
	uint64_t parent;
	struct slice name; /* what leads from parent to node */
	bool has_entries;
};

/* What waits for a topic. */
struct check_topic {
	uint64_t id;
	uint64_t waiting; /* rows, as counted */
	uint64_t bytes;
};

/* What waits to be replicated from a bucket. */
struct check_replication {
	uint64_t bucket;
	uint64_t waiting; /* rows, as counted */
};

struct check_array {
	void *items; /* each begins with its number */
	size_t count;
	size_t capacity;
	size_t item_size;
};

struct check {
	struct store *store;
	struct db_txn *txn;
	struct arena arena; /* of the jobs */
	struct check_array inodes;
	struct check_array blobs;
	struct check_array buckets;
	struct check_array chunks;
	struct check_array segments;
	struct check_array lost;
	struct check_array sessions; /* numbers alone, as the next three */
	struct check_array opens;
	struct check_array uploads;
	struct check_array histories; /* roots of them: numbers alone */
	struct check_array topics;
	struct check_array replications;
	struct check_days days;
	/* The highest number of each counter that a row has. */
	uint64_t last_number;
	uint64_t last_blob;
	uint64_t last_session;
	struct check_array unknown; /* blobs named, but without record */
	uint64_t damaged;	    /* blobs marked so */
	uint64_t generation;	    /* of who has written: record.h */
	bool has_all_nulls;	    /* rows of DB_NULL are complete */
	bool has_newer;		    /* records that a later tarn has written */
	struct check_job *jobs;
	struct check_job **jobs_end;
	size_t jobs_count;
	struct check_job overflow; /* where no more are kept */
	struct check_result result;
};

void *check_add(struct check_array *array, uint64_t number);
void check_sort(struct check_array *array);
void *check_find(const struct check_array *array, uint64_t number);
/* After the inodes: has a name, or gets one, since its root is there. */
bool check_is_bucket(const struct check *check, uint64_t number);

/* Notes a finding; the caller fills in what its repair needs. */
struct check_job *check_note(struct check *check, enum check_kind kind,
	enum check_fix fix, const char *format, ...) printf_like(4, 5);

/* Notes that a row does not decode; whose: "inode 5".  It goes, but for one
 * that a later tarn has written: then nothing is repaired, since all that it
 * names would be taken for lost. */
void check_note_record(struct check *check, enum db_table table,
	struct slice key, struct slice value, const char *whose);
void check_note_row(struct check *check, enum db_table table, struct slice key,
	struct slice value, const char *what, uint64_t number);

/* Calls visit for each row of a table. */
must_check enum store_err check_rows(struct check *check, enum db_table table,
	enum store_err (*visit)(struct check *check, struct slice key,
		struct slice value));

must_check enum store_err check_pack_row(struct check *check, struct slice key,
	struct slice value);
/* After all that may name a blob. */
void check_pack_lost(struct check *check);
/* The inode's blob is packed, and of another size. */
must_check enum store_err check_pack_size(struct check *check,
	const struct inode *inode, const struct record_blob *record);
/* True where the inode names what blobs are packed into, which is noted. */
bool check_pack_is_named(struct check *check, const struct inode *inode);
/* A record of a packed blob, of a segment. */
must_check enum store_err check_pack_blob(struct check *check, uint64_t id,
	const struct record_blob *record);
must_check enum store_err check_pack_segment(struct check *check, uint64_t id,
	const struct record_blob *record);
/* A record that is not a segment's: true where blobs lie in it all the same,
 * which is noted. */
bool check_pack_is_segment(struct check *check, uint64_t id);
/* Inside apply: a packed blob that nothing names goes.  Where it is not in its
 * segment's counters a later round counts those anew. */
must_check enum store_err check_pack_drop(struct db_txn *txn, uint64_t id,
	const struct record_blob *record);
must_check enum store_err check_pack_repair(struct store *store,
	struct db_txn *txn, const struct check_job *job);

must_check enum store_err check_scan_tables(struct check *check);
/* An inode, an upload or a part, by its number, names a blob (0: none), which
 * has so many bytes; what: "upload". */
void check_reference_add(struct check *check, uint64_t id, const char *what,
	uint64_t number, uint64_t size);
must_check enum store_err check_tree_names(struct check *check);
must_check enum store_err check_tree_repair(struct store *store,
	struct db_txn *txn, const struct check_job *job);
/* A row has this number; last: of its counter. */
void check_counter_use(uint64_t *last, uint64_t number);
/* After these two: what they found, and counted. */
must_check enum store_err check_counter_rows(struct check *check);
must_check enum store_err check_counter_repair(struct db_txn *txn,
	const struct check_job *job);
must_check enum store_err check_usage_rows(struct check *check);
/* A name of what is counted. */
void check_day_add(struct check *check, const struct inode *inode);
/* Before the first of these. */
must_check enum store_err check_day_begin(struct check *check);
must_check enum store_err check_day_rows(struct check *check);
void check_day_free(struct check *check);
must_check enum store_err check_event_row(struct check *check, struct slice key,
	struct slice value);
must_check enum store_err check_event_notification(struct check *check,
	struct slice key, struct slice value);
/* After the rows: each topic's counters against them. */
must_check enum store_err check_event_topics(struct check *check);
must_check enum store_err check_event_repair(struct db_txn *txn,
	const struct check_job *job);
must_check enum store_err check_replication_row(struct check *check,
	struct slice key, struct slice value);
/* After the rows: each bucket's counters against them. */
must_check enum store_err check_replication_buckets(struct check *check);
must_check enum store_err check_replication_repair(struct db_txn *txn,
	const struct check_job *job);
/* Before the next two. */
must_check enum store_err check_null_begin(struct check *check);
must_check enum store_err check_null_row(struct check *check, struct slice key,
	struct slice value);
/* A name that leads to that inode, in that directory. */
must_check enum store_err check_null_name(struct check *check, uint64_t dir,
	struct slice name, const struct record_dentry *dentry,
	const struct inode *inode);
must_check enum store_err check_null_repair(struct db_txn *txn,
	const struct check_job *job);
must_check enum store_err check_data_inode(struct check *check,
	const struct inode *inode);
must_check enum store_err check_data_blobs(struct check *check);
/* Whether a record, a lease or the table of freed blobs has it, by now. */
must_check enum store_err check_data_is_named(struct store *store, uint64_t id,
	bool *is_named);
/* Without a snapshot open. */
must_check enum store_err check_data_files(struct check *check);

/* Does the job; is_repaired tells whether there was anything to do. */
must_check enum store_err check_repair_job(struct store *store,
	struct check_job *job);
