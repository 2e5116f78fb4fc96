/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check.h - verifies every invariant of a store: tarn fsck.
 *
 * Reads one snapshot; a store in use may be checked, differences that a
 * running process explains are not reported.  Repairs need the store to
 * themselves (BUSY), and nobody can open it meanwhile.  Needs 16 bytes of
 * memory for each inode and each blob, and asks the file system for the size of
 * each blob.
 *
 * What has lost its name gets one in the bucket's lost+found/, by its number.
 * Data that is missing is reported and left alone: it may be on a file system
 * that is not mounted.  A file that is shorter than it was, and was not written
 * to in place, is marked as damaged (scrub.h); another size is taken over.
 *
 * Threads:   the caller's, for as long as it takes.
 */
#pragma once

#include "store/store.h"

enum check_kind {
	CHECK_RECORD,	    /* a record does not decode */
	CHECK_DENTRY,	    /* a name without its inode */
	CHECK_ORPHAN,	    /* an inode without a name */
	CHECK_NLINK,	    /* the count of links is wrong */
	CHECK_PARENT,	    /* a directory's parent is not where it hangs */
	CHECK_REFERENCES,   /* a blob's count of references is wrong */
	CHECK_BLOB_MISSING, /* a blob's data file is not there */
	CHECK_BLOB_SIZE,    /* or of another size than the record says */
	CHECK_BLOB_STRAY,   /* a data file that no record names */
	CHECK_USAGE,	    /* a bucket's counters are wrong */
	CHECK_UPLOAD,	    /* a part without its upload, or its data */
	CHECK_BUCKET,	    /* a bucket without its root, or the reverse */
	CHECK_PACK,	    /* segments against what is packed into them */
	CHECK_LEASE,	    /* a lease or open mark of no live session */
	CHECK_COUNTER,	    /* a number in use is to be given out again */
	CHECK_EVENT,	    /* how many events wait for a topic is wrong */
	CHECK_REPLICATION,  /* how many versions wait to be replicated is */
	CHECK_DAMAGED, /* a scrub found other bytes; or their count is off */
	CHECK_KINDS
};

enum check_mode {
	CHECK_LOOK,   /* repairs nothing */
	CHECK_REPAIR, /* what can be */
	/* Of a backup: nothing is taken away.  Takes over the sizes of files
	 * that were written in place, marks what was cut off, and sets
	 * counters. */
	CHECK_SETTLE,
};

struct check_finding {
	enum check_kind kind;
	bool is_repaired;
	bool is_settled;  /* repaired: the size of a file written in place */
	const char *text; /* one sentence, naming what it is about */
	uint64_t count;	  /* so many rows that it is true of */
};

struct check_result {
	uint64_t buckets, inodes, dentries, blobs, uploads, bytes;
	uint64_t findings;
	uint64_t repaired;
};

/* "blob-missing", ... */
const char *check_kind_name(enum check_kind kind);

/* report may be NULL.  BUSY, READ_ONLY: no repairs now. */
must_check enum store_err check_store(struct store *store, enum check_mode mode,
	void (*report)(const struct check_finding *finding, void *context),
	void *context, struct check_result *out);
