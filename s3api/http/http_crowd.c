/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who makes room where there are as many connections as there may be.
 *
 * 1. A connection is in worker->waiting as long as it has no whole header that
 *    was not replied to yet; then it may be cut off to make room for another.
 * 2. server->placed counts those that have a place; who finds more of them than
 *    there may be gives up his own, and takes one that is free, or that of
 *    another, who is cut off.  So none is cut off but for one that stays, even
 *    if those who were are not gone yet.
 * 3. One that was turned away, or cut off before, never is: it has no place to
 *    leave to another.
 * 4. The list belongs to the worker's thread.  Others ask there, and only
 *    where waiting_count says that it may be worth it: to be asked for nothing
 *    by each of a crowd would cost more than to refuse them.
 */
#include "s3api/http/http_private.h"
#include "store/base/event.h"
#include "store/base/io.h"

/* A millisecond each. */
#define TRIES 20

/* What one worker asks of another. */
struct plea {
	struct http_worker *asked;
	bool is_heard;
	struct event done;
};

void
http_crowd_join(struct http_connection *connection)
{
	if (connection->is_waiting || connection->is_placeless)
		return;
	TAILQ_INSERT_TAIL(&connection->worker->waiting, connection, waiting);
	connection->is_waiting = true;
	atomic_fetch_add(&connection->worker->waiting_count, 1);
}

void
http_crowd_leave(struct http_connection *connection)
{
	if (!connection->is_waiting)
		return;
	TAILQ_REMOVE(&connection->worker->waiting, connection, waiting);
	connection->is_waiting = false;
	atomic_fetch_sub(&connection->worker->waiting_count, 1);
}

/* Cuts off who has waited for longest, for his place.  False: nobody waits. */
static bool
make_room(struct http_worker *worker)
{
	struct http_connection *oldest = TAILQ_FIRST(&worker->waiting);

	if (!oldest)
		return false;
	http_crowd_leave(oldest);
	oldest->is_placeless = true;
	http_connection_cut_off(oldest);
	return true;
}

/* A fiber of the worker that is asked. */
static void
hear(void *arg)
{
	struct plea *plea = arg;

	plea->is_heard = make_room(plea->asked);
	event_set(&plea->done);
}

/* Waits for the answer: of several who ask at once each needs its own. */
static bool
ask(struct http_worker *asked)
{
	struct plea plea = {.asked = asked, .done = EVENT_INIT};

	atomic_fetch_add(&asked->server->coming, 1);
	if (!loop_spawn(asked->loop, hear, &plea))
		event_wait(&plea.done);
	atomic_fetch_sub(&asked->server->coming, 1);
	return plea.is_heard;
}

static bool
make_room_elsewhere(struct http_worker *worker)
{
	struct http_server *server = worker->server;

	for (size_t i = 0; i < server->worker_count; i++) {
		struct http_worker *other = &server->workers[i];

		/* Then the other's loop may have ended: http_server_drain(). */
		if (worker->is_draining)
			return false;
		if (other != worker && atomic_load(&other->waiting_count) > 0 &&
			ask(other))
			return true;
	}
	return false;
}

/* True where there were too many places, of which one is less now. */
static bool
give_up_place(struct http_server *server)
{
	size_t placed = atomic_load(&server->placed);

	while (placed > server->config.limits.connections) {
		if (atomic_compare_exchange_weak(&server->placed, &placed,
			    placed - 1))
			return true;
	}
	return false;
}

static bool
take_free_place(struct http_server *server)
{
	size_t placed = atomic_load(&server->placed);

	while (placed < server->config.limits.connections) {
		if (atomic_compare_exchange_weak(&server->placed, &placed,
			    placed + 1))
			return true;
	}
	return false;
}

/* Those that are coming have places, and are in a list only a moment later: who
 * finds nobody to cut off looks again. */
bool
http_crowd_has_room(struct http_connection *connection)
{
	struct http_worker *worker = connection->worker;
	struct http_server *server = worker->server;

	connection->is_placeless = give_up_place(server);
	for (int i = 0; i < TRIES && connection->is_placeless; i++) {
		if (take_free_place(server) || make_room(worker) ||
			make_room_elsewhere(worker)) {
			connection->is_placeless = false;
		} else if (worker->is_draining ||
			   (i > 0 && atomic_load(&server->coming) == 0)) {
			break;
		} else {
			io_sleep_ms(1);
		}
	}
	return !connection->is_placeless;
}
