/* SPDX-License-Identifier: Apache-2.0 */
#include "store/file_seal_private.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "store/base/clock.h"
#include "store/base/io.h"
#include "store/keyring.h"
#include "store/store_private.h"

#define COPY_LEN ((size_t)4 * SEAL_FRAME)
#define NO_FRAME UINT64_MAX

struct file_seal {
	int fd;
	const uint8_t *key; /* of the ring */
	struct seal seal;
	uint64_t size;

	/* of what is published */
	struct buffer attrs;
	struct sealed *sealed; /* NULL: a draft */

	/* of a draft */
	int64_t mtime_ns;
	struct seal_stream writer;
	struct seal_stream reader;
	uint8_t header[SEAL_HEADER_LEN];
	bool has_header;  /* in the file */
	bool is_finished; /* rule 3 */
	uint32_t count;	  /* rule 2: of the next frame to be sealed */

	/* rule 4 */
	uint64_t frame; /* NO_FRAME: none */
	size_t frame_len;
	bool is_dirty;
	uint8_t *plain;
	uint8_t *stored;
};

enum store_err
file_seal_open(struct store *store, const struct inode *inode, int fd,
	struct file_seal **out)
{
	scoped(file_seal_free) struct file_seal *it = calloc(1, sizeof(*it));
	struct inode copy = *inode;
	struct slice attr;

	if (!it)
		error_out_of_memory();
	it->fd = fd;
	it->frame = NO_FRAME;
	it->size = inode->size;
	buffer_append(&it->attrs, inode->attrs);
	copy.attrs = buffer_slice(&it->attrs);
	if (!seal_find(copy.attrs, &attr))
		return STORE_CORRUPT;
	enum store_err err =
		keyring_open(store->keyring, attr, &it->seal, &it->key);
	if (!err)
		err = sealed_open(&copy, &it->seal, fd, 0, &it->sealed);
	if (err)
		return err;
	*out = it;
	it = NULL;
	return STORE_OK;
}

struct file_seal *
file_seal_create(const uint8_t key[SEAL_KEY_LEN], int fd)
{
	struct file_seal *it = calloc(1, sizeof(*it));

	if (!it)
		error_out_of_memory();
	it->fd = fd;
	it->key = key;
	it->frame = NO_FRAME;
	it->mtime_ns = clock_now_ns();
	it->plain = calloc(1, SEAL_FRAME);
	it->stored = malloc(SEAL_STORED_FRAME);
	if (!it->plain || !it->stored)
		error_out_of_memory();
	seal_create(&it->seal, key);
	seal_stream_create(&it->writer, &it->seal, 0, it->header);
	/* A header of its own making opens. */
	if (seal_stream_open(&it->reader, &it->seal, 0, it->header))
		abort();
	return it;
}

void
file_seal_free(struct file_seal **ptr)
{
	struct file_seal *it = *ptr;

	*ptr = NULL;
	if (!it)
		return;
	sealed_close(&it->sealed);
	seal_stream_end(&it->writer);
	seal_stream_end(&it->reader);
	seal_wipe(&it->seal);
	if (it->plain)
		cipher_wipe(it->plain, SEAL_FRAME);
	free(it->plain);
	free(it->stored);
	buffer_free(&it->attrs);
	free(it);
}

struct slice
file_seal_attr(const struct file_seal *it)
{
	return slice_of(it->seal.attr, SEAL_ATTR_LEN);
}

const uint8_t *
file_seal_key(const struct file_seal *it)
{
	return it->key;
}

bool
file_seal_is_draft(const struct file_seal *it)
{
	return !it->sealed;
}

uint64_t
file_seal_size(const struct file_seal *it)
{
	return it->size;
}

int64_t
file_seal_mtime_ns(const struct file_seal *it)
{
	return it->mtime_ns;
}

void
file_seal_set_mtime(struct file_seal *it, int64_t mtime_ns)
{
	it->mtime_ns = mtime_ns;
}

/* --- the frame in memory -------------------------------------------------- */

static enum store_err
store_frame(struct file_seal *it, bool is_last)
{
	size_t stored_len = SEAL_COUNT_LEN + it->frame_len + CIPHER_TAG_LEN;
	enum store_err err = STORE_OK;

	/* 2^32 frames sealed are 256 TiB written by one open. */
	if (it->count == UINT32_MAX)
		return STORE_TOO_BIG;
	if (!it->has_header)
		err = io_pwrite_all(it->fd, it->header, sizeof(it->header), 0);
	if (err)
		return err;
	it->has_header = true;
	seal_frame(&it->writer, it->frame, it->count++, is_last,
		slice_of(it->plain, it->frame_len), it->stored);
	err = io_pwrite_all(it->fd, it->stored, stored_len,
		seal_frame_at(it->frame));
	if (!err)
		it->is_dirty = false;
	return err;
}

static size_t
frame_len(const struct file_seal *it, uint64_t frame)
{
	uint64_t left = it->size - frame * SEAL_FRAME;

	return left < SEAL_FRAME ? (size_t)left : SEAL_FRAME;
}

/* Beyond the end it is an empty one. */
static enum store_err
load_frame(struct file_seal *it, uint64_t frame)
{
	enum store_err err = STORE_OK;

	if (it->frame == frame)
		return STORE_OK;
	if (it->is_dirty)
		err = store_frame(it, false);
	if (err)
		return err;
	it->frame = NO_FRAME;
	it->frame_len = 0;
	if (frame < seal_frames(it->size)) {
		size_t len = frame_len(it, frame);
		size_t stored_len = SEAL_COUNT_LEN + len + CIPHER_TAG_LEN;

		err = io_pread_all(it->fd, it->stored, stored_len,
			seal_frame_at(frame));
		if (!err)
			err = seal_open_frame(&it->reader, frame, false,
				slice_of(it->stored, stored_len), it->plain);
		it->frame_len = len;
	}
	if (!err)
		it->frame = frame;
	return err;
}

/* Its last frame was sealed as that; it is to be one among others again. */
static enum store_err
unfinish(struct file_seal *it)
{
	if (!it->is_finished)
		return STORE_OK;
	/* It is the one in memory: nothing was loaded since. */
	assert(!it->size || it->frame == seal_frames(it->size) - 1);
	it->is_dirty = it->size > 0;
	it->is_finished = false;
	return STORE_OK;
}

/* --- drafts --------------------------------------------------------------- */

/* Puts bytes (NULL: zeros) into the frame that has `at`, as far as it goes. */
static enum store_err
put_in_frame(struct file_seal *it, uint64_t at, const char *data, size_t len)
{
	size_t skip = (size_t)(at % SEAL_FRAME);
	enum store_err err = load_frame(it, at / SEAL_FRAME);

	if (err)
		return err;
	/* at is at most the size: nothing is left out between. */
	assert(skip <= it->frame_len);
	if (data)
		memcpy(it->plain + skip, data, len);
	else
		memset(it->plain + skip, 0, len);
	if (it->frame_len < skip + len)
		it->frame_len = skip + len;
	it->is_dirty = true;
	if (it->size < at + len)
		it->size = at + len;
	return STORE_OK;
}

static enum store_err
put(struct file_seal *it, uint64_t at, const char *data, uint64_t len)
{
	enum store_err err = STORE_OK;

	while (len > 0 && !err) {
		uint64_t room = SEAL_FRAME - at % SEAL_FRAME;
		size_t piece = (size_t)(len < room ? len : room);

		err = put_in_frame(it, at, data, piece);
		at += piece;
		len -= piece;
		data = data ? data + piece : NULL;
	}
	return err;
}

enum store_err
file_seal_write(struct file_seal *it, struct slice data, uint64_t offset)
{
	enum store_err err;

	assert(!it->sealed);
	if (offset > OBJECT_SIZE_MAX || data.len > OBJECT_SIZE_MAX - offset)
		return STORE_TOO_BIG;
	err = unfinish(it);
	if (!err && offset > it->size)
		err = put(it, it->size, NULL, offset - it->size);
	if (!err)
		err = put(it, offset, data.data, data.len);
	it->mtime_ns = clock_now_ns();
	return err;
}

enum store_err
file_seal_truncate(struct file_seal *it, uint64_t size)
{
	enum store_err err;

	assert(!it->sealed);
	if (size > OBJECT_SIZE_MAX)
		return STORE_TOO_BIG;
	err = unfinish(it);
	if (err)
		return err;
	it->mtime_ns = clock_now_ns();
	if (size >= it->size)
		return put(it, it->size, NULL, size - it->size);
	if (size % SEAL_FRAME) {
		/* The frame that is cut is sealed anew, shorter. */
		err = load_frame(it, size / SEAL_FRAME);
		if (err)
			return err;
		it->frame_len = (size_t)(size % SEAL_FRAME);
		it->is_dirty = true;
	} else if (it->frame != NO_FRAME && it->frame >= size / SEAL_FRAME) {
		it->frame = NO_FRAME;
		it->frame_len = 0;
		it->is_dirty = false;
	}
	it->size = size;
	return STORE_OK;
}

enum store_err
file_seal_copy(struct file_seal *it, struct file_seal *from, uint64_t len)
{
	char *room = malloc(COPY_LEN);
	enum store_err err = STORE_OK;

	if (!room)
		error_out_of_memory();
	for (uint64_t at = 0; at < len && !err;) {
		size_t piece =
			len - at < COPY_LEN ? (size_t)(len - at) : COPY_LEN;
		size_t got = 0;

		err = file_seal_read(from, room, piece, at, &got);
		if (!err && got < piece)
			err = STORE_CORRUPT;
		if (!err)
			err = file_seal_write(it, slice_of(room, piece), at);
		at += piece;
	}
	cipher_wipe(room, COPY_LEN);
	free(room);
	return err;
}

enum store_err
file_seal_finish(struct file_seal *it)
{
	enum store_err err = STORE_OK;

	if (it->sealed || it->is_finished)
		return STORE_OK;
	if (it->size > 0)
		err = load_frame(it, seal_frames(it->size) - 1);
	if (!err && it->size > 0)
		err = store_frame(it, true);
	/* What a longer one has left behind. */
	if (!err && ftruncate(it->fd, (off_t)seal_stored_len(it->size)))
		err = error_from_errno(errno);
	if (!err && !it->size)
		it->has_header = false;
	it->is_finished = !err;
	return err;
}

/* --- reading -------------------------------------------------------------- */

static enum store_err
read_draft(struct file_seal *it, char *to, size_t len, uint64_t offset)
{
	enum store_err err = STORE_OK;

	/* Frames of a finished one are not read back: the last is in memory,
	 * and would have to be told apart. */
	err = unfinish(it);
	while (len > 0 && !err) {
		size_t skip = (size_t)(offset % SEAL_FRAME);
		size_t piece = SEAL_FRAME - skip;

		if (piece > len)
			piece = len;
		err = load_frame(it, offset / SEAL_FRAME);
		if (err)
			break;
		memcpy(to, it->plain + skip, piece);
		to += piece;
		offset += piece;
		len -= piece;
	}
	return err;
}

enum store_err
file_seal_read(struct file_seal *it, void *to, size_t len, uint64_t offset,
	size_t *got)
{
	*got = 0;
	if (offset >= it->size)
		return STORE_OK;
	if (len > it->size - offset)
		len = (size_t)(it->size - offset);

	enum store_err err = it->sealed
				     ? sealed_read(it->sealed, offset, to, len)
				     : read_draft(it, to, len, offset);

	if (!err)
		*got = len;
	return err;
}
