/* SPDX-License-Identifier: Apache-2.0 */
/* connection.h - one keep-alive connection of the load generator. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/load/sign.h"

#define CONNECTION_HEAD_MAX 8192

struct ssl_ctx_st;
struct ssl_st;

struct connection {
	int fd;
	struct ssl_st *ssl; /* NULL: plain */
	int epoll;
	unsigned int index;
	bool is_active;

	const struct request *request;
	int64_t began_ns;
	size_t head_sent;
	uint64_t sent_body;

	char head[CONNECTION_HEAD_MAX]; /* of the reply, as far as it came */
	size_t head_got;
	bool has_head;
	unsigned int status;
	uint64_t reply_body;
	uint64_t reply_left;
};

/* TLS 1.3 to whoever answers: what is measured is on this machine. */
struct ssl_ctx_st *connection_tls(void);

/* Exits where it cannot connect.  tls: NULL for a plain connection. */
void connection_open(struct connection *connection, const char *host,
	unsigned int port, struct ssl_ctx_st *tls, int epoll,
	unsigned int index);

void connection_begin(struct connection *connection,
	const struct request *request);

/* Sends and receives as far as it goes; true when the reply is complete. */
bool connection_advance(struct connection *connection);
