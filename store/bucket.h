/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bucket.h - buckets and the documents that belong to them.
 *
 * Names: S3 API, "Bucket naming rules" (3 to 63 of a-z 0-9 . -, letters or
 * digits at both ends, no "..", no IP address, no "xn--" in front, no
 * "-s3alias" behind).  Names that begin with "cw-" or "vip-" are kept for
 * buckets that the server makes for itself; those that were there before the
 * rule was go on.
 *
 * Threads:   any.
 * Ownership: what is listed or read lives in the arena it was given.
 */
#pragma once

#include "store/base/arena.h"
#include "store/base/inode.h"
#include "store/store.h"

#define BUCKET_NAME_MAX 63

struct bucket {
	uint64_t ino; /* of its root directory; its id */
	char name[BUCKET_NAME_MAX + 1];
	int64_t created_ns;
	char owner[64];
	char region[64];
};

struct bucket_document {
	struct slice kind;
	struct slice value;
};

bool bucket_name_is_valid(struct slice name);

/* Durable.  owner: an organization, shorter than bucket.owner.  BAD_NAME (also
 * of a reserved one), BUCKET_EXISTS (*out is the one there is),
 * NO_ORGANIZATION, INVALID. */
must_check enum store_err bucket_create(struct store *store, struct slice name,
	struct slice owner, struct bucket *out);
/* The same with documents of the bucket's, as bucket_set_document() takes them,
 * and with Object Lock (lock.h): it is there with all of it, or not. */
must_check enum store_err bucket_create_with(struct store *store,
	struct slice name, struct slice owner,
	const struct bucket_document *documents, size_t count, bool is_locking,
	struct bucket *out);
/* The first for the server itself, which may have a reserved name. */
must_check enum store_err bucket_create_own(struct store *store,
	struct slice name, struct slice owner, struct bucket *out);

/* Durable; open uploads and its documents go with it, as in S3.  NO_BUCKET,
 * BUCKET_NOT_EMPTY: also where S3 sees none of what is there. */
must_check enum store_err bucket_delete(struct store *store, struct slice name);
/* That very one, and not another that has got its name meanwhile. */
must_check enum store_err bucket_delete_known(struct store *store,
	const struct bucket *bucket);

/* NO_BUCKET.  By inode: looks through all of them. */
must_check enum store_err bucket_get(struct store *store, struct slice name,
	struct bucket *out);
must_check enum store_err bucket_get_by_ino(struct store *store, uint64_t ino,
	struct bucket *out);

/* Up to max buckets whose names are above `after`, in order. */
must_check enum store_err bucket_list(struct store *store, struct slice after,
	struct bucket *out, size_t max, size_t *count);

/* Documents: policy, CORS, ...; kind is a name of 1 to 160 bytes.  Durable.
 * NULL value removes.  INVALID.  Get: NOT_FOUND. */
must_check enum store_err bucket_set_document(struct store *store,
	uint64_t owner, struct slice kind, const struct slice *value);
must_check enum store_err bucket_get_document(struct store *store,
	uint64_t owner, struct slice kind, struct arena *arena,
	struct slice *value);

/* Those whose kind begins with the prefix (not empty), in order of kinds. */
must_check enum store_err bucket_list_documents(struct store *store,
	uint64_t owner, struct slice prefix, struct arena *arena,
	struct bucket_document **out, size_t *count);
