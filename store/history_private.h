/* SPDX-License-Identifier: Apache-2.0 */
/*
 * history_private.h - older versions of a bucket's objects, within a
 * transaction.
 *
 * A bucket that keeps versions, or did, has a row in DB_VERSION that names the
 * root of its history: a directory that hangs nowhere, below which older
 * versions and delete markers hang under their keys, as objects do below the
 * bucket's root, but for the last component: after it come a NUL and the
 * version's number, so that the newest is first.
 *
 * 1. What hangs there is INODE_NONCURRENT: files, also of "dir/"; and it has
 *    that one name.  The time of its change tells when it came there, or later.
 * 2. The current version is the one that has the key below the bucket's root.
 *    Where none has it, the newest below the history's is the current one if
 *    it is a marker; else there is none.
 * 3. Of a key at most one version is null.  Of two versions the later one
 *    has the higher number.  Neither need be so of a current one that came with
 *    a directory which was renamed.
 * 4. The bytes of a version are not changed by who opens it anew.  Whoever had
 *    it open for writing before it lost its key goes on with it: it is the
 *    version that he made.
 *
 * A bucket that never kept versions pays one look into an empty table.
 *
 * Slices given to a function that changes something must not point into the
 * map, but for the attributes of history_keep_renewed(), which is done with
 * them before its first change.
 */
#pragma once

#include "store/dentry_private.h"

/* An entry of the history. */
struct history_row {
	uint64_t parent;
	struct buffer component;
	struct record_dentry dentry;
};
void history_row_free(struct history_row *row);

/* A delete marker that is there, elsewhere. */
struct history_marker {
	struct version version;
	int64_t mtime_ns;
};

/* VERSIONING_NEVER where there is no row. */
must_check enum store_err history_of(struct db_txn *txn, uint64_t bucket,
	struct record_versions *out);

/* The same for what has that name, and its key.  VERSIONING_NEVER, too, where
 * directories lie so deep that S3 can have no such key. */
must_check enum store_err history_of_name(struct db_txn *txn, uint64_t bucket,
	uint64_t parent, struct slice component, struct record_versions *out,
	struct buffer *key);

/* The bucket keeps versions from now on, or those that it has.  LOCKED: with
 * Object Lock it cannot stop. */
must_check enum store_err history_set(struct db_txn *txn, uint64_t bucket,
	enum versioning versioning);
/* It has Object Lock from now on, with that default.  INVALID: it does not
 * keep versions now. */
must_check enum store_err history_set_lock(struct db_txn *txn, uint64_t bucket,
	const struct inode_lock_rule *rule);
/* Whether there are neither older versions nor markers. */
must_check enum store_err history_is_empty(struct db_txn *txn, uint64_t bucket,
	bool *is_empty);
/* With the bucket's record, where it is empty. */
must_check enum store_err history_end(struct db_txn *txn, uint64_t bucket);

/* Whether the entry is the one that is meant; not of VERSION_CURRENT. */
bool history_is_meant(const struct record_dentry *dentry,
	const struct version_ref *ref);

/* NOT_FOUND. */
must_check enum store_err history_find(struct db_txn *txn,
	const struct record_versions *of, struct slice key,
	const struct version_ref *ref, struct history_row *row);
must_check enum store_err history_newest(struct db_txn *txn,
	const struct record_versions *of, struct slice key,
	struct history_row *row);

/* How many older versions of the key, markers aside, are newer than that
 * number: `max` where there are more, and less than there are where too many
 * markers lie between.  *looked grows by the rows that it took. */
must_check enum store_err history_count_newer(struct db_txn *txn,
	const struct record_versions *of, struct slice key, uint64_t number,
	uint32_t max, uint32_t *count, uint32_t *looked);
/* Whether the key has one older version, or marker, and no more. */
must_check enum store_err history_is_alone(struct db_txn *txn,
	const struct record_versions *of, struct slice key, bool *out);

/* Hangs a file, which gets that one name, below the history's root. */
must_check enum store_err history_hang(struct store *store, struct db_txn *txn,
	const struct record_versions *of, uint64_t bucket, struct slice key,
	const struct record_dentry *dentry);

/* What a new current version of the key is called; zeros in a bucket that
 * keeps none.  Where it is the null version, another one goes. */
must_check enum store_err history_begin(struct store *store, struct db_txn *txn,
	uint64_t bucket, uint64_t parent, struct slice component,
	struct version *out);
/* The same for what nobody sees yet: another null version stays, and goes when
 * this one is published (history_keep_renewed()). */
must_check enum store_err history_reserve(struct db_txn *txn, uint64_t bucket,
	struct version *out);

/*
 * What has the name, as the dentry has it, is about to lose it: becomes an
 * older version where the bucket keeps it.  *is_moved: it has lost its name
 * here, and is not to be released.  A lock that it had is the older version's.
 */
must_check enum store_err history_keep(struct store *store, struct db_txn *txn,
	uint64_t parent, struct slice component,
	const struct record_dentry *dentry, bool *is_moved);

/* The name, as the dentry has it, is about to be another's, which what has it
 * goes on under: where that is locked, a copy stays, as an older version.
 * LOCKED, QUOTA. */
must_check enum store_err history_keep_moved(struct store *store,
	struct db_txn *txn, uint64_t parent, struct slice component,
	const struct record_dentry *dentry);

/* The file, as `was`, has been published anew: what it was, if S3 saw it,
 * becomes an older version, under the name that its record tells, and the name
 * means a new one.  So does that of a directory that S3 is to see. */
must_check enum store_err history_keep_renewed(struct store *store,
	struct db_txn *txn, const struct inode *was);

/* dentry_publish(), which keeps what was there, where the bucket does. */
must_check enum store_err history_name_publish(struct store *store,
	struct db_txn *txn, uint64_t parent, struct slice component,
	const struct inode *inode, struct version *version);
/* The same of a replica, which is that version, newer than those there; in a
 * bucket that keeps versions. */
must_check enum store_err history_name_publish_as(struct store *store,
	struct db_txn *txn, uint64_t parent, struct slice component,
	const struct inode *inode, const struct version *as);

/* dentry_unlink(), which keeps what was there, where the bucket does, and
 * leaves a delete marker; *marker: that, or zeros. */
must_check enum store_err history_name_unlink(struct store *store,
	struct db_txn *txn, uint64_t parent, struct slice component, bool is_s3,
	struct inode *out, struct version *marker);

/* A delete marker becomes the newest version.  Not in a bucket that keeps
 * none. */
must_check enum store_err history_mark(struct store *store, struct db_txn *txn,
	uint64_t bucket, struct slice key, struct version *marker);

/* The same of a replica of a marker, newer than the versions there; with a name
 * to unlink, and without. */
must_check enum store_err history_name_unlink_as(struct store *store,
	struct db_txn *txn, uint64_t parent, struct slice component,
	const struct history_marker *as);
must_check enum store_err history_mark_as(struct store *store,
	struct db_txn *txn, uint64_t bucket, struct slice key,
	const struct history_marker *as);

/* The name has been moved elsewhere, with what it meant: where there are older
 * versions of it, a marker says that it is gone, if none does; *is_marked: that
 * is new. */
must_check enum store_err history_name_leave(struct store *store,
	struct db_txn *txn, uint64_t bucket, uint64_t parent,
	struct slice component, bool *is_marked);

/* The version goes for good. */
must_check enum store_err history_drop(struct store *store, struct db_txn *txn,
	struct history_row *row);

/* There is no current version: the newest one, if it is no marker, becomes
 * it. */
must_check enum store_err history_name_restore(struct store *store,
	struct db_txn *txn, uint64_t bucket, struct slice key);
