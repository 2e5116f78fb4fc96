/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 1. A connection belongs to one fiber, which alone reads, writes and closes
 *    its socket; others may cancel its waits and shut the socket down.
 * 2. Requests are served one after the other, so replies are in order; what
 *    the client has sent ahead stays in exchange->input.
 * 3. An exchange exists from the first byte of a request until its reply is
 *    out and nothing sent ahead is left.
 */
#include "s3api/http/http_connection.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "s3api/http/http_body.h"
#include "s3api/http/http_private.h"
#include "store/base/clock.h"
#include "store/base/io.h"

/* io_charge(): eight requests that came together, and others have their turn.
 */
#define PIPELINED_CHARGE ((size_t)256 * 1024)
/* How long a client that was refused may go on sending. */
#define LINGER_MS 2000
#define LINGER_PIECES_MAX 64
/* Connections beyond the limit that are refused at leisure. */
#define REFUSED_MAX 64

static void
refuse(struct http_connection *connection, unsigned int status,
	const char *reason)
{
	const struct http_server_config *config =
		&connection->worker->server->config;
	struct http_response *response = &connection->exchange->response;

	http_reply_close(response);
	if (config->refuse)
		config->refuse(response, status, reason, config->context);
	if (http_reply_is_started(response))
		return;
	http_reply_begin(response, status);
	enum store_err err = http_reply_body(response, SLICE_NULL);
	(void)err; /* it closes either way */
}

/* A longer header than most: all the room it may have, and from the start. */
static bool
grow_input(struct http_connection *connection)
{
	struct http_exchange *exchange = connection->exchange;
	const struct http_limits *limits = http_limits_of(connection);
	char *input = realloc(exchange->input,
		limits->header_bytes + HTTP_INPUT_BODY);

	if (!input)
		return false;
	exchange->input = input;
	exchange->capacity = limits->header_bytes;
	exchange->start = 0;
	http_parser_begin(&exchange->parser, exchange->headers,
		limits->header_count);
	return true;
}

/* Feeds what has come.  False: the connection is not worth going on with. */
static bool
parse_input(struct http_connection *connection)
{
	struct http_exchange *exchange = connection->exchange;
	struct http_parser *parser = &exchange->parser;
	size_t target_max = http_limits_of(connection)->target_bytes;
	size_t used = 0;
	enum http_parser_state state =
		http_parser_feed(parser, exchange->input + exchange->start,
			exchange->end - exchange->start, &used);

	exchange->start += used;
	if (state == HTTP_PARSER_BAD) {
		refuse(connection, parser->status, parser->reason);
		return false;
	}
	if (parser->target.len > target_max) {
		refuse(connection, 414, "the request target is too long");
		return false;
	}
	if (state == HTTP_PARSER_DONE || exchange->end < exchange->capacity)
		return true;
	if (exchange->capacity < http_limits_of(connection)->header_bytes)
		return grow_input(connection);
	refuse(connection, http_parser_is_in_target(parser) ? 414 : 431,
		"the request header is too long");
	return false;
}

/* Reads a whole header.  False: there is none, and a reply if any is due. */
static bool
receive_header(struct http_connection *connection)
{
	struct http_exchange *exchange = connection->exchange;
	int64_t deadline_ms = clock_monotonic_ms() +
			      http_limits_of(connection)->header_timeout_ms;

	if (exchange->end && !parse_input(connection))
		return false;
	while (exchange->parser.state != HTTP_PARSER_DONE) {
		/* After grow_input() there are bytes to go over again. */
		if (exchange->start == exchange->end) {
			ssize_t got = http_stream_recv(&connection->stream,
				exchange->input + exchange->end,
				exchange->capacity - exchange->end,
				deadline_ms);

			if (got == -ETIMEDOUT)
				refuse(connection, 408,
					"the request header took too long");
			if (got <= 0)
				return false;
			exchange->end += (size_t)got;
		}
		if (!parse_input(connection))
			return false;
	}
	return true;
}

static bool
has_token(const struct http_request *request, const char *name,
	struct slice wanted)
{
	for (size_t i = 0; i < request->header_count; i++) {
		struct slice rest = request->headers[i].value;
		struct slice token;

		if (!slice_equal(request->headers[i].name, slice_str(name)))
			continue;
		while (slice_split(&rest, ',', &token)) {
			if (slice_equal_nocase(slice_trim(token), wanted))
				return true;
		}
	}
	return false;
}

/* What the header says about the connection.  False: it was refused. */
static bool
accept_header(struct http_connection *connection)
{
	struct http_exchange *exchange = connection->exchange;
	struct http_parser *parser = &exchange->parser;
	struct http_request *request = &exchange->request;

	if (http_parser_finish(parser, request) == HTTP_PARSER_BAD) {
		refuse(connection, parser->status, parser->reason);
		return false;
	}
	struct slice expect = http_request_header(request, "expect");
	bool wants_continue = slice_equal_nocase(expect, SLICE("100-continue"));

	if (expect.len && !wants_continue) {
		refuse(connection, 417, "only 100-continue is known");
		return false;
	}
	connection->is_keep_alive =
		request->is_http_1_0
			? has_token(request, "connection", SLICE("keep-alive"))
			: !has_token(request, "connection", SLICE("close"));
	exchange->is_continue_wanted = wants_continue && request->has_body &&
				       !request->is_http_1_0 &&
				       exchange->start == exchange->end;
	http_body_begin(exchange);
	/* botocore asks before it sends nothing, too; told nothing, it takes
	 * this reply for the next one's. */
	return !wants_continue || request->is_http_1_0 || request->has_body ||
	       !http_request_header(request, "content-length").len ||
	       !http_body_send_continue(connection);
}

static bool
has_whole_reply(const struct http_connection *connection)
{
	const struct http_exchange *exchange = connection->exchange;

	if (!exchange || exchange->response.err)
		return false;
	return exchange->response.state == HTTP_REPLY_DONE ||
	       (exchange->response.is_header_sent &&
		       !exchange->response.has_body);
}

/*
 * From here on nothing is lost if it ends where it waits: a drain need not wait
 * for it, and it may make room for another.  False: it ends now.
 */
static bool
start_idling(struct http_connection *connection)
{
	if (connection->worker->is_draining)
		return false;
	connection->is_idle = true;
	http_crowd_join(connection);
	return true;
}

/* The reply is out.  False: the connection ends. */
static bool
skip_body(struct http_connection *connection)
{
	struct http_request *request = &connection->exchange->request;

	if (http_body_is_at_end(request))
		return true;
	if (!start_idling(connection))
		return false;
	bool is_skipped = http_body_drain(request);

	connection->is_idle = false;
	return is_skipped;
}

/* Sees to it that there is a whole reply.  False: the connection ends. */
static bool
complete_reply(struct http_connection *connection)
{
	struct http_exchange *exchange = connection->exchange;
	struct http_response *response = &exchange->response;

	if (!response->err && !http_reply_is_started(response) &&
		response->state != HTTP_REPLY_DONE)
		refuse(connection, 500, "the request was not answered");
	if (response->err || response->must_close)
		return false;
	if (!has_whole_reply(connection))
		return false;
	return skip_body(connection);
}

/* False: the connection ends. */
static bool
serve_request(struct http_connection *connection)
{
	const struct http_server_config *config =
		&connection->worker->server->config;
	struct http_exchange *exchange = connection->exchange;

	http_crowd_join(connection);
	http_exchange_begin(connection);
	if (!receive_header(connection) || !accept_header(connection))
		return false;
	http_crowd_leave(connection);
	config->handle(&exchange->request, &exchange->response,
		config->context);
	return complete_reply(connection);
}

/* Waits for a request, and takes what has come of it.  False: none comes. */
static bool
await_request(struct http_connection *connection)
{
	const struct http_limits *limits = http_limits_of(connection);
	int64_t deadline_ms = clock_monotonic_ms() + limits->idle_timeout_ms;
	struct io_input input;

	if (!start_idling(connection))
		return false;
	int err = http_stream_await_input(&connection->stream,
		http_exchange_room(limits), &input, deadline_ms);

	connection->is_idle = false;
	bool is_taken = !err && http_exchange_take(connection);
	if (is_taken)
		http_exchange_fill(connection->exchange,
			slice_of(input.buffer, input.len));
	io_give_back(&input);
	return is_taken;
}

static bool
has_input(const struct http_connection *connection)
{
	const struct http_exchange *exchange = connection->exchange;

	return exchange && exchange->start < exchange->end;
}

/*
 * A socket closed with bytes unread resets the connection, and the client may
 * lose the reply before it has read it: RFC 9112 §9.6.
 */
static void
linger(struct http_connection *connection)
{
	int64_t deadline_ms = clock_monotonic_ms() + LINGER_MS;
	char scrap[8192];
	ssize_t got;

	do {
		got = start_idling(connection)
			      ? io_recv(connection->stream.fd, scrap,
					sizeof(scrap), deadline_ms)
			      : 0;
	} while (got > 0 && clock_monotonic_ms() < deadline_ms);
	/* A drain waits for nobody; what has come may yet be taken. */
	for (int i = 0; i < LINGER_PIECES_MAX; i++) {
		if (recv(connection->stream.fd, scrap, sizeof(scrap),
			    MSG_DONTWAIT) <= 0)
			break;
	}
}

/* A reply cut short must not look like one that ends here. */
static void
finish(struct http_connection *connection)
{
	const struct http_exchange *exchange = connection->exchange;
	bool is_whole = has_whole_reply(connection);

	if (!exchange || is_whole ||
		exchange->response.state == HTTP_REPLY_NONE)
		http_stream_end(&connection->stream);
	if (is_whole)
		linger(connection);
}

static void
arrive(struct http_connection *connection)
{
	struct http_worker *worker = connection->worker;

	connection->next = worker->connections;
	connection->link = &worker->connections;
	if (connection->next)
		connection->next->link = &connection->next;
	worker->connections = connection;
	atomic_fetch_sub(&worker->server->coming, 1);
}

static void
leave(struct http_connection *connection)
{
	struct http_worker *worker = connection->worker;

	http_crowd_leave(connection);
	http_exchange_give(connection);
	*connection->link = connection->next;
	if (connection->next)
		connection->next->link = connection->link;
	http_stream_close(&connection->stream);
	atomic_fetch_sub(&worker->connection_count, 1);
	if (!connection->is_placeless)
		atomic_fetch_sub(&worker->server->placed, 1);
	atomic_fetch_sub(&worker->server->connections, 1);
	free(connection);
}

/* Refuses what never became a request, of a client that has sent nothing yet
 * or nothing that counts. */
static void
refuse_connection(struct http_connection *connection, unsigned int status,
	const char *reason)
{
	if (!http_exchange_take(connection))
		return;
	http_exchange_begin(connection);
	refuse(connection, status, reason);
}

/* False: there is no TLS to go on with. */
static bool
begin_tls(struct http_connection *connection)
{
	int64_t deadline_ms = clock_monotonic_ms() +
			      http_limits_of(connection)->handshake_timeout_ms;

	if (!connection->tls)
		return true;
	if (!start_idling(connection))
		return false;
	enum store_err err = http_stream_begin_tls(&connection->stream,
		connection->tls, deadline_ms);

	connection->is_idle = false;
	if (err == STORE_INVALID)
		refuse_connection(connection, 400,
			"this port speaks HTTPS, not HTTP");
	return !err;
}

static void
serve_requests(struct http_connection *connection)
{
	bool goes_on = true;

	while (goes_on) {
		if (!has_input(connection)) {
			http_exchange_give(connection);
			if (!await_request(connection))
				break;
		} else {
			io_charge(PIPELINED_CHARGE);
		}
		goes_on = serve_request(connection);
	}
}

static void
turn_away(struct http_connection *connection)
{
	struct http_server *server = connection->worker->server;
	bool is_crowd = atomic_fetch_add(&server->refused, 1) >= REFUSED_MAX;

	/* Each of a crowd costs no more than one send. */
	if (!(is_crowd && connection->tls) && begin_tls(connection))
		refuse_connection(connection, 503, "too many connections");
	if (!is_crowd)
		finish(connection);
	atomic_fetch_sub(&server->refused, 1);
}

void
http_connection_serve(void *arg)
{
	struct http_connection *connection = arg;
	struct http_worker *worker = connection->worker;

	arrive(connection);
	if (worker->is_draining) {
		leave(connection);
		return;
	}
	if (http_crowd_has_room(connection)) {
		if (begin_tls(connection))
			serve_requests(connection);
		finish(connection);
	} else {
		turn_away(connection);
	}
	leave(connection);
}

void
http_connection_close_idle(struct http_connection *connection)
{
	if (connection->is_idle)
		io_cancel_fd(connection->stream.fd);
}

void
http_connection_cut_off(struct http_connection *connection)
{
	shutdown(connection->stream.fd, SHUT_RDWR);
	io_cancel_fd(connection->stream.fd);
}
