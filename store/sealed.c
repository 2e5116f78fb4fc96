/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An object that an upload made is the streams of its parts one after the
 * other, in the order of their numbers; any other is one stream.
 */
#include "store/sealed.h"

#include <assert.h>
#include <stdlib.h>

#include "store/base/io.h"
#include "store/upload_private.h"

/* Read from the file at once. */
#define FRAMES 4

struct sealed {
	/* fixed */
	struct inode inode;
	struct seal seal;
	int fd;
	uint64_t offset;

	/* the stream that was read last */
	bool has_stream;
	struct upload_stream at;
	struct seal_stream stream;

	uint8_t *stored; /* FRAMES of them */
	uint8_t *frame;	 /* one, opened, of which not all is wanted */
};

bool
sealed_is(const struct inode *inode)
{
	struct slice attr;

	return inode->attrs.len > 0 && seal_find(inode->attrs, &attr);
}

uint64_t
sealed_file_len(const struct inode *inode)
{
	struct upload_stream last;

	if (!inode->size || !sealed_is(inode))
		return inode->size;
	/* What does not add up has no length that fits. */
	if (!upload_parts_stream(inode, inode->size - 1, &last))
		return UINT64_MAX;
	return last.stored_at + seal_stored_len(last.size);
}

enum store_err
sealed_open(const struct inode *inode, const struct seal *seal, int fd,
	uint64_t offset, struct sealed **out)
{
	struct sealed *sealed;

	if (sealed_file_len(inode) == UINT64_MAX)
		return STORE_CORRUPT;
	sealed = calloc(1, sizeof(*sealed));
	if (!sealed)
		return STORE_NO_MEMORY;
	sealed->inode = *inode;
	sealed->seal = *seal;
	sealed->fd = fd;
	sealed->offset = offset;
	*out = sealed;
	return STORE_OK;
}

static uint8_t *
make_room(uint8_t **room, size_t size)
{
	if (!*room)
		*room = malloc(size);
	if (!*room)
		error_out_of_memory();
	return *room;
}

/* Goes to the stream that has the byte. */
static enum store_err
find_stream(struct sealed *sealed, uint64_t from)
{
	uint8_t header[SEAL_HEADER_LEN];
	enum store_err err;

	if (sealed->has_stream && from >= sealed->at.start &&
		from - sealed->at.start < sealed->at.size)
		return STORE_OK;
	if (!upload_parts_stream(&sealed->inode, from, &sealed->at))
		return STORE_CORRUPT;
	sealed->has_stream = false;
	seal_stream_end(&sealed->stream);
	err = io_pread_all(sealed->fd, header, sizeof(header),
		sealed->offset + sealed->at.stored_at);
	if (!err)
		err = seal_stream_open(&sealed->stream, &sealed->seal,
			sealed->at.part, header);
	sealed->has_stream = !err;
	return err;
}

/* One frame's bytes [skip, skip + len) to `to`. */
static enum store_err
open_frame(struct sealed *sealed, uint64_t frame, struct slice stored,
	size_t skip, char *to, size_t len)
{
	size_t plain_len = stored.len - SEAL_COUNT_LEN - CIPHER_TAG_LEN;
	bool is_last = frame + 1 == seal_frames(sealed->at.size);
	uint8_t *plain = (uint8_t *)to;
	enum store_err err;

	if (len < plain_len)
		plain = make_room(&sealed->frame, SEAL_FRAME);
	err = seal_open_frame(&sealed->stream, frame, is_last, stored, plain);
	if (!err && len < plain_len)
		memcpy(to, plain + skip, len);
	return err;
}

/* Up to FRAMES frames of one stream; *done: bytes of the range. */
static enum store_err
read_frames(struct sealed *sealed, uint64_t at, char *to, size_t len,
	size_t *done)
{
	uint64_t stream_left = sealed->at.size - at;
	uint64_t frame = at / SEAL_FRAME;
	size_t skip = (size_t)(at % SEAL_FRAME);
	size_t max = (size_t)FRAMES * SEAL_FRAME - skip;
	uint8_t *stored =
		make_room(&sealed->stored, (size_t)FRAMES * SEAL_STORED_FRAME);
	uint64_t end, stored_end;

	if (len > max)
		len = max;
	if (len > stream_left)
		len = (size_t)stream_left;
	end = seal_frames(at + len) * SEAL_FRAME;
	if (end > sealed->at.size)
		end = sealed->at.size;
	stored_end = seal_stored_len(end);

	enum store_err err = io_pread_all(sealed->fd, stored,
		(size_t)(stored_end - seal_frame_at(frame)),
		sealed->offset + sealed->at.stored_at + seal_frame_at(frame));

	*done = 0;
	for (; !err && *done < len; frame++) {
		uint64_t left = end - frame * SEAL_FRAME;
		size_t plain = left < SEAL_FRAME ? (size_t)left : SEAL_FRAME;
		size_t wanted = plain - skip;
		struct slice piece = slice_of(stored,
			SEAL_COUNT_LEN + plain + CIPHER_TAG_LEN);

		if (wanted > len - *done)
			wanted = len - *done;
		err = open_frame(sealed, frame, piece, skip, to + *done,
			wanted);
		stored += piece.len;
		*done += wanted;
		skip = 0;
	}
	return err;
}

enum store_err
sealed_read(struct sealed *sealed, uint64_t from, void *to, size_t len)
{
	char *next = to;
	enum store_err err = STORE_OK;

	assert(from <= sealed->inode.size && len <= sealed->inode.size - from);
	while (len > 0 && !err) {
		size_t done = 0;

		err = find_stream(sealed, from);
		if (!err)
			err = read_frames(sealed, from - sealed->at.start, next,
				len, &done);
		next += done;
		from += done;
		len -= done;
	}
	return err;
}

void
sealed_close(struct sealed **ptr)
{
	struct sealed *sealed = *ptr;

	*ptr = NULL;
	if (!sealed)
		return;
	seal_stream_end(&sealed->stream);
	seal_wipe(&sealed->seal);
	if (sealed->frame)
		cipher_wipe(sealed->frame, SEAL_FRAME);
	free(sealed->frame);
	free(sealed->stored);
	free(sealed);
}
