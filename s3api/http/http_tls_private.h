/* SPDX-License-Identifier: Apache-2.0 */
/* http_tls_private.h - a new session for a connection, for http_stream.c. */
#pragma once

#include <openssl/ssl.h>

#include "s3api/http/http_tls.h"

/* The server's side over a socket that does not block; NULL: no memory. */
SSL *http_tls_open(struct http_tls *tls, int fd);
