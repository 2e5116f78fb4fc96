/* SPDX-License-Identifier: Apache-2.0 */
#include "store/base/ring.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define RING_ENTRIES 256
#define RING_COMPLETIONS 4096

_Static_assert((RING_BUFFERS & (RING_BUFFERS - 1)) == 0, "a power of two");
#define LENT_LEN (RING_BUFFERS * sizeof(struct io_uring_buf))

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

	*ring = (struct ring){0};
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
	if (ring->lent)
		munmap(ring->lent, LENT_LEN);
	free(ring->buffers);
}

/* Lends the kernel a buffer; it sees it after io_uring_buf_ring_advance(). */
static void
lend(struct ring *ring, size_t index, int place)
{
	io_uring_buf_ring_add(ring->lent,
		ring->buffers + index * RING_BUFFER_LEN, RING_BUFFER_LEN,
		(unsigned short)index, io_uring_buf_ring_mask(RING_BUFFERS),
		place);
}

/* Where the kernel or the machine has none to give, receivers go without. */
static void
open_buffers(struct ring *ring)
{
	char *buffers = malloc((size_t)RING_BUFFERS * RING_BUFFER_LEN);
	void *lent = mmap(NULL, LENT_LEN, PROT_READ | PROT_WRITE,
		MAP_ANONYMOUS | MAP_PRIVATE, -1, 0);
	struct io_uring_buf_reg about = {
		.ring_addr = (uintptr_t)lent,
		.ring_entries = RING_BUFFERS,
		.bgid = RING_BUFFER_GROUP,
	};

	if (!buffers || lent == MAP_FAILED ||
		io_uring_register_buf_ring(&ring->uring, &about, 0)) {
		free(buffers);
		if (lent != MAP_FAILED)
			munmap(lent, LENT_LEN);
		return;
	}
	ring->buffers = buffers;
	ring->lent = lent;
	io_uring_buf_ring_init(ring->lent);
	for (int i = 0; i < RING_BUFFERS; i++)
		lend(ring, (size_t)i, i);
	io_uring_buf_ring_advance(ring->lent, RING_BUFFERS);
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
	open_buffers(ring);
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

static char *
buffer_of(const struct ring *ring, const struct io_uring_cqe *entry)
{
	if (!(entry->flags & IORING_CQE_F_BUFFER))
		return NULL;
	return ring->buffers +
	       (size_t)(entry->flags >> IORING_CQE_BUFFER_SHIFT) *
		       RING_BUFFER_LEN;
}

bool
ring_next(struct ring *ring, struct ring_completion *completion)
{
	struct io_uring_cqe *entry = NULL;
	unsigned int head;
	bool found = false;

	io_uring_for_each_cqe(&ring->uring, head, entry)
	{
		*completion = (struct ring_completion){
			.data = io_uring_cqe_get_data(entry),
			.result = entry->res,
			.buffer = buffer_of(ring, entry),
		};
		found = true;
		break;
	}
	if (found)
		io_uring_cq_advance(&ring->uring, 1);
	return found;
}

void
ring_give_back(struct ring *ring, char *buffer)
{
	lend(ring, (size_t)(buffer - ring->buffers) / RING_BUFFER_LEN, 0);
	io_uring_buf_ring_advance(ring->lent, 1);
}
