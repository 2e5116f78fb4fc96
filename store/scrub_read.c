/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "store/base/clock.h"
#include "store/base/digest.h"
#include "store/base/io.h"
#include "store/scrub_private.h"

#define PIECE (1u << 20)
#define ALIGN 4096u
/* The longest sleep before goes_on() is asked again. */
#define NAP_MS 200

/* Where the bytes are. */
struct source {
	int fd;
	bool is_direct;
	uint64_t at; /* the first byte's place */
	uint64_t len;
};

bool
scrub_read_keep_pace(struct scrub_pace *pace, uint64_t bytes)
{
	pace->bytes += bytes;
	for (;;) {
		if (pace->goes_on && !pace->goes_on(pace->context))
			return false;
		if (!pace->bytes_per_s)
			return true;
		int64_t passed_ms = clock_monotonic_ms() - pace->start_ms;
		uint64_t wanted_ms = pace->bytes * 1000 / pace->bytes_per_s;

		if ((uint64_t)passed_ms >= wanted_ms)
			return true;
		uint64_t left_ms = wanted_ms - (uint64_t)passed_ms;
		io_sleep_ms(left_ms < NAP_MS ? (int64_t)left_ms : NAP_MS);
	}
}

/* Past the page cache where the file system can: what is to be looked at is
 * what the disk has. */
static enum store_err
open_source(struct store *store, const struct scrub_item *item,
	struct source *source)
{
	bool is_packed = item->record.place == RECORD_BLOB_PACKED;
	uint64_t file = is_packed ? item->record.segment : item->inode.blob;
	enum store_err err =
		blob_open(store->blobs, file, O_RDONLY | O_DIRECT, &source->fd);

	source->is_direct = !err;
	if (err == STORE_INVALID)
		err = blob_open(store->blobs, file, O_RDONLY, &source->fd);
	source->at = is_packed ? item->record.offset : 0;
	source->len = is_packed ? item->record.size : item->file_len;
	return err;
}

static int64_t
mtime_ns(const struct stat *stat)
{
	return (int64_t)stat->st_mtim.tv_sec * CLOCK_NS_PER_S +
	       stat->st_mtim.tv_nsec;
}

static bool
is_damage(int number)
{
	return number == EIO || number == EBADMSG || number == EREMOTEIO ||
	       number == ENODATA || number == ENXIO;
}

/* The next bytes, at most so many, from an aligned place on. */
static ssize_t
read_piece(struct source *source, char *room, uint64_t offset)
{
	ssize_t got = io_pread(source->fd, room, PIECE, offset);

	/* A file system that promised more than it can do. */
	if (got == -EINVAL && source->is_direct &&
		fcntl(source->fd, F_SETFL, 0) == 0) {
		source->is_direct = false;
		got = io_pread(source->fd, room, PIECE, offset);
	}
	return got;
}

/* Feeds the digest; false where the look has come to its end. */
static enum store_err
read_all(struct source *source, struct scrub_pace *pace,
	struct scrub_item *item, char *room, struct digest *digest)
{
	uint64_t end = source->at + source->len;
	uint64_t at = source->at;

	while (at < end) {
		uint64_t from = at / ALIGN * ALIGN;
		ssize_t got = read_piece(source, room, from);

		if (got < 0 && !is_damage((int)-got))
			return error_from_errno((int)-got);
		if (got < 0 || from + (uint64_t)got <= at) {
			item->look = SCRUB_LOOK_UNREADABLE;
			return STORE_OK;
		}
		uint64_t until = from + (uint64_t)got;

		if (until > end)
			until = end;
		digest_update(digest, room + (at - from), until - at);
		if (!scrub_read_keep_pace(pace, until - at)) {
			item->look = SCRUB_LOOK_PASSED;
			return STORE_OK;
		}
		at = until;
	}
	return STORE_OK;
}

static enum store_err
sum(struct source *source, struct scrub_pace *pace, struct scrub_item *item)
{
	uint8_t value[DIGEST_LEN_MAX];
	struct digest digest;
	char *room = aligned_alloc(ALIGN, PIECE);

	if (!room)
		return STORE_NO_MEMORY;
	digest_init(&digest, DIGEST_CRC64NVME);
	enum store_err err = read_all(source, pace, item, room, &digest);
	digest_final(&digest, value);
	free(room);
	item->crc = 0;
	for (size_t i = 0; i < sizeof(item->crc); i++)
		item->crc = item->crc << 8 | value[i];
	return err;
}

/* Files alone: what is packed is never written in place. */
static enum store_err
look_at_file(const struct source *source, struct scrub_item *item)
{
	struct stat stat;

	if (item->record.place == RECORD_BLOB_PACKED)
		return STORE_OK;
	if (fstat(source->fd, &stat))
		return error_from_errno(errno);
	/* Not by a time of the future that somebody has set. */
	item->is_newer = mtime_ns(&stat) > item->inode.ctime_ns &&
			 mtime_ns(&stat) != item->inode.mtime_ns;
	if ((uint64_t)stat.st_size != source->len)
		item->look = item->is_newer ? SCRUB_LOOK_PASSED
					    : SCRUB_LOOK_WRONG_SIZE;
	return STORE_OK;
}

enum store_err
scrub_read(struct store *store, struct scrub_pace *pace,
	struct scrub_item *item)
{
	struct source source = {.fd = -1};

	item->look = SCRUB_LOOK_SUM;
	enum store_err err = open_source(store, item, &source);
	scoped(io_close_fd) int fd = source.fd;
	if (err == STORE_NOT_FOUND)
		item->look = SCRUB_LOOK_MISSING;
	else if (err == STORE_IO)
		item->look = SCRUB_LOOK_UNREADABLE;
	if (err)
		return err == STORE_NOT_FOUND || err == STORE_IO ? STORE_OK
								 : err;
	err = look_at_file(&source, item);
	if (err || item->look != SCRUB_LOOK_SUM)
		return err;
	return sum(&source, pace, item);
}
