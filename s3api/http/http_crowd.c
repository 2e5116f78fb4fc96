/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who makes room where there are as many connections as there may be.
 *
 * 1. A connection is in worker->waiting as long as no whole header has come;
 *    then it may be cut off to make room for another.
 * 2. One that was turned away, or cut off before, never is: it has no place to
 *    leave to another.
 */
#include "s3api/http/http_private.h"

void
http_crowd_join(struct http_connection *connection)
{
	if (connection->is_waiting || connection->is_placeless)
		return;
	TAILQ_INSERT_TAIL(&connection->worker->waiting, connection, waiting);
	connection->is_waiting = true;
}

void
http_crowd_leave(struct http_connection *connection)
{
	if (!connection->is_waiting)
		return;
	TAILQ_REMOVE(&connection->worker->waiting, connection, waiting);
	connection->is_waiting = false;
}

/* Cuts off who has waited for longest.  False: nobody waits. */
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

static bool
is_one_too_many(const struct http_server *server)
{
	return atomic_load(&server->connections) >
	       server->config.limits.connections +
		       atomic_load(&server->refused);
}

bool
http_crowd_has_room(struct http_worker *worker)
{
	return !is_one_too_many(worker->server) || make_room(worker);
}
