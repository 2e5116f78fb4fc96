/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loops, fibers, plain threads and events in all pairings, for TSan: what one
 * wrote before event_set() the other must see after event_wait(), and nobody
 * may be left asleep.
 */
#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "store/base/compiler.h"
#include "store/base/event.h"
#include "store/base/io.h"
#include "store/base/loop.h"

#define LOOPS 3
#define ROUNDS 200
#define PARTNERS 40

/* Two that hand a plain number to and fro; one frees the event it waited on. */
struct pair {
	struct event *to_first;
	struct event *to_second;
	unsigned long value;
	struct event *done;
};

static struct event *
event_new(void)
{
	struct event *event = malloc(sizeof(*event));

	assert(event);
	event_init(event);
	return event;
}

static void
await_and_free(struct event *event)
{
	event_wait(event);
	free(event);
}

static void
run_first(void *arg)
{
	struct pair *pair = arg;

	for (unsigned long i = 0; i < ROUNDS; i++) {
		struct event *mine = event_new();
		struct event *theirs = pair->to_second;

		pair->value++;
		pair->to_first = mine;
		event_set(theirs);
		await_and_free(mine);
	}
	event_set(pair->done);
}

static void
run_second(void *arg)
{
	struct pair *pair = arg;
	struct event *mine = pair->to_second;

	for (unsigned long i = 0; i < ROUNDS; i++) {
		await_and_free(mine);
		assert(pair->value == 2 * i + 1);
		pair->value++;

		struct event *theirs = pair->to_first;
		mine = event_new();
		pair->to_second = mine;
		event_set(theirs);
	}
	free(mine);
}

static void *
second_thread(void *arg)
{
	run_second(arg);
	return NULL;
}

static void *
loop_thread(void *arg)
{
	loop_run(arg);
	return NULL;
}

static void
spawn(struct loop *loop, void (*run)(void *), void *arg)
{
	enum store_err err = loop_spawn(loop, run, arg);

	assert(!err);
}

/* Fibers against fibers of every loop, and against plain threads. */
static void
hand_over(struct loop **loops)
{
	static struct pair pairs[PARTNERS];
	pthread_t threads[PARTNERS];

	for (size_t i = 0; i < PARTNERS; i++) {
		pairs[i] = (struct pair){NULL, event_new(), 0, event_new()};
		spawn(loops[i % LOOPS], run_first, &pairs[i]);
		if (i % 4 == 3) {
			int err = pthread_create(&threads[i], NULL,
				second_thread, &pairs[i]);
			assert(!err);
		} else {
			spawn(loops[i / 4 % LOOPS], run_second, &pairs[i]);
		}
	}
	for (size_t i = 0; i < PARTNERS; i++) {
		await_and_free(pairs[i].done);
		if (i % 4 == 3)
			pthread_join(threads[i], NULL);
		assert(pairs[i].value == 2ul * ROUNDS);
	}
}

struct stream {
	int fd;
	struct event done;
};

static void
send_stream(void *arg)
{
	struct stream *stream = arg;
	char bytes[1000] = "";

	for (int i = 0; i < 2000; i++) {
		struct iovec vector = {bytes, sizeof(bytes)};
		enum store_err err = io_send_all(stream->fd, &vector, 1, 0, 0);
		assert(!err);
	}
	close(stream->fd);
	event_set(&stream->done);
}

static void
count_call(void *arg)
{
	(*(size_t *)arg)++;
}

static void
receive_stream(void *arg)
{
	struct stream *stream = arg;
	size_t calls = 0;
	size_t total = 0;
	ssize_t got;

	do {
		char bytes[3000];

		got = io_recv(stream->fd, bytes, sizeof(bytes), 0);
		assert(got >= 0);
		total += (size_t)got;
		if (total % 8 == 0) {
			size_t before = calls;

			io_run_blocking(count_call, &calls);
			assert(calls == before + 1);
		}
	} while (got > 0);
	assert(total == 2000000);
	close(stream->fd);
	event_set(&stream->done);
}

/* Sockets between loops, with blocking calls in between. */
static void
stream(struct loop **loops)
{
	static struct stream streams[2 * PARTNERS];

	for (size_t i = 0; i < PARTNERS; i++) {
		int pair[2];
		int err = socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
		assert(!err);

		streams[2 * i] = (struct stream){pair[0], EVENT_INIT};
		streams[2 * i + 1] = (struct stream){pair[1], EVENT_INIT};
		spawn(loops[i % LOOPS], send_stream, &streams[2 * i]);
		spawn(loops[i / LOOPS % LOOPS], receive_stream,
			&streams[2 * i + 1]);
	}
	for (size_t i = 0; i < array_len(streams); i++)
		event_wait(&streams[i].done);
}

struct stage {
	void (*run)(struct loop **loops);
	const char *name;
};

int
main(void)
{
	static const struct stage stages[] = {
		{hand_over, "hand_over"},
		{stream, "stream"},
	};

	for (size_t s = 0; s < array_len(stages); s++) {
		struct loop *loops[LOOPS];
		pthread_t threads[LOOPS];

		for (size_t i = 0; i < LOOPS; i++) {
			enum store_err err = loop_create(&loops[i]);
			assert(!err);
			int failed = pthread_create(&threads[i], NULL,
				loop_thread, loops[i]);
			assert(!failed);
		}
		stages[s].run(loops);
		for (size_t i = 0; i < LOOPS; i++) {
			loop_stop(loops[i]);
			pthread_join(threads[i], NULL);
			loop_destroy(&loops[i]);
		}
		printf("%s passed\n", stages[s].name);
	}
	printf("%zu passed, 0 failed\n", array_len(stages));
	return 0;
}
