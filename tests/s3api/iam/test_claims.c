/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/iam/claims.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

Test(claims, what_is_wrong_is_kept_however_much_is_right)
{
	scoped(arena_free) struct arena arena = {0};
	struct claims_report report = {0};
	struct claims_check check = {false, &arena, &report};

	for (int i = 0; i < 2 * CLAIMS_FINDINGS_MAX; i++)
		cr_expect(claims_good(&check, 1, "number %d", i));
	cr_expect(eq(sz, report.count, CLAIMS_FINDINGS_MAX));
	cr_expect(not(claims_bad(&check, 2, "the %s", "first")));
	cr_expect(not(claims_bad(&check, 3, "the second")));
	cr_expect(eq(sz, report.count, CLAIMS_FINDINGS_MAX));
	cr_assert(ne(ptr, (void *)report.first_bad, NULL));
	cr_expect(eq(int, report.first_bad->step, 2));
	cr_expect(eq(str, (char *)report.first_bad->text.data, "the first"));
	check.goes_on = true;
	cr_expect(claims_bad(&check, 4, "the third"));
}

Test(claims, names_are_of_letters_that_policies_can_have)
{
	char name[CLAIMS_SUBJECT_MAX + 2];

	memset(name, 'a', sizeof(name));
	cr_expect(claims_name_is_plain(slice_of(name, 64)));
	cr_expect(not(claims_name_is_plain(slice_of(name, 65))));
	cr_expect(claims_subject_is_valid(slice_of(name, CLAIMS_SUBJECT_MAX)));
	cr_expect(not(claims_subject_is_valid(slice_of(name, sizeof(name)))));
	cr_expect(not(claims_name_is_plain(SLICE(""))));
	cr_expect(not(claims_subject_is_valid(SLICE_NULL)));
	cr_expect(not(claims_name_is_plain(slice_of("a\0b", 3))));
	cr_expect(not(claims_subject_is_valid(SLICE("a b"))));
	cr_expect(claims_name_is_plain(SLICE("Az09._-@+=,")));
	cr_expect(not(claims_name_is_plain(SLICE("a/b"))));
	cr_expect(not(claims_name_is_plain(SLICE("a:b"))));
	cr_expect(claims_subject_is_valid(SLICE("repo:a/b|c")));
}
