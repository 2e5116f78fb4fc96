/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "store/base/version.h"

Test(version, ids_are_told_and_read)
{
	const struct version some = {.number = 0xabc};
	const struct version null = {.number = 7, .is_null = true};
	char text[VERSION_ID_LEN + 1];
	struct version_ref ref;

	version_text(&some, text);
	cr_expect(eq(str, text, "0000000000000abc"));
	cr_assert(version_parse(slice_str(text), &ref));
	cr_expect(eq(int, ref.which, VERSION_NUMBER));
	cr_expect(eq(u64, ref.number, 0xabc));
	version_text(&null, text);
	cr_expect(eq(str, text, "null"));
	cr_assert(version_parse(slice_str(text), &ref));
	cr_expect(eq(int, ref.which, VERSION_NULL));
	cr_expect(not(version_parse(SLICE(""), &ref)));
	cr_expect(not(version_parse(SLICE("0000000000000ABC"), &ref)));
	cr_expect(not(version_parse(SLICE("0000000000000000"), &ref)));
	cr_expect(not(version_parse(SLICE("00000000000000001"), &ref)));
}

Test(version, one_is_meant_by_its_id)
{
	const struct version some = {.number = 7};
	const struct version old = {.number = 0};
	struct version_ref ref = version_ref_of(&some);

	cr_expect(eq(int, ref.which, VERSION_NUMBER));
	cr_expect(eq(u64, ref.number, 7));
	cr_expect(eq(int, version_ref_of(&old).which, VERSION_NULL));
}
