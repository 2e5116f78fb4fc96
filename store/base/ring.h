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

struct ring {
	struct io_uring uring;
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

/* Takes one completion; false: none is there. */
bool ring_next(struct ring *ring, void **data, int *result);
