/* SPDX-License-Identifier: Apache-2.0 */
/*
 * upload_private.h - the tables of multipart uploads, within a transaction.
 *
 * 1. The upload's blob is a file where part p may lie at (p - 1) * G, G being
 *    the size of the first part announced that may be other than the last.
 * 2. A slot is written by one handle at a time and only while no record of
 *    that part exists: an arrival record, naming the session, reserves it.
 *    What finds its slot taken gets a blob of its own.
 * 3. So a slot that an acknowledged part lies in is never written again, and
 *    the file becomes the object only when nobody is writing to it: no
 *    arrival of a live session is left.
 * 4. Bytes in slots without a record of a part in place mean nothing to
 *    anybody.  Completion may fill such a slot with a part that has a blob of
 *    its own, under an arrival for part 0: one completion at a time.
 *
 * Arrivals stand in DB_PART beside the parts, above all their numbers.
 */
#pragma once

#include "store/commit_private.h"
#include "store/meta/record.h"
#include "store/upload.h"

/* Names of the INODE_ATTR_PART attributes: docs/format.md. */
#define UPLOAD_ATTR_PARTS SLICE("parts")
#define UPLOAD_ATTR_ID SLICE("upload")

/* Added to a part's number in the key of its arrival. */
#define UPLOAD_ARRIVAL (1ull << 32)

/* Whether its parts are sealed; how far apart those in place lie. */
bool upload_is_sealed(const struct record_upload *record);
uint64_t upload_slot(const struct record_upload *record);

/* What a request names. */
struct upload_ref {
	uint64_t bucket;
	struct slice key;
	struct slice id;
};

/* The number in an upload's id; false where it is none. */
bool upload_read_id(struct slice id, uint64_t *number);

/* Copies all into the arena. */
void upload_describe(uint64_t number, const struct record_upload *record,
	struct arena *arena, struct upload_info *out);

/* Up to max uploads of the bucket in the order in which they were begun, behind
 * number *after (0: from the first), which goes on to the last of them. */
must_check enum store_err upload_list_begun(struct store *store,
	uint64_t bucket, uint64_t *after, struct arena *arena,
	struct upload_info **out, size_t max, size_t *count);

/* NO_UPLOAD.  Slices of the record point into the map. */
must_check enum store_err upload_find(struct db_txn *txn,
	const struct upload_ref *ref, uint64_t *number,
	struct record_upload *out);
must_check enum store_err upload_save(struct db_txn *txn, uint64_t bucket,
	uint64_t number, const struct record_upload *record);

/* part may be an arrival's.  NOT_FOUND. */
must_check enum store_err upload_parts_find(struct db_txn *txn, uint64_t number,
	uint64_t part, struct record_part *out);

/* Whether a live session is still writing to the upload's blob; first: 0, or
 * 1 to leave completions aside. */
must_check enum store_err upload_parts_arriving(struct db_txn *txn,
	uint64_t number, unsigned first, bool *has);
/* Notes that this session writes to the slot of that part, or fills several
 * (0). */
must_check enum store_err upload_parts_reserve(struct store *store,
	struct db_txn *txn, uint64_t number, unsigned part);
must_check enum store_err upload_parts_release(struct db_txn *txn,
	uint64_t number, unsigned part);
/* Whether one is writing to that part's slot. */
must_check enum store_err upload_parts_is_arriving(struct db_txn *txn,
	uint64_t number, unsigned part, bool *is);

void upload_parts_describe(unsigned number, const struct record_part *record,
	struct upload_part_info *out);

/* Takes the upload out of the tables and gives up its reference to every
 * blob of it. */
must_check enum store_err upload_remove(struct db_txn *txn, uint64_t bucket,
	uint64_t number);

/* Appends the value of UPLOAD_ATTR_PARTS. */
void upload_parts_encode(struct buffer *to,
	const struct upload_part_info *parts, size_t count);

/* A run of an object's bytes that was sealed by itself. */
struct upload_stream {
	unsigned part;	    /* its number; 0: the object is not of parts */
	uint64_t start;	    /* in the object */
	uint64_t size;	    /* of its bytes */
	uint64_t stored_at; /* in the data file */
};

/* The stream of a sealed object that has the byte at `at`.  False: its parts
 * do not make up its size. */
bool upload_parts_stream(const struct inode *inode, uint64_t at,
	struct upload_stream *out);
