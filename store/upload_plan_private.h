/* SPDX-License-Identifier: Apache-2.0 */
/*
 * upload_plan_private.h - how the listed parts of an upload become one object:
 * where each lies, and the cheapest way from there.
 *
 * A plan holds for the transaction that it was made in.
 *
 * Ownership: a plan is zeros before the first use; upload_plan_free() ends it.
 * Threads:   one at a time.
 */
#pragma once

#include "store/upload_private.h"

enum upload_way {
	UPLOAD_WAY_EMPTY, /* there is no data */
	UPLOAD_WAY_PART,  /* the blob of the only part */
	/* The upload's blob, parts that lie elsewhere copied to their slots
	 * first. */
	UPLOAD_WAY_UPLOAD,
	UPLOAD_WAY_COPY, /* a new blob, every part cloned or copied */
};

struct upload_piece {
	uint64_t blob;	 /* 0: in place */
	uint64_t offset; /* in its blob */
	uint64_t stored; /* bytes there: more than info.size where sealed */
	struct upload_part_info info;
};

struct upload_plan {
	uint64_t upload;
	uint64_t blob; /* the upload's */
	uint64_t part_size;
	uint64_t slot; /* how far apart parts in place lie */
	bool is_sealed;
	uint64_t total;
	uint64_t stored; /* bytes in the data file */
	enum upload_way way;
	bool has_displaced; /* UPLOAD_WAY_UPLOAD: some have their own blobs */
	size_t count;
	struct upload_piece *pieces;
};

/* What a plan is made for.  Borrowed. */
struct upload_wanted {
	struct upload_ref ref;
	const struct upload_part_info *parts; /* in the order of numbers */
	size_t count;
	bool must_copy;	 /* the upload's blob cannot become the object */
	bool is_claimed; /* by this completion: upload_private.h, 4 */
};

/* In place of what *plan was.  NO_UPLOAD; BAD_PART: one is not there, or not as
 * listed; PART_TOO_SMALL, TOO_BIG, NO_MEMORY. */
must_check enum store_err upload_plan_make(struct db_txn *txn,
	const struct upload_wanted *wanted, struct upload_plan *plan);

/* Whether a plan still holds, by another that was made of the same parts. */
bool upload_plan_is_same(const struct upload_plan *a,
	const struct upload_plan *b);

void upload_plan_free(struct upload_plan *plan);
