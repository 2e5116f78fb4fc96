/* SPDX-License-Identifier: Apache-2.0 */
/* Tags of objects and buckets. */
#include "tests/s3api/op/served.h"

#define TAG(key, value) "<Tag><Key>" key "</Key><Value>" value "</Value></Tag>"
#define TAGS(inside) "<Tagging><TagSet>" inside "</TagSet></Tagging>"

static const struct s3_reply *
put_tags(struct served *served, const char *target, const char *xml)
{
	return served_send(served, "PUT", target, NULL, slice_str(xml));
}

static void
put_policy(struct served *served, const char *statement)
{
	const struct s3_reply *reply = served_send(served, "PUT",
		"/photos?policy", NULL,
		slice_str(served_text(served,
			"{\"Version\":\"2012-10-17\",\"Statement\":[{%s}]}",
			statement)));

	cr_assert(eq(uint, reply->status, 204), "%s", reply->body.data);
}

Test(op_tagging, tags_are_set_told_and_taken_away)
{
	scoped(served_stop) struct served served = served_start();

	served_bucket(&served, "photos");
	served_put(&served, "/photos/a", "bytes");

	served_expect_elements(served_ask(&served, "GET", "/photos/a?tagging"),
		"TagSet", " ");
	cr_expect(eq(uint,
		put_tags(&served, "/photos/a?tagging",
			TAGS(TAG("k2", "v + w") TAG("k1", "")))
			->status,
		200));

	const struct s3_reply *reply =
		served_ask(&served, "GET", "/photos/a?tagging");

	served_expect_elements(reply, "Key", "k1 k2 ");
	served_expect_elements(reply, "Value", " v + w ");
	served_expect_header(served_ask(&served, "HEAD", "/photos/a"),
		"x-amz-tagging-count", "2");
	served_expect_header(served_ask(&served, "GET", "/photos/a"),
		"x-amz-tagging-count", "2");
	cr_expect(eq(uint,
		served_ask(&served, "DELETE", "/photos/a?tagging")->status,
		204));
	served_expect_elements(served_ask(&served, "GET", "/photos/a?tagging"),
		"Key", "");
	served_expect_header(served_ask(&served, "HEAD", "/photos/a"),
		"x-amz-tagging-count", "");
	served_expect_body(served_ask(&served, "GET", "/photos/a"), 200,
		"bytes");
	served_expect_refusal(served_ask(&served, "GET", "/photos/b?tagging"),
		404, "NoSuchKey");
	served_expect_refusal(put_tags(&served, "/photos/b?tagging", TAGS("")),
		404, "NoSuchKey");
}

Test(op_tagging, tags_that_cannot_be_are_refused)
{
	scoped(served_stop) struct served served = served_start();
	static const char *const invalid[] = {
		TAGS(TAG("a", "1") TAG("a", "2")),
		TAGS(TAG("", "1")),
		TAGS(TAG("aws:a", "1")),
		TAGS(TAG("a&lt;", "1")),
		TAGS(TAG("a", "1*")),
	};
	static const char *const malformed[] = {"", "<Tagging/>", "oops",
		"<Tagging><TagSet><Tag><Key>a</Key></Tag></TagSet></Tagging>",
		"<Tagging><TagSet><Other/></TagSet></Tagging>"};
	char long_text[300];

	served_bucket(&served, "photos");
	served_put(&served, "/photos/a", "bytes");
	for (size_t i = 0; i < array_len(invalid); i++)
		served_expect_refusal(put_tags(&served, "/photos/a?tagging",
					      invalid[i]),
			400, "InvalidTag");
	for (size_t i = 0; i < array_len(malformed); i++)
		served_expect_refusal(put_tags(&served, "/photos/a?tagging",
					      malformed[i]),
			400, "MalformedXML");
	memset(long_text, 'x', sizeof(long_text));
	served_expect_refusal(put_tags(&served, "/photos/a?tagging",
				      served_text(&served,
					      TAGS(TAG("%.129s", "")),
					      long_text)),
		400, "InvalidTag");
	served_expect_refusal(put_tags(&served, "/photos/a?tagging",
				      served_text(&served,
					      TAGS(TAG("a", "%.257s")),
					      long_text)),
		400, "InvalidTag");
	cr_expect(eq(uint,
		put_tags(&served, "/photos/a?tagging",
			served_text(&served, TAGS(TAG("%.128s", "%.256s")),
				long_text, long_text))
			->status,
		200));
}

Test(op_tagging, an_object_has_ten_tags_and_a_bucket_fifty)
{
	scoped(served_stop) struct served served = served_start();
	scoped(buffer_free) struct buffer tags = {0};

	served_bucket(&served, "photos");
	served_put(&served, "/photos/a", "bytes");
	for (unsigned int i = 1; i <= 51; i++) {
		buffer_printf(&tags, TAG("k%u", "v"), i);

		const char *xml = served_text(&served, TAGS("%.*s"),
			(int)tags.len, tags.data);

		if (i == 10 || i == 11)
			cr_expect(eq(uint,
				put_tags(&served, "/photos/a?tagging", xml)
					->status,
				i == 10 ? 200 : 400));
		if (i >= 50)
			cr_expect(eq(uint,
				put_tags(&served, "/photos?tagging", xml)
					->status,
				i == 50 ? 204 : 400));
	}
	cr_expect(eq(uint,
		s3_client_element_count(served_ask(&served, "GET",
						"/photos?tagging"),
			"Tag"),
		50));
}

Test(op_tagging, buckets_have_tags_of_their_own)
{
	scoped(served_stop) struct served served = served_start();

	served_bucket(&served, "photos");

	served_expect_refusal(served_ask(&served, "GET", "/photos?tagging"),
		404, "NoSuchTagSet");
	cr_expect(eq(uint,
		put_tags(&served, "/photos?tagging", TAGS(TAG("team", "blue")))
			->status,
		204));
	served_expect_elements(served_ask(&served, "GET", "/photos?tagging"),
		"Value", "blue ");
	cr_expect(eq(uint,
		served_ask(&served, "DELETE", "/photos?tagging")->status, 204));
	served_expect_refusal(served_ask(&served, "GET", "/photos?tagging"),
		404, "NoSuchTagSet");
}

Test(op_tagging, an_object_is_put_with_its_tags)
{
	scoped(served_stop) struct served served = served_start();
	static const char *const bad[] = {"a=1&a=2", "a=%zz", "=1&"};

	served_bucket(&served, "photos");
	cr_expect(eq(uint,
		served_send(&served, "PUT", "/photos/a",
			"x-amz-tagging: k%201=v%2B1&b=\n", SLICE("bytes"))
			->status,
		200));

	const struct s3_reply *reply =
		served_ask(&served, "GET", "/photos/a?tagging");

	served_expect_elements(reply, "Key", "b k 1 ");
	served_expect_elements(reply, "Value", " v+1 ");
	for (size_t i = 0; i < array_len(bad); i++)
		cr_expect(eq(uint,
				  served_send(&served, "PUT", "/photos/b",
					  served_text(&served,
						  "x-amz-tagging: %s\n",
						  bad[i]),
					  SLICE("bytes"))
					  ->status,
				  400),
			"%s", bad[i]);
	served_expect_refusal(served_send(&served, "PUT", "/photos/b",
				      "x-amz-tagging: "
				      "a=&b=&c=&d=&e=&f=&g=&h=&i=&j=&k=\n",
				      SLICE("bytes")),
		400, "InvalidTag");
	cr_expect(eq(uint, served_ask(&served, "GET", "/photos/b")->status,
		404));
}

Test(op_tagging, a_header_may_say_nothing_between_its_signs)
{
	scoped(served_stop) struct served served = served_start();

	served_bucket(&served, "photos");
	cr_expect(eq(uint,
		served_send(&served, "PUT", "/photos/a",
			"x-amz-tagging: &&a=1&\n", SLICE("bytes"))
			->status,
		200));
	served_expect_elements(served_ask(&served, "GET", "/photos/a?tagging"),
		"Key", "a ");
	served_expect_refusal(served_send(&served, "PUT", "/photos/a",
				      "x-amz-tagging: =1\n", SLICE("bytes")),
		400, "InvalidArgument");
}

Test(op_tagging, an_upload_keeps_its_tags_for_the_object)
{
	scoped(served_stop) struct served served = served_start();

	served_bucket(&served, "photos");

	const char *id = served_begin_upload(&served, "/photos/a",
		"x-amz-tagging: a=1\n");
	const struct s3_reply *part = served_send(&served, "PUT",
		served_text(&served, "/photos/a?partNumber=1&uploadId=%s", id),
		NULL, SLICE("x"));
	struct slice etag = s3_client_header(part, "etag");

	cr_expect(eq(uint,
		served_send(&served, "POST",
			served_text(&served, "/photos/a?uploadId=%s", id), NULL,
			slice_str(served_text(&served,
				"<CompleteMultipartUpload><Part><PartNumber>1"
				"</PartNumber><ETag>%.*s</ETag></Part>"
				"</CompleteMultipartUpload>",
				(int)etag.len, etag.data)))
			->status,
		200));
	served_expect_elements(served_ask(&served, "GET", "/photos/a?tagging"),
		"Key", "a ");
}

static void
copy(struct served *served, const char *to, const char *headers)
{
	const struct s3_reply *reply = served_send(served, "PUT",
		served_text(served, "/photos/%s", to),
		served_text(served, "x-amz-copy-source: photos/a\n%s", headers),
		SLICE_NULL);

	cr_expect(eq(uint, reply->status, 200), "%s", reply->body.data);
}

Test(op_tagging, copies_take_tags_and_metadata_each_as_asked)
{
	scoped(served_stop) struct served served = served_start();

	served_bucket(&served, "photos");
	cr_assert(eq(uint,
		served_send(&served, "PUT", "/photos/a",
			"x-amz-tagging: a=1\nx-amz-meta-m: old\n",
			SLICE("bytes"))
			->status,
		200));

	copy(&served, "b", "");
	copy(&served, "c",
		"x-amz-tagging-directive: REPLACE\nx-amz-tagging: b=2\n");
	copy(&served, "d",
		"x-amz-metadata-directive: REPLACE\nx-amz-meta-m: new\n");
	copy(&served, "e",
		"x-amz-tagging-directive: REPLACE\n"
		"x-amz-metadata-directive: REPLACE\n");

	static const struct {
		const char *key;
		const char *tags;
		const char *meta;
	} rows[] = {
		{"b", "a ", "old"},
		{"c", "b ", "old"},
		{"d", "a ", "new"},
		{"e", "", ""},
	};

	for (size_t i = 0; i < array_len(rows); i++) {
		served_expect_elements(served_ask(&served, "GET",
					       served_text(&served,
						       "/photos/%s?tagging",
						       rows[i].key)),
			"Key", rows[i].tags);
		served_expect_header(served_ask(&served, "HEAD",
					     served_text(&served, "/photos/%s",
						     rows[i].key)),
			"x-amz-meta-m", rows[i].meta);
	}
	served_expect_refusal(served_send(&served, "PUT", "/photos/f",
				      "x-amz-copy-source: photos/a\n"
				      "x-amz-tagging-directive: SOME\n",
				      SLICE_NULL),
		400, "InvalidArgument");
}

Test(op_tagging, who_may_put_may_not_tag_for_that_alone)
{
	scoped(served_stop) struct served served = served_start();

	served_bucket(&served, "photos");
	cr_assert(eq(uint,
		served_send(&served, "PUT", "/photos/a", "x-amz-tagging: a=1\n",
			SLICE("bytes"))
			->status,
		200));
	put_policy(&served,
		"\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":"
		"[\"s3:PutObject\",\"s3:GetObject\"],\"Resource\":"
		"\"arn:aws:s3:::photos/*\"");
	served.client.is_anonymous = true;

	cr_expect(eq(uint,
		served_send(&served, "PUT", "/photos/b", NULL, SLICE("b"))
			->status,
		200));
	served_expect_refusal(served_send(&served, "PUT", "/photos/b",
				      "x-amz-tagging: a=1\n", SLICE("b")),
		403, "AccessDenied");
	served_expect_refusal(served_send(&served, "PUT", "/photos/c",
				      "x-amz-copy-source: photos/a\n",
				      SLICE_NULL),
		403, "AccessDenied");
	cr_expect(eq(uint,
		served_send(&served, "PUT", "/photos/c",
			"x-amz-copy-source: photos/b\n", SLICE_NULL)
			->status,
		200));
	served_expect_header(served_ask(&served, "HEAD", "/photos/a"),
		"x-amz-tagging-count", "");
}

Test(op_tagging, policies_see_the_tags_that_are_and_those_to_be)
{
	scoped(served_stop) struct served served = served_start();

	served_bucket(&served, "photos");
	cr_assert(eq(uint,
		served_send(&served, "PUT", "/photos/a",
			"x-amz-tagging: public=yes\n", SLICE("bytes"))
			->status,
		200));
	served_put(&served, "/photos/b", "bytes");
	put_policy(&served,
		"\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":"
		"\"s3:GetObject\",\"Resource\":\"arn:aws:s3:::photos/*\","
		"\"Condition\":{\"StringEquals\":"
		"{\"s3:ExistingObjectTag/public\":\"yes\"}}");
	served.client.is_anonymous = true;
	served_expect_body(served_ask(&served, "GET", "/photos/a"), 200,
		"bytes");
	served_expect_refusal(served_ask(&served, "GET", "/photos/b"), 403,
		"AccessDenied");

	served.client.is_anonymous = false;
	put_policy(&served,
		"\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":"
		"[\"s3:PutObject\",\"s3:PutObjectTagging\"],\"Resource\":"
		"\"arn:aws:s3:::photos/*\",\"Condition\":{"
		"\"StringEquals\":{\"s3:RequestObjectTag/team\":\"blue\"},"
		"\"ForAllValues:StringLike\":"
		"{\"s3:RequestObjectTagKeys\":[\"team\",\"x*\"]}}");
	served.client.is_anonymous = true;
	cr_expect(eq(uint,
		put_tags(&served, "/photos/b?tagging",
			TAGS(TAG("team", "blue") TAG("xy", "1")))
			->status,
		200));
	served_expect_refusal(put_tags(&served, "/photos/b?tagging",
				      TAGS(TAG("team", "red"))),
		403, "AccessDenied");
	served_expect_refusal(put_tags(&served, "/photos/b?tagging",
				      TAGS(TAG("team", "blue") TAG("y", "1"))),
		403, "AccessDenied");
	cr_expect(eq(uint,
		served_send(&served, "PUT", "/photos/c",
			"x-amz-tagging: team=blue\n", SLICE("c"))
			->status,
		200));
	served_expect_refusal(served_send(&served, "PUT", "/photos/d",
				      "x-amz-tagging: team=red\n", SLICE("d")),
		403, "AccessDenied");
	served_expect_refusal(served_send(&served, "PUT", "/photos/d", NULL,
				      SLICE("d")),
		403, "AccessDenied");
}
