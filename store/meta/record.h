/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record.h - what the tables hold, as structs, and their encoding.
 *
 * Layouts: docs/format.md.  Numbers are little-endian; each record starts
 * with a byte that tells its version.
 *
 * Ownership: slices in a decoded record point into the encoded bytes.
 * Failure:   decoders give CORRUPT on anything that does not decode whole,
 *            whatever the bytes; encoders append to a buffer and cannot fail.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "store/base/buffer.h"
#include "store/base/compiler.h"
#include "store/base/error.h"
#include "store/base/inode.h"
#include "store/base/slice.h"
#include "store/base/version.h"
#include "store/meta/db.h"

/* Longer names of organizations and regions are damage: they become keys. */
#define RECORD_NAME_MAX 63

struct record_bucket {
	uint64_t root_ino; /* also the bucket's id */
	int64_t created_ns;
	struct slice owner; /* organization */
	struct slice region;
	uint8_t versioning; /* 0; DB_VERSION says it */
};

enum record_dentry_kind {
	RECORD_DENTRY_FILE = 1, /* anything that is not a directory */
	RECORD_DENTRY_DIR,
	RECORD_DENTRY_CHUNK, /* inode: the node with the rest of the name */
};

struct record_dentry {
	enum record_dentry_kind kind;
	uint64_t ino;
	struct version version; /* version 2 of the layout: number is not 0 */
};

/* Of a bucket that keeps versions, or did. */
struct record_versions {
	enum versioning versioning; /* not VERSIONING_NEVER */
	uint64_t history;	    /* directory below which older ones hang */
	struct inode_lock_rule lock;
};

/* Where the bytes of a blob lie. */
enum record_blob_place {
	RECORD_BLOB_FILE = 1, /* in a file of their own */
	RECORD_BLOB_PACKED,   /* in a segment */
	RECORD_BLOB_SEGMENT,  /* no object's: the file that packed ones share */
};

struct record_blob {
	enum record_blob_place place;
	/* A segment's: of the packed blobs in it, and of who appends to it. */
	uint32_t references;
	/* A file's as of the last publication; a segment's up to the end of
	 * the last blob in it. */
	uint64_t size;

	/* packed: where */
	uint64_t segment;
	uint64_t offset;

	/* a segment's */
	uint64_t live;	  /* sizes of the packed blobs in it */
	uint64_t session; /* that appends to it; 0: nobody any more */

	/* not a segment's */
	bool is_damaged; /* the bytes were found to be other ones */
	bool has_crc64nvme;
	uint64_t crc64nvme; /* of all bytes */
};

/* Under (bucket, number); listings sort by object key in memory. */
struct record_upload {
	uint64_t nonce; /* half of the upload id, against guessing */
	int64_t created_ns;
	struct slice key;	/* of the object */
	uint64_t blob;		/* where parts lie in place */
	uint64_t part_size;	/* G of DESIGN's rule; 0: no part came yet */
	struct slice initiator; /* access key */
	uint8_t checksum_kind;	/* enum digest_kind or 0 */
	bool is_checksum_full;	/* full object, not composite */
	struct slice attrs;	/* as in struct inode */
};

struct record_part {
	uint64_t size;
	int64_t modified_ns;
	uint8_t md5[16];
	uint64_t blob;	  /* 0: in place in the upload's blob */
	uint64_t session; /* it is arriving in place, written by that
			   * session; 0: it is here */
	uint8_t checksum_kind;
	struct slice checksum;
};

/* Of a bucket, or of all buckets of an organization. */
struct record_usage {
	uint64_t objects;
	uint64_t bytes;
	uint64_t part_bytes;	   /* of uploads that are not completed */
	struct slice organization; /* the bucket's owner; else empty */
};

/* Of what was accessed last on a day: never nothing. */
struct record_day {
	uint64_t bytes;
};

/* How much a bucket or an organization may hold; 0: no limit. */
struct record_quota {
	uint64_t objects;
	uint64_t bytes;
};

/* What a bucket held from an hour on. */
struct record_sample {
	uint64_t objects;
	uint64_t bytes;
	uint64_t part_bytes;
	/* Of both: the rest is hot. */
	uint64_t warm; /* all, where the tiers are not known */
	uint64_t cold;
	uint64_t archived;
};

enum record_sampled_stage {
	RECORD_SAMPLED_BUCKETS = 1, /* what there is gets its samples */
	RECORD_SAMPLED_SAMPLES,	    /* what is gone, too; old ones go */
	RECORD_SAMPLED_ALL,	    /* the hour is done */
};

/* How far the sampling of an hour has come. */
struct record_sampled {
	uint64_t hour; /* since 1970 UTC */
	enum record_sampled_stage stage;
	/* Where the stage goes on: the first that is not below it. */
	struct slice from;
};

struct record_session {
	uint8_t boot_id[16];
	int64_t started_ns;
	uint32_t pid;
	struct slice role; /* "serve", "mount", ... */
};

#define RECORD_TOKEN_PLAIN 1 /* TOKEN_PERMANENT: what version 1 is of */

struct record_token {
	struct slice name;
	struct slice organization;
	struct slice region;
	uint8_t level; /* enum token_level */
	int64_t created_ns;
	int64_t expires_ns;  /* 0: never */
	struct slice sealed; /* nonce, sealed secret: cipher.h */
	uint8_t kind;	     /* enum token_kind */
	bool is_suspended;
	bool needs_session;
	struct slice role;
	struct slice granted_by; /* kind of a document of owner 0 */
};

/* One line of the feed: which cached names and inodes no longer hold. */
enum record_change_kind {
	RECORD_CHANGE_DENTRY = 1, /* parent, name; ino: what it was */
	RECORD_CHANGE_INODE,	  /* ino: attributes */
	RECORD_CHANGE_DATA,	  /* ino: attributes and content */
	RECORD_CHANGE_BUCKET,	  /* name: came or went; parent 1 */
	RECORD_CHANGE_DOCUMENT,	  /* ino: bucket, or 0: a token, ... */
};

struct record_change {
	enum record_change_kind kind;
	uint64_t origin; /* who did it: feed.h */
	uint64_t parent;
	uint64_t ino;
	struct slice name; /* component, a directory's with its '/' */
};

#define RECORD_CODEC(type)                                                     \
	must_check enum store_err record_##type##_decode(struct slice bytes,   \
		struct record_##type *out);                                    \
	void record_##type##_encode(struct buffer *to,                         \
		const struct record_##type *record);
RECORD_CODEC(bucket)
RECORD_CODEC(dentry)
RECORD_CODEC(versions)
RECORD_CODEC(blob)
RECORD_CODEC(upload)
RECORD_CODEC(part)
RECORD_CODEC(usage)
RECORD_CODEC(day)
RECORD_CODEC(quota)
RECORD_CODEC(sample)
RECORD_CODEC(sampled)
RECORD_CODEC(session)
RECORD_CODEC(token)
RECORD_CODEC(change)
#undef RECORD_CODEC

must_check enum store_err record_inode_decode(struct slice bytes,
	struct inode *out);
void record_inode_encode(struct buffer *to, const struct inode *inode);

/* A kind of checksum that came later than the rest, or as one: a record that
 * has it is of a version that no tarn before them reads. */
bool record_is_checksum_recent(uint8_t kind);

/* One more with each version of a record that comes: docs/format.md. */
#define RECORD_GENERATION 2

/* The newest versions of two tables whose rows are encoded above. */
#define RECORD_VERSION_EVENT 2	     /* 1: counters without bytes */
#define RECORD_VERSION_REPLICATION 2 /* 1: rows without a directory */

/* Whether a record that does not decode may be one that a later tarn has
 * written: its version is above ours, and not so far above that it must be
 * damage. */
bool record_is_newer(enum db_table table, struct slice bytes);
