/* SPDX-License-Identifier: Apache-2.0 */
/* endpoint.h - "ADDRESS:PORT" of --listen. */
#pragma once

#include <stdbool.h>

#define ENDPOINT_ADDRESS_MAX 255

struct endpoint {
	char address[ENDPOINT_ADDRESS_MAX + 1];
	unsigned int port;
};

/* "127.0.0.1:9000", "[::1]:9000", "localhost:0". */
bool endpoint_parse(const char *text, struct endpoint *out);

/* Whether only this machine reaches that address. */
bool endpoint_is_loopback(const char *address);
