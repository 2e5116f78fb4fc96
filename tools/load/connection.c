/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/load/connection.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "store/base/clock.h"

static _Noreturn void
fail(const char *what)
{
	fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
	exit(1);
}

SSL_CTX *
connection_tls(void)
{
	SSL_CTX *tls = SSL_CTX_new(TLS_client_method());

	if (!tls || !SSL_CTX_set_min_proto_version(tls, TLS1_3_VERSION))
		exit(1);
	SSL_CTX_set_mode(tls, SSL_MODE_ENABLE_PARTIAL_WRITE |
				      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_read_ahead(tls, 1);
	return tls;
}

static SSL *
shake_hands(SSL_CTX *tls, int fd)
{
	SSL *ssl = SSL_new(tls);

	if (!ssl || !SSL_set_fd(ssl, fd) || SSL_connect(ssl) != 1) {
		fprintf(stderr, "load: no TLS 1.3\n");
		exit(1);
	}
	return ssl;
}

void
connection_open(struct connection *c, const char *host, unsigned int port,
	SSL_CTX *tls, int epoll, unsigned int index)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
	};
	struct epoll_event event = {
		.events = EPOLLIN | EPOLLOUT | EPOLLET,
		.data.u32 = index,
	};
	int one = 1;

	if (inet_pton(AF_INET, host, &address.sin_addr) != 1)
		fail("--host takes an IPv4 address");
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0 ||
		connect(c->fd, (struct sockaddr *)&address, sizeof(address)))
		fail("connect");
	(void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	c->ssl = tls ? shake_hands(tls, c->fd) : NULL;
	if (fcntl(c->fd, F_SETFL, O_NONBLOCK))
		fail("fcntl");
	c->index = index;
	c->epoll = epoll;
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &event))
		fail("epoll_ctl");
}

/* As a system call's: -1 and EAGAIN, or what must not happen. */
static ssize_t
result_of_tls(struct connection *c, int result, size_t count)
{
	if (result == 1)
		return (ssize_t)count;
	int error = SSL_get_error(c->ssl, result);

	if (error == SSL_ERROR_ZERO_RETURN)
		return 0;
	errno = error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE
			? EAGAIN
			: EPROTO;
	return -1;
}

static ssize_t
send_vector(struct connection *c, const struct iovec *vector)
{
	const struct iovec *first = vector[0].iov_len ? vector : vector + 1;
	size_t sent = 0;

	if (!c->ssl)
		return writev(c->fd, vector, 2);
	int result =
		SSL_write_ex(c->ssl, first->iov_base, first->iov_len, &sent);
	return result_of_tls(c, result, sent);
}

static ssize_t
receive(struct connection *c, void *to, size_t len, int flags)
{
	size_t got = 0;

	if (!c->ssl)
		return recv(c->fd, to, len, flags);
	int result = SSL_read_ex(c->ssl, to, len, &got);
	return result_of_tls(c, result, got);
}

/* False: the socket is full. */
static bool
send_some(struct connection *c)
{
	const struct request *request = c->request;

	while (c->head_sent < request->head_len ||
		c->sent_body < request->body_size) {
		size_t head = request->head_len - c->head_sent;
		uint64_t body = request->body_size - c->sent_body;
		struct iovec vector[2] = {
			{request->head + c->head_sent, head},
			{(void *)(uintptr_t)sign_body(),
				body < SIGN_BODY_PIECE ? body
						       : SIGN_BODY_PIECE},
		};
		uint64_t at = c->sent_body % SIGN_BODY_PIECE;

		vector[1].iov_base = (char *)vector[1].iov_base + at;
		if (vector[1].iov_len > SIGN_BODY_PIECE - at)
			vector[1].iov_len = SIGN_BODY_PIECE - at;

		ssize_t sent = send_vector(c, vector);

		if (sent < 0 && (errno == EAGAIN || errno == EINTR))
			return false;
		if (sent < 0)
			fail("send");
		size_t of_head = (size_t)sent < head ? (size_t)sent : head;

		c->head_sent += of_head;
		c->sent_body += (uint64_t)sent - of_head;
	}
	return true;
}

static uint64_t
content_length(const char *head)
{
	for (const char *line = strstr(head, "\r\n"); line;
		line = strstr(line + 2, "\r\n")) {
		if (!strncasecmp(line + 2, "content-length:", 15))
			return strtoull(line + 17, NULL, 10);
	}
	return 0;
}

/* False: the socket is empty. */
static bool
receive_head(struct connection *c)
{
	for (;;) {
		ssize_t got = receive(c, c->head + c->head_got,
			CONNECTION_HEAD_MAX - 1 - c->head_got, 0);

		if (got < 0 && (errno == EAGAIN || errno == EINTR))
			return false;
		if (got <= 0)
			fail("the server closed the connection");
		c->head_got += (size_t)got;
		c->head[c->head_got] = '\0';
		char *end = strstr(c->head, "\r\n\r\n");

		if (!end)
			continue;
		size_t len = (size_t)(end + 4 - c->head);

		c->has_head = true;
		c->status = (unsigned)strtoul(c->head + 9, NULL, 10);
		c->reply_body =
			c->request->is_head ? 0 : content_length(c->head);
		c->reply_left = c->reply_body - (c->head_got - len);
		return true;
	}
}

/* MSG_TRUNC: the kernel drops the bytes without copying them; what TLS has
 * to decrypt is dropped after that. */
static bool
drop_body(struct connection *c)
{
	/* Never touched but by TLS; the C library checks what it is told. */
	static char nothing[1 << 22];

	while (c->reply_left > 0) {
		size_t most = c->reply_left < sizeof(nothing)
				      ? (size_t)c->reply_left
				      : sizeof(nothing);
		ssize_t got = receive(c, nothing, most, MSG_TRUNC);

		if (got < 0 && (errno == EAGAIN || errno == EINTR))
			return false;
		if (got <= 0)
			fail("the reply ended early");
		c->reply_left -= (uint64_t)got;
	}
	return true;
}

bool
connection_advance(struct connection *c)
{
	if (!send_some(c))
		return false;
	if (!c->has_head && !receive_head(c))
		return false;
	return drop_body(c);
}

void
connection_begin(struct connection *c, const struct request *request)
{
	c->request = request;
	c->began_ns = clock_monotonic_ns();
	c->head_sent = 0;
	c->sent_body = 0;
	c->head_got = 0;
	c->has_head = false;
	(void)send_some(c);
}
