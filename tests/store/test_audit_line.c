/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "store/audit_line.h"

Test(audit_line, texts_are_escaped_and_empty_ones_left_out)
{
	scoped(buffer_free) struct buffer line = {0};

	audit_line_begin(&line, "test");
	ptrdiff_t from = slice_find(buffer_slice(&line), SLICE(",\"source\""));
	cr_assert(from > 0);
	cr_expect(slice_has_prefix(buffer_slice(&line), SLICE("{\"time\":\"")));
	audit_line_text(&line, "key", SLICE("a\"\n\xff"));
	audit_line_text(&line, "none", SLICE_NULL);
	audit_line_number(&line, "status", UINT64_MAX);

	buffer_append_char(&line, '\0');
	cr_expect(eq(str, line.data + from,
		",\"source\":\"test\",\"key\":\"a%22%0A%FF\","
		"\"status\":18446744073709551615"));
}
