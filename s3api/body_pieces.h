/* SPDX-License-Identifier: Apache-2.0 */
/*
 * body_pieces.h - a body in large pieces, whose digests are computed on
 * other threads meanwhile: MD5 takes longer than receiving and writing
 * together, so a stream is as fast as MD5 and no slower, SHA-256 or not.
 *
 *	scoped(body_pieces_end) struct body_pieces pieces = {0};
 *	body_pieces_begin(&pieces, &body);
 *	error = body_pieces_next(&pieces, &piece);	until it is empty
 *	error = body_finish(&body);
 *
 * Threads:   the fiber that serves the connection.
 * Ownership: a piece may be read until the next call; nobody writes to it.
 */
#pragma once

#include "s3api/body.h"
#include "store/base/digest_line.h"

#define BODY_PIECES_MAX DIGEST_LINE_MAX

struct body_pieces {
	struct body *body;
	size_t size; /* of each buffer */
	char *buffers[BODY_PIECES_MAX];
	unsigned int turn;
	struct digest_line lines[BODY_DIGESTS_MAX];
	size_t line_count;
};

/* After body_begin(), before anything is read. */
void body_pieces_begin(struct body_pieces *pieces, struct body *body);

/* An empty piece at the end, and only there.  Errors as body_read(). */
must_check enum s3_error body_pieces_next(struct body_pieces *pieces,
	struct slice *piece);

/* Before body_free().  Allowed on zeros. */
void body_pieces_end(struct body_pieces *pieces);
