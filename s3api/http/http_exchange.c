/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exchanges are large, and an idle connection has none; a worker keeps some
 * for the next requests.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "s3api/http/http_private.h"

#define SPARE_MAX 64
/* Most response headers fit; a longer one does not stay with a spare. */
#define HEADER_KEPT ((size_t)8 * 1024)

void
http_exchange_free(struct http_exchange *exchange)
{
	arena_free(&exchange->arena);
	buffer_free(&exchange->response.header);
	free(exchange->input);
	free(exchange);
}

size_t
http_exchange_room(const struct http_limits *limits)
{
	return limits->header_bytes < HTTP_INPUT_FIRST ? limits->header_bytes
						       : HTTP_INPUT_FIRST;
}

void
http_exchange_fill(struct http_exchange *exchange, struct slice bytes)
{
	assert(exchange->end == 0 && bytes.len <= exchange->capacity);
	if (bytes.len)
		memcpy(exchange->input, bytes.data, bytes.len);
	exchange->end = bytes.len;
}

static struct http_exchange *
new_exchange(const struct http_limits *limits)
{
	struct http_exchange *exchange = calloc(1,
		sizeof(*exchange) +
			limits->header_count * sizeof(struct http_header));
	if (!exchange)
		return NULL;

	exchange->capacity = http_exchange_room(limits);
	exchange->input = malloc(exchange->capacity + HTTP_INPUT_BODY);
	if (!exchange->input) {
		free(exchange);
		return NULL;
	}
	arena_init(&exchange->arena);
	return exchange;
}

bool
http_exchange_take(struct http_connection *connection)
{
	struct http_worker *worker = connection->worker;
	struct http_exchange *exchange = worker->spare;

	if (exchange) {
		worker->spare = exchange->next;
		worker->spare_count--;
	} else {
		exchange = new_exchange(http_limits_of(connection));
	}
	connection->exchange = exchange;
	return exchange != NULL;
}

/* What the request had of its own: a spare waits for nobody knows how long. */
static void
forget_request(struct http_exchange *exchange)
{
	struct buffer *header = &exchange->response.header;

	exchange->start = 0;
	exchange->end = 0;
	arena_reset(&exchange->arena);
	if (header->capacity > HEADER_KEPT)
		buffer_free(header);
}

void
http_exchange_give(struct http_connection *connection)
{
	struct http_worker *worker = connection->worker;
	struct http_exchange *exchange = connection->exchange;

	if (!exchange)
		return;
	connection->exchange = NULL;
	if (worker->spare_count == SPARE_MAX) {
		http_exchange_free(exchange);
		return;
	}
	forget_request(exchange);
	exchange->next = worker->spare;
	worker->spare = exchange;
	worker->spare_count++;
}

void
http_exchange_begin(struct http_connection *connection)
{
	struct http_exchange *exchange = connection->exchange;
	size_t ahead = exchange->end - exchange->start;

	if (exchange->start)
		memmove(exchange->input, exchange->input + exchange->start,
			ahead);
	exchange->start = 0;
	exchange->end = ahead;
	exchange->body_left = 0;
	exchange->body_err = STORE_OK;
	exchange->is_body_at_end = true;
	exchange->is_continue_wanted = false;
	connection->is_keep_alive = false;
	arena_reset(&exchange->arena);
	exchange->request = (struct http_request){
		.peer = connection->peer,
		.arena = &exchange->arena,
		.connection = connection,
		.is_tls = connection->stream.ssl != NULL,
		.tls_version = http_stream_tls_version(&connection->stream),
		.tls_cipher = http_stream_tls_cipher(&connection->stream),
	};
	http_reply_reset(&exchange->response, connection);
	http_parser_begin(&exchange->parser, exchange->headers,
		http_limits_of(connection)->header_count);
}
