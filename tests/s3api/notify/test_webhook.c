/* SPDX-License-Identifier: Apache-2.0 */
/* One document on its way to somebody who may be anybody. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <dlfcn.h>
#include <netdb.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "s3api/notify/webhook.h"

#define REQUEST_MAX 4096

/* Gives one reply, to one connection; or many, of which it counts. */
struct peer {
	int listener;
	unsigned int port;
	const char *reply;
	size_t more; /* bytes behind it */
	int connections;
	char request[REQUEST_MAX + 1];
	pthread_t thread;
};

/* Up to the end of its body, "}". */
static void
receive(int fd, struct peer *peer)
{
	size_t len = 0;
	ssize_t got = 1;

	while (got > 0 && !memchr(peer->request, '}', len)) {
		got = recv(fd, peer->request + len, REQUEST_MAX - len, 0);
		len += got > 0 ? (size_t)got : 0;
	}
	peer->request[len] = '\0';
}

static void *
serve(void *arg)
{
	struct peer *peer = arg;
	static char bytes[4096];

	for (;;) {
		int fd = accept(peer->listener, NULL, NULL);

		if (fd < 0)
			return NULL;
		peer->connections++;
		receive(fd, peer);
		ssize_t sent = send(fd, peer->reply, strlen(peer->reply),
			MSG_NOSIGNAL);
		for (size_t i = 0; i < peer->more && sent > 0; i += 4096)
			sent = send(fd, bytes, sizeof(bytes), MSG_NOSIGNAL);
		close(fd);
	}
}

static void
peer_start(struct peer *peer)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(address);

	peer->listener = socket(AF_INET, SOCK_STREAM, 0);
	cr_assert(ge(int, peer->listener, 0));
	cr_assert(zero(int,
		bind(peer->listener, (struct sockaddr *)&address, len)));
	cr_assert(zero(int, listen(peer->listener, 8)));
	cr_assert(zero(int, getsockname(peer->listener,
				    (struct sockaddr *)&address, &len)));
	peer->port = ntohs(address.sin_port);
	cr_assert(zero(int, pthread_create(&peer->thread, NULL, serve, peer)));
}

static void
peer_stop(struct peer *peer)
{
	shutdown(peer->listener, SHUT_RDWR);
	pthread_join(peer->thread, NULL);
	close(peer->listener);
}

static bool
was_told(const struct peer *peer, const char *text)
{
	return strstr(peer->request, text) != NULL;
}

/* Whether it was taken. */
static bool
post_body(const char *url, struct slice body)
{
	CURLM *multi = curl_multi_init();
	scoped(webhook_free) struct webhook *webhook = NULL;
	const struct webhook_post what = {
		.multi = multi,
		.url = slice_str(url),
		.body = body,
		.topic = SLICE("arn:aws:sns:default:default:hook"),
		.secret = SLICE("key"),
	};
	const char *why = NULL;
	bool is_taken;
	int running;

	cr_assert(zero(int, webhook_begin(&what, &webhook)));
	for (struct webhook *ended = NULL; !ended;) {
		cr_assert(zero(int, curl_multi_perform(multi, &running)));
		ended = webhook_next(multi);
		if (!ended)
			(void)curl_multi_poll(multi, NULL, 0, 1000, NULL);
	}
	is_taken = webhook_is_taken(webhook, &why);
	cr_expect(why != NULL);
	webhook_free(&webhook);
	(void)curl_multi_cleanup(multi);
	return is_taken;
}

static bool
post(const char *url)
{
	return post_body(url, SLICE("{\"a\":1}"));
}

static bool
post_body_to(struct peer *peer, struct slice body)
{
	char url[64];
	bool is_taken;

	peer_start(peer);
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/hook?x=1", peer->port);
	is_taken = post_body(url, body);
	peer_stop(peer);
	return is_taken;
}

static bool
post_to(struct peer *peer)
{
	return post_body_to(peer, SLICE("{\"a\":1}"));
}

Test(webhook, is_taken_by_who_says_so)
{
	struct peer peer = {
		.reply = "HTTP/1.1 202 Fine\r\nContent-Length: 0\r\n\r\n"};

	cr_expect(post_to(&peer));
	cr_expect(was_told(&peer, "POST /hook?x=1 HTTP/1.1\r\n"));
	cr_expect(was_told(&peer, "content-type: application/json\r\n"));
	cr_expect(was_told(&peer,
		"x-tarn-topic: arn:aws:sns:default:default:hook\r\n"));
	cr_expect(was_told(&peer, "\r\n\r\n{\"a\":1}"));
	cr_expect(not(was_told(&peer, "xpect:")));
}

/* printf '{"a":1}' | openssl dgst -sha256 -hmac key */
Test(webhook, is_signed)
{
	struct peer peer = {
		.reply = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"};

	cr_expect(post_to(&peer));
	cr_expect(was_told(&peer, "x-tarn-signature: sha256="
				  "88a67f24bbcdaed0e6c997404bb79a74"
				  "3baf44c6bab2f4c27328e3009d22e342\r\n"));
}

Test(webhook, follows_nobody_elsewhere)
{
	struct peer other = {
		.reply = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"};
	char reply[128];
	struct peer peer = {.reply = reply};

	peer_start(&other);
	snprintf(reply, sizeof(reply),
		"HTTP/1.1 307 There\r\nLocation: http://127.0.0.1:%u/\r\n"
		"Content-Length: 0\r\n\r\n",
		other.port);
	cr_expect(not(post_to(&peer)));
	peer_stop(&other);

	cr_expect(eq(int, peer.connections, 1));
	cr_expect(eq(int, other.connections, 0));
}

Test(webhook, what_is_refused_or_says_nothing_is_not_taken)
{
	struct peer refuses = {
		.reply = "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"};
	struct peer hangs_up = {.reply = ""};
	struct peer babbles = {.reply = "SSH-2.0-x\r\n"};

	cr_expect(not(post_to(&refuses)));
	cr_expect(not(post_to(&hangs_up)));
	cr_expect(not(post_to(&babbles)));
}

Test(webhook, reads_no_endless_reply)
{
	struct peer peer = {
		.reply = "HTTP/1.1 200 OK\r\n\r\n",
		.more = 1ul << 40,
	};

	cr_expect(post_to(&peer), "and it came back");
}

Test(webhook, is_taken_though_the_reply_is_cut_short)
{
	struct peer peer = {.reply = "HTTP/1.1 200 OK\r\n"
				     "Content-Length: 10\r\n\r\nab"};

	cr_expect(post_to(&peer));
}

/* Who reads a part of it has not got it. */
Test(webhook, what_is_answered_before_it_is_read_is_not_taken)
{
	struct peer peer = {
		.reply = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"};
	scoped(buffer_free) struct buffer body = {0};

	for (int i = 0; i < 1 << 20; i++)
		buffer_append_str(&body, "12345678901234567890");

	cr_expect(not(post_body_to(&peer, buffer_slice(&body))));
}

/* --- a resolver that does not answer -------------------------------------- */

static sem_t resolver_asked, resolver_answers, resolver_done;

/* Instead of libc's, for libcurl, too. */
int
getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
	struct addrinfo **out)
{
	static int (*real)(const char *, const char *, const struct addrinfo *,
		struct addrinfo **);

	if (!node || strcmp(node, "silent.invalid") != 0) {
		if (!real)
			*(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
		return real(node, service, hints, out);
	}
	sem_post(&resolver_asked);
	while (sem_wait(&resolver_answers))
		;
	sem_post(&resolver_done);
	return EAI_AGAIN;
}

/* Else nothing would be delivered meanwhile, nor the server end. */
Test(webhook, waits_for_no_resolver_once_it_is_cut_off)
{
	CURLM *multi = curl_multi_init();
	struct webhook *webhook = NULL;
	const struct webhook_post what = {
		.multi = multi,
		.url = SLICE("http://silent.invalid/"),
		.body = SLICE("{}"),
		.topic = SLICE("arn"),
	};
	int running;

	sem_init(&resolver_asked, 0, 0);
	sem_init(&resolver_answers, 0, 0);
	sem_init(&resolver_done, 0, 0);
	cr_assert(zero(int, webhook_begin(&what, &webhook)));
	cr_assert(zero(int, curl_multi_perform(multi, &running)));
	while (sem_wait(&resolver_asked))
		;
	webhook_free(&webhook);

	cr_expect(zero(ptr, webhook));
	sem_post(&resolver_answers);
	while (sem_wait(&resolver_done))
		;
	(void)curl_multi_cleanup(multi);
}

Test(webhook, a_url_is_one_that_it_can_be_sent_to)
{
	cr_expect(webhook_url_is_valid(SLICE("http://h")));
	cr_expect(webhook_url_is_valid(SLICE("https://h:65535/a?b=c")));
	cr_expect(webhook_url_is_valid(SLICE("https://[::1]:8443/")));

	cr_expect(not(webhook_url_is_valid(SLICE("http://h:65536/"))));
	cr_expect(not(webhook_url_is_valid(SLICE("http://h:x/"))));
	cr_expect(not(webhook_url_is_valid(SLICE("http://[::1/"))));
	cr_expect(not(webhook_url_is_valid(SLICE("http://user:key@h/"))),
		"tarn topic list would show it");
	cr_expect(not(webhook_url_is_valid(SLICE("http://user@h/"))));
	cr_expect(not(webhook_url_is_valid(SLICE("ftp://h/"))));
	cr_expect(not(webhook_url_is_valid(SLICE("http://"))));
}

Test(webhook, speaks_http_alone)
{
	cr_expect(not(post("file:///etc/passwd")));
	cr_expect(not(post("ftp://127.0.0.1/")));
	cr_expect(not(post("gopher://127.0.0.1:1/_x")));
}
