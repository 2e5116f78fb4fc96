/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loop_private.h - how io.c and event.c put the running fiber to sleep and
 * wake it.
 */
#pragma once

#include <poll.h>
#include <stdatomic.h>

#include "store/base/deadline.h"
#include "store/base/fiber_private.h"
#include "store/base/helper.h"
#include "store/base/loop.h"
#include "store/base/ring.h"

#define LOOP_FD_BUCKETS 256

/* One wait of one fiber; lies on that fiber's stack. */
struct loop_wait {
	struct fiber *fiber;
	int fd; /* -1: none, it sleeps until its deadline */
	int result;
	char *buffer; /* of the ring, that came with the result; or NULL */
	bool is_expired;
	struct deadline deadline;
	struct loop_wait *next; /* of those on descriptors like fd */
	struct loop_wait **link;
};

struct fiber_list {
	struct fiber *first;
	struct fiber **end;
	size_t count;
};

struct loop {
	/* fixed after creation */
	int wake_fd;

	/* of the loop's thread */
	struct ring ring;
	struct fiber main;
	struct fiber_list ready;
	struct fiber *pool;
	size_t pool_count;
	size_t charge;
	size_t turn; /* fibers that run between two looks at the ring */
	bool is_wake_armed;
	struct deadline_heap deadlines;
	struct helper_pool *helpers; /* NULL until first wanted */
	struct loop_wait *waits[LOOP_FD_BUCKETS];

	/* atomic */
	_Atomic(struct fiber *) incoming; /* made ready elsewhere, last first */
	atomic_bool is_asleep;
	atomic_bool is_stopping;
	atomic_size_t fibers;
	atomic_uint wakers; /* threads still inside a call on this loop */
};

/*
 * Begins a wait: the caller prepares the entry for an operation on fd and
 * calls loop_wait_end() at once, which sleeps and gives the operation's
 * result, or -ETIMEDOUT after deadline_ms (0: none).
 */
struct io_uring_sqe *loop_wait_begin(struct loop *loop);
int loop_wait_end(struct loop *loop, struct io_uring_sqe *entry, int fd,
	int64_t deadline_ms);

/* As that, for an entry that lets the kernel choose a buffer: *buffer is the
 * one that was filled, whatever the result, or NULL. */
int loop_wait_end_buffer(struct loop *loop, struct io_uring_sqe *entry, int fd,
	int64_t deadline_ms, char **buffer);

/*
 * True where others run in this turn: what goes through the ring then shares
 * a system call with what they do.
 */
static inline bool
loop_is_shared(const struct loop *loop)
{
	return loop->turn > 1;
}

/* Sleeps until the deadline; no operation. */
void loop_wait_until(struct loop *loop, int64_t deadline_ms);

/* The loop's helper threads; NULL: no memory. */
struct helper_pool *loop_helpers(struct loop *loop);

/* Ends the waits on fd. */
void loop_cancel_fd(struct loop *loop, int fd);

/* Sleeps until loop_ready() names this fiber. */
void loop_park(struct loop *loop);

/* Makes a parked fiber ready; any thread. */
void loop_ready(struct fiber *fiber);

/*
 * Notes work done without waiting (bytes moved); after a fair share of it lets
 * the others run, so that one busy connection cannot hold up the rest.
 */
void loop_charge(struct loop *loop, size_t bytes);
