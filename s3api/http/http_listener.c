/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/http/http_listener.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "store/base/clock.h"
#include "store/base/io.h"

#define BACKLOG 4096

/* A process that is killed leaves its io_uring to the kernel, which lets go of
 * the sockets that wait in it some milliseconds after the process is gone:
 * whoever starts the next server at once finds the address taken. */
#define TAKEN_MS 1000
#define TAKEN_PAUSE_MS 5

static enum store_err
listen_error(int number)
{
	switch (number) {
	case EADDRINUSE:
		return STORE_BUSY;
	case EACCES:
		return STORE_ACCESS;
	case EADDRNOTAVAIL:
	case EAFNOSUPPORT:
		return STORE_INVALID;
	default:
		return error_from_errno(number);
	}
}

static enum store_err
listen_at(const struct addrinfo *address, int *out)
{
	int one = 1;
	int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC,
		IPPROTO_TCP);

	if (fd < 0)
		return listen_error(errno);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (bind(fd, address->ai_addr, address->ai_addrlen) ||
		listen(fd, BACKLOG)) {
		enum store_err err = listen_error(errno);

		close(fd);
		return err;
	}
	*out = fd;
	return STORE_OK;
}

static enum store_err
listen_at_any(const struct addrinfo *addresses, int *out)
{
	enum store_err err = STORE_INVALID;

	for (; addresses && err; addresses = addresses->ai_next)
		err = listen_at(addresses, out);
	return err;
}

static unsigned int
port_of(int listener)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} address = {.v6 = {0}};
	socklen_t len = sizeof(address);

	if (getsockname(listener, &address.any, &len))
		return 0;
	return ntohs(address.any.sa_family == AF_INET6 ? address.v6.sin6_port
						       : address.v4.sin_port);
}

enum store_err
http_listener_open(const char *address, unsigned int port,
	struct http_listener *out)
{
	struct addrinfo hints = {
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_PASSIVE | AI_NUMERICSERV,
	};
	struct addrinfo *addresses = NULL;
	char service[16];
	int fd = -1;

	if (port > UINT16_MAX)
		return STORE_INVALID;
	snprintf(service, sizeof(service), "%u", port);
	if (getaddrinfo(address, service, &hints, &addresses))
		return STORE_INVALID;
	int64_t deadline_ms = clock_monotonic_ms() + TAKEN_MS;
	enum store_err err = listen_at_any(addresses, &fd);
	while (err == STORE_BUSY && clock_monotonic_ms() < deadline_ms) {
		io_sleep_ms(TAKEN_PAUSE_MS);
		err = listen_at_any(addresses, &fd);
	}
	freeaddrinfo(addresses);
	if (!err)
		*out = (struct http_listener){.fd = fd, .port = port_of(fd)};
	return err;
}

void
http_listener_close(struct http_listener *listener)
{
	close(listener->fd);
	listener->fd = -1;
}
