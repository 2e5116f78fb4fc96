/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/http/http_body.h"

#include <string.h>

#include "s3api/http/http_private.h"
#include "s3api/http/http_whole.h"
#include "store/base/clock.h"

/* From here on a read goes from the socket straight to the caller. */
#define DIRECT_MIN ((size_t)4096)
/* And from here on it waits for all of it: each piece that the network brings
 * would else wake the fiber. */
#define FULL_MIN ((size_t)32 * 1024)

void
http_body_begin(struct http_exchange *exchange)
{
	const struct http_request *request = &exchange->request;

	exchange->body_base = exchange->start;
	exchange->body_left = request->content_length;
	exchange->is_body_chunked =
		request->has_body && !request->is_length_known;
	exchange->is_body_at_end = !request->has_body;
	exchange->body_err = STORE_OK;
	exchange->window_bytes = 0;
	exchange->window_ms = 0;
	if (exchange->is_body_chunked)
		http_parser_begin_chunked(&exchange->parser);
}

bool
http_body_is_at_end(const struct http_request *request)
{
	return request->connection->exchange->is_body_at_end;
}

/* Whoever sends a byte now and then holds a connection as surely as whoever
 * sends none. */
static enum store_err
check_rate(struct http_exchange *exchange, const struct http_limits *limits,
	int64_t waited_ms, size_t got)
{
	exchange->window_ms += waited_ms;
	exchange->window_bytes += got;
	if (limits->body_rate_min == 0 ||
		exchange->window_ms < limits->body_rate_window_ms)
		return STORE_OK;

	uint64_t wanted =
		limits->body_rate_min * (uint64_t)exchange->window_ms / 1000;
	bool is_too_slow = exchange->window_bytes < wanted;

	exchange->window_ms = 0;
	exchange->window_bytes = 0;
	return is_too_slow ? STORE_TIMED_OUT : STORE_OK;
}

/* wants_all: so much is still to come. */
static enum store_err
receive(struct http_connection *connection, char *to, size_t len,
	bool wants_all, size_t *got)
{
	const struct http_limits *limits = http_limits_of(connection);
	int64_t began_ms = clock_monotonic_ms();
	int64_t deadline_ms = began_ms + limits->body_timeout_ms;
	ssize_t result = wants_all && len >= FULL_MIN
				 ? http_stream_recv_full(&connection->stream,
					   to, len, deadline_ms)
				 : http_stream_recv(&connection->stream, to,
					   len, deadline_ms);

	if (result < 0)
		return error_from_errno((int)-result);
	if (result == 0)
		return STORE_CLOSED;
	*got = (size_t)result;
	return check_rate(connection->exchange, limits,
		clock_monotonic_ms() - began_ms, *got);
}

/* Only where everything that had come has been taken. */
static enum store_err
refill(struct http_connection *connection)
{
	struct http_exchange *exchange = connection->exchange;
	size_t room =
		exchange->capacity + HTTP_INPUT_BODY - exchange->body_base;
	size_t got = 0;
	enum store_err err = receive(connection,
		exchange->input + exchange->body_base, room, false, &got);

	exchange->start = exchange->body_base;
	exchange->end = exchange->body_base + got;
	return err;
}

enum store_err
http_body_send_continue(struct http_connection *connection)
{
	static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
	struct iovec vector = {(char *)text, sizeof(text) - 1};
	int64_t deadline_ms = clock_monotonic_ms() +
			      http_limits_of(connection)->send_timeout_ms;

	return http_stream_send_all(&connection->stream, &vector, 1, 0,
		deadline_ms);
}

static enum store_err
read_plain(struct http_connection *connection, char *to, size_t len,
	size_t *got)
{
	struct http_exchange *exchange = connection->exchange;
	enum store_err err = STORE_OK;

	if (len > exchange->body_left)
		len = (size_t)exchange->body_left;
	if (exchange->start == exchange->end && len >= DIRECT_MIN) {
		err = receive(connection, to, len, true, got);
	} else {
		if (exchange->start == exchange->end)
			err = refill(connection);
		if (err)
			return err;
		size_t there = exchange->end - exchange->start;

		*got = len < there ? len : there;
		memcpy(to, exchange->input + exchange->start, *got);
		exchange->start += *got;
	}
	exchange->body_left -= *got;
	exchange->is_body_at_end = exchange->body_left == 0;
	return err;
}

static enum store_err
read_chunked(struct http_connection *connection, char *to, size_t len,
	size_t *got)
{
	struct http_exchange *exchange = connection->exchange;
	enum http_parser_state state = HTTP_PARSER_MORE;

	while (*got == 0 && state == HTTP_PARSER_MORE) {
		if (exchange->start == exchange->end) {
			enum store_err err = refill(connection);
			if (err)
				return err;
		}
		/* No more than len, so that the data fits. */
		size_t there = exchange->end - exchange->start;
		size_t used = 0;
		state = http_parser_feed_chunked(&exchange->parser,
			exchange->input + exchange->start,
			len < there ? len : there, &used, to, got);
		exchange->start += used;
	}
	exchange->is_body_at_end = state == HTTP_PARSER_DONE;
	return state == HTTP_PARSER_BAD ? STORE_INVALID : STORE_OK;
}

enum store_err
http_body_read(struct http_request *request, void *to, size_t len, size_t *got)
{
	struct http_connection *connection = request->connection;
	struct http_exchange *exchange = connection->exchange;

	*got = 0;
	if (exchange->body_err || exchange->is_body_at_end || len == 0)
		return exchange->body_err;
	if (exchange->is_continue_wanted) {
		exchange->is_continue_wanted = false;
		exchange->body_err = http_body_send_continue(connection);
	}
	if (!exchange->body_err)
		exchange->body_err =
			exchange->is_body_chunked
				? read_chunked(connection, to, len, got)
				: read_plain(connection, to, len, got);
	if (exchange->body_err)
		*got = 0;
	return exchange->body_err;
}

enum store_err
http_body_read_all(struct http_request *request, size_t max, bool is_stranger,
	struct slice *out)
{
	scoped(http_whole_free) struct http_whole whole = {
		.is_stranger = is_stranger};
	struct buffer *bytes = &whole.bytes;
	enum store_err err = STORE_OK;

	*out = SLICE_NULL;
	if (request->content_length > max)
		return STORE_TOO_BIG;
	while (!err && !http_body_is_at_end(request)) {
		size_t got = 0;

		err = http_whole_reserve(&whole, DIRECT_MIN);
		if (!err)
			err = http_body_read(request, bytes->data + bytes->len,
				DIRECT_MIN, &got);
		bytes->len += got;
		if (!err && bytes->len > max)
			err = STORE_TOO_BIG;
	}
	if (!err)
		*out = arena_copy(request->arena, buffer_slice(bytes));
	return err;
}

bool
http_body_can_be_drained(const struct http_request *request)
{
	const struct http_exchange *exchange = request->connection->exchange;

	if (exchange->is_body_at_end)
		return true;
	/* Who waits for 100 Continue may send the body all the same, or not. */
	if (exchange->body_err || exchange->is_continue_wanted)
		return false;
	return exchange->body_left <=
	       http_limits_of(request->connection)->unread_bytes;
}

bool
http_body_drain(struct http_request *request)
{
	const struct http_worker *worker = request->connection->worker;
	uint64_t left = http_limits_of(request->connection)->unread_bytes;
	char scrap[8192];

	if (!http_body_can_be_drained(request))
		return false;
	while (!http_body_is_at_end(request)) {
		size_t got = 0;
		enum store_err err =
			http_body_read(request, scrap, sizeof(scrap), &got);

		if (err || got > left || worker->is_draining)
			return false;
		left -= got;
	}
	return true;
}
