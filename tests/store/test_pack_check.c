/* SPDX-License-Identifier: Apache-2.0 */
/* What fsck says of segments that somebody has damaged. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>

#include "store/base/codec.h"
#include "store/segment_private.h"
#include "tests/store/names.h"
#include "tests/store/objects.h"
#include "tests/store/raw.h"
#include "tests/support/temp_store.h"

/* Three objects, "a" "b" "c", packed next to each other. */
struct packed {
	struct temp_store temp;
	struct store *store;
	uint64_t bucket;
	uint64_t inos[3];
	uint64_t blobs[3];
	struct record_blob records[3];
	uint64_t segment;
};

static const char *const bodies[] = {"first", "second", "third"};
static const char *const keys[] = {"a", "b", "c"};

static void
packed_close(struct packed *packed)
{
	temp_store_close(&packed->temp);
}

static struct packed
packed_open(void)
{
	struct packed packed = {.temp = temp_store_open()};

	packed.store = packed.temp.store;
	packed.bucket = objects_bucket(packed.store, "bucket");
	for (size_t i = 0; i < array_len(keys); i++) {
		struct inode inode;

		cr_assert(zero(int, objects_put(packed.store, packed.bucket,
					    keys[i], bodies[i])));
		cr_assert(zero(int,
			tree_lookup(packed.store, packed.bucket,
				slice_str(keys[i]), TREE_FILE, NULL, &inode)));
		packed.inos[i] = inode.ino;
		packed.blobs[i] = inode.blob;
		packed.records[i] = raw_blob(packed.store, inode.blob);
	}
	packed.segment = packed.records[0].segment;
	return packed;
}

static void
set(struct store *store, uint64_t blob, const struct record_blob *record)
{
	scoped(buffer_free) struct buffer value = {0};

	record_blob_encode(&value, record);
	raw_put(store, DB_BLOB, key_u64(blob), buffer_slice(&value));
}

static void
set_row(struct store *store, uint64_t segment, uint64_t offset, uint64_t blob)
{
	scoped(buffer_free) struct buffer value = {0};

	codec_encode_u64(&value, blob);
	raw_put(store, DB_PACK, key_u64_u64(segment, offset),
		buffer_slice(&value));
}

static void
count_kind(const struct check_finding *finding, void *context)
{
	int *found = context;

	found[finding->kind]++;
}

static void
check(struct store *store, enum check_mode mode, int found[CHECK_KINDS])
{
	struct check_result result;

	memset(found, 0, CHECK_KINDS * sizeof(*found));
	cr_assert(zero(int,
		check_store(store, mode, count_kind, found, &result)));
}

/* It is found, then repaired, and all three are as they were. */
static void
expect_repair(struct packed *packed, enum check_kind kind)
{
	int found[CHECK_KINDS];

	check(packed->store, CHECK_LOOK, found);
	cr_expect(gt(int, found[kind], 0), "%s is found",
		check_kind_name(kind));
	check(packed->store, CHECK_REPAIR, found);
	cr_expect(gt(int, found[kind], 0));
	cr_expect(zero(u64, objects_findings(packed->store)));
	for (size_t i = 0; i < array_len(keys); i++)
		cr_expect(objects_is(packed->store, packed->bucket, keys[i],
				  bodies[i]),
			"%s", keys[i]);
}

/* It is found, and no repair pretends to do away with it. */
static void
expect_lasting(struct packed *packed, enum check_kind kind)
{
	int found[CHECK_KINDS];

	check(packed->store, CHECK_REPAIR, found);
	cr_expect(gt(int, found[kind], 0), "%s is found",
		check_kind_name(kind));
	check(packed->store, CHECK_LOOK, found);
	cr_expect(gt(int, found[kind], 0));
}

Test(pack_check, a_packed_blob_without_its_record)
{
	scoped(packed_close) struct packed packed = packed_open();

	raw_put(packed.store, DB_BLOB, key_u64(packed.blobs[1]), SLICE_NULL);
	expect_repair(&packed, CHECK_REFERENCES);
}

Test(pack_check, a_packed_blob_without_its_row)
{
	scoped(packed_close) struct packed packed = packed_open();

	raw_put(packed.store, DB_PACK,
		key_u64_u64(packed.segment, packed.records[1].offset),
		SLICE_NULL);
	expect_repair(&packed, CHECK_PACK);
}

Test(pack_check, a_row_without_a_blob)
{
	scoped(packed_close) struct packed packed = packed_open();

	set_row(packed.store, packed.segment, 1000, 1u << 30);
	expect_repair(&packed, CHECK_PACK);
	set_row(packed.store, packed.segment, 1000, packed.blobs[1]);
	expect_repair(&packed, CHECK_PACK);
	set_row(packed.store, 0, 1u << 30, 0);
	expect_repair(&packed, CHECK_PACK);
	raw_put(packed.store, DB_PACK, key_u64(3), SLICE("no row"));
	expect_repair(&packed, CHECK_RECORD);
}

Test(pack_check, a_record_that_names_another_place)
{
	scoped(packed_close) struct packed packed = packed_open();
	struct record_blob record = packed.records[1];

	record.offset = packed.records[2].offset;
	set(packed.store, packed.blobs[1], &record);
	expect_repair(&packed, CHECK_PACK);
	record.offset = 1u << 30;
	set(packed.store, packed.blobs[1], &record);
	expect_repair(&packed, CHECK_PACK);
	record = (struct record_blob){
		.place = RECORD_BLOB_FILE, .references = 1, .size = 6};
	set(packed.store, packed.blobs[1], &record);
	expect_repair(&packed, CHECK_PACK);
}

Test(pack_check, a_record_of_another_size)
{
	scoped(packed_close) struct packed packed = packed_open();
	struct record_blob record = packed.records[1];

	record.size++;
	set(packed.store, packed.blobs[1], &record);
	expect_repair(&packed, CHECK_BLOB_SIZE);
}

Test(pack_check, wrong_counters_of_a_segment)
{
	scoped(packed_close) struct packed packed = packed_open();
	struct record_blob record = raw_blob(packed.store, packed.segment);

	record.references = 9;
	set(packed.store, packed.segment, &record);
	expect_repair(&packed, CHECK_PACK);
	record = raw_blob(packed.store, packed.segment);
	record.live--;
	set(packed.store, packed.segment, &record);
	expect_repair(&packed, CHECK_PACK);
	record = raw_blob(packed.store, packed.segment);
	record.session = 1u << 30;
	set(packed.store, packed.segment, &record);
	expect_repair(&packed, CHECK_PACK);
}

Test(pack_check, a_segment_without_its_record)
{
	scoped(packed_close) struct packed packed = packed_open();

	raw_put(packed.store, DB_BLOB, key_u64(packed.segment), SLICE_NULL);
	expect_repair(&packed, CHECK_PACK);
}

Test(pack_check, a_segment_with_the_record_of_something_else)
{
	scoped(packed_close) struct packed packed = packed_open();
	struct record_blob record = {
		.place = RECORD_BLOB_FILE, .references = 1, .size = 16};

	set(packed.store, packed.segment, &packed.records[1]);
	expect_repair(&packed, CHECK_PACK);
	set(packed.store, packed.segment, &record);
	expect_repair(&packed, CHECK_PACK);
}

Test(pack_check, a_segment_that_is_shorter_than_its_record_but_for_nothing)
{
	scoped(packed_close) struct packed packed = packed_open();
	struct record_blob record = raw_blob(packed.store, packed.segment);
	uint64_t size = record.size;

	record.size += 1ull << 40;
	set(packed.store, packed.segment, &record);
	expect_repair(&packed, CHECK_BLOB_SIZE);
	cr_expect(eq(u64, raw_blob(packed.store, packed.segment).size, size));
}

/* Nothing of it is in the segment's counters. */
Test(pack_check, a_blob_over_others_that_nothing_names)
{
	scoped(packed_close) struct packed packed = packed_open();
	struct record_blob record = packed.records[0];
	int found[CHECK_KINDS];

	record.size = 1ull << 40;
	set(packed.store, packed.blobs[0], &record);
	raw_delete(packed.store, DB_DENTRY,
		key_dentry(packed.bucket, SLICE("a")));
	raw_delete(packed.store, DB_INODE, key_u64(packed.inos[0]));
	check(packed.store, CHECK_REPAIR, found);

	cr_expect(gt(int, found[CHECK_REFERENCES], 0));
	cr_expect(zero(u64, objects_findings(packed.store)));
	cr_expect(objects_is(packed.store, packed.bucket, "a", NULL));
	cr_expect(objects_is(packed.store, packed.bucket, "b", bodies[1]));
	cr_expect(objects_is(packed.store, packed.bucket, "c", bodies[2]));
}

/* Its record is made of the inode's size, which is wrong. */
Test(pack_check, a_record_that_is_made_anew_ends_where_the_next_blob_begins)
{
	scoped(packed_close) struct packed packed = packed_open();
	struct inode inode;

	cr_assert(zero(int, tree_lookup(packed.store, packed.bucket, SLICE("b"),
				    TREE_FILE, NULL, &inode)));
	inode.size = 1ull << 40;
	raw_inode(packed.store, &inode);
	raw_delete(packed.store, DB_BLOB, key_u64(packed.blobs[1]));
	expect_repair(&packed, CHECK_REFERENCES);
}

/* Bytes of others, of which none may be shown. */
Test(pack_check, an_inode_that_names_a_segment)
{
	scoped(packed_close) struct packed packed = packed_open();
	struct inode inode;

	cr_assert(zero(int, tree_lookup(packed.store, packed.bucket, SLICE("b"),
				    TREE_FILE, NULL, &inode)));
	inode.blob = packed.segment;
	raw_inode(packed.store, &inode);
	expect_lasting(&packed, CHECK_BLOB_MISSING);
	cr_assert(zero(int, tree_inode(packed.store, inode.ino, NULL, &inode)));
	cr_expect(eq(u64, inode.size, strlen(bodies[1])));
	cr_expect(objects_is(packed.store, packed.bucket, "a", bodies[0]));
	cr_expect(objects_is(packed.store, packed.bucket, "c", bodies[2]));
}

/* Else the segment would be taken for an empty one, and its file freed. */
Test(pack_check, a_file_with_the_record_of_a_segment)
{
	scoped(packed_close) struct packed packed = packed_open();
	struct record_blob record = raw_blob(packed.store, packed.segment);
	struct inode inode;

	cr_assert(zero(int, objects_put_if(packed.store, packed.bucket, "large",
				    objects_large(), NULL)));
	cr_assert(zero(int, tree_lookup(packed.store, packed.bucket,
				    SLICE("large"), TREE_FILE, NULL, &inode)));
	set(packed.store, inode.blob, &record);
	expect_repair(&packed, CHECK_PACK);
	cr_expect(eq(int, raw_blob(packed.store, inode.blob).place,
		RECORD_BLOB_FILE));
}

Test(pack_check, blobs_that_lie_over_each_other)
{
	scoped(packed_close) struct packed packed = packed_open();
	struct record_blob record = packed.records[1];
	scoped(buffer_free) struct buffer value = {0};
	struct inode inode;

	cr_assert(zero(int, tree_lookup(packed.store, packed.bucket, SLICE("b"),
				    TREE_FILE, NULL, &inode)));
	record.size++;
	inode.size++;
	set(packed.store, packed.blobs[1], &record);
	record_inode_encode(&value, &inode);
	raw_put(packed.store, DB_INODE, key_u64(inode.ino),
		buffer_slice(&value));
	expect_lasting(&packed, CHECK_PACK);
}

Test(pack_check, a_segment_that_is_cut_short_or_gone)
{
	scoped(packed_close) struct packed packed = packed_open();
	int fd;

	cr_assert(zero(int,
		blob_open(packed.store->blobs, packed.segment, O_RDWR, &fd)));
	cr_assert(zero(int, ftruncate(fd, 7)));
	close(fd);
	expect_lasting(&packed, CHECK_BLOB_SIZE);
	cr_assert(zero(int, blob_remove(packed.store->blobs, packed.segment)));
	expect_lasting(&packed, CHECK_BLOB_MISSING);
}
