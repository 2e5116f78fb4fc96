/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include "store/base/command_ring.h"

/* Which takes any command, and answers 0 (Linux 6.2). */
static struct command_ring *
open_null(int *fd)
{
	struct command_ring *ring = NULL;

	*fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	cr_assert(ge(int, *fd, 0));
	cr_assert(not(command_ring_open(*fd, 2, &ring)));
	return ring;
}

static void
add(struct command_ring *ring, void *data)
{
	const char bytes[COMMAND_BYTES_MAX] = "any";
	const struct command command = {
		.code = 1,
		.bytes = bytes,
		.len = sizeof(bytes),
		.data = data,
	};

	command_ring_add(ring, &command);
}

Test(command_ring, gives_one_result_for_each_command)
{
	int one, two, fd;
	struct command_ring *ring = open_null(&fd);

	/* More often than there is room for at a time. */
	for (int i = 0; i < 5; i++) {
		add(ring, &one);
		add(ring, &two);
		struct command_result first = command_ring_wait(ring);
		struct command_result second = command_ring_wait(ring);

		if (first.result == -EOPNOTSUPP)
			cr_skip_test("/dev/null takes no commands here");
		cr_expect(eq(int, first.result, 0));
		cr_expect(eq(int, second.result, 0));
		cr_expect(first.data != second.data);
		cr_expect(first.data == &one || first.data == &two);
		cr_expect(second.data == &one || second.data == &two);
	}

	command_ring_close(&ring);
	cr_expect(eq(ptr, ring, NULL));
	cr_assert(not(close(fd)));
}

static void *
wake(void *ring)
{
	command_ring_wake(ring);
	return NULL;
}

Test(command_ring, wakes_up_each_time_another_thread_asks)
{
	int fd;
	struct command_ring *ring = open_null(&fd);

	for (int i = 0; i < 3; i++) {
		pthread_t thread;

		cr_assert(not(pthread_create(&thread, NULL, wake, ring)));
		cr_expect(eq(ptr, command_ring_wait(ring).data, NULL));
		cr_assert(not(pthread_join(thread, NULL)));
	}

	command_ring_close(&ring);
	cr_assert(not(close(fd)));
}
