/* SPDX-License-Identifier: Apache-2.0 */
/*
 * body_pieces.h - a body in large pieces, whose digests are computed on
 * another thread meanwhile: MD5 takes as long as receiving and writing
 * together, so a stream is as fast as MD5 and no slower.
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
#include "store/base/helper.h"

struct body_pieces {
	struct body *body;
	size_t size; /* of each buffer */
	char *buffers[2];
	unsigned int turn;
	bool is_digesting;
	struct slice digested; /* by the job */
	struct helper_job job;
};

/* After body_begin(), before anything is read. */
void body_pieces_begin(struct body_pieces *pieces, struct body *body);

/* An empty piece at the end, and only there.  Errors as body_read(). */
must_check enum s3_error body_pieces_next(struct body_pieces *pieces,
	struct slice *piece);

/* Before body_free().  Allowed on zeros. */
void body_pieces_end(struct body_pieces *pieces);
