/* SPDX-License-Identifier: Apache-2.0 */
/* Invariant 4 of ring_queue.c: which request may wait, and so is a helper's. */
#include <fcntl.h>
#include <linux/fuse.h>

#include "fs/handle.h"
#include "fs/ring_private.h"

/* Copying more takes longer than the way to a helper. */
#define READ_AT_ONCE_MAX ((size_t)128 << 10)

/* linux/fuse.h of 6.14, which is younger than many a system's headers. */
#define OP_COPY_FILE_RANGE_64 53

/* Of what is read from an open file. */
static bool
read_waits(const struct fuse_read_in *in)
{
	const struct fuse_file_info info = {.fh = in->fh};

	/* Not opened: small_files.h. */
	return !in->fh || in->size > READ_AT_ONCE_MAX ||
	       file_data_read_waits(handle_of(&info)->file, in->offset);
}

/* For one who copies, perhaps for minutes: by helpers of their own, or those
 * who want one file would have them all. */
static bool
waits_for_turn(struct ring *ring, const struct fuse_in_header *in)
{
	const struct mount *mount = ring->mount;

	switch (in->opcode) {
	case FUSE_OPEN:
	case FUSE_RELEASE:
	case FUSE_FLUSH:
	case FUSE_SETATTR:
		return file_is_busy(mount->store,
			mount_inode(mount, in->nodeid));
	default:
		return false;
	}
}

static bool
flush_waits(const struct fuse_flush_in *flush_in)
{
	const struct fuse_file_info info = {.fh = flush_in->fh};

	return flush_in->fh && file_is_sealed(handle_of(&info)->file);
}

static bool
may_wait(const struct fuse_in_header *in, const void *op_in)
{
	const struct fuse_open_in *open_in = op_in;
	const struct fuse_create_in *create_in = op_in;
	const struct fuse_setattr_in *set_in = op_in;

	switch (in->opcode) {
	case FUSE_READ:
		return read_waits(op_in);
	case FUSE_FLUSH:
		return flush_waits(op_in);
	case FUSE_WRITE:
	case FUSE_FSYNC:
	case FUSE_FSYNCDIR:
	case FUSE_FALLOCATE:
	case FUSE_LSEEK:
	case FUSE_COPY_FILE_RANGE:
	case OP_COPY_FILE_RANGE_64:
		return true;
	case FUSE_OPEN: /* for writing: may copy what is shared first */
		return (open_in->flags & (O_ACCMODE | O_TRUNC)) != O_RDONLY;
	case FUSE_CREATE: /* what is to be synced is published first */
		return (create_in->flags & O_DSYNC) != 0;
	case FUSE_SETATTR:
		return (set_in->valid & FATTR_SIZE) != 0;
	default:
		return false;
	}
}

struct helper_pool *
ring_wait_helpers(struct ring *ring, const struct fuse_in_header *in,
	const void *op_in)
{
	if (waits_for_turn(ring, in))
		return ring->waiting;
	return may_wait(in, op_in) ? ring->helpers : NULL;
}
