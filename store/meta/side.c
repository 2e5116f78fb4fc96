/* SPDX-License-Identifier: Apache-2.0 */
#include "store/meta/side.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/base/codec.h"
#include "store/base/digest.h"
#include "store/base/dir.h"
#include "store/base/io.h"
#include "store/base/owner.h"

#define SIDE_VERSION 1
#define SLOT_LEN 1024
#define SLOT_SPACING 4096 /* a slot shares its page with nothing */
#define SUM_LEN 32
#define FLAG_FAILED 1u
#define FLAG_RESTORED 2u
#define READ_TRIES 8

static const char magic[8] = {'t', 'a', 'r', 'n', 's', 'i', 'd', 'e'};

struct side_path {
	char text[PATH_MAX];
};

static enum store_err
path_with(const char *path, const char *suffix, struct side_path *out)
{
	int len = snprintf(out->text, sizeof(out->text), "%s%s", path, suffix);

	return len < 0 || (size_t)len >= sizeof(out->text) ? STORE_NAME_TOO_LONG
							   : STORE_OK;
}

static void
slot_encode(const struct side *side, uint8_t slot[SLOT_LEN])
{
	struct buffer buffer = {0};
	uint32_t flags = (side->is_failed ? FLAG_FAILED : 0) |
			 (side->is_restored ? FLAG_RESTORED : 0);

	codec_encode_bytes(&buffer, slice_of(magic, sizeof(magic)));
	codec_encode_u32(&buffer, SIDE_VERSION);
	codec_encode_u32(&buffer, flags);
	codec_encode_u64(&buffer, side->sequence);
	codec_encode_u64(&buffer, side->commit);
	codec_encode_u64(&buffer, side->file_size);
	codec_encode_bytes(&buffer, slice_of(side->boot_id, SIDE_BOOT_ID_LEN));
	codec_encode_bytes(&buffer, slice_of(side->metapage, METAPAGE_LEN));
	memset(slot, 0, SLOT_LEN);
	memcpy(slot, buffer.data, buffer.len);
	buffer_free(&buffer);
	digest_of(DIGEST_SHA256, slice_of(slot, SLOT_LEN - SUM_LEN),
		slot + SLOT_LEN - SUM_LEN);
}

/* CORRUPT: not whole; BAD_VERSION: whole, and of a later tarn. */
static enum store_err
slot_decode(const uint8_t slot[SLOT_LEN], struct side *out)
{
	struct decoder decoder = codec_decoder(slice_of(slot, SLOT_LEN));
	struct slice found = codec_decode_bytes(&decoder, sizeof(magic));
	uint32_t version = codec_decode_u32(&decoder);
	uint32_t flags = codec_decode_u32(&decoder);
	uint8_t sum[SUM_LEN];
	struct metapage page;

	digest_of(DIGEST_SHA256, slice_of(slot, SLOT_LEN - SUM_LEN), sum);
	if (memcmp(found.data, magic, sizeof(magic)) != 0 ||
		memcmp(sum, slot + SLOT_LEN - SUM_LEN, SUM_LEN) != 0)
		return STORE_CORRUPT;
	if (version != SIDE_VERSION || flags > (FLAG_FAILED | FLAG_RESTORED))
		return STORE_BAD_VERSION;
	out->is_failed = (flags & FLAG_FAILED) != 0;
	out->is_restored = (flags & FLAG_RESTORED) != 0;
	out->sequence = codec_decode_u64(&decoder);
	out->commit = codec_decode_u64(&decoder);
	out->file_size = codec_decode_u64(&decoder);
	memcpy(out->boot_id,
		codec_decode_bytes(&decoder, SIDE_BOOT_ID_LEN).data,
		SIDE_BOOT_ID_LEN);
	memcpy(out->metapage, codec_decode_bytes(&decoder, METAPAGE_LEN).data,
		METAPAGE_LEN);
	if (!metapage_parse(out->metapage, &page) || page.commit != out->commit)
		return STORE_CORRUPT;
	return STORE_OK;
}

static enum store_err
read_slots(int fd, struct side *out)
{
	bool is_found = false;

	for (uint64_t i = 0; i < 2; i++) {
		uint8_t bytes[SLOT_LEN];
		struct side side;
		enum store_err err = io_pread_all(fd, bytes, sizeof(bytes),
			i * SLOT_SPACING);

		if (!err)
			err = slot_decode(bytes, &side);
		if (err == STORE_CORRUPT)
			continue; /* not written yet, or torn by a cut */
		if (err)
			return err;
		if (!is_found || side.sequence > out->sequence)
			*out = side;
		is_found = true;
	}
	return is_found ? STORE_OK : STORE_CORRUPT;
}

enum store_err
side_read_open(int fd, struct side *out)
{
	enum store_err err = STORE_CORRUPT;

	/* Two checkpoints made while we read may each spoil one slot for us. */
	for (int i = 0; i < READ_TRIES && err == STORE_CORRUPT; i++)
		err = read_slots(fd, out);
	return err;
}

enum store_err
side_read(const char *path, struct side *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return error_from_errno(errno);
	enum store_err err = side_read_open(fd, out);
	close(fd);
	return err;
}

enum store_err
side_open(const char *path, int *fd)
{
	struct stat st;

	if (*fd >= 0 && !fstat(*fd, &st) && st.st_nlink > 0)
		return STORE_OK;
	if (*fd >= 0)
		close(*fd);
	*fd = open(path, O_RDWR | O_CLOEXEC);
	return *fd < 0 ? error_from_errno(errno) : STORE_OK;
}

static enum store_err
write_slot(int fd, const struct side *side)
{
	uint8_t bytes[SLOT_LEN];

	slot_encode(side, bytes);
	enum store_err err = io_pwrite_all(fd, bytes, sizeof(bytes),
		side->sequence % 2 * SLOT_SPACING);
	return err ? err : io_fdatasync(fd);
}

static enum store_err
create(const char *path, const struct side *side, int *out)
{
	struct side_path fresh;
	enum store_err err = path_with(path, ".new", &fresh);

	if (err)
		return err;
	int fd = owner_open(fresh.text, O_RDWR | O_TRUNC);
	if (fd < 0)
		return error_from_errno(errno);
	*out = fd;
	/* Both slots have their blocks, so later writes need no space. */
	err = error_from_errno(posix_fallocate(fd, 0, 2 * SLOT_SPACING));
	if (!err)
		err = write_slot(fd, side);
	if (!err)
		err = io_fsync(fd);
	if (!err && rename(fresh.text, path))
		err = error_from_errno(errno);
	return err ? err : dir_flush_above(path);
}

enum store_err
side_write(const char *path, int *fd, const struct side *side)
{
	enum store_err err = side_open(path, fd);

	if (err == STORE_NOT_FOUND)
		return create(path, side, fd);
	return err ? err : write_slot(*fd, side);
}

static enum store_err
open_lock(const char *path, int *fd)
{
	struct side_path lock;
	enum store_err err = path_with(path, ".lock", &lock);

	if (err)
		return err;
	*fd = owner_open(lock.text, O_RDWR);
	return *fd < 0 ? error_from_errno(errno) : STORE_OK;
}

enum store_err
side_lock(const char *path, int *fd)
{
	enum store_err err = *fd < 0 ? open_lock(path, fd) : STORE_OK;

	while (!err && flock(*fd, LOCK_EX)) {
		if (errno != EINTR)
			err = error_from_errno(errno);
	}
	return err;
}

void
side_unlock(int fd)
{
	(void)flock(fd, LOCK_UN);
}
