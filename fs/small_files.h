/* SPDX-License-Identifier: Apache-2.0 */
/*
 * small_files.h - a mount for data sets of many small files, which asks
 * nothing of us at open(2) and close(2).
 *
 * The kernel is told that there is no OPEN (ENOSYS), for the whole mount and as
 * long as it lives.  So it opens, reads pages that it has and closes by
 * itself; what we answer are READs, by inode.
 *
 * 1. The mount is read-only: nobody would tell us of writers.
 * 2. No passthrough: a backing file is given at an open.
 * 3. What is open is not known.  A file whose object is replaced or deleted is
 *    gone (ESTALE) for who has it open, but for the pages in the cache.
 */
#pragma once

#include "fs/mount_private.h"

bool small_files_is_on(fuse_req_t req);

/* A READ that comes with no handle. */
void small_files_read(fuse_req_t req, uint64_t ino, size_t size,
	uint64_t offset);
