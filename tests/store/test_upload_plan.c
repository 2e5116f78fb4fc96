/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "tests/store/objects.h"
#include "tests/store/uploads.h"

Test(upload_plan, parts_in_place_become_the_object_without_a_copy)
{
	scoped(uploads_close) struct uploads it = uploads_open();
	struct slice bytes[] = {uploads_body(&it, 1, UPLOADS_PART),
		uploads_body(&it, 2, UPLOADS_PART), uploads_body(&it, 3, 123)};
	struct upload_part_info parts[3];
	struct object made;

	parts[1] = uploads_deliver(&it, 2, bytes[1]);
	parts[2] = uploads_deliver(&it, 3, bytes[2]);
	parts[0] = uploads_deliver(&it, 1, bytes[0]);
	uint64_t blob = uploads_blob_of(&it);
	cr_expect(eq(u64, objects_files(it.store), 1));
	cr_expect(objects_is(it.store, it.bucket, "dir/big", NULL));

	cr_assert(eq(int, uploads_complete(&it, parts, 3, &made), STORE_OK));

	cr_expect(eq(u64, made.inode.blob, blob));
	cr_expect(eq(u64, made.inode.size, 2 * UPLOADS_PART + 123));
	cr_expect(uploads_holds(&it, bytes, 3));
	cr_expect(eq(u64, uploads_files_left(&it), 1));
	cr_expect(uploads_holds(&it, bytes, 3));
}

Test(upload_plan, parts_of_any_sizes_are_copied_together)
{
	scoped(uploads_close) struct uploads it = uploads_open();
	struct slice bytes[] = {uploads_body(&it, 1, UPLOADS_PART + 1),
		uploads_body(&it, 2, UPLOADS_PART),
		uploads_body(&it, 3, 2 * UPLOADS_PART + 7),
		uploads_body(&it, 4, 1)};
	struct upload_part_info parts[4];
	struct object made;

	for (unsigned i = 0; i < 4; i++)
		parts[i] = uploads_deliver(&it, i + 1, bytes[i]);

	cr_assert(eq(int, uploads_complete(&it, parts, 4, &made), STORE_OK));

	cr_expect(uploads_holds(&it, bytes, 4));
	cr_expect(eq(u64, uploads_files_left(&it), 1));
	cr_expect(uploads_holds(&it, bytes, 4));
}

Test(upload_plan, numbers_may_have_gaps)
{
	scoped(uploads_close) struct uploads it = uploads_open();
	struct slice bytes[] = {uploads_body(&it, 1, UPLOADS_PART),
		uploads_body(&it, 2, UPLOADS_PART)};
	struct upload_part_info parts[] = {uploads_deliver(&it, 7, bytes[0]),
		uploads_deliver(&it, 10000, bytes[1])};
	struct object made;

	cr_assert(eq(int, uploads_complete(&it, parts, 2, &made), STORE_OK));

	cr_expect(uploads_holds(&it, bytes, 2));
	cr_expect(eq(u64, uploads_files_left(&it), 1));
}

Test(upload_plan, a_part_of_unknown_size_alone_is_the_object)
{
	scoped(uploads_close) struct uploads it = uploads_open();
	struct slice bytes[] = {uploads_body(&it, 1, 777)};
	struct upload_part_info parts[] = {
		uploads_send_as(&it, 1, UPLOADS_UNKNOWN, bytes[0])};
	struct object made;

	cr_assert(eq(int, uploads_complete(&it, parts, 1, &made), STORE_OK));

	cr_expect(uploads_holds(&it, bytes, 1));
	cr_expect(eq(u64, objects_files(it.store), 1));
}

Test(upload_plan, one_empty_part_makes_an_empty_object)
{
	scoped(uploads_close) struct uploads it = uploads_open();
	struct upload_part_info parts[] = {uploads_deliver(&it, 1, SLICE_NULL)};
	struct object made;

	cr_assert(eq(int, uploads_complete(&it, parts, 1, &made), STORE_OK));

	cr_expect(objects_is(it.store, it.bucket, "dir/big", ""));
	cr_expect(eq(u64, objects_files(it.store), 0));
}

Test(upload_plan, parts_that_are_not_listed_are_dropped)
{
	scoped(uploads_close) struct uploads it = uploads_open();
	struct slice bytes[] = {uploads_body(&it, 1, UPLOADS_PART),
		uploads_body(&it, 2, UPLOADS_PART)};
	struct upload_part_info parts[] = {uploads_deliver(&it, 1, bytes[0]),
		uploads_deliver(&it, 2, bytes[1])};
	struct object made;

	uploads_deliver(&it, 3, uploads_body(&it, 3, UPLOADS_PART));
	uploads_send_as(&it, 4, UPLOADS_UNKNOWN, uploads_body(&it, 4, 10));

	cr_assert(eq(int, uploads_complete(&it, parts, 2, &made), STORE_OK));

	cr_expect(uploads_holds(&it, bytes, 2));
	cr_expect(eq(u64, uploads_files_left(&it), 1));
	cr_expect(uploads_holds(&it, bytes, 2));
}

Test(upload_plan, completion_refuses_a_list_that_is_not_right)
{
	scoped(uploads_close) struct uploads it = uploads_open();
	struct upload_part_info a =
		uploads_deliver(&it, 1, uploads_body(&it, 1, UPLOADS_PART));
	struct upload_part_info b =
		uploads_deliver(&it, 2, uploads_body(&it, 2, 100));
	struct upload_part_info c =
		uploads_deliver(&it, 3, uploads_body(&it, 3, 100));
	struct upload_part_info wrong = a, absent = a;
	struct object made;

	wrong.md5[0] ^= 1;
	absent.number = 4;
	const struct upload_part_info order[] = {b, a}, twice[] = {a, a},
				      bad[] = {wrong, b}, none[] = {a, absent},
				      small[] = {a, b, c};
	cr_expect(eq(int, uploads_complete(&it, order, 2, &made),
		STORE_BAD_PART_ORDER));
	cr_expect(eq(int, uploads_complete(&it, twice, 2, &made),
		STORE_BAD_PART_ORDER));
	cr_expect(eq(int, uploads_complete(&it, bad, 2, &made),
		STORE_BAD_PART));
	cr_expect(eq(int, uploads_complete(&it, none, 2, &made),
		STORE_BAD_PART));
	cr_expect(eq(int, uploads_complete(&it, small, 3, &made),
		STORE_PART_TOO_SMALL));
	cr_expect(eq(int, uploads_complete(&it, small, 0, &made),
		STORE_INVALID));

	cr_expect(objects_is(it.store, it.bucket, "dir/big", NULL));
	cr_expect(eq(int, uploads_complete(&it, small, 2, &made), STORE_OK));
}
