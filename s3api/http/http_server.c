/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/http/http_server.h"

#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "s3api/http/http_private.h"
#include "store/base/clock.h"
#include "store/base/io.h"
#include "store/base/log.h"

#define BACKLOG 4096
/* After an accept that failed for want of descriptors or memory. */
#define ACCEPT_RETRY_MS 100
#define DRAIN_STEP_MS 10

const struct http_limits http_server_limits_default = {
	.header_bytes = 32 * 1024,
	.header_count = 100,
	.target_bytes = 16 * 1024,
	.connections = 10000,
	.unread_bytes = 256 * 1024,
	.idle_timeout_ms = 60 * 1000,
	.header_timeout_ms = 20 * 1000,
	.body_timeout_ms = 30 * 1000,
	.send_timeout_ms = 30 * 1000,
};

static enum store_err
listen_error(int number)
{
	switch (number) {
	case EADDRINUSE:
		return STORE_BUSY;
	case EACCES:
		return STORE_ACCESS;
	case EADDRNOTAVAIL:
	case EAFNOSUPPORT:
		return STORE_INVALID;
	default:
		return error_from_errno(number);
	}
}

/* Accepted sockets inherit TCP_NODELAY. */
static enum store_err
listen_at(const struct addrinfo *address, int *out)
{
	int one = 1;
	int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC,
		IPPROTO_TCP);

	if (fd < 0)
		return listen_error(errno);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (bind(fd, address->ai_addr, address->ai_addrlen) ||
		listen(fd, BACKLOG)) {
		enum store_err err = listen_error(errno);

		close(fd);
		return err;
	}
	*out = fd;
	return STORE_OK;
}

static unsigned int
port_of(int listener)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} address = {.v6 = {0}};
	socklen_t len = sizeof(address);

	if (getsockname(listener, &address.any, &len))
		return 0;
	return ntohs(address.any.sa_family == AF_INET6 ? address.v6.sin6_port
						       : address.v4.sin_port);
}

static enum store_err
open_listener(struct http_server *server)
{
	struct addrinfo hints = {
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_PASSIVE | AI_NUMERICSERV,
	};
	struct addrinfo *addresses = NULL;
	char port[8];

	if (server->config.port > UINT16_MAX)
		return STORE_INVALID;
	snprintf(port, sizeof(port), "%u", server->config.port);
	if (getaddrinfo(server->config.address, port, &hints, &addresses))
		return STORE_INVALID;
	enum store_err err = STORE_INVALID;
	for (struct addrinfo *each = addresses; each && err;
		each = each->ai_next)
		err = listen_at(each, &server->listener);
	freeaddrinfo(addresses);
	if (!err)
		server->port = port_of(server->listener);
	return err;
}

static void
turn_away(int fd)
{
	static const char reply[] = "HTTP/1.1 503 Service Unavailable\r\n"
				    "Server: tarn\r\n"
				    "Retry-After: 1\r\n"
				    "Content-Length: 0\r\n"
				    "Connection: close\r\n\r\n";
	ssize_t sent =
		send(fd, reply, sizeof(reply) - 1, MSG_DONTWAIT | MSG_NOSIGNAL);

	(void)sent; /* a courtesy */
	close(fd);
}

static void
start_connection(struct http_worker *worker, int fd,
	const struct sockaddr_storage *peer)
{
	struct http_server *server = worker->server;
	struct http_connection *connection = NULL;
	size_t before = atomic_fetch_add(&server->connections, 1);

	if (before < server->config.limits.connections)
		connection = calloc(1, sizeof(*connection));
	if (connection) {
		connection->worker = worker;
		connection->fd = fd;
		connection->peer = *peer;
		enum store_err err = loop_spawn(worker->loop,
			http_connection_serve, connection);
		if (!err) {
			connection->next = worker->connections;
			connection->link = &worker->connections;
			if (connection->next)
				connection->next->link = &connection->next;
			worker->connections = connection;
			return;
		}
		free(connection);
	}
	atomic_fetch_sub(&server->connections, 1);
	turn_away(fd);
}

/* The fiber that accepts for its worker; all share the one listener. */
static void
accept_connections(void *arg)
{
	struct http_worker *worker = arg;

	while (!worker->is_draining) {
		struct sockaddr_storage peer = {0};
		int fd = io_accept(worker->server->listener, &peer);

		if (fd >= 0) {
			start_connection(worker, fd, &peer);
		} else if (fd != -ECONNABORTED && !worker->is_draining) {
			/* EMFILE, mostly: wait until somebody has left. */
			log_warn("cannot accept a connection error=\"%s\"",
				strerror(-fd));
			io_sleep_ms(ACCEPT_RETRY_MS);
		}
	}
}

static void
free_spares(struct http_worker *worker)
{
	while (worker->spare) {
		struct http_exchange *exchange = worker->spare;

		worker->spare = exchange->next;
		http_connection_free_exchange(exchange);
	}
}

static void *
run_worker(void *arg)
{
	struct http_worker *worker = arg;

	loop_run(worker->loop);
	free_spares(worker);
	return NULL;
}

/* Signals are the business of the thread that made the server. */
static enum store_err
start_worker(struct http_worker *worker)
{
	sigset_t all;
	sigset_t before;
	enum store_err err =
		loop_spawn(worker->loop, accept_connections, worker);

	if (err)
		return err;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int failed = pthread_create(&worker->thread, NULL, run_worker, worker);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	/* No thread to be had: run it here to its end, which is at once. */
	if (failed) {
		worker->is_draining = true;
		loop_stop(worker->loop);
		loop_run(worker->loop);
		loop_destroy(&worker->loop);
	}
	return failed ? STORE_NO_MEMORY : STORE_OK;
}

static enum store_err
add_worker(struct http_server *server)
{
	struct http_worker *worker = &server->workers[server->worker_count];

	worker->server = server;
	enum store_err err = loop_create(&worker->loop);
	if (err)
		return err;
	err = start_worker(worker);
	if (err)
		loop_destroy(&worker->loop);
	else
		server->worker_count++;
	return err;
}

static unsigned int
count_cpus(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	if (sched_getaffinity(0, sizeof(set), &set))
		return 1;
	return (unsigned int)CPU_COUNT(&set);
}

enum store_err
http_server_create(const struct http_server_config *config,
	struct http_server **out)
{
	size_t loops = config->loops ? config->loops : count_cpus();
	struct http_server *server =
		calloc(1, sizeof(*server) + loops * sizeof(struct http_worker));
	if (!server)
		return STORE_NO_MEMORY;

	server->config = *config;
	server->listener = -1;
	enum store_err err = open_listener(server);
	while (!err && server->worker_count < loops)
		err = add_worker(server);
	if (err) {
		http_server_free(&server);
		return err;
	}
	*out = server;
	return STORE_OK;
}

unsigned int
http_server_port(const struct http_server *server)
{
	return server->port;
}

size_t
http_server_connections(const struct http_server *server)
{
	return atomic_load(&server->connections);
}

/* A fiber of each worker; the loop stops once all its fibers have ended. */
static void
drain_worker(void *arg)
{
	struct http_worker *worker = arg;
	struct http_connection *connection;

	worker->is_draining = true;
	io_cancel_fd(worker->server->listener);
	for (connection = worker->connections; connection;
		connection = connection->next)
		http_connection_close_idle(connection);
	while (worker->connections) {
		if (clock_monotonic_ms() >= worker->drain_deadline_ms) {
			for (connection = worker->connections; connection;
				connection = connection->next)
				http_connection_cut_off(connection);
		}
		io_sleep_ms(DRAIN_STEP_MS);
	}
}

void
http_server_drain(struct http_server *server, int64_t timeout_ms)
{
	int64_t deadline_ms = clock_monotonic_ms() + timeout_ms;

	if (server->is_drained)
		return;
	for (size_t i = 0; i < server->worker_count; i++) {
		struct http_worker *worker = &server->workers[i];

		worker->drain_deadline_ms = deadline_ms;
		while (loop_spawn(worker->loop, drain_worker, worker))
			io_sleep_ms(DRAIN_STEP_MS);
		loop_stop(worker->loop);
	}
	for (size_t i = 0; i < server->worker_count; i++) {
		int failed = pthread_join(server->workers[i].thread, NULL);

		assert(!failed);
		loop_destroy(&server->workers[i].loop);
	}
	server->is_drained = true;
}

void
http_server_free(struct http_server **server)
{
	struct http_server *doomed = *server;
	if (!doomed)
		return;

	http_server_drain(doomed, 0);
	if (doomed->listener >= 0)
		close(doomed->listener);
	free(doomed);
	*server = NULL;
}
