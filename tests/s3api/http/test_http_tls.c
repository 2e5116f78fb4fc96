/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/http/http_tls.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/s3api/http/http_fixture.h"
#include "tests/s3api/http/tls_client.h"

#define HELLO "GET /hello HTTP/1.1\r\nHost: h\r\n\r\n"
#define HELLO_AND_CLOSE                                                        \
	"GET /hello HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
/* From the header's end to the body of /hello. */
#define HELLO_END "\r\n\r\nhello"

/* A server of one certificate, "first" for first.example. */
struct site {
	struct certificate_authority authority;
	struct certificate certificate;
	struct http_tls *tls;
	struct http_fixture http;
};

static void
open_site(struct site *site, const struct http_limits *limits)
{
	certificate_authority_open(&site->authority);
	site->certificate = certificate_make(&site->authority, "first",
		"DNS:first.example");
	const struct http_tls_files files =
		certificate_files(&site->certificate);

	site->tls = NULL;
	cr_assert(zero(int, http_tls_create(&files, 1, &site->tls)));
	http_fixture_start_tls(&site->http, limits, site->tls);
}

static void
close_site(struct site *site)
{
	http_fixture_stop(&site->http);
	http_tls_free(&site->tls);
	certificate_authority_close(&site->authority);
}

static struct tls_client_options
to_site(const struct site *site)
{
	return (struct tls_client_options){
		.port = http_server_tls_port(site->http.server),
		.authority = &site->authority,
	};
}

static void
expect_hello(const struct tls_client_options *options)
{
	scoped(tls_client_close) struct tls_client client;
	size_t len = 0;

	tls_client_open(&client, options);
	cr_assert(client.is_open);
	char *reply = tls_client_ask(&client, SLICE(HELLO_AND_CLOSE), &len);
	cr_expect(strstr(reply, "HTTP/1.1 200 OK\r\n") != NULL, "%s", reply);
	cr_expect(strstr(reply, "x-tls: yes\r\n") != NULL, "%s", reply);
	cr_expect(strstr(reply, HELLO_END) != NULL, "%s", reply);
	free(reply);
}

/* Whose certificate a client that asks for that name gets. */
static void
expect_subject(const struct tls_client_options *options, const char *name,
	const char *subject)
{
	struct tls_client_options named = *options;
	scoped(tls_client_close) struct tls_client client;

	named.name = name;
	tls_client_open(&client, &named);
	cr_expect(client.is_open);
	cr_expect(eq(str, client.subject, (char *)subject), "for %s", name);
}

Test(http_tls, serves_tls_1_2_and_1_3_and_the_plain_port_beside_it)
{
	scoped(close_site) struct site site;
	open_site(&site, &http_fixture_limits);
	struct tls_client_options options = to_site(&site);
	size_t len = 0;

	options.version = TLS1_2_VERSION;
	expect_hello(&options);
	options.version = TLS1_3_VERSION;
	expect_hello(&options);

	char *reply = http_fixture_ask(&site.http, SLICE(HELLO), &len);
	cr_expect(strstr(reply, "x-tls: no\r\n") != NULL);
	free(reply);
}

Test(http_tls, refuses_older_versions)
{
	scoped(close_site) struct site site;
	open_site(&site, &http_fixture_limits);
	struct tls_client_options options = to_site(&site);
	scoped(tls_client_close) struct tls_client client;

	options.version = TLS1_1_VERSION;
	tls_client_open(&client, &options);

	cr_expect(not(client.is_open));
	cr_expect(eq(int, ERR_GET_REASON(ERR_peek_last_error()),
		SSL_R_TLSV1_ALERT_PROTOCOL_VERSION));
	options.version = 0;
	expect_hello(&options);
}

Test(http_tls, speaks_http_1_1_to_those_who_ask_for_a_protocol)
{
	scoped(close_site) struct site site;
	open_site(&site, &http_fixture_limits);
	struct tls_client_options options = to_site(&site);
	scoped(tls_client_close) struct tls_client both;
	scoped(tls_client_close) struct tls_client only_h2;
	const unsigned char *chosen = NULL;
	unsigned int len = 0;

	options.protocols = "\x02h2\x08http/1.1";
	tls_client_open(&both, &options);
	cr_expect(both.is_open);
	SSL_get0_alpn_selected(both.ssl, &chosen, &len);
	cr_expect(slice_equal(slice_of((const char *)chosen, len),
		SLICE("http/1.1")));

	options.protocols = "\x02h2";
	tls_client_open(&only_h2, &options);
	cr_expect(not(only_h2.is_open));
}

Test(http_tls, shows_the_certificate_made_for_the_name_asked_for)
{
	struct certificate_authority authority;
	certificate_authority_open(&authority);
	const struct certificate made[] = {
		certificate_make(&authority, "default", "DNS:other.example"),
		certificate_make(&authority, "wild", "DNS:*.s3.example"),
		certificate_make(&authority, "exact",
			"DNS:s3.example,DNS:one.s3.example"),
	};
	struct http_tls_files files[3];
	struct http_tls *tls = NULL;
	struct http_fixture http;
	for (size_t i = 0; i < 3; i++)
		files[i] = certificate_files(&made[i]);
	cr_assert(zero(int, http_tls_create(files, 3, &tls)));
	http_fixture_start_tls(&http, &http_server_limits_default, tls);
	const struct tls_client_options options = {
		.port = http_server_tls_port(http.server),
		.authority = &authority,
	};

	expect_subject(&options, NULL, "default");
	expect_subject(&options, "unknown.example", "default");
	expect_subject(&options, "s3.example", "exact");
	expect_subject(&options, "bucket.s3.example", "wild");
	expect_subject(&options, "BUCKET.S3.EXAMPLE", "wild");
	/* An exact name goes before a wildcard that fits too. */
	expect_subject(&options, "one.s3.example", "exact");
	/* A wildcard stands for one label. */
	expect_subject(&options, "a.b.s3.example", "default");

	http_fixture_stop(&http);
	http_tls_free(&tls);
	certificate_authority_close(&authority);
}

Test(http_tls, reads_certificates_anew_while_connections_go_on)
{
	scoped(close_site) struct site site;
	open_site(&site, &http_fixture_limits);
	const struct tls_client_options options = to_site(&site);
	scoped(tls_client_close) struct tls_client before;
	size_t len = 0;
	tls_client_open(&before, &options);
	cr_assert(before.is_open);
	const struct certificate second = certificate_make(&site.authority,
		"second", "DNS:second.example");

	cr_assert(zero(int, rename(second.file, site.certificate.file)));
	/* The key is still the old one: they do not fit. */
	cr_expect(eq(int, http_tls_reload(site.tls), STORE_INVALID));
	expect_subject(&options, NULL, "first");
	cr_assert(zero(int,
		rename(second.key_file, site.certificate.key_file)));
	cr_expect(zero(int, http_tls_reload(site.tls)));
	expect_subject(&options, NULL, "second");
	certificate_write(site.certificate.file, "nonsense");
	cr_expect(eq(int, http_tls_reload(site.tls), STORE_INVALID));
	cr_assert(zero(int, unlink(site.certificate.file)));
	cr_expect(eq(int, http_tls_reload(site.tls), STORE_NOT_FOUND));
	expect_subject(&options, NULL, "second");

	char *reply = tls_client_ask(&before, SLICE(HELLO_AND_CLOSE), &len);
	cr_expect(strstr(reply, HELLO_END) != NULL);
	free(reply);
}

static void *
shake_hands(void *arg)
{
	const struct tls_client_options *options = arg;

	for (int i = 0; i < 40; i++)
		expect_hello(options);
	return NULL;
}

Test(http_tls, reads_certificates_anew_during_handshakes)
{
	scoped(close_site) struct site site;
	open_site(&site, &http_server_limits_default);
	struct tls_client_options options = to_site(&site);
	pthread_t threads[2];
	options.name = "first.example";

	for (size_t i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, shake_hands, &options);
	for (size_t i = 0; i < 200; i++)
		cr_expect(zero(int, http_tls_reload(site.tls)));
	for (size_t i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
}

static void
write_sealed_key(const char *path)
{
	FILE *file = fopen(path, "w");
	EVP_PKEY *key = EVP_EC_gen("P-256");

	cr_assert(eq(int,
		PEM_write_PrivateKey(file, key, EVP_aes_256_cbc(),
			(unsigned char *)"passphrase", 10, NULL, NULL),
		1));
	fclose(file);
	EVP_PKEY_free(key);
}

Test(http_tls, says_what_it_cannot_use)
{
	struct certificate_authority authority;
	certificate_authority_open(&authority);
	const struct certificate one =
		certificate_make(&authority, "one", "DNS:one.example");
	const struct certificate two =
		certificate_make(&authority, "two", "DNS:two.example");
	struct http_tls *tls = NULL;
	struct http_tls_files files = certificate_files(&one);

	cr_expect(eq(int, http_tls_create(&files, 0, &tls), STORE_INVALID));
	files.key = two.key_file;
	cr_expect(eq(int, http_tls_create(&files, 1, &tls), STORE_INVALID));
	files.key = one.file;
	cr_expect(eq(int, http_tls_create(&files, 1, &tls), STORE_INVALID));
	files.key = "/no/such/file";
	cr_expect(eq(int, http_tls_create(&files, 1, &tls), STORE_NOT_FOUND));
	/* It does not ask the terminal for a passphrase. */
	write_sealed_key(two.key_file);
	files = certificate_files(&two);
	cr_expect(eq(int, http_tls_create(&files, 1, &tls), STORE_INVALID));
	cr_expect(eq(ptr, tls, NULL));

	certificate_authority_close(&authority);
}

Test(http_tls, moves_large_bodies_unchanged)
{
	scoped(close_site) struct site site;
	open_site(&site, &http_fixture_limits);
	const struct tls_client_options options = to_site(&site);
	scoped(tls_client_close) struct tls_client client;
	char *text = malloc(HTTP_FIXTURE_BIG + 200);
	size_t wrong = 0;
	size_t len = 0;
	tls_client_open(&client, &options);

	int head = snprintf(text, 200,
		"PUT /echo HTTP/1.1\r\nHost: h\r\nContent-Length: %zu\r\n\r\n",
		HTTP_FIXTURE_BIG);
	for (size_t i = 0; i < HTTP_FIXTURE_BIG; i++)
		text[(size_t)head + i] = (char)(i % 249);
	tls_client_say(&client,
		slice_of(text, (size_t)head + HTTP_FIXTURE_BIG));
	free(text);
	char ask[200];
	(void)snprintf(ask, sizeof(ask),
		"GET /file?a=1&n=%zu HTTP/1.1\r\nHost: h\r\n"
		"Connection: close\r\n\r\n",
		HTTP_FIXTURE_BIG - 1);
	tls_client_say(&client, slice_str(ask));
	char *reply =
		tls_client_hear(&client, 3 * HTTP_FIXTURE_BIG, &len, NULL);

	char *echo = strstr(reply, "\r\n\r\n");
	cr_assert(ne(ptr, echo, NULL));
	echo += 4;
	for (size_t i = 0; i < HTTP_FIXTURE_BIG; i++)
		wrong += echo[i] != (char)(i % 249);
	char *file = strstr(echo + HTTP_FIXTURE_BIG, "\r\n\r\n");
	cr_assert(ne(ptr, file, NULL));
	file += 4;
	cr_assert(eq(sz, len - (size_t)(file - reply), HTTP_FIXTURE_BIG - 1));
	for (size_t i = 0; i < HTTP_FIXTURE_BIG - 1; i++)
		wrong += file[i] != (char)((i + 1) % 251);
	cr_expect(zero(sz, wrong));
	free(reply);
}

/* Records that were gathered leave in pieces then. */
Test(http_tls, waits_for_who_reads_slowly)
{
	scoped(close_site) struct site site;
	open_site(&site, &http_fixture_limits);
	const struct tls_client_options options = to_site(&site);
	scoped(tls_client_close) struct tls_client client;
	const int room = 4096;
	size_t wrong = 0;
	size_t len = 0;
	char ask[200];
	tls_client_open(&client, &options);
	cr_assert(zero(int, setsockopt(client.fd, SOL_SOCKET, SO_RCVBUF, &room,
				    sizeof(room))));

	(void)snprintf(ask, sizeof(ask),
		"GET /file?a=0&n=%zu HTTP/1.1\r\nHost: h\r\n"
		"Connection: close\r\n\r\n",
		HTTP_FIXTURE_BIG);
	tls_client_say(&client, slice_str(ask));
	char *reply =
		tls_client_hear(&client, 2 * HTTP_FIXTURE_BIG, &len, NULL);

	char *file = strstr(reply, "\r\n\r\n");
	cr_assert(ne(ptr, file, NULL));
	file += 4;
	cr_assert(eq(sz, len - (size_t)(file - reply), HTTP_FIXTURE_BIG));
	for (size_t i = 0; i < HTTP_FIXTURE_BIG; i++)
		wrong += file[i] != (char)(i % 251);
	cr_expect(zero(sz, wrong));
	free(reply);
}

Test(http_tls, answers_requests_that_came_in_one_record)
{
	scoped(close_site) struct site site;
	open_site(&site, &http_fixture_limits);
	const struct tls_client_options options = to_site(&site);
	scoped(tls_client_close) struct tls_client client;
	size_t len = 0;
	tls_client_open(&client, &options);

	/* And records that came in one segment: OpenSSL reads ahead. */
	SSL_set_mode(client.ssl, SSL_MODE_ENABLE_PARTIAL_WRITE);
	BIO *out = BIO_new(BIO_s_mem());
	SSL_set0_wbio(client.ssl, out);
	tls_client_say(&client, SLICE(HELLO HELLO));
	tls_client_say(&client, SLICE(HELLO));
	tls_client_say(&client, SLICE(HELLO_AND_CLOSE));
	char *bytes = NULL;
	long size = BIO_get_mem_data(out, &bytes);
	http_fixture_say(client.fd, slice_of(bytes, (size_t)size));
	char *reply = tls_client_hear(&client, 100000, &len, NULL);

	size_t count = 0;
	for (char *at = reply; (at = strstr(at, HELLO_END)); at++)
		count++;
	cr_expect(eq(sz, count, 4), "%s", reply);
	free(reply);
}

static int
resume(struct tls_client_options *options, int version)
{
	scoped(tls_client_close) struct tls_client first;
	scoped(tls_client_close) struct tls_client second;
	size_t len = 0;

	options->version = version;
	options->session = NULL;
	tls_client_open(&first, options);
	/* The tickets of TLS 1.3 come with the first bytes. */
	char *reply = tls_client_ask(&first, SLICE(HELLO_AND_CLOSE), &len);
	free(reply);
	SSL_SESSION *session = SSL_get1_session(first.ssl);
	options->session = session;
	tls_client_open(&second, options);
	cr_expect(second.is_open);
	int is_reused = SSL_session_reused(second.ssl);
	SSL_SESSION_free(session);
	return is_reused;
}

Test(http_tls, resumes_sessions)
{
	scoped(close_site) struct site site;
	open_site(&site, &http_server_limits_default);
	struct tls_client_options options = to_site(&site);

	cr_expect(eq(int, resume(&options, TLS1_2_VERSION), 1));
	cr_expect(eq(int, resume(&options, TLS1_3_VERSION), 1));
}

Test(http_tls, tells_plain_http_that_it_came_to_the_wrong_port)
{
	scoped(close_site) struct site site;
	open_site(&site, &http_fixture_limits);
	const struct tls_client_options options = to_site(&site);
	size_t len = 0;
	int fd = http_fixture_connect(options.port);

	http_fixture_say(fd, SLICE(HELLO));
	char *reply = http_fixture_hear(fd, &len);

	cr_expect(strstr(reply, "HTTP/1.1 400 ") == reply, "%s", reply);
	cr_expect(strstr(reply, "this port speaks HTTPS") != NULL);
	free(reply);
	close(fd);
	expect_hello(&options);
}

Test(http_tls, ends_connections_of_garbage_and_serves_the_others)
{
	scoped(close_site) struct site site;
	open_site(&site, &http_server_limits_default);
	const struct tls_client_options options = to_site(&site);
	scoped(tls_client_close) struct tls_client neighbour;
	tls_client_open(&neighbour, &options);
	char bytes[3000];
	size_t len = 0;

	for (size_t i = 0; i < 64; i++) {
		int fd = http_fixture_connect(options.port);

		for (size_t k = 0; k < sizeof(bytes); k++)
			bytes[k] = (char)(k * (2 * i + 1) >> (i % 5));
		/* Some look like the first record of a handshake. */
		if (i % 2)
			memcpy(bytes, "\x16\x03\x01\x0b\xb3\x01", 6);
		ssize_t sent = send(fd, bytes, sizeof(bytes), MSG_NOSIGNAL);
		(void)sent;
		shutdown(fd, SHUT_WR);
		char *reply = http_fixture_hear(fd, &len);
		cr_expect(strstr(reply, "HTTP/1.1 200") == NULL);
		free(reply);
		close(fd);
	}

	/* One in the midst of a session. */
	scoped(tls_client_close) struct tls_client client;
	tls_client_open(&client, &options);
	tls_client_say(&client, SLICE("GET /hello HTTP/1.1\r\n"));
	http_fixture_say(client.fd, SLICE("\x17\x03\x03\x00\x20"
					  "0123456789abcdef"
					  "0123456789abcdef" HELLO));
	char *reply = tls_client_hear(&client, 1000, &len, NULL);
	cr_expect(zero(sz, len));
	free(reply);

	reply = tls_client_ask(&neighbour, SLICE(HELLO_AND_CLOSE), &len);
	cr_expect(strstr(reply, HELLO_END) != NULL);
	free(reply);
	expect_hello(&options);
}

Test(http_tls, does_not_wait_for_a_slow_handshake)
{
	struct http_limits limits = http_fixture_limits;
	limits.handshake_timeout_ms = 50;
	scoped(close_site) struct site site;
	open_site(&site, &limits);
	size_t len = 0;
	int silent =
		http_fixture_connect(http_server_tls_port(site.http.server));
	int slow = http_fixture_connect(http_server_tls_port(site.http.server));

	http_fixture_say(slow, SLICE("\x16\x03\x01\x02"));
	char *reply = http_fixture_hear(slow, &len);
	cr_expect(zero(sz, len));
	free(reply);
	reply = http_fixture_hear(silent, &len);
	cr_expect(zero(sz, len));
	free(reply);
	close(slow);
	close(silent);
}

Test(http_tls, lets_nobody_renegotiate)
{
	scoped(close_site) struct site site;
	open_site(&site, &http_fixture_limits);
	struct tls_client_options options = to_site(&site);
	scoped(tls_client_close) struct tls_client client;
	options.version = TLS1_2_VERSION;
	tls_client_open(&client, &options);
	cr_assert(client.is_open);

	cr_assert(eq(int, SSL_renegotiate(client.ssl), 1));
	ERR_clear_error();
	cr_expect(ne(int, SSL_do_handshake(client.ssl), 1));

	cr_expect(eq(int, ERR_GET_REASON(ERR_peek_error()),
		SSL_R_NO_RENEGOTIATION));
	expect_hello(&options);
}

Test(http_tls, says_goodbye_to_who_has_been_idle_for_too_long)
{
	struct http_limits limits = http_fixture_limits;
	limits.idle_timeout_ms = 50;
	scoped(close_site) struct site site;
	open_site(&site, &limits);
	const struct tls_client_options options = to_site(&site);
	scoped(tls_client_close) struct tls_client idle;
	bool is_clean = false;
	size_t len = 0;

	tls_client_open(&idle, &options);
	free(tls_client_hear(&idle, 1000, &len, &is_clean));

	cr_expect(zero(sz, len));
	cr_expect(is_clean);
}

Test(http_tls, says_goodbye_where_nothing_was_cut_short)
{
	scoped(close_site) struct site site;
	open_site(&site, &http_server_limits_default);
	const struct tls_client_options options = to_site(&site);
	scoped(tls_client_close) struct tls_client leaver;
	scoped(tls_client_close) struct tls_client asker;
	bool is_clean = false;
	size_t len = 0;

	tls_client_open(&leaver, &options);
	cr_expect(zero(int, SSL_shutdown(leaver.ssl)));
	cr_expect(eq(int, SSL_shutdown(leaver.ssl), 1));

	tls_client_open(&asker, &options);
	tls_client_say(&asker, SLICE("GET /hello HTTP/1.0\r\n\r\n"));
	char *reply = tls_client_hear(&asker, 1000, &len, &is_clean);
	cr_expect(strstr(reply, "\r\n\r\nhello") != NULL);
	cr_expect(is_clean);
	free(reply);
}

Test(http_tls, lets_a_reply_cut_short_look_like_one)
{
	scoped(close_site) struct site site;
	open_site(&site, &http_fixture_limits);
	const struct tls_client_options options = to_site(&site);
	scoped(tls_client_close) struct tls_client client;
	bool is_clean = true;
	size_t len = 0;
	tls_client_open(&client, &options);

	tls_client_say(&client, SLICE("GET /short HTTP/1.0\r\n\r\n"));
	char *reply = tls_client_hear(&client, 1000, &len, &is_clean);

	cr_expect(strstr(reply, "HTTP/1.1 200") == reply);
	cr_expect(not(is_clean));
	free(reply);
}

Test(http_tls, takes_a_goodbye_in_a_body_for_its_end)
{
	scoped(close_site) struct site site;
	open_site(&site, &http_fixture_limits);
	const struct tls_client_options options = to_site(&site);
	scoped(tls_client_close) struct tls_client client;
	size_t len = 0;
	tls_client_open(&client, &options);

	tls_client_say(&client, SLICE("PUT /echo HTTP/1.1\r\nHost: h\r\n"
				      "Content-Length: 9\r\n\r\nhalf"));
	cr_expect(zero(int, SSL_shutdown(client.ssl)));
	char *reply = tls_client_hear(&client, 1000, &len, NULL);

	cr_expect(strstr(reply, "\r\n\r\nCLOSED") != NULL, "%s", reply);
	free(reply);
}

static void *
drain(void *arg)
{
	http_server_drain(arg, 20000);
	return NULL;
}

Test(http_tls, drains_handshakes_and_idle_sessions_at_once)
{
	scoped(close_site) struct site site;
	open_site(&site, &http_fixture_limits);
	const struct tls_client_options options = to_site(&site);
	scoped(tls_client_close) struct tls_client busy;
	scoped(tls_client_close) struct tls_client idle;
	int shaking = http_fixture_connect(options.port);
	pthread_t thread;
	bool is_clean = false;
	size_t len = 0;
	char byte;
	tls_client_open(&busy, &options);
	tls_client_open(&idle, &options);
	tls_client_say(&busy, SLICE("GET /wait HTTP/1.1\r\nHost: h\r\n\r\n"));
	event_wait(&site.http.entered);

	pthread_create(&thread, NULL, drain, site.http.server);
	cr_expect(eq(long, recv(shaking, &byte, 1, 0), 0));
	free(tls_client_hear(&idle, 1000, &len, &is_clean));
	cr_expect(is_clean);
	event_set(&site.http.may_go);
	char *reply = tls_client_hear(&busy, 1000, &len, &is_clean);
	pthread_join(thread, NULL);

	cr_expect(strstr(reply, HELLO_END) != NULL);
	cr_expect(is_clean);
	free(reply);
	close(shaking);
}
