/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clients that mean harm, and what becomes of the others meanwhile: each test
 * of a crowd ends with an honest client that gets its answer.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "s3api/http/http_private.h"
#include "store/base/buffer.h"
#include "tests/s3api/http/http_fixture.h"

#define CROWD 20
/* What one idle connection may cost at most. */
#ifdef __SANITIZE_ADDRESS__
/* From gcc 13 on each fiber has a fake stack beside its own. */
#define IDLE_MEMORY_MAX ((size_t)256 * 1024)
#else
#define IDLE_MEMORY_MAX ((size_t)20 * 1024)
#endif
#define CONNECTIONS_MAX 10000
#define FLOOD 5000

#define HELLO "GET /hello HTTP/1.1\r\nHost: h\r\n\r\n"
#define HELLO_END "\r\n\r\nhello"

static size_t
count_of(const char *text, const char *wanted)
{
	size_t count = 0;

	for (; (text = strstr(text, wanted)); text++)
		count++;
	return count;
}

static void
expect_answer(const struct http_fixture *fixture)
{
	size_t len = 0;
	char *reply = http_fixture_ask(fixture, SLICE(HELLO), &len);

	cr_expect(eq(sz, count_of(reply, HELLO_END), 1), "%s", reply);
	free(reply);
}

static void
start_for_a_crowd(struct http_fixture *fixture)
{
	struct http_limits limits = http_fixture_limits;

	limits.connections = CROWD;
	http_fixture_start_with(fixture, &limits);
}

/* Until so many of them have been cut off, or turned away, and all came. */
static void
await_room_made(const struct http_fixture *fixture, const int fds[2 * CROWD])
{
	struct pollfd ends[2 * CROWD];
	size_t ended = 0;

	while (ended < CROWD || atomic_load(&fixture->server->coming) > 0) {
		for (size_t i = 0; i < 2 * CROWD; i++)
			ends[i] = (struct pollfd){fds[i], POLLRDHUP, 0};
		ended = 0;
		if (poll(ends, 2 * CROWD, 1) < 0)
			continue;
		for (size_t i = 0; i < 2 * CROWD; i++)
			ended += (ends[i].revents & (POLLRDHUP | POLLHUP)) != 0;
	}
	cr_expect(eq(sz, ended, CROWD));
}

/* Twice as many as there may be, each of which says `text` and stays. */
static void
expect_crowd_makes_room(struct slice text)
{
	scoped(http_fixture_stop) struct http_fixture fixture;
	int fds[2 * CROWD];
	start_for_a_crowd(&fixture);

	for (size_t i = 0; i < 2 * CROWD; i++) {
		fds[i] = http_fixture_connect(http_server_port(fixture.server));
		http_fixture_say(fds[i], text);
	}
	await_room_made(&fixture, fds);

	for (size_t i = 0; i < 5; i++)
		expect_answer(&fixture);
	for (size_t i = 0; i < 2 * CROWD; i++)
		close(fds[i]);
}

Test(http_hostile, silent_connections_make_room)
{
	expect_crowd_makes_room(SLICE_NULL);
}

Test(http_hostile, slow_headers_make_room)
{
	expect_crowd_makes_room(SLICE("GET / HTTP/1.1\r\nHost: h\r\nX-a: "));
}

#define REFUSED                                                                \
	"PUT /unread HTTP/1.1\r\nHost: h\r\nContent-Length: 4000\r\n\r\n"

Test(http_hostile, bodies_that_were_refused_make_room)
{
	scoped(http_fixture_stop) struct http_fixture fixture;
	int fds[CROWD];
	start_for_a_crowd(&fixture);
	for (size_t i = 0; i < CROWD; i++) {
		fds[i] = http_fixture_connect(http_server_port(fixture.server));
		http_fixture_say(fds[i], SLICE(REFUSED));
		http_fixture_hear_until(fds[i], "\r\n\r\nunread");
	}

	for (size_t i = 0; i < CROWD; i++)
		http_fixture_say(fds[i], SLICE("x"));
	for (size_t i = 0; i < 5; i++)
		expect_answer(&fixture);

	for (size_t i = 0; i < CROWD; i++)
		close(fds[i]);
}

Test(http_hostile, connections_kept_idle_make_room)
{
	expect_crowd_makes_room(SLICE(HELLO));
}

Test(http_hostile, who_has_waited_longest_makes_room_first)
{
	scoped(http_fixture_stop) struct http_fixture fixture;
	struct http_limits limits = http_fixture_limits;
	int fds[4];
	char byte;
	size_t len = 0;
	limits.connections = 4;
	http_fixture_start_with(&fixture, &limits);
	unsigned int port = http_server_port(fixture.server);

	/* The third and fourth were heard of last, one on each loop. */
	for (size_t i = 0; i < 4; i++) {
		fds[i] = http_fixture_connect(port);
		http_fixture_say(fds[i], SLICE(HELLO));
		cr_assert(eq(long, recv(fds[i], &byte, 1, 0), 1));
	}
	expect_answer(&fixture);

	for (size_t i = 2; i < 4; i++) {
		http_fixture_say(fds[i], SLICE(HELLO));
		shutdown(fds[i], SHUT_WR);
		char *reply = http_fixture_hear(fds[i], &len);
		cr_expect(eq(sz, count_of(reply, HELLO_END), 2));
		free(reply);
	}
	for (size_t i = 0; i < 4; i++)
		close(fds[i]);
}

/* A request that is being served until it gets four bytes, and the last of its
 * connection. */
static void
begin_upload(int fd)
{
	char byte;

	http_fixture_say(fd, SLICE("PUT /echo HTTP/1.1\r\nHost: h\r\n"
				   "Expect: 100-continue\r\n"
				   "Connection: close\r\n"
				   "Content-Length: 4\r\n\r\n"));
	cr_assert(eq(long, recv(fd, &byte, 1, 0), 1));
}

static void
end_upload(int fd)
{
	size_t len = 0;

	http_fixture_say(fd, SLICE("body"));
	char *reply = http_fixture_hear(fd, &len);
	cr_expect(eq(sz, count_of(reply, "\r\n\r\nbody"), 1));
	free(reply);
}

/* Three of the five are on one loop; the next one comes to the other. */
static bool
is_on_smaller_loop(const unsigned long threads[5], size_t i)
{
	size_t count = 0;

	for (size_t k = 0; k < 5; k++)
		count += threads[k] == threads[i];
	return count == 2;
}

Test(http_hostile, who_waits_on_another_loop_makes_room_too)
{
	scoped(http_fixture_stop) struct http_fixture fixture;
	struct http_limits limits = http_fixture_limits;
	unsigned long threads[5];
	int fds[5];
	limits.connections = 5;
	http_fixture_start_with(&fixture, &limits);
	for (size_t i = 0; i < 5; i++) {
		fds[i] = http_fixture_connect(http_server_port(fixture.server));
		threads[i] = http_fixture_thread_of(fds[i]);
	}

	for (size_t i = 0; i < 5; i++) {
		if (is_on_smaller_loop(threads, i))
			begin_upload(fds[i]);
	}
	expect_answer(&fixture);

	for (size_t i = 0; i < 5; i++) {
		if (is_on_smaller_loop(threads, i))
			end_upload(fds[i]);
		close(fds[i]);
	}
}

Test(http_hostile, requests_that_are_being_served_are_not_cut_off)
{
	scoped(http_fixture_stop) struct http_fixture fixture;
	int fds[CROWD];
	size_t len = 0;
	start_for_a_crowd(&fixture);

	for (size_t i = 0; i < CROWD; i++) {
		fds[i] = http_fixture_connect(http_server_port(fixture.server));
		begin_upload(fds[i]);
	}
	for (size_t i = 0; i < 3 * CROWD; i++) {
		char *reply = http_fixture_ask(&fixture, SLICE(HELLO), &len);
		cr_expect(eq(sz, count_of(reply, "HTTP/1.1 503 "), 1));
		cr_expect(strstr(reply, "too many connections") != NULL);
		free(reply);
	}

	for (size_t i = 0; i < CROWD; i++) {
		end_upload(fds[i]);
		close(fds[i]);
	}
	expect_answer(&fixture);
}

/* They have no place that they could leave to anybody. */
Test(http_hostile, those_who_were_turned_away_make_no_room)
{
	scoped(http_fixture_stop) struct http_fixture fixture;
	int fds[2 * CROWD];
	size_t len = 0;
	start_for_a_crowd(&fixture);
	for (size_t i = 0; i < CROWD; i++) {
		fds[i] = http_fixture_connect(http_server_port(fixture.server));
		begin_upload(fds[i]);
	}

	/* They stay though the server has no more to say to them. */
	for (size_t i = CROWD; i < 2 * CROWD; i++) {
		fds[i] = http_fixture_connect(http_server_port(fixture.server));
		http_fixture_say(fds[i],
			SLICE("GET /hello HTTP/1.1\r\nHost: h\r\n"
			      "Connection: close\r\n\r\n"));
		char *reply = http_fixture_hear(fds[i], &len);
		cr_expect(eq(sz, count_of(reply, "HTTP/1.1 503 "), 1));
		free(reply);
	}

	for (size_t i = 0; i < CROWD; i++)
		end_upload(fds[i]);
	for (size_t i = 0; i < 2 * CROWD; i++)
		close(fds[i]);
}

Test(http_hostile, a_body_that_trickles_is_given_up)
{
	struct http_limits limits = http_fixture_limits;
	limits.body_rate_min = (uint64_t)1 << 40;
	limits.body_rate_window_ms = 20;
	scoped(http_fixture_stop) struct http_fixture fixture;
	http_fixture_start_with(&fixture, &limits);
	size_t len = 0;
	int fd = http_fixture_connect(http_server_port(fixture.server));

	/* It never stops for as long as body_timeout_ms. */
	http_fixture_say(fd, SLICE("PUT /echo HTTP/1.1\r\nHost: h\r\n"
				   "Content-Length: 6000000\r\n\r\n"));
	while (send(fd, "x", 1, MSG_NOSIGNAL) == 1 &&
		recv(fd, &(char){0}, 1, MSG_PEEK | MSG_DONTWAIT) != 1)
		;
	char *reply = http_fixture_hear(fd, &len);

	cr_expect(strstr(reply, "\r\n\r\nTIMED_OUT") != NULL, "%s", reply);
	free(reply);
	close(fd);
	expect_answer(&fixture);
}

Test(http_hostile, a_body_that_keeps_the_rate_is_taken)
{
	struct http_limits limits = http_fixture_limits;
	limits.body_rate_min = 1;
	limits.body_rate_window_ms = 1;
	scoped(http_fixture_stop) struct http_fixture fixture;
	http_fixture_start_with(&fixture, &limits);
	size_t len = 0;
	int fd = http_fixture_connect(http_server_port(fixture.server));

	http_fixture_say(fd, SLICE("PUT /echo HTTP/1.1\r\nHost: h\r\n"
				   "Connection: close\r\n"
				   "Content-Length: 20000\r\n\r\n"));
	for (size_t i = 0; i < 20000; i++)
		http_fixture_say(fd, SLICE("x"));
	char *reply = http_fixture_hear(fd, &len);

	cr_expect(strstr(reply, "HTTP/1.1 200 ") == reply, "%s", reply);
	free(reply);
	close(fd);
}

Test(http_hostile, who_does_not_read_is_cut_off)
{
	struct http_limits limits = http_fixture_limits;
	limits.send_timeout_ms = 50;
	scoped(http_fixture_stop) struct http_fixture fixture;
	http_fixture_start_with(&fixture, &limits);
	unsigned int port = http_server_port(fixture.server);
	struct buffer flood = {0};
	char scrap[8192];
	ssize_t got;
	size_t len = 0;
	int fd = http_fixture_connect(port);
	for (size_t i = 0; i < 20; i++)
		buffer_append_str(&flood,
			"GET /file?a=0&n=3145745 HTTP/1.1\r\nHost: h\r\n\r\n");

	/* Sixty million bytes fit into no socket. */
	http_fixture_say(fd, buffer_slice(&flood));
	cr_assert(eq(long, recv(fd, scrap, 1, 0), 1));
	expect_answer(&fixture);
	while (http_server_connections(fixture.server) > 0)
		sched_yield();
	while ((got = recv(fd, scrap, sizeof(scrap), 0)) > 0)
		len += (size_t)got;

	cr_expect(lt(sz, len, 20 * HTTP_FIXTURE_BIG));
	close(fd);
	buffer_free(&flood);
}

static void *
send_flood(void *arg)
{
	int fd = *(int *)arg;

	for (size_t i = 0; i < FLOOD; i++)
		http_fixture_say(fd, SLICE("GET /hello HTTP/1.1\r\n"
					   "Host: h\r\n\r\n"));
	shutdown(fd, SHUT_WR);
	return NULL;
}

Test(http_hostile, a_pipelined_flood_gets_its_answers_and_so_do_others)
{
	scoped(http_fixture_stop) struct http_fixture fixture;
	http_fixture_start(&fixture);
	size_t len = 0;
	pthread_t thread;
	int fd = http_fixture_connect(http_server_port(fixture.server));

	pthread_create(&thread, NULL, send_flood, &fd);
	for (size_t i = 0; i < 10; i++)
		expect_answer(&fixture);
	char *replies = http_fixture_hear(fd, &len);
	pthread_join(thread, NULL);

	cr_expect(eq(sz, count_of(replies, HELLO_END), FLOOD));
	free(replies);
	close(fd);
}

Test(http_hostile, headers_of_any_size_are_answered)
{
	scoped(http_fixture_stop) struct http_fixture fixture;
	http_fixture_start(&fixture);

	for (size_t size = 1; size <= (size_t)1 << 20; size *= 4) {
		static const char *const shapes[][3] = {
			{"GET /", "x", " HTTP/1.1\r\nHost: h\r\n\r\n"},
			{"GET /hello HTTP/1.1\r\nHost: h\r\n", "a: b\r\n",
				"\r\n"},
			{"GET /hello HTTP/1.1\r\nHost: h\r\na: ", "b",
				"\r\n\r\n"},
			{"GET /hello HTTP/1.1\r\nHost: h\r\n", "a",
				": b\r\n\r\n"},
			{"", "G", " / HTTP/1.1\r\nHost: h\r\n\r\n"},
			{"", "\r\n", HELLO},
		};

		for (size_t k = 0; k < sizeof(shapes) / sizeof(*shapes); k++) {
			struct buffer text = {0};
			size_t len = 0;

			buffer_append_str(&text, shapes[k][0]);
			for (size_t i = 0; i < size; i++)
				buffer_append_str(&text, shapes[k][1]);
			buffer_append_str(&text, shapes[k][2]);
			int fd = http_fixture_connect(
				http_server_port(fixture.server));
			ssize_t sent =
				send(fd, text.data, text.len, MSG_NOSIGNAL);
			(void)sent; /* it may have refused by now */
			shutdown(fd, SHUT_WR);
			char *reply = http_fixture_hear(fd, &len);
			cr_expect(eq(sz, count_of(reply, "HTTP/1.1 "), 1),
				"shape %zu size %zu: %s", k, size, reply);
			cr_expect(strstr(reply, "HTTP/1.1 5") == NULL);
			free(reply);
			close(fd);
			buffer_free(&text);
		}
	}
	expect_answer(&fixture);
}

#define BEFORE "POST /echo HTTP/1.1\r\nHost: h\r\n"
#define CHUNKED BEFORE "Transfer-Encoding: chunked\r\n\r\n"

/* Each could be read in two ways, of which one finds a second request. */
static const char *const smuggled[] = {
	BEFORE "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"
	       "0\r\n\r\n" HELLO,
	BEFORE "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n"
	       "0\r\n\r\n" HELLO,
	BEFORE "Content-Length: 0\r\nContent-Length: 33\r\n\r\n" HELLO,
	BEFORE "Content-Length: 0\r\nContent-Length: 0\r\n\r\n" HELLO,
	BEFORE "Content-Length: 0, 0\r\n\r\n" HELLO,
	BEFORE "Content-Length: +0\r\n\r\n" HELLO,
	BEFORE "Content-Length: -1\r\n\r\n" HELLO,
	BEFORE "Content-Length: 0x0\r\n\r\n" HELLO,
	BEFORE "Content-Length: 0 0\r\n\r\n" HELLO,
	BEFORE "Content-Length:\r\n\r\n" HELLO,
	BEFORE "Content-Length : 0\r\n\r\n" HELLO,
	BEFORE " Content-Length: 0\r\n\r\n" HELLO,
	BEFORE "Content\tLength: 0\r\n\r\n" HELLO,
	BEFORE "Content-Length: 18446744073709551616\r\n\r\n" HELLO,
	BEFORE "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n" HELLO,
	BEFORE "Transfer-Encoding: identity\r\n\r\n0\r\n\r\n" HELLO,
	BEFORE "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" HELLO,
	BEFORE "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" HELLO,
	BEFORE "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" HELLO,
	BEFORE "Transfer-Encoding: \x0b"
	       "chunked\r\n\r\n0\r\n\r\n" HELLO,
	BEFORE "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n" HELLO,
	BEFORE "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" HELLO,
	BEFORE "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n"
	       "0\r\n\r\n" HELLO,
	"POST /echo HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
	"0\r\n\r\n" HELLO,
	BEFORE "X: a\r\n b\r\n\r\n" HELLO,
	BEFORE "X: a\n\r\n" HELLO,
	BEFORE "X: a\nContent-Length: 33\r\n\r\n" HELLO,
	BEFORE "X: a\rContent-Length: 33\r\n\r\n" HELLO,
	BEFORE "X: a\r\n\n" HELLO,
	BEFORE ": a\r\n\r\n" HELLO,
	BEFORE "X\r\n\r\n" HELLO,
	BEFORE "Host: other\r\n\r\n" HELLO,
	"POST /echo HTTP/1.1\n\n" HELLO,
	"POST  /echo HTTP/1.1\r\nHost: h\r\n\r\n" HELLO,
	"POST /echo  HTTP/1.1\r\nHost: h\r\n\r\n" HELLO,
	"POST /echo HTTP/1.1 \r\nHost: h\r\n\r\n" HELLO,
	"POST /echo HTTP/1.2\r\nHost: h\r\n\r\n" HELLO,
	"POST /echo HTTP/2.0\r\nHost: h\r\n\r\n" HELLO,
	"POST /echo\r\n\r\n" HELLO,
	"\tPOST /echo HTTP/1.1\r\nHost: h\r\n\r\n" HELLO,
	CHUNKED "0x0\r\n\r\n" HELLO,
	CHUNKED "+0\r\n\r\n" HELLO,
	CHUNKED "-1\r\n\r\n" HELLO,
	CHUNKED " 0\r\n\r\n" HELLO,
	CHUNKED "\r\n0\r\n\r\n" HELLO,
	CHUNKED "0\n\n" HELLO,
	CHUNKED "0\r\r\n" HELLO,
	CHUNKED "g\r\n\r\n" HELLO,
	CHUNKED "1\r\nab\r\n0\r\n\r\n" HELLO,
	CHUNKED "1\r\na0\r\n\r\n" HELLO,
	CHUNKED "1;\na\r\n0\r\n\r\n" HELLO,
	CHUNKED "10000000000000000\r\n" HELLO,
	CHUNKED "fffffffffffffffff\r\n" HELLO,
	CHUNKED "0\r\nX: a\nY: b\r\n\r\n" HELLO,
};

Test(http_hostile, nothing_that_reads_in_two_ways_smuggles_a_request)
{
	scoped(http_fixture_stop) struct http_fixture fixture;
	http_fixture_start(&fixture);

	for (size_t i = 0; i < sizeof(smuggled) / sizeof(*smuggled); i++) {
		size_t len = 0;
		char *reply = http_fixture_ask(&fixture, slice_str(smuggled[i]),
			&len);

		cr_expect(eq(sz, count_of(reply, "HTTP/1.1 "), 1), "%s\n-> %s",
			smuggled[i], reply);
		cr_expect(strstr(reply, "HTTP/1.1 4") == reply ||
				  strstr(reply, "HTTP/1.1 50") == reply,
			"%s\n-> %s", smuggled[i], reply);
		cr_expect(strstr(reply, "Connection: close\r\n") != NULL);
		free(reply);
	}
	/* A NUL is no end of the text. */
	size_t len = 0;
	char *reply = http_fixture_ask(&fixture,
		SLICE(BEFORE "X: a\0b\r\n\r\n" HELLO), &len);
	cr_expect(strstr(reply, "HTTP/1.1 400 ") == reply, "%s", reply);
	cr_expect(eq(sz, count_of(reply, "HTTP/1.1 "), 1));
	free(reply);
	expect_answer(&fixture);
}

static size_t
resident_bytes(void)
{
	unsigned long pages[2] = {0};
	FILE *file = fopen("/proc/self/statm", "r");

	cr_assert(ne(ptr, file, NULL));
	cr_assert(eq(int, fscanf(file, "%lu %lu", &pages[0], &pages[1]), 2));
	fclose(file);
	return pages[1] * (size_t)sysconf(_SC_PAGESIZE);
}

/* A process, so that its side costs us no memory: connects so often, has a
 * request answered on each, says so, and stays until its input ends. */
static _Noreturn void
be_a_crowd(unsigned int port, size_t count, int from, int to)
{
	char reply[1000];

	for (size_t i = 0; i < count; i++) {
		int fd = http_fixture_connect(port);

		http_fixture_say(fd, SLICE(HELLO));
		if (recv(fd, reply, sizeof(reply), 0) <= 0)
			_exit(1);
	}
	if (write(to, "r", 1) != 1 || read(from, reply, 1) != 0)
		_exit(1);
	_exit(0);
}

Test(http_hostile, thousands_of_connections_cost_little_and_others_go_on)
{
	struct http_limits limits = http_server_limits_default;
	struct rlimit files;
	cr_assert(zero(int, getrlimit(RLIMIT_NOFILE, &files)));
	files.rlim_cur = files.rlim_max;
	cr_assert(zero(int, setrlimit(RLIMIT_NOFILE, &files)));
	size_t count = files.rlim_max < CONNECTIONS_MAX + 100
			       ? (size_t)files.rlim_max - 100
			       : CONNECTIONS_MAX;
	limits.connections = count + 10;
	/* It may take a while to make them. */
	limits.idle_timeout_ms = 3600 * 1000;
	scoped(http_fixture_stop) struct http_fixture fixture;
	http_fixture_start_with(&fixture, &limits);
	unsigned int port = http_server_port(fixture.server);
	int to[2];
	int from[2];
	char byte;
	int status = -1;
	cr_assert(zero(int, pipe(to)));
	cr_assert(zero(int, pipe(from)));
	expect_answer(&fixture);
	size_t before = resident_bytes();

	pid_t child = fork();
	if (child == 0) {
		close(to[1]);
		be_a_crowd(port, count, to[0], from[1]);
	}
	close(from[1]);
	cr_assert(eq(long, read(from[0], &byte, 1), 1));
	cr_expect(ge(sz, http_server_connections(fixture.server), count));
	size_t each = (resident_bytes() - before) / count;
	expect_answer(&fixture);
	close(to[1]);
	cr_assert(eq(int, waitpid(child, &status, 0), child));

	cr_expect(zero(int, status));
	cr_expect(lt(sz, each, IDLE_MEMORY_MAX), "%zu connections", count);
	if (getenv("HTTP_MEMORY"))
		fprintf(stderr, "%zu connections, %zu bytes each\n", count,
			each);
}
