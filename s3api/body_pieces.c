/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 1. While is_digesting, the job reads one of the buffers and writes the body's
 *    digests: nobody else touches either.
 * 2. Pieces go to the buffers in turn, so that the next one is received into
 *    the one that nobody digests.
 */
#include "s3api/body_pieces.h"

#include <stdlib.h>

#include "s3api/body_private.h"
#include "store/base/io.h"

/* Large enough that a piece's cost is its bytes, not its system calls. */
#define PIECE_MAX ((size_t)256 * 1024)
#define PIECE_MIN 4096
/* Digested in less time than it takes to hand over. */
#define INLINE_MAX ((size_t)32 * 1024)

void
body_pieces_begin(struct body_pieces *pieces, struct body *body)
{
	size_t size = PIECE_MAX;

	/* A small body gets a small piece: thousands may come at once. */
	if (body->is_length_known && body->length < PIECE_MAX)
		size = body->length < PIECE_MIN ? PIECE_MIN
						: (size_t)body->length;
	*pieces = (struct body_pieces){.body = body, .size = size};
}

static void
run_digest(void *arg)
{
	struct body_pieces *pieces = arg;

	body_digest(pieces->body, pieces->digested);
}

static void
await_digest(struct body_pieces *pieces)
{
	if (pieces->is_digesting)
		event_wait(&pieces->job.done);
	pieces->is_digesting = false;
}

static void
digest(struct body_pieces *pieces, struct slice piece)
{
	await_digest(pieces);
	if (piece.len <= INLINE_MAX) {
		body_digest(pieces->body, piece);
		return;
	}
	pieces->digested = piece;
	pieces->job.run = run_digest;
	pieces->job.arg = pieces;
	pieces->is_digesting = true;
	io_start_job(&pieces->job);
}

static char *
next_buffer(struct body_pieces *pieces)
{
	char **buffer = &pieces->buffers[pieces->turn++ % 2];

	if (!*buffer)
		*buffer = malloc(pieces->size);
	if (!*buffer)
		error_out_of_memory();
	return *buffer;
}

/* Whether there is nothing left, as far as that is known without a read. */
static bool
is_whole(const struct body *body)
{
	return body->is_at_end || (!body->chunked && body->is_length_known &&
					  body->got == body->length);
}

enum s3_error
body_pieces_next(struct body_pieces *pieces, struct slice *piece)
{
	struct body *body = pieces->body;
	enum s3_error error = body->error;
	size_t len = 0;
	size_t got = 1;

	*piece = SLICE_NULL;
	if (is_whole(body)) {
		await_digest(pieces);
		return error;
	}

	char *to = next_buffer(pieces);

	while (!error && got && len < pieces->size) {
		error = body_read_undigested(body, to + len, pieces->size - len,
			&got);
		len += got;
	}
	if (error) {
		await_digest(pieces);
		return error;
	}
	*piece = slice_of(to, len);
	digest(pieces, *piece);
	return S3_OK;
}

void
body_pieces_end(struct body_pieces *pieces)
{
	await_digest(pieces);
	free(pieces->buffers[0]);
	free(pieces->buffers[1]);
	*pieces = (struct body_pieces){0};
}
