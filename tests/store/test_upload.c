/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "store/session_private.h"
#include "store/tree.h"
#include "store/upload_private.h"
#include "tests/base/on_loop.h"
#include "tests/store/objects.h"
#include "tests/store/uploads.h"
#include "tests/support/other_process.h"
#include "tests/support/temp_store.h"

Test(upload, the_etag_is_that_of_the_parts_etags)
{
	scoped(uploads_close) struct uploads it = uploads_open();
	struct slice bytes[] = {
		uploads_body(&it, 1, UPLOADS_PART), uploads_body(&it, 2, 1)};
	struct upload_part_info parts[] = {uploads_deliver(&it, 1, bytes[0]),
		uploads_deliver(&it, 2, bytes[1])};
	uint8_t both[32], expected[16];
	struct object made;

	memcpy(both, parts[0].md5, 16);
	memcpy(both + 16, parts[1].md5, 16);
	digest_of(DIGEST_MD5, slice_of(both, 32), expected);

	cr_assert(eq(int, uploads_complete(&it, parts, 2, &made), STORE_OK));

	cr_expect(eq(u32, made.inode.etag.parts, 2));
	cr_expect(eq(int, memcmp(made.inode.etag.value, expected, 16), 0));
}

Test(upload, a_replaced_part_counts_and_is_moved_to_its_place)
{
	scoped(uploads_close) struct uploads it = uploads_open();
	struct slice bytes[] = {uploads_body(&it, 1, UPLOADS_PART),
		uploads_body(&it, 2, UPLOADS_PART)};
	struct upload_part_info parts[2];
	struct object made;

	uploads_deliver(&it, 1, uploads_body(&it, 99, UPLOADS_PART));
	parts[1] = uploads_deliver(&it, 2, bytes[1]);
	parts[0] = uploads_deliver(&it, 1, bytes[0]);
	uint64_t blob = uploads_blob_of(&it);

	cr_assert(eq(int, uploads_complete(&it, parts, 2, &made), STORE_OK));

	cr_expect(eq(u64, made.inode.blob, blob));
	cr_expect(uploads_holds(&it, bytes, 2));
	cr_expect(eq(u64, uploads_files_left(&it), 1));
	cr_expect(uploads_holds(&it, bytes, 2));
}

Test(upload, a_small_last_part_that_comes_first_does_not_decide_the_slots)
{
	scoped(uploads_close) struct uploads it = uploads_open();
	struct slice bytes[] = {uploads_body(&it, 1, UPLOADS_PART),
		uploads_body(&it, 2, UPLOADS_PART), uploads_body(&it, 3, 9)};
	struct upload_part_info parts[3];
	struct object made;

	parts[2] = uploads_deliver(&it, 3, bytes[2]);
	parts[0] = uploads_deliver(&it, 1, bytes[0]);
	parts[1] = uploads_deliver(&it, 2, bytes[1]);
	uint64_t blob = uploads_blob_of(&it);

	cr_assert(eq(int, uploads_complete(&it, parts, 3, &made), STORE_OK));

	cr_expect(eq(u64, made.inode.blob, blob));
	cr_expect(uploads_holds(&it, bytes, 3));
	cr_expect(eq(u64, uploads_files_left(&it), 1));
}

static void
upload_on_fiber(void *arg)
{
	struct uploads *it = arg;
	struct slice bytes[] = {uploads_body(it, 1, UPLOADS_PART),
		uploads_body(it, 2, 2 * UPLOADS_PART)};
	struct upload_part_info parts[2];
	struct object made;

	uploads_deliver(it, 1, uploads_body(it, 99, UPLOADS_PART));
	parts[0] = uploads_deliver(it, 1, bytes[0]);
	cr_expect(eq(int, uploads_complete(it, parts, 1, &made), STORE_OK));
	cr_expect(uploads_holds(it, bytes, 1));
	uploads_begin(it);
	parts[0] = uploads_deliver(it, 1, bytes[0]);
	parts[1] = uploads_deliver(it, 2, bytes[1]);
	cr_expect(eq(int, uploads_complete(it, parts, 2, &made), STORE_OK));
	cr_expect(uploads_holds(it, bytes, 2));
}

Test(upload, parts_are_moved_and_copied_on_a_fiber_as_on_a_thread)
{
	scoped(uploads_close) struct uploads it = uploads_open();

	on_loop(upload_on_fiber, &it);

	cr_expect(eq(u64, uploads_files_left(&it), 1));
}

Test(upload, a_part_may_be_copied_from_an_object)
{
	scoped(uploads_close) struct uploads it = uploads_open();
	struct slice source = uploads_body(&it, 5, UPLOADS_PART + 100);
	struct slice bytes[] = {slice_of(source.data + 50, UPLOADS_PART),
		uploads_body(&it, 6, 8)};
	struct upload_part_info parts[2];
	struct object object, made;
	uint64_t offset;
	int fd;

	cr_assert(eq(int,
		objects_put_if(it.store, it.bucket, "source", source, NULL),
		STORE_OK));
	cr_assert(eq(int,
		object_open(it.store, it.bucket, SLICE("source"), &it.arena,
			&object, &fd, &offset),
		STORE_OK));
	parts[0] = uploads_describe(1, bytes[0]);
	struct upload_part *part = uploads_start(&it, 1, UPLOADS_PART);
	cr_assert(eq(int, upload_part_copy(part, fd, offset + 50, UPLOADS_PART),
		STORE_OK));
	cr_assert(eq(int, upload_part_commit(&part, &parts[0]), STORE_OK));
	close(fd);
	parts[1] = uploads_deliver(&it, 2, bytes[1]);

	cr_assert(eq(int, uploads_complete(&it, parts, 2, &made), STORE_OK));

	cr_expect(uploads_holds(&it, bytes, 2));
}

Test(upload, a_retry_beside_a_stuck_writer_counts_and_the_writer_harms_nothing)
{
	scoped(uploads_close) struct uploads it = uploads_open();
	struct slice bytes[] = {uploads_body(&it, 1, UPLOADS_PART),
		uploads_body(&it, 2, UPLOADS_PART)};
	struct slice stale = uploads_body(&it, 98, UPLOADS_PART);
	struct upload_part_info parts[2], late = uploads_describe(1, stale);
	struct object made;

	struct upload_part *stuck = uploads_start(&it, 1, UPLOADS_PART);
	uploads_feed(stuck, slice_first(stale, UPLOADS_PART / 2));
	parts[0] = uploads_deliver(&it, 1, bytes[0]);
	parts[1] = uploads_deliver(&it, 2, bytes[1]);

	cr_assert(eq(int, uploads_complete(&it, parts, 2, &made), STORE_OK));
	uploads_feed(stuck, slice_from(stale, UPLOADS_PART / 2));

	cr_expect(uploads_holds(&it, bytes, 2));
	cr_expect(eq(int, upload_part_commit(&stuck, &late), STORE_NO_UPLOAD));
	cr_expect(eq(ptr, stuck, NULL));
	cr_expect(uploads_holds(&it, bytes, 2));
	cr_expect(eq(u64, uploads_files_left(&it), 1));
}

Test(upload, a_part_that_arrives_beyond_the_last_listed_does_not_lengthen_it)
{
	scoped(uploads_close) struct uploads it = uploads_open();
	struct slice bytes[] = {uploads_body(&it, 1, UPLOADS_PART),
		uploads_body(&it, 2, UPLOADS_PART)};
	struct upload_part_info parts[] = {uploads_deliver(&it, 1, bytes[0]),
		uploads_deliver(&it, 2, bytes[1])};
	struct upload_part *beyond = uploads_start(&it, 3, UPLOADS_PART);
	struct object made;

	cr_assert(eq(int, uploads_complete(&it, parts, 2, &made), STORE_OK));
	uploads_feed(beyond, uploads_body(&it, 3, UPLOADS_PART));

	cr_expect(uploads_holds(&it, bytes, 2));
	upload_part_abort(&beyond);
	cr_expect(uploads_holds(&it, bytes, 2));
	cr_expect(eq(u64, uploads_files_left(&it), 1));
}

Test(upload, what_an_aborted_part_left_beyond_the_end_is_not_in_the_object)
{
	scoped(uploads_close) struct uploads it = uploads_open();
	struct slice bytes[] = {uploads_body(&it, 1, UPLOADS_PART),
		uploads_body(&it, 2, UPLOADS_PART)};
	struct upload_part_info parts[] = {uploads_deliver(&it, 1, bytes[0]),
		uploads_deliver(&it, 2, bytes[1])};
	struct upload_part *beyond = uploads_start(&it, 3, UPLOADS_PART);
	struct object made;

	uploads_feed(beyond, uploads_body(&it, 3, 4096));
	upload_part_abort(&beyond);

	cr_assert(eq(int, uploads_complete(&it, parts, 2, &made), STORE_OK));

	cr_expect(uploads_holds(&it, bytes, 2));
	cr_expect(eq(u64, uploads_files_left(&it), 1));
}

Test(upload, an_aborted_part_gives_its_slot_back)
{
	scoped(uploads_close) struct uploads it = uploads_open();
	struct slice bytes[] = {uploads_body(&it, 1, UPLOADS_PART)};
	struct upload_part_info parts[1];
	struct upload_part *first = uploads_start(&it, 1, UPLOADS_PART);
	struct object made;

	uploads_feed(first, uploads_body(&it, 9, UPLOADS_PART));
	upload_part_abort(&first);
	parts[0] = uploads_deliver(&it, 1, bytes[0]);

	cr_expect(eq(u64, objects_files(it.store), 1));
	cr_assert(eq(int, uploads_complete(&it, parts, 1, &made), STORE_OK));
	cr_expect(uploads_holds(&it, bytes, 1));
}

Test(upload, a_commit_that_is_refused_gives_the_slot_back)
{
	scoped(uploads_close) struct uploads it = uploads_open();
	struct slice bytes[] = {uploads_body(&it, 1, UPLOADS_PART)};
	struct upload_part_info parts[1], wrong = uploads_describe(1, bytes[0]);
	struct upload_part *first = uploads_start(&it, 1, UPLOADS_PART);

	wrong.checksum_kind = DIGEST_CRC32;
	wrong.checksum_len = 8;
	uploads_feed(first, bytes[0]);
	cr_expect(eq(int, upload_part_commit(&first, &wrong), STORE_INVALID));
	cr_expect(eq(ptr, first, NULL));
	parts[0] = uploads_deliver(&it, 1, bytes[0]);

	cr_expect(eq(u64, objects_files(it.store), 1));
	struct object made;
	cr_assert(eq(int, uploads_complete(&it, parts, 1, &made), STORE_OK));
}

Test(upload, more_bytes_than_announced_are_refused)
{
	scoped(uploads_close) struct uploads it = uploads_open();
	struct upload_part *part = uploads_start(&it, 1, UPLOADS_PART);

	uploads_feed(part, uploads_body(&it, 1, UPLOADS_PART - 1));

	cr_expect(eq(int, upload_part_write(part, SLICE("xy")), STORE_TOO_BIG));
	cr_expect(eq(int, upload_part_write(part, SLICE("x")), STORE_OK));
	upload_part_abort(&part);
}

static struct uploads *inherited;

static void
write_half_a_part(struct store *store, struct other_process *self)
{
	inherited->store = store;
	uploads_feed(uploads_start(inherited, 1, UPLOADS_PART),
		uploads_body(inherited, 97, UPLOADS_PART / 2));
	other_process_tell(self, 1);
}

Test(upload, a_dead_writers_slot_is_free_again)
{
	scoped(uploads_close) struct uploads it = uploads_open();
	struct slice bytes[] = {uploads_body(&it, 1, UPLOADS_PART),
		uploads_body(&it, 2, UPLOADS_PART)};
	struct upload_part_info parts[2];
	struct object made;

	parts[1] = uploads_deliver(&it, 2, bytes[1]);
	inherited = &it;
	store_close(&it.temp.store);
	struct other_process writer =
		other_process_start(it.temp.path, write_half_a_part);
	cr_assert(eq(u64, other_process_hear(&writer), 1));
	temp_store_reopen(&it.temp);
	it.store = it.temp.store;
	other_process_kill(&writer);
	cr_assert(eq(int, session_reap(it.store), STORE_OK));
	parts[0] = uploads_deliver(&it, 1, bytes[0]);
	uint64_t blob = uploads_blob_of(&it);
	cr_expect(eq(u64, objects_files(it.store), 1));

	cr_assert(eq(int, uploads_complete(&it, parts, 2, &made), STORE_OK));

	cr_expect(eq(u64, made.inode.blob, blob));
	cr_expect(uploads_holds(&it, bytes, 2));
}

Test(upload, an_id_is_good_for_its_own_key_and_nonce_alone)
{
	scoped(uploads_close) struct uploads it = uploads_open();
	struct upload_info info;
	char other[UPLOAD_ID_LEN + 1];

	memcpy(other, it.id, sizeof(other));
	other[UPLOAD_ID_LEN - 1] ^= 1;
	const struct {
		struct slice key, id;
	} cases[] = {
		{SLICE("dir/bigger"), slice_str(it.id)},
		{UPLOADS_KEY, slice_str(other)},
		{UPLOADS_KEY, SLICE("1")},
		{UPLOADS_KEY, SLICE_NULL},
	};

	for (size_t i = 0; i < 4; i++)
		cr_expect(eq(int,
			upload_get(it.store, it.bucket, cases[i].key,
				cases[i].id, &it.arena, &info),
			STORE_NO_UPLOAD));
	cr_expect(eq(int,
		upload_get(it.store, it.bucket, UPLOADS_KEY, slice_str(it.id),
			&it.arena, &info),
		STORE_OK));
	cr_expect(slice_equal(info.key, UPLOADS_KEY));
	cr_expect(slice_equal(info.initiator, SLICE("AKID")));
}

Test(upload, part_numbers_and_sizes_out_of_range_are_refused)
{
	scoped(uploads_close) struct uploads it = uploads_open();
	struct slice id = slice_str(it.id);
	struct upload_part *part = NULL;

	cr_expect(eq(int,
		upload_part_begin(it.store, it.bucket, UPLOADS_KEY, id, 0, 1,
			&part),
		STORE_INVALID));
	cr_expect(eq(int,
		upload_part_begin(it.store, it.bucket, UPLOADS_KEY, id, 10001,
			1, &part),
		STORE_INVALID));
	cr_expect(eq(int,
		upload_part_begin(it.store, it.bucket, UPLOADS_KEY, id, 1,
			UPLOAD_PART_MAX + 1, &part),
		STORE_TOO_BIG));
	cr_expect(eq(ptr, part, NULL));
}

Test(upload, a_failed_condition_leaves_the_upload_as_it_was)
{
	scoped(uploads_close) struct uploads it = uploads_open();
	const struct object_condition new_only = {.must_not_exist = true};
	const struct object_attrs attrs = {0};
	struct slice bytes[] = {uploads_body(&it, 1, UPLOADS_PART + 8),
		uploads_body(&it, 2, UPLOADS_PART)};
	struct upload_part_info parts[] = {uploads_deliver(&it, 1, bytes[0]),
		uploads_deliver(&it, 2, bytes[1])};
	struct object made;

	cr_assert(eq(int, objects_put(it.store, it.bucket, "dir/big", "there"),
		STORE_OK));
	uint64_t before = objects_files(it.store);

	cr_expect(eq(int,
		upload_complete(it.store, it.bucket, UPLOADS_KEY,
			slice_str(it.id), parts, 2, &attrs, &new_only, &made),
		STORE_PRECONDITION));

	cr_expect(objects_is(it.store, it.bucket, "dir/big", "there"));
	cr_expect(eq(u64, objects_files(it.store), before));
	cr_expect(eq(int, uploads_complete(&it, parts, 2, &made), STORE_OK));
	cr_expect(uploads_holds(&it, bytes, 2));
}

Test(upload, abort_returns_the_space_of_every_part)
{
	scoped(uploads_close) struct uploads it = uploads_open();

	uploads_deliver(&it, 1, uploads_body(&it, 1, UPLOADS_PART));
	uploads_deliver(&it, 1, uploads_body(&it, 2, UPLOADS_PART));
	uploads_send_as(&it, 2, UPLOADS_UNKNOWN, uploads_body(&it, 3, 10));

	cr_expect(eq(int,
		upload_abort(it.store, it.bucket, UPLOADS_KEY,
			slice_str(it.id)),
		STORE_OK));

	cr_expect(eq(int,
		upload_abort(it.store, it.bucket, UPLOADS_KEY,
			slice_str(it.id)),
		STORE_NO_UPLOAD));
	cr_expect(eq(u64, objects_blob_records(it.store), 0));
	cr_expect(eq(u64, uploads_files_left(&it), 0));
}

Test(upload, a_writer_under_way_at_the_abort_finds_no_upload)
{
	scoped(uploads_close) struct uploads it = uploads_open();
	struct slice bytes = uploads_body(&it, 1, UPLOADS_PART);
	struct upload_part_info info = uploads_describe(1, bytes);
	struct upload_part *part = uploads_start(&it, 1, UPLOADS_PART);
	struct upload_part *own = uploads_start(&it, 2, UPLOADS_UNKNOWN);

	uploads_feed(own, bytes);
	cr_assert(eq(int,
		upload_abort(it.store, it.bucket, UPLOADS_KEY,
			slice_str(it.id)),
		STORE_OK));
	uploads_feed(part, bytes);

	cr_expect(eq(int, upload_part_commit(&part, &info), STORE_NO_UPLOAD));
	cr_expect(eq(int, upload_part_commit(&own, &info), STORE_NO_UPLOAD));
	cr_expect(eq(u64, uploads_files_left(&it), 0));
}

Test(upload, a_bucket_that_goes_takes_its_uploads_along)
{
	scoped(uploads_close) struct uploads it = uploads_open();

	uploads_deliver(&it, 1, uploads_body(&it, 1, UPLOADS_PART));
	uploads_send_as(&it, 2, UPLOADS_UNKNOWN, uploads_body(&it, 3, 10));

	cr_assert(eq(int, bucket_delete(it.store, SLICE("bucket")), STORE_OK));

	cr_expect(eq(u64, objects_blob_records(it.store), 0));
	cr_expect(eq(u64, uploads_files_left(&it), 0));
}

static uint64_t
commit_soon(struct store *store, uint64_t bucket)
{
	const struct tree_owner owner = {.mode = 0755};
	struct store_status status;
	struct inode made;

	cr_assert(zero(int,
		tree_mkdir(store, bucket, SLICE("other"), &owner, &made)));
	cr_assert(zero(int, store_status(store, &status)));
	return status.last_commit;
}

Test(upload, completing_again_is_recognised_until_the_object_is_another)
{
	scoped(uploads_close) struct uploads it = uploads_open();
	struct upload_part_info parts[] = {
		uploads_deliver(&it, 1, uploads_body(&it, 1, 10))};
	struct slice id = slice_str(it.id);
	struct store_status status;
	struct object object;

	cr_expect(eq(int,
		upload_was(it.store, it.bucket, UPLOADS_KEY, id, &it.arena,
			&object),
		STORE_NO_UPLOAD));
	cr_assert(eq(int, uploads_complete(&it, parts, 1, &object), STORE_OK));

	cr_expect(eq(int, uploads_complete(&it, parts, 1, &object),
		STORE_NO_UPLOAD));
	uint64_t commit = commit_soon(it.store, it.bucket);
	cr_expect(eq(int,
		upload_was(it.store, it.bucket, UPLOADS_KEY, id, &it.arena,
			&object),
		STORE_OK));
	cr_assert(zero(int, store_status(it.store, &status)));
	cr_expect(status.last_checkpoint >= commit);
	cr_expect(eq(u64, object.inode.size, 10));
	cr_assert(eq(int,
		object_copy(it.store, it.bucket, UPLOADS_KEY, NULL, NULL,
			it.bucket, SLICE("copy"), NULL, NULL, &object),
		STORE_OK));
	cr_expect(eq(int,
		upload_was(it.store, it.bucket, SLICE("copy"), id, &it.arena,
			&object),
		STORE_NO_UPLOAD));
	cr_assert(eq(int, objects_put(it.store, it.bucket, "dir/big", "x"),
		STORE_OK));
	cr_expect(eq(int,
		upload_was(it.store, it.bucket, UPLOADS_KEY, id, &it.arena,
			&object),
		STORE_NO_UPLOAD));
}

Test(upload, parts_are_listed_in_order_in_pages)
{
	scoped(uploads_close) struct uploads it = uploads_open();
	struct slice id = slice_str(it.id);
	struct upload_part_info *parts;
	size_t count;
	bool is_truncated;

	uploads_deliver(&it, 300, uploads_body(&it, 3, 30));
	uploads_deliver(&it, 1, uploads_body(&it, 1, 10));
	uploads_deliver(&it, 2, uploads_body(&it, 2, 20));
	struct upload_part *arriving = uploads_start(&it, 4, UPLOADS_PART);

	cr_assert(eq(int,
		upload_parts(it.store, it.bucket, UPLOADS_KEY, id, 0, 2,
			&it.arena, &parts, &count, &is_truncated),
		STORE_OK));
	cr_assert(eq(sz, count, 2));
	cr_expect(is_truncated);
	cr_expect(eq(u32, parts[0].number, 1));
	cr_expect(eq(u32, parts[1].number, 2));
	cr_expect(eq(u64, parts[1].size, 20));
	cr_assert(eq(int,
		upload_parts(it.store, it.bucket, UPLOADS_KEY, id, 2, 10,
			&it.arena, &parts, &count, &is_truncated),
		STORE_OK));
	cr_assert(eq(sz, count, 1));
	cr_expect(not(is_truncated));
	cr_expect(eq(u32, parts[0].number, 300));
	upload_part_abort(&arriving);
}

Test(upload, fsck_has_nothing_to_say_of_one_under_way_nor_of_what_it_made)
{
	scoped(uploads_close) struct uploads it = uploads_open();
	struct upload_part_info parts[2];
	struct object made;

	parts[0] = uploads_deliver(&it, 1, uploads_body(&it, 1, UPLOADS_PART));
	parts[1] = uploads_send_as(&it, 2, UPLOADS_UNKNOWN,
		uploads_body(&it, 2, 10));
	struct upload_part *arriving = uploads_start(&it, 3, UPLOADS_PART);
	uploads_feed(arriving, uploads_body(&it, 3, 4096));
	cr_expect(eq(u64, objects_findings(it.store), 0));

	upload_part_abort(&arriving);
	cr_expect(eq(u64, objects_findings(it.store), 0));
	cr_assert(eq(int, uploads_complete(&it, parts, 2, &made), STORE_OK));
	cr_expect(eq(u64, objects_findings(it.store), 0));
}

/* An inode that says it was made of these parts. */
