/* SPDX-License-Identifier: Apache-2.0 */
/*
 * s3_client.h - a small client of S3 that signs what it sends (SigV4), so that
 * tests can say exactly what goes over the wire.
 *
 * It keeps its connection where the server does.  Paths and queries are sent
 * as they are given, percent-encoded by the caller.
 *
 * Threads:   one at a time.
 * Ownership: replies live until s3_client_close().
 * Failure:   what goes wrong below HTTP ends the test with a message; a reply
 *            that never came has status 0.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "store/base/arena.h"
#include "store/base/buffer.h"
#include "store/base/slice.h"

struct s3_client {
	unsigned int port;
	const char *host; /* of the Host header; NULL: 127.0.0.1:PORT */
	char access_key[129];
	char secret[129];
	bool is_anonymous; /* signs nothing */
	/* Called where a body is still to be received.  NULL is allowed. */
	void (*at_header)(void *context);
	void *context;
	int fd; /* -1: not connected */
	struct arena arena;
	struct buffer input; /* bytes received and not yet used */
};

struct s3_reply {
	unsigned int status; /* 0: the server closed without one */
	struct slice header; /* lines, lower-case names */
	struct slice body;   /* followed by a NUL */
	bool was_continued;  /* 100 Continue came before it */
};

void s3_client_open(struct s3_client *client, unsigned int port,
	const char *access_key, const char *secret);
void s3_client_close(struct s3_client *client);

/*
 * One request.  headers: lines "name: value\n", or NULL; all of them are
 * signed.  Content-Length is added unless there is one, or a
 * Transfer-Encoding; so is x-amz-content-sha256, the body's.  With
 * "expect: 100-continue" the body is sent when it is asked for.
 */
const struct s3_reply *s3_client_ask(struct s3_client *client,
	const char *method, const char *target, const char *headers,
	struct slice body);

/* Value of a header of the reply, or SLICE_NULL. */
struct slice s3_client_header(const struct s3_reply *reply, const char *name);

/* The n-th (from 0) <name>TEXT</name> of the body, or SLICE_NULL. */
struct slice s3_client_element(const struct s3_reply *reply, const char *name,
	unsigned int n);
unsigned int s3_client_element_count(const struct s3_reply *reply,
	const char *name);
