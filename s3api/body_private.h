/* SPDX-License-Identifier: Apache-2.0 */
/* body_private.h - body_read() in two steps, for body_pieces.c. */
#pragma once

#include "s3api/body.h"

/* As body_read(), but the bytes are yet to be digested. */
must_check enum s3_error body_read_undigested(struct body *body, void *to,
	size_t len, size_t *got);

/* Takes the bytes into digests [first, end): for each of those every byte once
 * and in order, on any thread, but on one at a time; all of it before
 * body_read() or body_finish(). */
void body_digest(struct body *body, size_t first, size_t end,
	struct slice bytes);
