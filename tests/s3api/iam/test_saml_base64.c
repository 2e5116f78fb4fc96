/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>

#include "s3api/iam/saml.h"
#include "store/base/text.h"

Test(saml_base64, may_have_line_feeds_and_nothing_else)
{
	scoped(arena_free) struct arena arena = {0};
	struct slice xml;

	cr_assert(saml_decode(SLICE("PGE+\r\nPC9h\n Pg=="), &arena, &xml));
	cr_expect(slice_equal(xml, SLICE("<a></a>")));
	cr_expect(not(saml_decode(SLICE("PGE+PC9hPg"), &arena, &xml)));
	cr_expect(not(saml_decode(SLICE("PGE-PC9hPg=="), &arena, &xml)));
	cr_expect(not(saml_decode(slice_of("PGE+\0PC9h", 9), &arena, &xml)));
	cr_expect(not(saml_decode(SLICE(""), &arena, &xml)));
	cr_expect(not(saml_decode(SLICE("\n\n"), &arena, &xml)));
}

Test(saml_base64, of_too_much_is_refused)
{
	scoped(arena_free) struct arena arena = {0};
	size_t len = TEXT_BASE64_LEN(SAML_BYTES_MAX);
	char *text = malloc(len + 4);
	struct slice xml;

	memset(text, 'A', len + 4);
	cr_expect(not(saml_decode(slice_of(text, len + 4), &arena, &xml)));
	cr_expect(saml_decode(slice_of(text, len - 4), &arena, &xml));
	free(text);
}
