/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file goes through these states; its id is that of its former blob:
 *
 *	<dir>/<id>      a blob
 *	spare/<id>      aside: it has its bytes, and may be open somewhere
 *	spare/<id>      spare: empty, nobody has it open, and its id is in a
 *word <dir>/<new id>  another blob
 *
 * 1. Nobody who reads the former blob ever sees the new one's bytes.  A file
 *    becomes a spare only if nobody has it open, by descriptor, map or
 *    passthrough: the kernel grants a write lease (fcntl(2), F_SETLEASE) only
 *    then.  Whoever opens a blob looks afterwards whether its name is still
 *    there (blob_open()).  The name went before the lease is asked for; so he
 *    either finds it gone, or had the file open before the lease was asked
 *    for.  That the lease may be broken later does not matter.
 * 2. A file with a second name (a backup may be made of links) is no spare.
 * 3. It becomes one only when the end of its former name is durable, so that no
 *    power cut leaves a file with two names.
 * 4. Its id leaves the word before the file leaves spare/.  So what has no word
 *    belongs to nobody, and only its removal is safe: whoever was about to take
 *    it then finds none.
 * 5. A word is filled below `top`, or else found by whoever fills the next.
 */
#include "store/data/blob_spare.h"
#include "store/base/owner.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "store/data/blob.h"
#include "store/data/blob_cache_private.h"
#include "store/data/blob_private.h"
#include "store/data/blob_spare_private.h"

static struct blob_path
spare_path(uint64_t id)
{
	struct blob_path path;

	snprintf(path.text, sizeof(path.text), BLOB_SPARE_DIR "/%llx",
		(unsigned long long)id);
	return path;
}

/* True where the file's first line is that text. */
static bool
file_says(const char *path, const char *text)
{
	char line[16] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? -1 : read(fd, line, sizeof(line) - 1);

	if (fd >= 0)
		close(fd);
	return len > 0 && strncmp(line, text, strlen(text)) == 0;
}

/* ext4 without a journal: all others make files faster than they rename
 * them.  The kernel tells by the name of the disk. */
static bool
gains(const struct blobs *blobs)
{
	char path[300];
	char disk[256];
	struct statfs fs;
	struct stat st;

	if (fstatfs(blobs->dir_fd, &fs) || fs.f_type != EXT4_SUPER_MAGIC ||
		fstat(blobs->dir_fd, &st))
		return false;
	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u", major(st.st_dev),
		minor(st.st_dev));
	ssize_t len = readlink(path, disk, sizeof(disk) - 1);
	if (len <= 0)
		return false;
	disk[len] = '\0';
	const char *slash = strrchr(disk, '/');
	snprintf(path, sizeof(path), "/sys/fs/ext4/%s/journal_task",
		slash ? slash + 1 : disk);
	return file_says(path, "<none>");
}

enum store_err
blob_spare_use(struct blobs *blobs, struct blob_spares *spares, bool everywhere)
{
	struct statvfs space;

	if (blobs->is_read_only || (!everywhere && !gains(blobs)))
		return STORE_OK;
	if (owner_mkdirat(blobs->dir_fd, BLOB_SPARE_DIR) && errno != EEXIST)
		return error_from_errno(errno);
	if (fstatvfs(blobs->dir_fd, &space))
		return error_from_errno(errno);
	/* 0 inodes: it makes them as it goes. */
	blobs->spares_max =
		!space.f_files || space.f_files / 64 > BLOB_SPARES_MAX
			? BLOB_SPARES_MAX
			: (uint32_t)(space.f_files / 64);
	blobs->spares = spares;
	return STORE_OK;
}

/* --- the words -------------------------------------------------------------
 */

/* Invariant 5.  False: there are enough. */
static bool
put(const struct blobs *blobs, uint64_t id)
{
	struct blob_spares *spares = blobs->spares;

	for (uint32_t i = atomic_load(&spares->top); i < blobs->spares_max;
		i++) {
		uint64_t none = 0;

		atomic_store(&spares->top, i + 1);
		if (atomic_compare_exchange_strong(&spares->ids[i], &none, id))
			return true;
	}
	return false;
}

/* The newest: its inode is most likely in memory.  False: there is none. */
static bool
take_out(struct blob_spares *spares, uint64_t *id)
{
	uint32_t top = atomic_load(&spares->top);

	for (uint32_t i = top < BLOB_SPARES_MAX ? top : BLOB_SPARES_MAX; i > 0;
		i--) {
		*id = atomic_exchange(&spares->ids[i - 1], 0);
		if (*id) {
			(void)atomic_compare_exchange_strong(&spares->top, &top,
				i - 1);
			return true;
		}
	}
	(void)atomic_compare_exchange_strong(&spares->top, &top, 0);
	return false;
}

/* --- from a blob to a spare ------------------------------------------------
 */

static enum store_err
remove_file(struct blobs *blobs, const struct blob_path *path)
{
	if (unlinkat(blobs->dir_fd, path->text, 0) && errno != ENOENT)
		return error_from_errno(errno);
	return STORE_OK;
}

enum store_err
blob_spare_set_aside(struct blobs *blobs, uint64_t id, bool *is_aside)
{
	struct blob_path from = blob_file_path(id);
	struct blob_path to = spare_path(id);
	const struct blob_spares *spares = blobs->spares;

	*is_aside = false;
	if (!spares)
		return blob_remove(blobs, id);
	if (atomic_load(&spares->top) < blobs->spares_max) {
		*is_aside = renameat(blobs->dir_fd, from.text, blobs->dir_fd,
				    to.text) == 0;
		/* Done before by somebody who died, in part or in full. */
		if (!*is_aside && errno == ENOENT)
			return remove_file(blobs, &to);
	}
	if (!*is_aside)
		return blob_remove(blobs, id);
	blob_cache_drop(blobs->cache, id);
	return STORE_OK;
}

/* Invariants 1 and 2; then its bytes go. */
static bool
empty(int fd)
{
	struct stat st;

	/* Who opens the file meanwhile has us told: by a signal that, unlike
	 * SIGIO, is ignored unless somebody asks for it. */
	if (fcntl(fd, F_SETSIG, SIGURG) || fcntl(fd, F_SETLEASE, F_WRLCK))
		return false;
	bool is_empty = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
			st.st_nlink == 1 && ftruncate(fd, 0) == 0;
	(void)fcntl(fd, F_SETLEASE, F_UNLCK);
	return is_empty;
}

enum store_err
blob_spare_keep(struct blobs *blobs, uint64_t id)
{
	struct blob_path path = spare_path(id);
	/* O_NONBLOCK: a lease that somebody else has is not waited for. */
	int fd = openat(blobs->dir_fd, path.text,
		O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	bool is_empty = fd >= 0 && empty(fd);

	if (fd >= 0)
		close(fd);
	return is_empty && put(blobs, id) ? STORE_OK
					  : remove_file(blobs, &path);
}

/* --- from a spare to a blob ------------------------------------------------
 */

/* NOT_FOUND: the spare is gone. */
static enum store_err
rename_spare(struct blobs *blobs, uint64_t spare, uint64_t id)
{
	struct blob_path from = spare_path(spare);
	struct blob_path to = blob_file_path(id);
	struct blob_path dir = blob_dir_path(id);

	for (int tries = 0; tries < 2; tries++) {
		if (renameat2(blobs->dir_fd, from.text, blobs->dir_fd, to.text,
			    RENAME_NOREPLACE) == 0)
			return STORE_OK;
		if (errno == EEXIST)
			return STORE_EXISTS;
		if (errno != ENOENT || owner_mkdirat(blobs->dir_fd, dir.text))
			return STORE_NOT_FOUND;
	}
	return STORE_NOT_FOUND;
}

/* A file that is as new: nobody else's, empty, of now.  It was so when it
 * became a spare, unless somebody has been at it by hand. */
static bool
is_as_new(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && st.st_nlink == 1 &&
	       (st.st_size == 0 || ftruncate(fd, 0) == 0) &&
	       futimens(fd, NULL) == 0;
}

enum store_err
blob_spare_take(struct blobs *blobs, uint64_t id, int *out)
{
	struct blob_path path = blob_file_path(id);
	uint64_t spare;

	while (blobs->spares && take_out(blobs->spares, &spare)) {
		enum store_err err = rename_spare(blobs, spare, id);

		if (err == STORE_EXISTS)
			return err; /* the sweep has the spare */
		if (err)
			continue;
		int fd = openat(blobs->dir_fd, path.text,
			O_RDWR | O_CLOEXEC | O_NOFOLLOW);
		if (fd >= 0 && is_as_new(fd)) {
			*out = fd;
			return STORE_OK;
		}
		if (fd >= 0)
			close(fd);
		err = remove_file(blobs, &path);
		if (err)
			return err;
	}
	return STORE_NOT_FOUND;
}

/* --- what nobody will take -------------------------------------------------
 */

/* Invariant 4.  What cannot be removed keeps the rest from nothing. */
static enum store_err
sweep_dir(DIR *dir, const uint64_t *sorted)
{
	enum store_err err = STORE_OK;
	struct dirent *entry;

	while ((errno = 0, entry = readdir(dir))) {
		uint64_t id = strtoull(entry->d_name, NULL, 16);

		if (entry->d_name[0] == '.' ||
			(id && bsearch(&id, sorted, BLOB_SPARES_MAX, sizeof(id),
				       blob_compare_ids)))
			continue;
		if (unlinkat(dirfd(dir), entry->d_name, 0) && errno != ENOENT)
			err = error_from_errno(errno);
	}
	return errno ? error_from_errno(errno) : err;
}

enum store_err
blob_spare_sweep(struct blobs *blobs)
{
	if (!blobs->spares)
		return STORE_OK;
	uint64_t *sorted = calloc(BLOB_SPARES_MAX, sizeof(*sorted));
	int fd = openat(blobs->dir_fd, BLOB_SPARE_DIR,
		O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	enum store_err err = dir      ? STORE_OK
			     : sorted ? error_from_errno(errno)
				      : STORE_NO_MEMORY;

	if (dir && sorted) {
		for (size_t i = 0; i < BLOB_SPARES_MAX; i++)
			sorted[i] = atomic_load(&blobs->spares->ids[i]);
		qsort(sorted, BLOB_SPARES_MAX, sizeof(*sorted),
			blob_compare_ids);
		err = sweep_dir(dir, sorted);
	}
	if (dir)
		closedir(dir);
	else if (fd >= 0)
		close(fd);
	free(sorted);
	return err;
}
