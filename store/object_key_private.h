/* SPDX-License-Identifier: Apache-2.0 */
/*
 * object_key_private.h - what S3 sees under a key, within a transaction:
 * what the files of object.h and upload.h share.
 *
 * S3 sees published regular files, and explicit directories under "dir/".
 * Symbolic links, special files, implicit directories and files never yet
 * published are not there for it; a put takes their place, save that of a
 * directory.
 */
#pragma once

#include "store/dentry_private.h"
#include "store/object.h"

/* An INODE_ATTR_PART: docs/format.md. */
#define OBJECT_KEY_ATTR_RENAME SLICE("rename")

/* Whether a checksum of that kind (0: none) has that many bytes: a record that
 * says otherwise would not decode. */
bool object_key_is_checksum(unsigned kind, size_t len);

/* BAD_NAME, KEY_TOO_LONG. */
must_check enum store_err object_key_validate(struct slice key);

/* NOT_FOUND, and what dentry_locate() gives.  attrs point into the map. */
must_check enum store_err object_key_find(struct db_txn *txn, uint64_t bucket,
	struct slice key, struct inode *out);

/*
 * That version of it, with all of *out but its guard.  NOT_FOUND, *out telling
 * whether it is since the version is a delete marker; of VERSION_CURRENT:
 * since the key has been deleted, and by which.
 */
must_check enum store_err object_key_find_version(struct db_txn *txn,
	uint64_t bucket, struct slice key, const struct version_ref *ref,
	struct object *out);

/* Whether what is there lets a writer go on; inode is made what readers are
 * told now.  PRECONDITION. */
must_check enum store_err object_key_meets(struct store *store,
	const struct object_condition *condition, struct inode *inode);
/* The same of where nothing is.  PRECONDITION, NOT_FOUND. */
must_check enum store_err
object_key_meets_nothing(const struct object_condition *condition);

/* Whether the condition (NULL: none) lets a writer go on with what is under the
 * key, or is not; *is_there, unless NULL, tells which.  PRECONDITION, NOT_FOUND
 * where the condition needs an object, and what dentry_locate() gives. */
must_check enum store_err object_key_check(struct store *store,
	struct db_txn *txn, uint64_t bucket, struct slice key,
	const struct object_condition *condition, bool *is_there);

/* Whether somebody has its data open to write to it in place, in whatever
 * session. */
must_check enum store_err object_key_is_written(struct store *store,
	struct db_txn *txn, const struct inode *inode, bool *out);

/* Copies attrs without what tells of one object alone by which request it came
 * to be: the upload's id, the rename's token. */
void object_key_strip_maker(struct buffer *to, struct slice attrs);

/* An inode with what the object carries; size and blob are left to the
 * caller, the rest to object_key_publish().  ATTR_TOO_BIG, INVALID. */
must_check enum store_err object_key_describe(const struct object_attrs *attrs,
	struct inode *out);

/*
 * Puts an object under the key, in place of what is there: *inode has its
 * size, blob (a reference of its own), ETag, checksum, mtime and attrs (not
 * in the map); the rest is filled in.  What was there becomes an older version,
 * where the bucket keeps them.
 */
must_check enum store_err object_key_publish(struct store *store,
	struct db_txn *txn, uint64_t bucket, struct slice key,
	struct inode *inode, struct version *version);

/* The same of a replica: history_name_publish_as(). */
must_check enum store_err object_key_publish_as(struct store *store,
	struct db_txn *txn, uint64_t bucket, struct slice key,
	struct inode *inode, const struct version *as);
/* The same where a newer version is there: it becomes an older one. */
must_check enum store_err object_key_add_older(struct store *store,
	struct db_txn *txn, uint64_t bucket, struct slice key,
	struct inode *inode, const struct version *as);

/* Takes away what object_key_find() found there just now; *marker: what says
 * so, where the bucket keeps versions. */
must_check enum store_err object_key_remove(struct store *store,
	struct db_txn *txn, uint64_t bucket, struct slice key,
	struct version *marker);
