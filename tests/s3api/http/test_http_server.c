/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/http/http_server.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "s3api/http/http_body.h"
#include "store/base/buffer.h"
#include "store/base/event.h"
#include "store/base/io.h"

#define BIG ((size_t)3 * 1024 * 1024 + 17)

/* What the handler of these tests shares with the test. */
struct fixture {
	struct http_server *server;
	int file; /* BIG bytes of a pattern */
	struct event entered;
	struct event may_go;
};

static void
serve_echo(struct http_request *request, struct http_response *response)
{
	struct slice body = SLICE_NULL;
	enum store_err err = http_body_read_all(request, 2 * BIG, &body);

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
serve_stream(struct http_response *response, bool is_complete)
{
	http_reply_begin(response, 200);
	enum store_err err = http_reply_start_unknown(response);

	for (int i = 0; !err && i < 3; i++)
		err = http_reply_write(response, SLICE("piece "));
	if (!err && is_complete)
		err = http_reply_end(response);
	cr_expect(zero(int, err));
}

static void
serve_file(struct http_request *request, struct http_response *response,
	int file)
{
	const struct http_param *params = NULL;
	unsigned long numbers[2] = {0, 0};
	size_t count = 0;
	enum store_err err =
		http_request_decode_query(request, &params, &count);

	cr_assert(zero(int, err));
	for (size_t i = 0; i < count && i < 2; i++)
		cr_assert(slice_to_u64(params[i].value, BIG, &numbers[i]));
	http_reply_begin(response, 200);
	err = http_reply_start(response, numbers[1]);
	if (!err)
		err = http_reply_file(response, file, numbers[0], numbers[1]);
	(void)err;
}

static void
serve_head(struct http_response *response)
{
	http_reply_begin(response, 200);
	http_reply_header_str(response, "x-split", "a\r\nInjected: b");
	http_reply_header_u64(response, "x-number", 7);
	enum store_err err = http_reply_body(response, SLICE("hello"));
	(void)err;
}

static void
handle(struct http_request *request, struct http_response *response,
	void *context)
{
	struct fixture *fixture = context;
	struct slice path = request->path;
	enum store_err err = STORE_OK;

	if (slice_equal(path, SLICE("/hello"))) {
		serve_head(response);
	} else if (slice_equal(path, SLICE("/echo"))) {
		serve_echo(request, response);
	} else if (slice_equal(path, SLICE("/file"))) {
		serve_file(request, response, fixture->file);
	} else if (slice_equal(path, SLICE("/stream"))) {
		serve_stream(response, true);
	} else if (slice_equal(path, SLICE("/broken"))) {
		serve_stream(response, false);
	} else if (slice_equal(path, SLICE("/short"))) {
		http_reply_begin(response, 200);
		err = http_reply_start(response, 10);
		if (!err)
			err = http_reply_write(response, SLICE("five5"));
	} else if (slice_equal(path, SLICE("/wait"))) {
		event_set(&fixture->entered);
		event_wait(&fixture->may_go);
		serve_head(response);
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

static const struct http_limits test_limits = {
	.header_bytes = 20 * 1024,
	.header_count = 20,
	.target_bytes = 8 * 1024,
	.connections = 3,
	.unread_bytes = 4096,
	.idle_timeout_ms = 20000,
	.header_timeout_ms = 20000,
	.body_timeout_ms = 20000,
	.send_timeout_ms = 20000,
};

static int
make_file(void)
{
	char name[] = "/tmp/test-http-XXXXXX";
	int fd = mkstemp(name);
	char *bytes = malloc(BIG);

	cr_assert(ge(int, fd, 0));
	unlink(name);
	for (size_t i = 0; i < BIG; i++)
		bytes[i] = (char)(i % 251);
	cr_assert(zero(int, io_pwrite_all(fd, bytes, BIG, 0)));
	free(bytes);
	return fd;
}

static void
start_with(struct fixture *fixture, const struct http_limits *limits)
{
	struct http_server_config config = {
		.address = "127.0.0.1",
		.loops = 2,
		.limits = *limits,
		.handle = handle,
		.refuse = refuse,
		.context = fixture,
	};

	*fixture = (struct fixture){.file = make_file()};
	cr_assert(zero(int, http_server_create(&config, &fixture->server)));
}

static void
start(struct fixture *fixture)
{
	start_with(fixture, &test_limits);
}

static void
stop(struct fixture *fixture)
{
	http_server_free(&fixture->server);
	close(fixture->file);
}

static int
connect_to(const struct http_server *server)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)http_server_port(server)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	cr_assert(zero(int,
		connect(fd, (struct sockaddr *)&address, sizeof(address))));
	return fd;
}

static void
say(int fd, struct slice text)
{
	cr_assert(eq(long, send(fd, text.data, text.len, MSG_NOSIGNAL),
		(long)text.len));
}

/* Everything until the server closes; NUL-terminated, to be freed. */
static char *
hear_all(int fd, size_t *len)
{
	size_t room = 2 * BIG;
	char *text = malloc(room + 1);
	ssize_t got;

	*len = 0;
	while ((got = recv(fd, text + *len, room - *len, 0)) > 0)
		*len += (size_t)got;
	text[*len] = '\0';
	return text;
}

/* One whole exchange on a connection of its own. */
static char *
ask(const struct http_server *server, struct slice text, size_t *len)
{
	int fd = connect_to(server);

	say(fd, text);
	shutdown(fd, SHUT_WR);
	char *reply = hear_all(fd, len);
	close(fd);
	return reply;
}

static bool
holds(const char *text, const char *wanted)
{
	return strstr(text, wanted) != NULL;
}

static size_t
count_of(const char *text, const char *wanted)
{
	size_t count = 0;

	for (; (text = strstr(text, wanted)); text++)
		count++;
	return count;
}

/* Asks, and expects each of the strings in the reply. */
static void
expect_reply(const struct http_server *server, struct slice text,
	const char *const *wanted)
{
	size_t len = 0;
	char *reply = ask(server, text, &len);

	for (; *wanted; wanted++)
		cr_expect(holds(reply, *wanted), "%s not in %s", *wanted,
			reply);
	free(reply);
}

#define EXPECT_REPLY(fixture, text, ...)                                       \
	expect_reply((fixture).server, SLICE(text),                            \
		(const char *const[]){__VA_ARGS__, NULL})

Test(http_server, answers_with_headers_and_a_body)
{
	scoped(stop) struct fixture fixture;
	start(&fixture);

	EXPECT_REPLY(fixture, "GET /hello HTTP/1.1\r\nHost: h\r\n\r\n",
		"HTTP/1.1 200 OK\r\n", "\r\nContent-Length: 5\r\n",
		"\r\nx-number: 7\r\n", "\r\nx-split: a  Injected: b\r\n",
		"\r\nDate: ", "\r\n\r\nhello");
}

Test(http_server, answers_head_with_the_header_alone)
{
	scoped(stop) struct fixture fixture;
	start(&fixture);
	size_t len = 0;
	char *reply = ask(fixture.server,
		SLICE("HEAD /hello HTTP/1.1\r\nHost: h\r\n\r\n"
		      "HEAD /file?a=0&n=100000 HTTP/1.1\r\nHost: h\r\n\r\n"
		      "HEAD /stream HTTP/1.1\r\nHost: h\r\n\r\n"),
		&len);

	cr_expect(holds(reply, "Content-Length: 5\r\n"));
	cr_expect(holds(reply, "Content-Length: 100000\r\n"));
	cr_expect(eq(sz, count_of(reply, "\r\n\r\nHTTP/1.1 200"), 2));
	cr_expect(eq(str, reply + len - 4, "\r\n\r\n"));
	free(reply);
}

Test(http_server, answers_pipelined_requests_in_their_order)
{
	scoped(stop) struct fixture fixture;
	start(&fixture);
	size_t len = 0;
	char *reply = ask(fixture.server,
		SLICE("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n"
		      "\r\none"
		      "POST /echo HTTP/1.1\r\nHost: h\r\n"
		      "Transfer-Encoding: chunked\r\n\r\n3\r\ntwo\r\n0\r\n\r\n"
		      "PUT /unread HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n"
		      "\r\nthree"
		      "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n"
		      "\r\nfour"),
		&len);

	const char *one = strstr(reply, "\r\n\r\noneHTTP/1.1 200");
	const char *two = strstr(reply, "\r\n\r\ntwoHTTP/1.1 404");
	const char *four = strstr(reply, "\r\n\r\nfour");
	cr_expect(one && two && four && one < two && two < four, "%s", reply);
	free(reply);
}

Test(http_server, takes_a_request_byte_by_byte)
{
	scoped(stop) struct fixture fixture;
	start(&fixture);
	struct slice text =
		SLICE("POST /echo HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
		      "Transfer-Encoding: chunked\r\n\r\n"
		      "2\r\nhi\r\n0\r\n\r\n");
	int fd = connect_to(fixture.server);
	int one = 1;
	size_t len = 0;
	setsockopt(fd, IPPROTO_TCP, 1 /* TCP_NODELAY */, &one, sizeof(one));

	for (size_t i = 0; i < text.len; i++)
		say(fd, slice_of(text.data + i, 1));
	char *reply = hear_all(fd, &len);

	cr_expect(holds(reply, "Connection: close\r\n"));
	cr_expect(holds(reply, "\r\n\r\nhi"));
	free(reply);
	close(fd);
}

static void
expect_file(const struct fixture *fixture, size_t offset, size_t len)
{
	char text[128];
	size_t got = 0;
	int size = snprintf(text, sizeof(text),
		"GET /file?a=%zu&n=%zu HTTP/1.1\r\nHost: h\r\n\r\n", offset,
		len);
	char *reply = ask(fixture->server, slice_of(text, (size_t)size), &got);
	char *body = strstr(reply, "\r\n\r\n");
	size_t wrong = 0;

	cr_assert(ne(ptr, body, NULL));
	body += 4;
	cr_expect(eq(sz, got - (size_t)(body - reply), len));
	for (size_t i = 0; i < len; i++)
		wrong += body[i] != (char)((offset + i) % 251);
	cr_expect(zero(sz, wrong));
	free(reply);
}

Test(http_server, sends_ranges_of_files_of_any_size)
{
	scoped(stop) struct fixture fixture;
	start(&fixture);

	expect_file(&fixture, 0, 0);
	expect_file(&fixture, 5, 1);
	expect_file(&fixture, 100, 4096);
	expect_file(&fixture, 1, 300000);
	expect_file(&fixture, 17, BIG - 17);
}

Test(http_server, closes_where_the_file_is_shorter_than_promised)
{
	scoped(stop) struct fixture fixture;
	start(&fixture);

	/* Nothing had been sent: it can still say so. */
	EXPECT_REPLY(fixture,
		"GET /file?a=3145740&n=1000 HTTP/1.1\r\nHost: h\r\n\r\n",
		"HTTP/1.1 500 ");
}

Test(http_server, streams_a_body_of_unknown_length)
{
	scoped(stop) struct fixture fixture;
	start(&fixture);

	EXPECT_REPLY(fixture, "GET /stream HTTP/1.1\r\nHost: h\r\n\r\n",
		"Transfer-Encoding: chunked\r\n",
		"\r\n\r\n6\r\npiece \r\n6\r\npiece \r\n6\r\npiece \r\n"
		"0\r\n\r\n");
	EXPECT_REPLY(fixture, "GET /stream HTTP/1.0\r\n\r\n",
		"Connection: close\r\n", "\r\n\r\npiece piece piece ");
}

Test(http_server, never_completes_what_its_handler_did_not)
{
	scoped(stop) struct fixture fixture;
	start(&fixture);
	size_t len = 0;
	char *reply = ask(fixture.server,
		SLICE("GET /broken HTTP/1.1\r\nHost: h\r\n\r\n"
		      "GET /hello HTTP/1.1\r\nHost: h\r\n\r\n"),
		&len);

	cr_expect(not(holds(reply, "\r\n0\r\n")));
	cr_expect(eq(sz, count_of(reply, "HTTP/1.1 "), 1));
	free(reply);

	reply = ask(fixture.server,
		SLICE("GET /short HTTP/1.1\r\nHost: h\r\n\r\n"
		      "GET /hello HTTP/1.1\r\nHost: h\r\n\r\n"),
		&len);
	cr_expect(eq(sz, count_of(reply, "HTTP/1.1 "), 1));
	cr_expect(holds(reply, "\r\n\r\nfive5"));
	free(reply);

	EXPECT_REPLY(fixture, "GET /nothing HTTP/1.1\r\nHost: h\r\n\r\n",
		"HTTP/1.1 500 ", "Connection: close\r\n");
}

Test(http_server, asks_for_the_body_only_when_it_is_read)
{
	scoped(stop) struct fixture fixture;
	start(&fixture);
	struct slice go_on = SLICE("HTTP/1.1 100 Continue\r\n\r\n");
	char first[64] = "";
	size_t len = 0;
	int fd = connect_to(fixture.server);

	say(fd, SLICE("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n"
		      "Expect: 100-continue\r\nConnection: close\r\n\r\n"));
	ssize_t got = recv(fd, first, go_on.len, MSG_WAITALL);
	cr_expect(slice_equal(slice_of(first, (size_t)got), go_on));
	say(fd, SLICE("body"));
	char *reply = hear_all(fd, &len);
	cr_expect(holds(reply, "HTTP/1.1 200 OK"));
	cr_expect(holds(reply, "\r\n\r\nbody"));
	free(reply);
	close(fd);

	reply = ask(fixture.server,
		SLICE("PUT /unread HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n"
		      "Expect: 100-continue\r\n\r\n"),
		&len);
	cr_expect(not(holds(reply, "100 Continue")));
	cr_expect(holds(reply, "HTTP/1.1 404 "));
	cr_expect(holds(reply, "Connection: close\r\n"));
	free(reply);
	EXPECT_REPLY(fixture,
		"PUT /echo HTTP/1.1\r\nHost: h\r\nExpect: a-miracle\r\n\r\n",
		"HTTP/1.1 417 ");
}

Test(http_server, tells_the_handler_of_a_body_cut_short)
{
	scoped(stop) struct fixture fixture;
	start(&fixture);

	EXPECT_REPLY(fixture,
		"PUT /echo HTTP/1.1\r\nHost: h\r\nContent-Length: "
		"9\r\n\r\nhalf",
		"HTTP/1.1 400 ", "\r\n\r\nCLOSED", "Connection: close\r\n");
	EXPECT_REPLY(fixture,
		"PUT /echo HTTP/1.1\r\nHost: h\r\n"
		"Transfer-Encoding: chunked\r\n\r\n9\r\nhalf",
		"\r\n\r\nCLOSED");
	EXPECT_REPLY(fixture,
		"PUT /echo HTTP/1.1\r\nHost: h\r\n"
		"Transfer-Encoding: chunked\r\n\r\nnonsense",
		"\r\n\r\nINVALID", "Connection: close\r\n");
}

Test(http_server, takes_large_bodies)
{
	scoped(stop) struct fixture fixture;
	start(&fixture);
	char *text = malloc(BIG + 200);
	size_t len = 0;
	size_t head = (size_t)snprintf(text, 200,
		"PUT /echo HTTP/1.1\r\nHost: h\r\nContent-Length: %zu\r\n\r\n",
		BIG);
	for (size_t i = 0; i < BIG; i++)
		text[head + i] = (char)(i % 249);

	char *reply = ask(fixture.server, slice_of(text, head + BIG), &len);

	char *body = strstr(reply, "\r\n\r\n");
	cr_assert(ne(ptr, body, NULL));
	cr_expect(slice_equal(slice_of(body + 4,
				      len - (size_t)(body + 4 - reply)),
		slice_of(text + head, BIG)));
	free(reply);
	free(text);
}

Test(http_server, closes_rather_than_read_a_large_body_nobody_wants)
{
	scoped(stop) struct fixture fixture;
	start(&fixture);

	EXPECT_REPLY(fixture,
		"PUT /unread HTTP/1.1\r\nHost: h\r\nContent-Length: "
		"4097\r\n\r\n",
		"HTTP/1.1 404 ", "Connection: close\r\n", "\r\n\r\nunread");
}

static void
expect_too_long(const struct fixture *fixture, const char *before, size_t len,
	const char *after, const char *wanted)
{
	struct buffer text = {0};
	size_t got = 0;

	buffer_append_str(&text, before);
	for (size_t i = 0; i < len; i++)
		buffer_append_char(&text, 'x');
	buffer_append_str(&text, after);
	char *reply = ask(fixture->server, buffer_slice(&text), &got);
	cr_expect(holds(reply, wanted), "%s", reply);
	free(reply);
	buffer_free(&text);
}

Test(http_server, limits_the_header)
{
	scoped(stop) struct fixture fixture;
	start(&fixture);

	expect_too_long(&fixture, "GET /", 9000, " HTTP/1.1\r\nHost: h\r\n\r\n",
		"HTTP/1.1 414 ");
	expect_too_long(&fixture, "GET /", 100000, "", "HTTP/1.1 414 ");
	expect_too_long(&fixture,
		"GET /hello HTTP/1.1\r\nHost: h\r\nA: ", 18000, "\r\n\r\n",
		"HTTP/1.1 200 ");
	expect_too_long(&fixture,
		"GET /hello HTTP/1.1\r\nHost: h\r\nA: ", 21000, "\r\n\r\n",
		"HTTP/1.1 431 ");
	expect_too_long(&fixture,
		"GET /hello HTTP/1.1\r\nHost: h\r\nA: ", 300000, "",
		"HTTP/1.1 431 ");
}

Test(http_server, refuses_what_is_not_http)
{
	scoped(stop) struct fixture fixture;
	start(&fixture);

	EXPECT_REPLY(fixture, "GET / HTTP/1.1\r\nA : b\r\n\r\n",
		"HTTP/1.1 400 ", "Connection: close\r\n");
	EXPECT_REPLY(fixture, "\x16\x03\x01\x02 nonsense\r\n\r\n",
		"HTTP/1.1 400 ");
}

Test(http_server, does_not_wait_for_a_slow_header)
{
	struct http_limits limits = test_limits;
	limits.header_timeout_ms = 50;
	scoped(stop) struct fixture fixture;
	start_with(&fixture, &limits);
	size_t len = 0;
	int fd = connect_to(fixture.server);

	say(fd, SLICE("GET / HTTP/1.1\r\nHo"));
	char *reply = hear_all(fd, &len);

	cr_expect(holds(reply, "HTTP/1.1 408 "));
	free(reply);
	close(fd);
}

Test(http_server, does_not_wait_for_a_slow_body)
{
	struct http_limits limits = test_limits;
	limits.body_timeout_ms = 50;
	scoped(stop) struct fixture fixture;
	start_with(&fixture, &limits);
	size_t len = 0;
	int fd = connect_to(fixture.server);

	say(fd, SLICE("PUT /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n"
		      "\r\nhal"));
	char *reply = hear_all(fd, &len);

	cr_expect(holds(reply, "\r\n\r\nTIMED_OUT"));
	free(reply);
	close(fd);
}

Test(http_server, closes_idle_connections_without_a_word)
{
	struct http_limits limits = test_limits;
	limits.idle_timeout_ms = 50;
	scoped(stop) struct fixture fixture;
	start_with(&fixture, &limits);
	size_t len = 0;
	int fd = connect_to(fixture.server);

	char *reply = hear_all(fd, &len);

	cr_expect(zero(sz, len));
	free(reply);
	close(fd);
}

/* A connection whose request is being served: its body is waited for. */
static int
connect_and_stay_busy(const struct http_server *server)
{
	int fd = connect_to(server);
	char byte;

	say(fd, SLICE("PUT /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n"
		      "Expect: 100-continue\r\n\r\n"));
	cr_assert(eq(long, recv(fd, &byte, 1, 0), 1));
	return fd;
}

Test(http_server, turns_away_more_connections_than_it_may_have)
{
	scoped(stop) struct fixture fixture;
	start(&fixture);
	int fds[3];
	size_t len = 0;

	for (int i = 0; i < 3; i++)
		fds[i] = connect_and_stay_busy(fixture.server);
	cr_expect(eq(sz, http_server_connections(fixture.server), 3));
	int fd = connect_to(fixture.server);
	char *reply = hear_all(fd, &len);

	cr_expect(holds(reply, "HTTP/1.1 503 "));
	cr_expect(holds(reply, "\r\n\r\ntoo many connections"));
	free(reply);
	close(fd);
	for (int i = 0; i < 3; i++)
		close(fds[i]);
}

static void *
drain(void *arg)
{
	http_server_drain(arg, 20000);
	return NULL;
}

Test(http_server, drains_idle_connections_at_once_and_busy_ones_in_peace)
{
	scoped(stop) struct fixture fixture;
	start(&fixture);
	int idle = connect_to(fixture.server);
	int busy = connect_to(fixture.server);
	pthread_t thread;
	size_t len = 0;
	char byte;
	say(busy, SLICE("GET /wait HTTP/1.1\r\nHost: h\r\n\r\n"));
	event_wait(&fixture.entered);

	pthread_create(&thread, NULL, drain, fixture.server);
	cr_expect(eq(long, recv(idle, &byte, 1, 0), 0));
	event_set(&fixture.may_go);
	char *reply = hear_all(busy, &len);
	pthread_join(thread, NULL);

	cr_expect(holds(reply, "HTTP/1.1 200 OK"));
	cr_expect(holds(reply, "Connection: close\r\n"));
	cr_expect(holds(reply, "\r\n\r\nhello"));
	cr_expect(zero(sz, http_server_connections(fixture.server)));
	free(reply);
	close(idle);
}

Test(http_server, cuts_off_what_has_not_drained_in_time)
{
	scoped(stop) struct fixture fixture;
	start(&fixture);
	int fd = connect_to(fixture.server);
	char byte;
	say(fd, SLICE("PUT /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n"
		      "Expect: 100-continue\r\n\r\n"));
	cr_assert(eq(long, recv(fd, &byte, 1, 0), 1)); /* it reads the body */

	http_server_drain(fixture.server, 0);

	cr_expect(zero(sz, http_server_connections(fixture.server)));
	close(fd);
}

Test(http_server, tells_why_it_cannot_listen)
{
	scoped(stop) struct fixture fixture;
	start(&fixture);
	struct http_server_config config = {
		.address = "127.0.0.1",
		.port = http_server_port(fixture.server),
		.limits = http_server_limits_default,
		.handle = handle,
	};
	struct http_server *second = NULL;

	cr_expect(eq(int, http_server_create(&config, &second), STORE_BUSY));
	config.address = "192.0.2.1";
	cr_expect(eq(int, http_server_create(&config, &second), STORE_INVALID));
	config.address = "no such name.";
	cr_expect(eq(int, http_server_create(&config, &second), STORE_INVALID));
	cr_expect(eq(ptr, second, NULL));
}

Test(http_server, serves_ipv6_and_names_the_peer)
{
	struct http_server_config config = {
		.address = "::1",
		.loops = 1,
		.limits = http_server_limits_default,
		.handle = handle,
	};
	struct http_server *server = NULL;
	struct sockaddr_in6 address = {
		.sin6_family = AF_INET6,
		.sin6_addr = IN6ADDR_LOOPBACK_INIT,
	};
	char reply[16] = "";
	if (http_server_create(&config, &server))
		cr_skip_test("no IPv6 here");
	address.sin6_port = htons((uint16_t)http_server_port(server));
	int fd = socket(AF_INET6, SOCK_STREAM, 0);

	cr_assert(zero(int,
		connect(fd, (struct sockaddr *)&address, sizeof(address))));
	say(fd, SLICE("GET /hello HTTP/1.1\r\nHost: h\r\n\r\n"));

	cr_expect(eq(long, recv(fd, reply, 12, MSG_WAITALL), 12));
	cr_expect(eq(str, reply, "HTTP/1.1 200"));
	close(fd);
	http_server_free(&server);
}
