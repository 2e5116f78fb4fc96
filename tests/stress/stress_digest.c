/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loops and plain threads hand pieces of many streams to the threads that
 * digest them, several streams side by side; every digest must be that of its
 * stream.
 */
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/base/digest_line.h"
#include "tests/base/on_loop.h"

#define THREADS 4
#define FIBERS 8
#define ROUNDS 20
#define PIECES 10
#define PIECE_LEN 3000

static atomic_uint passed;
static atomic_uint failed;

/* One stream, from buffers that are used again as an upload's are. */
static void
digest_stream(unsigned int seed)
{
	char buffers[DIGEST_LINE_MAX][PIECE_LEN];
	struct digest alone;
	struct digest digest;
	struct digest_line line;
	uint8_t expected[16];
	uint8_t found[16];

	digest_init(&alone, DIGEST_MD5);
	digest_init(&digest, DIGEST_MD5);
	digest_line_begin(&line, &digest);
	for (unsigned int i = 0; i < PIECES; i++) {
		char *piece = buffers[i % DIGEST_LINE_MAX];
		size_t len = PIECE_LEN - (seed * 7 + i * 131) % 1000;

		digest_line_wait(&line, DIGEST_LINE_MAX - 1);
		memset(piece, (int)(seed + i), len);
		digest_update(&alone, piece, len);
		digest_line_add(&line, slice_of(piece, len));
	}
	digest_line_wait(&line, 0);
	digest_final(&alone, expected);
	digest_final(&digest, found);
	bool is_same = memcmp(expected, found, sizeof(found)) == 0;

	atomic_fetch_add(is_same ? &passed : &failed, 1);
}

static void
run_fiber(void *arg)
{
	const unsigned int *seed = arg;

	for (unsigned int i = 0; i < ROUNDS; i++)
		digest_stream(*seed + i);
}

static void
start_fibers(void *arg)
{
	for (int i = 0; i < FIBERS; i++) {
		enum store_err err = loop_spawn(fiber_loop(), run_fiber, arg);

		assert(!err);
	}
}

static void *
run_loop(void *arg)
{
	on_loop(start_fibers, arg);
	return NULL;
}

static void *
run_plain(void *arg)
{
	run_fiber(arg);
	return NULL;
}

int
main(void)
{
	pthread_t threads[THREADS];
	unsigned int seeds[THREADS];

	for (unsigned int i = 0; i < THREADS; i++) {
		seeds[i] = i * 1000;
		int err = pthread_create(&threads[i], NULL,
			i % 2 ? run_plain : run_loop, &seeds[i]);
		assert(!err);
	}
	for (unsigned int i = 0; i < THREADS; i++) {
		int err = pthread_join(threads[i], NULL);
		assert(!err);
	}
	printf("%u passed, %u failed\n", atomic_load(&passed),
		atomic_load(&failed));
	return atomic_load(&failed) != 0;
}
