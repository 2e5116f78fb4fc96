/* SPDX-License-Identifier: Apache-2.0 */
/* body_private.h - body_read() in two steps, for body_pieces.c. */
#pragma once

#include "s3api/body.h"

/* As body_read(), but the bytes are yet to be taken into all digests of the
 * body: each every byte once and in order, on any thread; all of it before
 * body_read() or body_finish(). */
must_check enum s3_error body_read_undigested(struct body *body, void *to,
	size_t len, size_t *got);
