/* SPDX-License-Identifier: Apache-2.0 */
#include "store/base/digest_line.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>

#include "store/base/random.h"
#include "tests/base/on_loop.h"

#define LINES 24
#define PIECES 12
#define PIECE_MAX 5000

struct stream {
	struct digest digest;
	struct digest_line line;
	char *bytes;
	size_t len;
};

static uint32_t
number(uint32_t below)
{
	uint32_t drawn;

	random_bytes(&drawn, sizeof(drawn));
	return drawn % below;
}

static void
open_stream(struct stream *stream, enum digest_kind kind)
{
	stream->bytes = malloc(PIECES * PIECE_MAX);
	cr_assert(stream->bytes != NULL);
	random_bytes(stream->bytes, PIECES * PIECE_MAX);
	digest_init(&stream->digest, kind);
	digest_line_begin(&stream->line, &stream->digest);
}

static void
close_stream(struct stream *stream)
{
	uint8_t expected[DIGEST_LEN_MAX];
	uint8_t found[DIGEST_LEN_MAX];
	size_t len = digest_len(stream->digest.kind);

	digest_of(stream->digest.kind, slice_of(stream->bytes, stream->len),
		expected);
	digest_line_wait(&stream->line, 0);
	digest_final(&stream->digest, found);
	cr_expect(zero(memcmp(found, expected, len)));
	free(stream->bytes);
}

/* Pieces of any length come to many lines in turn. */
static void
digest_streams(void *unused)
{
	struct stream *streams = calloc(LINES, sizeof(*streams));

	(void)unused;
	cr_assert(streams != NULL);
	for (size_t i = 0; i < LINES; i++)
		open_stream(&streams[i],
			i % 6 == 5 ? DIGEST_SHA256 : DIGEST_MD5);
	for (size_t round = 0; round < PIECES; round++) {
		for (size_t i = 0; i < LINES; i++) {
			struct stream *stream = &streams[i];
			size_t len = 1 + number(PIECE_MAX);

			digest_line_wait(&stream->line, DIGEST_LINE_MAX - 1);
			digest_line_add(&stream->line,
				slice_of(stream->bytes + stream->len, len));
			stream->len += len;
		}
	}
	for (size_t i = 0; i < LINES; i++)
		close_stream(&streams[i]);
	free(streams);
}

Test(digest_line, many_lines_of_fibers_give_the_digest_of_each)
{
	for (int i = 0; i < 10; i++)
		on_loop(digest_streams, NULL);
}

Test(digest_line, many_lines_of_a_thread_give_the_digest_of_each)
{
	for (int i = 0; i < 10; i++)
		digest_streams(NULL);
}

Test(digest_line, one_without_pieces_has_nothing_to_wait_for)
{
	struct stream stream = {0};

	open_stream(&stream, DIGEST_MD5);

	digest_line_wait(&stream.line, 0);

	close_stream(&stream);
}
