/* SPDX-License-Identifier: Apache-2.0 */
/*
 * command_ring.h - an io_uring of commands to one device
 * (io_uring_enter(2), IORING_OP_URING_CMD).
 *
 * What a command means is the device's business.  Each gives one result, and
 * that may take for ever: it ends, with an error, when the device is closed.
 *
 * Threads:   one adds and waits; command_ring_wake() from any.  The kernel
 *            completes commands while that thread waits, and does not interrupt
 *            it (IORING_SETUP_DEFER_TASKRUN, Linux 6.1).  They end with it.
 * Ownership: what a command points to must stay until its result.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "store/base/error.h"

#define COMMAND_BYTES_MAX 80

struct command_ring;

struct command {
	uint32_t code;
	const void *bytes; /* of the command itself, copied */
	size_t len;	   /* up to COMMAND_BYTES_MAX */
	const void *with;  /* the entry's address and length */
	uint32_t with_len;
	void *data; /* returned with the result; never NULL */
};

/* At most `depth` commands at a time.  IO: the kernel cannot; NO_MEMORY. */
must_check enum store_err command_ring_open(int device_fd, unsigned int depth,
	struct command_ring **out);
void command_ring_close(struct command_ring **ring);

/* Given to the kernel by the next command_ring_submit() or _wait(). */
void command_ring_add(struct command_ring *ring, const struct command *command);
void command_ring_submit(struct command_ring *ring);

struct command_result {
	void *data; /* NULL: command_ring_wake() was called */
	int result; /* 0 or more, or a negative errno */
};

/* Waits for one. */
struct command_result command_ring_wait(struct command_ring *ring);

void command_ring_wake(struct command_ring *ring);
