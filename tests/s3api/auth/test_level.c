/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/auth/level.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

static const struct {
	const char *operation;
	unsigned int needs;
	bool read, write, readwrite, full;
} operations[] = {
	{"GetObject", LEVEL_READ, true, false, true, true},
	{"ListBuckets", LEVEL_LIST, true, false, true, true},
	{"ListParts", LEVEL_UPLOADS, true, true, true, true},
	{"PutObject", LEVEL_WRITE, false, true, true, true},
	{"CopyObject", LEVEL_READ | LEVEL_WRITE, false, false, true, true},
	{"CreateBucket", LEVEL_BUCKET, false, false, false, true},
	{"PutBucketPolicy", LEVEL_CONFIGURE, false, false, false, true},
};

Test(level, lets_through_what_the_table_of_levels_says)
{
	for (size_t i = 0; i < array_len(operations); i++) {
		const char *name = operations[i].operation;
		unsigned int needs = operations[i].needs;

		cr_expect(eq(int, level_allows(TOKEN_READ, needs),
				  operations[i].read),
			"%s by read", name);
		cr_expect(eq(int, level_allows(TOKEN_WRITE, needs),
				  operations[i].write),
			"%s by write", name);
		cr_expect(eq(int, level_allows(TOKEN_READWRITE, needs),
				  operations[i].readwrite),
			"%s by readwrite", name);
		cr_expect(eq(int, level_allows(TOKEN_FULL, needs),
				  operations[i].full),
			"%s by full", name);
	}
}

Test(level, that_is_none_lets_nothing_through)
{
	cr_expect(eq(u32, level_mask((enum token_level)0), 0));
	cr_expect(eq(u32, level_mask((enum token_level)99), 0));
	cr_expect(not(level_allows((enum token_level)0, LEVEL_READ)));
}

Test(level, write_sees_only_the_uploads_it_has_begun)
{
	cr_expect(level_sees_own_uploads_only(TOKEN_WRITE));
	cr_expect(not(level_sees_own_uploads_only(TOKEN_READ)));
	cr_expect(not(level_sees_own_uploads_only(TOKEN_READWRITE)));
	cr_expect(not(level_sees_own_uploads_only(TOKEN_FULL)));
}
