/* SPDX-License-Identifier: Apache-2.0 */
#include "store/base/owner.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The directory that a path is in, held: its owner may put another one in its
 * place at any moment.  *name: the rest. */
static int
open_parent(int dir_fd, const char *path, const char **name)
{
	char parent[PATH_MAX];
	const char *slash = strrchr(path, '/');
	size_t len = slash ? (size_t)(slash - path) : 0;

	if (len >= sizeof(parent)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(parent, path, len);
	parent[len] = '\0';
	if (len == 0)
		memcpy(parent, slash ? "/" : ".", 2);
	*name = slash ? slash + 1 : path;
	return openat(dir_fd, parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* Where it fails the file is root's, as it would be without. */
static void
give(int parent, int fd)
{
	struct stat owner, made;

	/* Mostly it is root's own: data files are made all the time. */
	if (fstat(parent, &owner) || owner.st_uid == 0)
		return;
	if (fstat(fd, &made) || made.st_uid != 0)
		return;
	(void)!fchown(fd, owner.st_uid, owner.st_gid);
}

static void
close_keeping_errno(int fd)
{
	int error = errno;

	(void)close(fd);
	errno = error;
}

int
owner_openat(int dir_fd, const char *path, int flags)
{
	const char *name;

	flags |= O_CREAT | O_CLOEXEC | O_NOFOLLOW;
	if (geteuid() != 0)
		return openat(dir_fd, path, flags, 0600);
	int parent = open_parent(dir_fd, path, &name);
	if (parent < 0)
		return -1;
	int fd = openat(parent, name, flags | O_EXCL, 0600);
	if (fd >= 0)
		give(parent, fd);
	else if (errno == EEXIST && !(flags & O_EXCL))
		fd = openat(parent, name, flags, 0600);
	close_keeping_errno(parent);
	return fd;
}

int
owner_mkdirat(int dir_fd, const char *path)
{
	const char *name;

	if (geteuid() != 0)
		return mkdirat(dir_fd, path, 0700);
	int parent = open_parent(dir_fd, path, &name);
	if (parent < 0)
		return -1;
	int failed = mkdirat(parent, name, 0700);
	int fd = failed ? -1
			: openat(parent, name,
				  O_RDONLY | O_DIRECTORY | O_CLOEXEC |
					  O_NOFOLLOW);
	if (fd >= 0) {
		give(parent, fd);
		(void)close(fd);
	}
	close_keeping_errno(parent);
	return failed;
}
