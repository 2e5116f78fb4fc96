/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "store/base/digest.h"
#include "store/meta/record.h"

/* Each decoder must refuse its record cut short, too long or of a version
 * that nobody has written. */
#define CHECK_STRICT(type, buffer)                                             \
	do {                                                                   \
		struct record_##type other;                                    \
		for (size_t len = 0; len < (buffer).len; len++)                \
			cr_expect(eq(int,                                      \
				record_##type##_decode(slice_of((buffer).data, \
							       len),           \
					&other),                               \
				STORE_CORRUPT));                               \
		buffer_append_char(&(buffer), 0);                              \
		cr_expect(eq(int,                                              \
			record_##type##_decode(buffer_slice(&(buffer)),        \
				&other),                                       \
			STORE_CORRUPT));                                       \
		(buffer).len--;                                                \
		(buffer).data[0] = 9;                                          \
		cr_expect(eq(int,                                              \
			record_##type##_decode(buffer_slice(&(buffer)),        \
				&other),                                       \
			STORE_CORRUPT));                                       \
	} while (0)

Test(record, bucket)
{
	scoped(buffer_free) struct buffer buffer = {0};
	struct record_bucket in = {
		.root_ino = 1ull << 40,
		.created_ns = -5,
		.owner = SLICE("org"),
		.region = SLICE("default"),
		.versioning = 1,
	};
	struct record_bucket out;

	record_bucket_encode(&buffer, &in);
	cr_assert(eq(int, record_bucket_decode(buffer_slice(&buffer), &out),
		STORE_OK));

	cr_expect(eq(u64, out.root_ino, in.root_ino));
	cr_expect(eq(i64, out.created_ns, -5));
	cr_expect(slice_equal(out.owner, in.owner));
	cr_expect(slice_equal(out.region, in.region));
	cr_expect(eq(u8, out.versioning, 1));
	CHECK_STRICT(bucket, buffer);
}

Test(record, dentry)
{
	scoped(buffer_free) struct buffer buffer = {0};
	struct record_dentry in = {.kind = RECORD_DENTRY_CHUNK, .ino = 77};
	struct record_dentry out;

	record_dentry_encode(&buffer, &in);
	cr_assert(eq(int, record_dentry_decode(buffer_slice(&buffer), &out),
		STORE_OK));

	cr_expect(eq(int, out.kind, RECORD_DENTRY_CHUNK));
	cr_expect(eq(u64, out.ino, 77));
	CHECK_STRICT(dentry, buffer);
	buffer.data[0] = 1;
	buffer.data[1] = 4;
	cr_expect(eq(int, record_dentry_decode(buffer_slice(&buffer), &out),
		STORE_CORRUPT));
}

Test(record, dentry_of_a_version)
{
	scoped(buffer_free) struct buffer buffer = {0};
	struct record_dentry in = {
		.kind = RECORD_DENTRY_FILE,
		.ino = 77,
		.version = {.number = 5, .is_null = true},
	};
	struct record_dentry out;

	record_dentry_encode(&buffer, &in);
	cr_assert(eq(int, record_dentry_decode(buffer_slice(&buffer), &out),
		STORE_OK));

	cr_expect(eq(int, buffer.data[0], 2), "an older tarn knows better");
	cr_expect(eq(u64, out.ino, 77));
	cr_expect(eq(u64, out.version.number, 5));
	cr_expect(out.version.is_null);
	CHECK_STRICT(dentry, buffer);
}

Test(record, versions)
{
	scoped(buffer_free) struct buffer buffer = {0};
	struct record_versions in = {
		.versioning = VERSIONING_SUSPENDED, .history = 77};
	struct record_versions out;

	record_versions_encode(&buffer, &in);
	cr_assert(eq(int, record_versions_decode(buffer_slice(&buffer), &out),
		STORE_OK));

	cr_expect(eq(int, out.versioning, VERSIONING_SUSPENDED));
	cr_expect(eq(u64, out.history, 77));
	CHECK_STRICT(versions, buffer);
}

Test(record, versions_with_a_lock)
{
	static const struct inode_lock_rule rules[] = {
		{.is_enabled = true},
		{.is_enabled = true, .mode = INODE_LOCK_GOVERNANCE, .days = 7},
		{.is_enabled = true, .mode = INODE_LOCK_COMPLIANCE, .years = 9},
	};

	for (size_t i = 0; i < array_len(rules); i++) {
		scoped(buffer_free) struct buffer buffer = {0};
		struct record_versions in = {.versioning = VERSIONING_ENABLED,
			.history = 77,
			.lock = rules[i]};
		struct record_versions out;

		record_versions_encode(&buffer, &in);
		cr_assert(zero(int,
			record_versions_decode(buffer_slice(&buffer), &out)));
		cr_expect(eq(int, buffer.data[0], 2), "older tarns refuse");
		cr_expect(out.lock.is_enabled);
		cr_expect(eq(int, out.lock.mode, rules[i].mode));
		cr_expect(eq(u32, out.lock.days, rules[i].days));
		cr_expect(eq(u32, out.lock.years, rules[i].years));
		CHECK_STRICT(versions, buffer);
	}
}

Test(record, versions_with_a_lock_that_cannot_be)
{
	static const struct inode_lock_rule rules[] = {
		{.is_enabled = true, .mode = INODE_LOCK_GOVERNANCE},
		{.is_enabled = true, .days = 1},
		{.is_enabled = true, .days = 1, .years = 1},
		{.is_enabled = true, .mode = 3, .days = 1},
		{.is_enabled = true, .mode = 1, .days = 1, .years = 1},
		{.is_enabled = true, .mode = 1, .days = 36501},
		{.is_enabled = true, .mode = 1, .years = 101},
	};

	for (size_t i = 0; i < array_len(rules); i++) {
		scoped(buffer_free) struct buffer buffer = {0};
		struct record_versions in = {.versioning = VERSIONING_ENABLED,
			.history = 77,
			.lock = rules[i]};
		struct record_versions out;

		record_versions_encode(&buffer, &in);
		cr_expect(eq(int,
				  record_versions_decode(buffer_slice(&buffer),
					  &out),
				  STORE_CORRUPT),
			"%zu", i);
	}
}

static struct inode
locked_inode(struct inode_lock lock)
{
	return (struct inode){
		.ino = 5,
		.bucket = 2,
		.mode = S_IFREG | 0644,
		.nlink = 1,
		.birth_ns = 3 * CLOCK_NS_PER_DAY,
		.lock = lock,
	};
}

Test(record, inode_with_a_lock)
{
	static const struct inode_lock locks[] = {
		{.mode = INODE_LOCK_GOVERNANCE, .until_ns = 1},
		{.mode = INODE_LOCK_COMPLIANCE,
			.hold = INODE_HOLD_OFF,
			.until_ns = INT64_MAX},
		{.hold = INODE_HOLD_ON},
		{.is_due = true},
	};

	for (size_t i = 0; i < array_len(locks); i++) {
		scoped(buffer_free) struct buffer buffer = {0};
		struct inode in = locked_inode(locks[i]);
		struct inode out;

		record_inode_encode(&buffer, &in);
		cr_assert(zero(int,
			record_inode_decode(buffer_slice(&buffer), &out)));
		cr_expect(eq(int, buffer.data[0], 4), "older tarns refuse");
		cr_expect(eq(int, out.lock.mode, locks[i].mode));
		cr_expect(eq(int, out.lock.hold, locks[i].hold));
		cr_expect(eq(int, out.lock.is_due, locks[i].is_due));
		cr_expect(eq(i64, out.lock.until_ns, locks[i].until_ns));
		cr_expect(eq(u32, inode_access_day(&out), 3));
	}
}

Test(record, inode_with_a_lock_that_cannot_be)
{
	struct inode inodes[] = {
		locked_inode((struct inode_lock){.mode = 1}),
		locked_inode((struct inode_lock){.until_ns = 1, .hold = 1}),
		locked_inode((struct inode_lock){.mode = 3, .until_ns = 1}),
		locked_inode((struct inode_lock){.hold = 3}),
		locked_inode((struct inode_lock){.hold = INODE_HOLD_ON}),
		locked_inode((struct inode_lock){.hold = INODE_HOLD_ON}),
	};
	struct inode out;

	inodes[4].flags = INODE_NONCURRENT | INODE_MARKER;
	inodes[5].mode = S_IFLNK | 0777;
	for (size_t i = 0; i < array_len(inodes); i++) {
		scoped(buffer_free) struct buffer buffer = {0};

		record_inode_encode(&buffer, &inodes[i]);
		cr_expect(eq(int,
				  record_inode_decode(buffer_slice(&buffer),
					  &out),
				  STORE_CORRUPT),
			"%zu", i);
	}
}

/* What the encoder makes of it, decoded again, byte for byte the same. */
static void
expect_blob_comes_back(const struct record_blob *in)
{
	scoped(buffer_free) struct buffer buffer = {0};
	struct record_blob out;

	record_blob_encode(&buffer, in);
	cr_assert(eq(int, record_blob_decode(buffer_slice(&buffer), &out),
		STORE_OK));

	cr_expect(eq(int, out.place, in->place));
	cr_expect(eq(u32, out.references, in->references));
	cr_expect(eq(u64, out.size, in->size));
	cr_expect(eq(u64, out.segment, in->segment));
	cr_expect(eq(u64, out.offset, in->offset));
	cr_expect(eq(u64, out.live, in->live));
	cr_expect(eq(u64, out.session, in->session));
	cr_expect(eq(int, out.is_damaged, in->is_damaged));
	cr_expect(eq(int, out.has_crc64nvme, in->has_crc64nvme));
	cr_expect(eq(u64, out.crc64nvme, in->crc64nvme));
	CHECK_STRICT(blob, buffer);
}

Test(record, blob_in_each_place)
{
	const struct record_blob blobs[] = {
		{.place = RECORD_BLOB_FILE,
			.references = 3,
			.size = 1ull << 42},
		{.place = RECORD_BLOB_FILE,
			.references = 1,
			.is_damaged = true},
		{.place = RECORD_BLOB_FILE,
			.references = 1,
			.size = 5,
			.has_crc64nvme = true,
			.crc64nvme = 0},
		{.place = RECORD_BLOB_PACKED,
			.references = UINT32_MAX,
			.size = 4096,
			.segment = 77,
			.offset = 1ull << 33,
			.is_damaged = true,
			.has_crc64nvme = true,
			.crc64nvme = UINT64_MAX},
		{.place = RECORD_BLOB_SEGMENT,
			.references = 16384,
			.size = 1ull << 26,
			.live = 3ull << 24,
			.session = 8},
	};

	for (size_t i = 0; i < array_len(blobs); i++)
		expect_blob_comes_back(&blobs[i]);
}

Test(record, blob_of_version_1_is_a_file)
{
	const uint8_t bytes[] = {1, 1, 3, 0, 0, 0, 5, 1, 0, 0, 0, 0, 0, 0};
	const uint8_t packed[] = {1, 2, 3, 0, 0, 0, 5, 1, 0, 0, 0, 0, 0, 0};
	struct record_blob out;

	cr_assert(eq(int,
		record_blob_decode(slice_of(bytes, sizeof(bytes)), &out),
		STORE_OK));

	cr_expect(eq(int, out.place, RECORD_BLOB_FILE));
	cr_expect(eq(u32, out.references, 3));
	cr_expect(eq(u64, out.size, 261));
	cr_expect(not(out.has_crc64nvme));
	cr_expect(not(out.is_damaged));
	cr_expect(eq(int,
		record_blob_decode(slice_of(packed, sizeof(packed)), &out),
		STORE_CORRUPT));
}

Test(record, blob_that_cannot_be_is_refused)
{
	const struct record_blob blobs[] = {
		{.place = RECORD_BLOB_FILE, .size = 1ull << 63},
		{.place = RECORD_BLOB_SEGMENT + 1},
		{.place = RECORD_BLOB_PACKED, .size = 1}, /* segment 0 */
		{.place = RECORD_BLOB_PACKED,
			.segment = 1,
			.size = 1,
			.offset = INT64_MAX},
		{.place = RECORD_BLOB_SEGMENT, .size = 1, .live = 2},
		{.place = RECORD_BLOB_SEGMENT, .is_damaged = true},
		{.place = RECORD_BLOB_SEGMENT, .has_crc64nvme = true},
	};

	for (size_t i = 0; i < array_len(blobs); i++) {
		scoped(buffer_free) struct buffer buffer = {0};
		struct record_blob out;

		record_blob_encode(&buffer, &blobs[i]);
		cr_expect(eq(int,
			record_blob_decode(buffer_slice(&buffer), &out),
			STORE_CORRUPT));
	}
}

Test(record, upload)
{
	scoped(buffer_free) struct buffer buffer = {0};
	struct record_upload in = {
		.nonce = 1,
		.created_ns = 2,
		.key = SLICE("a/b"),
		.blob = 3,
		.part_size = 4,
		.initiator = SLICE("AK"),
		.checksum_kind = DIGEST_CRC32C,
		.is_checksum_full = true,
		.attrs = SLICE("attrs"),
	};
	struct record_upload out;

	record_upload_encode(&buffer, &in);
	cr_assert(eq(int, record_upload_decode(buffer_slice(&buffer), &out),
		STORE_OK));

	cr_expect(eq(u64, out.nonce, 1));
	cr_expect(eq(i64, out.created_ns, 2));
	cr_expect(slice_equal(out.key, in.key));
	cr_expect(eq(u64, out.blob, 3));
	cr_expect(eq(u64, out.part_size, 4));
	cr_expect(slice_equal(out.initiator, in.initiator));
	cr_expect(eq(u8, out.checksum_kind, DIGEST_CRC32C));
	cr_expect(out.is_checksum_full);
	cr_expect(slice_equal(out.attrs, in.attrs));
	CHECK_STRICT(upload, buffer);
}

Test(record, part)
{
	scoped(buffer_free) struct buffer buffer = {0};
	struct record_part in = {
		.size = 5,
		.modified_ns = 6,
		.md5 = {7},
		.blob = 8,
		.session = 9,
		.checksum_kind = DIGEST_CRC32,
		.checksum = SLICE("1234"),
	};
	struct record_part out;

	record_part_encode(&buffer, &in);
	cr_assert(eq(int, record_part_decode(buffer_slice(&buffer), &out),
		STORE_OK));

	cr_expect(eq(u64, out.size, 5));
	cr_expect(eq(i64, out.modified_ns, 6));
	cr_expect(eq(u8, out.md5[0], 7));
	cr_expect(eq(u64, out.blob, 8));
	cr_expect(eq(u64, out.session, 9));
	cr_expect(slice_equal(out.checksum, in.checksum));
	CHECK_STRICT(part, buffer);
}

Test(record, a_checksum_of_a_wrong_length_is_refused)
{
	scoped(buffer_free) struct buffer buffer = {0};
	struct record_part in = {
		.checksum_kind = DIGEST_CRC32,
		.checksum = SLICE("12345"),
	};
	struct record_part out;

	record_part_encode(&buffer, &in);

	cr_expect(eq(int, record_part_decode(buffer_slice(&buffer), &out),
		STORE_CORRUPT));
}

Test(record, usage)
{
	scoped(buffer_free) struct buffer buffer = {0};
	struct record_usage in = {1, 2, 3, SLICE("default")};
	struct record_usage out;

	record_usage_encode(&buffer, &in);
	cr_assert(eq(int, record_usage_decode(buffer_slice(&buffer), &out),
		STORE_OK));

	cr_expect(eq(u64, out.objects, 1));
	cr_expect(eq(u64, out.bytes, 2));
	cr_expect(eq(u64, out.part_bytes, 3));
	cr_expect(slice_equal(out.organization, SLICE("default")));
	CHECK_STRICT(usage, buffer);
}

Test(record, usage_of_before_there_were_organizations)
{
	struct record_usage out;

	cr_assert(eq(int,
		record_usage_decode(SLICE("\1\1\0\0\0\0\0\0\0"
					  "\2\0\0\0\0\0\0\0"),
			&out),
		STORE_OK));

	cr_expect(eq(u64, out.objects, 1));
	cr_expect(eq(u64, out.bytes, 2));
	cr_expect(zero(u64, out.part_bytes));
	cr_expect(zero(sz, out.organization.len));
}

Test(record, quota)
{
	scoped(buffer_free) struct buffer buffer = {0};
	struct record_quota in = {1, 2};
	struct record_quota out;

	record_quota_encode(&buffer, &in);
	cr_assert(eq(int, record_quota_decode(buffer_slice(&buffer), &out),
		STORE_OK));

	cr_expect(eq(u64, out.objects, 1));
	cr_expect(eq(u64, out.bytes, 2));
	CHECK_STRICT(quota, buffer);
}

Test(record, sample)
{
	scoped(buffer_free) struct buffer buffer = {0};
	struct record_sample in = {1, 1ull << 50, 3, 4, 5, 6};
	struct record_sample out;

	record_sample_encode(&buffer, &in);
	cr_assert(eq(int, record_sample_decode(buffer_slice(&buffer), &out),
		STORE_OK));
	cr_expect(eq(u64, out.objects, 1));
	cr_expect(eq(u64, out.bytes, 1ull << 50));
	cr_expect(eq(u64, out.part_bytes, 3));
	cr_expect(eq(u64, out.warm, 4));
	cr_expect(eq(u64, out.cold, 5));
	cr_expect(eq(u64, out.archived, 6));
	CHECK_STRICT(sample, buffer);
}

Test(record, a_sample_of_before_there_were_tiers_is_warm)
{
	struct record_sample out;

	cr_assert(eq(int,
		record_sample_decode(SLICE("\1\1\0\0\0\0\0\0\0"
					   "\2\0\0\0\0\0\0\0"
					   "\3\0\0\0\0\0\0\0"),
			&out),
		STORE_OK));

	cr_expect(eq(u64, out.bytes, 2));
	cr_expect(eq(u64, out.warm, 5));
	cr_expect(zero(u64, out.cold));
	cr_expect(zero(u64, out.archived));
}

Test(record, a_sample_with_more_in_tiers_than_there_is_is_refused)
{
	const struct record_sample wrong[] = {
		{1, 2, 3, 6, 0, 0},
		{1, 2, 3, 2, 2, 2},
		{1, 2, 3, UINT64_MAX, 2, 4},
		{1, UINT64_MAX, 3, 0, 0, 0},
	};

	for (size_t i = 0; i < array_len(wrong); i++) {
		scoped(buffer_free) struct buffer buffer = {0};
		struct record_sample out;

		record_sample_encode(&buffer, &wrong[i]);
		cr_expect(eq(int,
				  record_sample_decode(buffer_slice(&buffer),
					  &out),
				  STORE_CORRUPT),
			"case %zu", i);
	}
}

Test(record, day)
{
	scoped(buffer_free) struct buffer buffer = {0};
	scoped(buffer_free) struct buffer none = {0};
	struct record_day in = {.bytes = 1ull << 50};
	struct record_day out;

	record_day_encode(&buffer, &in);
	cr_assert(eq(int, record_day_decode(buffer_slice(&buffer), &out),
		STORE_OK));
	cr_expect(eq(u64, out.bytes, 1ull << 50));
	CHECK_STRICT(day, buffer);

	record_day_encode(&none, &(struct record_day){0});
	cr_expect(eq(int, record_day_decode(buffer_slice(&none), &out),
		STORE_CORRUPT));
}

Test(record, sampled)
{
	scoped(buffer_free) struct buffer buffer = {0};
	struct record_sampled in = {
		.hour = 495000,
		.stage = RECORD_SAMPLED_SAMPLES,
		.from = SLICE("sample/o/b0"),
	};
	struct record_sampled out;

	record_sampled_encode(&buffer, &in);
	cr_assert(eq(int, record_sampled_decode(buffer_slice(&buffer), &out),
		STORE_OK));
	cr_expect(eq(u64, out.hour, 495000));
	cr_expect(eq(int, (int)out.stage, RECORD_SAMPLED_SAMPLES));
	cr_expect(slice_equal(out.from, in.from));
	for (int stage = 0; stage < 256; stage++) {
		buffer.data[9] = (char)stage;
		cr_expect(eq(int,
			record_sampled_decode(buffer_slice(&buffer), &out) ==
				STORE_OK,
			stage >= 1 && stage <= 3));
	}
	buffer.data[9] = RECORD_SAMPLED_SAMPLES;
	CHECK_STRICT(sampled, buffer);
}

Test(record, session)
{
	scoped(buffer_free) struct buffer buffer = {0};
	struct record_session in = {
		.boot_id = {1, [15] = 2},
		.started_ns = 3,
		.pid = 4,
		.role = SLICE("mount"),
	};
	struct record_session out;

	record_session_encode(&buffer, &in);
	cr_assert(eq(int, record_session_decode(buffer_slice(&buffer), &out),
		STORE_OK));

	cr_expect(memcmp(out.boot_id, in.boot_id, 16) == 0);
	cr_expect(eq(i64, out.started_ns, 3));
	cr_expect(eq(u32, out.pid, 4));
	cr_expect(slice_equal(out.role, in.role));
	CHECK_STRICT(session, buffer);
}

Test(record, token)
{
	scoped(buffer_free) struct buffer buffer = {0};
	struct record_token in = {
		.name = SLICE("n"),
		.organization = SLICE("o"),
		.region = SLICE("r"),
		.level = 3,
		.created_ns = 4,
		.expires_ns = 5,
		.sealed = SLICE("sealed"),
		.kind = RECORD_TOKEN_PLAIN,
	};
	struct record_token out;

	record_token_encode(&buffer, &in);
	cr_assert(eq(int, record_token_decode(buffer_slice(&buffer), &out),
		STORE_OK));

	cr_expect(slice_equal(out.name, in.name));
	cr_expect(slice_equal(out.organization, in.organization));
	cr_expect(slice_equal(out.region, in.region));
	cr_expect(eq(u8, out.level, 3));
	cr_expect(eq(i64, out.created_ns, 4));
	cr_expect(eq(i64, out.expires_ns, 5));
	cr_expect(slice_equal(out.sealed, in.sealed));
	cr_expect(eq(u8, out.kind, RECORD_TOKEN_PLAIN));
	CHECK_STRICT(token, buffer);
}

Test(record, token_of_another_kind_is_of_version_2)
{
	scoped(buffer_free) struct buffer plain = {0};
	scoped(buffer_free) struct buffer buffer = {0};
	struct record_token in = {
		.name = SLICE("n"),
		.organization = SLICE("o"),
		.region = SLICE("r"),
		.level = 3,
		.expires_ns = 5,
		.sealed = SLICE("sealed"),
		.kind = 2,
		.is_suspended = true,
		.needs_session = true,
		.role = SLICE("role"),
	};
	struct record_token out;

	record_token_encode(&buffer, &in);
	cr_assert(eq(int, record_token_decode(buffer_slice(&buffer), &out),
		STORE_OK));

	cr_expect(eq(int, buffer.data[0], 2));
	cr_expect(slice_equal(out.name, in.name));
	cr_expect(eq(u8, out.kind, 2));
	cr_expect(out.is_suspended);
	cr_expect(out.needs_session);
	cr_expect(slice_equal(out.role, in.role));
	CHECK_STRICT(token, buffer);
	for (uint8_t version = 3; version <= 4; version++) {
		buffer.data[0] = (char)version;
		cr_expect(eq(int,
			record_token_decode(buffer_slice(&buffer), &out),
			STORE_CORRUPT));
	}

	/* One token has one encoding: a plain one is not of version 2. */
	in.kind = RECORD_TOKEN_PLAIN;
	in.is_suspended = in.needs_session = false;
	in.role = SLICE_NULL;
	record_token_encode(&plain, &in);
	cr_expect(eq(int, plain.data[0], 1));
	plain.data[0] = 2;
	buffer_append(&plain, slice_of("\1\0\0\0\0", 5));
	cr_expect(eq(int, record_token_decode(buffer_slice(&plain), &out),
		STORE_CORRUPT));
}

Test(record, token_that_lives_by_a_document_is_of_version_3)
{
	scoped(buffer_free) struct buffer none = {0};
	scoped(buffer_free) struct buffer buffer = {0};
	struct record_token in = {
		.name = SLICE("n"),
		.sealed = SLICE("sealed"),
		.kind = 2,
		.granted_by = SLICE("idp/o/main"),
	};
	struct record_token out;

	record_token_encode(&buffer, &in);
	cr_assert(eq(int, record_token_decode(buffer_slice(&buffer), &out),
		STORE_OK));

	cr_expect(eq(int, buffer.data[0], 3));
	cr_expect(slice_equal(out.granted_by, in.granted_by));
	CHECK_STRICT(token, buffer);
	in.granted_by = SLICE_NULL;
	record_token_encode(&none, &in);
	cr_expect(eq(int, none.data[0], 2));
	none.data[0] = 3;
	buffer_append(&none, slice_of("\0\0", 2));
	cr_expect(eq(int, record_token_decode(buffer_slice(&none), &out),
		STORE_CORRUPT));
}

Test(record, change)
{
	scoped(buffer_free) struct buffer buffer = {0};
	struct record_change in = {
		.kind = RECORD_CHANGE_DOCUMENT,
		.origin = 1,
		.parent = 2,
		.ino = 3,
		.name = SLICE("dir/"),
	};
	struct record_change out;

	record_change_encode(&buffer, &in);
	cr_assert(eq(int, record_change_decode(buffer_slice(&buffer), &out),
		STORE_OK));

	cr_expect(eq(int, out.kind, RECORD_CHANGE_DOCUMENT));
	cr_expect(eq(u64, out.origin, 1));
	cr_expect(eq(u64, out.parent, 2));
	cr_expect(eq(u64, out.ino, 3));
	cr_expect(slice_equal(out.name, in.name));
	CHECK_STRICT(change, buffer);
}
