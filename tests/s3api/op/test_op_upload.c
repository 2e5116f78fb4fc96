/* SPDX-License-Identifier: Apache-2.0 */
#include "store/bucket.h"
#include "store/upload.h"
#include "tests/s3api/op/served.h"

#define PART (5u << 20) /* the least of a part that is not the last */
#define ID_OF_NONE "00000000000000000000000000000000"

struct sent {
	unsigned int number;
	char etag[35];	      /* with its quotation marks */
	const char *checksum; /* an element, or NULL */
};

static struct slice
make_bytes(struct served *served, size_t len, unsigned int seed)
{
	char *bytes = arena_alloc(&served->client.arena, len ? len : 1);

	for (size_t i = 0; i < len; i++)
		bytes[i] = (char)(i * 7 + i / 1021 + seed);
	return slice_of(bytes, len);
}

static const struct s3_reply *
send_part(struct served *served, const char *id, unsigned int number,
	const char *headers, struct slice bytes)
{
	return served_send(served, "PUT",
		served_text(served, "/photos/big?partNumber=%u&uploadId=%s",
			number, id),
		headers, bytes);
}

static struct sent
send_good_part_with(struct served *served, const char *id, unsigned int number,
	const char *headers, struct slice bytes)
{
	struct sent sent = {.number = number};
	const struct s3_reply *reply =
		send_part(served, id, number, headers, bytes);
	struct slice etag = s3_client_header(reply, "etag");

	cr_assert(eq(uint, reply->status, 200), "%s", reply->body.data);
	cr_assert(eq(sz, etag.len, 34));
	memcpy(sent.etag, etag.data, etag.len);
	return sent;
}

static struct sent
send_good_part(struct served *served, const char *id, unsigned int number,
	struct slice bytes)
{
	return send_good_part_with(served, id, number, NULL, bytes);
}

static const struct s3_reply *
complete_with(struct served *served, const char *id, const char *headers,
	const struct sent *parts, size_t count)
{
	scoped(buffer_free) struct buffer body = {0};

	buffer_append_str(&body, "<CompleteMultipartUpload xmlns=\""
				 "http://s3.amazonaws.com/doc/2006-03-01/\">");
	for (size_t i = 0; i < count; i++)
		buffer_printf(&body,
			"<Part><PartNumber>%u</PartNumber><ETag>%s</ETag>%s"
			"</Part>",
			parts[i].number, parts[i].etag,
			parts[i].checksum ? parts[i].checksum : "");
	buffer_append_str(&body, "</CompleteMultipartUpload>");
	return served_send(served, "POST",
		served_text(served, "/photos/big?uploadId=%s", id), headers,
		buffer_slice(&body));
}

static const struct s3_reply *
complete(struct served *served, const char *id, const struct sent *parts,
	size_t count)
{
	return complete_with(served, id, NULL, parts, count);
}

static struct served
start_with_bucket(void)
{
	struct served served = served_start();

	served_bucket(&served, "photos");
	return served;
}

Test(op_upload, becomes_an_object_of_its_parts)
{
	scoped(served_stop) struct served served = start_with_bucket();
	struct slice first = make_bytes(&served, PART, 1);
	struct slice last = make_bytes(&served, 1000, 2);
	const char *id = served_begin_upload(&served, "/photos/big",
		"content-type: text/plain\nx-amz-meta-colour: green\n");
	struct sent parts[2];

	/* In the wrong order, and with numbers that are not used. */
	parts[1] = send_good_part(&served, id, 7, last);
	parts[0] = send_good_part(&served, id, 3, first);
	served_expect_refusal(served_ask(&served, "GET", "/photos/big"), 404,
		"NoSuchKey");
	served_expect_elements(served_ask(&served, "GET", "/photos"), "Key",
		"");

	const struct s3_reply *reply = complete(&served, id, parts, 2);
	const struct s3_reply *get = served_ask(&served, "GET", "/photos/big");

	cr_expect(eq(uint, reply->status, 200), "%s", reply->body.data);
	served_expect_elements(reply, "Bucket", "photos ");
	served_expect_elements(reply, "Key", "big ");
	cr_expect(slice_has_suffix(s3_client_element(reply, "ETag", 0),
		SLICE("-2&quot;")));
	cr_expect(eq(sz, get->body.len, PART + 1000));
	cr_expect(slice_equal(slice_first(get->body, PART), first));
	cr_expect(slice_equal(slice_from(get->body, PART), last));
	served_expect_header(get, "content-type", "text/plain");
	served_expect_header(get, "x-amz-meta-colour", "green");
}

Test(op_upload, etag_is_that_of_the_md5s_of_its_parts)
{
	scoped(served_stop) struct served served = start_with_bucket();
	const char *id = served_begin_upload(&served, "/photos/big", NULL);
	struct sent part = send_good_part(&served, id, 1, SLICE("hello"));

	const struct s3_reply *reply = complete(&served, id, &part, 1);

	/* MD5 of the 16 bytes of the MD5 of "hello". */
	served_expect_elements(reply, "ETag",
		"&quot;62109206880d38a4010a98e11243924a-1&quot; ");
}

Test(op_upload, completing_twice_does_no_harm)
{
	scoped(served_stop) struct served served = start_with_bucket();
	const char *id = served_begin_upload(&served, "/photos/big", NULL);
	struct sent part = send_good_part(&served, id, 1, SLICE("hello"));

	const struct s3_reply *first = complete(&served, id, &part, 1);
	const struct s3_reply *again = complete(&served, id, &part, 1);

	cr_expect(eq(uint, first->status, 200));
	cr_expect(eq(uint, again->status, 200));
	cr_expect(slice_equal(first->body, again->body));
	served_put(&served, "/photos/big", "new");
	served_expect_refusal(complete(&served, id, &part, 1), 404,
		"NoSuchUpload");
	served_expect_body(served_ask(&served, "GET", "/photos/big"), 200,
		"new");
}

Test(op_upload, refuses_parts_that_are_not_as_listed)
{
	scoped(served_stop) struct served served = start_with_bucket();
	const char *id = served_begin_upload(&served, "/photos/big", NULL);
	struct sent parts[2];
	struct sent wrong = {1, "\"" ID_OF_NONE "\"", NULL};

	parts[0] = send_good_part(&served, id, 1, SLICE("small"));
	parts[1] = send_good_part(&served, id, 2, SLICE("last"));
	struct sent swapped[2] = {parts[1], parts[0]};
	struct sent twice[2] = {parts[0], parts[0]};
	struct sent missing[2] = {parts[0], {3, "", NULL}};
	struct sent none = {0, "\"" ID_OF_NONE "\"", NULL};

	memcpy(missing[1].etag, parts[1].etag, sizeof(parts[1].etag));
	served_expect_refusal(complete(&served, id, parts, 2), 400,
		"EntityTooSmall");
	served_expect_refusal(complete(&served, id, swapped, 2), 400,
		"InvalidPartOrder");
	served_expect_refusal(complete(&served, id, twice, 2), 400,
		"InvalidPartOrder");
	served_expect_refusal(complete(&served, id, missing, 2), 400,
		"InvalidPart");
	served_expect_refusal(complete(&served, id, &wrong, 1), 400,
		"InvalidPart");
	served_expect_refusal(complete(&served, id, &none, 1), 400,
		"InvalidArgument");
	served_expect_refusal(complete(&served, id, NULL, 0), 400,
		"MalformedXML");
	served_expect_refusal(complete_with(&served, id,
				      "x-amz-mp-object-size: 6\n", parts, 1),
		400, "InvalidRequest");
	served_expect_refusal(complete_with(&served, id,
				      "if-match: \"" ID_OF_NONE "\"\n", parts,
				      1),
		404, "NoSuchKey");
	/* After all this it is there still. */
	cr_expect(eq(uint,
		complete_with(&served, id,
			"x-amz-mp-object-size: 5\nif-none-match: *\n", parts, 1)
			->status,
		200));
}

Test(op_upload, refuses_lists_that_are_none)
{
	scoped(served_stop) struct served served = start_with_bucket();
	const char *id = served_begin_upload(&served, "/photos/big", NULL);
	const char *target =
		served_text(&served, "/photos/big?uploadId=%s", id);
	static const char *const bodies[] = {"", "oops", "<Other/>",
		"<CompleteMultipartUpload/>",
		"<CompleteMultipartUpload><Part/></CompleteMultipartUpload>",
		"<CompleteMultipartUpload><Part><PartNumber>1</PartNumber>"
		"</Part></CompleteMultipartUpload>"};

	for (size_t i = 0; i < array_len(bodies); i++)
		served_expect_refusal(served_send(&served, "POST", target, NULL,
					      slice_str(bodies[i])),
			400, "MalformedXML");
	served_expect_refusal(
		served_send(&served, "POST", target, NULL,
			SLICE("<CompleteMultipartUpload><Part><PartNumber>1"
			      "</PartNumber><ETag>oops</ETag></Part>"
			      "</CompleteMultipartUpload>")),
		400, "InvalidPart");
}

Test(op_upload, is_gone_when_aborted)
{
	scoped(served_stop) struct served served = start_with_bucket();
	const char *id = served_begin_upload(&served, "/photos/big", NULL);
	const char *target =
		served_text(&served, "/photos/big?uploadId=%s", id);
	struct sent part = send_good_part(&served, id, 1, SLICE("hello"));

	served_expect_refusal(served_send(&served, "DELETE", target,
				      "x-amz-if-match-initiated-time: Sun, 06 "
				      "Nov 1994 08:49:37 GMT\n",
				      SLICE_NULL),
		501, "NotImplemented");
	served_expect_body(served_ask(&served, "DELETE", target), 204, "");

	served_expect_refusal(served_ask(&served, "DELETE", target), 404,
		"NoSuchUpload");
	served_expect_refusal(send_part(&served, id, 2, NULL, SLICE("more")),
		404, "NoSuchUpload");
	served_expect_refusal(complete(&served, id, &part, 1), 404,
		"NoSuchUpload");
	served_expect_refusal(served_ask(&served, "GET", target), 404,
		"NoSuchUpload");
	served_expect_elements(served_ask(&served, "GET", "/photos?uploads"),
		"UploadId", "");
}

Test(op_upload, belongs_to_its_key)
{
	scoped(served_stop) struct served served = start_with_bucket();
	const char *id = served_begin_upload(&served, "/photos/other", NULL);

	served_expect_refusal(send_part(&served, id, 1, NULL, SLICE("hello")),
		404, "NoSuchUpload");
	served_expect_refusal(send_part(&served, "oops", 1, NULL,
				      SLICE("hello")),
		404, "NoSuchUpload");
	served_expect_refusal(send_part(&served, ID_OF_NONE, 1, NULL,
				      SLICE("hello")),
		404, "NoSuchUpload");
	served_expect_refusal(served_ask(&served, "POST", "/none/big?uploads"),
		404, "NoSuchBucket");
}

Test(op_upload, refuses_numbers_out_of_range)
{
	scoped(served_stop) struct served served = start_with_bucket();
	const char *id = served_begin_upload(&served, "/photos/big", NULL);
	static const char *const numbers[] = {"0", "10001", "-1", "x", ""};

	for (size_t i = 0; i < array_len(numbers); i++)
		served_expect_refusal(
			served_send(&served, "PUT",
				served_text(&served,
					"/photos/big?partNumber=%s&uploadId=%s",
					numbers[i], id),
				NULL, SLICE("hello")),
			400, "InvalidArgument");
	send_good_part(&served, id, 10000, SLICE("hello"));
}

Test(op_upload, checks_what_comes_with_a_part)
{
	scoped(served_stop) struct served served = start_with_bucket();
	const char *id = served_begin_upload(&served, "/photos/big",
		"x-amz-checksum-algorithm: CRC32\n");
	const struct s3_reply *good = send_part(&served, id, 1,
		"x-amz-checksum-crc32: NhCmhg==\n", SLICE("hello"));

	cr_expect(eq(uint, good->status, 200));
	served_expect_header(good, "x-amz-checksum-crc32", "NhCmhg==");
	served_expect_refusal(send_part(&served, id, 1,
				      "x-amz-checksum-crc32: NhCmhg==\n",
				      SLICE("other")),
		400, "BadDigest");
	served_expect_refusal(send_part(&served, id, 1,
				      "content-md5: XUFAKrxLKna5cZ2REBfFkg==\n"
				      "x-amz-checksum-crc32: NhCmhg==\n",
				      SLICE("other")),
		400, "BadDigest");
	/* Else all of them would be sent in vain. */
	served_expect_refusal(send_part(&served, id, 1, NULL, SLICE("hello")),
		400, "InvalidRequest");
	served_expect_refusal(served_send(&served, "POST",
				      "/photos/big?uploads",
				      "x-amz-checksum-algorithm: MD4\n",
				      SLICE_NULL),
		400, "InvalidRequest");
}

Test(op_upload, takes_no_checksum_of_another_kind_than_its_own)
{
	scoped(served_stop) struct served served = start_with_bucket();
	const char *sha = served_begin_upload(&served, "/photos/big",
		"x-amz-checksum-algorithm: SHA256\n");
	const char *any = served_begin_upload(&served, "/photos/big", NULL);

	served_expect_refusal(send_part(&served, sha, 1,
				      "x-amz-checksum-crc32: NhCmhg==\n",
				      SLICE("hello")),
		400, "InvalidRequest");
	cr_expect(eq(uint,
		send_part(&served, any, 1, "x-amz-checksum-crc32: NhCmhg==\n",
			SLICE("hello"))
			->status,
		200));
}

Test(op_upload, demands_the_checksums_that_a_composite_one_is_made_of)
{
	scoped(served_stop) struct served served = start_with_bucket();
	const char *id = served_begin_upload(&served, "/photos/big",
		"x-amz-checksum-algorithm: CRC32\n");
	struct sent part = send_good_part_with(&served, id, 1,
		"x-amz-checksum-crc32: NhCmhg==\n", SLICE("hello"));

	served_expect_refusal(complete(&served, id, &part, 1), 400,
		"InvalidRequest");
	/* One of another kind would not be looked at. */
	part.checksum = "<ChecksumCRC32>NhCmhg==</ChecksumCRC32>"
			"<ChecksumCRC32C>AAAAAA==</ChecksumCRC32C>";
	served_expect_refusal(complete(&served, id, &part, 1), 400,
		"BadDigest");
	part.checksum = "<ChecksumCRC32>AAAAAA==</ChecksumCRC32>";
	served_expect_refusal(complete(&served, id, &part, 1), 400,
		"InvalidPart");
	part.checksum = "<ChecksumCRC32>NhCmhg==</ChecksumCRC32>";
	cr_expect(eq(uint, complete(&served, id, &part, 1)->status, 200));
}

/* minio's clients send it without the number of parts, and S3 takes that. */
Test(op_upload, a_composite_checksum_may_come_without_its_number_of_parts)
{
	scoped(served_stop) struct served served = start_with_bucket();
	static const struct {
		const char *headers;
		unsigned int status;
	} rows[] = {
		{"x-amz-checksum-crc32: NhCmhg==\n", 400},
		{"x-amz-checksum-crc32: FKTmaw==-2\n", 400},
		{"x-amz-checksum-crc32: FKTmaw==\n", 200},
		{"x-amz-checksum-crc32: FKTmaw==-1\n", 200},
	};

	for (size_t i = 0; i < array_len(rows); i++) {
		const char *id = served_begin_upload(&served, "/photos/big",
			"x-amz-checksum-algorithm: CRC32\n");
		struct sent part = send_good_part_with(&served, id, 1,
			"x-amz-checksum-crc32: NhCmhg==\n", SLICE("hello"));

		part.checksum = "<ChecksumCRC32>NhCmhg==</ChecksumCRC32>";
		cr_expect(eq(uint,
				  complete_with(&served, id, rows[i].headers,
					  &part, 1)
					  ->status,
				  rows[i].status),
			"%s", rows[i].headers);
	}
}

Test(op_upload, the_attributes_of_an_object_have_its_parts)
{
	scoped(served_stop) struct served served = start_with_bucket();
	struct slice first = make_bytes(&served, PART, 1);
	const char *id = served_begin_upload(&served, "/photos/big", NULL);
	struct sent parts[3];

	parts[0] = send_good_part(&served, id, 2, first);
	parts[1] = send_good_part(&served, id, 5, first);
	parts[2] = send_good_part(&served, id, 9, SLICE("hello"));
	cr_assert(eq(uint, complete(&served, id, parts, 3)->status, 200));

	const struct s3_reply *reply = served_send(&served, "GET",
		"/photos/big?attributes",
		"x-amz-object-attributes: "
		"ObjectParts,ObjectSize, Checksum, ETag, StorageClass\n",
		SLICE_NULL);

	cr_expect(eq(uint, reply->status, 200));
	served_expect_elements(reply, "PartNumber", "2 5 9 ");
	served_expect_elements(reply, "Size", "5242880 5242880 5 ");
	served_expect_elements(reply, "PartsCount", "3 ");
	served_expect_elements(reply, "IsTruncated", "false ");
	served_expect_elements(reply, "ObjectSize", "10485765 ");
	served_expect_elements(reply, "StorageClass", "STANDARD ");
	cr_expect(slice_has_suffix(s3_client_element(reply, "ETag", 0),
		SLICE("-3")));
	reply = served_send(&served, "GET", "/photos/big?attributes",
		"x-amz-object-attributes: ObjectParts\n"
		"x-amz-part-number-marker: 2\nx-amz-max-parts: 1\n",
		SLICE_NULL);
	served_expect_elements(reply, "PartNumber", "5 ");
	served_expect_elements(reply, "NextPartNumberMarker", "5 ");
	served_expect_elements(reply, "IsTruncated", "true ");
	served_expect_elements(reply, "ETag", "");
	served_put(&served, "/photos/small", "hello");
	reply = served_send(&served, "GET", "/photos/small?attributes",
		"x-amz-object-attributes: ObjectParts,Checksum\n", SLICE_NULL);
	served_expect_elements(reply, "PartsCount", "");
	served_expect_elements(reply, "ChecksumCRC64NVME", "M3eFcAZSQlc= ");
	served_expect_refusal(served_ask(&served, "GET",
				      "/photos/small?attributes"),
		400, "InvalidArgument");
	served_expect_refusal(served_send(&served, "GET",
				      "/photos/small?attributes",
				      "x-amz-object-attributes: Colour\n",
				      SLICE_NULL),
		400, "InvalidArgument");
	served_expect_refusal(served_send(&served, "GET",
				      "/photos/none?attributes",
				      "x-amz-object-attributes: ETag\n",
				      SLICE_NULL),
		404, "NoSuchKey");
}

Test(op_upload, the_last_of_equal_parts_counts)
{
	scoped(served_stop) struct served served = start_with_bucket();
	const char *id = served_begin_upload(&served, "/photos/big", NULL);
	struct sent old = send_good_part(&served, id, 1, SLICE("old bytes"));
	struct sent new = send_good_part(&served, id, 1, SLICE("new"));

	served_expect_refusal(complete(&served, id, &old, 1), 400,
		"InvalidPart");
	cr_expect(eq(uint, complete(&served, id, &new, 1)->status, 200));
	served_expect_body(served_ask(&served, "GET", "/photos/big"), 200,
		"new");
}

Test(op_upload, sums_its_parts_as_it_was_asked_to)
{
	scoped(served_stop) struct served served = start_with_bucket();
	static const struct {
		const char *headers;
		const char *element;
		const char *text;
		const char *type;
		const char *of_part;
		const char *with_part;
	} cases[] = {
		{"x-amz-checksum-algorithm: CRC32\n", "ChecksumCRC32", NULL,
			"COMPOSITE ", "<ChecksumCRC32>NhCmhg==</ChecksumCRC32>",
			"x-amz-checksum-crc32: NhCmhg==\n"},
		{"x-amz-checksum-algorithm: CRC32\n"
		 "x-amz-checksum-type: FULL_OBJECT\n",
			"ChecksumCRC32", "NhCmhg== ", "FULL_OBJECT ", NULL,
			NULL},
		{"x-amz-checksum-algorithm: SHA256\n", "ChecksumSHA256", NULL,
			"COMPOSITE ",
			"<ChecksumSHA256>LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYp"
			"OLmCQ=</ChecksumSHA256>",
			"x-amz-checksum-sha256: "
			"LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=\n"},
		{NULL, "ChecksumCRC64NVME", "M3eFcAZSQlc= ", "FULL_OBJECT ",
			NULL, NULL},
	};

	for (size_t i = 0; i < array_len(cases); i++) {
		const char *id = served_begin_upload(&served, "/photos/big",
			cases[i].headers);
		struct sent part = send_good_part_with(&served, id, 1,
			cases[i].with_part, SLICE("hello"));

		part.checksum = cases[i].of_part;
		served_expect_refusal(
			complete_with(&served, id,
				cases[i].type[0] == 'C'
					? "x-amz-checksum-type: FULL_OBJECT\n"
					: "x-amz-checksum-type: COMPOSITE\n",
				&part, 1),
			400, "InvalidRequest");

		const struct s3_reply *reply = complete(&served, id, &part, 1);

		served_expect_elements(reply, "ChecksumType", cases[i].type);
		if (cases[i].text)
			served_expect_elements(reply, cases[i].element,
				cases[i].text);
		else
			cr_expect(slice_has_suffix(s3_client_element(reply,
							   cases[i].element, 0),
				SLICE("-1")));
	}
}

Test(op_upload, gives_its_parts_back_by_their_numbers)
{
	scoped(served_stop) struct served served = start_with_bucket();
	struct slice first = make_bytes(&served, PART, 1);
	const char *id = served_begin_upload(&served, "/photos/big",
		"x-amz-checksum-algorithm: CRC32\n"
		"x-amz-checksum-type: FULL_OBJECT\n");
	struct sent parts[2];

	parts[0] = send_good_part(&served, id, 2, first);
	parts[1] = send_good_part(&served, id, 5, SLICE("hello"));
	cr_assert(eq(uint, complete(&served, id, parts, 2)->status, 200));

	const struct s3_reply *part =
		served_send(&served, "GET", "/photos/big?partNumber=5",
			"x-amz-checksum-mode: ENABLED\n", SLICE_NULL);
	const struct s3_reply *head =
		served_ask(&served, "HEAD", "/photos/big?partNumber=2");

	served_expect_body(part, 206, "hello");
	served_expect_header(part, "x-amz-mp-parts-count", "2");
	served_expect_header(part, "x-amz-checksum-crc32", "NhCmhg==");
	served_expect_header(part, "content-range",
		"bytes 5242880-5242884/5242885");
	served_expect_header(head, "content-length", "5242880");
	served_expect_refusal(served_ask(&served, "GET",
				      "/photos/big?partNumber=3"),
		416, "InvalidPartNumber");
}

/* The type is the object's, also where the value is a part's. */
Test(op_upload, tells_that_its_checksum_is_composite_wherever_it_is_told)
{
	scoped(served_stop) struct served served = start_with_bucket();
	const char *id = served_begin_upload(&served, "/photos/big",
		"x-amz-checksum-algorithm: CRC32\n");
	struct sent part = send_good_part_with(&served, id, 1,
		"x-amz-checksum-crc32: NhCmhg==\n", SLICE("hello"));

	part.checksum = "<ChecksumCRC32>NhCmhg==</ChecksumCRC32>";

	const struct s3_reply *completed = complete(&served, id, &part, 1);
	const struct s3_reply *of_part =
		served_send(&served, "GET", "/photos/big?partNumber=1",
			"x-amz-checksum-mode: ENABLED\n", SLICE_NULL);
	const struct s3_reply *of_object = served_send(&served, "HEAD",
		"/photos/big", "x-amz-checksum-mode: ENABLED\n", SLICE_NULL);
	const struct s3_reply *attributes =
		served_send(&served, "GET", "/photos/big?attributes",
			"x-amz-object-attributes: Checksum\n", SLICE_NULL);
	struct slice whole = s3_client_element(completed, "ChecksumCRC32", 0);
	struct slice value = slice_first(whole, whole.len - strlen("-1"));

	cr_assert(slice_has_suffix(whole, SLICE("-1")));
	served_expect_header(of_part, "x-amz-checksum-crc32", "NhCmhg==");
	served_expect_header(of_part, "x-amz-checksum-type", "COMPOSITE");
	served_expect_header(of_object, "x-amz-checksum-crc32",
		served_text(&served, "%.*s", (int)whole.len, whole.data));
	served_expect_header(of_object, "x-amz-checksum-type", "COMPOSITE");
	served_expect_elements(attributes, "ChecksumCRC32",
		served_text(&served, "%.*s ", (int)value.len, value.data));
	served_expect_elements(attributes, "ChecksumType", "COMPOSITE ");
}

Test(op_upload, lists_its_parts_in_pages)
{
	scoped(served_stop) struct served served = start_with_bucket();
	const char *id = served_begin_upload(&served, "/photos/big", NULL);
	const char *target =
		served_text(&served, "/photos/big?uploadId=%s", id);

	for (unsigned int i = 1; i <= 5; i++)
		send_good_part(&served, id, 2 * i, SLICE("hello"));

	const struct s3_reply *all = served_ask(&served, "GET", target);
	const struct s3_reply *page = served_ask(&served, "GET",
		served_text(&served, "%s&max-parts=2&part-number-marker=4",
			target));

	served_expect_elements(all, "PartNumber", "2 4 6 8 10 ");
	served_expect_elements(all, "IsTruncated", "false ");
	served_expect_elements(all, "Size", "5 5 5 5 5 ");
	served_expect_elements(all, "UploadId",
		served_text(&served, "%s ", id));
	served_expect_elements(page, "PartNumber", "6 8 ");
	served_expect_elements(page, "NextPartNumberMarker", "8 ");
	served_expect_elements(page, "IsTruncated", "true ");
	served_expect_refusal(served_ask(&served, "GET",
				      served_text(&served, "%s&max-parts=x",
					      target)),
		400, "InvalidArgument");
	served_expect_refusal(served_ask(&served, "GET",
				      "/photos/big?uploadId=" ID_OF_NONE),
		404, "NoSuchUpload");
}

Test(op_upload, is_listed_until_it_ends)
{
	scoped(served_stop) struct served served = start_with_bucket();
	static const char *const keys[] = {"a", "b/1", "b/2", "c", "c"};
	const struct s3_reply *page;

	for (size_t i = 0; i < array_len(keys); i++)
		served_begin_upload(&served,
			served_text(&served, "/photos/%s", keys[i]), NULL);

	served_expect_elements(served_ask(&served, "GET", "/photos?uploads"),
		"Key", "a b/1 b/2 c c ");
	served_expect_elements(served_ask(&served, "GET",
				       "/photos?uploads&prefix=b"),
		"Key", "b/1 b/2 ");
	page = served_ask(&served, "GET", "/photos?uploads&delimiter=%2F");
	served_expect_elements(page, "Key", "a c c ");
	served_expect_elements(page, "CommonPrefixes", "<Prefix>b/</Prefix> ");
	page = served_ask(&served, "GET", "/photos?uploads&max-uploads=4");
	served_expect_elements(page, "NextKeyMarker", "c ");
	served_expect_elements(page, "IsTruncated", "true ");
	page = served_ask(&served, "GET",
		served_text(&served,
			"/photos?uploads&key-marker=c&upload-id-marker=%.*s",
			32,
			s3_client_element(page, "NextUploadIdMarker", 0).data));
	served_expect_elements(page, "Key", "c ");
	served_expect_elements(page, "IsTruncated", "false ");
	served_expect_elements(served_ask(&served, "GET",
				       "/photos?uploads&key-marker=b%2F1"),
		"Key", "b/2 c c ");
	served_expect_refusal(
		served_ask(&served, "GET",
			"/photos?uploads&key-marker=c&upload-id-marker=oops"),
		400, "InvalidArgument");
}

Test(op_upload, what_a_common_prefix_stands_for_is_passed_over)
{
	scoped(served_stop) struct served served = start_with_bucket();
	const struct upload_info info = {0};
	const struct s3_reply *page;
	char id[UPLOAD_ID_LEN + 1];
	struct bucket bucket;

	cr_assert(eq(int,
		bucket_get(served.temp.store, SLICE("photos"), &bucket),
		STORE_OK));
	/* More than one look takes in. */
	for (int i = 0; i < 1200; i++)
		cr_assert(eq(int,
			upload_begin(served.temp.store, bucket.ino,
				slice_str(served_text(&served, "a/%d", i)),
				&info, id),
			STORE_OK));
	served_begin_upload(&served, "/photos/b/1", NULL);
	served_begin_upload(&served, "/photos/c", NULL);

	page = served_ask(&served, "GET", "/photos?uploads&delimiter=%2F");
	served_expect_elements(page, "CommonPrefixes",
		"<Prefix>a/</Prefix> <Prefix>b/</Prefix> ");
	served_expect_elements(page, "Key", "c ");
	served_expect_elements(page, "IsTruncated", "false ");
	page = served_ask(&served, "GET",
		"/photos?uploads&delimiter=%2F&key-marker=a%2F");
	served_expect_elements(page, "CommonPrefixes", "<Prefix>b/</Prefix> ");
	page = served_ask(&served, "GET",
		"/photos?uploads&delimiter=%2F&max-uploads=1");
	served_expect_elements(page, "NextKeyMarker", "a/ ");
	served_expect_elements(page, "IsTruncated", "true ");
}

Test(op_upload, shows_a_token_that_only_writes_its_own)
{
	scoped(served_stop) struct served served = start_with_bucket();
	const char *others = served_begin_upload(&served, "/photos/a", NULL);

	served_become(&served, TOKEN_WRITE);
	served_begin_upload(&served, "/photos/b", NULL);

	served_expect_elements(served_ask(&served, "GET", "/photos?uploads"),
		"Key", "b ");
	served_expect_refusal(served_ask(&served, "GET",
				      served_text(&served,
					      "/photos/a?uploadId=%s", others)),
		403, "AccessDenied");
}

Test(op_upload, takes_parts_of_other_objects)
{
	scoped(served_stop) struct served served = start_with_bucket();
	const char *id = served_begin_upload(&served, "/photos/big", NULL);
	const char *target = served_text(&served,
		"/photos/big?partNumber=1&uploadId=%s", id);
	struct sent part = {.number = 1};

	served_put(&served, "/photos/source", "say hello");

	const struct s3_reply *reply = served_send(&served, "PUT", target,
		"x-amz-copy-source: photos/source\n"
		"x-amz-copy-source-range: bytes=4-8\n",
		SLICE_NULL);

	cr_assert(eq(uint, reply->status, 200), "%s", reply->body.data);
	served_expect_elements(reply, "ETag",
		"&quot;5d41402abc4b2a76b9719d911017c592&quot; ");
	memcpy(part.etag, "\"5d41402abc4b2a76b9719d911017c592\"", 35);
	cr_expect(eq(uint, complete(&served, id, &part, 1)->status, 200));
	served_expect_body(served_ask(&served, "GET", "/photos/big"), 200,
		"hello");
}

Test(op_upload, tells_the_checksum_of_a_part_that_it_copied)
{
	scoped(served_stop) struct served served = start_with_bucket();
	const char *id = served_begin_upload(&served, "/photos/big",
		"x-amz-checksum-algorithm: CRC32\n");
	struct sent part = {.number = 1,
		.etag = "\"5d41402abc4b2a76b9719d911017c592\"",
		.checksum = "<ChecksumCRC32>NhCmhg==</ChecksumCRC32>"};

	served_put(&served, "/photos/source", "hello");

	served_expect_elements(
		served_send(&served, "PUT",
			served_text(&served,
				"/photos/big?partNumber=1&uploadId=%s", id),
			"x-amz-copy-source: photos/source\n", SLICE_NULL),
		"ChecksumCRC32", "NhCmhg== ");
	cr_expect(eq(uint, complete(&served, id, &part, 1)->status, 200));
}

Test(op_upload, refuses_parts_of_what_is_not_there)
{
	scoped(served_stop) struct served served = start_with_bucket();
	const char *id = served_begin_upload(&served, "/photos/big", NULL);
	const char *target = served_text(&served,
		"/photos/big?partNumber=1&uploadId=%s", id);
	static const char *const ranges[] = {
		"bytes=0-9", "bytes=5-2", "bytes=0-", "bytes=-1", "oops"};

	served_put(&served, "/photos/source", "say hello");
	for (size_t i = 0; i < array_len(ranges); i++)
		served_expect_refusal(
			served_send(&served, "PUT", target,
				served_text(&served,
					"x-amz-copy-source: photos/source\n"
					"x-amz-copy-source-range: %s\n",
					ranges[i]),
				SLICE_NULL),
			400, "InvalidArgument");
	served_expect_refusal(served_send(&served, "PUT", target,
				      "x-amz-copy-source: photos/none\n",
				      SLICE_NULL),
		404, "NoSuchKey");
	served_expect_refusal(served_send(&served, "PUT", target,
				      "x-amz-copy-source: photos/source\n"
				      "x-amz-copy-source-if-none-match: *\n",
				      SLICE_NULL),
		412, "PreconditionFailed");
}
