/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clients that come, ask, vanish in the middle and stay idle, on all workers
 * of a server that is drained under them, again and again; for TSan.
 */
#include <assert.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "s3api/http/http_body.h"
#include "s3api/http/http_server.h"
#include "store/base/io.h"

#define SERVERS 10
#define CLIENTS 6
#define REQUESTS 60

static void
count_call(void *arg)
{
	atomic_fetch_add((atomic_size_t *)arg, 1);
}

static void
handle(struct http_request *request, struct http_response *response,
	void *context)
{
	struct slice body = SLICE_NULL;
	enum store_err err = http_body_read_all(request, 65536, false, &body);

	io_run_blocking(count_call, context);
	http_reply_begin(response, err ? 400 : 200);
	err = http_reply_body(response, body);
	(void)err; /* the client may be gone */
}

static int
connect_to(unsigned int port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert(fd >= 0);
	if (!connect(fd, (struct sockaddr *)&address, sizeof(address)))
		return fd;
	close(fd);
	return -1;
}

struct client {
	unsigned int port;
	size_t answered;
};

/* 1: answered, 0: the connection is over. */
static int
ask(int fd)
{
	static const char text[] = "POST / HTTP/1.1\r\nHost: h\r\n"
				   "Content-Length: 4\r\n\r\nbody";
	char reply[1000];

	if (send(fd, text, sizeof(text) - 1, MSG_NOSIGNAL) < 0)
		return 0;
	return recv(fd, reply, sizeof(reply), 0) > 0;
}

static void *
run_client(void *arg)
{
	struct client *client = arg;
	int fd = -1;

	for (int i = 0; i < REQUESTS; i++) {
		if (fd < 0)
			fd = connect_to(client->port);
		if (fd < 0)
			break; /* drained */
		if (i % 7 == 3) {
			ssize_t sent = send(fd, "PUT / HT", 8, MSG_NOSIGNAL);
			(void)sent;
		} else if (i % 7 != 5 && ask(fd)) {
			client->answered++;
			continue;
		}
		close(fd);
		fd = -1;
	}
	if (fd >= 0)
		close(fd);
	return NULL;
}

static void
run_server(bool is_drained_early, size_t *answered)
{
	atomic_size_t calls = 0;
	struct http_server_config config = {
		.address = "127.0.0.1",
		.loops = 3,
		.limits = http_server_limits_default,
		.handle = handle,
		.context = &calls,
	};
	struct http_server *server = NULL;
	struct client clients[CLIENTS] = {0};
	pthread_t threads[CLIENTS];

	/* Newcomers ask other workers for room, which begin to drain. */
	if (is_drained_early)
		config.limits.connections = CLIENTS / 2;
	enum store_err err = http_server_create(&config, &server);
	assert(!err);
	for (size_t i = 0; i < CLIENTS; i++) {
		clients[i].port = http_server_port(server);
		int failed = pthread_create(&threads[i], NULL, run_client,
			&clients[i]);
		assert(!failed);
	}
	if (is_drained_early) {
		while (atomic_load(&calls) < 20)
			io_sleep_ms(1);
		http_server_free(&server);
	}
	for (size_t i = 0; i < CLIENTS; i++) {
		pthread_join(threads[i], NULL);
		*answered += clients[i].answered;
	}
	http_server_free(&server);
}

int
main(void)
{
	size_t early = 0;
	size_t late = 0;

	for (int i = 0; i < SERVERS; i++)
		run_server(i % 2, i % 2 ? &early : &late);
	/* Of every seven requests two are made never to be answered. */
	assert(late >= (size_t)SERVERS / 2 * CLIENTS * (REQUESTS / 7 * 5));
	printf("%zu and %zu requests answered\n", late, early);
	printf("2 passed, 0 failed\n");
	return 0;
}
