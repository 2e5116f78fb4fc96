/* SPDX-License-Identifier: Apache-2.0 */
#include "store/base/io.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/base/clock.h"
#include "store/base/event.h"
#include "tests/base/on_loop.h"

#define BIG ((size_t)5 * 1024 * 1024 + 12345)

static int
open_temp(void)
{
	char name[] = "/tmp/test-io-XXXXXX";
	int fd = mkstemp(name);

	cr_assert(fd >= 0);
	unlink(name);
	return fd;
}

/* Bytes that differ from their neighbours of any distance under 251. */
static char *
pattern(size_t len)
{
	char *bytes = malloc(len);

	cr_assert(bytes != NULL);
	for (size_t i = 0; i < len; i++)
		bytes[i] = (char)(i % 251);
	return bytes;
}

static void
write_and_read(void *arg)
{
	int fd = *(int *)arg;
	char back[5] = "";

	cr_expect(not(io_pwrite_all(fd, "hello", 5, 4096)));
	cr_expect(not(io_fdatasync(fd)));
	cr_expect(not(io_fsync(fd)));
	cr_expect(not(io_pread_all(fd, back, 5, 4096)));
	cr_expect(slice_equal(slice_of(back, 5), SLICE("hello")));
	cr_expect(eq(int, io_pread_all(fd, back, 5, 4097), STORE_CORRUPT));
	cr_expect(eq(long, io_pread(fd, back, 5, 5000), 0));
	cr_expect(eq(long, io_pread(-1, back, 5, 0), -EBADF));
	cr_expect(eq(long, io_pwrite(-1, back, 5, 0), -EBADF));
}

static void
start_many_flushes(void *arg)
{
	int fd = *(int *)arg;
	char back[5] = "";

	/* More than a ring has entries. */
	for (uint64_t i = 0; i < 5000; i++)
		io_start_flush(fd, i * 4096, 4096);
	cr_expect(not(io_pwrite_all(fd, "hello", 5, 0)));
	io_start_flush(fd, 0, 5);
	cr_expect(not(io_pread_all(fd, back, 5, 0)));
	cr_expect(zero(memcmp(back, "hello", 5)));
	io_start_flush(-1, 0, 5);
}

Test(io, flushes_that_nobody_awaits_disturb_nothing)
{
	int fd = open_temp();

	start_many_flushes(&fd);
	on_loop(start_many_flushes, &fd);

	close(fd);
}

Test(io, a_file_gives_back_what_was_written)
{
	int fd = open_temp();

	write_and_read(&fd);
	cr_assert(not(ftruncate(fd, 0)));
	on_loop(write_and_read, &fd);

	close(fd);
}

static void
time_out(void *arg)
{
	int *pair = arg;
	char byte;

	ssize_t got = io_recv(pair[0], &byte, 1, clock_monotonic_ms() + 20);
	cr_expect(eq(long, got, -ETIMEDOUT));
	got = io_recv(pair[0], &byte, 1, clock_monotonic_ms() - 1);
	cr_expect(eq(long, got, -ETIMEDOUT));
}

Test(io, recv_ends_at_its_deadline)
{
	int pair[2];
	cr_assert(not(socketpair(AF_UNIX, SOCK_STREAM, 0, pair)));

	time_out(pair);
	on_loop(time_out, pair);

	close(pair[0]);
	close(pair[1]);
}

struct waiting {
	int fd;
	ssize_t got;
};

static void
wait_for_ever(void *arg)
{
	struct waiting *waiting = arg;
	char byte;

	waiting->got = io_recv(waiting->fd, &byte, 1, 0);
}

static void
cancel_two_of_three(void *arg)
{
	struct waiting *waiting = arg;

	for (int i = 0; i < 3; i++)
		cr_assert(not(loop_spawn(fiber_loop(), wait_for_ever,
			&waiting[i])));
	io_sleep_ms(1); /* they have gone to sleep when this returns */
	io_cancel_fd(waiting[0].fd);
	while (loop_fibers(fiber_loop()) > 2)
		io_sleep_ms(1);
	cr_expect(eq(sz, loop_fibers(fiber_loop()), 2));
	cr_expect(not(io_send_all(waiting[2].got, &(struct iovec){"x", 1}, 1, 0,
		0)));
}

Test(io, cancel_ends_the_waits_on_that_descriptor_alone)
{
	int first[2];
	int second[2];
	cr_assert(not(socketpair(AF_UNIX, SOCK_STREAM, 0, first)));
	cr_assert(not(socketpair(AF_UNIX, SOCK_STREAM, 0, second)));
	struct waiting waiting[3] = {
		{.fd = first[0]},
		{.fd = first[0]},
		{.fd = second[0], .got = second[1]},
	};

	on_loop(cancel_two_of_three, waiting);

	cr_expect(eq(long, waiting[0].got, -ECANCELED));
	cr_expect(eq(long, waiting[1].got, -ECANCELED));
	cr_expect(eq(long, waiting[2].got, 1));
	for (int i = 0; i < 2; i++) {
		close(first[i]);
		close(second[i]);
	}
}

struct sleeper {
	int64_t ms;
	int64_t slept_ms;
};

static void
sleep_once(void *arg)
{
	struct sleeper *sleeper = arg;
	int64_t before = clock_monotonic_ms();

	io_sleep_ms(sleeper->ms);
	sleeper->slept_ms = clock_monotonic_ms() - before;
}

static void
start_sleepers(void *arg)
{
	struct sleeper *sleepers = arg;

	for (int i = 0; i < 100; i++)
		cr_assert(not(loop_spawn(fiber_loop(), sleep_once,
			&sleepers[i])));
}

Test(io, every_sleeper_wakes_and_none_too_early)
{
	struct sleeper sleepers[100];
	for (int i = 0; i < 100; i++)
		sleepers[i] = (struct sleeper){1 + (i * 37) % 100, 0};

	on_loop(start_sleepers, sleepers);

	for (int i = 0; i < 100; i++)
		cr_expect(ge(i64, sleepers[i].slept_ms, sleepers[i].ms));
}

/* The other end of a connection: takes all that comes. */
struct sink {
	int fd;
	char *bytes;
	size_t len;
	size_t room;
};

static void *
drain(void *arg)
{
	struct sink *sink = arg;
	ssize_t got;

	do {
		got = recv(sink->fd, sink->bytes + sink->len,
			sink->room - sink->len, 0);
		sink->len += got > 0 ? (size_t)got : 0;
	} while (got > 0);
	return NULL;
}

struct source {
	int socket;
	int file;
	const char *bytes;
	uint64_t offset;
	uint64_t len;
	struct io_watch watch;
	uint64_t sent;
	enum store_err err;
};

static void
send_bytes(void *arg)
{
	struct source *source = arg;
	struct iovec vector[3] = {
		{(char *)source->bytes, 1},
		{NULL, 0},
		{(char *)source->bytes + 1, source->len - 1},
	};

	source->err = io_send_all(source->socket, vector, 3, 0, 0);
}

static void
send_file(void *arg)
{
	struct source *source = arg;

	source->err = io_send_file(source->socket, source->file, source->offset,
		source->len, 10000, &source->watch, &source->sent);
}

static void
unblock(int fd)
{
	cr_assert(not(fcntl(fd, F_SETFL, O_NONBLOCK)));
}

/* Sends by `send` into a socket that another thread empties. */
static void
transfer_to(struct source *source, struct sink *sink, void *(*empty)(void *),
	void *arg, void (*send)(void *), bool on_fiber)
{
	int pair[2];
	pthread_t thread;
	cr_assert(not(socketpair(AF_UNIX, SOCK_STREAM, 0, pair)));
	sink->fd = pair[1];
	sink->len = 0;
	source->socket = pair[0];
	unblock(pair[0]);
	cr_assert(not(pthread_create(&thread, NULL, empty, arg)));

	if (on_fiber)
		on_loop(send, source);
	else
		send(source);
	close(pair[0]);
	pthread_join(thread, NULL);
	close(pair[1]);
}

static void
transfer(struct source *source, struct sink *sink, void (*send)(void *),
	bool on_fiber)
{
	transfer_to(source, sink, drain, sink, send, on_fiber);
}

Test(io, a_vector_larger_than_the_socket_takes_is_sent_whole)
{
	struct sink sink = {.bytes = malloc(BIG), .room = BIG};
	char *bytes = pattern(BIG);
	struct source source = {.bytes = bytes, .len = BIG};

	for (int on_fiber = 0; on_fiber < 2; on_fiber++) {
		transfer(&source, &sink, send_bytes, on_fiber);

		cr_expect(eq(int, source.err, STORE_OK));
		cr_expect(slice_equal(slice_of(sink.bytes, sink.len),
			slice_of(bytes, BIG)));
	}
	free(bytes);
	free(sink.bytes);
}

static void
expect_file_arrives(bool on_fiber, bool is_cold)
{
	struct sink sink = {.bytes = malloc(BIG), .room = BIG};
	char *bytes = pattern(BIG);
	int file = open_temp();
	cr_assert(not(io_pwrite_all(file, bytes, BIG, 0)));
	struct source source = {
		.file = file,
		.offset = 777,
		.len = BIG - 1000,
	};
	if (is_cold) {
		cr_assert(not(fdatasync(file)));
		posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
	}

	transfer(&source, &sink, send_file, on_fiber);

	cr_expect(eq(int, source.err, STORE_OK));
	cr_expect(slice_equal(slice_of(sink.bytes, sink.len),
		slice_of(bytes + 777, BIG - 1000)));
	close(file);
	free(bytes);
	free(sink.bytes);
}

Test(io, send_file_moves_a_cached_range)
{
	expect_file_arrives(false, false);
	expect_file_arrives(true, false);
}

Test(io, send_file_moves_a_range_that_is_not_cached)
{
	expect_file_arrives(false, true);
	expect_file_arrives(true, true);
}

Test(io, send_file_tells_of_a_file_that_is_too_short)
{
	struct sink sink = {.bytes = malloc(BIG), .room = BIG};
	int file = open_temp();
	cr_assert(not(io_pwrite_all(file, "short", 5, 0)));
	struct source source = {.file = file, .len = 6};

	for (int on_fiber = 0; on_fiber < 2; on_fiber++) {
		transfer(&source, &sink, send_file, on_fiber);

		cr_expect(eq(int, source.err, STORE_CORRUPT));
		cr_expect(eq(sz, sink.len, 5));
	}
	close(file);
	free(sink.bytes);
}

struct stopping {
	struct sink sink;
	_Atomic(uint64_t) word;
};

/* Sets the word once something has come. */
static void *
stop_and_drain(void *arg)
{
	struct stopping *stopping = arg;
	char byte;

	cr_assert(eq(i64, recv(stopping->sink.fd, &byte, 1, MSG_PEEK), 1));
	atomic_store(&stopping->word, 1);
	return drain(&stopping->sink);
}

Test(io, send_file_hands_over_nothing_more_once_the_watch_is_over)
{
	struct stopping stopping = {
		.sink = {.bytes = malloc(BIG), .room = BIG},
	};
	char *bytes = pattern(BIG);
	int file = open_temp();
	struct source source = {
		.file = file,
		.len = BIG,
		.watch = {.word = &stopping.word},
	};
	cr_assert(not(io_pwrite_all(file, bytes, BIG, 0)));

	for (int on_fiber = 0; on_fiber < 2; on_fiber++) {
		atomic_store(&stopping.word, 0);
		transfer_to(&source, &stopping.sink, stop_and_drain, &stopping,
			send_file, on_fiber);

		cr_expect(zero(int, source.err));
		cr_expect(eq(sz, stopping.sink.len, source.sent));
		cr_expect(gt(sz, source.sent, 0));
		cr_expect(lt(sz, source.sent, BIG));
	}
	close(file);
	free(bytes);
	free(stopping.sink.bytes);
}

static void
send_to_nobody(void *arg)
{
	struct source *source = arg;

	send_bytes(source);
	cr_expect(eq(int, source->err, STORE_CLOSED));
	send_file(source);
	cr_expect(eq(int, source->err, STORE_CLOSED));
}

Test(io, sending_to_a_closed_socket_is_an_error_and_no_signal)
{
	int pair[2];
	cr_assert(not(socketpair(AF_UNIX, SOCK_STREAM, 0, pair)));
	int file = open_temp();
	cr_assert(not(io_pwrite_all(file, "bytes", 5, 0)));
	struct source source = {
		.socket = pair[0],
		.file = file,
		.bytes = "bytes",
		.len = 5,
	};
	close(pair[1]);

	send_to_nobody(&source);
	on_loop(send_to_nobody, &source);

	close(pair[0]);
	close(file);
}

static void
fill_until_timeout(void *arg)
{
	struct source *source = arg;
	struct iovec vector = {(char *)source->bytes, source->len};

	source->err = io_send_all(source->socket, &vector, 1, 0,
		clock_monotonic_ms() + 20);
	cr_expect(eq(int, source->err, STORE_TIMED_OUT));
	source->err = io_send_file(source->socket, source->file, 0, source->len,
		20, &source->watch, &source->sent);
	cr_expect(eq(int, source->err, STORE_TIMED_OUT));
}

Test(io, sends_to_who_does_not_read_end_at_their_deadline)
{
	int pair[2];
	cr_assert(not(socketpair(AF_UNIX, SOCK_STREAM, 0, pair)));
	char *bytes = pattern(BIG);
	int file = open_temp();
	cr_assert(not(io_pwrite_all(file, bytes, BIG, 0)));
	struct source source = {
		.socket = pair[0],
		.file = file,
		.bytes = bytes,
		.len = BIG,
	};
	unblock(pair[0]);

	fill_until_timeout(&source);
	on_loop(fill_until_timeout, &source);

	close(pair[0]);
	close(pair[1]);
	close(file);
	free(bytes);
}

static void
accept_one(void *arg)
{
	int *listener = arg;
	struct sockaddr_storage peer;
	int fd = io_accept(*listener, &peer);

	cr_assert(fd >= 0);
	cr_expect(eq(int, peer.ss_family, AF_INET));
	cr_expect(ne(int, fcntl(fd, F_GETFL) & O_NONBLOCK, 0));
	close(fd);
}

Test(io, accept_gives_a_socket_that_does_not_block)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	cr_assert(not(bind(listener, (struct sockaddr *)&address, len)));
	cr_assert(not(listen(listener, 4)));
	cr_assert(not(getsockname(listener, (struct sockaddr *)&address,
		&len)));
	int client[2];
	for (int i = 0; i < 2; i++) {
		client[i] = socket(AF_INET, SOCK_STREAM, 0);
		cr_assert(not(connect(client[i], (struct sockaddr *)&address,
			len)));
	}

	accept_one(&listener);
	cr_assert(not(fcntl(listener, F_SETFL, O_NONBLOCK)));
	on_loop(accept_one, &listener);

	close(client[0]);
	close(client[1]);
	close(listener);
}

struct blocking {
	pthread_t fiber_thread;
	pthread_t call_thread;
	struct event *others_ran;
};

static void
block(void *arg)
{
	struct blocking *blocking = arg;

	blocking->call_thread = pthread_self();
	if (blocking->others_ran)
		event_wait(blocking->others_ran);
}

static void
run_blocking(void *arg)
{
	struct blocking *blocking = arg;

	blocking->fiber_thread = pthread_self();
	io_run_blocking(block, blocking);
}

static void
tell(void *arg)
{
	event_set(arg);
}

static void
block_beside_others(void *arg)
{
	struct blocking *blocking = arg;

	cr_assert(not(loop_spawn(fiber_loop(), run_blocking, blocking)));
	cr_assert(not(loop_spawn(fiber_loop(), tell, blocking->others_ran)));
}

Test(io, a_blocking_call_leaves_the_loop_to_other_fibers)
{
	struct event others_ran = EVENT_INIT;
	struct blocking blocking = {.others_ran = &others_ran};

	on_loop(block_beside_others, &blocking);

	cr_expect(not(pthread_equal(blocking.fiber_thread,
		blocking.call_thread)));
}

Test(io, a_blocking_call_on_a_plain_thread_is_just_a_call)
{
	struct blocking blocking = {0};

	run_blocking(&blocking);

	cr_expect(pthread_equal(blocking.fiber_thread, blocking.call_thread));
}

static void
block_many_times(void *arg)
{
	struct blocking blocking = {0};

	(void)arg;
	for (int i = 0; i < 20; i++)
		io_run_blocking(block, &blocking);
}

static void
block_in_many_fibers(void *arg)
{
	(void)arg;
	for (int i = 0; i < 50; i++)
		cr_assert(not(loop_spawn(fiber_loop(), block_many_times,
			NULL)));
}

Test(io, more_blocking_calls_than_threads_all_end)
{
	on_loop(block_in_many_fibers, NULL);
}

/* Fibers that talk to each other, so that many run in each turn. */
struct talk {
	int pair[2];
	size_t got;
	char bytes[40000];
};

static void
talk_recv(void *arg)
{
	struct talk *talk = arg;

	while (talk->got < sizeof(talk->bytes)) {
		struct io_input input;

		cr_assert(not(io_await_input(talk->pair[1],
			sizeof(talk->bytes) - talk->got, &input, 0)));
		cr_assert(le(sz, input.len, sizeof(talk->bytes) - talk->got));
		if (input.len)
			memcpy(talk->bytes + talk->got, input.buffer,
				input.len);
		talk->got += input.len;
		bool was_given = input.len > 0;
		io_give_back(&input);
		if (!was_given) {
			ssize_t more =
				io_recv(talk->pair[1], talk->bytes + talk->got,
					sizeof(talk->bytes) - talk->got, 0);

			cr_assert(more > 0);
			talk->got += (size_t)more;
		}
	}
}

static void
talk_send(void *arg)
{
	struct talk *talk = arg;
	char *bytes = pattern(sizeof(talk->bytes));
	struct iovec vector[2] = {
		{bytes, 999}, {bytes + 999, sizeof(talk->bytes) - 999}};

	cr_expect(not(io_send_all(talk->pair[0], vector, 2, 0, 0)));
	free(bytes);
}

static void
start_talks(void *arg)
{
	struct talk *talks = arg;

	for (int i = 0; i < 100; i++) {
		cr_assert(not(socketpair(AF_UNIX, SOCK_STREAM, 0,
			talks[i].pair)));
		cr_assert(not(loop_spawn(fiber_loop(), talk_recv, &talks[i])));
		cr_assert(not(loop_spawn(fiber_loop(), talk_send, &talks[i])));
	}
}

Test(io, more_receivers_than_buffers_get_what_is_sent)
{
	struct talk *talks = calloc(100, sizeof(*talks));
	char *expected = pattern(sizeof(talks->bytes));
	cr_assert(talks != NULL);

	on_loop(start_talks, talks);

	for (int i = 0; i < 100; i++) {
		cr_expect(zero(memcmp(talks[i].bytes, expected,
			sizeof(talks[i].bytes))));
		close(talks[i].pair[0]);
		close(talks[i].pair[1]);
	}
	free(expected);
	free(talks);
}

static void
await_nothing(void *arg)
{
	int *pair = arg;
	struct io_input input;

	cr_expect(eq(int,
		io_await_input(pair[1], 10, &input, clock_monotonic_ms() + 20),
		-ETIMEDOUT));
	io_give_back(&input);
	shutdown(pair[0], SHUT_WR);
	cr_expect(eq(int, io_await_input(pair[1], 10, &input, 0), 0));
	cr_expect(eq(sz, input.len, 0));
	io_give_back(&input);
}

Test(io, input_ends_at_the_deadline_or_with_the_sender)
{
	int pair[2];
	cr_assert(not(socketpair(AF_UNIX, SOCK_STREAM, 0, pair)));

	on_loop(await_nothing, pair);

	close(pair[0]);
	close(pair[1]);
}

static void
recv_full(void *arg)
{
	struct talk *talk = arg;
	size_t half = sizeof(talk->bytes) / 2;
	ssize_t got = io_recv_full(talk->pair[1], talk->bytes, half, 0);

	cr_expect(eq(long, got, (long)half));
	/* What has come by the deadline, though it is not all. */
	got = io_recv_full(talk->pair[1], talk->bytes + half,
		sizeof(talk->bytes), clock_monotonic_ms() + 1000);
	cr_expect(eq(long, got, (long)half));
	got = io_recv_full(talk->pair[1], talk->bytes, half,
		clock_monotonic_ms() + 20);
	cr_expect(eq(long, got, -ETIMEDOUT));
}

static void
start_recv_full(void *arg)
{
	cr_assert(not(loop_spawn(fiber_loop(), recv_full, arg)));
	cr_assert(not(loop_spawn(fiber_loop(), talk_send, arg)));
}

Test(io, a_fiber_receives_all_that_it_asks_for)
{
	struct talk *talk = calloc(1, sizeof(*talk));
	char *expected = pattern(sizeof(talk->bytes));
	cr_assert(talk != NULL);
	cr_assert(not(socketpair(AF_UNIX, SOCK_STREAM, 0, talk->pair)));

	on_loop(start_recv_full, talk);

	cr_expect(zero(memcmp(talk->bytes, expected, sizeof(talk->bytes))));
	close(talk->pair[0]);
	close(talk->pair[1]);
	free(expected);
	free(talk);
}

static void
close_one(void *arg)
{
	io_close(*(int *)arg);
}

Test(io, what_is_closed_is_gone_when_its_loop_has_ended)
{
	int fd = open_temp();

	on_loop(close_one, &fd);

	cr_expect(eq(int, fcntl(fd, F_GETFD), -1));
}
