/* SPDX-License-Identifier: Apache-2.0 */
/* Invariants: ring_queue.c. */
#include "fs/ring.h"

#include <linux/fuse.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "fs/ring_private.h"
#include "store/base/log.h"
#include "store/base/privilege.h"

#define CPUS_MAX 1024
#define PAYLOAD_MIN 8192 /* the kernel's FUSE_MIN_READ_BUFFER */

/* linux/fuse.h of 6.14, which is younger than many a system's headers. */
#define INIT_EXT (1u << 30)
#define INIT2_OVER_IO_URING (1u << (41 - 32))

static bool
open_queues(struct ring *ring, const struct fuse_init_out *out)
{
	size_t by_pages = (size_t)out->max_pages * (size_t)getpagesize();

	ring->payload_len =
		out->max_write > by_pages ? out->max_write : by_pages;
	if (ring->payload_len < PAYLOAD_MIN)
		ring->payload_len = PAYLOAD_MIN;
	for (unsigned int i = 0; i < ring->count; i++) {
		if (!ring_queue_open(ring, &ring->queues[i], i))
			return false;
	}
	return true;
}

static void
start_queues(struct ring *ring)
{
	for (unsigned int i = 0; i < ring->count; i++) {
		if (!ring_queue_start(&ring->queues[i]))
			mount_stop(ring->mount);
	}
}

/* libfuse's reply to INIT, which does not know of this. */
static ssize_t
send_init(struct ring *ring, int fd, const struct iovec *iov, int count)
{
	struct fuse_init_out *out = iov[1].iov_base;

	ring->init_unique = 0;
	if (!open_queues(ring, out)) {
		log_warn("mount: no io_uring: too little memory, or too many "
			 "descriptors");
		atomic_store(&ring->mount->has_ring, false);
		return writev(fd, iov, count);
	}
	out->flags |= INIT_EXT;
	out->flags2 |= INIT2_OVER_IO_URING;
	ssize_t sent = writev(fd, iov, count);
	if (sent >= 0)
		start_queues(ring);
	return sent;
}

static struct ring *
ring_of(void *context)
{
	return ((struct mount *)context)->ring;
}

/* What libfuse writes: answers, and lines for the kernel to drop something. */
static ssize_t
send(int fd, struct iovec *iov, int count, void *context)
{
	const struct fuse_out_header *out = iov[0].iov_base;
	struct ring *ring = ring_of(context);

	if (ring_queue_take_answer(iov, count))
		return (ssize_t)out->len;
	if (ring->init_unique && out->unique == ring->init_unique &&
		!out->error && count > 1 &&
		iov[1].iov_len >= sizeof(struct fuse_init_out))
		return send_init(ring, fd, iov, count);
	return writev(fd, iov, count);
}

static ssize_t
receive(int fd, void *bytes, size_t size, void *context)
{
	ssize_t got = read(fd, bytes, size);
	const struct fuse_in_header *in = bytes;
	const struct fuse_init_in *init = (const void *)(in + 1);
	struct ring *ring = ring_of(context);

	if (got >= (ssize_t)(sizeof(*in) + sizeof(*init)) &&
		in->opcode == FUSE_INIT && (init->flags & INIT_EXT) &&
		(init->flags2 & INIT2_OVER_IO_URING)) {
		ring->init_unique = in->unique;
		atomic_store(&ring->mount->has_ring, true);
	}
	return got;
}

/* The first line of a file of the kernel's; empty where there is none. */
static void
read_line(const char *path, char *line, size_t size)
{
	FILE *file = fopen(path, "re");

	line[0] = '\0';
	if (file && !fgets(line, (int)size, file))
		line[0] = '\0';
	if (file)
		(void)fclose(file);
}

/* CPUs that there may be, also those that are not there now; 0: too many. */
static unsigned int
count_cpus(void)
{
	char line[64];
	unsigned int last = 0;

	/* "0-63"; "0" where there is one. */
	read_line("/sys/devices/system/cpu/possible", line, sizeof(line));
	(void)sscanf(line, "0-%u", &last);
	return last < CPUS_MAX ? last + 1 : 0;
}

static bool
is_switched_on(void)
{
	char line[64];

	read_line("/sys/module/fuse/parameters/enable_uring", line,
		sizeof(line));
	/* Others' mounts have not been tried with it. */
	return line[0] == 'Y' && privilege_may_mount();
}

struct ring *
ring_attach(struct mount *mount)
{
	static const struct fuse_custom_io io = {
		.writev = send,
		.read = receive,
	};
	int fd = fuse_session_fd(mount->session);
	unsigned int count = is_switched_on() ? count_cpus() : 0;

	if (count == 0)
		return NULL;
#if FUSE_VERSION >= FUSE_MAKE_VERSION(3, 17)
	if (fuse_session_custom_io(mount->session, &io, sizeof(io), fd))
		return NULL;
#else
	if (fuse_session_custom_io(mount->session, &io, fd))
		return NULL;
#endif
	struct ring *ring = calloc(1, sizeof(*ring));
	struct ring_queue *queues = calloc(count, sizeof(*queues));
	struct helper_pool *helpers = helper_pool_create();
	struct helper_pool *waiting = helper_pool_create();
	if (!ring || !queues || !helpers || !waiting)
		error_out_of_memory();
	*ring = (struct ring){
		.mount = mount,
		.helpers = helpers,
		.waiting = waiting,
		.queues = queues,
		.count = count,
	};
	return ring;
}

void
ring_stop(struct ring **ring_at)
{
	struct ring *ring = *ring_at;

	if (!ring)
		return;
	atomic_store(&ring->mount->has_ring, false);
	atomic_store(&ring->is_ending, true);
	/* No helper is about one of them any more. */
	for (unsigned int i = 0; i < ring->count; i++)
		ring_queue_close(&ring->queues[i]);
	helper_pool_free(&ring->helpers);
	helper_pool_free(&ring->waiting);
	free(ring->queues);
	free(ring);
	*ring_at = NULL;
}
