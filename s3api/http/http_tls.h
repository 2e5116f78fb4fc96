/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_tls.h - the certificates that a TLS listener shows: TLS 1.2 and 1.3
 * (RFC 8446) by OpenSSL, ALPN "http/1.1", no renegotiation, no early data.
 *
 * Of several certificates a client gets the first one made for the name that
 * it asks for (SNI), an exact name before a wildcard; without such a name the
 * first of all.
 *
 * Threads:   any thread may reload while connections are accepted.
 * Ownership: must outlive the servers that were given it.
 * Failure:   what is wrong with a file is logged, with its name and never
 *            with what is in it.
 */
#pragma once

#include <stddef.h>

#include "store/base/compiler.h"
#include "store/base/error.h"

/* Names of PEM files. */
struct http_tls_files {
	const char *certificate; /* followed by those that sign it */
	const char *key;	 /* without a passphrase */
};

struct http_tls;

/*
 * Reads the files, at least one pair; the names are copied.  NOT_FOUND,
 * ACCESS; INVALID: not PEM, or the key is not that of the certificate.
 */
must_check enum store_err http_tls_create(const struct http_tls_files *files,
	size_t count, struct http_tls **out);

/*
 * Reads all files anew, for the connections that come from now on; those
 * there are stay as they are.  What http_tls_create() gives; then everything
 * is as before.
 */
must_check enum store_err http_tls_reload(struct http_tls *tls);

void http_tls_free(struct http_tls **tls);
