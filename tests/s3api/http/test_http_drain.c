/* SPDX-License-Identifier: Apache-2.0 */
/* What must not keep a server from its end: each test would hang for ever. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <poll.h>
#include <semaphore.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "s3api/http/http_private.h"
#include "tests/s3api/http/http_fixture.h"

/* After 128 polls for nothing the kernel has a thread wait in accept(2). */
#define DISAPPOINTMENTS 1000
/* Longer than a test may take. */
#define LONG_MS ((int64_t)600 * 1000)

struct hold {
	sem_t begun;
	sem_t may_end;
};

/* Holds up the thread of the loop, not the fiber alone. */
static void
hold_up(struct http_request *request, struct http_response *response,
	void *context)
{
	struct hold *hold = context;

	(void)request;
	cr_assert(zero(int, sem_post(&hold->begun)));
	cr_assert(zero(int, sem_wait(&hold->may_end)));
	http_reply_begin(response, 200);
	cr_expect(zero(int, http_reply_body(response, SLICE("held"))));
}

/* A connection that is gone when the loop comes to accept it. */
static void
disappoint(const struct http_listener *listener)
{
	struct pollfd there = {.fd = listener->fd, .events = POLLIN};
	int fd = http_fixture_connect(listener->port);

	cr_assert(eq(int, poll(&there, 1, -1), 1));
	int taken = accept(listener->fd, NULL, NULL);
	cr_assert(ge(int, taken, 0));
	close(taken);
	close(fd);
}

/* With those of the kernel that work for us. */
static size_t
count_threads(void)
{
	struct stat tasks;

	cr_assert(zero(int, stat("/proc/self/task", &tasks)));
	return tasks.st_nlink - 2;
}

/* False: this kernel does no such thing. */
static bool
make_accept_block(const struct http_server *server, struct hold *hold)
{
	int fd = http_fixture_connect(http_server_port(server));
	size_t threads = count_threads();
	bool is_blocking = false;

	for (int i = 0; i < DISAPPOINTMENTS && !is_blocking; i++) {
		http_fixture_say(fd,
			SLICE("GET / HTTP/1.1\r\nHost: h\r\n\r\n"));
		cr_assert(zero(int, sem_wait(&hold->begun)));
		/* By now the loop has got over the last one. */
		is_blocking = count_threads() > threads;
		if (!is_blocking)
			disappoint(&server->listeners[0]);
		cr_assert(zero(int, sem_post(&hold->may_end)));
		http_fixture_hear_until(fd, "held");
	}
	close(fd);
	return is_blocking;
}

Test(http_drain, ends_an_accept_that_blocks_in_the_kernel)
{
	struct hold hold;
	struct http_server_config config = {
		.address = "127.0.0.1",
		.loops = 1,
		.limits = http_fixture_limits,
		.handle = hold_up,
		.context = &hold,
	};
	struct http_server *server = NULL;
	cr_assert(zero(int, sem_init(&hold.begun, 0, 0)));
	cr_assert(zero(int, sem_init(&hold.may_end, 0, 0)));
	cr_assert(zero(int, http_server_create(&config, &server)));
	bool is_blocking = make_accept_block(server, &hold);

	http_server_drain(server, 0);

	cr_expect(zero(sz, http_server_connections(server)));
	http_server_free(&server);
	if (!is_blocking)
		cr_skip_test("no accept blocks in this kernel");
}

Test(http_drain, does_not_wait_for_a_body_that_was_refused)
{
	struct http_limits limits = http_fixture_limits;
	limits.body_timeout_ms = LONG_MS;
	scoped(http_fixture_stop) struct http_fixture fixture;
	http_fixture_start_with(&fixture, &limits);
	int fd = http_fixture_connect(http_server_port(fixture.server));

	http_fixture_say(fd, SLICE("PUT /unread HTTP/1.1\r\nHost: h\r\n"
				   "Content-Length: 4000\r\n\r\nx"));
	http_fixture_hear_until(fd, "\r\n\r\nunread");
	http_server_drain(fixture.server, LONG_MS);

	cr_expect(zero(sz, http_server_connections(fixture.server)));
	close(fd);
}
