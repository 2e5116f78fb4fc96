/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/http/http_whole.h"

#include <stdatomic.h>

#define FIRST ((size_t)4096)

static atomic_size_t held_by[2]; /* others, strangers */

enum store_err
http_whole_reserve(struct http_whole *whole, size_t more)
{
	size_t max = whole->is_stranger ? HTTP_WHOLE_STRANGERS_MAX
					: HTTP_WHOLE_OTHERS_MAX;
	size_t room = whole->held ? whole->held : FIRST;
	size_t added;

	while (room < whole->bytes.len + more)
		room *= 2;
	added = room - whole->held;
	if (added == 0)
		return STORE_OK;
	if (atomic_fetch_add(&held_by[whole->is_stranger], added) + added >
		max) {
		atomic_fetch_sub(&held_by[whole->is_stranger], added);
		return STORE_BUSY;
	}
	whole->held = room;
	buffer_reserve(&whole->bytes, room - whole->bytes.len);
	return STORE_OK;
}

void
http_whole_free(struct http_whole *whole)
{
	buffer_free(&whole->bytes);
	atomic_fetch_sub(&held_by[whole->is_stranger], whole->held);
	whole->held = 0;
}
