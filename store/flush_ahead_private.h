/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flush_ahead_private.h - brings a long stream to the disk while it still
 * comes, so that the flush at its commit has little left to do.
 *
 * 1. Every 4 MiB the kernel is asked to begin writing; every 8 MiB, and only if
 *    more comes, the file is flushed: disks hold what is written in a cache,
 *    which else were emptied while nothing is received.
 * 2. A flush that failed is everybody's failure, as at a checkpoint: the kernel
 *    tells of it but once, and the checkpoint's own would pass.  So nobody
 *    else's bytes may lie in the file: they would be acknowledged before this
 *    stream's end tells of it.
 * 3. One at a time in a process: it empties the disk's cache of the other
 *    streams' bytes, too, and takes no more than one helper thread.
 *
 * Threads:   one at a time, a fiber's or a plain one, where it waits.
 * Ownership: fd is borrowed until flush_ahead_end().
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "store/base/compiler.h"
#include "store/base/error.h"
#include "store/base/helper.h"

struct store;

/* Zeros are a stream's beginning; not to be moved once it has begun. */
struct flush_ahead {
	bool has_begun;
	uint64_t begun; /* where the last flush began, in the file */
	bool is_running;
	int fd;
	enum store_err err; /* of the flush that ran last, or failed */
	struct helper_job job;
};

/* The first half alone, which takes notice of no failure: for a file that many
 * share. */
void flush_ahead_write(int fd, uint64_t from, uint64_t to);

/* Bytes [from, to) have just been appended. */
void flush_ahead_note(struct flush_ahead *ahead, int fd, uint64_t from,
	uint64_t to);

/* Waits for the flush under way, before a commit names the bytes and before fd
 * is closed.  IO: one has failed; durable_fail() knows. */
must_check enum store_err flush_ahead_end(struct flush_ahead *ahead,
	struct store *store);
