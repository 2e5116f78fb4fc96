/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_server.h - listens, plain and through TLS, and serves each connection
 * by a fiber: one loop a thread, each with its share of the connections.
 *
 * Memory: an idle connection costs its fiber's touched stack and a few
 * hundred bytes (and what OpenSSL keeps of it); buffers come with a request
 * and go with it.
 *
 * Crowds: where there are as many connections as there may be, the one that
 * has been without a whole request header for longest makes room for the next
 * (also while what is left of the last one's body comes): of those that the
 * same loop serves, or else of another's; only if all are being served does
 * the next get 503.
 *
 * Threads:   any one thread creates, drains and frees; the handler runs on
 *            the loops' fibers, many at a time.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "s3api/http/http_reply.h"
#include "s3api/http/http_request.h"
#include "store/base/compiler.h"
#include "store/base/error.h"
#include "store/base/slice.h"

struct http_limits {
	size_t header_bytes; /* request line and headers */
	size_t header_count;
	size_t target_bytes;
	size_t connections;	   /* of all loops: see Crowds */
	uint64_t unread_bytes;	   /* of a body left unread, drained to keep the
				    * connection */
	int64_t idle_timeout_ms;   /* between requests */
	int64_t header_timeout_ms; /* first byte of a request to its last
				    * header */
	int64_t body_timeout_ms;   /* without a byte coming in */
	int64_t send_timeout_ms;   /* for one send (a window of a file) */
	int64_t handshake_timeout_ms; /* of TLS, as a whole */

	/* While a body is waited for, so many bytes a second must come, as
	 * counted over each window of waiting; 0: any rate will do. */
	uint64_t body_rate_min;
	int64_t body_rate_window_ms;
};

/* 32 KiB, 100, 16 KiB; 10,000; 256 KiB; 60 s, 20 s, 30 s, 30 s, 10 s;
 * 1 KiB/s, 30 s. */
extern const struct http_limits http_server_limits_default;

struct http_tls;

struct http_server_config {
	const char *address;  /* "127.0.0.1", "::1", "::", "localhost", ...;
			       * NULL: not without TLS */
	unsigned int port;    /* 0: any free one, see http_server_port() */
	struct http_tls *tls; /* NULL: not with TLS */
	const char *tls_address;
	unsigned int tls_port;
	unsigned int loops; /* threads; 0: one for each CPU we may use */
	struct http_limits limits;

	/* Answers one request, with http_reply.h. */
	void (*handle)(struct http_request *request,
		struct http_response *response, void *context);

	/*
	 * Answers what never became a request: 400, 408, 414, 431, 501, 503,
	 * 505.  The connection closes after it.  NULL: an empty body.
	 */
	void (*refuse)(struct http_response *response, unsigned int status,
		const char *reason, void *context);

	void *context;
};

struct http_server;

/*
 * Binds, listens and starts the threads.  BUSY: the address has been taken
 * for a second; ACCESS; INVALID: not an address of this machine, or none at
 * all; IO, NO_MEMORY.
 */
must_check enum store_err
http_server_create(const struct http_server_config *config,
	struct http_server **out);

/* 0 where there is no such listener. */
unsigned int http_server_port(const struct http_server *server);
unsigned int http_server_tls_port(const struct http_server *server);
size_t http_server_connections(const struct http_server *server);

/*
 * Accepts no more, closes idle connections and lets requests in flight end,
 * with "connection: close".  After timeout_ms what is left is cut off.
 * Returns when no handler runs any more.
 */
void http_server_drain(struct http_server *server, int64_t timeout_ms);

/* Drains with no patience if it was not done, and frees. */
void http_server_free(struct http_server **server);
