/* SPDX-License-Identifier: Apache-2.0 */
#include "store/base/dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>

#include "store/base/io.h"

enum store_err
dir_open(const char *path, int *fd)
{
	*fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return *fd < 0 ? error_from_errno(errno) : STORE_OK;
}

enum store_err
dir_flush(const char *path)
{
	scoped(io_close_fd) int fd = -1;
	enum store_err err = dir_open(path, &fd);

	return err ? err : io_fsync(fd);
}

enum store_err
dir_flush_above(const char *path)
{
	/* dirname() writes to what it is given. */
	char *copy = strdup(path);

	if (!copy)
		return STORE_NO_MEMORY;
	enum store_err err = dir_flush(dirname(copy));
	free(copy);
	return err;
}

enum store_err
dir_expect_empty(const char *path)
{
	DIR *dir = opendir(path);
	size_t entries = 0;

	if (!dir)
		return error_from_errno(errno);
	while (readdir(dir))
		entries++;
	closedir(dir);
	/* "." and ".." */
	return entries > 2 ? STORE_NOT_EMPTY : STORE_OK;
}
