/* SPDX-License-Identifier: Apache-2.0 */
/*
 * passthrough.h - which opens the kernel serves from the data file by itself.
 *
 * 1. The kernel knows one way an inode, and one backing id: cached pages
 *    and passthrough, or two ids, end in EIO.  So the first open decides, and
 *    it stays like that until the last release.
 * 2. Writers and large files go through; small ones are read by us once and
 *    stay in the kernel's page cache over many opens.
 * 3. A file in passthrough is pinned: its data cannot be exchanged.  Who opens
 *    the inode when it has other data is served by us (FOPEN_DIRECT_IO), with
 *    the id that the kernel insists on: only maps are of the old data.
 * 4. Without the right to it (CAP_SYS_ADMIN, which one that holds in a user
 *    namespace alone is not) all is read and written by us.
 *
 * Threads:   any.
 */
#pragma once

#include "fs/handle.h"
#include "fs/reply.h"

struct passthrough *passthrough_create(void);
void passthrough_free(struct passthrough **passthrough);

/* In init: asks the kernel for it. */
void passthrough_init(struct mount *mount, struct fuse_conn_info *conn);

/* When the kernel has taken the answer to that, and before anybody is told:
 * whether it lets us. */
void passthrough_begin(struct mount *mount);

/* Fills what concerns the way in `info` for an open that is to be replied;
 * fact as of now. */
void passthrough_enter(struct mount *mount, fuse_req_t req,
	const struct handle *handle, const struct reply_fact *fact,
	struct fuse_file_info *info);

/* True where the kernel has been given the id of other data than the open's:
 * what is written through a map would be written there. */
bool passthrough_is_beside(const struct fuse_file_info *info);

/* At the release of an open, or where its reply did not get through; before
 * the file is closed. */
void passthrough_leave(struct mount *mount, fuse_req_t req,
	const struct handle *handle);

/* Whether somebody may store through a map of the data file, of which nobody
 * hears: neither we nor the kernel's own idea of the attributes. */
bool passthrough_is_mapped(struct mount *mount, uint64_t ino);

bool passthrough_is_active(const struct mount *mount);
/* NULL where it is active or not known yet. */
const char *passthrough_why_not(const struct mount *mount);
