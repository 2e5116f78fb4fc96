/* SPDX-License-Identifier: Apache-2.0 */
/* connection.h - one keep-alive connection of the load generator. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/load/sign.h"

#define CONNECTION_HEAD_MAX 8192

struct connection {
	int fd;
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

/* Exits where it cannot connect. */
void connection_open(struct connection *connection, const char *host,
	unsigned int port, int epoll, unsigned int index);

void connection_begin(struct connection *connection,
	const struct request *request);

/* Sends and receives as far as it goes; true when the reply is complete. */
bool connection_advance(struct connection *connection);
