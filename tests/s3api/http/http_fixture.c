/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/s3api/http/http_fixture.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "s3api/http/http_body.h"
#include "store/base/io.h"

static void
serve_echo(struct http_request *request, struct http_response *response)
{
	struct slice body = SLICE_NULL;
	enum store_err err =
		http_body_read_all(request, 2 * HTTP_FIXTURE_BIG, false, &body);

	if (err) {
		http_reply_begin(response, err == STORE_TOO_BIG ? 413 : 400);
		body = slice_str(error_name(err));
	} else {
		http_reply_begin(response, 200);
	}
	err = http_reply_body(response, body);
	(void)err;
}

static void
serve_file(struct http_request *request, struct http_response *response,
	int file)
{
	const struct http_param *params = NULL;
	const struct io_watch watch = {.word = NULL};
	unsigned long numbers[2] = {0, 0};
	uint64_t sent;
	size_t count = 0;
	enum store_err err =
		http_request_decode_query(request, &params, &count);

	cr_assert(zero(int, err));
	for (size_t i = 0; i < count && i < 2; i++)
		cr_assert(slice_to_u64(params[i].value, HTTP_FIXTURE_BIG,
			&numbers[i]));
	http_reply_begin(response, 200);
	err = http_reply_start(response, numbers[1]);
	if (!err)
		err = http_reply_file(response, file, numbers[0], numbers[1],
			&watch, &sent);
	(void)err;
}

static void
serve_hello(const struct http_request *request, struct http_response *response)
{
	http_reply_begin(response, 200);
	http_reply_header_str(response, "x-tls",
		request->is_tls ? "yes" : "no");
	http_reply_header_str(response, "x-split", "a\r\nInjected: b");
	http_reply_header_u64(response, "x-number", 7);
	http_reply_header_str(response, "content-type", "text/plain");
	http_reply_header_str(response, "etag", "\"e\"");
	http_reply_header_u64(response, "x-thread", (uint64_t)gettid());
	enum store_err err = http_reply_body(response, SLICE("hello"));
	(void)err;
}

static void
handle(struct http_request *request, struct http_response *response,
	void *context)
{
	struct http_fixture *fixture = context;
	struct slice path = request->path;
	enum store_err err = STORE_OK;

	if (slice_equal(path, SLICE("/hello"))) {
		serve_hello(request, response);
	} else if (slice_equal(path, SLICE("/echo"))) {
		serve_echo(request, response);
	} else if (slice_equal(path, SLICE("/file"))) {
		serve_file(request, response, fixture->file);
	} else if (slice_equal(path, SLICE("/short"))) {
		http_reply_begin(response, 200);
		err = http_reply_start(response, 10);
		if (!err)
			err = http_reply_write(response, SLICE("five5"));
	} else if (slice_equal(path, SLICE("/wait"))) {
		event_set(&fixture->entered);
		event_wait(&fixture->may_go);
		serve_hello(request, response);
	} else if (!slice_equal(path, SLICE("/nothing"))) {
		http_reply_begin(response, 404);
		err = http_reply_body(response, SLICE("unread"));
	}
	(void)err;
}

static void
refuse(struct http_response *response, unsigned int status, const char *reason,
	void *context)
{
	(void)context;
	http_reply_begin(response, status);
	enum store_err err = http_reply_body(response, slice_str(reason));
	(void)err;
}

const struct http_limits http_fixture_limits = {
	.header_bytes = 20 * 1024,
	.header_count = 20,
	.target_bytes = 8 * 1024,
	.connections = 3,
	.unread_bytes = 4096,
	.idle_timeout_ms = 20000,
	.header_timeout_ms = 20000,
	.body_timeout_ms = 20000,
	.send_timeout_ms = 20000,
	.handshake_timeout_ms = 20000,
};

static int
make_file(void)
{
	char name[] = "/tmp/test-http-XXXXXX";
	int fd = mkstemp(name);
	char *bytes = malloc(HTTP_FIXTURE_BIG);

	cr_assert(ge(int, fd, 0));
	unlink(name);
	for (size_t i = 0; i < HTTP_FIXTURE_BIG; i++)
		bytes[i] = (char)(i % 251);
	cr_assert(zero(int, io_pwrite_all(fd, bytes, HTTP_FIXTURE_BIG, 0)));
	free(bytes);
	return fd;
}

void
http_fixture_start_tls(struct http_fixture *fixture,
	const struct http_limits *limits, struct http_tls *tls)
{
	struct http_server_config config = {
		.address = "127.0.0.1",
		.tls = tls,
		.tls_address = "127.0.0.1",
		.loops = 2,
		.limits = *limits,
		.handle = handle,
		.refuse = refuse,
		.context = fixture,
	};

	*fixture = (struct http_fixture){.file = make_file()};
	cr_assert(zero(int, http_server_create(&config, &fixture->server)));
}

void
http_fixture_start_with(struct http_fixture *fixture,
	const struct http_limits *limits)
{
	http_fixture_start_tls(fixture, limits, NULL);
}

void
http_fixture_start(struct http_fixture *fixture)
{
	http_fixture_start_with(fixture, &http_fixture_limits);
}

void
http_fixture_stop(struct http_fixture *fixture)
{
	http_server_free(&fixture->server);
	close(fixture->file);
}

int
http_fixture_connect(unsigned int port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	cr_assert(zero(int,
		connect(fd, (struct sockaddr *)&address, sizeof(address))));
	return fd;
}

void
http_fixture_say(int fd, struct slice text)
{
	cr_assert(eq(long, send(fd, text.data, text.len, MSG_NOSIGNAL),
		(long)text.len));
}

void
http_fixture_hear_until(int fd, const char *text)
{
	size_t len = strlen(text);
	char last[100] = "";

	cr_assert(lt(sz, len, sizeof(last)));
	while (memcmp(last, text, len) != 0) {
		memmove(last, last + 1, len - 1);
		cr_assert(eq(long, recv(fd, last + len - 1, 1, 0), 1));
	}
}

unsigned long
http_fixture_thread_of(int fd)
{
	char reply[1000] = "";

	http_fixture_say(fd, SLICE("GET /hello HTTP/1.1\r\nHost: h\r\n\r\n"));
	cr_assert(gt(long, recv(fd, reply, sizeof(reply) - 1, 0), 0));
	const char *line = strstr(reply, "x-thread: ");
	cr_assert(ne(ptr, (void *)line, NULL));
	return strtoul(line + strlen("x-thread: "), NULL, 10);
}

char *
http_fixture_hear(int fd, size_t *len)
{
	size_t room = 2 * HTTP_FIXTURE_BIG;
	char *text = malloc(room + 1);
	ssize_t got;

	*len = 0;
	while ((got = recv(fd, text + *len, room - *len, 0)) > 0)
		*len += (size_t)got;
	text[*len] = '\0';
	return text;
}

char *
http_fixture_ask(const struct http_fixture *fixture, struct slice text,
	size_t *len)
{
	int fd = http_fixture_connect(http_server_port(fixture->server));

	http_fixture_say(fd, text);
	shutdown(fd, SHUT_WR);
	char *reply = http_fixture_hear(fd, len);
	close(fd);
	return reply;
}
