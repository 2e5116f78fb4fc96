/* SPDX-License-Identifier: Apache-2.0 */
#include "store/base/owner.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Of the directory that the path is in.  False: root's, or not to be told. */
static bool
find_owner(int dir_fd, const char *path, struct stat *out)
{
	char parent[PATH_MAX];
	const char *slash = strrchr(path, '/');
	size_t len = slash ? (size_t)(slash - path) : 0;

	if (len >= sizeof(parent))
		return false;
	memcpy(parent, path, len);
	parent[len] = '\0';
	if (len == 0)
		memcpy(parent, slash ? "/" : ".", 2);
	if (fstatat(dir_fd, parent, out, 0))
		return false;
	return out->st_uid != 0;
}

int
owner_openat(int dir_fd, const char *path, int flags)
{
	struct stat owner;

	flags |= O_CLOEXEC | O_NOFOLLOW;
	int fd = openat(dir_fd, path, flags | O_CREAT | O_EXCL, 0600);
	if (fd < 0 && errno == EEXIST && !(flags & O_EXCL))
		return openat(dir_fd, path, flags | O_CREAT, 0600);
	/* Where it fails the file is root's, as it would be without. */
	if (fd >= 0 && geteuid() == 0 && find_owner(dir_fd, path, &owner))
		(void)!fchown(fd, owner.st_uid, owner.st_gid);
	return fd;
}

int
owner_mkdirat(int dir_fd, const char *path)
{
	struct stat owner;

	if (mkdirat(dir_fd, path, 0700))
		return -1;
	if (geteuid() == 0 && find_owner(dir_fd, path, &owner))
		(void)!fchownat(dir_fd, path, owner.st_uid, owner.st_gid,
			AT_SYMLINK_NOFOLLOW);
	return 0;
}
