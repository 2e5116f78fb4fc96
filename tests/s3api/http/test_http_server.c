/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/http/http_server.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/base/buffer.h"
#include "tests/s3api/http/http_fixture.h"

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
expect_reply(const struct http_fixture *fixture, struct slice text,
	const char *const *wanted)
{
	size_t len = 0;
	char *reply = http_fixture_ask(fixture, text, &len);

	for (; *wanted; wanted++)
		cr_expect(holds(reply, *wanted), "%s not in %s", *wanted,
			reply);
	free(reply);
}

#define EXPECT_REPLY(fixture, text, ...)                                       \
	expect_reply(&(fixture), SLICE(text),                                  \
		(const char *const[]){__VA_ARGS__, NULL})

Test(http_server, answers_with_headers_and_a_body)
{
	scoped(http_fixture_stop) struct http_fixture fixture;
	http_fixture_start(&fixture);

	EXPECT_REPLY(fixture, "GET /hello HTTP/1.1\r\nHost: h\r\n\r\n",
		"HTTP/1.1 200 OK\r\n", "\r\nContent-Length: 5\r\n",
		"\r\nx-number: 7\r\n", "\r\nx-split: a  Injected: b\r\n",
		"\r\nDate: ", "\r\n\r\nhello");
}

/* HTTP asks for no case of a name.  htslib does. */
Test(http_server, spells_names_as_s3_does)
{
	scoped(http_fixture_stop) struct http_fixture fixture;
	http_fixture_start(&fixture);

	EXPECT_REPLY(fixture, "GET /hello HTTP/1.1\r\nHost: h\r\n\r\n",
		"\r\nContent-Type: text/plain\r\n", "\r\nETag: \"e\"\r\n");
}

Test(http_server, answers_head_with_the_header_alone)
{
	scoped(http_fixture_stop) struct http_fixture fixture;
	http_fixture_start(&fixture);
	size_t len = 0;
	char *reply = http_fixture_ask(&fixture,
		SLICE("HEAD /hello HTTP/1.1\r\nHost: h\r\n\r\n"
		      "HEAD /file?a=0&n=100000 HTTP/1.1\r\nHost: h\r\n\r\n"),
		&len);

	cr_expect(holds(reply, "Content-Length: 5\r\n"));
	cr_expect(holds(reply, "Content-Length: 100000\r\n"));
	cr_expect(eq(sz, count_of(reply, "\r\n\r\nHTTP/1.1 200"), 1));
	cr_expect(eq(str, reply + len - 4, "\r\n\r\n"));
	free(reply);
}

Test(http_server, answers_pipelined_requests_in_their_order)
{
	scoped(http_fixture_stop) struct http_fixture fixture;
	http_fixture_start(&fixture);
	size_t len = 0;
	char *reply = http_fixture_ask(&fixture,
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
	scoped(http_fixture_stop) struct http_fixture fixture;
	http_fixture_start(&fixture);
	struct slice text =
		SLICE("POST /echo HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
		      "Transfer-Encoding: chunked\r\n\r\n"
		      "2\r\nhi\r\n0\r\n\r\n");
	int fd = http_fixture_connect(http_server_port(fixture.server));
	int one = 1;
	size_t len = 0;
	setsockopt(fd, IPPROTO_TCP, 1 /* TCP_NODELAY */, &one, sizeof(one));

	for (size_t i = 0; i < text.len; i++)
		http_fixture_say(fd, slice_of(text.data + i, 1));
	char *reply = http_fixture_hear(fd, &len);

	cr_expect(holds(reply, "Connection: close\r\n"));
	cr_expect(holds(reply, "\r\n\r\nhi"));
	free(reply);
	close(fd);
}

static void
expect_file(const struct http_fixture *fixture, size_t offset, size_t len)
{
	char text[128];
	size_t got = 0;
	int size = snprintf(text, sizeof(text),
		"GET /file?a=%zu&n=%zu HTTP/1.1\r\nHost: h\r\n\r\n", offset,
		len);
	char *reply =
		http_fixture_ask(fixture, slice_of(text, (size_t)size), &got);
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
	scoped(http_fixture_stop) struct http_fixture fixture;
	http_fixture_start(&fixture);

	expect_file(&fixture, 0, 0);
	expect_file(&fixture, 5, 1);
	expect_file(&fixture, 100, 4096);
	expect_file(&fixture, 1, 300000);
	expect_file(&fixture, 17, HTTP_FIXTURE_BIG - 17);
}

Test(http_server, closes_where_the_file_is_shorter_than_promised)
{
	scoped(http_fixture_stop) struct http_fixture fixture;
	http_fixture_start(&fixture);

	/* Nothing had been sent: it can still say so. */
	EXPECT_REPLY(fixture,
		"GET /file?a=3145740&n=1000 HTTP/1.1\r\nHost: h\r\n\r\n",
		"HTTP/1.1 500 ");
}

Test(http_server, never_completes_what_its_handler_did_not)
{
	scoped(http_fixture_stop) struct http_fixture fixture;
	http_fixture_start(&fixture);
	size_t len = 0;
	char *reply = http_fixture_ask(&fixture,
		SLICE("GET /short HTTP/1.1\r\nHost: h\r\n\r\n"
		      "GET /hello HTTP/1.1\r\nHost: h\r\n\r\n"),
		&len);
	cr_expect(eq(sz, count_of(reply, "HTTP/1.1 "), 1));
	cr_expect(holds(reply, "\r\n\r\nfive5"));
	free(reply);

	EXPECT_REPLY(fixture, "GET /nothing HTTP/1.1\r\nHost: h\r\n\r\n",
		"HTTP/1.1 500 ", "Connection: close\r\n");
}

/* Says a header, and the body when that is asked for; hears the reply. */
static void
echo_when_asked(int fd)
{
	struct slice go_on = SLICE("HTTP/1.1 100 Continue\r\n\r\n");
	char first[64] = "";

	http_fixture_say(fd,
		SLICE("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n"
		      "Expect: 100-continue\r\nConnection: close\r\n\r\n"));
	ssize_t got = recv(fd, first, go_on.len, MSG_WAITALL);
	cr_expect(slice_equal(slice_of(first, (size_t)got), go_on));
	http_fixture_say(fd, SLICE("body"));
	size_t len = 0;
	char *reply = http_fixture_hear(fd, &len);
	cr_expect(holds(reply, "HTTP/1.1 200 OK"));
	cr_expect(holds(reply, "\r\n\r\nbody"));
	free(reply);
}

Test(http_server, asks_for_the_body_only_when_it_is_read)
{
	scoped(http_fixture_stop) struct http_fixture fixture;
	http_fixture_start(&fixture);
	size_t len = 0;
	int fd = http_fixture_connect(http_server_port(fixture.server));

	echo_when_asked(fd);
	close(fd);

	char *reply = http_fixture_ask(&fixture,
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

/* Its room stays for the next one, who is not to wait until that is full. */
Test(http_server, reads_a_short_body_after_a_long_header)
{
	scoped(http_fixture_stop) struct http_fixture fixture;
	struct http_limits limits = http_fixture_limits;
	limits.header_bytes = 32 * 1024;
	limits.body_timeout_ms = 10 * limits.body_timeout_ms;
	http_fixture_start_with(&fixture, &limits);
	int fd = http_fixture_connect(http_server_port(fixture.server));
	char *value = calloc(18001, 1);
	char *request = NULL;

	memset(value, 'a', 18000);
	int len = asprintf(&request,
		"GET /hello HTTP/1.1\r\nHost: h\r\nX-A: %s\r\n\r\n", value);
	cr_assert(len > 18000);
	http_fixture_say(fd, slice_of(request, (size_t)len));
	free(request);
	free(value);
	http_fixture_hear_until(fd, "hello");
	echo_when_asked(fd);
	close(fd);
}

Test(http_server, asks_for_an_empty_body_too)
{
	scoped(http_fixture_stop) struct http_fixture fixture;
	http_fixture_start(&fixture);
	size_t len = 0;
	char *reply = http_fixture_ask(&fixture,
		SLICE("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n"
		      "Expect: 100-continue\r\nConnection: close\r\n\r\n"),
		&len);

	cr_expect(holds(reply, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK"));
	free(reply);
	reply = http_fixture_ask(&fixture,
		SLICE("GET /hello HTTP/1.1\r\nHost: h\r\n"
		      "Expect: 100-continue\r\nConnection: close\r\n\r\n"),
		&len);
	cr_expect(not(holds(reply, "100 Continue")));
	free(reply);
}

Test(http_server, tells_the_handler_of_a_body_cut_short)
{
	scoped(http_fixture_stop) struct http_fixture fixture;
	http_fixture_start(&fixture);

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
	scoped(http_fixture_stop) struct http_fixture fixture;
	http_fixture_start(&fixture);
	char *text = malloc(HTTP_FIXTURE_BIG + 200);
	size_t len = 0;
	size_t head = (size_t)snprintf(text, 200,
		"PUT /echo HTTP/1.1\r\nHost: h\r\nContent-Length: %zu\r\n\r\n",
		HTTP_FIXTURE_BIG);
	for (size_t i = 0; i < HTTP_FIXTURE_BIG; i++)
		text[head + i] = (char)(i % 249);

	char *reply = http_fixture_ask(&fixture,
		slice_of(text, head + HTTP_FIXTURE_BIG), &len);

	char *body = strstr(reply, "\r\n\r\n");
	cr_assert(ne(ptr, body, NULL));
	cr_expect(slice_equal(slice_of(body + 4,
				      len - (size_t)(body + 4 - reply)),
		slice_of(text + head, HTTP_FIXTURE_BIG)));
	free(reply);
	free(text);
}

Test(http_server, closes_rather_than_read_a_large_body_nobody_wants)
{
	scoped(http_fixture_stop) struct http_fixture fixture;
	http_fixture_start(&fixture);

	EXPECT_REPLY(fixture,
		"PUT /unread HTTP/1.1\r\nHost: h\r\nContent-Length: "
		"4097\r\n\r\n",
		"HTTP/1.1 404 ", "Connection: close\r\n", "\r\n\r\nunread");
}

static void
expect_too_long(const struct http_fixture *fixture, const char *before,
	size_t len, const char *after, const char *wanted)
{
	struct buffer text = {0};
	size_t got = 0;

	buffer_append_str(&text, before);
	for (size_t i = 0; i < len; i++)
		buffer_append_char(&text, 'x');
	buffer_append_str(&text, after);
	char *reply = http_fixture_ask(fixture, buffer_slice(&text), &got);
	cr_expect(holds(reply, wanted), "%s", reply);
	free(reply);
	buffer_free(&text);
}

Test(http_server, limits_the_header)
{
	scoped(http_fixture_stop) struct http_fixture fixture;
	http_fixture_start(&fixture);

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
	scoped(http_fixture_stop) struct http_fixture fixture;
	http_fixture_start(&fixture);

	EXPECT_REPLY(fixture, "GET / HTTP/1.1\r\nA : b\r\n\r\n",
		"HTTP/1.1 400 ", "Connection: close\r\n");
	EXPECT_REPLY(fixture, "\x16\x03\x01\x02 nonsense\r\n\r\n",
		"HTTP/1.1 400 ");
}

Test(http_server, does_not_wait_for_a_slow_header)
{
	struct http_limits limits = http_fixture_limits;
	limits.header_timeout_ms = 50;
	scoped(http_fixture_stop) struct http_fixture fixture;
	http_fixture_start_with(&fixture, &limits);
	size_t len = 0;
	int fd = http_fixture_connect(http_server_port(fixture.server));

	http_fixture_say(fd, SLICE("GET / HTTP/1.1\r\nHo"));
	char *reply = http_fixture_hear(fd, &len);

	cr_expect(holds(reply, "HTTP/1.1 408 "));
	free(reply);
	close(fd);
}

Test(http_server, does_not_wait_for_a_slow_body)
{
	struct http_limits limits = http_fixture_limits;
	limits.body_timeout_ms = 50;
	scoped(http_fixture_stop) struct http_fixture fixture;
	http_fixture_start_with(&fixture, &limits);
	size_t len = 0;
	int fd = http_fixture_connect(http_server_port(fixture.server));

	http_fixture_say(fd,
		SLICE("PUT /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n"
		      "\r\nhal"));
	char *reply = http_fixture_hear(fd, &len);

	cr_expect(holds(reply, "\r\n\r\nTIMED_OUT"));
	free(reply);
	close(fd);
}

Test(http_server, closes_idle_connections_without_a_word)
{
	struct http_limits limits = http_fixture_limits;
	limits.idle_timeout_ms = 50;
	scoped(http_fixture_stop) struct http_fixture fixture;
	http_fixture_start_with(&fixture, &limits);
	size_t len = 0;
	int fd = http_fixture_connect(http_server_port(fixture.server));

	char *reply = http_fixture_hear(fd, &len);

	cr_expect(zero(sz, len));
	free(reply);
	close(fd);
}

/* A connection whose request is being served: its body is waited for. */
static int
connect_and_stay_busy(const struct http_server *server)
{
	int fd = http_fixture_connect(http_server_port(server));
	char byte;

	http_fixture_say(fd,
		SLICE("PUT /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n"
		      "Expect: 100-continue\r\n\r\n"));
	cr_assert(eq(long, recv(fd, &byte, 1, 0), 1));
	return fd;
}

Test(http_server, turns_away_more_connections_than_it_may_have)
{
	scoped(http_fixture_stop) struct http_fixture fixture;
	http_fixture_start(&fixture);
	int fds[3];
	size_t len = 0;

	for (int i = 0; i < 3; i++)
		fds[i] = connect_and_stay_busy(fixture.server);
	cr_expect(eq(sz, http_server_connections(fixture.server), 3));
	int fd = http_fixture_connect(http_server_port(fixture.server));
	char *reply = http_fixture_hear(fd, &len);

	cr_expect(holds(reply, "HTTP/1.1 503 "));
	cr_expect(holds(reply, "\r\n\r\ntoo many connections"));
	free(reply);
	close(fd);
	for (int i = 0; i < 3; i++)
		close(fds[i]);
}

Test(http_server, shares_connections_evenly_among_its_threads)
{
	struct http_limits limits = http_fixture_limits;
	limits.connections = 100;
	scoped(http_fixture_stop) struct http_fixture fixture;
	http_fixture_start_with(&fixture, &limits);
	unsigned long first = 0;
	int of_first = 0;
	int fds[40];

	for (int i = 0; i < 40; i++) {
		fds[i] = http_fixture_connect(http_server_port(fixture.server));
		unsigned long thread = http_fixture_thread_of(fds[i]);
		first = first ? first : thread;
		of_first += thread == first;
	}

	cr_expect(eq(int, of_first, 20));
	for (int i = 0; i < 40; i++)
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
	scoped(http_fixture_stop) struct http_fixture fixture;
	http_fixture_start(&fixture);
	int idle = http_fixture_connect(http_server_port(fixture.server));
	int busy = http_fixture_connect(http_server_port(fixture.server));
	pthread_t thread;
	size_t len = 0;
	char byte;
	http_fixture_say(busy, SLICE("GET /wait HTTP/1.1\r\nHost: h\r\n\r\n"));
	event_wait(&fixture.entered);

	pthread_create(&thread, NULL, drain, fixture.server);
	cr_expect(eq(long, recv(idle, &byte, 1, 0), 0));
	event_set(&fixture.may_go);
	char *reply = http_fixture_hear(busy, &len);
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
	scoped(http_fixture_stop) struct http_fixture fixture;
	http_fixture_start(&fixture);
	int fd = http_fixture_connect(http_server_port(fixture.server));
	char byte;
	http_fixture_say(fd,
		SLICE("PUT /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n"
		      "Expect: 100-continue\r\n\r\n"));
	cr_assert(eq(long, recv(fd, &byte, 1, 0), 1)); /* it reads the body */

	http_server_drain(fixture.server, 0);

	cr_expect(zero(sz, http_server_connections(fixture.server)));
	close(fd);
}

static void
answer(struct http_request *request, struct http_response *response,
	void *context)
{
	(void)request;
	(void)context;
	http_reply_begin(response, 200);
	cr_expect(zero(int, http_reply_body(response, SLICE("hello"))));
}

static struct http_server_config
config_at(const char *address)
{
	return (struct http_server_config){
		.address = address,
		.loops = 1,
		.limits = http_server_limits_default,
		.handle = answer,
	};
}

Test(http_server, tells_why_it_cannot_listen)
{
	scoped(http_fixture_stop) struct http_fixture fixture;
	http_fixture_start(&fixture);
	struct http_server_config config = config_at("127.0.0.1");
	struct http_server *second = NULL;

	config.port = http_server_port(fixture.server);
	cr_expect(eq(int, http_server_create(&config, &second), STORE_BUSY));
	config.address = "192.0.2.1";
	cr_expect(eq(int, http_server_create(&config, &second), STORE_INVALID));
	config.address = "no such name.";
	cr_expect(eq(int, http_server_create(&config, &second), STORE_INVALID));
	cr_expect(eq(ptr, second, NULL));
}

/* A process that serves until it is killed. */
static pid_t
serve_elsewhere(struct http_server_config *config)
{
	struct http_server *server = NULL;
	int ends[2];

	cr_assert(zero(int, pipe(ends)));
	pid_t pid = fork();

	cr_assert(ne(int, pid, -1));
	if (pid == 0) {
		/* It does not outlive a test that was ended. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (http_server_create(config, &server))
			_exit(1);
		config->port = http_server_port(server);
		if (write(ends[1], &config->port, sizeof(config->port)) < 0)
			_exit(1);
		for (;;)
			pause();
	}
	close(ends[1]);
	cr_assert(eq(long, read(ends[0], &config->port, sizeof(config->port)),
		sizeof(config->port)));
	close(ends[0]);
	return pid;
}

Test(http_server, follows_at_once_one_that_was_killed)
{
	struct http_server_config config = config_at("127.0.0.1");
	struct http_server *server = NULL;

	for (int i = 0; i < 10; i++) {
		config.port = 0;
		pid_t pid = serve_elsewhere(&config);

		cr_assert(zero(int, kill(pid, SIGKILL)));
		cr_assert(eq(int, waitpid(pid, NULL, 0), pid));
		cr_assert(zero(int, http_server_create(&config, &server)));
		http_server_free(&server);
	}
}

Test(http_server, serves_ipv6_and_names_the_peer)
{
	struct http_server_config config = config_at("::1");
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
	http_fixture_say(fd, SLICE("GET /hello HTTP/1.1\r\nHost: h\r\n\r\n"));

	cr_expect(eq(long, recv(fd, reply, 12, MSG_WAITALL), 12));
	cr_expect(eq(str, reply, "HTTP/1.1 200"));
	close(fd);
	http_server_free(&server);
}
