/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "store/upload_private.h"
#include "tests/store/objects.h"
#include "tests/support/temp_store.h"

static struct upload_part_info
with_crc(unsigned number, uint64_t size)
{
	struct upload_part_info info = {
		.number = number,
		.size = size,
		.checksum_kind = DIGEST_CRC32,
		.checksum_len = 4,
	};

	memcpy(info.checksum, &number, 4);
	return info;
}

static struct inode
made_of(const struct upload_part_info *parts, size_t count,
	struct buffer *attrs)
{
	scoped(buffer_free) struct buffer value = {0};
	struct inode_attr attr = {
		INODE_ATTR_PART, UPLOAD_ATTR_PARTS, SLICE_NULL};
	struct inode inode = {.etag.parts = (uint32_t)count};

	for (size_t i = 0; i < count; i++)
		inode.size += parts[i].size;
	upload_parts_encode(&value, parts, count);
	attr.value = buffer_slice(&value);
	inode_attr_append(attrs, &attr);
	inode.attrs = buffer_slice(attrs);
	return inode;
}

static void
expect_all(const struct upload_part_info *parts, size_t count)
{
	scoped(buffer_free) struct buffer attrs = {0};
	struct inode inode = made_of(parts, count, &attrs);
	struct upload_part_info info;
	uint64_t offset, expected = 0;
	unsigned of;

	for (size_t i = 0; i < count; i++) {
		cr_assert(upload_parts_of(&inode, parts[i].number, &info,
			&offset, &of));
		cr_expect(eq(u64, offset, expected));
		cr_expect(eq(u64, info.size, parts[i].size));
		cr_expect(eq(sz, of, count));
		cr_expect(eq(int, info.checksum_kind, parts[i].checksum_kind));
		cr_expect(zero(memcmp(info.checksum, parts[i].checksum,
			sizeof(info.checksum))));
		expected += parts[i].size;
	}
	cr_expect(not(upload_parts_of(&inode, parts[count - 1].number + 1,
		&info, &offset, &of)));
	cr_expect(not(upload_parts_of(&inode, 0, &info, &offset, &of)));
}

Test(upload_parts, an_object_remembers_its_parts)
{
	const struct upload_part_info regular[] = {
		with_crc(1, 100), with_crc(2, 100), with_crc(3, 7)};
	const struct upload_part_info sizes[] = {
		with_crc(1, 100), with_crc(2, 99), with_crc(3, 7)};
	const struct upload_part_info gaps[] = {
		with_crc(2, 100), with_crc(9, 100), with_crc(10000, 107)};
	const struct upload_part_info plain[] = {
		{.number = 1, .size = 5}, {.number = 2, .size = 6}};

	expect_all(regular, 3);
	expect_all(sizes, 3);
	expect_all(gaps, 3);
	expect_all(gaps, 1);
	expect_all(regular, 1);
	expect_all(plain, 2);
}

Test(upload_parts, an_object_written_to_since_has_no_parts)
{
	scoped(buffer_free) struct buffer attrs = {0};
	const struct upload_part_info parts[] = {
		with_crc(1, 9), with_crc(2, 9)};
	struct inode inode = made_of(parts, 2, &attrs);
	struct upload_part_info info;
	uint64_t offset;
	unsigned count;

	inode.size++;
	cr_expect(not(upload_parts_of(&inode, 1, &info, &offset, &count)));
	inode.size--;
	inode.etag.parts = 1;
	cr_expect(not(upload_parts_of(&inode, 1, &info, &offset, &count)));
}

Test(upload_parts, a_part_attribute_that_does_not_decode_is_none)
{
	scoped(buffer_free) struct buffer attrs = {0};
	const struct upload_part_info parts[] = {
		with_crc(1, 9), with_crc(2, 9)};
	struct inode inode = made_of(parts, 2, &attrs);
	struct upload_part_info info;
	struct slice value;
	uint64_t offset;
	unsigned count;

	cr_assert(inode_attr_find(inode.attrs, INODE_ATTR_PART,
		UPLOAD_ATTR_PARTS, &value));
	for (size_t len = 0; len < value.len; len++) {
		scoped(buffer_free) struct buffer cut = {0};
		struct inode_attr attr = {INODE_ATTR_PART, UPLOAD_ATTR_PARTS,
			slice_first(value, len)};

		inode_attr_append(&cut, &attr);
		inode.attrs = buffer_slice(&cut);
		cr_expect(not(upload_parts_of(&inode, 1, &info, &offset,
			&count)));
	}
}

static struct upload_part_info
with_kind(unsigned number, enum digest_kind kind)
{
	struct upload_part_info info = {
		.number = number,
		.size = number,
		.checksum_kind = (uint8_t)kind,
		.checksum_len = (uint8_t)digest_len(kind),
	};

	memset(info.checksum, (int)number % 256, info.checksum_len);
	return info;
}

/* docs/format.md: an earlier tarn takes parts of a kind that it does not know
 * for none. */
Test(upload_parts, checksums_of_a_recent_kind_are_in_a_later_version)
{
	for (enum digest_kind kind = DIGEST_MD5; kind <= DIGEST_KIND_LAST;
		kind++) {
		const struct upload_part_info parts[] = {
			with_kind(1, kind), with_kind(2, kind)};
		scoped(buffer_free) struct buffer value = {0};
		bool is_recent = kind == DIGEST_MD5 || kind >= DIGEST_SHA512;

		expect_all(parts, 2);
		upload_parts_encode(&value, parts, 2);
		cr_expect(eq(int, value.data[0], is_recent ? 2 : 1));
	}
}

Test(upload_parts, checksums_in_a_version_that_is_not_theirs_are_none)
{
	static const enum digest_kind kinds[] = {DIGEST_CRC32, DIGEST_MD5};

	for (size_t i = 0; i < array_len(kinds); i++) {
		const struct upload_part_info part = with_kind(1, kinds[i]);
		scoped(buffer_free) struct buffer attrs = {0};
		struct inode inode = made_of(&part, 1, &attrs);
		struct upload_part_info info;
		struct slice value;
		uint64_t offset;
		unsigned count;

		cr_assert(inode_attr_find(inode.attrs, INODE_ATTR_PART,
			UPLOAD_ATTR_PARTS, &value));
		attrs.data[value.data - attrs.data] ^= 1 | 2;
		cr_expect(not(upload_parts_of(&inode, 1, &info, &offset,
			&count)));
	}
}

/* And 200 KiB for what else there is. */
Test(upload_parts, there_is_room_for_all_that_an_upload_may_have)
{
	struct upload_part_info *parts =
		calloc(UPLOAD_PARTS_MAX, sizeof(*parts));
	scoped(buffer_free) struct buffer value = {0};

	for (unsigned i = 0; i < UPLOAD_PARTS_MAX; i++)
		parts[i] = with_kind(i + 1, DIGEST_SHA512);
	/* Numbers that are not 1, 2, 3 take room of their own. */
	parts[0].number = 0;
	upload_parts_encode(&value, parts, UPLOAD_PARTS_MAX);

	cr_expect(le(sz, value.len + 200 * 1024, INODE_ATTRS_MAX));
	free(parts);
}
