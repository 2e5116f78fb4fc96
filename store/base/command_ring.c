/* SPDX-License-Identifier: Apache-2.0 */
#include "store/base/command_ring.h"

#include <assert.h>
#include <errno.h>
#include <liburing.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The bytes of a command go on beyond the entry, into the second half that
 * IORING_SETUP_SQE128 gives it. */
#define BYTES_AT offsetof(struct io_uring_sqe, cmd)

struct command_ring {
	/* fixed after open */
	struct io_uring uring;
	int device_fd;
	int wake_fd;

	/* the thread's */
	bool is_enabled;
	uint64_t wakes; /* read into; its value does not matter */
};

/* The result of this read is how a wake arrives. */
static void
await_wake(struct command_ring *ring)
{
	struct io_uring_sqe *entry = io_uring_get_sqe(&ring->uring);

	assert(entry);
	io_uring_prep_read(entry, ring->wake_fd, &ring->wakes,
		sizeof(ring->wakes), 0);
	io_uring_sqe_set_data(entry, NULL);
}

enum store_err
command_ring_open(int device_fd, unsigned int depth, struct command_ring **out)
{
	struct command_ring *ring = calloc(1, sizeof(*ring));
	struct io_uring_params params = {
		.flags = IORING_SETUP_SQE128 | IORING_SETUP_SUBMIT_ALL |
			 IORING_SETUP_SINGLE_ISSUER |
			 IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_R_DISABLED,
	};

	if (!ring)
		return STORE_NO_MEMORY;
	ring->device_fd = device_fd;
	ring->wake_fd = eventfd(0, EFD_CLOEXEC);
	if (ring->wake_fd < 0 ||
		io_uring_queue_init_params(depth + 1, &ring->uring, &params)) {
		if (ring->wake_fd >= 0)
			(void)close(ring->wake_fd);
		free(ring);
		return STORE_IO;
	}
	await_wake(ring);
	*out = ring;
	return STORE_OK;
}

void
command_ring_close(struct command_ring **ring)
{
	if (!*ring)
		return;
	io_uring_queue_exit(&(*ring)->uring);
	(void)close((*ring)->wake_fd);
	free(*ring);
	*ring = NULL;
}

void
command_ring_add(struct command_ring *ring, const struct command *command)
{
	struct io_uring_sqe *entry = io_uring_get_sqe(&ring->uring);

	assert(entry && command->data && command->len <= COMMAND_BYTES_MAX);
	memset(entry, 0, BYTES_AT + COMMAND_BYTES_MAX);
	entry->opcode = IORING_OP_URING_CMD;
	entry->fd = ring->device_fd;
	entry->cmd_op = command->code;
	entry->addr = (uintptr_t)command->with;
	entry->len = command->with_len;
	memcpy((char *)entry + BYTES_AT, command->bytes, command->len);
	io_uring_sqe_set_data(entry, command->data);
}

/* By the thread that it is to be of from now on.  liburing 2.3 declares a
 * function for this but does not export it. */
static void
enable(struct command_ring *ring)
{
	long failed = syscall(SYS_io_uring_register, ring->uring.ring_fd,
		IORING_REGISTER_ENABLE_RINGS, NULL, 0);

	assert(!failed);
	ring->is_enabled = true;
}

static void
enter(struct command_ring *ring, unsigned int wanted)
{
	if (!ring->is_enabled)
		enable(ring);
	int failed = io_uring_submit_and_wait(&ring->uring, wanted);

	/* Anything else would be our mistake. */
	assert(failed >= 0 || failed == -EINTR || failed == -EAGAIN ||
		failed == -EBUSY || failed == -ENOMEM);
}

void
command_ring_submit(struct command_ring *ring)
{
	while (io_uring_sq_ready(&ring->uring) > 0)
		enter(ring, 0);
}

struct command_result
command_ring_wait(struct command_ring *ring)
{
	struct io_uring_cqe *completion = NULL;

	while (io_uring_sq_ready(&ring->uring) > 0 ||
		io_uring_cq_ready(&ring->uring) == 0)
		enter(ring, io_uring_cq_ready(&ring->uring) ? 0 : 1);
	int failed = io_uring_peek_cqe(&ring->uring, &completion);
	assert(!failed);
	const struct command_result result = {
		.data = io_uring_cqe_get_data(completion),
		.result = completion->res,
	};
	io_uring_cqe_seen(&ring->uring, completion);
	if (!result.data)
		await_wake(ring);
	return result;
}

void
command_ring_wake(struct command_ring *ring)
{
	const uint64_t one = 1;

	/* It fails only where it is full of such calls already. */
	ssize_t written = write(ring->wake_fd, &one, sizeof(one));
	(void)written;
}
