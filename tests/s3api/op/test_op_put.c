/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/s3api/op/served.h"

/* Of "hello". */
#define HELLO_MD5 "XUFAKrxLKna5cZ2REBfFkg=="
#define HELLO_ETAG "\"5d41402abc4b2a76b9719d911017c592\""
#define HELLO_CRC32 "NhCmhg=="
#define HELLO_SHA1 "qvTGHdzF6KLavt4PO0gs2a6pQ00="
#define HELLO_SHA256 "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ="

Test(op_put, keeps_bytes_headers_and_metadata)
{
	scoped(served_stop) struct served served = served_start();

	served_bucket(&served, "photos");

	const struct s3_reply *put = served_send(&served, "PUT", "/photos/a",
		"cache-control: no-store\n"
		"content-disposition: attachment\n"
		"content-encoding: aws-chunked,gzip\n"
		"content-language: de\n"
		"content-type: text/plain\n"
		"expires: Thu, 01 Dec 2033 16:00:00 GMT\n"
		"x-amz-meta-colour: green\n"
		"x-amz-meta-empty:\n",
		SLICE("hello"));
	const struct s3_reply *get = served_ask(&served, "GET", "/photos/a");
	const struct s3_reply *head = served_ask(&served, "HEAD", "/photos/a");

	cr_expect(eq(uint, put->status, 200));
	served_expect_header(put, "etag", HELLO_ETAG);
	served_expect_body(get, 200, "hello");
	served_expect_header(get, "cache-control", "no-store");
	served_expect_header(get, "content-disposition", "attachment");
	served_expect_header(get, "content-encoding", "gzip");
	served_expect_header(get, "content-language", "de");
	served_expect_header(get, "content-type", "text/plain");
	served_expect_header(get, "expires", "Thu, 01 Dec 2033 16:00:00 GMT");
	served_expect_header(get, "x-amz-meta-colour", "green");
	cr_expect(s3_client_header(get, "x-amz-meta-empty").data != NULL);
	served_expect_header(get, "accept-ranges", "bytes");
	cr_expect(eq(sz, s3_client_header(get, "last-modified").len, 29));
	served_expect_body(head, 200, "");
	served_expect_header(head, "content-length", "5");
	served_expect_header(head, "etag", HELLO_ETAG);
	served_expect_header(head, "x-amz-meta-colour", "green");
}

Test(op_put, gives_what_has_no_type_the_type_of_bytes)
{
	scoped(served_stop) struct served served = served_start();

	served_bucket(&served, "photos");
	served_put(&served, "/photos/empty", "");

	const struct s3_reply *get =
		served_ask(&served, "GET", "/photos/empty");

	served_expect_body(get, 200, "");
	served_expect_header(get, "content-length", "0");
	served_expect_header(get, "content-type", "binary/octet-stream");
	served_expect_header(get, "etag",
		"\"d41d8cd98f00b204e9800998ecf8427e\"");
}

Test(op_put, takes_keys_of_any_kind)
{
	scoped(served_stop) struct served served = served_start();
	static const char *const keys[] = {"a//b", ".", "..", "a/../b", "/",
		"//", "dir/", "%C3%A4%F0%9F%98%80", "a%01%0Ab", "%25", "a+b",
		"a%20b", "a%3Fb%26c%3Dd", "%E2%80%AE", "*", "a'b%22c"};

	served_bucket(&served, "photos");
	for (size_t i = 0; i < array_len(keys); i++)
		served_put(&served, served_text(&served, "/photos/%s", keys[i]),
			keys[i]);

	for (size_t i = 0; i < array_len(keys); i++)
		served_expect_body(served_ask(&served, "GET",
					   served_text(&served, "/photos/%s",
						   keys[i])),
			200, keys[i]);
	served_expect_elements(served_ask(&served, "GET",
				       "/photos?list-type=2&encoding-type=url"),
		"Key",
		"%25 %2A . .. / // a%01%0Ab a%20b a%27b%22c a%2Bb a/../b "
		"a//b a%3Fb%26c%3Dd dir/ %C3%A4%F0%9F%98%80 %E2%80%AE ");
}

Test(op_put, takes_a_key_of_1024_bytes)
{
	scoped(served_stop) struct served served = served_start();
	char key[1025] = {0};

	memset(key, 'k', sizeof(key) - 1);
	served_bucket(&served, "photos");

	const char *target = served_text(&served, "/photos/%s", key);

	served_put(&served, target, "long");
	served_expect_body(served_ask(&served, "GET", target), 200, "long");
	served_expect_elements(served_ask(&served, "GET", "/photos"), "Key",
		served_text(&served, "%s ", key));
}

Test(op_put, checks_content_md5)
{
	scoped(served_stop) struct served served = served_start();

	served_bucket(&served, "photos");

	cr_expect(eq(uint,
		served_send(&served, "PUT", "/photos/a",
			"content-md5: " HELLO_MD5 "\n", SLICE("hello"))
			->status,
		200));
	served_expect_refusal(served_send(&served, "PUT", "/photos/b",
				      "content-md5: " HELLO_MD5 "\n",
				      SLICE("other")),
		400, "BadDigest");
	served_expect_refusal(served_send(&served, "PUT", "/photos/b",
				      "content-md5: oops\n", SLICE("hello")),
		400, "InvalidDigest");
	served_expect_refusal(served_ask(&served, "GET", "/photos/b"), 404,
		"NoSuchKey");
}

Test(op_put, checks_keeps_and_returns_checksums)
{
	scoped(served_stop) struct served served = served_start();
	static const char *const sums[][2] = {
		{"x-amz-checksum-crc32", HELLO_CRC32},
		{"x-amz-checksum-crc32c", "mnG7TA=="},
		{"x-amz-checksum-crc64nvme", "M3eFcAZSQlc="},
		{"x-amz-checksum-sha1", HELLO_SHA1},
		{"x-amz-checksum-sha256", HELLO_SHA256},
	};

	served_bucket(&served, "photos");
	for (size_t i = 0; i < array_len(sums); i++) {
		const char *header = served_text(&served, "%s: %s\n",
			sums[i][0], sums[i][1]);
		const struct s3_reply *put = served_send(&served, "PUT",
			"/photos/a", header, SLICE("hello"));
		const struct s3_reply *get =
			served_send(&served, "GET", "/photos/a",
				"x-amz-checksum-mode: ENABLED\n", SLICE_NULL);
		const struct s3_reply *wrong = served_send(&served, "PUT",
			"/photos/b", header, SLICE("other"));

		cr_expect(eq(uint, put->status, 200));
		served_expect_header(put, sums[i][0], sums[i][1]);
		served_expect_header(get, sums[i][0], sums[i][1]);
		served_expect_header(get, "x-amz-checksum-type", "FULL_OBJECT");
		served_expect_refusal(wrong, 400, "BadDigest");
	}
	served_expect_refusal(served_ask(&served, "GET", "/photos/b"), 404,
		"NoSuchKey");
	served_expect_refusal(served_send(&served, "PUT", "/photos/b",
				      "x-amz-checksum-crc32: oops\n",
				      SLICE("hello")),
		400, "InvalidRequest");
}

Test(op_put, sums_by_crc64nvme_what_comes_without_a_checksum)
{
	scoped(served_stop) struct served served = served_start();

	served_bucket(&served, "photos");
	served_put(&served, "/photos/a", "hello");

	const struct s3_reply *head = served_send(&served, "HEAD", "/photos/a",
		"x-amz-checksum-mode: ENABLED\n", SLICE_NULL);
	const struct s3_reply *unasked =
		served_ask(&served, "HEAD", "/photos/a");
	const struct s3_reply *range = served_send(&served, "GET", "/photos/a",
		"x-amz-checksum-mode: ENABLED\nrange: bytes=0-1\n", SLICE_NULL);

	served_expect_header(head, "x-amz-checksum-crc64nvme", "M3eFcAZSQlc=");
	served_expect_header(unasked, "x-amz-checksum-crc64nvme", "");
	served_expect_header(range, "x-amz-checksum-crc64nvme", "");
	served_expect_elements(served_ask(&served, "GET", "/photos"),
		"ChecksumAlgorithm", "CRC64NVME ");
}

#define TRAILING(sum)                                                          \
	SLICE("5\r\nhello\r\n0\r\nx-amz-checksum-crc32:" sum "\r\n\r\n")
#define TRAILER                                                                \
	"content-encoding: aws-chunked\n"                                      \
	"x-amz-content-sha256: STREAMING-UNSIGNED-PAYLOAD-TRAILER\n"           \
	"x-amz-trailer: x-amz-checksum-crc32\n"                                \
	"x-amz-decoded-content-length: 5\n"

Test(op_put, takes_a_checksum_from_the_trailer)
{
	scoped(served_stop) struct served served = served_start();

	served_bucket(&served, "photos");

	const struct s3_reply *put = served_send(&served, "PUT", "/photos/a",
		TRAILER, TRAILING(HELLO_CRC32));
	const struct s3_reply *get = served_ask(&served, "GET", "/photos/a");

	cr_expect(eq(uint, put->status, 200), "%s", put->body.data);
	served_expect_header(put, "x-amz-checksum-crc32", HELLO_CRC32);
	served_expect_body(get, 200, "hello");
	served_expect_header(get, "content-encoding", "");
	served_expect_refusal(served_send(&served, "PUT", "/photos/b", TRAILER,
				      TRAILING("AAAAAA==")),
		400, "BadDigest");
	served_expect_refusal(served_send(&served, "PUT", "/photos/b", TRAILER,
				      SLICE("5\r\nhello\r\n0\r\n\r\n")),
		400, "MalformedTrailerError");
	/* One that was not announced would not be looked at. */
	served_expect_refusal(served_send(&served, "PUT", "/photos/b",
				      "content-encoding: aws-chunked\n"
				      "x-amz-decoded-content-length: 5\n"
				      "x-amz-content-sha256: "
				      "STREAMING-UNSIGNED-PAYLOAD-TRAILER\n",
				      TRAILING("AAAAAA==")),
		400, "MalformedTrailerError");
	served_expect_refusal(
		served_send(&served, "PUT", "/photos/b",
			"content-encoding: gzip, aws-chunked\n"
			"x-amz-decoded-content-length: 5\n"
			"x-amz-content-sha256: UNSIGNED-PAYLOAD\n",
			SLICE("5\r\nhello\r\n0\r\n\r\n")),
		400, "InvalidArgument");
	served_expect_refusal(served_ask(&served, "GET", "/photos/b"), 404,
		"NoSuchKey");
}

Test(op_put, wants_to_know_the_length)
{
	scoped(served_stop) struct served served = served_start();

	served_bucket(&served, "photos");

	served_expect_refusal(
		served_send(&served, "PUT", "/photos/a",
			"transfer-encoding: chunked\n"
			"x-amz-content-sha256: UNSIGNED-PAYLOAD\n",
			SLICE("5\r\nhello\r\n0\r\n\r\n")),
		411, "MissingContentLength");
	served_expect_refusal(
		served_send(&served, "PUT", "/photos/a",
			"expect: 100-continue\ncontent-length: 5368709121\n"
			"x-amz-content-sha256: UNSIGNED-PAYLOAD\n",
			SLICE_NULL),
		400, "EntityTooLarge");
}

Test(op_put, is_refused_before_the_body_is_sent)
{
	scoped(served_stop) struct served served = served_start();
	static const char headers[] = "expect: 100-continue\n";

	served_bucket(&served, "photos");

	const struct s3_reply *refused =
		served_send(&served, "PUT", "/none/a", headers, SLICE("hello"));
	const struct s3_reply *taken = served_send(&served, "PUT", "/photos/a",
		headers, SLICE("hello"));

	served_expect_refusal(refused, 404, "NoSuchBucket");
	cr_expect(not(refused->was_continued));
	cr_expect(eq(uint, taken->status, 200));
	cr_expect(taken->was_continued);
}

Test(op_put, refuses_what_it_would_have_to_pass_over)
{
	scoped(served_stop) struct served served = served_start();
	static const char *const headers[] = {
		"x-amz-server-side-encryption: AES256\n",
		"x-amz-write-offset-bytes: 5\n",
		"if-none-match: \"5d41402abc4b2a76b9719d911017c592\"\n",
	};

	served_bucket(&served, "photos");
	for (size_t i = 0; i < array_len(headers); i++)
		served_expect_refusal(served_send(&served, "PUT", "/photos/a",
					      headers[i], SLICE("hello")),
			501, "NotImplemented");
	served_expect_refusal(served_send(&served, "PUT", "/photos/a",
				      "x-amz-checksum-sha384: AAAA\n",
				      SLICE("hello")),
		400, "InvalidRequest");
	served_expect_refusal(served_send(&served, "PUT", "/photos/a",
				      "x-amz-storage-class: GLACIER\n",
				      SLICE("hello")),
		400, "InvalidStorageClass");
	served_expect_refusal(served_ask(&served, "GET", "/photos/a"), 404,
		"NoSuchKey");
	cr_expect(eq(uint,
		served_send(&served, "PUT", "/photos/a",
			"x-amz-acl: private\nx-amz-storage-class: STANDARD\n",
			SLICE("hello"))
			->status,
		200));
}

Test(op_put, refuses_metadata_beyond_2_kib)
{
	scoped(served_stop) struct served served = served_start();
	char value[2048] = {0};

	memset(value, 'm', sizeof(value) - 1);
	served_bucket(&served, "photos");

	served_expect_refusal(served_send(&served, "PUT", "/photos/a",
				      served_text(&served,
					      "x-amz-meta-ab: %s\n", value),
				      SLICE("hello")),
		400, "MetadataTooLarge");
	cr_expect(eq(uint,
		served_send(&served, "PUT", "/photos/a",
			served_text(&served, "x-amz-meta-a: %s\n", value),
			SLICE("hello"))
			->status,
		200));
}

Test(op_put, holds_its_conditions)
{
	scoped(served_stop) struct served served = served_start();

	served_bucket(&served, "photos");

	cr_expect(eq(uint,
		served_send(&served, "PUT", "/photos/a", "if-none-match: *\n",
			SLICE("hello"))
			->status,
		200));
	served_expect_refusal(served_send(&served, "PUT", "/photos/a",
				      "if-none-match: *\n", SLICE("other")),
		412, "PreconditionFailed");
	served_expect_refusal(
		served_send(&served, "PUT", "/photos/a",
			"if-match: \"00000000000000000000000000000000\"\n",
			SLICE("other")),
		412, "PreconditionFailed");
	/* None of ours. */
	served_expect_refusal(served_send(&served, "PUT", "/photos/a",
				      "if-match: \"abc\"\n", SLICE("other")),
		412, "PreconditionFailed");
	served_expect_refusal(served_send(&served, "PUT", "/photos/none",
				      "if-match: \"abc\"\n", SLICE("other")),
		404, "NoSuchKey");
	served_expect_refusal(served_send(&served, "PUT", "/photos/none",
				      "if-match: " HELLO_ETAG "\n",
				      SLICE("other")),
		404, "NoSuchKey");
	served_expect_body(served_ask(&served, "GET", "/photos/a"), 200,
		"hello");
	cr_expect(eq(uint,
		served_send(&served, "PUT", "/photos/a",
			"if-match: " HELLO_ETAG "\n", SLICE("other"))
			->status,
		200));
}

Test(op_put, shows_a_directory_and_the_object_of_its_name_apart)
{
	scoped(served_stop) struct served served = served_start();

	served_bucket(&served, "photos");
	served_put(&served, "/photos/a", "object");
	served_put(&served, "/photos/a/b", "below");

	served_expect_body(served_ask(&served, "GET", "/photos/a"), 200,
		"object");
	served_expect_body(served_ask(&served, "GET", "/photos/a/b"), 200,
		"below");
	served_expect_refusal(served_ask(&served, "GET", "/photos/a/"), 404,
		"NoSuchKey");
}
