/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "store/base/text.h"
#include "store/session_private.h"
#include "store/tree.h"
#include "store/upload_private.h"
#include "tests/base/on_loop.h"
#include "tests/store/objects.h"
#include "tests/support/other_process.h"
#include "tests/support/temp_store.h"

#define MIB (1ull << 20)
#define G (5 * MIB)
#define UNKNOWN UINT64_MAX
#define KEY SLICE("dir/big")

struct fixture {
	struct temp_store temp;
	struct store *store;
	uint64_t bucket;
	char id[UPLOAD_ID_LEN + 1];
	struct arena arena;
};

static void
begin(struct fixture *to)
{
	const struct upload_info info = {.initiator = SLICE("AKID")};

	cr_assert(eq(int,
		upload_begin(to->store, to->bucket, KEY, &info, to->id),
		STORE_OK));
}

static struct fixture
fixture_open(void)
{
	struct fixture it = {.temp = temp_store_open()};

	it.store = it.temp.store;
	it.bucket = objects_bucket(it.store, "bucket");
	begin(&it);
	return it;
}

static void
fixture_close(struct fixture *it)
{
	arena_free(&it->arena);
	temp_store_close(&it->temp);
}

/* Bytes that tell which part and version they are of, and where in it. */
static struct slice
body(struct fixture *it, unsigned seed, uint64_t size)
{
	char *bytes = arena_alloc(&it->arena, size + 8);

	for (uint64_t at = 0; at < size; at += 8) {
		uint64_t word = at * 0x9e3779b97f4a7c15u + seed;
		memcpy(bytes + at, &word, 8);
	}
	return slice_of(bytes, size);
}

static struct upload_part_info
describe(unsigned number, struct slice bytes)
{
	struct upload_part_info info = {.number = number, .size = bytes.len};

	digest_of(DIGEST_MD5, bytes, info.md5);
	return info;
}

static struct upload_part *
start(struct fixture *it, unsigned number, uint64_t announced)
{
	struct upload_part *part = NULL;

	cr_assert(eq(int,
		upload_part_begin(it->store, it->bucket, KEY, slice_str(it->id),
			number, announced, &part),
		STORE_OK));
	return part;
}

static void
feed(struct upload_part *part, struct slice bytes)
{
	cr_assert(eq(int, upload_part_write(part, bytes), STORE_OK));
}

static struct upload_part_info
send_as(struct fixture *it, unsigned number, uint64_t announced,
	struct slice bytes)
{
	struct upload_part_info info = describe(number, bytes);
	struct upload_part *part = start(it, number, announced);

	feed(part, slice_first(bytes, bytes.len / 3));
	feed(part, slice_from(bytes, bytes.len / 3));
	cr_assert(eq(u64, upload_part_size(part), bytes.len));
	cr_assert(eq(int, upload_part_commit(&part, &info), STORE_OK));
	return info;
}

static struct upload_part_info
deliver(struct fixture *it, unsigned number, struct slice bytes)
{
	return send_as(it, number, bytes.len, bytes);
}

static enum store_err
complete(struct fixture *it, const struct upload_part_info *wanted,
	size_t count, struct object *out)
{
	const struct object_attrs attrs = {0};

	return upload_complete(it->store, it->bucket, KEY, slice_str(it->id),
		wanted, count, &attrs, NULL, out);
}

/* Whether the object is these pieces one after the other. */
static bool
holds(struct fixture *it, const struct slice *pieces, size_t count)
{
	struct slice got =
		objects_get(it->store, it->bucket, "dir/big", &it->arena);

	for (size_t i = 0; i < count; i++) {
		if (!slice_equal(slice_first(got, pieces[i].len), pieces[i]))
			return false;
		got = slice_from(got, pieces[i].len);
	}
	return got.data && !got.len;
}

/* Where parts lie in place; 0: no such file yet. */
static uint64_t
blob_of(struct fixture *it)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	const struct upload_ref ref = {it->bucket, KEY, slice_str(it->id)};
	struct record_upload record;
	uint64_t number;

	cr_assert(eq(int, db_begin_read(it->store->db, &txn), STORE_OK));
	cr_assert(eq(int, upload_find(txn, &ref, &number, &record), STORE_OK));
	return record.blob;
}

/* After a checkpoint and reclaim. */
static uint64_t
files_left(struct fixture *it)
{
	temp_store_reopen(&it->temp);
	it->store = it->temp.store;
	return objects_files_left(it->store);
}

Test(upload, parts_in_place_become_the_object_without_a_copy)
{
	scoped(fixture_close) struct fixture it = fixture_open();
	struct slice bytes[] = {
		body(&it, 1, G), body(&it, 2, G), body(&it, 3, 123)};
	struct upload_part_info parts[3];
	struct object made;

	parts[1] = deliver(&it, 2, bytes[1]);
	parts[2] = deliver(&it, 3, bytes[2]);
	parts[0] = deliver(&it, 1, bytes[0]);
	uint64_t blob = blob_of(&it);
	cr_expect(eq(u64, objects_files(it.store), 1));
	cr_expect(objects_is(it.store, it.bucket, "dir/big", NULL));

	cr_assert(eq(int, complete(&it, parts, 3, &made), STORE_OK));

	cr_expect(eq(u64, made.inode.blob, blob));
	cr_expect(eq(u64, made.inode.size, 2 * G + 123));
	cr_expect(holds(&it, bytes, 3));
	cr_expect(eq(u64, files_left(&it), 1));
	cr_expect(holds(&it, bytes, 3));
}

Test(upload, the_etag_is_that_of_the_parts_etags)
{
	scoped(fixture_close) struct fixture it = fixture_open();
	struct slice bytes[] = {body(&it, 1, G), body(&it, 2, 1)};
	struct upload_part_info parts[] = {
		deliver(&it, 1, bytes[0]), deliver(&it, 2, bytes[1])};
	uint8_t both[32], expected[16];
	struct object made;

	memcpy(both, parts[0].md5, 16);
	memcpy(both + 16, parts[1].md5, 16);
	digest_of(DIGEST_MD5, slice_of(both, 32), expected);

	cr_assert(eq(int, complete(&it, parts, 2, &made), STORE_OK));

	cr_expect(eq(u32, made.inode.etag.parts, 2));
	cr_expect(eq(int, memcmp(made.inode.etag.value, expected, 16), 0));
}

Test(upload, a_replaced_part_counts_and_is_moved_to_its_place)
{
	scoped(fixture_close) struct fixture it = fixture_open();
	struct slice bytes[] = {body(&it, 1, G), body(&it, 2, G)};
	struct upload_part_info parts[2];
	struct object made;

	deliver(&it, 1, body(&it, 99, G));
	parts[1] = deliver(&it, 2, bytes[1]);
	parts[0] = deliver(&it, 1, bytes[0]);
	uint64_t blob = blob_of(&it);

	cr_assert(eq(int, complete(&it, parts, 2, &made), STORE_OK));

	cr_expect(eq(u64, made.inode.blob, blob));
	cr_expect(holds(&it, bytes, 2));
	cr_expect(eq(u64, files_left(&it), 1));
	cr_expect(holds(&it, bytes, 2));
}

Test(upload, a_small_last_part_that_comes_first_does_not_decide_the_slots)
{
	scoped(fixture_close) struct fixture it = fixture_open();
	struct slice bytes[] = {
		body(&it, 1, G), body(&it, 2, G), body(&it, 3, 9)};
	struct upload_part_info parts[3];
	struct object made;

	parts[2] = deliver(&it, 3, bytes[2]);
	parts[0] = deliver(&it, 1, bytes[0]);
	parts[1] = deliver(&it, 2, bytes[1]);
	uint64_t blob = blob_of(&it);

	cr_assert(eq(int, complete(&it, parts, 3, &made), STORE_OK));

	cr_expect(eq(u64, made.inode.blob, blob));
	cr_expect(holds(&it, bytes, 3));
	cr_expect(eq(u64, files_left(&it), 1));
}

static void
upload_on_fiber(void *arg)
{
	struct fixture *it = arg;
	struct slice bytes[] = {body(it, 1, G), body(it, 2, 2 * G)};
	struct upload_part_info parts[2];
	struct object made;

	deliver(it, 1, body(it, 99, G));
	parts[0] = deliver(it, 1, bytes[0]);
	cr_expect(eq(int, complete(it, parts, 1, &made), STORE_OK));
	cr_expect(holds(it, bytes, 1));
	begin(it);
	parts[0] = deliver(it, 1, bytes[0]);
	parts[1] = deliver(it, 2, bytes[1]);
	cr_expect(eq(int, complete(it, parts, 2, &made), STORE_OK));
	cr_expect(holds(it, bytes, 2));
}

Test(upload, parts_are_moved_and_copied_on_a_fiber_as_on_a_thread)
{
	scoped(fixture_close) struct fixture it = fixture_open();

	on_loop(upload_on_fiber, &it);

	cr_expect(eq(u64, files_left(&it), 1));
}

Test(upload, parts_of_any_sizes_are_copied_together)
{
	scoped(fixture_close) struct fixture it = fixture_open();
	struct slice bytes[] = {body(&it, 1, G + 1), body(&it, 2, G),
		body(&it, 3, 2 * G + 7), body(&it, 4, 1)};
	struct upload_part_info parts[4];
	struct object made;

	for (unsigned i = 0; i < 4; i++)
		parts[i] = deliver(&it, i + 1, bytes[i]);

	cr_assert(eq(int, complete(&it, parts, 4, &made), STORE_OK));

	cr_expect(holds(&it, bytes, 4));
	cr_expect(eq(u64, files_left(&it), 1));
	cr_expect(holds(&it, bytes, 4));
}

Test(upload, numbers_may_have_gaps)
{
	scoped(fixture_close) struct fixture it = fixture_open();
	struct slice bytes[] = {body(&it, 1, G), body(&it, 2, G)};
	struct upload_part_info parts[] = {
		deliver(&it, 7, bytes[0]), deliver(&it, 10000, bytes[1])};
	struct object made;

	cr_assert(eq(int, complete(&it, parts, 2, &made), STORE_OK));

	cr_expect(holds(&it, bytes, 2));
	cr_expect(eq(u64, files_left(&it), 1));
}

Test(upload, a_part_of_unknown_size_alone_is_the_object)
{
	scoped(fixture_close) struct fixture it = fixture_open();
	struct slice bytes[] = {body(&it, 1, 777)};
	struct upload_part_info parts[] = {send_as(&it, 1, UNKNOWN, bytes[0])};
	struct object made;

	cr_assert(eq(int, complete(&it, parts, 1, &made), STORE_OK));

	cr_expect(holds(&it, bytes, 1));
	cr_expect(eq(u64, objects_files(it.store), 1));
}

Test(upload, one_empty_part_makes_an_empty_object)
{
	scoped(fixture_close) struct fixture it = fixture_open();
	struct upload_part_info parts[] = {deliver(&it, 1, SLICE_NULL)};
	struct object made;

	cr_assert(eq(int, complete(&it, parts, 1, &made), STORE_OK));

	cr_expect(objects_is(it.store, it.bucket, "dir/big", ""));
	cr_expect(eq(u64, objects_files(it.store), 0));
}

Test(upload, parts_that_are_not_listed_are_dropped)
{
	scoped(fixture_close) struct fixture it = fixture_open();
	struct slice bytes[] = {body(&it, 1, G), body(&it, 2, G)};
	struct upload_part_info parts[] = {
		deliver(&it, 1, bytes[0]), deliver(&it, 2, bytes[1])};
	struct object made;

	deliver(&it, 3, body(&it, 3, G));
	send_as(&it, 4, UNKNOWN, body(&it, 4, 10));

	cr_assert(eq(int, complete(&it, parts, 2, &made), STORE_OK));

	cr_expect(holds(&it, bytes, 2));
	cr_expect(eq(u64, files_left(&it), 1));
	cr_expect(holds(&it, bytes, 2));
}

Test(upload, a_part_may_be_copied_from_an_object)
{
	scoped(fixture_close) struct fixture it = fixture_open();
	struct slice source = body(&it, 5, G + 100);
	struct slice bytes[] = {slice_of(source.data + 50, G), body(&it, 6, 8)};
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
	parts[0] = describe(1, bytes[0]);
	struct upload_part *part = start(&it, 1, G);
	cr_assert(eq(int, upload_part_copy(part, fd, offset + 50, G),
		STORE_OK));
	cr_assert(eq(int, upload_part_commit(&part, &parts[0]), STORE_OK));
	close(fd);
	parts[1] = deliver(&it, 2, bytes[1]);

	cr_assert(eq(int, complete(&it, parts, 2, &made), STORE_OK));

	cr_expect(holds(&it, bytes, 2));
}

Test(upload, a_retry_beside_a_stuck_writer_counts_and_the_writer_harms_nothing)
{
	scoped(fixture_close) struct fixture it = fixture_open();
	struct slice bytes[] = {body(&it, 1, G), body(&it, 2, G)};
	struct slice stale = body(&it, 98, G);
	struct upload_part_info parts[2], late = describe(1, stale);
	struct object made;

	struct upload_part *stuck = start(&it, 1, G);
	feed(stuck, slice_first(stale, G / 2));
	parts[0] = deliver(&it, 1, bytes[0]);
	parts[1] = deliver(&it, 2, bytes[1]);

	cr_assert(eq(int, complete(&it, parts, 2, &made), STORE_OK));
	feed(stuck, slice_from(stale, G / 2));

	cr_expect(holds(&it, bytes, 2));
	cr_expect(eq(int, upload_part_commit(&stuck, &late), STORE_NO_UPLOAD));
	cr_expect(eq(ptr, stuck, NULL));
	cr_expect(holds(&it, bytes, 2));
	cr_expect(eq(u64, files_left(&it), 1));
}

Test(upload, a_part_that_arrives_beyond_the_last_listed_does_not_lengthen_it)
{
	scoped(fixture_close) struct fixture it = fixture_open();
	struct slice bytes[] = {body(&it, 1, G), body(&it, 2, G)};
	struct upload_part_info parts[] = {
		deliver(&it, 1, bytes[0]), deliver(&it, 2, bytes[1])};
	struct upload_part *beyond = start(&it, 3, G);
	struct object made;

	cr_assert(eq(int, complete(&it, parts, 2, &made), STORE_OK));
	feed(beyond, body(&it, 3, G));

	cr_expect(holds(&it, bytes, 2));
	upload_part_abort(&beyond);
	cr_expect(holds(&it, bytes, 2));
	cr_expect(eq(u64, files_left(&it), 1));
}

Test(upload, what_an_aborted_part_left_beyond_the_end_is_not_in_the_object)
{
	scoped(fixture_close) struct fixture it = fixture_open();
	struct slice bytes[] = {body(&it, 1, G), body(&it, 2, G)};
	struct upload_part_info parts[] = {
		deliver(&it, 1, bytes[0]), deliver(&it, 2, bytes[1])};
	struct upload_part *beyond = start(&it, 3, G);
	struct object made;

	feed(beyond, body(&it, 3, 4096));
	upload_part_abort(&beyond);

	cr_assert(eq(int, complete(&it, parts, 2, &made), STORE_OK));

	cr_expect(holds(&it, bytes, 2));
	cr_expect(eq(u64, files_left(&it), 1));
}

Test(upload, an_aborted_part_gives_its_slot_back)
{
	scoped(fixture_close) struct fixture it = fixture_open();
	struct slice bytes[] = {body(&it, 1, G)};
	struct upload_part_info parts[1];
	struct upload_part *first = start(&it, 1, G);
	struct object made;

	feed(first, body(&it, 9, G));
	upload_part_abort(&first);
	parts[0] = deliver(&it, 1, bytes[0]);

	cr_expect(eq(u64, objects_files(it.store), 1));
	cr_assert(eq(int, complete(&it, parts, 1, &made), STORE_OK));
	cr_expect(holds(&it, bytes, 1));
}

Test(upload, a_commit_that_is_refused_gives_the_slot_back)
{
	scoped(fixture_close) struct fixture it = fixture_open();
	struct slice bytes[] = {body(&it, 1, G)};
	struct upload_part_info parts[1], wrong = describe(1, bytes[0]);
	struct upload_part *first = start(&it, 1, G);

	wrong.checksum_kind = DIGEST_CRC32;
	wrong.checksum_len = 8;
	feed(first, bytes[0]);
	cr_expect(eq(int, upload_part_commit(&first, &wrong), STORE_INVALID));
	cr_expect(eq(ptr, first, NULL));
	parts[0] = deliver(&it, 1, bytes[0]);

	cr_expect(eq(u64, objects_files(it.store), 1));
	struct object made;
	cr_assert(eq(int, complete(&it, parts, 1, &made), STORE_OK));
}

Test(upload, more_bytes_than_announced_are_refused)
{
	scoped(fixture_close) struct fixture it = fixture_open();
	struct upload_part *part = start(&it, 1, G);

	feed(part, body(&it, 1, G - 1));

	cr_expect(eq(int, upload_part_write(part, SLICE("xy")), STORE_TOO_BIG));
	cr_expect(eq(int, upload_part_write(part, SLICE("x")), STORE_OK));
	upload_part_abort(&part);
}

static struct fixture *inherited;

static void
write_half_a_part(struct store *store, struct other_process *self)
{
	inherited->store = store;
	feed(start(inherited, 1, G), body(inherited, 97, G / 2));
	other_process_tell(self, 1);
}

Test(upload, a_dead_writers_slot_is_free_again)
{
	scoped(fixture_close) struct fixture it = fixture_open();
	struct slice bytes[] = {body(&it, 1, G), body(&it, 2, G)};
	struct upload_part_info parts[2];
	struct object made;

	parts[1] = deliver(&it, 2, bytes[1]);
	inherited = &it;
	store_close(&it.temp.store);
	struct other_process writer =
		other_process_start(it.temp.path, write_half_a_part);
	cr_assert(eq(u64, other_process_hear(&writer), 1));
	temp_store_reopen(&it.temp);
	it.store = it.temp.store;
	other_process_kill(&writer);
	cr_assert(eq(int, session_reap(it.store), STORE_OK));
	parts[0] = deliver(&it, 1, bytes[0]);
	uint64_t blob = blob_of(&it);
	cr_expect(eq(u64, objects_files(it.store), 1));

	cr_assert(eq(int, complete(&it, parts, 2, &made), STORE_OK));

	cr_expect(eq(u64, made.inode.blob, blob));
	cr_expect(holds(&it, bytes, 2));
}

Test(upload, completion_refuses_a_list_that_is_not_right)
{
	scoped(fixture_close) struct fixture it = fixture_open();
	struct upload_part_info a = deliver(&it, 1, body(&it, 1, G));
	struct upload_part_info b = deliver(&it, 2, body(&it, 2, 100));
	struct upload_part_info c = deliver(&it, 3, body(&it, 3, 100));
	struct upload_part_info wrong = a, absent = a;
	struct object made;

	wrong.md5[0] ^= 1;
	absent.number = 4;
	const struct upload_part_info order[] = {b, a}, twice[] = {a, a},
				      bad[] = {wrong, b}, none[] = {a, absent},
				      small[] = {a, b, c};
	cr_expect(eq(int, complete(&it, order, 2, &made),
		STORE_BAD_PART_ORDER));
	cr_expect(eq(int, complete(&it, twice, 2, &made),
		STORE_BAD_PART_ORDER));
	cr_expect(eq(int, complete(&it, bad, 2, &made), STORE_BAD_PART));
	cr_expect(eq(int, complete(&it, none, 2, &made), STORE_BAD_PART));
	cr_expect(eq(int, complete(&it, small, 3, &made),
		STORE_PART_TOO_SMALL));
	cr_expect(eq(int, complete(&it, small, 0, &made), STORE_INVALID));

	cr_expect(objects_is(it.store, it.bucket, "dir/big", NULL));
	cr_expect(eq(int, complete(&it, small, 2, &made), STORE_OK));
}

Test(upload, an_id_is_good_for_its_own_key_and_nonce_alone)
{
	scoped(fixture_close) struct fixture it = fixture_open();
	struct upload_info info;
	char other[UPLOAD_ID_LEN + 1];

	memcpy(other, it.id, sizeof(other));
	other[UPLOAD_ID_LEN - 1] ^= 1;
	const struct {
		struct slice key, id;
	} cases[] = {
		{SLICE("dir/bigger"), slice_str(it.id)},
		{KEY, slice_str(other)},
		{KEY, SLICE("1")},
		{KEY, SLICE_NULL},
	};

	for (size_t i = 0; i < 4; i++)
		cr_expect(eq(int,
			upload_get(it.store, it.bucket, cases[i].key,
				cases[i].id, &it.arena, &info),
			STORE_NO_UPLOAD));
	cr_expect(eq(int,
		upload_get(it.store, it.bucket, KEY, slice_str(it.id),
			&it.arena, &info),
		STORE_OK));
	cr_expect(slice_equal(info.key, KEY));
	cr_expect(slice_equal(info.initiator, SLICE("AKID")));
}

Test(upload, part_numbers_and_sizes_out_of_range_are_refused)
{
	scoped(fixture_close) struct fixture it = fixture_open();
	struct slice id = slice_str(it.id);
	struct upload_part *part = NULL;

	cr_expect(eq(int,
		upload_part_begin(it.store, it.bucket, KEY, id, 0, 1, &part),
		STORE_INVALID));
	cr_expect(eq(int,
		upload_part_begin(it.store, it.bucket, KEY, id, 10001, 1,
			&part),
		STORE_INVALID));
	cr_expect(eq(int,
		upload_part_begin(it.store, it.bucket, KEY, id, 1,
			UPLOAD_PART_MAX + 1, &part),
		STORE_TOO_BIG));
	cr_expect(eq(ptr, part, NULL));
}

Test(upload, a_failed_condition_leaves_the_upload_as_it_was)
{
	scoped(fixture_close) struct fixture it = fixture_open();
	const struct object_condition new_only = {.must_not_exist = true};
	const struct object_attrs attrs = {0};
	struct slice bytes[] = {body(&it, 1, G + 8), body(&it, 2, G)};
	struct upload_part_info parts[] = {
		deliver(&it, 1, bytes[0]), deliver(&it, 2, bytes[1])};
	struct object made;

	cr_assert(eq(int, objects_put(it.store, it.bucket, "dir/big", "there"),
		STORE_OK));
	uint64_t before = objects_files(it.store);

	cr_expect(eq(int,
		upload_complete(it.store, it.bucket, KEY, slice_str(it.id),
			parts, 2, &attrs, &new_only, &made),
		STORE_PRECONDITION));

	cr_expect(objects_is(it.store, it.bucket, "dir/big", "there"));
	cr_expect(eq(u64, objects_files(it.store), before));
	cr_expect(eq(int, complete(&it, parts, 2, &made), STORE_OK));
	cr_expect(holds(&it, bytes, 2));
}

Test(upload, abort_returns_the_space_of_every_part)
{
	scoped(fixture_close) struct fixture it = fixture_open();

	deliver(&it, 1, body(&it, 1, G));
	deliver(&it, 1, body(&it, 2, G));
	send_as(&it, 2, UNKNOWN, body(&it, 3, 10));

	cr_expect(eq(int,
		upload_abort(it.store, it.bucket, KEY, slice_str(it.id)),
		STORE_OK));

	cr_expect(eq(int,
		upload_abort(it.store, it.bucket, KEY, slice_str(it.id)),
		STORE_NO_UPLOAD));
	cr_expect(eq(u64, objects_blob_records(it.store), 0));
	cr_expect(eq(u64, files_left(&it), 0));
}

Test(upload, a_writer_under_way_at_the_abort_finds_no_upload)
{
	scoped(fixture_close) struct fixture it = fixture_open();
	struct slice bytes = body(&it, 1, G);
	struct upload_part_info info = describe(1, bytes);
	struct upload_part *part = start(&it, 1, G);
	struct upload_part *own = start(&it, 2, UNKNOWN);

	feed(own, bytes);
	cr_assert(eq(int,
		upload_abort(it.store, it.bucket, KEY, slice_str(it.id)),
		STORE_OK));
	feed(part, bytes);

	cr_expect(eq(int, upload_part_commit(&part, &info), STORE_NO_UPLOAD));
	cr_expect(eq(int, upload_part_commit(&own, &info), STORE_NO_UPLOAD));
	cr_expect(eq(u64, files_left(&it), 0));
}

Test(upload, a_bucket_that_goes_takes_its_uploads_along)
{
	scoped(fixture_close) struct fixture it = fixture_open();

	deliver(&it, 1, body(&it, 1, G));
	send_as(&it, 2, UNKNOWN, body(&it, 3, 10));

	cr_assert(eq(int, bucket_delete(it.store, SLICE("bucket")), STORE_OK));

	cr_expect(eq(u64, objects_blob_records(it.store), 0));
	cr_expect(eq(u64, files_left(&it), 0));
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
	scoped(fixture_close) struct fixture it = fixture_open();
	struct upload_part_info parts[] = {deliver(&it, 1, body(&it, 1, 10))};
	struct slice id = slice_str(it.id);
	struct store_status status;
	struct object object;

	cr_expect(eq(int,
		upload_was(it.store, it.bucket, KEY, id, &it.arena, &object),
		STORE_NO_UPLOAD));
	cr_assert(eq(int, complete(&it, parts, 1, &object), STORE_OK));

	cr_expect(eq(int, complete(&it, parts, 1, &object), STORE_NO_UPLOAD));
	uint64_t commit = commit_soon(it.store, it.bucket);
	cr_expect(eq(int,
		upload_was(it.store, it.bucket, KEY, id, &it.arena, &object),
		STORE_OK));
	cr_assert(zero(int, store_status(it.store, &status)));
	cr_expect(status.last_checkpoint >= commit);
	cr_expect(eq(u64, object.inode.size, 10));
	cr_assert(eq(int,
		object_copy(it.store, it.bucket, KEY, NULL, NULL, it.bucket,
			SLICE("copy"), NULL, NULL, &object),
		STORE_OK));
	cr_expect(eq(int,
		upload_was(it.store, it.bucket, SLICE("copy"), id, &it.arena,
			&object),
		STORE_NO_UPLOAD));
	cr_assert(eq(int, objects_put(it.store, it.bucket, "dir/big", "x"),
		STORE_OK));
	cr_expect(eq(int,
		upload_was(it.store, it.bucket, KEY, id, &it.arena, &object),
		STORE_NO_UPLOAD));
}

Test(upload, parts_are_listed_in_order_in_pages)
{
	scoped(fixture_close) struct fixture it = fixture_open();
	struct slice id = slice_str(it.id);
	struct upload_part_info *parts;
	size_t count;
	bool is_truncated;

	deliver(&it, 300, body(&it, 3, 30));
	deliver(&it, 1, body(&it, 1, 10));
	deliver(&it, 2, body(&it, 2, 20));
	struct upload_part *arriving = start(&it, 4, G);

	cr_assert(eq(int,
		upload_parts(it.store, it.bucket, KEY, id, 0, 2, &it.arena,
			&parts, &count, &is_truncated),
		STORE_OK));
	cr_assert(eq(sz, count, 2));
	cr_expect(is_truncated);
	cr_expect(eq(u32, parts[0].number, 1));
	cr_expect(eq(u32, parts[1].number, 2));
	cr_expect(eq(u64, parts[1].size, 20));
	cr_assert(eq(int,
		upload_parts(it.store, it.bucket, KEY, id, 2, 10, &it.arena,
			&parts, &count, &is_truncated),
		STORE_OK));
	cr_assert(eq(sz, count, 1));
	cr_expect(not(is_truncated));
	cr_expect(eq(u32, parts[0].number, 300));
	upload_part_abort(&arriving);
}

Test(upload, fsck_has_nothing_to_say_of_one_under_way_nor_of_what_it_made)
{
	scoped(fixture_close) struct fixture it = fixture_open();
	struct upload_part_info parts[2];
	struct object made;

	parts[0] = deliver(&it, 1, body(&it, 1, G));
	parts[1] = send_as(&it, 2, UNKNOWN, body(&it, 2, 10));
	struct upload_part *arriving = start(&it, 3, G);
	feed(arriving, body(&it, 3, 4096));
	cr_expect(eq(u64, objects_findings(it.store), 0));

	upload_part_abort(&arriving);
	cr_expect(eq(u64, objects_findings(it.store), 0));
	cr_assert(eq(int, complete(&it, parts, 2, &made), STORE_OK));
	cr_expect(eq(u64, objects_findings(it.store), 0));
}

/* An inode that says it was made of these parts. */
