/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "store/base/digest.h"
#include "store/base/io.h"
#include "store/base/text.h"
#include "store/bucket.h"
#include "store/object.h"
#include "store/store_private.h"
#include "tests/s3api/op/served.h"

#define OWN "x-amz-server-side-encryption-customer-"
#define SOURCE "x-amz-copy-source-server-side-encryption-customer-"
#define TRIPLE(prefix, key, md5)                                               \
	prefix "algorithm: AES256\n" prefix "key: " key "\n" prefix            \
	       "key-md5: " md5 "\n"
#define TEXT_A "Y3VzdG9tZXIga2V5IEE6IDMyIGJ5dGVzIG9mIGl0Li4="
#define MD5_A "8zK74eIAI+fhx34xNVgOAA=="
#define TEXT_B "Y3VzdG9tZXIga2V5IEI6IDMyIGJ5dGVzIG9mIGl0Li4="
#define MD5_B "krEPM+tHi7IS1MctE7q3vg=="
#define KEY_A TRIPLE(OWN, TEXT_A, MD5_A)
#define KEY_B TRIPLE(OWN, TEXT_B, MD5_B)
#define FROM_A TRIPLE(SOURCE, TEXT_A, MD5_A)
#define FROM_B TRIPLE(SOURCE, TEXT_B, MD5_B)

#define HELLO_MD5 "\"5d41402abc4b2a76b9719d911017c592\""
#define PART (5u << 20)
#define FRAME (64u * 1024)

static struct served
start_with_bucket(void)
{
	struct served served = served_start_sse_c();

	served_bucket(&served, "photos");
	return served;
}

static const struct s3_reply *
put(struct served *served, const char *target, const char *headers,
	struct slice body)
{
	return served_send(served, "PUT", target, headers, body);
}

static const struct s3_reply *
get(struct served *served, const char *target, const char *headers)
{
	return served_send(served, "GET", target, headers, SLICE_NULL);
}

static void
put_hello(struct served *served)
{
	const struct s3_reply *reply =
		put(served, "/photos/a", KEY_A, SLICE("hello"));

	cr_assert(eq(uint, reply->status, 200), "%s", reply->body.data);
}

static void
expect_key_headers(const struct s3_reply *reply, const char *md5)
{
	served_expect_header(reply, OWN "algorithm", *md5 ? "AES256" : "");
	served_expect_header(reply, OWN "key-md5", md5);
}

/* Text that says where in it one is. */
static struct slice
make_bytes(struct served *served, size_t len)
{
	char *bytes = arena_alloc(&served->client.arena, len + 32);

	for (size_t at = 0; at < len; at += 16)
		(void)snprintf(bytes + at, 17, "plaintext%07x",
			(unsigned)(at / 16) & 0xfffffff);
	return slice_of(bytes, len);
}

Test(op_sse_c, an_object_comes_back_to_who_has_the_key)
{
	scoped(served_stop) struct served served = start_with_bucket();

	const struct s3_reply *made =
		put(&served, "/photos/a", KEY_A, SLICE("hello"));
	const struct s3_reply *reply = get(&served, "/photos/a", KEY_A);

	cr_expect(eq(uint, made->status, 200), "%s", made->body.data);
	expect_key_headers(made, MD5_A);
	served_expect_body(reply, 200, "hello");
	expect_key_headers(reply, MD5_A);
	cr_expect(slice_equal(s3_client_header(made, "etag"),
		s3_client_header(reply, "etag")));
}

Test(op_sse_c, the_etag_is_one_of_a_put_but_no_md5)
{
	scoped(served_stop) struct served served = start_with_bucket();

	struct slice etag = s3_client_header(put(&served, "/photos/a", KEY_A,
						     SLICE("hello")),
		"etag");

	cr_expect(eq(sz, etag.len, 34));
	cr_expect(slice_equal(etag, SLICE(HELLO_MD5)) == false);
}

Test(op_sse_c, head_tells_the_size_of_the_plaintext)
{
	scoped(served_stop) struct served served = start_with_bucket();

	put_hello(&served);
	const struct s3_reply *head =
		served_send(&served, "HEAD", "/photos/a", KEY_A, SLICE_NULL);
	const struct s3_reply *list = served_ask(&served, "GET", "/photos");

	cr_expect(eq(uint, head->status, 200));
	served_expect_header(head, "content-length", "5");
	expect_key_headers(head, MD5_A);
	served_expect_elements(list, "Size", "5 ");
	expect_key_headers(list, "");
}

Test(op_sse_c, an_empty_object_asks_for_its_key_too)
{
	scoped(served_stop) struct served served = start_with_bucket();

	put(&served, "/photos/a", KEY_A, SLICE_NULL);

	served_expect_body(get(&served, "/photos/a", KEY_A), 200, "");
	served_expect_refusal(get(&served, "/photos/a", NULL), 400,
		"InvalidRequest");
	served_expect_refusal(get(&served, "/photos/a", KEY_B), 400,
		"InvalidArgument");
}

Test(op_sse_c, ranges_and_conditions_hold)
{
	scoped(served_stop) struct served served = start_with_bucket();
	struct slice body = make_bytes(&served, 5 * FRAME + 100);
	static const struct {
		const char *range;
		size_t from, len;
	} cases[] = {
		{"bytes=0-0", 0, 1},
		{"bytes=65530-65545", 65530, 16},
		{"bytes=65536-131071", 65536, 65536},
		{"bytes=1-262144", 1, 262144},
		{"bytes=327680-", 327680, 100},
		{"bytes=-1", 5 * 65536 + 99, 1},
	};

	put(&served, "/photos/a", KEY_A, body);
	for (size_t i = 0; i < array_len(cases); i++) {
		const struct s3_reply *reply = get(&served, "/photos/a",
			served_text(&served, KEY_A "range: %s\n",
				cases[i].range));

		cr_expect(eq(uint, reply->status, 206));
		cr_expect(slice_equal(reply->body,
				  slice_of(body.data + cases[i].from,
					  cases[i].len)),
			"%s", cases[i].range);
		expect_key_headers(reply, MD5_A);
	}
	const struct s3_reply *whole = get(&served, "/photos/a", KEY_A);
	const char *etag = arena_str(&served.client.arena,
		s3_client_header(whole, "etag"));

	cr_expect(slice_equal(whole->body, body));
	cr_expect(eq(uint,
		get(&served, "/photos/a",
			served_text(&served, KEY_A "if-none-match: %s\n", etag))
			->status,
		304));
	cr_expect(eq(uint,
		get(&served, "/photos/a", KEY_A "if-match: " HELLO_MD5 "\n")
			->status,
		412));
	served_expect_refusal(get(&served, "/photos/a",
				      KEY_A "range: bytes=999999-\n"),
		416, "InvalidRange");
}

Test(op_sse_c, the_checksum_is_given_to_who_has_the_key)
{
	scoped(served_stop) struct served served = start_with_bucket();

	put(&served, "/photos/a", KEY_A "x-amz-checksum-crc32c: mnG7TA==\n",
		SLICE("hello"));

	served_expect_header(get(&served, "/photos/a",
				     KEY_A "x-amz-checksum-mode: ENABLED\n"),
		"x-amz-checksum-crc32c", "mnG7TA==");
	served_expect_refusal(put(&served, "/photos/a",
				      KEY_A "x-amz-checksum-crc32c: AAAAAA==\n",
				      SLICE("hello")),
		400, "BadDigest");
	served_expect_refusal(put(&served, "/photos/a",
				      KEY_A
				      "content-md5: AAAAAAAAAAAAAAAAAAAAAA==\n",
				      SLICE("hello")),
		400, "BadDigest");
}

Test(op_sse_c, attributes_are_told_to_who_has_the_key)
{
	scoped(served_stop) struct served served = start_with_bucket();
	const char *asked = "x-amz-object-attributes: Checksum,ObjectSize\n";

	put(&served, "/photos/a", KEY_A "x-amz-checksum-crc32c: mnG7TA==\n",
		SLICE("hello"));
	const struct s3_reply *reply = get(&served, "/photos/a?attributes",
		served_text(&served, KEY_A "%s", asked));

	served_expect_elements(reply, "ChecksumCRC32C", "mnG7TA== ");
	served_expect_elements(reply, "ObjectSize", "5 ");
	expect_key_headers(reply, MD5_A);
	served_expect_refusal(get(&served, "/photos/a?attributes", asked), 400,
		"InvalidRequest");
	served_expect_refusal(get(&served, "/photos/a?attributes",
				      served_text(&served, KEY_B "%s", asked)),
		400, "InvalidArgument");
}

/* --- what is refused ------------------------------------------------------ */

static const struct {
	const char *headers;
	const char *code;
	const char *message; /* its beginning */
} bad_keys[] = {
	{OWN "algorithm: AES256\n", "InvalidArgument", "Requests specifying"},
	{OWN "key: " TEXT_A "\n" OWN "key-md5: " MD5_A "\n", "InvalidArgument",
		"Requests specifying"},
	{OWN "algorithm: AES256\n" OWN "key: " TEXT_A "\n", "InvalidArgument",
		"Requests specifying"},
	{OWN "algorithm: AES256\n" OWN "key-md5: " MD5_A "\n",
		"InvalidArgument", "Requests specifying"},
	{OWN "algorithm: AES128\n" OWN "key: " TEXT_A "\n" OWN "key-md5: " MD5_A
	     "\n",
		"InvalidArgument", "The requested encryption algorithm"},
	{TRIPLE(OWN, "c2hvcnQ=", "TwnaqdlbyxZqMCQHoOC6vg=="), "InvalidArgument",
		"The secret key was invalid"},
	{TRIPLE(OWN, "eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eA==",
		 "SOlckXgdzyxeuQ2m6NzBTQ=="),
		"InvalidArgument", "The secret key was invalid"},
	{TRIPLE(OWN, "not base64 at all, but 44 characters long...", MD5_A),
		"InvalidArgument", "The secret key was invalid"},
	{TRIPLE(OWN, TEXT_A, MD5_B), "InvalidArgument", "The calculated MD5"},
	{TRIPLE(OWN, TEXT_A, "nonsense"), "InvalidArgument",
		"The calculated MD5"},
	{KEY_A "x-amz-server-side-encryption: AES256\n", "InvalidArgument",
		"Server Side Encryption with Customer provided key is"},
};

Test(op_sse_c, keys_that_are_none_are_refused)
{
	scoped(served_stop) struct served served = start_with_bucket();

	put_hello(&served);
	for (size_t i = 0; i < array_len(bad_keys); i++) {
		const char *headers = bad_keys[i].headers;
		const struct s3_reply *replies[] = {
			put(&served, "/photos/b", headers, SLICE("hello")),
			get(&served, "/photos/a", headers),
			served_send(&served, "POST", "/photos/b?uploads",
				headers, SLICE_NULL),
		};

		for (size_t j = 0; j < array_len(replies); j++) {
			served_expect_refusal(replies[j], 400,
				bad_keys[i].code);
			cr_expect(slice_has_prefix(s3_client_element(replies[j],
							   "Message", 0),
				slice_str(bad_keys[i].message)));
		}
		cr_expect(eq(uint,
			served_send(&served, "HEAD", "/photos/a", headers,
				SLICE_NULL)
				->status,
			400));
	}
	served_expect_refusal(get(&served, "/photos/b", NULL), 404,
		"NoSuchKey");
}

Test(op_sse_c, without_tls_no_key_is_taken)
{
	scoped(served_stop) struct served served = served_start();

	served_bucket(&served, "photos");
	served_put(&served, "/photos/b", "hello");

	served_expect_refusal(put(&served, "/photos/a", KEY_A, SLICE("hello")),
		400, "InvalidRequest");
	served_expect_refusal(get(&served, "/photos/b", KEY_A), 400,
		"InvalidRequest");
	served_expect_refusal(put(&served, "/photos/c",
				      FROM_A "x-amz-copy-source: photos/b\n",
				      SLICE_NULL),
		400, "InvalidRequest");
	cr_expect(slice_has_suffix(s3_client_element(put(&served, "/photos/a",
							     KEY_A, SLICE("x")),
					   "Message", 0),
		SLICE("must be made over a secure connection.")));
}

Test(op_sse_c, a_sealed_object_is_not_read_without_its_key)
{
	scoped(served_stop) struct served served = start_with_bucket();

	put_hello(&served);
	served_put(&served, "/photos/plain", "hello");

	served_expect_refusal(get(&served, "/photos/a", NULL), 400,
		"InvalidRequest");
	served_expect_refusal(get(&served, "/photos/a", KEY_B), 400,
		"InvalidArgument");
	served_expect_refusal(get(&served, "/photos/plain", KEY_A), 400,
		"InvalidRequest");
	const struct s3_reply *head = served_ask(&served, "HEAD", "/photos/a");
	cr_expect(eq(uint, head->status, 400));
	cr_expect(eq(sz, head->body.len, 0));
	cr_expect(eq(uint,
		served_send(&served, "HEAD", "/photos/a", KEY_B, SLICE_NULL)
			->status,
		400));
}

Test(op_sse_c, a_policy_can_ask_for_it)
{
	scoped(served_stop) struct served served = start_with_bucket();
	const struct s3_reply *reply =
		served_send(&served, "PUT", "/photos?policy", NULL,
			SLICE("{\"Version\":\"2012-10-17\",\"Statement\":[{"
			      "\"Effect\":\"Deny\",\"Principal\":\"*\","
			      "\"Action\":\"s3:PutObject\","
			      "\"Resource\":\"arn:aws:s3:::photos/*\","
			      "\"Condition\":{\"Null\":{\"s3:x-amz-server-side-"
			      "encryption-customer-algorithm\":\"true\"}}}]}"));

	cr_assert(eq(uint, reply->status, 204), "%s", reply->body.data);

	served_expect_refusal(put(&served, "/photos/a", NULL, SLICE("hello")),
		403, "AccessDenied");
	cr_expect(eq(uint,
		put(&served, "/photos/a", KEY_A, SLICE("hello"))->status, 200));
}

/* --- copies --------------------------------------------------------------- */

#define COPY_A "x-amz-copy-source: photos/a\n"

Test(op_sse_c, copies_open_with_the_key_that_was_given_for_them)
{
	scoped(served_stop) struct served served = start_with_bucket();
	struct slice body = make_bytes(&served, 5 * FRAME + 100);
	static const struct {
		const char *to;
		const char *headers;
		const char *key; /* of the copy */
		const char *md5;
	} cases[] = {
		{"/photos/same", COPY_A FROM_A KEY_A, KEY_A, MD5_A},
		{"/photos/other", COPY_A FROM_A KEY_B, KEY_B, MD5_B},
		{"/photos/plain", COPY_A FROM_A, NULL, ""},
		{"/photos/again", "x-amz-copy-source: photos/plain\n" KEY_B,
			KEY_B, MD5_B},
		{"/photos/other",
			"x-amz-copy-source: photos/other\n" FROM_B KEY_A, KEY_A,
			MD5_A},
	};

	put(&served, "/photos/a", KEY_A "x-amz-meta-colour: green\n", body);
	for (size_t i = 0; i < array_len(cases); i++) {
		const struct s3_reply *made =
			put(&served, cases[i].to, cases[i].headers, SLICE_NULL);

		cr_expect(eq(uint, made->status, 200), "%s", made->body.data);
		expect_key_headers(made, cases[i].md5);

		const struct s3_reply *reply =
			get(&served, cases[i].to, cases[i].key);

		cr_expect(slice_equal(reply->body, body), "%s", cases[i].to);
		served_expect_header(reply, "x-amz-meta-colour", "green");
	}
	cr_expect(slice_equal(get(&served, "/photos/a", KEY_A)->body, body));
}

Test(op_sse_c, an_opened_copy_has_its_md5_and_checksum)
{
	scoped(served_stop) struct served served = start_with_bucket();

	put(&served, "/photos/a", KEY_A "x-amz-checksum-crc32c: mnG7TA==\n",
		SLICE("hello"));
	const struct s3_reply *made =
		put(&served, "/photos/b", COPY_A FROM_A, SLICE_NULL);
	const struct s3_reply *sealed =
		put(&served, "/photos/c", COPY_A FROM_A KEY_B, SLICE_NULL);

	served_expect_elements(made, "ETag",
		"&quot;5d41402abc4b2a76b9719d911017c592&quot; ");
	served_expect_elements(made, "ChecksumCRC32C", "mnG7TA== ");
	served_expect_elements(sealed, "ChecksumCRC32C", "mnG7TA== ");
	served_expect_header(get(&served, "/photos/c",
				     KEY_B "x-amz-checksum-mode: ENABLED\n"),
		"x-amz-checksum-crc32c", "mnG7TA==");
}

Test(op_sse_c, a_copy_replaces_attributes_when_told_to)
{
	scoped(served_stop) struct served served = start_with_bucket();

	put(&served, "/photos/a", KEY_A "x-amz-meta-colour: green\n",
		SLICE("hello"));
	put(&served, "/photos/a",
		COPY_A FROM_A KEY_B "x-amz-metadata-directive: REPLACE\n"
				    "x-amz-meta-size: big\n",
		SLICE_NULL);
	const struct s3_reply *reply = get(&served, "/photos/a", KEY_B);

	served_expect_body(reply, 200, "hello");
	served_expect_header(reply, "x-amz-meta-size", "big");
	served_expect_header(reply, "x-amz-meta-colour", "");
}

Test(op_sse_c, copies_ask_for_the_sources_key)
{
	scoped(served_stop) struct served served = start_with_bucket();
	static const struct {
		const char *headers;
		const char *code;
	} cases[] = {
		{COPY_A, "InvalidRequest"},
		{COPY_A KEY_A, "InvalidRequest"},
		{COPY_A FROM_B, "InvalidArgument"},
		{COPY_A FROM_B KEY_A, "InvalidArgument"},
		{COPY_A FROM_B KEY_B, "InvalidArgument"},
		{COPY_A SOURCE "algorithm: AES256\n", "InvalidArgument"},
		{"x-amz-copy-source: photos/plain\n" FROM_A, "InvalidRequest"},
		{"x-amz-copy-source: photos/plain\n" FROM_A KEY_A,
			"InvalidRequest"},
	};

	put_hello(&served);
	served_put(&served, "/photos/plain", "hello");
	for (size_t i = 0; i < array_len(cases); i++)
		served_expect_refusal(put(&served, "/photos/b",
					      cases[i].headers, SLICE_NULL),
			400, cases[i].code);
	served_expect_refusal(get(&served, "/photos/b", NULL), 404,
		"NoSuchKey");
	served_expect_refusal(put(&served, "/photos/b",
				      COPY_A FROM_A KEY_B
				      "x-amz-copy-source-if-match: " HELLO_MD5
				      "\n",
				      SLICE_NULL),
		412, "PreconditionFailed");
}

/* --- uploads -------------------------------------------------------------- */

static const struct s3_reply *
send_part(struct served *served, const char *id, unsigned number,
	const char *headers, struct slice body)
{
	return put(served,
		served_text(served, "/photos/big?partNumber=%u&uploadId=%s",
			number, id),
		headers, body);
}

static const struct s3_reply *
complete(struct served *served, const char *id, const char *headers,
	const struct s3_reply *const *parts, size_t count)
{
	scoped(buffer_free) struct buffer body = {0};

	buffer_append_str(&body, "<CompleteMultipartUpload>");
	for (size_t i = 0; i < count; i++) {
		struct slice etag = s3_client_header(parts[i], "etag");
		struct slice crc =
			s3_client_header(parts[i], "x-amz-checksum-crc32c");

		buffer_printf(&body,
			"<Part><PartNumber>%zu</PartNumber><ETag>%.*s</ETag>",
			i + 1, (int)etag.len, etag.data);
		if (crc.data && headers)
			buffer_printf(&body,
				"<ChecksumCRC32C>%.*s</ChecksumCRC32C>",
				(int)crc.len, crc.data);
		buffer_append_str(&body, "</Part>");
	}
	buffer_append_str(&body, "</CompleteMultipartUpload>");
	return served_send(served, "POST",
		served_text(served, "/photos/big?uploadId=%s", id), headers,
		buffer_slice(&body));
}

static const char *
crc32c_of(struct served *served, struct slice body)
{
	char text[TEXT_BASE64_LEN(4) + 1];
	uint8_t crc[4];

	digest_of(DIGEST_CRC32C, body, crc);
	text_to_base64(crc, sizeof(crc), text);
	return served_text(served, KEY_A "x-amz-checksum-crc32c: %s\n", text);
}

Test(op_sse_c, an_upload_is_sealed_part_by_part)
{
	scoped(served_stop) struct served served = start_with_bucket();
	struct slice body = make_bytes(&served, PART + 1000);
	struct slice first = slice_first(body, PART);
	struct slice last = slice_from(body, PART);
	const char *id = served_begin_upload(&served, "/photos/big", KEY_A);
	const struct s3_reply *parts[2];

	parts[1] = send_part(&served, id, 2, KEY_A, last);
	parts[0] = send_part(&served, id, 1, KEY_A, first);
	cr_assert(eq(uint, parts[0]->status, 200), "%s", parts[0]->body.data);
	expect_key_headers(parts[0], MD5_A);
	const struct s3_reply *done = complete(&served, id, NULL, parts, 2);

	cr_assert(eq(uint, done->status, 200), "%s", done->body.data);
	const struct s3_reply *reply = get(&served, "/photos/big", KEY_A);
	cr_expect(slice_equal(reply->body, body));
	reply = get(&served, "/photos/big?partNumber=2", KEY_A);
	cr_expect(eq(uint, reply->status, 206));
	cr_expect(slice_equal(reply->body, last));
	served_expect_header(reply, "x-amz-mp-parts-count", "2");
	reply = get(&served, "/photos/big",
		KEY_A "range: bytes=5242870-5242889\n");
	cr_expect(slice_equal(reply->body, slice_of(body.data + 5242870, 20)));
	served_expect_refusal(get(&served, "/photos/big", NULL), 400,
		"InvalidRequest");
	served_expect_refusal(get(&served, "/photos/big", KEY_B), 400,
		"InvalidArgument");
}

Test(op_sse_c, an_uploads_checksum_is_made_by_who_has_the_key)
{
	scoped(served_stop) struct served served = start_with_bucket();
	struct slice body = make_bytes(&served, PART + 1000);
	const char *begin = KEY_A "x-amz-checksum-algorithm: CRC32C\n"
				  "x-amz-checksum-type: FULL_OBJECT\n";
	const char *id = served_begin_upload(&served, "/photos/big", begin);
	const struct s3_reply *parts[2];
	char text[TEXT_BASE64_LEN(4) + 1];
	uint8_t crc[4];

	digest_of(DIGEST_CRC32C, body, crc);
	text_to_base64(crc, sizeof(crc), text);
	for (unsigned i = 0; i < 2; i++) {
		struct slice bytes =
			i ? slice_from(body, PART) : slice_first(body, PART);

		parts[i] = send_part(&served, id, i + 1,
			crc32c_of(&served, bytes), bytes);
		cr_assert(eq(uint, parts[i]->status, 200));
	}
	served_expect_elements(get(&served,
				       served_text(&served,
					       "/photos/big?uploadId=%s", id),
				       NULL),
		"ChecksumCRC32C", "");
	cr_expect(eq(uint,
		s3_client_element_count(get(&served,
						served_text(&served,
							"/photos/big"
							"?uploadId=%s",
							id),
						KEY_A),
			"ChecksumCRC32C"),
		2));
	served_expect_refusal(complete(&served, id, "x-amz-meta-none: 1\n",
				      parts, 2),
		400, "InvalidRequest");
	const struct s3_reply *done = complete(&served, id, KEY_A, parts, 2);

	served_expect_elements(done, "ChecksumCRC32C",
		served_text(&served, "%s ", text));
	served_expect_header(get(&served, "/photos/big",
				     KEY_A "x-amz-checksum-mode: ENABLED\n"),
		"x-amz-checksum-crc32c", text);
}

Test(op_sse_c, a_part_needs_the_key_of_its_upload)
{
	scoped(served_stop) struct served served = start_with_bucket();
	const char *sealed = served_begin_upload(&served, "/photos/big", KEY_A);
	const char *plain = served_begin_upload(&served, "/photos/big", NULL);

	served_expect_refusal(send_part(&served, sealed, 1, NULL,
				      SLICE("hello")),
		400, "InvalidRequest");
	served_expect_refusal(send_part(&served, sealed, 1, KEY_B,
				      SLICE("hello")),
		400, "InvalidRequest");
	served_expect_refusal(send_part(&served, plain, 1, KEY_A,
				      SLICE("hello")),
		400, "InvalidRequest");
	served_expect_refusal(send_part(&served, sealed, 1,
				      OWN "algorithm: AES256\n" OWN
					  "key: " TEXT_A "\n",
				      SLICE("hello")),
		400, "InvalidArgument");
}

Test(op_sse_c, parts_are_copied_from_sealed_and_to_sealed)
{
	scoped(served_stop) struct served served = start_with_bucket();
	struct slice body = make_bytes(&served, PART + FRAME);
	const char *id = served_begin_upload(&served, "/photos/big", KEY_B);
	const char *first = COPY_A FROM_A KEY_B
		"x-amz-copy-source-range: bytes=0-5242879\n";
	const char *last = "x-amz-copy-source: photos/plain\n" KEY_B
			   "x-amz-copy-source-range: bytes=5242880-5308415\n";

	put(&served, "/photos/a", KEY_A, body);
	put(&served, "/photos/plain", NULL, body);
	served_expect_refusal(send_part(&served, id, 1, COPY_A KEY_B,
				      SLICE_NULL),
		400, "InvalidRequest");
	const struct s3_reply *one =
		send_part(&served, id, 1, first, SLICE_NULL);
	const struct s3_reply *two =
		send_part(&served, id, 2, last, SLICE_NULL);
	cr_assert(eq(uint, one->status, 200), "%s", one->body.data);
	expect_key_headers(two, MD5_B);
	const char *parts = served_text(&served,
		"<CompleteMultipartUpload><Part><PartNumber>1</PartNumber>"
		"<ETag>%.*s</ETag></Part><Part><PartNumber>2</PartNumber>"
		"<ETag>%.*s</ETag></Part></CompleteMultipartUpload>",
		(int)s3_client_element(one, "ETag", 0).len,
		s3_client_element(one, "ETag", 0).data,
		(int)s3_client_element(two, "ETag", 0).len,
		s3_client_element(two, "ETag", 0).data);
	const struct s3_reply *done = served_send(&served, "POST",
		served_text(&served, "/photos/big?uploadId=%s", id), NULL,
		slice_str(parts));

	cr_expect(eq(uint, done->status, 200), "%s", done->body.data);
	cr_expect(slice_equal(get(&served, "/photos/big", KEY_B)->body, body));
}

/* --- damage --------------------------------------------------------------- */

/* Changes the byte at `at` of the object's file. */
static void
damage(struct served *served, const char *key, uint64_t at)
{
	scoped(arena_free) struct arena arena = {0};
	struct store *store = served->temp.store;
	struct bucket bucket;
	struct object object;
	char path[200];

	cr_assert(eq(int, bucket_get(store, SLICE("photos"), &bucket), 0));
	cr_assert(eq(int,
		object_head(store, bucket.ino, slice_str(key), &arena, &object),
		0));
	(void)snprintf(path, sizeof(path), "%s/data/%llx/%llx", store->path,
		(unsigned long long)object.inode.blob / 4096,
		(unsigned long long)object.inode.blob);
	int fd = open(path, O_RDWR);
	char byte;

	cr_assert(ge(int, fd, 0));
	cr_assert(eq(int, io_pread_all(fd, &byte, 1, at), 0));
	byte ^= 1;
	cr_assert(eq(int, io_pwrite_all(fd, &byte, 1, at), 0));
	close(fd);
}

static void
expect_short_where_damaged(unsigned int frames)
{
	scoped(served_stop) struct served served = start_with_bucket();
	struct slice body = make_bytes(&served, (size_t)frames * FRAME);

	put(&served, "/photos/late", KEY_A, body);
	put(&served, "/photos/early", KEY_A, body);
	damage(&served, "late", (uint64_t)(frames - 1) * (FRAME + 20));
	damage(&served, "early", 100);

	served_expect_refusal(get(&served, "/photos/early", KEY_A), 500,
		"InternalError");
	cr_expect(eq(uint,
		get(&served, "/photos/late", KEY_A "range: bytes=0-9\n")
			->status,
		206));
	const struct s3_reply *reply = get(&served, "/photos/late", KEY_A);
	cr_expect(lt(sz, reply->body.len, body.len));
	cr_expect(slice_equal(reply->body, slice_first(body, reply->body.len)));
}

Test(op_sse_c, what_does_not_open_is_an_error_or_ends_the_reply_short)
{
	expect_short_where_damaged(40);
	/* Read ahead. */
	expect_short_where_damaged(100);
}

struct beside {
	struct s3_client client;
	struct slice body;
	unsigned int replies;
};

/* While the other one's bytes wait in its socket. */
static void
get_beside(void *context)
{
	struct beside *beside = context;
	const struct s3_reply *reply = s3_client_ask(&beside->client, "GET",
		"/photos/a", KEY_A "range: bytes=70000-\n", SLICE_NULL);

	cr_assert(eq(uint, reply->status, 206));
	cr_expect(slice_equal(reply->body, slice_from(beside->body, 70000)));
	beside->replies++;
}

/* One is read ahead, the other is not. */
Test(op_sse_c, large_ones_come_back_side_by_side)
{
	scoped(served_stop) struct served served = start_with_bucket();
	struct beside beside = {
		.body = make_bytes(&served, (12u << 20) + 12345),
	};
	struct s3_client *client = &served.client;

	s3_client_open(&beside.client, client->port, client->access_key,
		client->secret);
	put(&served, "/photos/a", KEY_A, beside.body);
	client->at_header = get_beside;
	client->context = &beside;
	for (unsigned int i = 1; i <= 3; i++) {
		const struct s3_reply *reply = get(&served, "/photos/a", KEY_A);

		cr_assert(eq(uint, reply->status, 200));
		cr_expect(slice_equal(reply->body, beside.body));
		cr_expect(eq(uint, beside.replies, i));
	}
	client->at_header = NULL;
	s3_client_close(&beside.client);
}
