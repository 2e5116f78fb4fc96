/* SPDX-License-Identifier: Apache-2.0 */
/*
 * open_audit.h - a line of the audit log for each open of a file on the mount.
 * docs/access.md has the fields.
 *
 * The kernel opens an inode and does not say by which name.  So where there is
 * a log it is told no names of files for ever: it looks each up right before
 * it opens it, and the names looked up last are kept here.
 *
 * Threads:   any plain thread; waits where the log is full and is not to drop.
 * Ownership: the log is the caller's, and stays open for longer.
 */
#pragma once

#include "fs/mount_private.h"

struct audit;
struct open_audit;

/* NULL where there is no log: then all of the others do nothing. */
struct open_audit *open_audit_create(struct audit *audit);
void open_audit_free(struct open_audit **audit);

/* A file was looked up, by a component of the store. */
void open_audit_note(struct mount *mount, uint64_t parent, struct slice name,
	const struct inode *inode);

/* After an open(2) of what was there, and what came of it. */
void open_audit_opened(fuse_req_t req, uint64_t ino, int open_flags,
	enum store_err err);

/* After one that makes a file; name SLICE_NULL: it gets none.  ino: where it
 * was made. */
void open_audit_created(fuse_req_t req, uint64_t parent, struct slice name,
	uint64_t ino, int open_flags, enum store_err err);
