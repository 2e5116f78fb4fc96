/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_whole.h - memory for bodies that are kept whole, while they come: as
 * much as has come, and of all connections together no more than this.
 * Strangers, who have signed nothing yet, have an allowance of their own, so
 * that they can take nobody else's.
 *
 * Threads:   one a body; what is held is counted for the process.
 */
#pragma once

#include <stdbool.h>

#include "store/base/buffer.h"
#include "store/base/compiler.h"
#include "store/base/error.h"

#define HTTP_WHOLE_STRANGERS_MAX ((size_t)64 << 20)
#define HTTP_WHOLE_OTHERS_MAX ((size_t)512 << 20)

struct http_whole {
	bool is_stranger;
	struct buffer bytes;
	size_t held;
};

/* Room for so many bytes after those that are there.  BUSY: others hold all
 * that there is. */
must_check enum store_err http_whole_reserve(struct http_whole *whole,
	size_t more);
void http_whole_free(struct http_whole *whole);
