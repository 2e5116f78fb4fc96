/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_client.h - one TLS connection to a server on this machine, by OpenSSL
 * on a socket that blocks.
 *
 * Failure: ends the test, but for the handshake, which says how it went.
 */
#pragma once

#include <openssl/ssl.h>

#include "store/base/slice.h"
#include "tests/s3api/http/certificate.h"

struct tls_client {
	int fd;
	SSL_CTX *context;
	SSL *ssl;
	bool is_open;	  /* the handshake went well */
	char subject[64]; /* the common name of the server's certificate */
};

struct tls_client_options {
	unsigned int port;
	const struct certificate_authority *authority;
	const char *name;      /* SNI; NULL: none */
	int version;	       /* 0: any */
	const char *protocols; /* ALPN, on the wire; NULL: none */
	SSL_SESSION *session;  /* to resume; NULL: none */
};

void tls_client_open(struct tls_client *client,
	const struct tls_client_options *options);
void tls_client_close(struct tls_client *client);

void tls_client_say(struct tls_client *client, struct slice text);

/* Up to `max` bytes or the end; NUL-terminated, to be freed.  *is_clean: the
 * server said that it was the end (NULL: whatever). */
char *tls_client_hear(struct tls_client *client, size_t max, size_t *len,
	bool *is_clean);

/* Says it, and hears all until the server closes. */
char *tls_client_ask(struct tls_client *client, struct slice text, size_t *len);
