/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_request.h - one request as it came: RFC 9110 and RFC 9112, and nothing
 * that two readers could understand in two ways.
 *
 * Threads:   the fiber that serves the connection.
 * Ownership: every slice lives until the handler returns; memory for what a
 *            handler makes of them comes from request->arena.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "store/base/arena.h"
#include "store/base/compiler.h"
#include "store/base/error.h"
#include "store/base/slice.h"

enum http_method {
	HTTP_METHOD_GET,
	HTTP_METHOD_HEAD,
	HTTP_METHOD_PUT,
	HTTP_METHOD_POST,
	HTTP_METHOD_DELETE,
	HTTP_METHOD_OPTIONS,
	HTTP_METHOD_OTHER, /* a token we do not know: request->method_name */
};

struct http_header {
	struct slice name;  /* lower-case */
	struct slice value; /* without spaces at its ends */
};

/* One piece of the query, between two &. */
struct http_param {
	struct slice name;  /* decoded, + as space */
	struct slice value; /* decoded; empty where there is no = */
	struct slice raw_name;
	struct slice raw_value;
};

struct http_connection;

struct http_request {
	enum http_method method;
	struct slice method_name;
	struct slice target; /* as sent */
	struct slice path;   /* undecoded; begins with / ("*" for OPTIONS *) */
	struct slice query;  /* undecoded, without the ?; may be empty */
	bool has_query;	     /* there was a ? */
	struct slice host;   /* "name:port" of the Host header or target */
	bool is_http_1_0;
	bool is_tls;
	const char *tls_version; /* "TLSv1.3"; NULL: plain */
	const char *tls_cipher;
	struct sockaddr_storage peer;

	const struct http_header *headers; /* in their order, repeats too */
	size_t header_count;

	bool has_body;		 /* a length above 0, or chunked */
	bool is_length_known;	 /* a Content-Length came, or no body */
	uint64_t content_length; /* 0 where it is not known */

	struct arena *arena; /* reset when the handler has returned */
	struct http_connection *connection; /* http_body.c, http_reply.c */
};

/* The value of the first header of this (lower-case) name, or SLICE_NULL. */
struct slice http_request_header(const struct http_request *request,
	const char *name);

/* The value of the last one: of who has passed the request on last. */
struct slice http_request_last_header(const struct http_request *request,
	const char *name);

/* How often a (lower-case) name occurs. */
size_t http_request_header_count(const struct http_request *request,
	const char *name);

/* path without its %XX.  INVALID: a % without two digits. */
must_check enum store_err
http_request_decode_path(const struct http_request *request, struct slice *out);

/* The query in its order, decoded.  INVALID: a % without two digits. */
must_check enum store_err
http_request_decode_query(const struct http_request *request,
	const struct http_param **out, size_t *count);

/* "192.0.2.1" or "2001:db8::1", mapped IPv4 as IPv4, without the port. */
struct slice http_request_peer_address(const struct http_request *request);
