/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sealer_private.h - seals a stream as it goes by, from its beginning to its
 * end.
 *
 * Threads:   one at a time.
 * Failure:   that of the sink, which comes again from then on.
 */
#pragma once

#include "store/seal.h"

struct sealer;

/*
 * part: as seal_stream_create() has it.  sink takes what is to be stored, in
 * order, on the caller's thread.
 */
struct sealer *sealer_create(const struct seal *seal, unsigned part,
	enum store_err (*sink)(void *context, struct slice stored),
	void *context);

must_check enum store_err sealer_write(struct sealer *sealer,
	struct slice plain);

/* The last frame.  Nothing is stored of nothing. */
must_check enum store_err sealer_finish(struct sealer *sealer);

/* NULL is allowed. */
void sealer_free(struct sealer **sealer);
