/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 1. While a piece is in a line, nobody but who digests it touches it or the
 *    line's digests.
 * 2. Pieces go to the buffers in turn: one that is received into has been
 *    digested, and written before the last call returned.
 */
#include "s3api/body_pieces.h"

#include <stdlib.h>

#include "s3api/body_private.h"

/* Large enough that a piece's cost is its bytes, not its system calls. */
#define PIECE_MAX ((size_t)256 * 1024)
#define PIECE_MIN 4096
/* Digested in less time than it takes to hand over. */
#define INLINE_MAX ((size_t)32 * 1024)

/* A CRC costs less than a hand-over, and so does xxHash. */
static bool
is_slow(const struct digest *digest)
{
	return digest->kind == DIGEST_MD5 || digest->kind == DIGEST_SHA1 ||
	       digest->kind == DIGEST_SHA256 || digest->kind == DIGEST_SHA512;
}

static void
begin_lines(struct body_pieces *pieces)
{
	struct body *body = pieces->body;

	for (size_t i = 0; i < body->digest_count; i++)
		digest_line_begin(&pieces->lines[i], &body->digests[i]);
	pieces->line_count = body->digest_count;
}

void
body_pieces_begin(struct body_pieces *pieces, struct body *body)
{
	size_t size = PIECE_MAX;

	/* A small body gets a small piece: thousands may come at once. */
	if (body->is_length_known && body->length < PIECE_MAX)
		size = body->length < PIECE_MIN ? PIECE_MIN
						: (size_t)body->length;
	*pieces = (struct body_pieces){.body = body, .size = size};
	begin_lines(pieces);
}

/* Until no more than that many pieces wait to be digested. */
static void
await_digests(struct body_pieces *pieces, size_t left)
{
	for (size_t i = 0; i < pieces->line_count; i++)
		digest_line_wait(&pieces->lines[i], left);
}

static void
digest(struct body_pieces *pieces, struct slice piece)
{
	struct body *body = pieces->body;
	bool is_short = piece.len <= INLINE_MAX;

	if (is_short)
		await_digests(pieces, 0);
	for (size_t i = 0; i < body->digest_count; i++) {
		if (is_short || !is_slow(&body->digests[i]))
			digest_update(&body->digests[i], piece.data, piece.len);
		else
			digest_line_add(&pieces->lines[i], piece);
	}
}

/* Invariant 2. */
static char *
next_buffer(struct body_pieces *pieces)
{
	char **buffer = &pieces->buffers[pieces->turn++ % BODY_PIECES_MAX];

	await_digests(pieces, BODY_PIECES_MAX - 1);
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
		await_digests(pieces, 0);
		return error;
	}

	char *to = next_buffer(pieces);

	while (!error && got && pieces->size - len >= least) {
		error = body_read_undigested(body, to + len, pieces->size - len,
			&got);
		len += got;
	}
	if (error) {
		await_digests(pieces, 0);
		return error;
	}
	*piece = slice_of(to, len);
	digest(pieces, *piece);
	return S3_OK;
}

void
body_pieces_end(struct body_pieces *pieces)
{
	await_digests(pieces, 0);
	for (size_t i = 0; i < BODY_PIECES_MAX; i++)
		free(pieces->buffers[i]);
	*pieces = (struct body_pieces){0};
}
