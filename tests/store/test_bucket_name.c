/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "store/meta/key.h"
#include "tests/store/names.h"
#include "tests/store/objects.h"
#include "tests/support/temp_store.h"

Test(bucket_name, names_are_those_that_s3_allows)
{
	static const char *const good[] = {"abc", "a-b", "1bucket", "a.b.c",
		"1.2.3", "1.2.3.4.5", "256.1000.1.1",
		"a23456789012345678901234567890123456789012345678901234567890"
		"123"};
	static const char *const bad[] = {"", "a", "ab", "Abc", "a_b", "-ab",
		"ab-", ".ab", "ab.", "a..b", "1.2.3.4", "192.168.0.1",
		"xn--bucket", "bucket-s3alias", "a b", "caf\xc3\xa9", "a/b",
		"a234567890123456789012345678901234567890123456789012345678901"
		"234"};

	for (size_t i = 0; i < array_len(good); i++)
		cr_expect(bucket_name_is_valid(slice_str(good[i])), "%s",
			good[i]);
	for (size_t i = 0; i < array_len(bad); i++)
		cr_expect(not(bucket_name_is_valid(slice_str(bad[i]))), "%s",
			bad[i]);
	cr_expect(not(bucket_name_is_valid(slice_of("ab\0c", 4))));
}

Test(bucket_name, reserved_names_are_for_the_server_alone)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	static const char *const names[] = {"cw-logs", "vip-1"};
	struct bucket made, found;

	for (size_t i = 0; i < array_len(names); i++) {
		struct slice name = slice_str(names[i]);

		cr_expect(eq(int,
			bucket_create(temp.store, name, SLICE("default"),
				&made),
			STORE_BAD_NAME));
		cr_expect(eq(int, bucket_get(temp.store, name, &found),
			STORE_NO_BUCKET));
		cr_expect(eq(int,
			bucket_create_own(temp.store, name, SLICE("default"),
				&made),
			STORE_OK));
	}
	cr_expect(eq(int,
		bucket_create(temp.store, SLICE("my-cw-vip-logs"),
			SLICE("default"), &made),
		STORE_OK));
}
