/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_fixture.h - an HTTP server whose handler answers by the path, and what
 * a client needs to speak to it byte by byte.
 *
 *	/hello	five bytes and odd headers	/echo	the body
 *	/file?a=OFFSET&n=LEN			/stream	of unknown length
 *	/broken, /short				streams never completed
 *	/wait	sets `entered`, and answers after `may_go`
 *	/nothing no answer			else	404, the body unread
 *
 * Failure: ends the test.
 */
#pragma once

#include "s3api/http/http_server.h"
#include "store/base/event.h"

#define HTTP_FIXTURE_BIG ((size_t)3 * 1024 * 1024 + 17)

struct http_fixture {
	struct http_server *server;
	int file; /* HTTP_FIXTURE_BIG bytes: byte i is i % 251 */
	struct event entered;
	struct event may_go;
};

/* Three connections; 20 s for everything. */
extern const struct http_limits http_fixture_limits;

void http_fixture_start(struct http_fixture *fixture);
void http_fixture_start_with(struct http_fixture *fixture,
	const struct http_limits *limits);
/* On a TLS listener too. */
void http_fixture_start_tls(struct http_fixture *fixture,
	const struct http_limits *limits, struct http_tls *tls);
void http_fixture_stop(struct http_fixture *fixture);

int http_fixture_connect(unsigned int port);
void http_fixture_say(int fd, struct slice text);

/* Which thread answers on a connection, by a request for /hello. */
unsigned long http_fixture_thread_of(int fd);

/* All of it up to that text. */
void http_fixture_hear_until(int fd, const char *text);

/* Everything until the server closes; NUL-terminated, to be freed. */
char *http_fixture_hear(int fd, size_t *len);

/* One whole exchange on a connection of its own. */
char *http_fixture_ask(const struct http_fixture *fixture, struct slice text,
	size_t *len);
