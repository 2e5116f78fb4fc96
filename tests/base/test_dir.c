/* SPDX-License-Identifier: Apache-2.0 */
#include "store/base/dir.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/temp_dir.h"

Test(dir, one_with_a_name_in_it_is_not_empty)
{
	scoped(temp_dir_remove) struct temp_dir dir = temp_dir_make();

	cr_expect(eq(int, dir_expect_empty(dir.path), STORE_OK));
	cr_assert(zero(int, mkdir(temp_dir_at(&dir, "below"), 0700)));
	cr_expect(eq(int, dir_expect_empty(dir.path), STORE_NOT_EMPTY));
}

Test(dir, one_that_is_not_there_is_not_found)
{
	scoped(temp_dir_remove) struct temp_dir dir = temp_dir_make();
	int fd = 0;

	cr_expect(eq(int, dir_open(temp_dir_at(&dir, "none"), &fd),
		STORE_NOT_FOUND));
	cr_expect(eq(int, fd, -1));
	cr_expect(eq(int, dir_flush(temp_dir_at(&dir, "none")),
		STORE_NOT_FOUND));
	cr_expect(eq(int, dir_expect_empty(temp_dir_at(&dir, "none")),
		STORE_NOT_FOUND));
}

Test(dir, what_is_flushed_above_need_not_be_there)
{
	scoped(temp_dir_remove) struct temp_dir dir = temp_dir_make();

	cr_expect(eq(int, dir_flush(dir.path), STORE_OK));
	cr_expect(eq(int, dir_flush_above(temp_dir_at(&dir, "none")),
		STORE_OK));
	cr_expect(eq(int, dir_flush_above(temp_dir_at(&dir, "none/below")),
		STORE_NOT_FOUND));
}
