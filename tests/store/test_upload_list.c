/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "store/upload_private.h"
#include "tests/store/objects.h"
#include "tests/support/temp_store.h"

Test(upload_list, uploads_are_listed_by_key_then_by_time_in_pages)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	scoped(arena_free) struct arena arena = {0};
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	uint64_t other = objects_bucket(temp.store, "other");
	const struct upload_info info = {0};
	static const char *const keys[] = {"b", "a/2", "b", "a/1", "c", "b"};
	char ids[6][UPLOAD_ID_LEN + 1], elsewhere[UPLOAD_ID_LEN + 1];
	struct upload_search search = {.bucket = bucket, .max = 4};
	struct upload_info *found;
	size_t count;
	bool is_truncated;

	for (size_t i = 0; i < 6; i++)
		cr_assert(eq(int,
			upload_begin(temp.store, bucket, slice_str(keys[i]),
				&info, ids[i]),
			STORE_OK));
	cr_assert(eq(int,
		upload_begin(temp.store, other, SLICE("b"), &info, elsewhere),
		STORE_OK));

	cr_assert(eq(int,
		upload_list(temp.store, &search, &arena, &found, &count,
			&is_truncated),
		STORE_OK));
	cr_assert(eq(sz, count, 4));
	cr_expect(is_truncated);
	cr_expect(eq(str, found[0].id, ids[3]));
	cr_expect(eq(str, found[1].id, ids[1]));
	cr_expect(eq(str, found[2].id, ids[0]));
	cr_expect(eq(str, found[3].id, ids[2]));
	search.after_key = SLICE("b");
	search.after_id = slice_str(ids[2]);
	cr_assert(eq(int,
		upload_list(temp.store, &search, &arena, &found, &count,
			&is_truncated),
		STORE_OK));
	cr_assert(eq(sz, count, 2));
	cr_expect(not(is_truncated));
	cr_expect(eq(str, found[0].id, ids[5]));
	cr_expect(eq(str, found[1].id, ids[4]));
	search.after_id = SLICE_NULL;
	cr_assert(eq(int,
		upload_list(temp.store, &search, &arena, &found, &count,
			&is_truncated),
		STORE_OK));
	cr_assert(eq(sz, count, 1));
	search = (struct upload_search){
		.bucket = bucket, .prefix = SLICE("a/"), .max = 4};
	cr_assert(eq(int,
		upload_list(temp.store, &search, &arena, &found, &count,
			&is_truncated),
		STORE_OK));
	cr_assert(eq(sz, count, 2));
	cr_expect(slice_equal(found[1].key, SLICE("a/2")));
	search.initiator = SLICE("somebody");
	cr_assert(eq(int,
		upload_list(temp.store, &search, &arena, &found, &count,
			&is_truncated),
		STORE_OK));
	cr_expect(eq(sz, count, 0));
}
