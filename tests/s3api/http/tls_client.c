/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/s3api/http/tls_client.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <openssl/err.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/s3api/http/http_fixture.h"

static void
set_version(SSL_CTX *context, int version)
{
	if (version < TLS1_2_VERSION)
		SSL_CTX_set_security_level(context, 0);
	SSL_CTX_set_min_proto_version(context, version);
	SSL_CTX_set_max_proto_version(context, version);
}

static void
note_subject(struct tls_client *client)
{
	X509 *x509 = SSL_get1_peer_certificate(client->ssl);

	if (!x509)
		return;
	X509_NAME_get_text_by_NID(X509_get_subject_name(x509), NID_commonName,
		client->subject, sizeof(client->subject));
	X509_free(x509);
}

void
tls_client_open(struct tls_client *client,
	const struct tls_client_options *options)
{
	(void)signal(SIGPIPE, SIG_IGN);
	*client = (struct tls_client){
		.fd = http_fixture_connect(options->port),
		.context = SSL_CTX_new(TLS_client_method()),
	};
	X509_STORE_add_cert(SSL_CTX_get_cert_store(client->context),
		options->authority->x509);
	SSL_CTX_set_verify(client->context, SSL_VERIFY_PEER, NULL);
	if (options->version)
		set_version(client->context, options->version);
	client->ssl = SSL_new(client->context);
	SSL_set_fd(client->ssl, client->fd);
	if (options->name)
		SSL_set_tlsext_host_name(client->ssl, options->name);
	if (options->protocols)
		SSL_set_alpn_protos(client->ssl,
			(const unsigned char *)options->protocols,
			(unsigned int)strlen(options->protocols));
	if (options->session)
		SSL_set_session(client->ssl, options->session);
	ERR_clear_error();
	client->is_open = SSL_connect(client->ssl) == 1;
	if (client->is_open)
		note_subject(client);
}

void
tls_client_close(struct tls_client *client)
{
	SSL_free(client->ssl);
	SSL_CTX_free(client->context);
	if (client->fd >= 0)
		close(client->fd);
	*client = (struct tls_client){.fd = -1};
}

void
tls_client_say(struct tls_client *client, struct slice text)
{
	ERR_clear_error();
	cr_assert(eq(int, SSL_write(client->ssl, text.data, (int)text.len),
		(int)text.len));
}

char *
tls_client_hear(struct tls_client *client, size_t max, size_t *len,
	bool *is_clean)
{
	char *text = malloc(max + 1);
	int got = 1;

	*len = 0;
	while (*len < max && got > 0) {
		ERR_clear_error();
		got = SSL_read(client->ssl, text + *len, (int)(max - *len));
		if (got > 0)
			*len += (size_t)got;
	}
	if (is_clean)
		*is_clean = got <= 0 && SSL_get_error(client->ssl, got) ==
						SSL_ERROR_ZERO_RETURN;
	text[*len] = '\0';
	return text;
}

char *
tls_client_ask(struct tls_client *client, struct slice text, size_t *len)
{
	tls_client_say(client, text);
	return tls_client_hear(client, 2 * HTTP_FIXTURE_BIG, len, NULL);
}
