/* SPDX-License-Identifier: Apache-2.0 */
/* Each kind of checksum, wherever S3 takes one or tells it. */
#include "tests/s3api/op/form.h"

static const struct kind {
	const char *name;
	const char *header;
	const char *of_hello;
	const char
		*of_that; /* of the checksum's bytes; NULL: never composite */
} kinds[] = {
	{"CRC32", "x-amz-checksum-crc32", "NhCmhg==", "FKTmaw=="},
	{"CRC32C", "x-amz-checksum-crc32c", "mnG7TA==", "VwS2rA=="},
	{"CRC64NVME", "x-amz-checksum-crc64nvme", "M3eFcAZSQlc=", NULL},
	{"SHA1", "x-amz-checksum-sha1",
		"qvTGHdzF6KLavt4PO0gs2a6pQ00=", "a0+JpU4tJ+zX6NoFtKuP2dHYsRk="},
	{"SHA256", "x-amz-checksum-sha256",
		"LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=",
		"lZXJ35AHUUjrBoYDZd8zWEt1v/eCpRDGzUiDpBmDPVA="},
	{"SHA512", "x-amz-checksum-sha512",
		"m3HSJL1i83hdltRq0+o9czGb+8KJDKra4t/3JRlnPKcjI8PZm6XBHXx6zG4UuM"
		"XaDEZjR1wuXDre9G9zvN7AQw==",
		"BZKhBYT/q/llOfPXgNd2goxn2hq1sWnp6K7YOKrsye021J/xQjxV8BngUMZsYy"
		"T1NYi+iIlP703P/bdLmOKyAA=="},
	{"MD5", "x-amz-checksum-md5",
		"XUFAKrxLKna5cZ2REBfFkg==", "YhCSBogNOKQBCpjhEkOSSg=="},
	{"XXHASH64", "x-amz-checksum-xxhash64", "JseCfYifbaM=", "wHwQM4qCWl0="},
	{"XXHASH3", "x-amz-checksum-xxhash3", "lVXoVVxi3P0=", "TgHCJrIzOAk="},
	{"XXHASH128", "x-amz-checksum-xxhash128",
		"tenBrQcbPn/Hec+qXlI4GA==", "+R+iwBIUelCUt9Gj6395bQ=="},
};

#define MODE "x-amz-checksum-mode: ENABLED\n"
#define SSE_C "x-amz-server-side-encryption-customer-"
#define SSE_C_SOURCE "x-amz-copy-source-server-side-encryption-customer-"
#define KEY_LINES(prefix)                                                      \
	prefix "algorithm: AES256\n" prefix                                    \
	       "key: Y3VzdG9tZXIga2V5IEE6IDMyIGJ5dGVzIG9mIGl0Li4=\n" prefix    \
	       "key-md5: 8zK74eIAI+fhx34xNVgOAA==\n"
#define KEY KEY_LINES(SSE_C)
#define SOURCE_KEY KEY_LINES(SSE_C_SOURCE)

static struct served
start_with_bucket(void)
{
	struct served served = served_start_sse_c();

	served_bucket(&served, "photos");
	return served;
}

static const char *
element_of(struct served *served, const struct kind *kind)
{
	return served_text(served, "Checksum%s", kind->name);
}

static const char *
line_of(struct served *served, const struct kind *kind, const char *others)
{
	return served_text(served, "%s%s: %s\n", others, kind->header,
		kind->of_hello);
}

/* The value as HEAD and GetObjectAttributes tell it to who has what `headers`
 * say, and its type. */
static void
expect_told(struct served *served, const struct kind *kind, const char *target,
	const char *headers, const char *value, bool is_composite)
{
	const char *type = is_composite ? "COMPOSITE" : "FULL_OBJECT";
	const struct s3_reply *head = served_send(served, "HEAD", target,
		served_text(served, "%s" MODE, headers), SLICE_NULL);
	const struct s3_reply *attributes = served_send(served, "GET",
		served_text(served, "%s?attributes", target),
		served_text(served, "%sx-amz-object-attributes: Checksum\n",
			headers),
		SLICE_NULL);

	served_expect_header(head, kind->header,
		is_composite ? served_text(served, "%s-1", value) : value);
	served_expect_header(head, "x-amz-checksum-type", type);
	served_expect_elements(attributes, element_of(served, kind),
		served_text(served, "%s ", value));
	served_expect_elements(attributes, "ChecksumType",
		served_text(served, "%s ", type));
}

Test(op_checksums, come_in_a_header_and_are_told)
{
	scoped(served_stop) struct served served = start_with_bucket();

	for (size_t i = 0; i < array_len(kinds); i++) {
		const struct kind *kind = &kinds[i];
		const char *line = line_of(&served, kind, "");
		const struct s3_reply *put = served_send(&served, "PUT",
			"/photos/a", line, SLICE("hello"));

		cr_expect(eq(uint, put->status, 200), "%s", kind->name);
		served_expect_header(put, kind->header, kind->of_hello);
		expect_told(&served, kind, "/photos/a", "", kind->of_hello,
			false);
		served_expect_elements(served_ask(&served, "GET", "/photos"),
			"ChecksumAlgorithm",
			served_text(&served, "%s ", kind->name));
		served_expect_refusal(served_send(&served, "PUT", "/photos/b",
					      line, SLICE("other")),
			400, "BadDigest");
		served_expect_refusal(served_send(&served, "PUT", "/photos/b",
					      served_text(&served, "%s: YQ==\n",
						      kind->header),
					      SLICE("hello")),
			400, "InvalidRequest");
	}
	served_expect_refusal(served_ask(&served, "GET", "/photos/b"), 404,
		"NoSuchKey");
}

/* The ETag's digest, and one that its own header is about, too. */
Test(op_checksums, md5_is_held_against_content_md5_and_its_own_header)
{
	scoped(served_stop) struct served served = start_with_bucket();
	static const struct {
		const char *headers;
		unsigned int status;
	} rows[] = {
		{"content-md5: XUFAKrxLKna5cZ2REBfFkg==\n"
		 "x-amz-checksum-md5: XUFAKrxLKna5cZ2REBfFkg==\n",
			200},
		{"content-md5: XUFAKrxLKna5cZ2REBfFkg==\n"
		 "x-amz-checksum-md5: YhCSBogNOKQBCpjhEkOSSg==\n",
			400},
		{"content-md5: YhCSBogNOKQBCpjhEkOSSg==\n"
		 "x-amz-checksum-md5: XUFAKrxLKna5cZ2REBfFkg==\n",
			400},
	};

	for (size_t i = 0; i < array_len(rows); i++)
		cr_expect(eq(uint,
				  served_send(&served, "PUT", "/photos/a",
					  rows[i].headers, SLICE("hello"))
					  ->status,
				  rows[i].status),
			"%s", rows[i].headers);
}

Test(op_checksums, come_in_a_trailer)
{
	scoped(served_stop) struct served served = start_with_bucket();

	for (size_t i = 0; i < array_len(kinds); i++) {
		const struct kind *kind = &kinds[i];
		const char *headers = served_text(&served,
			"content-encoding: aws-chunked\nx-amz-content-sha256: "
			"STREAMING-UNSIGNED-PAYLOAD-TRAILER\nx-amz-trailer: "
			"%s\nx-amz-decoded-content-length: 5\n",
			kind->header);
		const char *good =
			served_text(&served, "5\r\nhello\r\n0\r\n%s:%s\r\n\r\n",
				kind->header, kind->of_hello);
		const char *bad =
			served_text(&served, "5\r\nhallo\r\n0\r\n%s:%s\r\n\r\n",
				kind->header, kind->of_hello);
		const struct s3_reply *put = served_send(&served, "PUT",
			"/photos/a", headers, slice_str(good));

		cr_expect(eq(uint, put->status, 200), "%s", kind->name);
		served_expect_header(put, kind->header, kind->of_hello);
		expect_told(&served, kind, "/photos/a", "", kind->of_hello,
			false);
		served_expect_refusal(served_send(&served, "PUT", "/photos/b",
					      headers, slice_str(bad)),
			400, "BadDigest");
	}
}

Test(op_checksums, are_computed_where_the_algorithm_alone_is_named)
{
	scoped(served_stop) struct served served = start_with_bucket();

	for (size_t i = 0; i < array_len(kinds); i++) {
		const struct s3_reply *put =
			served_send(&served, "PUT", "/photos/a",
				served_text(&served,
					"x-amz-sdk-checksum-algorithm: %s\n",
					kinds[i].name),
				SLICE("hello"));

		served_expect_header(put, kinds[i].header, kinds[i].of_hello);
	}
}

Test(op_checksums, come_in_a_form)
{
	scoped(served_stop) struct served served = start_with_bucket();
	static const struct {
		const char *content;
		unsigned int status;
	} rows[] = {{"hello", 204}, {"other", 400}};

	for (size_t i = 0; i < array_len(kinds) * array_len(rows); i++) {
		const struct kind *kind = &kinds[i / array_len(rows)];
		scoped(form_end) struct form form = form_begin(&served);

		form.content = rows[i % array_len(rows)].content;
		form_add(&form, "key", "a");
		form_add(&form, kind->header, kind->of_hello);
		form_sign_with(&form, served_text(&served,
					      FORM_BUCKET_AND_KEY
					      ",[\"starts-with\",\"$%s\",\"\"]",
					      kind->header));

		const struct s3_reply *reply = form_post(&form);

		cr_expect(eq(uint, reply->status,
				  rows[i % array_len(rows)].status),
			"%s: %s", kind->name, reply->body.data);
		served.client.is_anonymous = false;
		expect_told(&served, kind, "/photos/a", "", kind->of_hello,
			false);
	}
}

/* --- uploads -------------------------------------------------------------- */

/* A part of "hello"; what completes the upload. */
static const char *
send_hello(struct served *served, const struct kind *kind, const char *id,
	const char *headers)
{
	const struct s3_reply *part = served_send(served, "PUT",
		served_text(served, "/photos/big?partNumber=1&uploadId=%s", id),
		line_of(served, kind, headers), SLICE("hello"));
	struct slice etag = s3_client_header(part, "etag");

	cr_assert(eq(uint, part->status, 200), "%s", part->body.data);
	served_expect_header(part, kind->header, kind->of_hello);
	return served_text(served,
		"<CompleteMultipartUpload><Part><PartNumber>1</PartNumber>"
		"<ETag>%.*s</ETag><%s>%s</%s></Part></CompleteMultipartUpload>",
		(int)etag.len, etag.data, element_of(served, kind),
		kind->of_hello, element_of(served, kind));
}

static const struct s3_reply *
complete(struct served *served, const char *id, const char *headers,
	const char *document)
{
	return served_send(served, "POST",
		served_text(served, "/photos/big?uploadId=%s", id), headers,
		slice_str(document));
}

static const char *
begin(struct served *served, const struct kind *kind, const char *headers)
{
	return served_begin_upload(served, "/photos/big",
		served_text(served, "%sx-amz-checksum-algorithm: %s\n", headers,
			kind->name));
}

/* Of the whole object, without the number of parts. */
static const char *
whole_of(const struct kind *kind)
{
	return kind->of_that ? kind->of_that : kind->of_hello;
}

static void
expect_listed(struct served *served, const struct kind *kind, const char *id)
{
	const char *type = kind->of_that ? "COMPOSITE " : "FULL_OBJECT ";
	const struct s3_reply *parts = served_ask(served, "GET",
		served_text(served, "/photos/big?uploadId=%s", id));
	const struct s3_reply *uploads =
		served_ask(served, "GET", "/photos?uploads");

	served_expect_elements(parts, element_of(served, kind),
		served_text(served, "%s ", kind->of_hello));
	served_expect_elements(parts, "ChecksumAlgorithm",
		served_text(served, "%s ", kind->name));
	served_expect_elements(parts, "ChecksumType", type);
	served_expect_elements(uploads, "ChecksumAlgorithm",
		served_text(served, "%s ", kind->name));
}

Test(op_checksums, of_an_upload_are_made_of_those_of_its_parts)
{
	scoped(served_stop) struct served served = start_with_bucket();

	for (size_t i = 0; i < array_len(kinds); i++) {
		const struct kind *kind = &kinds[i];
		const char *mark = kind->of_that ? "-1" : "";
		const char *id = begin(&served, kind, "");
		const char *document = send_hello(&served, kind, id, "");

		expect_listed(&served, kind, id);

		const struct s3_reply *wrong = complete(&served, id,
			served_text(&served, "%s: %s\n", kind->header,
				kind->of_that ? kind->of_hello
					      : "AAAAAAAAAAA="),
			document);
		const struct s3_reply *done = complete(&served, id,
			served_text(&served, "%s: %s%s\n", kind->header,
				whole_of(kind), mark),
			document);
		const struct s3_reply *part = served_send(&served, "GET",
			"/photos/big?partNumber=1", MODE, SLICE_NULL);
		const struct s3_reply *attributes = served_send(&served, "GET",
			"/photos/big?attributes",
			"x-amz-object-attributes: ObjectParts\n", SLICE_NULL);

		served_expect_refusal(wrong, 400, "BadDigest");
		cr_expect(eq(uint, done->status, 200), "%s", done->body.data);
		served_expect_elements(done, element_of(&served, kind),
			served_text(&served, "%s%s ", whole_of(kind), mark));
		expect_told(&served, kind, "/photos/big", "", whole_of(kind),
			kind->of_that != NULL);
		served_expect_header(part, kind->header, kind->of_hello);
		served_expect_elements(attributes, element_of(&served, kind),
			served_text(&served, "%s ", kind->of_hello));
	}
}

Test(op_checksums, of_an_upload_may_be_of_one_kind_alone)
{
	scoped(served_stop) struct served served = start_with_bucket();

	for (size_t i = 0; i < array_len(kinds); i++) {
		const struct kind *kind = &kinds[i];
		const struct kind *other = &kinds[(i + 1) % array_len(kinds)];
		const char *id = begin(&served, kind, "");
		const char *target = served_text(&served,
			"/photos/big?partNumber=1&uploadId=%s", id);
		const struct s3_reply *part = served_send(&served, "PUT",
			target, line_of(&served, other, ""), SLICE("hello"));

		/* An upload of the default may be one that nobody asked. */
		if (!kind->of_that) {
			cr_expect(eq(uint, part->status, 200));
			continue;
		}
		served_expect_refusal(part, 400, "InvalidRequest");
		(void)send_hello(&served, kind, id, "");

		const struct s3_reply *done = complete(&served, id, NULL,
			send_hello(&served, other, begin(&served, other, ""),
				""));

		served_expect_refusal(done, 400, "BadDigest");
	}
}

/* --- copies --------------------------------------------------------------- */

Test(op_checksums, are_kept_by_a_copy_and_computed_for_a_copied_part)
{
	scoped(served_stop) struct served served = start_with_bucket();
	const char *from = "x-amz-copy-source: photos/a\n";

	for (size_t i = 0; i < array_len(kinds); i++) {
		const struct kind *kind = &kinds[i];

		(void)served_send(&served, "PUT", "/photos/a",
			line_of(&served, kind, ""), SLICE("hello"));

		const struct s3_reply *copied = served_send(&served, "PUT",
			"/photos/c",
			served_text(&served, "%sx-amz-checksum-algorithm: %s\n",
				from, kind->name),
			SLICE_NULL);
		const struct s3_reply *part = served_send(&served, "PUT",
			served_text(&served,
				"/photos/big?partNumber=1&uploadId=%s",
				begin(&served, kind, "")),
			from, SLICE_NULL);

		cr_expect(eq(uint, copied->status, 200), "%s",
			copied->body.data);
		served_expect_elements(copied, element_of(&served, kind),
			served_text(&served, "%s ", kind->of_hello));
		expect_told(&served, kind, "/photos/c", "", kind->of_hello,
			false);
		served_expect_elements(part, element_of(&served, kind),
			served_text(&served, "%s ", kind->of_hello));
	}
}

/* --- sealed objects ------------------------------------------------------- */

Test(op_checksums, of_sealed_objects_are_told_to_who_has_the_key)
{
	scoped(served_stop) struct served served = start_with_bucket();

	for (size_t i = 0; i < array_len(kinds); i++) {
		const struct kind *kind = &kinds[i];
		const struct s3_reply *put =
			served_send(&served, "PUT", "/photos/a",
				line_of(&served, kind, KEY), SLICE("hello"));
		const struct s3_reply *opened = served_send(&served, "PUT",
			"/photos/c", "x-amz-copy-source: photos/a\n" SOURCE_KEY,
			SLICE_NULL);

		served_expect_header(put, kind->header, kind->of_hello);
		expect_told(&served, kind, "/photos/a", KEY, kind->of_hello,
			false);
		/* Read and written anew: the kind is the source's. */
		served_expect_elements(opened, element_of(&served, kind),
			served_text(&served, "%s ", kind->of_hello));
		expect_told(&served, kind, "/photos/c", "", kind->of_hello,
			false);
	}
}

Test(op_checksums, of_sealed_uploads_are_made_by_who_has_the_key)
{
	scoped(served_stop) struct served served = start_with_bucket();

	for (size_t i = 0; i < array_len(kinds); i++) {
		const struct kind *kind = &kinds[i];
		const char *id = begin(&served, kind, KEY);
		const char *document = send_hello(&served, kind, id, KEY);
		const struct s3_reply *done =
			complete(&served, id, KEY, document);

		cr_expect(eq(uint, done->status, 200), "%s", done->body.data);
		expect_told(&served, kind, "/photos/big", KEY, whole_of(kind),
			kind->of_that != NULL);
	}
}
