/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/s3api/op/served.h"

#define HELLO_ETAG "\"5d41402abc4b2a76b9719d911017c592\""
#define OTHER_ETAG "\"00000000000000000000000000000000\""

static struct served
start_with_hello(void)
{
	struct served served = served_start();

	served_bucket(&served, "photos");
	served_bucket(&served, "other");
	served_send(&served, "PUT", "/photos/a%20b",
		"content-type: text/plain\nx-amz-meta-colour: green\n",
		SLICE("hello"));
	return served;
}

static const struct s3_reply *
copy(struct served *served, const char *to, const char *headers)
{
	return served_send(served, "PUT", to, headers, SLICE_NULL);
}

Test(op_copy, takes_bytes_and_attributes_along)
{
	scoped(served_stop) struct served served = start_with_hello();

	const struct s3_reply *reply =
		copy(&served, "/other/c", "x-amz-copy-source: /photos/a%20b\n");
	const struct s3_reply *get = served_ask(&served, "GET", "/other/c");

	cr_expect(eq(uint, reply->status, 200));
	served_expect_elements(reply, "ETag",
		"&quot;5d41402abc4b2a76b9719d911017c592&quot; ");
	cr_expect(s3_client_element(reply, "LastModified", 0).len == 24);
	served_expect_body(get, 200, "hello");
	served_expect_header(get, "content-type", "text/plain");
	served_expect_header(get, "x-amz-meta-colour", "green");
	served_expect_header(get, "etag", HELLO_ETAG);
}

Test(op_copy, replaces_attributes_when_told_to)
{
	scoped(served_stop) struct served served = start_with_hello();

	const struct s3_reply *reply = copy(&served, "/photos/a%20b",
		"x-amz-copy-source: photos/a%20b\n"
		"x-amz-metadata-directive: REPLACE\n"
		"x-amz-meta-size: big\n");
	const struct s3_reply *get =
		served_ask(&served, "GET", "/photos/a%20b");

	cr_expect(eq(uint, reply->status, 200));
	served_expect_body(get, 200, "hello");
	served_expect_header(get, "x-amz-meta-size", "big");
	served_expect_header(get, "x-amz-meta-colour", "");
	served_expect_header(get, "content-type", "binary/octet-stream");
}

Test(op_copy, the_source_s_null_version_is_the_source)
{
	scoped(served_stop) struct served served = start_with_hello();

	cr_expect(eq(uint,
		copy(&served, "/other/c",
			"x-amz-copy-source: photos/a%20b?versionId=null\n")
			->status,
		200));
	served_expect_body(served_ask(&served, "GET", "/other/c"), 200,
		"hello");
}

Test(op_copy, a_storage_class_that_is_named_is_a_change)
{
	scoped(served_stop) struct served served = start_with_hello();

	cr_expect(eq(uint,
		copy(&served, "/photos/a%20b",
			"x-amz-copy-source: photos/a%20b\n"
			"x-amz-storage-class: STANDARD\n")
			->status,
		200));
	served_expect_body(served_ask(&served, "GET", "/photos/a%20b"), 200,
		"hello");
}

Test(op_copy, refuses_what_would_change_nothing)
{
	scoped(served_stop) struct served served = start_with_hello();

	served_expect_refusal(copy(&served, "/photos/a%20b",
				      "x-amz-copy-source: photos/a%20b\n"),
		400, "InvalidRequest");
}

Test(op_copy, refuses_sources_that_are_none)
{
	scoped(served_stop) struct served served = start_with_hello();
	static const struct {
		const char *source;
		unsigned int status;
		const char *code;
	} cases[] = {
		{"photos/none", 404, "NoSuchKey"},
		{"none/a", 404, "NoSuchBucket"},
		{"photos", 400, "InvalidArgument"},
		{"photos/", 400, "InvalidArgument"},
		{"/", 400, "InvalidArgument"},
		{"photos/%zz", 400, "InvalidArgument"},
		{"photos/%FF", 400, "InvalidArgument"},
		{"photos/a%20b%00", 400, "InvalidArgument"},
		{"photos/a%20b?versionId=1", 400, "InvalidArgument"},
		{"photos/a%20b?versionId=", 400, "InvalidArgument"},
		{"photos/a%20b?versionId=0123456789abcdefghijklmnopqrs._-", 404,
			"NoSuchVersion"},
	};

	for (size_t i = 0; i < array_len(cases); i++)
		served_expect_refusal(copy(&served, "/other/c",
					      served_text(&served,
						      "x-amz-copy-source: %s\n",
						      cases[i].source)),
			cases[i].status, cases[i].code);
	served_expect_refusal(copy(&served, "/none/c",
				      "x-amz-copy-source: photos/a%20b\n"),
		404, "NoSuchBucket");
	served_expect_refusal(copy(&served, "/other/c",
				      "x-amz-copy-source: photos/a%20b\n"
				      "x-amz-metadata-directive: MERGE\n"),
		400, "InvalidArgument");
	served_expect_refusal(
		copy(&served, "/other/c",
			"x-amz-copy-source: photos/a%20b\n"
			"x-amz-source-expected-bucket-owner: 111122223333\n"),
		403, "AccessDenied");
}

Test(op_copy, holds_conditions_of_source_and_target)
{
	scoped(served_stop) struct served served = start_with_hello();
	static const struct {
		const char *condition;
		unsigned int status;
	} cases[] = {
		{"x-amz-copy-source-if-match: " HELLO_ETAG, 200},
		{"x-amz-copy-source-if-match: " OTHER_ETAG, 412},
		{"x-amz-copy-source-if-none-match: " HELLO_ETAG, 412},
		{"x-amz-copy-source-if-none-match: " OTHER_ETAG, 200},
		{"x-amz-copy-source-if-modified-since: "
		 "Thu, 01 Dec 2033 16:00:00 GMT",
			412},
		{"x-amz-copy-source-if-unmodified-since: "
		 "Sun, 06 Nov 1994 08:49:37 GMT",
			412},
		{"if-none-match: *", 412},
		{"if-match: " HELLO_ETAG, 200},
		{"if-match: " OTHER_ETAG, 412},
	};

	for (size_t i = 0; i < array_len(cases); i++) {
		const struct s3_reply *reply = copy(&served, "/other/c",
			served_text(&served,
				"x-amz-copy-source: photos/a%%20b\n%s\n",
				cases[i].condition));

		cr_expect(eq(uint, reply->status, cases[i].status), "%s",
			cases[i].condition);
	}
}

Test(op_copy, keeps_the_checksum)
{
	scoped(served_stop) struct served served = start_with_hello();

	const struct s3_reply *reply =
		copy(&served, "/other/c", "x-amz-copy-source: photos/a%20b\n");
	const struct s3_reply *head = served_send(&served, "HEAD", "/other/c",
		"x-amz-checksum-mode: ENABLED\n", SLICE_NULL);

	served_expect_elements(reply, "ChecksumCRC64NVME", "M3eFcAZSQlc= ");
	served_expect_header(head, "x-amz-checksum-crc64nvme", "M3eFcAZSQlc=");
}

Test(op_copy, an_algorithm_changes_nothing_and_is_one_that_there_is)
{
	scoped(served_stop) struct served served = start_with_hello();

	const struct s3_reply *reply = copy(&served, "/other/c",
		"x-amz-copy-source: photos/a%20b\n"
		"x-amz-checksum-algorithm: SHA256\n");

	served_expect_elements(reply, "ChecksumCRC64NVME", "M3eFcAZSQlc= ");
	served_expect_refusal(copy(&served, "/other/d",
				      "x-amz-copy-source: photos/a%20b\n"
				      "x-amz-checksum-algorithm: CRC8\n"),
		400, "InvalidRequest");
	served_expect_refusal(served_ask(&served, "GET", "/other/d"), 404,
		"NoSuchKey");
}
