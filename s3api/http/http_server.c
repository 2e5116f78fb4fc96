/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/http/http_server.h"

#include <assert.h>
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "s3api/http/http_private.h"
#include "store/base/clock.h"
#include "store/base/io.h"
#include "store/base/log.h"
#include "store/base/thread.h"

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
	.handshake_timeout_ms = 10 * 1000,
	.body_rate_min = 1024,
	.body_rate_window_ms = 30 * 1000,
};

/* The worker with the fewest connections, the first choice where it is one. */
static struct http_worker *
choose_worker(struct http_worker *first)
{
	struct http_server *server = first->server;
	struct http_worker *chosen = first;
	size_t least = atomic_load(&first->connection_count);

	for (size_t i = 0; i < server->worker_count && least > 0; i++) {
		struct http_worker *worker = &server->workers[i];
		size_t count = atomic_load(&worker->connection_count);

		if (count >= least)
			continue;
		chosen = worker;
		least = count;
	}
	return chosen;
}

static void
start_connection(struct http_acceptor *acceptor, int fd,
	const struct sockaddr_storage *peer)
{
	struct http_server *server = acceptor->worker->server;
	struct http_worker *worker = choose_worker(acceptor->worker);
	struct http_connection *connection = calloc(1, sizeof(*connection));

	if (!connection) {
		close(fd);
		return;
	}
	connection->worker = worker;
	connection->tls = acceptor->listener->tls;
	connection->stream.fd = fd;
	connection->peer = *peer;
	atomic_fetch_add(&server->connections, 1);
	atomic_fetch_add(&server->placed, 1);
	atomic_fetch_add(&server->coming, 1);
	atomic_fetch_add(&worker->connection_count, 1);
	if (!loop_spawn(worker->loop, http_connection_serve, connection))
		return;
	atomic_fetch_sub(&worker->connection_count, 1);
	atomic_fetch_sub(&server->coming, 1);
	atomic_fetch_sub(&server->placed, 1);
	atomic_fetch_sub(&server->connections, 1);
	close(fd);
	free(connection);
}

/*
 * A fiber that accepts from one listener, for its worker or one that has less
 * to do: whichever loop wakes first would often get a whole burst.
 */
static void
accept_connections(void *arg)
{
	struct http_acceptor *acceptor = arg;
	struct http_worker *worker = acceptor->worker;

	while (!worker->is_draining) {
		struct sockaddr_storage peer = {0};
		int fd = io_accept(acceptor->listener->fd, &peer);

		if (fd >= 0) {
			start_connection(acceptor, fd, &peer);
		} else if (fd != -ECONNABORTED && !worker->is_draining) {
			/* EMFILE, mostly: wait until somebody has left. */
			log_warn("cannot accept a connection error=\"%s\"",
				strerror(-fd));
			io_sleep_ms(ACCEPT_RETRY_MS);
		}
	}
	worker->acceptor_count--;
}

static void
free_spares(struct http_worker *worker)
{
	while (worker->spare) {
		struct http_exchange *exchange = worker->spare;

		worker->spare = exchange->next;
		http_exchange_free(exchange);
	}
}

static void
run_worker(void *arg)
{
	struct http_worker *worker = arg;

	loop_run(worker->loop);
	free_spares(worker);
}

static enum store_err
start_acceptors(struct http_worker *worker)
{
	struct http_server *server = worker->server;
	enum store_err err = STORE_OK;

	for (size_t i = 0; i < server->listener_count && !err; i++) {
		worker->acceptors[i] =
			(struct http_acceptor){worker, &server->listeners[i]};
		err = loop_spawn(worker->loop, accept_connections,
			&worker->acceptors[i]);
		if (!err)
			worker->acceptor_count++;
	}
	return err;
}

/* Nothing is accepted before every worker can take what is. */
static enum store_err
start_workers(struct http_server *server, size_t count)
{
	enum store_err err = STORE_OK;

	while (server->worker_count < count && !err) {
		struct http_worker *worker =
			&server->workers[server->worker_count];

		worker->server = server;
		TAILQ_INIT(&worker->waiting);
		err = loop_create(&worker->loop);
		if (!err)
			server->worker_count++;
	}
	while (server->thread_count < count && !err) {
		struct http_worker *worker =
			&server->workers[server->thread_count];

		err = thread_start(&worker->thread, "tarn-loop", run_worker,
			worker);
		if (!err)
			server->thread_count++;
	}
	for (size_t i = 0; i < count && !err; i++)
		err = start_acceptors(&server->workers[i]);
	return err;
}

static enum store_err
open_listeners(struct http_server *server)
{
	const struct http_server_config *config = &server->config;
	struct http_listener *next = server->listeners;
	enum store_err err = STORE_OK;

	if (config->address)
		err = http_listener_open(config->address, config->port, next);
	if (err)
		return err;
	server->listener_count = config->address ? 1 : 0;
	if (!config->tls)
		return server->listener_count ? STORE_OK : STORE_INVALID;
	next += server->listener_count;
	err = http_listener_open(config->tls_address, config->tls_port, next);
	if (err)
		return err;
	next->tls = config->tls;
	server->listener_count++;
	return STORE_OK;
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
	enum store_err err = open_listeners(server);
	if (!err)
		err = start_workers(server, loops);
	if (err) {
		http_server_free(&server);
		return err;
	}
	*out = server;
	return STORE_OK;
}

static unsigned int
find_port(const struct http_server *server, bool is_tls)
{
	for (size_t i = 0; i < server->listener_count; i++) {
		if ((server->listeners[i].tls != NULL) == is_tls)
			return server->listeners[i].port;
	}
	return 0;
}

unsigned int
http_server_port(const struct http_server *server)
{
	return find_port(server, false);
}

unsigned int
http_server_tls_port(const struct http_server *server)
{
	return find_port(server, true);
}

size_t
http_server_connections(const struct http_server *server)
{
	return atomic_load(&server->connections);
}

/*
 * A fiber of each worker.  An accept that the kernel has moved to a thread of
 * its own ends as if by a signal, and begins anew: it is canceled until its
 * fiber has heard of it.
 */
static void
stop_accepting(void *arg)
{
	struct http_worker *worker = arg;
	struct http_server *server = worker->server;

	worker->is_draining = true;
	while (worker->acceptor_count > 0) {
		for (size_t i = 0; i < server->listener_count; i++)
			io_cancel_fd(server->listeners[i].fd);
		io_sleep_ms(DRAIN_STEP_MS);
	}
	atomic_fetch_sub(&server->accepting, 1);
}

/* A fiber of each worker; the loop stops once all its fibers have ended.  One
 * that was between two waits has heard nothing: it is told again. */
static void
drain_worker(void *arg)
{
	struct http_worker *worker = arg;

	while (worker->connections) {
		bool is_late =
			clock_monotonic_ms() >= worker->drain_deadline_ms;
		struct http_connection *connection;

		for (connection = worker->connections; connection;
			connection = connection->next) {
			if (is_late)
				http_connection_cut_off(connection);
			else
				http_connection_close_idle(connection);
		}
		io_sleep_ms(DRAIN_STEP_MS);
	}
}

static void
spawn_at_each(struct http_server *server, void (*run)(void *arg))
{
	for (size_t i = 0; i < server->thread_count; i++) {
		struct http_worker *worker = &server->workers[i];

		while (loop_spawn(worker->loop, run, worker))
			io_sleep_ms(DRAIN_STEP_MS);
	}
}

void
http_server_drain(struct http_server *server, int64_t timeout_ms)
{
	int64_t deadline_ms = clock_monotonic_ms() + timeout_ms;

	if (server->is_drained)
		return;
	/* An acceptor hands connections to any worker, and one that does not
	 * drain yet asks any for room: no loop may end before all acceptors
	 * have, and all workers drain. */
	atomic_store(&server->accepting, server->thread_count);
	spawn_at_each(server, stop_accepting);
	while (atomic_load(&server->accepting) > 0)
		io_sleep_ms(1);
	/* Newcomers are refused, not left to wait for nobody. */
	for (size_t i = 0; i < server->listener_count; i++)
		(void)shutdown(server->listeners[i].fd, SHUT_RDWR);
	for (size_t i = 0; i < server->thread_count; i++)
		server->workers[i].drain_deadline_ms = deadline_ms;
	spawn_at_each(server, drain_worker);
	for (size_t i = 0; i < server->thread_count; i++)
		loop_stop(server->workers[i].loop);
	for (size_t i = 0; i < server->thread_count; i++) {
		int failed = pthread_join(server->workers[i].thread, NULL);

		assert(!failed);
	}
	for (size_t i = 0; i < server->worker_count; i++)
		loop_destroy(&server->workers[i].loop);
	server->is_drained = true;
}

void
http_server_free(struct http_server **server)
{
	struct http_server *doomed = *server;
	if (!doomed)
		return;

	http_server_drain(doomed, 0);
	for (size_t i = 0; i < doomed->listener_count; i++)
		http_listener_close(&doomed->listeners[i]);
	free(doomed);
	*server = NULL;
}
