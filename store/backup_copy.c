/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/backup_private.h"
#include "store/base/digest.h"
#include "store/base/io.h"

#define PIECE (1u << 20)
#define PAGE 4096u
/* A file that is written to all the time is copied as it is then. */
#define TRIES 3

static bool
is_same(const struct stat *a, const struct stat *b)
{
	return a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* What the source's disk says; any other error is of the way or the target. */
static enum store_err
error_of_source(enum store_err err)
{
	return err == STORE_IO ? STORE_DAMAGED : err;
}

/* The kernel does not say which of the two files it is that failed, and it may
 * have been for once. */
static enum store_err
copy_by_hand(int from, int to, uint64_t size)
{
	char *room = malloc(PIECE);
	enum store_err err = room ? STORE_OK : STORE_NO_MEMORY;

	for (uint64_t at = 0; !err && at < size; at += PIECE) {
		size_t len = size - at < PIECE ? (size_t)(size - at) : PIECE;

		err = error_of_source(io_pread_all(from, room, len, at));
		if (!err)
			err = io_pwrite_all(to, room, len, at);
	}
	free(room);
	return err;
}

/* Once; *is_steady: nobody wrote to the source meanwhile. */
static enum store_err
copy_once(int from, int to, uint64_t len, uint64_t *size, bool *is_steady)
{
	struct stat before, after;

	if (fstat(from, &before))
		return error_from_errno(errno);
	*size = (uint64_t)before.st_size < len ? (uint64_t)before.st_size : len;
	if (ftruncate(to, 0) || ftruncate(to, (off_t)*size))
		return error_from_errno(errno);
	enum store_err err = blob_copy_range(from, 0, to, 0, *size);
	if (err == STORE_IO)
		err = copy_by_hand(from, to, *size);
	if (fstat(from, &after))
		return error_from_errno(errno);
	/* One that was cut off while it was read. */
	bool is_shorter = after.st_size < before.st_size;
	if (err && !(err == STORE_CORRUPT && is_shorter))
		return err;
	*is_steady = !err && (is_same(&before, &after) ||
				     len <= (uint64_t)after.st_size);
	const struct timespec times[2] = {before.st_atim, before.st_mtim};
	return futimens(to, times) ? error_from_errno(errno) : STORE_OK;
}

/*
 * The copy of a file that somebody may be writing to through a map is not to be
 * shared by the next backup: stores to a page that is dirty already move no
 * time.  Its own differs a little.
 */
static enum store_err
make_unlike(int fd)
{
	struct stat stat;

	if (fstat(fd, &stat))
		return error_from_errno(errno);
	stat.st_mtim.tv_nsec ^= 1;
	const struct timespec times[2] = {stat.st_atim, stat.st_mtim};
	return futimens(fd, times) ? error_from_errno(errno) : STORE_OK;
}

/*
 * A segment, which the disk cannot read as a whole: there are other objects in
 * it than those that it has lost, which are left as zeros.  Its time is not the
 * source's: the next backup, which may be able to read it, is not to share it.
 */
static enum store_err
salvage(int from, int to, uint64_t size, uint64_t segment,
	struct backup_lost *lost)
{
	char room[PAGE];

	for (uint64_t at = 0; at < size; at += PAGE) {
		size_t len = size - at < PAGE ? (size_t)(size - at) : PAGE;

		if (io_pread_all(from, room, len, at)) {
			backup_lost_add(lost, segment, at, at + len);
			continue;
		}
		enum store_err err = io_pwrite_all(to, room, len, at);
		if (err)
			return err;
	}
	return STORE_DAMAGED;
}

enum store_err
backup_copy_blob(struct blobs *from, uint64_t id, uint64_t len,
	struct blobs *to, struct backup_lost *lost, uint64_t *size)
{
	scoped(io_close_fd) int source = -1;
	scoped(io_close_fd) int target = -1;
	bool is_steady = false;
	bool has_writer = blob_has_writer(from, id);
	enum store_err err =
		error_of_source(blob_open(from, id, O_RDONLY, &source));

	if (!err)
		err = blob_create(to, id, &target);
	for (int i = 0; i < TRIES && !err && !is_steady; i++)
		err = copy_once(source, target, len, size, &is_steady);
	if (!err && !lost && (has_writer || blob_has_writer(from, id)))
		err = make_unlike(target);
	if (err != STORE_DAMAGED || target < 0)
		return err;
	if (lost)
		return salvage(source, target, *size, id, lost);
	err = blob_remove(to, id);
	return err ? err : STORE_DAMAGED;
}

static enum store_err
sum(int fd, uint64_t at, uint64_t len, uint64_t *crc, bool *is_short)
{
	uint8_t value[DIGEST_LEN_MAX];
	struct digest digest;
	char *room = malloc(PIECE);
	ssize_t got = 1;

	if (!room)
		return STORE_NO_MEMORY;
	digest_init(&digest, DIGEST_CRC64NVME);
	while (len > 0 && got > 0) {
		got = io_pread(fd, room, len < PIECE ? len : PIECE, at);
		if (got <= 0)
			break;
		digest_update(&digest, room, (size_t)got);
		at += (uint64_t)got;
		len -= (uint64_t)got;
	}
	digest_final(&digest, value);
	free(room);
	*crc = 0;
	for (size_t i = 0; i < sizeof(*crc); i++)
		*crc = *crc << 8 | value[i];
	*is_short = len > 0;
	return got < 0 ? error_from_errno((int)-got) : STORE_OK;
}

enum store_err
backup_copy_is_right(struct blobs *blobs, uint64_t id,
	const struct record_blob *record, bool *is_right)
{
	scoped(io_close_fd) int fd = -1;
	bool is_packed = record->place == RECORD_BLOB_PACKED;
	bool is_short = false;
	struct stat stat;
	uint64_t crc = 0;
	enum store_err err = blob_open(blobs, is_packed ? record->segment : id,
		O_RDONLY, &fd);

	*is_right = true;
	if (err || !record->has_crc64nvme)
		return err;
	if (fstat(fd, &stat))
		return error_from_errno(errno);
	err = sum(fd, is_packed ? record->offset : 0,
		is_packed ? record->size : (uint64_t)stat.st_size, &crc,
		&is_short);
	*is_right = !is_short && crc == record->crc64nvme;
	return err;
}
