/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kinds of checksums that came later (docs/format.md): what earlier tarns could
 * read is written as they wrote it, the rest as what they leave alone.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "store/base/clock.h"
#include "store/base/digest.h"
#include "store/meta/record.h"

static const struct {
	enum digest_kind kind;
	bool is_recent;
} kinds[] = {
	{DIGEST_MD5, true},
	{DIGEST_SHA1, false},
	{DIGEST_SHA256, false},
	{DIGEST_CRC32, false},
	{DIGEST_CRC32C, false},
	{DIGEST_CRC64NVME, false},
	{DIGEST_SHA512, true},
	{DIGEST_XXHASH64, true},
	{DIGEST_XXHASH3, true},
	{DIGEST_XXHASH128, true},
};

static struct inode
inode_of(enum digest_kind kind)
{
	struct inode inode = {
		.ino = 1,
		.bucket = 2,
		.mode = S_IFREG,
		.nlink = 1,
		.flags = INODE_FROM_S3,
		.atime_ns = 5,
		.mtime_ns = 5,
		.ctime_ns = 5,
		.birth_ns = 5,
		.checksum_kind = (uint8_t)kind,
		.checksum_len = (uint8_t)digest_len(kind),
	};

	memset(inode.checksum, 0xab, inode.checksum_len);
	return inode;
}

/* Sound as it is, and not once its first byte says the other version. */
#define EXPECT_VERSION(type, out, buffer, version, other)                      \
	do {                                                                   \
		cr_expect(eq(int, (buffer).data[0], version));                 \
		cr_assert(zero(int,                                            \
			record_##type##_decode(buffer_slice(&(buffer)),        \
				&(out))));                                     \
		(buffer).data[0] = other;                                      \
		cr_expect(eq(int,                                              \
			record_##type##_decode(buffer_slice(&(buffer)),        \
				&(out)),                                       \
			STORE_CORRUPT));                                       \
		(buffer).data[0] = version;                                    \
		cr_assert(zero(int,                                            \
			record_##type##_decode(buffer_slice(&(buffer)),        \
				&(out))));                                     \
	} while (0)

Test(record_checksum, of_a_recent_kind_is_in_a_later_version_of_an_inode)
{
	for (size_t i = 0; i < array_len(kinds); i++) {
		scoped(buffer_free) struct buffer buffer = {0};
		struct inode in = inode_of(kinds[i].kind);
		struct inode out;

		record_inode_encode(&buffer, &in);
		if (kinds[i].is_recent)
			EXPECT_VERSION(inode, out, buffer, 5, 1);
		else
			EXPECT_VERSION(inode, out, buffer, 1, 5);

		cr_expect(eq(u8, out.checksum_kind, kinds[i].kind));
		cr_expect(eq(u8, out.checksum_len, in.checksum_len));
		cr_expect(zero(memcmp(out.checksum, in.checksum,
			sizeof(in.checksum))));
		cr_expect(zero(u32, out.access_day));
	}
}

Test(record_checksum, leaves_room_for_the_day_of_the_last_access)
{
	scoped(buffer_free) struct buffer buffer = {0};
	struct inode in = inode_of(DIGEST_XXHASH3);
	struct inode out;

	in.access_day = 6;
	record_inode_encode(&buffer, &in);
	EXPECT_VERSION(inode, out, buffer, 5, 3);
	cr_expect(eq(u32, inode_access_day(&out), 6));

	/* One encoding: that of the birth is left out. */
	buffer.data[buffer.len - 4] = 0;
	cr_expect(eq(int, record_inode_decode(buffer_slice(&buffer), &out),
		STORE_CORRUPT));
}

/* Object Lock: with the day of an access and without, in either order of
 * coming to be. */
Test(record_checksum, leaves_room_for_a_lock)
{
	for (uint32_t day = 0; day < 7; day += 6) {
		scoped(buffer_free) struct buffer buffer = {0};
		struct inode in = inode_of(DIGEST_SHA512);
		struct inode out;

		in.access_day = day;
		in.lock = (struct inode_lock){.mode = INODE_LOCK_COMPLIANCE,
			.hold = INODE_HOLD_ON,
			.until_ns = 9};
		record_inode_encode(&buffer, &in);
		EXPECT_VERSION(inode, out, buffer, 5, 4);
		cr_expect(eq(u32, out.access_day, day));
		cr_expect(eq(int, out.lock.mode, INODE_LOCK_COMPLIANCE));
		cr_expect(eq(int, out.lock.hold, INODE_HOLD_ON));
		cr_expect(eq(i64, out.lock.until_ns, 9));

		/* One encoding: an empty one is left out. */
		memset(buffer.data + buffer.len - 11, 0, 11);
		cr_expect(eq(int,
			record_inode_decode(buffer_slice(&buffer), &out),
			STORE_CORRUPT));
	}
}

/* Of versions 1 to 4 the bits mean nothing. */
Test(record_checksum, a_bit_of_a_later_version_is_damage_in_an_earlier_one)
{
	scoped(buffer_free) struct buffer buffer = {0};
	struct inode in = inode_of(DIGEST_SHA1);
	struct inode out;

	in.access_day = 6;
	record_inode_encode(&buffer, &in);
	cr_assert(eq(int, buffer.data[0], 3));
	for (int bit = 2; bit < 8; bit++) {
		buffer.data[2] ^= (char)(1 << bit);
		cr_expect(eq(int,
			record_inode_decode(buffer_slice(&buffer), &out),
			STORE_CORRUPT));
		buffer.data[2] ^= (char)(1 << bit);
	}
}

Test(record_checksum, more_attributes_than_there_were_make_a_later_version)
{
	char *bytes = calloc(1, INODE_ATTRS_MAX + 1);
	static const struct {
		size_t len;
		char version; /* 0: damage */
	} rows[] = {
		{INODE_ATTRS_FEW, 1},
		{INODE_ATTRS_FEW + 1, 5},
		{INODE_ATTRS_MAX, 5},
		{INODE_ATTRS_MAX + 1, 0},
	};

	for (size_t i = 0; i < array_len(rows); i++) {
		scoped(buffer_free) struct buffer buffer = {0};
		struct inode in = inode_of(DIGEST_CRC32);
		struct inode out;

		in.attrs = slice_of(bytes, rows[i].len);
		record_inode_encode(&buffer, &in);
		cr_expect(eq(int,
			record_inode_decode(buffer_slice(&buffer), &out),
			rows[i].version ? STORE_OK : STORE_CORRUPT));
		if (rows[i].version)
			cr_expect(eq(int, buffer.data[0], rows[i].version));
	}
	free(bytes);
}

Test(record_checksum, of_a_recent_kind_is_in_a_later_version_of_an_upload)
{
	for (size_t i = 0; i < array_len(kinds); i++) {
		scoped(buffer_free) struct buffer buffer = {0};
		struct record_upload in = {
			.key = SLICE("key"),
			.checksum_kind = (uint8_t)kinds[i].kind,
		};
		struct record_upload out;

		record_upload_encode(&buffer, &in);
		if (kinds[i].is_recent)
			EXPECT_VERSION(upload, out, buffer, 2, 1);
		else
			EXPECT_VERSION(upload, out, buffer, 1, 2);
		cr_expect(eq(u8, out.checksum_kind, kinds[i].kind));
	}
}

Test(record_checksum, of_a_recent_kind_is_in_a_later_version_of_a_part)
{
	static const char value[DIGEST_LEN_MAX] = "a checksum";

	for (size_t i = 0; i < array_len(kinds); i++) {
		scoped(buffer_free) struct buffer buffer = {0};
		struct record_part in = {
			.checksum_kind = (uint8_t)kinds[i].kind,
			.checksum = slice_of(value, digest_len(kinds[i].kind)),
		};
		struct record_part out;

		record_part_encode(&buffer, &in);
		if (kinds[i].is_recent)
			EXPECT_VERSION(part, out, buffer, 2, 1);
		else
			EXPECT_VERSION(part, out, buffer, 1, 2);
		cr_expect(slice_equal(out.checksum, in.checksum));
	}
}

Test(record_checksum, of_no_known_kind_is_damage)
{
	scoped(buffer_free) struct buffer buffer = {0};
	struct record_upload in = {
		.key = SLICE("key"),
		.checksum_kind = DIGEST_KIND_LAST + 1,
	};
	struct record_upload out;

	record_upload_encode(&buffer, &in);
	cr_expect(eq(int, record_upload_decode(buffer_slice(&buffer), &out),
		STORE_CORRUPT));
}
