/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/checksum.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

#include "tests/s3api/auth/text_request.h"

/* "123456789", by each kind; values as the standards' check values give. */
static const struct {
	const char *name;
	enum digest_kind kind;
	const char *header;
	const char *text;
} checks[] = {
	{"CRC32", DIGEST_CRC32, "x-amz-checksum-crc32", "y/Q5Jg=="},
	{"CRC32C", DIGEST_CRC32C, "x-amz-checksum-crc32c", "4waSgw=="},
	{"CRC64NVME", DIGEST_CRC64NVME, "x-amz-checksum-crc64nvme",
		"rosUhgp5mIg="},
	{"SHA1", DIGEST_SHA1, "x-amz-checksum-sha1",
		"98O8HYCOBHMq32eZZczDTKeuNEE="},
	{"SHA256", DIGEST_SHA256, "x-amz-checksum-sha256",
		"FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU="},
	{"SHA512", DIGEST_SHA512, "x-amz-checksum-sha512",
		"2eZ2LdHI6vbWGzxhkvxAjU1tXxF20MKRabwk5xw/J0rSf81YEbMT1oH35V7ALX"
		"PUmclUVba1u1A6z1dPuo/+hQ=="},
	{"MD5", DIGEST_MD5, "x-amz-checksum-md5", "JfnnlDI7RTiF9RgfG2JNCw=="},
	{"XXHASH64", DIGEST_XXHASH64, "x-amz-checksum-xxhash64",
		"jLhB20DmroM="},
	{"XXHASH3", DIGEST_XXHASH3, "x-amz-checksum-xxhash3", "ctyxi2ehff8="},
	{"XXHASH128", DIGEST_XXHASH128, "x-amz-checksum-xxhash128",
		"MxGUd+3l3NXpcWQnaB1YYA=="},
};

static struct checksum
checksum_made(enum digest_kind kind, const char *data)
{
	struct checksum checksum = {
		.kind = kind,
		.len = (uint8_t)digest_len(kind),
	};

	digest_of(kind, slice_str(data), checksum.value);
	return checksum;
}

/* The headers of one request, parsed. */
struct fixture {
	struct text_request text;
	struct checksum_request asked;
	struct checksum_upload upload;
	struct error_report report;
};

static void
fixture_free(struct fixture *fixture)
{
	text_request_free(&fixture->text);
}

static void
fixture_read(struct fixture *fixture, const char *headers)
{
	char text[2048];

	snprintf(text, sizeof(text), "PUT /b/k HTTP/1.1\r\nHost: h\r\n%s\r\n",
		headers);
	cr_assert(text_request_parse(&fixture->text, text, strlen(text)));
}

static enum s3_error
error_of(const char *headers)
{
	scoped(fixture_free) struct fixture fixture = {0};

	fixture_read(&fixture, headers);
	return checksum_parse(&fixture.text.request, &fixture.asked,
		&fixture.report);
}

static enum s3_error
upload_error_of(const char *headers, struct checksum_upload *out)
{
	scoped(fixture_free) struct fixture fixture = {0};

	fixture_read(&fixture, headers);
	return checksum_parse_upload(&fixture.text.request, out,
		&fixture.report);
}

Test(checksum, is_written_and_read_as_s3_has_it)
{
	for (size_t i = 0; i < array_len(checks); i++) {
		struct checksum made =
			checksum_made(checks[i].kind, "123456789");
		struct checksum again;
		enum digest_kind kind = 0;
		char text[CHECKSUM_TEXT_MAX];

		checksum_to_text(&made, text);
		cr_expect(eq(str, text, (char *)checks[i].text));
		cr_expect(checksum_from_text(checks[i].kind, slice_str(text),
			&again));
		cr_expect(checksum_equal(&made, &again));
		cr_expect(checksum_kind_from_name(slice_str(checks[i].name),
			&kind));
		cr_expect(eq(int, kind, checks[i].kind));
		cr_expect(eq(str, (char *)checksum_header(kind),
			(char *)checks[i].header));
		cr_expect(eq(str, (char *)checksum_name(kind),
			(char *)checks[i].name));
	}
}

Test(checksum, of_parts_ends_in_their_count)
{
	struct checksum made = checksum_made(DIGEST_SHA256, "x");
	struct checksum again;
	char text[CHECKSUM_TEXT_MAX];

	made.is_composite = true;
	made.parts = 10000;
	checksum_to_text(&made, text);

	cr_expect(slice_has_suffix(slice_str(text), SLICE("=-10000")));
	cr_expect(checksum_from_text(DIGEST_SHA256, slice_str(text), &again));
	cr_expect(checksum_equal(&made, &again));
	again.parts = 9999;
	cr_expect(not(checksum_equal(&made, &again)));
}

Test(checksum, is_refused_when_it_is_not_one_of_its_kind)
{
	static const char *const bad[] = {"", "y/Q5Jg", "y/Q5Jg==-0",
		"y/Q5Jg==-", "y/Q5Jg==-10001", "y/Q5Jg==-1x",
		"rosUhgp5mIg=", "y/Q5==", "-1"};
	struct checksum out;

	for (size_t i = 0; i < array_len(bad); i++)
		cr_expect(not(checksum_from_text(DIGEST_CRC32,
				  slice_str(bad[i]), &out)),
			"%s", bad[i]);
}

Test(checksum, request_tells_its_value)
{
	scoped(fixture_free) struct fixture fixture = {0};

	fixture_read(&fixture, "Content-MD5: JfnnlDI7RTiF9RgfG2JNCw==\r\n"
			       "x-amz-sdk-checksum-algorithm: CRC32\r\n"
			       "x-amz-checksum-crc32: y/Q5Jg==\r\n");

	cr_expect(eq(int,
		checksum_parse(&fixture.text.request, &fixture.asked,
			&fixture.report),
		S3_OK));
	cr_expect(fixture.asked.has_md5);
	cr_expect(eq(u8, fixture.asked.md5[0], 0x25));
	cr_expect(eq(int, fixture.asked.given.kind, DIGEST_CRC32));
	cr_expect(eq(int, fixture.asked.asked, DIGEST_CRC32));
	cr_expect(zero(int, fixture.asked.trailer));
}

Test(checksum, request_tells_that_a_trailer_follows)
{
	scoped(fixture_free) struct fixture fixture = {0};

	fixture_read(&fixture,
		"x-amz-trailer: x-other, X-Amz-Checksum-Crc64nvme\r\n");

	cr_expect(eq(int,
		checksum_parse(&fixture.text.request, &fixture.asked,
			&fixture.report),
		S3_OK));
	cr_expect(eq(int, fixture.asked.trailer, DIGEST_CRC64NVME));
	cr_expect(eq(int, fixture.asked.asked, DIGEST_CRC64NVME));
	cr_expect(zero(int, fixture.asked.given.kind));
}

Test(checksum, request_may_say_nothing)
{
	scoped(fixture_free) struct fixture fixture = {0};

	fixture_read(&fixture, "");

	cr_expect(eq(int,
		checksum_parse(&fixture.text.request, &fixture.asked,
			&fixture.report),
		S3_OK));
	cr_expect(zero(int, fixture.asked.asked));
	cr_expect(not(fixture.asked.has_md5));
}

Test(checksum, request_is_refused_when_it_contradicts_itself)
{
	static const char *const bad[] = {
		"x-amz-checksum-crc32: y/Q5Jg==\r\n"
		"x-amz-checksum-crc32c: 4waSgw==\r\n",
		"x-amz-checksum-crc32: y/Q5Jg==\r\n"
		"x-amz-checksum-crc32: y/Q5Jg==\r\n",
		"x-amz-checksum-crc32: y/Q5Jg==\r\n"
		"x-amz-trailer: x-amz-checksum-sha1\r\n",
		"x-amz-trailer: x-amz-checksum-sha1,x-amz-checksum-crc32\r\n",
		"x-amz-trailer: x-amz-checksum-md7\r\n",
		"x-amz-sdk-checksum-algorithm: MD7\r\n",
		"x-amz-sdk-checksum-algorithm: SHA1\r\n"
		"x-amz-checksum-crc32: y/Q5Jg==\r\n",
		"x-amz-checksum-crc32: nonsense\r\n",
		"x-amz-checksum-crc32: y/Q5Jg==-2\r\n",
		"x-amz-checksum-crc32:\r\n",
	};

	for (size_t i = 0; i < array_len(bad); i++)
		cr_expect(eq(int, error_of(bad[i]), S3_INVALID_REQUEST), "%s",
			bad[i]);
	cr_expect(eq(int, error_of("Content-MD5: abc\r\n"), S3_INVALID_DIGEST));
	cr_expect(eq(int, error_of("Content-MD5:\r\n"), S3_INVALID_DIGEST));
	cr_expect(eq(int, error_of("Content-MD5: y/Q5Jg==\r\n"),
		S3_INVALID_DIGEST));
}

Test(checksum, mismatch_names_the_kind)
{
	scoped(arena_free) struct arena arena = {0};
	struct checksum given = checksum_made(DIGEST_CRC32C, "a");
	struct checksum computed = checksum_made(DIGEST_CRC32C, "b");
	struct error_report report = {0};

	cr_expect(eq(int, checksum_compare(&given, &computed, &arena, &report),
		S3_BAD_DIGEST));
	cr_expect(slice_equal(report.message,
		SLICE("The CRC32C you specified did not match the calculated "
		      "checksum.")));
	cr_expect(eq(int, checksum_compare(&given, &given, &arena, &report),
		S3_OK));
}

/* --- uploads -------------------------------------------------------------- */

#define ALGORITHM(name) "x-amz-checksum-algorithm: " name "\r\n"
#define TYPE(name) "x-amz-checksum-type: " name "\r\n"

Test(checksum, upload_is_full_or_composite_as_its_kind_allows)
{
	static const struct {
		const char *headers;
		enum digest_kind kind;
		bool is_full;
	} good[] = {
		{"", DIGEST_CRC64NVME, true},
		{ALGORITHM("CRC64NVME"), DIGEST_CRC64NVME, true},
		{ALGORITHM("crc32"), DIGEST_CRC32, false},
		{ALGORITHM("CRC32C") TYPE("FULL_OBJECT"), DIGEST_CRC32C, true},
		{ALGORITHM("SHA1"), DIGEST_SHA1, false},
		{ALGORITHM("SHA256") TYPE("COMPOSITE"), DIGEST_SHA256, false},
		{ALGORITHM("SHA512"), DIGEST_SHA512, false},
		{ALGORITHM("MD5") TYPE("COMPOSITE"), DIGEST_MD5, false},
		{ALGORITHM("XXHASH64"), DIGEST_XXHASH64, false},
		{ALGORITHM("xxhash3"), DIGEST_XXHASH3, false},
		{ALGORITHM("XXHASH128"), DIGEST_XXHASH128, false},
	};
	static const char *const bad[] = {
		ALGORITHM("MD4"),
		ALGORITHM("SHA256") TYPE("FULL_OBJECT"),
		ALGORITHM("SHA512") TYPE("FULL_OBJECT"),
		ALGORITHM("MD5") TYPE("FULL_OBJECT"),
		ALGORITHM("XXHASH64") TYPE("FULL_OBJECT"),
		ALGORITHM("XXHASH3") TYPE("FULL_OBJECT"),
		ALGORITHM("XXHASH128") TYPE("FULL_OBJECT"),
		ALGORITHM("CRC64NVME") TYPE("COMPOSITE"),
		ALGORITHM("CRC32") TYPE("HALF"),
		TYPE("FULL_OBJECT"),
	};
	struct checksum_upload upload;

	for (size_t i = 0; i < array_len(good); i++) {
		cr_expect(eq(int, upload_error_of(good[i].headers, &upload),
				  S3_OK),
			"%s", good[i].headers);
		cr_expect(eq(int, upload.kind, good[i].kind));
		cr_expect(eq(int, upload.is_full, good[i].is_full));
		cr_expect(eq(int, upload.is_default, i == 0));
	}
	for (size_t i = 0; i < array_len(bad); i++)
		cr_expect(eq(int, upload_error_of(bad[i], &upload),
				  S3_INVALID_REQUEST),
			"%s", bad[i]);
}

Test(checksum, of_a_whole_object_is_made_of_those_of_its_parts)
{
	static const enum digest_kind kinds[] = {
		DIGEST_CRC32, DIGEST_CRC32C, DIGEST_CRC64NVME};
	static const char *const parts[] = {"the first", "", "part and then"};

	for (size_t i = 0; i < array_len(kinds); i++) {
		struct checksum whole =
			checksum_made(kinds[i], "the firstpart and then");
		struct checksum made;
		struct checksum_sum sum;

		checksum_sum_begin(&sum, kinds[i], true);
		for (size_t n = 0; n < array_len(parts); n++) {
			struct checksum part =
				checksum_made(kinds[i], parts[n]);

			checksum_sum_add(&sum, part.value, strlen(parts[n]));
		}
		checksum_sum_end(&sum, &made);
		cr_expect(checksum_equal(&whole, &made));
	}
}

Test(checksum, composite_is_that_of_the_checksums_of_its_parts)
{
	struct checksum first = checksum_made(DIGEST_SHA256, "one");
	struct checksum second = checksum_made(DIGEST_SHA256, "two");
	struct checksum made;
	struct checksum_sum sum;
	uint8_t both[64];
	uint8_t wanted[32];

	memcpy(both, first.value, 32);
	memcpy(both + 32, second.value, 32);
	digest_of(DIGEST_SHA256, slice_of(both, 64), wanted);
	checksum_sum_begin(&sum, DIGEST_SHA256, false);
	checksum_sum_add(&sum, first.value, 3);
	checksum_sum_add(&sum, second.value, 3);
	checksum_sum_end(&sum, &made);

	cr_expect(made.is_composite);
	cr_expect(eq(u32, made.parts, 2));
	cr_expect(zero(int, memcmp(made.value, wanted, 32)));
}
