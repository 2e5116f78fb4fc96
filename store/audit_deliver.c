/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 1. A file is removed only after the object that holds its lines is durable.
 *    Cut off in between it is delivered once more, under the same key.
 * 2. One that cannot be read is in the way of no other.
 * 3. Only who holds the file's lock delivers it: neither one that is being
 *    written nor one that another process delivers.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>
#include <zlib.h>

#include "store/audit_private.h"
#include "store/base/buffer.h"
#include "store/base/clock.h"
#include "store/base/digest.h"
#include "store/base/io.h"
#include "store/base/log.h"
#include "store/base/text.h"
#include "store/object.h"

#define PIECE (256u << 10)
#define GZIP_WINDOW (15 + 16) /* zlib.h: deflateInit2 */
#define PREFIX "audit-"
#define SUFFIX ".jsonl"
#define DATE_LEN 8
/* What a disk cannot read it may take long to say so. */
#define AGAIN_MS 600000

/* A body on its way through gzip. */
struct packing {
	struct object_put *put;
	struct digest md5;
	z_stream stream;
	uint8_t out[PIECE];
	bool is_unreadable; /* the file is what failed */
};

static enum store_err
pack(struct packing *packing, struct slice piece, int flush)
{
	z_stream *stream = &packing->stream;
	enum store_err err = STORE_OK;

	stream->next_in = (Bytef *)piece.data;
	stream->avail_in = (uInt)piece.len;
	do {
		stream->next_out = packing->out;
		stream->avail_out = sizeof(packing->out);
		if (deflate(stream, flush) == Z_STREAM_ERROR)
			return STORE_INVALID;
		struct slice made = slice_of(packing->out,
			sizeof(packing->out) - stream->avail_out);
		digest_update(&packing->md5, made.data, made.len);
		err = object_put_write(packing->put, made);
	} while (!err && stream->avail_out == 0);
	return err;
}

static enum store_err
pack_file(struct packing *packing, int fd)
{
	scoped(buffer_free) struct buffer piece = {0};
	uint64_t offset = 0;
	ssize_t got;
	enum store_err err = STORE_OK;

	buffer_reserve(&piece, PIECE);
	do {
		got = io_pread(fd, piece.data, PIECE, offset);
		packing->is_unreadable = got < 0;
		if (got < 0)
			return error_from_errno((int)-got);
		offset += (uint64_t)got;
		err = pack(packing, slice_of(piece.data, (size_t)got),
			got ? Z_NO_FLUSH : Z_FINISH);
	} while (!err && got > 0);
	return err;
}

static void
describe(struct packing *packing, struct buffer *attrs,
	struct object_attrs *out)
{
	const struct inode_attr type = {
		.kind = INODE_ATTR_HEADER,
		.name = SLICE("content-type"),
		.value = SLICE("application/gzip"),
	};

	inode_attr_append(attrs, &type);
	*out = (struct object_attrs){.attrs = buffer_slice(attrs)};
	digest_final(&packing->md5, out->etag.value);
}

static enum store_err
put_file(struct store *store, uint64_t bucket, struct slice key, int fd,
	bool *is_unreadable)
{
	scoped(buffer_free) struct buffer encoded = {0};
	struct packing *packing = calloc(1, sizeof(*packing));
	struct object_attrs attrs;
	struct object made;
	enum store_err err;

	if (!packing)
		return STORE_NO_MEMORY;
	if (deflateInit2(&packing->stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED,
		    GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
		free(packing);
		return STORE_NO_MEMORY;
	}
	digest_init(&packing->md5, DIGEST_MD5);
	err = object_put_begin(store, 0, &packing->put);
	if (!err)
		err = pack_file(packing, fd);
	describe(packing, &encoded, &attrs);
	if (err)
		object_put_abort(&packing->put);
	else
		err = object_put_commit(&packing->put, bucket, key, &attrs,
			NULL, &made);
	*is_unreadable = packing->is_unreadable;
	(void)deflateEnd(&packing->stream);
	free(packing);
	return err;
}

/* data-plane/2026/11/25/audit-20261125T....jsonl.gz */
static void
make_key(struct slice name, struct buffer *key)
{
	struct slice date =
		slice_first(slice_from(name, sizeof(PREFIX) - 1), DATE_LEN);

	buffer_printf(key, "data-plane/%.4s/%.2s/%.2s/%.*s.gz", date.data,
		date.data + 4, date.data + 6, (int)name.len, name.data);
}

static enum store_err
put_whole(struct audit_delivery *delivery, struct slice name, int fd,
	bool *is_unreadable)
{
	scoped(buffer_free) struct buffer key = {0};

	make_key(name, &key);
	return put_file(delivery->store, delivery->bucket, buffer_slice(&key),
		fd, is_unreadable);
}

/* --- what cannot be read ---------------------------------------------------
 */

static void
note_unread(struct audit_delivery *delivery, const char *name,
	enum store_err err)
{
	log_error("audit: %s cannot be read, and stays where it is: %s", name,
		error_sentence(err));
	if (!delivery->unread_count++)
		delivery->again_ms = clock_monotonic_ms() + AGAIN_MS;
	buffer_append(&delivery->unread, slice_of(name, strlen(name) + 1));
}

static bool
is_unread(const struct audit_delivery *delivery, const char *name)
{
	const char *at = delivery->unread.data;

	for (uint64_t i = 0; i < delivery->unread_count; i++) {
		if (!strcmp(at, name))
			return true;
		at += strlen(at) + 1;
	}
	return false;
}

static void
forget_unread(struct audit_delivery *delivery)
{
	if (clock_monotonic_ms() < delivery->again_ms)
		return;
	buffer_clear(&delivery->unread);
	delivery->unread_count = 0;
}

static enum store_err
tell_unread(struct audit_delivery *delivery)
{
	/* There is one count of a session: of the log that is asked for. */
	if (delivery->take || delivery->told == delivery->unread_count)
		return STORE_OK;
	enum store_err err =
		audit_state_set(delivery->store, delivery->unread_count);
	if (!err)
		delivery->told = delivery->unread_count;
	return err;
}

/* --- one file --------------------------------------------------------------
 */

/* It was not opened: *is_unreadable where it is there and will be. */
static enum store_err
judge_open(int number, bool *is_unreadable)
{
	enum store_err err = error_from_errno(number);

	/* Somebody else has delivered it; or it is no file of ours. */
	if (number == ENOENT || number == ELOOP || number == ENXIO ||
		number == EWOULDBLOCK)
		return STORE_OK;
	*is_unreadable = err != STORE_NO_MEMORY;
	return err;
}

static enum store_err
deliver_open(struct audit_delivery *delivery, const char *name, int fd,
	bool *is_unreadable)
{
	struct stat stat;

	/* One that is empty and not locked is about to be. */
	if (flock(fd, LOCK_EX | LOCK_NB) || fstat(fd, &stat) ||
		!S_ISREG(stat.st_mode) || stat.st_size == 0)
		return STORE_OK;
	enum store_err err =
		delivery->take ? delivery->take(delivery->store,
					 slice_str(name), fd, is_unreadable)
			       : put_whole(delivery, slice_str(name), fd,
					 is_unreadable);
	if (!err && unlinkat(delivery->dir_fd, name, 0) && errno != ENOENT)
		err = error_from_errno(errno);
	return err;
}

static enum store_err
deliver_file(struct audit_delivery *delivery, const char *name)
{
	bool is_unreadable = false;
	int fd = openat(delivery->dir_fd, name,
		O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	enum store_err err;

	if (fd < 0)
		err = judge_open(errno, &is_unreadable);
	else
		err = deliver_open(delivery, name, fd, &is_unreadable);
	if (fd >= 0)
		(void)close(fd);
	if (!err || !is_unreadable)
		return err;
	note_unread(delivery, name, err);
	return STORE_OK;
}

static bool
is_ours(const char *name)
{
	struct slice text = slice_str(name);

	if (!slice_has_prefix(text, SLICE(PREFIX)) ||
		!slice_has_suffix(text, SLICE(SUFFIX)))
		return false;
	struct slice date = slice_from(text, sizeof(PREFIX) - 1);
	return date.len >= DATE_LEN &&
	       text_is_digits(slice_first(date, DATE_LEN));
}

enum store_err
audit_deliver(struct audit_delivery *delivery)
{
	int fd = openat(delivery->dir_fd, ".",
		O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	enum store_err err = STORE_OK;
	const struct dirent *entry;

	if (!dir) {
		err = error_from_errno(errno);
		if (fd >= 0)
			(void)close(fd);
		return err;
	}
	forget_unread(delivery);
	while (!err && (entry = readdir(dir))) {
		if (is_ours(entry->d_name) &&
			!is_unread(delivery, entry->d_name))
			err = deliver_file(delivery, entry->d_name);
	}
	(void)closedir(dir);
	enum store_err told = tell_unread(delivery);
	return err ? err : told;
}
