/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/backup_private.h"
#include "store/base/owner.h"
#include "store/store_private.h"

static bool
is_ours(const char *name)
{
	uint64_t commit;

	return !strcmp(name, ".") || !strcmp(name, "..") ||
	       !strcmp(name, "lock") || !strcmp(name, BACKUP_PARTIAL) ||
	       slice_to_u64(slice_str(name), UINT64_MAX, &commit);
}

/* Of the store, or not said. */
static enum store_err
expect_of_store(const struct store *store, const char *path, const char *name,
	uint64_t *number)
{
	struct backup_path dir = backup_dir_path(path, name);
	uint64_t its_number = backup_dir_number(dir.text, "number");
	char ours[STORE_KEY_TRACE_LEN];
	char theirs[STORE_KEY_TRACE_LEN];

	store_key_trace(store, ours);
	backup_dir_fact(dir.text, "store", theirs, sizeof(theirs));
	if (its_number > *number)
		*number = its_number;
	return theirs[0] && strcmp(ours, theirs) ? STORE_BAD_KEY : STORE_OK;
}

/* One that has anything but backups is somebody else's.  *number: that of the
 * newest. */
static enum store_err
expect_backups(const struct store *store, const char *path, uint64_t *number)
{
	DIR *stream = opendir(path);
	enum store_err err = STORE_OK;

	if (!stream)
		return error_from_errno(errno);
	for (struct dirent *entry = readdir(stream); entry && !err;
		entry = readdir(stream)) {
		if (!is_ours(entry->d_name))
			err = STORE_NOT_EMPTY;
		else
			err = expect_of_store(store, path, entry->d_name,
				number);
	}
	closedir(stream);
	return err;
}

static bool
lies_in_store(const struct store *store, const char *path)
{
	size_t len = strlen(store->path);
	char *real = realpath(path, NULL);
	bool lies_in = real && !strncmp(real, store->path, len) &&
		       (real[len] == '/' || !real[len]);

	free(real);
	return lies_in;
}

enum store_err
backup_target_take(const struct store *store, const char *path,
	uint64_t *number, int *fd)
{
	struct backup_path lock = backup_dir_path(path, "lock");
	bool is_new = !mkdir(path, 0700);

	if (!is_new && errno != EEXIST)
		return error_from_errno(errno);
	if (lies_in_store(store, path)) {
		if (is_new)
			(void)rmdir(path);
		return STORE_INVALID;
	}
	/* Before anything is put there. */
	enum store_err err = expect_backups(store, path, number);
	if (err)
		return err;
	*fd = owner_open(lock.text, O_RDWR);
	if (*fd < 0)
		return error_from_errno(errno);
	if (flock(*fd, LOCK_EX | LOCK_NB))
		return errno == EWOULDBLOCK ? STORE_BUSY
					    : error_from_errno(errno);
	/* Another one may have ended meanwhile. */
	return expect_backups(store, path, number);
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *place)
{
	(void)st;
	(void)type;
	(void)place;
	return remove(path);
}

enum store_err
backup_target_remove_partial(const char *path)
{
	if (nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS) && errno != ENOENT)
		return error_from_errno(errno);
	return STORE_OK;
}
