/* SPDX-License-Identifier: Apache-2.0 */
/*
 * states:  NONE -> BEGUN              http_reply_begin()
 *          BEGUN -> DONE              http_reply_body()
 *          BEGUN -> STREAM -> DONE    http_reply_start(), all bytes or _end()
 *
 * The header of a stream waits for the first bytes, so that both leave in one
 * send; until then a new http_reply_begin() may replace it.
 */
#include "s3api/http/http_reply.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "s3api/http/http_private.h"
#include "store/base/clock.h"
#include "store/base/io.h"

/* A range this short is cheaper read and sent with its header at once. */
#define SMALL_FILE ((uint64_t)16 * 1024)
/* What one send timeout is for. */
#define PIECE ((size_t)256 * 1024)

void
http_reply_reset(struct http_response *response,
	struct http_connection *connection)
{
	struct buffer header = response->header;

	buffer_clear(&header);
	*response = (struct http_response){
		.connection = connection,
		.header = header,
	};
}

const char *
http_reply_phrase(unsigned int status)
{
	static const struct {
		unsigned int status;
		const char *phrase;
	} phrases[] = {
		{200, "OK"},
		{201, "Created"},
		{204, "No Content"},
		{206, "Partial Content"},
		{301, "Moved Permanently"},
		{302, "Found"},
		{303, "See Other"},
		{304, "Not Modified"},
		{307, "Temporary Redirect"},
		{308, "Permanent Redirect"},
		{400, "Bad Request"},
		{401, "Unauthorized"},
		{403, "Forbidden"},
		{404, "Not Found"},
		{405, "Method Not Allowed"},
		{408, "Request Timeout"},
		{409, "Conflict"},
		{411, "Length Required"},
		{412, "Precondition Failed"},
		{413, "Content Too Large"},
		{414, "URI Too Long"},
		{416, "Range Not Satisfiable"},
		{417, "Expectation Failed"},
		{429, "Too Many Requests"},
		{431, "Request Header Fields Too Large"},
		{500, "Internal Server Error"},
		{501, "Not Implemented"},
		{503, "Service Unavailable"},
		{505, "HTTP Version Not Supported"},
		{507, "Insufficient Storage"},
	};

	for (size_t i = 0; i < array_len(phrases); i++) {
		if (phrases[i].status == status)
			return phrases[i].phrase;
	}
	/* Some clients want a word there. */
	return "Other";
}

void
http_reply_begin(struct http_response *response, unsigned int status)
{
	struct buffer *header = &response->header;

	if (response->is_header_sent)
		return;
	assert(status >= 200 && status <= 599);
	response->state = HTTP_REPLY_BEGUN;
	response->status = status;
	response->left = 0;
	buffer_clear(header);
	buffer_append(header, SLICE("HTTP/1.1 "));
	buffer_append_u64(header, status);
	buffer_append_char(header, ' ');
	buffer_append_str(header, http_reply_phrase(status));
	buffer_append(header, SLICE("\r\n"));
}

/* A value can come from a client; it must not end the line. */
static void
append_inert(struct buffer *header, struct slice text)
{
	size_t from = header->len;

	buffer_append(header, text);
	for (size_t i = from; i < header->len; i++) {
		char c = header->data[i];

		if (c == '\r' || c == '\n' || c == '\0')
			header->data[i] = ' ';
	}
}

void
http_reply_header_named(struct http_response *response, struct slice name,
	struct slice value)
{
	struct buffer *header = &response->header;

	if (response->is_header_sent)
		return;
	assert(response->state == HTTP_REPLY_BEGUN);
	append_inert(header, name);
	buffer_append(header, SLICE(": "));
	append_inert(header, value);
	buffer_append(header, SLICE("\r\n"));
}

/* HTTP asks for no case of a name, but some clients do, and know S3's. */
static void
spell(char *name)
{
	if (name[0] == 'x')
		return;
	for (size_t i = 0; name[i] != ':'; i++) {
		bool begins = i == 0 || name[i - 1] == '-';

		if (begins && name[i] >= 'a' && name[i] <= 'z')
			name[i] = (char)(name[i] - 'a' + 'A');
	}
	if (!strncmp(name, "Etag:", 5))
		name[1] = 'T';
}

void
http_reply_header(struct http_response *response, const char *name,
	struct slice value)
{
	size_t at = response->header.len;

	http_reply_header_named(response, slice_str(name), value);
	if (response->header.len > at)
		spell(response->header.data + at);
}

void
http_reply_header_str(struct http_response *response, const char *name,
	const char *value)
{
	http_reply_header(response, name, slice_str(value));
}

void
http_reply_header_u64(struct http_response *response, const char *name,
	uint64_t value)
{
	char text[24];
	int len = snprintf(text, sizeof(text), "%" PRIu64, value);

	http_reply_header(response, name, slice_of(text, (size_t)len));
}

/* Made anew once a second. */
static struct slice
date_of(struct http_worker *worker)
{
	int64_t now_ns = clock_now_ns();

	if (now_ns / CLOCK_NS_PER_S != worker->date_s) {
		worker->date_s = now_ns / CLOCK_NS_PER_S;
		clock_to_http(now_ns, worker->date);
	}
	return slice_str(worker->date);
}

static bool
is_to_close(const struct http_response *response)
{
	const struct http_connection *connection = response->connection;

	return response->must_close || !connection->is_keep_alive ||
	       connection->worker->is_draining ||
	       !http_body_can_be_drained(&connection->exchange->request);
}

static void
end_header(struct http_response *response, uint64_t len)
{
	const struct http_request *request =
		&response->connection->exchange->request;
	struct buffer *header = &response->header;
	bool is_bodiless = response->status == 204 || response->status == 304;

	response->has_body =
		!is_bodiless && request->method != HTTP_METHOD_HEAD;
	buffer_append(header, SLICE("Date: "));
	buffer_append(header, date_of(response->connection->worker));
	buffer_append(header, SLICE("\r\nServer: tarn\r\n"));
	if (!is_bodiless) {
		buffer_append(header, SLICE("Content-Length: "));
		buffer_append_u64(header, len);
		buffer_append(header, SLICE("\r\n"));
	}
	if (is_to_close(response)) {
		response->must_close = true;
		buffer_append(header, SLICE("Connection: close\r\n"));
	} else if (request->is_http_1_0) {
		buffer_append(header, SLICE("Connection: keep-alive\r\n"));
	}
	buffer_append(header, SLICE("\r\n"));
}

/* Sends a vector, in front of it the header where it has not gone yet. */
static enum store_err
send_vector(struct http_response *response, struct iovec *vector, int count,
	int flags)
{
	struct http_connection *connection = response->connection;
	int64_t deadline_ms = clock_monotonic_ms() +
			      http_limits_of(connection)->send_timeout_ms;

	if (response->err)
		return response->err;
	vector[0] = (struct iovec){response->header.data,
		response->is_header_sent ? 0 : response->header.len};
	response->is_header_sent = true;
	response->err = http_stream_send_all(&connection->stream, vector, count,
		flags, deadline_ms);
	return response->err;
}

enum store_err
http_reply_body(struct http_response *response, struct slice body)
{
	uint64_t len = body.len;

	enum store_err err = http_reply_start(response, len);
	if (!err && len > 0)
		err = http_reply_write(response, body);
	return err;
}

enum store_err
http_reply_start(struct http_response *response, uint64_t len)
{
	struct iovec vector[1];

	if (response->err)
		return response->err;
	if (response->is_header_sent)
		return STORE_INVALID;
	assert(response->state == HTTP_REPLY_BEGUN);
	end_header(response, len);
	response->state = HTTP_REPLY_STREAM;
	response->left = len;
	if (len > 0 && response->has_body)
		return STORE_OK;
	if (len == 0)
		response->state = HTTP_REPLY_DONE;
	return send_vector(response, vector, 1, 0);
}

/* Whether so many bytes may go now. */
static enum store_err
check_room(const struct http_response *response, uint64_t len)
{
	if (response->err)
		return response->err;
	assert(response->state >= HTTP_REPLY_STREAM);
	if (len > response->left)
		return STORE_INVALID;
	return STORE_OK;
}

/* Counts bytes that have gone, or would have but for a HEAD. */
static void
advance(struct http_response *response, uint64_t len)
{
	if (response->has_body)
		response->sent += len;
	response->left -= len;
	if (response->left == 0)
		response->state = HTTP_REPLY_DONE;
}

static enum store_err
send_piece(struct http_response *response, struct slice bytes)
{
	struct iovec vector[2] = {{NULL, 0}, {(char *)bytes.data, bytes.len}};

	return send_vector(response, vector, 2, 0);
}

enum store_err
http_reply_write(struct http_response *response, struct slice bytes)
{
	enum store_err err = check_room(response, bytes.len);

	while (!err && bytes.len > 0) {
		struct slice piece = slice_first(bytes, PIECE);

		if (response->has_body)
			err = send_piece(response, piece);
		if (!err)
			advance(response, piece.len);
		bytes = slice_from(bytes, piece.len);
	}
	return err;
}

static enum store_err
send_small_file(struct http_response *response, int file, uint64_t offset,
	size_t len, const struct io_watch *watch, uint64_t *sent)
{
	char *bytes = malloc(len);
	if (!bytes)
		return STORE_NO_MEMORY;

	enum store_err err = io_pread_all(file, bytes, len, offset);
	bool is_over = io_watch_is_over(watch);
	if (!err && !is_over)
		err = send_piece(response, slice_of(bytes, len));
	free(bytes);
	*sent = is_over ? 0 : len;
	return err;
}

/* The header waits in the socket for the first page of the file. */
static enum store_err
send_large_file(struct http_response *response, int file, uint64_t offset,
	uint64_t len, const struct io_watch *watch, uint64_t *sent)
{
	struct http_connection *connection = response->connection;
	struct iovec before[1];
	enum store_err err = send_vector(response, before, 1, MSG_MORE);

	if (err)
		return err;
	response->err = http_stream_send_file(&connection->stream, file, offset,
		len, http_limits_of(connection)->send_timeout_ms, watch, sent);
	return response->err;
}

enum store_err
http_reply_file(struct http_response *response, int file, uint64_t offset,
	uint64_t len, const struct io_watch *watch, uint64_t *sent)
{
	enum store_err err = check_room(response, len);

	*sent = 0;
	if (err || len == 0)
		return err;
	if (!response->has_body)
		*sent = len;
	else if (len <= SMALL_FILE)
		err = send_small_file(response, file, offset, (size_t)len,
			watch, sent);
	else
		err = send_large_file(response, file, offset, len, watch, sent);
	if (!err)
		advance(response, *sent);
	return err;
}

void
http_reply_close(struct http_response *response)
{
	response->must_close = true;
}

bool
http_reply_is_started(const struct http_response *response)
{
	return response->is_header_sent;
}

unsigned int
http_reply_status(const struct http_response *response)
{
	return response->status;
}

uint64_t
http_reply_bytes(const struct http_response *response)
{
	return response->sent;
}
