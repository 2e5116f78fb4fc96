/* SPDX-License-Identifier: Apache-2.0 */
#include "store/base/ring.h"

#include <assert.h>
#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#define RING_ENTRIES 256
#define RING_COMPLETIONS 4096

static int
open_with(struct ring *ring, unsigned int flags)
{
	struct io_uring_params params = {
		.flags = IORING_SETUP_CQSIZE | IORING_SETUP_R_DISABLED | flags,
		.cq_entries = RING_COMPLETIONS,
	};

	return io_uring_queue_init_params(RING_ENTRIES, &ring->uring, &params);
}

enum store_err
ring_open(struct ring *ring)
{
	/* Best first; an older kernel answers EINVAL to flags it lacks. */
	static const unsigned int flags[] = {
		IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
			IORING_SETUP_SUBMIT_ALL,
		IORING_SETUP_COOP_TASKRUN | IORING_SETUP_SUBMIT_ALL,
		0,
	};
	int result = -EINVAL;

	for (size_t i = 0; result == -EINVAL && i < array_len(flags); i++)
		result = open_with(ring, flags[i]);
	if (result == -ENOMEM)
		return STORE_NO_MEMORY;
	return result ? STORE_IO : STORE_OK;
}

void
ring_close(struct ring *ring)
{
	io_uring_queue_exit(&ring->uring);
}

enum store_err
ring_enable(struct ring *ring)
{
	/* liburing 2.3 declares a function for this but does not export it. */
	if (syscall(SYS_io_uring_register, ring->uring.ring_fd,
		    IORING_REGISTER_ENABLE_RINGS, NULL, 0))
		return STORE_IO;
	/* Saves a lookup in the table of files; 5.18 and later. */
	(void)io_uring_register_ring_fd(&ring->uring);
	return STORE_OK;
}

struct io_uring_sqe *
ring_entry(struct ring *ring)
{
	struct io_uring_sqe *entry = io_uring_get_sqe(&ring->uring);

	while (!entry) {
		ring_submit(ring, false, 0);
		entry = io_uring_get_sqe(&ring->uring);
	}
	return entry;
}

void
ring_submit(struct ring *ring, bool wait, int64_t timeout_ms)
{
	struct io_uring_cqe *first = NULL;
	int result;

	if (!wait) {
		result = io_uring_submit_and_get_events(&ring->uring);
	} else if (timeout_ms < 0) {
		result = io_uring_submit_and_wait(&ring->uring, 1);
	} else {
		struct __kernel_timespec timeout = {
			.tv_sec = timeout_ms / 1000,
			.tv_nsec = timeout_ms % 1000 * 1000000,
		};
		result = io_uring_submit_and_wait_timeout(&ring->uring, &first,
			1, &timeout, NULL);
	}
	/* EBUSY and EAGAIN pass once completions have been taken. */
	assert(result >= 0 || result == -ETIME || result == -EINTR ||
		result == -EBUSY || result == -EAGAIN);
}

bool
ring_next(struct ring *ring, void **data, int *result)
{
	struct io_uring_cqe *completion = NULL;
	unsigned int head;
	bool found = false;

	io_uring_for_each_cqe(&ring->uring, head, completion)
	{
		*data = io_uring_cqe_get_data(completion);
		*result = completion->res;
		found = true;
		break;
	}
	if (found)
		io_uring_cq_advance(&ring->uring, 1);
	return found;
}
