/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/backup_private.h"
#include "store/base/io.h"
#include "store/base/owner.h"

struct backup_path
backup_dir_path(const char *dir, const char *name)
{
	struct backup_path path;

	if (snprintf(path.text, sizeof(path.text), "%s/%s", dir, name) >=
		(int)sizeof(path.text))
		path.text[0] = '\0';
	return path;
}

enum store_err
backup_dir_make(const char *dir, const char *name)
{
	struct backup_path path = backup_dir_path(dir, name);

	return owner_mkdir(path.text) ? error_from_errno(errno) : STORE_OK;
}

enum store_err
backup_dir_add(const char *dir, const char *name, struct slice content)
{
	struct backup_path path = backup_dir_path(dir, name);
	scoped(io_close_fd) int fd = owner_open(path.text, O_WRONLY | O_EXCL);

	if (fd < 0)
		return error_from_errno(errno);
	enum store_err err = io_pwrite_all(fd, content.data, content.len, 0);
	return err ? err : io_fsync(fd);
}

enum store_err
backup_dir_read(const char *dir, const char *name, char *bytes, size_t size,
	size_t *len)
{
	struct backup_path path = backup_dir_path(dir, name);
	scoped(io_close_fd) int fd = open(path.text, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return error_from_errno(errno);
	ssize_t got = io_pread(fd, bytes, size, 0);
	if (got < 0)
		return error_from_errno((int)-got);
	*len = (size_t)got;
	return *len == size ? STORE_TOO_BIG : STORE_OK;
}

void
backup_dir_fact(const char *dir, const char *word, char *fact, size_t size)
{
	char text[1024];
	char wanted[32];
	size_t len = 0;

	fact[0] = '\0';
	(void)snprintf(wanted, sizeof(wanted), "\n%s ", word);
	if (backup_dir_read(dir, "backup", text, sizeof(text), &len))
		return;
	struct slice rest = slice_of(text, len);
	ptrdiff_t at = slice_find(rest, slice_str(wanted));
	if (at < 0)
		return;
	rest = slice_from(rest, (size_t)at + strlen(wanted));
	ptrdiff_t end = slice_find(rest, SLICE("\n"));
	if (end >= 0 && (size_t)end < size)
		(void)snprintf(fact, size, "%.*s", (int)end, rest.data);
}

uint64_t
backup_dir_number(const char *dir, const char *word)
{
	char fact[24];
	uint64_t number;

	backup_dir_fact(dir, word, fact, sizeof(fact));
	return slice_to_u64(slice_str(fact), INT64_MAX, &number) ? number : 0;
}

enum store_err
backup_dir_copy(const char *from_dir, const char *to_dir, const char *name)
{
	struct backup_path from = backup_dir_path(from_dir, name);
	struct backup_path to = backup_dir_path(to_dir, name);
	scoped(io_close_fd) int source = open(from.text, O_RDONLY | O_CLOEXEC);
	scoped(io_close_fd) int target = -1;
	struct stat stat;

	if (source < 0 || fstat(source, &stat))
		return error_from_errno(errno);
	target = owner_open(to.text, O_RDWR | O_EXCL);
	if (target < 0)
		return error_from_errno(errno);
	enum store_err err =
		blob_copy_range(source, 0, target, 0, (uint64_t)stat.st_size);
	return err ? err : io_fsync(target);
}

enum store_err
backup_dir_copy_key(const char *from_dir, const char *to_dir)
{
	enum store_err err = backup_dir_copy(from_dir, to_dir, "store.key");

	return err == STORE_NOT_FOUND ? STORE_OK : err;
}

enum store_err
backup_dir_flush_all(int fd)
{
	return syncfs(fd) ? error_from_errno(errno) : STORE_OK;
}
