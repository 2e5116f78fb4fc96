/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "store/base/digest.h"
#include "store/meta/record.h"

static const struct inode full = {
	.ino = 1,
	.bucket = 2,
	.parent = 3,
	.mode = S_IFREG | 06755,
	.uid = 4,
	.gid = 5,
	.nlink = 6,
	.rdev = 7,
	.flags = INODE_DIRTY | INODE_FROM_S3,
	.size = 8,
	.blob = 9,
	.pending = 10,
	.atime_ns = 11,
	.mtime_ns = 12,
	.ctime_ns = 13,
	.birth_ns = 14,
	.etag = {{15}, 16},
	.checksum_kind = DIGEST_SHA256,
	.is_checksum_composite = true,
	.checksum_parts = 17,
	.checksum_len = 32,
	.checksum = {18, [31] = 19},
	.attrs = {"attributes", 10},
};

/* As a small PUT leaves it. */
static const struct inode plain = {
	.ino = 1,
	.bucket = 2,
	.mode = S_IFREG,
	.nlink = 1,
	.flags = INODE_FROM_S3,
	.size = 3,
	.blob = 4,
	.atime_ns = 5,
	.mtime_ns = 5,
	.ctime_ns = 5,
	.birth_ns = 5,
	.etag = {{6}, 0},
};

static void
expect_same(const struct inode *a, const struct inode *b)
{
	cr_expect(eq(u64, a->ino, b->ino));
	cr_expect(eq(u64, a->bucket, b->bucket));
	cr_expect(eq(u64, a->parent, b->parent));
	cr_expect(eq(u32, a->mode, b->mode));
	cr_expect(eq(u32, a->uid, b->uid));
	cr_expect(eq(u32, a->gid, b->gid));
	cr_expect(eq(u32, a->nlink, b->nlink));
	cr_expect(eq(u32, a->rdev, b->rdev));
	cr_expect(eq(u32, a->flags, b->flags));
	cr_expect(eq(u64, a->size, b->size));
	cr_expect(eq(u64, a->blob, b->blob));
	cr_expect(eq(u64, a->pending, b->pending));
	cr_expect(eq(i64, a->atime_ns, b->atime_ns));
	cr_expect(eq(i64, a->mtime_ns, b->mtime_ns));
	cr_expect(eq(i64, a->ctime_ns, b->ctime_ns));
	cr_expect(eq(i64, a->birth_ns, b->birth_ns));
	cr_expect(memcmp(&a->etag, &b->etag, sizeof(a->etag)) == 0);
	cr_expect(eq(u8, a->checksum_kind, b->checksum_kind));
	cr_expect(eq(int, a->is_checksum_composite, b->is_checksum_composite));
	cr_expect(eq(u32, a->checksum_parts, b->checksum_parts));
	cr_expect(eq(u8, a->checksum_len, b->checksum_len));
	cr_expect(memcmp(a->checksum, b->checksum, sizeof(a->checksum)) == 0);
	cr_expect(slice_equal(a->attrs, b->attrs));
}

Test(record_inode, comes_back)
{
	static const struct inode *const inodes[] = {&full, &plain};

	for (size_t i = 0; i < array_len(inodes); i++) {
		scoped(buffer_free) struct buffer buffer = {0};
		struct inode out;

		record_inode_encode(&buffer, inodes[i]);
		cr_assert(eq(int,
			record_inode_decode(buffer_slice(&buffer), &out),
			STORE_OK));

		expect_same(&out, inodes[i]);
	}
}

Test(record_inode, of_s3_is_small)
{
	scoped(buffer_free) struct buffer buffer = {0};

	record_inode_encode(&buffer, &plain);

	cr_expect(le(sz, buffer.len, 80));
}

Test(record_inode, cut_short_is_refused)
{
	scoped(buffer_free) struct buffer buffer = {0};
	struct inode out;

	record_inode_encode(&buffer, &full);
	for (size_t len = 0; len < buffer.len - full.attrs.len; len++)
		cr_expect(eq(int,
			record_inode_decode(slice_of(buffer.data, len), &out),
			STORE_CORRUPT));
}

Test(record_inode, out_of_range_is_refused)
{
	struct inode wrong[8];
	struct inode out;

	for (size_t i = 0; i < array_len(wrong); i++)
		wrong[i] = full;
	wrong[0].ino = 0;
	wrong[1].mode = 0644;
	wrong[2].mode |= 1u << 20;
	wrong[3].flags = 1 << 7;
	wrong[4].size = UINT64_MAX;
	wrong[5].checksum_kind = 99;
	wrong[6].checksum_len = 31;
	wrong[7].checksum_kind = DIGEST_MD5;
	for (size_t i = 0; i < array_len(wrong); i++) {
		scoped(buffer_free) struct buffer buffer = {0};

		record_inode_encode(&buffer, &wrong[i]);
		cr_expect(eq(int,
				  record_inode_decode(buffer_slice(&buffer),
					  &out),
				  STORE_CORRUPT),
			"case %zu", i);
	}
}

Test(record_inode, tells_the_day_of_its_last_access_where_it_is_another)
{
	scoped(buffer_free) struct buffer same = {0};
	scoped(buffer_free) struct buffer later = {0};
	struct inode inode = plain;
	struct inode out;

	inode.birth_ns = 5 * CLOCK_NS_PER_DAY + 1;
	inode.access_day = 5;
	record_inode_encode(&same, &inode);
	cr_assert(zero(int, record_inode_decode(buffer_slice(&same), &out)));
	cr_expect(eq(int, same.data[0], 1));
	cr_expect(eq(u32, inode_access_day(&out), 5));

	inode.access_day = 6;
	record_inode_encode(&later, &inode);
	cr_assert(zero(int, record_inode_decode(buffer_slice(&later), &out)));
	cr_expect(eq(int, later.data[0], 3));
	cr_expect(eq(u32, inode_access_day(&out), 6));
	cr_expect(eq(sz, later.len, same.len + 4));

	/* One encoding: the day is the last field. */
	later.data[later.len - inode.attrs.len - 4] = 5;
	cr_expect(eq(int, record_inode_decode(buffer_slice(&later), &out),
		STORE_CORRUPT));
	later.data[later.len - inode.attrs.len - 4] = 0;
	cr_expect(eq(int, record_inode_decode(buffer_slice(&later), &out),
		STORE_CORRUPT));
}
