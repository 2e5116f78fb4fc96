/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lock.h - versions that may be neither removed nor changed until a date, or
 * as long as they are held.
 *
 * S3 API: Object Lock.  A version that is locked stays, whoever asks; only a
 * retention in the mode GOVERNANCE may be bypassed.  A delete marker in front
 * of it, and a newer version, may be put at any time: docs/posix.md tells what
 * that comes to on a mount.
 *
 * Threads:   any.
 * Failure:   LOCKED, and as object.h.
 */
#pragma once

#include "store/object.h"

/* What the bucket has; zeros where it has no Object Lock. */
must_check enum store_err lock_get_rule(struct store *store, uint64_t bucket,
	struct inode_lock_rule *out);
/* Durable.  Turns it on, for good, where it is not.  INVALID: the bucket does
 * not keep versions now, or a default without a period. */
must_check enum store_err lock_set_rule(struct store *store, uint64_t bucket,
	const struct inode_lock_rule *rule);

/*
 * Durable: what the version is locked by from now on; mode INODE_LOCK_NONE:
 * by nothing.  A retention that runs can be made longer by everybody, and where
 * it is one of GOVERNANCE changed in any way by who `bypasses` it: LOCKED.
 * BUSY: it is being written to; INVALID: its bucket has no Object Lock.
 *
 * Where it is a file that has other names these have another one from then on.
 */
must_check enum store_err lock_set_retention(struct store *store,
	uint64_t bucket, struct slice key, const struct version_ref *version,
	enum inode_lock_mode mode, int64_t until_ns, bool bypasses);
/* The same of a legal hold.  BUSY, INVALID. */
must_check enum store_err lock_set_hold(struct store *store, uint64_t bucket,
	struct slice key, const struct version_ref *version, bool is_on);

/*
 * How a lock travels with what is to be put: as the last of its attributes,
 * which no object has.
 */
void lock_append_attr(struct buffer *attrs, const struct inode_lock *lock);
/* Takes it off again; *lock is zeros where there is none.  INVALID. */
must_check enum store_err lock_cut_attr(struct slice *attrs,
	struct inode_lock *lock);

/* "GOVERNANCE", "COMPLIANCE"; NULL for none. */
const char *lock_mode_name(unsigned int mode);
/* False: there is none of that name. */
bool lock_mode_find(struct slice name, enum inode_lock_mode *out);
