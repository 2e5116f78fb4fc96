/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 1. While shares run, they read one of the buffers and write the body's
 *    digests, each its own: nobody else touches either.
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
run_share(void *arg)
{
	struct body_share *share = arg;

	body_digest(share->body, share->first, share->end, share->piece);
}

static void
await_digests(struct body_pieces *pieces)
{
	while (pieces->running > 0)
		event_wait(&pieces->shares[--pieces->running].job.done);
}

static void
start_share(struct body_pieces *pieces, size_t first, size_t end,
	struct slice piece)
{
	struct body_share *share = &pieces->shares[pieces->running++];

	*share = (struct body_share){
		.body = pieces->body,
		.first = first,
		.end = end,
		.piece = piece,
		.job = {.run = run_share, .arg = share},
	};
	io_start_job(&share->job);
}

/* A CRC costs less than a hand-over. */
static bool
is_slow(const struct digest *digest)
{
	return digest->kind == DIGEST_MD5 || digest->kind == DIGEST_SHA1 ||
	       digest->kind == DIGEST_SHA256;
}

/* How many of the digests, in their order, the first share has: all of them up
 * to the second slow one. */
static size_t
first_share(const struct body *body)
{
	size_t slow = 0;

	for (size_t i = 0; i < body->digest_count; i++) {
		slow += is_slow(&body->digests[i]);
		if (slow == 2)
			return i;
	}
	return body->digest_count;
}

static void
digest(struct body_pieces *pieces, struct slice piece)
{
	struct body *body = pieces->body;
	size_t middle = first_share(body);

	await_digests(pieces);
	if (piece.len <= INLINE_MAX) {
		body_digest(body, 0, body->digest_count, piece);
		return;
	}
	start_share(pieces, 0, middle, piece);
	if (middle < body->digest_count)
		start_share(pieces, middle, body->digest_count, piece);
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
	size_t least = body->form ? MULTIPART_READ_MIN : 1;
	size_t len = 0;
	size_t got = 1;

	*piece = SLICE_NULL;
	if (is_whole(body)) {
		await_digests(pieces);
		return error;
	}

	char *to = next_buffer(pieces);

	while (!error && got && pieces->size - len >= least) {
		error = body_read_undigested(body, to + len, pieces->size - len,
			&got);
		len += got;
	}
	if (error) {
		await_digests(pieces);
		return error;
	}
	*piece = slice_of(to, len);
	digest(pieces, *piece);
	return S3_OK;
}

void
body_pieces_end(struct body_pieces *pieces)
{
	await_digests(pieces);
	free(pieces->buffers[0]);
	free(pieces->buffers[1]);
	*pieces = (struct body_pieces){0};
}
