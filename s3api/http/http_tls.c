/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 1. tls->certificates is replaced as a whole, under the lock.  A session
 *    keeps its own reference to the context it was made from, so one that is
 *    replaced lives until its last connection ends.
 * 2. OpenSSL's queue of errors belongs to the thread, which many fibers share:
 *    it is cleared before a call whose errors are looked at, and no fiber
 *    waits between the two.
 */
#include "s3api/http/http_tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "s3api/http/http_tls_private.h"
#include "store/base/log.h"
#include "store/base/mutex.h"

/* Forward secrecy and authenticated encryption or nothing; what costs least
 * first. */
#define CIPHERS_1_3                                                            \
	"TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:"                       \
	"TLS_CHACHA20_POLY1305_SHA256"
#define CIPHERS_1_2                                                            \
	"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"           \
	"ECDHE+AESGCM:ECDHE+CHACHA20"

/* Records that one call takes from the socket. */
#define READ_AHEAD ((size_t)64 * 1024)

struct http_tls {
	/* fixed after creation */
	struct http_tls_files *files;
	size_t count;

	pthread_mutex_t lock;
	/* under lock */
	SSL_CTX **certificates; /* count of them */
};

/* The oldest error is the cause, the others are who was told of it. */
static const char *
reason_of_error(void)
{
	const char *reason = ERR_reason_error_string(ERR_peek_error());

	return reason ? reason : "unknown error";
}

static enum store_err
check_file(const char *path, bool is_secret)
{
	struct stat about;

	if (stat(path, &about)) {
		enum store_err err = error_from_errno(errno);

		log_error("cannot read file=\"%s\" error=\"%s\"", path,
			strerror(errno));
		return err;
	}
	if (is_secret && (about.st_mode & (S_IRGRP | S_IROTH)))
		log_warn("a private key that others may read file=\"%s\" "
			 "mode=%04o",
			path, about.st_mode & 07777);
	return STORE_OK;
}

/* Nobody is there to be asked. */
static int
give_no_passphrase(char *to, int size, int is_to_write, void *context)
{
	(void)to;
	(void)size;
	(void)is_to_write;
	(void)context;
	return -1;
}

static int
choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_len,
	const unsigned char *offered, unsigned int offered_len, void *context)
{
	static const unsigned char http_1_1[] = "\x08http/1.1";
	unsigned char *chosen = NULL;

	(void)ssl;
	(void)context;
	if (SSL_select_next_proto(&chosen, out_len, http_1_1,
		    sizeof(http_1_1) - 1, offered,
		    offered_len) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*out = chosen;
	return SSL_TLSEXT_ERR_OK;
}

static SSL_CTX *
find_certificate(const struct http_tls *tls, const char *name,
	unsigned int flags)
{
	for (size_t i = 0; i < tls->count; i++) {
		X509 *x509 = SSL_CTX_get0_certificate(tls->certificates[i]);

		if (X509_check_host(x509, name, 0, flags, NULL) == 1)
			return tls->certificates[i];
	}
	return NULL;
}

static int
choose_certificate(SSL *ssl, int *alert, void *context)
{
	struct http_tls *tls = context;
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

	(void)alert;
	if (!name)
		return SSL_TLSEXT_ERR_NOACK;
	mutex_scoped(&tls->lock);
	SSL_CTX *found =
		find_certificate(tls, name, X509_CHECK_FLAG_NO_WILDCARDS);

	if (!found)
		found = find_certificate(tls, name,
			X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	if (!found)
		return SSL_TLSEXT_ERR_NOACK;
	return SSL_set_SSL_CTX(ssl, found) ? SSL_TLSEXT_ERR_OK
					   : SSL_TLSEXT_ERR_ALERT_FATAL;
}

static bool
set_up(struct http_tls *tls, SSL_CTX *context)
{
	static const unsigned char sessions_of[] = "tarn";

	/* Tickets keep what a resumption needs with the client. */
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_options(context,
		SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
			SSL_OP_CIPHER_SERVER_PREFERENCE |
			SSL_OP_PRIORITIZE_CHACHA | SSL_OP_ENABLE_KTLS);
	/* An idle connection has no buffers; http_stream.c writes on with the
	 * same bytes, but maybe elsewhere, where a write was cut short. */
	SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS |
					  SSL_MODE_ENABLE_PARTIAL_WRITE |
					  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_read_ahead(context, 1);
	SSL_CTX_set_default_read_buffer_len(context, READ_AHEAD);
	SSL_CTX_set_default_passwd_cb(context, give_no_passphrase);
	SSL_CTX_set_alpn_select_cb(context, choose_protocol, NULL);
	SSL_CTX_set_tlsext_servername_callback(context, choose_certificate);
	SSL_CTX_set_tlsext_servername_arg(context, tls);
	return SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) &&
	       SSL_CTX_set_ciphersuites(context, CIPHERS_1_3) &&
	       SSL_CTX_set_cipher_list(context, CIPHERS_1_2) &&
	       SSL_CTX_set_session_id_context(context, sessions_of,
		       sizeof(sessions_of) - 1);
}

static enum store_err
read_files(SSL_CTX *context, const struct http_tls_files *files)
{
	ERR_clear_error();
	if (SSL_CTX_use_certificate_chain_file(context, files->certificate) !=
		1) {
		log_error("not a certificate file=\"%s\" error=\"%s\"",
			files->certificate, reason_of_error());
		return STORE_INVALID;
	}
	/* Says too whether it belongs to the certificate. */
	if (SSL_CTX_use_PrivateKey_file(context, files->key,
		    SSL_FILETYPE_PEM) != 1 ||
		SSL_CTX_check_private_key(context) != 1) {
		log_error("not the private key of certificate=\"%s\" "
			  "file=\"%s\" error=\"%s\"",
			files->certificate, files->key, reason_of_error());
		return STORE_INVALID;
	}
	const X509 *x509 = SSL_CTX_get0_certificate(context);

	if (X509_cmp_current_time(X509_get0_notAfter(x509)) < 0)
		log_warn("a certificate that has expired file=\"%s\"",
			files->certificate);
	return STORE_OK;
}

static enum store_err
load(struct http_tls *tls, const struct http_tls_files *files, SSL_CTX **out)
{
	enum store_err err = check_file(files->certificate, false);

	if (!err)
		err = check_file(files->key, true);
	if (err)
		return err;
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());
	if (!context)
		return STORE_NO_MEMORY;
	err = set_up(tls, context) ? read_files(context, files)
				   : STORE_NO_MEMORY;
	if (err)
		SSL_CTX_free(context);
	else
		*out = context;
	ERR_clear_error();
	return err;
}

static void
free_certificates(SSL_CTX **certificates, size_t count)
{
	for (size_t i = 0; certificates && i < count; i++)
		SSL_CTX_free(certificates[i]);
	free(certificates);
}

enum store_err
http_tls_reload(struct http_tls *tls)
{
	SSL_CTX **certificates = calloc(tls->count, sizeof(SSL_CTX *));
	enum store_err err = certificates ? STORE_OK : STORE_NO_MEMORY;

	for (size_t i = 0; i < tls->count && !err; i++)
		err = load(tls, &tls->files[i], &certificates[i]);
	if (!err) {
		mutex_lock(&tls->lock);
		SSL_CTX **before = tls->certificates;
		tls->certificates = certificates;
		mutex_unlock(&tls->lock);
		certificates = before;
	}
	free_certificates(certificates, tls->count);
	return err;
}

static bool
copy_files(struct http_tls *tls, const struct http_tls_files *files,
	size_t count)
{
	tls->files = calloc(count, sizeof(*files));
	tls->count = tls->files ? count : 0;
	for (size_t i = 0; i < tls->count; i++) {
		tls->files[i].certificate = strdup(files[i].certificate);
		tls->files[i].key = strdup(files[i].key);
		if (!tls->files[i].certificate || !tls->files[i].key)
			return false;
	}
	return tls->files != NULL;
}

enum store_err
http_tls_create(const struct http_tls_files *files, size_t count,
	struct http_tls **out)
{
	struct http_tls *tls = calloc(1, sizeof(*tls));
	enum store_err err = STORE_NO_MEMORY;

	if (!tls)
		return err;
	mutex_init(&tls->lock);
	if (copy_files(tls, files, count))
		err = count ? http_tls_reload(tls) : STORE_INVALID;
	if (err)
		http_tls_free(&tls);
	else
		*out = tls;
	return err;
}

void
http_tls_free(struct http_tls **tls)
{
	struct http_tls *doomed = *tls;
	if (!doomed)
		return;

	free_certificates(doomed->certificates, doomed->count);
	for (size_t i = 0; i < doomed->count; i++) {
		free((char *)doomed->files[i].certificate);
		free((char *)doomed->files[i].key);
	}
	free(doomed->files);
	mutex_destroy(&doomed->lock);
	free(doomed);
	*tls = NULL;
}

SSL *
http_tls_open(struct http_tls *tls, int fd)
{
	mutex_lock(&tls->lock);
	SSL *ssl = SSL_new(tls->certificates[0]);
	mutex_unlock(&tls->lock);

	if (ssl && !SSL_set_fd(ssl, fd)) {
		SSL_free(ssl);
		return NULL;
	}
	if (ssl)
		SSL_set_accept_state(ssl);
	return ssl;
}
