/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/http/http_whole.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

Test(http_whole, grows_with_what_has_come)
{
	scoped(http_whole_free) struct http_whole whole = {0};

	cr_assert(eq(int, http_whole_reserve(&whole, 100), STORE_OK));
	cr_expect(le(sz, whole.held, 4096));
	whole.bytes.len = 4000;
	cr_assert(eq(int, http_whole_reserve(&whole, 4096), STORE_OK));
	cr_expect(le(sz, whole.held, 8192));
	cr_expect(le(sz, whole.bytes.capacity, whole.held));
}

Test(http_whole, strangers_take_nobody_else_s_room)
{
	scoped(http_whole_free) struct http_whole half = {.is_stranger = true};
	scoped(http_whole_free) struct http_whole rest = {.is_stranger = true};
	scoped(http_whole_free) struct http_whole late = {.is_stranger = true};
	scoped(http_whole_free) struct http_whole signed_one = {0};

	cr_assert(eq(int,
		http_whole_reserve(&half, HTTP_WHOLE_STRANGERS_MAX / 2),
		STORE_OK));
	cr_assert(eq(int,
		http_whole_reserve(&rest, HTTP_WHOLE_STRANGERS_MAX / 2),
		STORE_OK));
	cr_expect(eq(int, http_whole_reserve(&late, 1), STORE_BUSY));
	cr_expect(eq(int, http_whole_reserve(&signed_one, 1), STORE_OK));
	http_whole_free(&rest);
	cr_expect(eq(int, http_whole_reserve(&late, 1), STORE_OK));
}
