/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 1. What is put back is the meta page in the side file, in both places: the
 *    pages below it are on the disk as they were (rules 1 and 2 of the header).
 * 2. Nothing is put back under a process that has the tables open.
 * 3. Each step may be cut off and done again: the side file says "restored"
 *    only after the meta pages have been flushed.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/base/io.h"
#include "store/base/log.h"
#include "store/meta/checkpoint.h"
#include "store/meta/checkpoint_private.h"
#include "store/meta/metapage.h"
#include "store/meta/side.h"

static enum store_err
open_in(const char *dir, const char *name, int flags, int *out)
{
	char path[PATH_MAX];
	int len = snprintf(path, sizeof(path), "%s/%s", dir, name);

	if (len < 0 || (size_t)len >= sizeof(path))
		return STORE_NAME_TOO_LONG;
	int fd = open(path, flags | O_CLOEXEC);
	if (fd < 0)
		return error_from_errno(errno);
	*out = fd;
	return STORE_OK;
}

/* LMDB, which maps the file, would end with a signal.  It never shortens it. */
static enum store_err
expect_whole(const char *meta_path, const struct side *side, uint64_t size)
{
	if (size >= side->file_size)
		return STORE_OK;
	log_error("%s/data.mdb is cut short: it has %llu bytes, its last "
		  "checkpoint had %llu",
		meta_path, (unsigned long long)size,
		(unsigned long long)side->file_size);
	return STORE_CORRUPT;
}

/* The side file's meta page, which is to be put back if need be. */
static enum store_err
expect_usable(const char *meta_path, const struct side *side, uint64_t size,
	struct metapage *saved)
{
	uint64_t wanted;

	if (!metapage_parse(side->metapage, saved))
		return STORE_CORRUPT;
	if (metapage_fits(saved, size, &wanted))
		return STORE_OK;
	log_error("%s/data.mdb has %llu bytes, and its last checkpoint has "
		  "pages beyond them",
		meta_path, (unsigned long long)size);
	return STORE_CORRUPT;
}

/* Whether the tables' file can still be taken as it is. */
static enum store_err
is_intact(const char *meta_path, const struct side *side, bool *out)
{
	scoped(io_close_fd) int fd = -1;
	struct metapage saved, newest;
	struct stat st;
	uint64_t wanted;
	enum store_err err = open_in(meta_path, "data.mdb", O_RDONLY, &fd);

	if (err == STORE_NOT_FOUND) {
		log_error("%s/data.mdb is missing", meta_path);
		return STORE_CORRUPT;
	}
	if (!err && fstat(fd, &st))
		err = error_from_errno(errno);
	if (!err)
		err = expect_whole(meta_path, side, (uint64_t)st.st_size);
	if (!err)
		err = expect_usable(meta_path, side, (uint64_t)st.st_size,
			&saved);
	if (err)
		return err;
	err = metapage_newest(fd, saved.page_size, &newest);
	if (err && err != STORE_CORRUPT)
		return err;
	*out = !err && newest.commit >= side->commit &&
	       metapage_fits(&newest, (uint64_t)st.st_size, &wanted);
	return STORE_OK;
}

/*
 * Invariant 2: every LMDB environment holds a shared lock on the first byte
 * of its lock file.  What the file holds is of another boot: emptied, so that
 * LMDB makes it anew (not unlinked: who waits for its lock would then wait
 * for another file than the next one does).  *fd holds the lock.
 */
static enum store_err
lock_out(const char *meta_path, int *fd)
{
	struct flock lock = {
		.l_type = F_WRLCK,
		.l_whence = SEEK_SET,
		.l_start = 0,
		.l_len = 1,
	};
	enum store_err err = open_in(meta_path, "lock.mdb", O_RDWR, fd);

	if (err)
		return err == STORE_NOT_FOUND ? STORE_OK : err;
	if (fcntl(*fd, F_SETLK, &lock)) {
		if (errno != EAGAIN && errno != EACCES)
			return error_from_errno(errno);
		log_error("the store must go back to its last checkpoint, but "
			  "a process has it open: stop it first");
		return STORE_BUSY;
	}
	return ftruncate(*fd, 0) ? error_from_errno(errno) : STORE_OK;
}

static enum store_err
put_back(const char *meta_path, const struct side *side)
{
	scoped(io_close_fd) int fd = -1;
	struct metapage page;
	struct stat st;
	uint64_t wanted;
	enum store_err err = open_in(meta_path, "data.mdb", O_RDWR, &fd);

	if (!err && fstat(fd, &st))
		err = error_from_errno(errno);
	if (!err &&
		(!metapage_parse(side->metapage, &page) ||
			!metapage_fits(&page, (uint64_t)st.st_size, &wanted)))
		err = STORE_CORRUPT;
	/* What is not there is read as zeros, which LMDB refuses, and not as
	 * nothing, which ends the process. */
	if (!err && wanted > (uint64_t)st.st_size &&
		ftruncate(fd, (off_t)wanted))
		err = error_from_errno(errno);
	return err ? err : metapage_restore(fd, side->metapage);
}

static enum store_err
restore(const char *meta_path, const char *side_path, struct side *side,
	const uint8_t boot_id[CHECKPOINT_BOOT_ID_LEN])
{
	scoped(io_close_fd) int turn = -1;
	scoped(io_close_fd) int lmdb_lock = -1;
	scoped(io_close_fd) int slots = -1;
	enum store_err err = side_lock(side_path, &turn);

	if (!err)
		err = lock_out(meta_path, &lmdb_lock);
	if (!err)
		err = put_back(meta_path, side);
	if (err)
		return err;
	side->sequence++;
	side->is_failed = false;
	side->is_restored = true;
	memcpy(side->boot_id, boot_id, SIDE_BOOT_ID_LEN);
	err = side_write(side_path, &slots, side);
	if (!err)
		log_info("went back to the last checkpoint commit=%llu",
			(unsigned long long)side->commit);
	return err;
}

enum store_err
checkpoint_recover_as(const char *meta_path, const char *side_path,
	const uint8_t boot_id[CHECKPOINT_BOOT_ID_LEN], bool *after_power_cut)
{
	struct side side;
	bool is_usable = false;
	enum store_err err = side_read(side_path, &side);

	*after_power_cut = false;
	if (err == STORE_NOT_FOUND)
		return STORE_OK;
	if (err == STORE_CORRUPT)
		log_error("%s has no whole slot", side_path);
	if (!err)
		err = is_intact(meta_path, &side, &is_usable);
	if (err)
		return err;
	*after_power_cut = side.is_restored;
	if (is_usable && !side.is_failed &&
		memcmp(side.boot_id, boot_id, SIDE_BOOT_ID_LEN) == 0)
		return STORE_OK;
	*after_power_cut = true;
	return restore(meta_path, side_path, &side, boot_id);
}

enum store_err
checkpoint_recover(const char *meta_path, const char *side_path,
	bool *after_power_cut)
{
	uint8_t boot_id[CHECKPOINT_BOOT_ID_LEN];
	enum store_err err = checkpoint_boot_id(boot_id);

	return err ? err
		   : checkpoint_recover_as(meta_path, side_path, boot_id,
			     after_power_cut);
}
