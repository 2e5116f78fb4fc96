/* SPDX-License-Identifier: Apache-2.0 */
/*
 * blob_spare.h - files of removed blobs, emptied and kept for new ones.
 *
 * ext4 without a journal does not use the inode of a deleted file again for
 * minutes, and steps over all such inodes whenever it makes a file: docs/
 * decisions/0008-spare-files.md.  So a file that is to go may become a *spare*,
 * a name below the data directory that no table knows, and blob_create() takes
 * one where there is one.
 *
 * Threads:   taking: any, in any process.  The functions below: one process at
 *            a time, on a thread that may wait for the disk.
 * Failure:   a file that cannot become a spare is removed; it costs no more
 *            than the time.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "store/base/compiler.h"
#include "store/base/error.h"

#define BLOB_SPARES_MAX 32768

/*
 * Which spares there are: memory that all processes share, at first zeros.
 * Each word means something by itself, as in shared_private.h: a spare that is
 * in no word is used by nobody until blob_spare_sweep() removes it.
 */
struct blob_spares {
	_Atomic(uint32_t) top; /* a hint: there is none from here on */
	uint32_t unused;
	_Atomic(uint64_t) ids[BLOB_SPARES_MAX]; /* 0: none */
};

struct blobs;

/* From now on there are spares, where the file system gains by it; or
 * everywhere.  No more than a 64th of its inodes.  spares is borrowed. */
must_check enum store_err blob_spare_use(struct blobs *blobs,
	struct blob_spares *spares, bool everywhere);

/*
 * As blob_remove(), but the file may be set aside, to become a spare.  Its blob
 * is gone all the same.
 */
must_check enum store_err blob_spare_set_aside(struct blobs *blobs, uint64_t id,
	bool *is_aside);

/* What was set aside becomes a spare, or goes; only once no power cut can bring
 * back its former name: blob_flush_removed().  Where it fails the file stays
 * aside, and the next blob_spare_set_aside() tries again to remove it. */
must_check enum store_err blob_spare_keep(struct blobs *blobs, uint64_t id);

/* Removes the files that dead processes had set aside or were about to take. */
must_check enum store_err blob_spare_sweep(struct blobs *blobs);
