/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_reply.h - the reply to one request.
 *
 *	http_reply_begin(response, 200);
 *	http_reply_header(response, "etag", etag);
 *	return http_reply_body(response, xml);           small, one send
 *
 *	http_reply_begin(response, 206);
 *	err = http_reply_start(response, len);           or a stream
 *	if (!err)
 *		err = http_reply_file(response, fd, offset, len, &watch,
 *			&sent);
 *
 * content-length, connection, date and server are written here; a handler gives
 * everything else.  To a HEAD the same calls send the header alone.  A handler
 * that returns without a reply (500 then), or before a stream is complete,
 * closes the connection.
 *
 * Threads:   the fiber that serves the connection; sends yield it.
 * Ownership: names and values are copied, bodies are borrowed for the call.
 * Failure:   CLOSED, TIMED_OUT or CANCELED, after which further calls give the
 *            same error and the connection closes.  A handler need not act on
 *            it beyond ceasing to produce.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/base/compiler.h"
#include "store/base/error.h"
#include "store/base/io.h"
#include "store/base/slice.h"

struct http_response;

/*
 * Starts a reply, or starts it anew where nothing has been sent yet.  Once
 * something has been sent this and what follows it do nothing (INVALID).
 */
void http_reply_begin(struct http_response *response, unsigned int status);

/*
 * Adds a header.  The name is lower-case, and sent as S3 spells it:
 * "Content-Type", "ETag", "x-amz-request-id".  Bytes that would end the line
 * (CR, LF, NUL) are sent as spaces.
 */
void http_reply_header(struct http_response *response, const char *name,
	struct slice value);
void http_reply_header_str(struct http_response *response, const char *name,
	const char *value);
void http_reply_header_u64(struct http_response *response, const char *name,
	uint64_t value);

/* The same with a name that comes from data, such as x-amz-meta-*, and is sent
 * as it is. */
void http_reply_header_named(struct http_response *response, struct slice name,
	struct slice value);

/* Sends the header and a whole body in one vectored send. */
must_check enum store_err http_reply_body(struct http_response *response,
	struct slice body);

/*
 * Opens a stream of exactly len bytes.  The header leaves with the first
 * bytes; where len is 0, or the request is a HEAD, at once.
 */
must_check enum store_err http_reply_start(struct http_response *response,
	uint64_t len);

/*
 * Bytes of an open stream; from a file without a copy, and until the watch is
 * over: *sent may be less then.  INVALID: more than the stream was opened for.
 * IO, CORRUPT: the file cannot be read; while nothing has been sent, another
 * reply may begin.
 */
must_check enum store_err http_reply_write(struct http_response *response,
	struct slice bytes);
must_check enum store_err http_reply_file(struct http_response *response,
	int file, uint64_t offset, uint64_t len, const struct io_watch *watch,
	uint64_t *sent);

/* The connection closes once this reply is out. */
void http_reply_close(struct http_response *response);

/* "Not Found"; never NULL. */
const char *http_reply_phrase(unsigned int status);

/* Something has been sent, so the status can no longer change. */
bool http_reply_is_started(const struct http_response *response);

/* What was sent, for the log: 0 before http_reply_begin(). */
unsigned int http_reply_status(const struct http_response *response);
uint64_t http_reply_bytes(const struct http_response *response);
