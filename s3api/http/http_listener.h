/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_listener.h - a socket that listens; those accepted from it send
 * without delay (TCP_NODELAY).
 *
 * Threads:   one opens and closes it; any may accept.
 */
#pragma once

#include "store/base/compiler.h"
#include "store/base/error.h"

struct http_tls;

struct http_listener {
	int fd;
	unsigned int port;
	struct http_tls *tls; /* NULL: plain */
};

/*
 * Listens at the first address of that name that can be had; port 0: any free
 * one.  BUSY: the address has been taken for a second; ACCESS; INVALID: not an
 * address of this machine; IO, NO_MEMORY.
 */
must_check enum store_err http_listener_open(const char *address,
	unsigned int port, struct http_listener *out);

void http_listener_close(struct http_listener *listener);
