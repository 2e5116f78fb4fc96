/* SPDX-License-Identifier: Apache-2.0 */
/*
 * owner.h - what root makes in somebody's directory is his: a store that is
 * served by a user of its own, and looked after by root.
 *
 * Only what was made here changes hands.  Nothing is followed but directories:
 * he may have put a link where root is to write.
 *
 * Failure:   as of openat(2) and mkdirat(2), in errno.  What cannot be given
 *            away stays root's.
 */
#pragma once

#include <fcntl.h>

/* openat(2) with O_CREAT, O_CLOEXEC, O_NOFOLLOW and mode 0600. */
int owner_openat(int dir_fd, const char *path, int flags);

static inline int
owner_open(const char *path, int flags)
{
	return owner_openat(AT_FDCWD, path, flags);
}

/* mkdirat(2) with mode 0700. */
int owner_mkdirat(int dir_fd, const char *path);

static inline int
owner_mkdir(const char *path)
{
	return owner_mkdirat(AT_FDCWD, path);
}
