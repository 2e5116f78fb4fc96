/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ring.h - one io_uring: entries in, completions out.
 *
 * Needs Linux 5.15 or later; what newer kernels offer (deferred task work,
 * 6.1) is used where it is there.
 *
 * Threads:   ring_open() and ring_close() anywhere; everything else by the
 *            one thread that called ring_enable().
 */
#pragma once

#include <liburing.h>
#include <stdbool.h>
#include <stdint.h>

#include "store/base/compiler.h"
#include "store/base/error.h"

/* Buffers that the kernel fills for receivers who named none (5.19). */
#define RING_BUFFERS 32
#define RING_BUFFER_LEN 8192
#define RING_BUFFER_GROUP 1

struct ring {
	struct io_uring uring;
	struct io_uring_buf_ring
		*lent; /* NULL: this kernel has no such thing */
	char *buffers;
};

struct ring_completion {
	void *data; /* of the entry */
	int result;
	char *buffer; /* one of the ring's that was filled, or NULL */
};

/* IO: the kernel has no io_uring for us; NO_MEMORY. */
must_check enum store_err ring_open(struct ring *ring);
void ring_close(struct ring *ring);

/* Makes the calling thread the one that owns the ring.  IO. */
must_check enum store_err ring_enable(struct ring *ring);

/* A free entry; submits those before it where there is none. */
struct io_uring_sqe *ring_entry(struct ring *ring);

/*
 * Submits all entries in one system call and, where wait is true, sleeps
 * until a completion is there or timeout_ms have passed (below 0: for ever).
 */
void ring_submit(struct ring *ring, bool wait, int64_t timeout_ms);

/* Takes one completion; false: none is there.  A buffer that comes with it is
 * the caller's until ring_give_back(). */
bool ring_next(struct ring *ring, struct ring_completion *completion);
void ring_give_back(struct ring *ring, char *buffer);
