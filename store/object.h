/* SPDX-License-Identifier: Apache-2.0 */
/*
 * object.h - whole objects by key: put, get, copy, rename, delete.
 *
 * A put is seen by nobody until object_put_commit() returns STORE_OK; from
 * then on it survives power loss and every reader sees it.  What was opened
 * before goes on reading the old bytes.
 *
 * Keys: 1 to 1024 bytes of UTF-8, any content but NUL.  A key that ends in '/'
 * is an explicit directory; it may hold bytes, as S3 allows.
 *
 * Versions (versioning.h): what a put, a copy or a delete takes the place of
 * stays as an older one, where the bucket keeps them.  Functions without a
 * version_ref mean the current one.
 *
 * Threads:   any; one at a time for each handle.
 * Ownership: handles given through **out belong to the caller.  An object's
 * attrs live in the arena it was given.
 * Failure:   NO_BUCKET / STALE (bucket gone), NOT_FOUND, KEY_TOO_LONG,
 *            BAD_NAME (empty, not UTF-8, with a NUL).
 */
#pragma once

#include "store/base/arena.h"
#include "store/base/inode.h"
#include "store/base/version.h"
#include "store/cut.h"
#include "store/seal.h"
#include "store/store.h"

#define OBJECT_SIZE_MAX (50ull << 40) /* 50 TiB */

struct object {
	struct inode inode;
	enum versioning versioning; /* of its bucket */
	struct version version;
	bool is_marker;		/* there is no object: it was deleted by that */
	struct cut_guard guard; /* of object_open() */
};

/* Write conditions, checked in the commit itself.  PRECONDITION. */
struct object_condition {
	bool must_not_exist;		     /* If-None-Match: * */
	bool must_exist;		     /* If-Match: * ; PRECONDITION */
	const struct inode_etag *must_match; /* If-Match: "..." ; NOT_FOUND
					      * where there is none */
};

/* What a new object carries besides its bytes. */
struct object_attrs {
	struct inode_etag etag;
	uint8_t checksum_kind; /* enum digest_kind; 0: none */
	bool is_checksum_composite;
	uint32_t checksum_parts;
	uint8_t checksum_len;
	uint8_t checksum[DIGEST_LEN_MAX];
	struct slice attrs; /* encoded, inode.h */
	/* object_copy(): the kinds (1 << inode_attr_kind) that attrs gives;
	 * of the others the source's are kept.  0: all. */
	uint32_t kinds;
	/* That ends with lock_append_attr() is locked. */
	int64_t mtime_ns; /* 0: now */
	/* Of upload_complete(), where the upload is sealed: hides the
	 * checksum.  NULL: there must be none. */
	const struct seal *seal;
};

/* Attributes as of now: size and ETag are the data file's where the object
 * is being modified in place.  NOT_FOUND. */
must_check enum store_err object_head(struct store *store, uint64_t bucket,
	struct slice key, struct arena *arena, struct object *out);
/* NOT_FOUND, where out->is_marker tells whether there is a delete marker, and
 * out->version which. */
must_check enum store_err object_head_version(struct store *store,
	uint64_t bucket, struct slice key, const struct version_ref *version,
	struct arena *arena, struct object *out);

/*
 * As object_head(), and a descriptor to read its bytes from, starting at
 * *offset of the file; -1 where it is empty.  The bytes stay these whatever
 * happens to the key; but a mount may change them in place, and whoever has
 * read some asks cut_check(), with the object's size as the end, before he uses
 * them.  Those of a sealed object (seal_find()) are read through
 * sealed.h.  It counts as an access (last_access.h).  CORRUPT: the file of a
 * sealed one has another length than it must.
 */
must_check enum store_err object_open(struct store *store, uint64_t bucket,
	struct slice key, struct arena *arena, struct object *out, int *fd,
	uint64_t *offset);
/* NOT_FOUND as object_head_version() gives it. */
must_check enum store_err object_open_version(struct store *store,
	uint64_t bucket, struct slice key, const struct version_ref *version,
	struct arena *arena, struct object *out, int *fd, uint64_t *offset);

/* A body on its way in. */
struct object_put;

/* size: as announced, or 0 where unknown; where there is no room for it the
 * answer comes before the body.  NO_SPACE, TOO_BIG. */
must_check enum store_err object_put_begin(struct store *store, uint64_t size,
	struct object_put **out);
/* Before the first byte: the object is to be sealed with that key.  Its ETag
 * is random then, and its checksum hidden, whatever object_put_commit() is
 * given. */
void object_put_seal(struct object_put *put, const uint8_t key[SEAL_KEY_LEN]);
/* The next bytes.  TOO_BIG. */
must_check enum store_err object_put_write(struct object_put *put,
	struct slice data);
uint64_t object_put_size(const struct object_put *put);
/* Durable.  *put becomes NULL whatever happens.  out->inode.attrs are those
 * given.  PRECONDITION, ATTR_TOO_BIG, INVALID (attrs that do not decode). */
must_check enum store_err object_put_commit(struct object_put **put,
	uint64_t bucket, struct slice key, const struct object_attrs *attrs,
	const struct object_condition *condition, struct object *out);
/* Frees what was written.  NULL is allowed. */
void object_put_abort(struct object_put **put);

/*
 * Shares the data: no bytes move.  attrs NULL: those of the source, but its
 * ACL; where given, its etag and checksum are ignored in favour of the
 * source's, and an ACL is never the source's.
 * source_check is asked about the source in the commit's own snapshot; an
 * error of it is given back; it may be asked more than once, by another
 * thread.  Where a mount is writing to the source the bytes are cloned, and
 * the ETag is new.  out->inode.attrs stays empty.  Onto itself is allowed.
 * Durable.  PRECONDITION, BUSY (the source keeps changing), ATTR_TOO_BIG.
 */
must_check enum store_err object_copy(struct store *store,
	uint64_t source_bucket, struct slice source_key,
	enum store_err (*source_check)(const struct object *source,
		void *context),
	void *context, uint64_t bucket, struct slice key,
	const struct object_attrs *attrs,
	const struct object_condition *condition, struct object *out);
/* The same of a version of the source.  NOT_FOUND: also of a delete marker. */
must_check enum store_err object_copy_version(struct store *store,
	uint64_t source_bucket, struct slice source_key,
	const struct version_ref *version,
	enum store_err (*source_check)(const struct object *source,
		void *context),
	void *context, uint64_t bucket, struct slice key,
	const struct object_attrs *attrs,
	const struct object_condition *condition, struct object *out);

/* Who asks for a rename says so in the hash of a token of his own, and another
 * of all that he asks for: who asks again, not having heard, is told that it is
 * done. */
struct object_rename_token {
	uint8_t token[32];
	uint8_t asked[32];
};

/*
 * The object under one key gets another of the same bucket, in place of what is
 * there; no bytes move, and all it carries stays.
 * check is asked about the two (target: NULL where there is none) in the
 * commit's own snapshot; an error of it is given back; it may be asked more
 * than once, by another thread.  out->attrs stays empty.
 * Durable.  NOT_FOUND, IS_DIR (a key that ends in '/'), EXISTS (the token was
 * one of another rename to this key), UNSUPPORTED (the bucket keeps versions,
 * or did), ATTR_TOO_BIG.
 */
must_check enum store_err object_rename(struct store *store, uint64_t bucket,
	struct slice source_key, struct slice key,
	enum store_err (*check)(const struct inode *source,
		const struct inode *target, void *context),
	void *context, const struct object_rename_token *token,
	struct inode *out);

/* Durable, and so is NOT_FOUND, where there is none (S3 answers 204 all the
 * same); in a bucket that keeps versions there is a delete marker then.
 * PRECONDITION. */
must_check enum store_err object_delete(struct store *store, uint64_t bucket,
	struct slice key, const struct object_condition *condition);

struct object_deletion {
	struct slice key;
	/* VERSION_CURRENT: where the bucket keeps versions the key gets a
	 * delete marker.  Else that version goes for good, and the one before
	 * it is the current one where it was that. */
	struct version_ref version;
	struct object_condition condition;
	bool bypasses; /* a lock in the mode GOVERNANCE: lock.h */

	/* results */
	enum store_err err;   /* NOT_FOUND, PRECONDITION, BAD_NAME,
			       * KEY_TOO_LONG, LOCKED */
	bool is_marker;	      /* `which` is one: was made, or went */
	struct version which; /* in a bucket that keeps versions: the marker
			       * that was made, the version that went */
};

/* Many at once, one checkpoint; the results are in the deletions.  The return
 * value tells of failures of the whole. */
must_check enum store_err object_delete_many(struct store *store,
	uint64_t bucket, struct object_deletion *deletions, size_t count);

/* Replaces the attributes of the given kinds (mask of 1 << inode_attr_kind)
 * by those in attrs: tags, metadata.  Durable.  ATTR_TOO_BIG, INVALID. */
must_check enum store_err object_set_attrs(struct store *store, uint64_t bucket,
	struct slice key, struct slice attrs, uint32_t kinds);
/* NOT_FOUND: also of a delete marker. */
must_check enum store_err object_set_attrs_version(struct store *store,
	uint64_t bucket, struct slice key, const struct version_ref *version,
	struct slice attrs, uint32_t kinds);
