/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_parser.h - the header and the chunked body of a request, by llhttp
 * (RFC 9112), which is strict as we use it, and by further checks of our own:
 * a request that any two servers might read differently is refused.
 *
 * Threads:   one at a time.
 * Ownership: the parsed request points into the bytes that were fed; names are
 *            made lower-case in place.
 */
#pragma once

#include <llhttp.h>
#include <stdbool.h>
#include <stddef.h>

#include "s3api/http/http_request.h"
#include "store/base/compiler.h"
#include "store/base/slice.h"

enum http_parser_state {
	HTTP_PARSER_MORE, /* wants more bytes */
	HTTP_PARSER_DONE,
	HTTP_PARSER_BAD, /* status and reason say why */
};

struct http_parser {
	llhttp_t llhttp;
	enum http_parser_state state;
	unsigned int status; /* to refuse the request with */
	const char *reason;

	/* header */
	struct http_header *headers;
	size_t header_count;
	size_t header_max;
	bool is_in_value;
	struct slice method;
	struct slice target;

	/* chunked body */
	char *to;
	size_t got;
	uint64_t overhead; /* bytes of framing since the last of data */
};

/* Begins a header of at most header_max fields, into `headers`. */
void http_parser_begin(struct http_parser *parser, struct http_header *headers,
	size_t header_max);

/*
 * Takes the next bytes of a header.  All calls together must give one piece
 * of memory that stays where it is.  *used is less than len where the header
 * ends before.
 */
enum http_parser_state http_parser_feed(struct http_parser *parser, char *bytes,
	size_t len, size_t *used);

/*
 * Once it is DONE: checks the whole and fills what concerns the message in
 * `request`.  DONE or BAD.
 */
enum http_parser_state http_parser_finish(struct http_parser *parser,
	struct http_request *request);

/* True before the first header field: what is too long is the target. */
bool http_parser_is_in_target(const struct http_parser *parser);

/* Begins a chunked body. */
void http_parser_begin_chunked(struct http_parser *parser);

/*
 * Takes bytes of a chunked body and writes its data, at most len bytes, to
 * `to`.  DONE: *used is where the body ends.
 */
enum http_parser_state http_parser_feed_chunked(struct http_parser *parser,
	const char *bytes, size_t len, size_t *used, char *to, size_t *got);
