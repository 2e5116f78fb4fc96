/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/dir_position.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

static struct slice
name_of(char name[16], unsigned number)
{
	int len = snprintf(name, 16, "n%u", number);

	return slice_of(name, (size_t)len);
}

static bool
remembers(const struct dir_gone *gone, unsigned number)
{
	scoped(arena_free) struct arena arena = {0};
	char name[16];
	struct slice wanted = name_of(name, number);
	struct slice found =
		dir_position_find_gone(gone, dir_position_of(wanted), &arena);

	cr_expect(found.len == 0 || slice_equal(found, wanted));
	return found.len > 0;
}

Test(dir_position, an_offset_is_of_one_name_positive_and_none_of_the_first)
{
	uint64_t a = dir_position_of(SLICE("a"));

	cr_expect(eq(u64, a, dir_position_of(SLICE("a"))));
	cr_expect(ne(u64, a, dir_position_of(SLICE("a/"))));
	cr_expect(ne(u64, a, dir_position_of(SLICE("b"))));
	for (unsigned i = 0; i < 1000; i++) {
		char name[16];
		uint64_t offset = dir_position_of(name_of(name, i));

		cr_expect(gt(i64, (int64_t)offset, DIR_POSITION_DOTS));
	}
}

Test(dir_position, names_that_went_are_found_by_their_offset)
{
	struct dir_gone gone = {0};
	char name[16];

	cr_expect(not(remembers(&gone, 0)));
	dir_position_add_gone(&gone, name_of(name, 0));
	dir_position_add_gone(&gone, name_of(name, 1));
	cr_expect(remembers(&gone, 0));
	cr_expect(remembers(&gone, 1));
	cr_expect(not(remembers(&gone, 2)));
	cr_expect(eq(sz, dir_position_count_gone(&gone), 2));
	dir_position_free_gone(&gone);
	cr_expect(not(remembers(&gone, 0)));
}

Test(dir_position, the_latest_are_remembered_and_not_all)
{
	const unsigned count = 200000, kept = 32768;
	struct dir_gone gone = {0};
	char name[16];

	for (unsigned i = 0; i < count; i++)
		dir_position_add_gone(&gone, name_of(name, i));
	cr_expect(le(sz, dir_position_count_gone(&gone), 2 * kept));
	cr_expect(remembers(&gone, count - 1));
	cr_expect(remembers(&gone, count - kept));
	cr_expect(not(remembers(&gone, 0)));
	dir_position_free_gone(&gone);
}
