/* SPDX-License-Identifier: Apache-2.0 */
/*
 * upload.h - multipart uploads: parts arrive in any order, the object
 * appears at once.
 *
 * Readers see nothing of an upload until upload_complete() returns
 * STORE_OK; from then on the object survives power loss.  An abandoned
 * upload keeps its space until upload_abort().
 *
 * Parts are written to their place in the final file where sizes allow, so
 * completion costs one commit whatever the size; else pieces are cloned or
 * copied once.
 *
 * Threads:   any thread may call any function; parts of one upload may be
 *            written in parallel, also by several processes.
 * Ownership: handles returned through **out belong to the caller; slices
 *            are borrowed for the length of the call.
 * Failure:   *out and the stored object are as before the call.  NO_UPLOAD
 *            where the id, bucket and key do not name one.
 * Units:     lengths are bytes; part numbers run from 1 to UPLOAD_PARTS_MAX.
 */
#pragma once

#include "store/object.h"

#define UPLOAD_PARTS_MAX 10000
#define UPLOAD_PART_MIN (5ull << 20) /* all but the last */
#define UPLOAD_PART_MAX (5ull << 30)
#define UPLOAD_ID_LEN 32

struct upload_info {
	char id[UPLOAD_ID_LEN + 1];
	struct slice key; /* in the arena */
	int64_t created_ns;
	struct slice initiator; /* access key */
	uint8_t checksum_kind;
	bool is_checksum_full;
	struct slice attrs;
};

/* Durable.  info->id is ignored; created_ns 0: now.  KEY_TOO_LONG, BAD_NAME,
 * STALE, ATTR_TOO_BIG, INVALID. */
must_check enum store_err upload_begin(struct store *store, uint64_t bucket,
	struct slice key, const struct upload_info *info,
	char id[UPLOAD_ID_LEN + 1]);

/* What began it, and whether it still is. */
must_check enum store_err upload_get(struct store *store, uint64_t bucket,
	struct slice key, struct slice id, struct arena *arena,
	struct upload_info *out);

struct upload_part_info {
	unsigned number;
	uint64_t size;
	int64_t modified_ns; /* 0 in a commit: now */
	uint8_t md5[16];
	uint8_t checksum_kind;
	uint8_t checksum_len;
	uint8_t checksum[DIGEST_LEN_MAX];
};

/* A part's body on its way in. */
struct upload_part;

/* size: as announced (it decides where the part lies, and no more is taken);
 * UINT64_MAX where unknown.  INVALID: a number out of range.  TOO_BIG. */
must_check enum store_err upload_part_begin(struct store *store,
	uint64_t bucket, struct slice key, struct slice id, unsigned number,
	uint64_t size, struct upload_part **out);
/* Before the first byte, where the upload is sealed: with what
 * seal_open() made of its attribute. */
void upload_part_seal(struct upload_part *part, const struct seal *seal);
/* TOO_BIG: more than announced.  NO_KEY: the upload is sealed, and
 * upload_part_seal() was not called. */
must_check enum store_err upload_part_write(struct upload_part *part,
	struct slice data);
/* Bytes of an existing object, shared or copied in the kernel.  TOO_BIG;
 * NO_KEY: the upload is sealed, and bytes have to be written. */
must_check enum store_err upload_part_copy(struct upload_part *part, int fd,
	uint64_t offset, uint64_t len);
uint64_t upload_part_size(const struct upload_part *part);
/* Durable; replaces an earlier part of that number.  md5, time and checksum
 * are taken from info; *part becomes NULL.  Of a sealed one info->md5 becomes a
 * random value, the part's ETag, and the checksum is kept hidden
 * (upload_part_show()).  INVALID: a checksum of another length than its
 * kind's. */
must_check enum store_err upload_part_commit(struct upload_part **part,
	struct upload_part_info *info);
void upload_part_abort(struct upload_part **part);

/* The checksum of a sealed upload's part, as upload_parts() gives it, in
 * clear. */
void upload_part_show(struct upload_part_info *info, const struct seal *seal);

/* Parts above `after`, up to max, in order. */
must_check enum store_err upload_parts(struct store *store, uint64_t bucket,
	struct slice key, struct slice id, unsigned after, size_t max,
	struct arena *arena, struct upload_part_info **out, size_t *count,
	bool *is_truncated);

/*
 * A part of an object that an upload made, by its number: its size, checksum
 * and where it starts; *count: of how many.  md5 is not kept.  False: the
 * object has no such part, or (*count stays) was not made by an upload.
 * HEAD and GET with ?partNumber=.
 */
bool upload_parts_of(const struct inode *inode, unsigned number,
	struct upload_part_info *out, uint64_t *offset, unsigned *count);

/*
 * Durable.  wanted: numbers and MD5s as the client lists them, ascending.
 * The ETag is made of them; checksum fields of attrs are the caller's, who
 * has computed them from upload_parts().  Of a sealed upload the checksums in
 * `wanted` have been compared by the caller, and are not there.  BAD_PART,
 * BAD_PART_ORDER, PART_TOO_SMALL, PRECONDITION.  Repeating one that succeeded:
 * NO_UPLOAD, unless the object of that key was made by this very upload
 * (upload_was()).
 */
must_check enum store_err upload_complete(struct store *store, uint64_t bucket,
	struct slice key, struct slice id,
	const struct upload_part_info *wanted, size_t count,
	const struct object_attrs *attrs,
	const struct object_condition *condition, struct object *out);

/* STORE_OK where the object now at key was made by the upload of that id, and
 * is durable, so that completing twice does no harm; else NO_UPLOAD, and what
 * store_sync() gives. */
must_check enum store_err upload_was(struct store *store, uint64_t bucket,
	struct slice key, struct slice id, struct arena *arena,
	struct object *out);

/* Durable; frees every part. */
must_check enum store_err upload_abort(struct store *store, uint64_t bucket,
	struct slice key, struct slice id);

struct upload_search {
	uint64_t bucket;
	struct slice prefix;	/* of keys */
	struct slice initiator; /* an access key; empty: anybody's */
	struct slice after_key;
	struct slice after_id; /* empty: above all of after_key */
	size_t max;
};

/* Uploads in order of (key, begun), above (after_key, after_id).  Looks at all
 * of the bucket's.  INVALID: after_id is no upload id. */
must_check enum store_err upload_list(struct store *store,
	const struct upload_search *search, struct arena *arena,
	struct upload_info **out, size_t *count, bool *is_truncated);
