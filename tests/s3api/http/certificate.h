/* SPDX-License-Identifier: Apache-2.0 */
/*
 * certificate.h - certificates for tests, signed by an authority of their own,
 * in a directory that goes away.
 *
 * Failure: ends the test.
 */
#pragma once

#include <openssl/ssl.h>

#include "s3api/http/http_tls.h"
#include "tests/support/temp_dir.h"

#define CERTIFICATE_PATH_MAX (PATH_MAX + 64)

struct certificate_authority {
	struct temp_dir dir;
	EVP_PKEY *key;
	X509 *x509;
};

struct certificate {
	char file[CERTIFICATE_PATH_MAX];
	char key_file[CERTIFICATE_PATH_MAX];
};

void certificate_authority_open(struct certificate_authority *authority);
void certificate_authority_close(struct certificate_authority *authority);

/*
 * Writes, or replaces, DIR/label.pem and DIR/label.key for the names, as in
 * "DNS:a.example,DNS:*.b.example"; the label is the subject's common name.
 */
struct certificate
certificate_make(const struct certificate_authority *authority,
	const char *label, const char *names);

/* Writes text where a file is, or is to be. */
void certificate_write(const char *path, const char *text);

/* As http_tls_create() takes them. */
struct http_tls_files certificate_files(const struct certificate *certificate);
