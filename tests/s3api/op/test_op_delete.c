/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/s3api/op/served.h"

static const struct s3_reply *
delete_many(struct served *served, const char *body)
{
	return served_send(served, "POST", "/photos?delete", NULL,
		slice_str(body));
}

Test(op_delete, takes_the_object_away_and_says_so_again)
{
	scoped(served_stop) struct served served = served_start();

	served_bucket(&served, "photos");
	served_put(&served, "/photos/a/b", "bytes");

	served_expect_body(served_ask(&served, "DELETE", "/photos/a/b"), 204,
		"");
	served_expect_body(served_ask(&served, "DELETE", "/photos/a/b"), 204,
		"");
	served_expect_refusal(served_ask(&served, "GET", "/photos/a/b"), 404,
		"NoSuchKey");
	served_expect_refusal(served_ask(&served, "DELETE", "/none/a"), 404,
		"NoSuchBucket");
}

Test(op_delete, holds_its_condition)
{
	scoped(served_stop) struct served served = served_start();

	served_bucket(&served, "photos");
	served_put(&served, "/photos/a", "hello");

	served_expect_refusal(
		served_send(&served, "DELETE", "/photos/a",
			"if-match: \"00000000000000000000000000000000\"\n",
			SLICE_NULL),
		412, "PreconditionFailed");
	served_expect_refusal(served_send(&served, "DELETE", "/photos/a",
				      "x-amz-if-match-size: 5\n", SLICE_NULL),
		501, "NotImplemented");
	served_expect_refusal(
		served_send(&served, "DELETE", "/photos/a",
			"x-amz-if-match-last-modified-time: Sun, 06 Nov 1994 "
			"08:49:37 GMT\n",
			SLICE_NULL),
		501, "NotImplemented");
	cr_expect(eq(uint,
		served_send(&served, "DELETE", "/photos/a",
			"if-match: \"5d41402abc4b2a76b9719d911017c592\"\n",
			SLICE_NULL)
			->status,
		204));
}

Test(op_delete_many, deletes_and_tells_of_each)
{
	scoped(served_stop) struct served served = served_start();

	served_bucket(&served, "photos");
	served_put(&served, "/photos/a", "a");
	served_put(&served, "/photos/b%26%3C", "b");
	served_put(&served, "/photos/c%20", "c");

	const struct s3_reply *reply = delete_many(&served,
		"<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
		"<Object><Key>a</Key></Object>"
		"<Object><Key>b&amp;&lt;</Key></Object>"
		"<Object><Key>c </Key></Object>"
		"<Object><Key>none</Key></Object></Delete>");

	cr_expect(eq(uint, reply->status, 200));
	served_expect_elements(reply, "Key", "a b&amp;&lt; c  none ");
	cr_expect(eq(uint, s3_client_element_count(reply, "Deleted"), 4));
	served_expect_elements(served_ask(&served, "GET", "/photos"), "Key",
		"");
}

Test(op_delete_many, tells_of_failures_alone_when_quiet)
{
	scoped(served_stop) struct served served = served_start();
	char key[1026] = {0};

	memset(key, 'k', sizeof(key) - 1);
	served_bucket(&served, "photos");
	served_put(&served, "/photos/a", "a");
	served_put(&served, "/photos/b", "b");

	const struct s3_reply *reply = delete_many(&served,
		served_text(&served,
			"<Delete><Quiet>true</Quiet>"
			"<Object><Key>a</Key></Object>"
			"<Object><Key>%s</Key></Object>"
			"<Object><Key>b</Key><VersionId>1</VersionId></Object>"
			"</Delete>",
			key));

	cr_expect(eq(uint, reply->status, 200));
	served_expect_elements(reply, "Code", "KeyTooLongError NoSuchVersion ");
	served_expect_elements(reply, "VersionId", "1 ");
	cr_expect(eq(uint, s3_client_element_count(reply, "Deleted"), 0));
	served_expect_elements(served_ask(&served, "GET", "/photos"), "Key",
		"b ");
}

Test(op_delete_many, holds_each_key_against_its_etag)
{
	scoped(served_stop) struct served served = served_start();

	served_bucket(&served, "photos");
	served_put(&served, "/photos/a", "a");
	served_put(&served, "/photos/b", "b");
	served_put(&served, "/photos/c", "c");

	const struct s3_reply *reply = delete_many(&served,
		"<Delete><Object><Key>a</Key>"
		"<ETag>0cc175b9c0f1b6a831c399e269772661</ETag></Object>"
		"<Object><Key>b</Key>"
		"<ETag>\"0cc175b9c0f1b6a831c399e269772661\"</ETag></Object>"
		"<Object><Key>c</Key><ETag>*</ETag></Object>"
		"<Object><Key>d</Key><ETag>*</ETag></Object>"
		"<Object><Key>b</Key><ETag>none</ETag></Object></Delete>");

	cr_expect(eq(uint, reply->status, 200));
	served_expect_elements(reply, "Code",
		"PreconditionFailed PreconditionFailed PreconditionFailed ");
	cr_expect(eq(uint, s3_client_element_count(reply, "Deleted"), 2));
	served_expect_elements(served_ask(&served, "GET", "/photos"), "Key",
		"b ");
}

Test(op_delete_many, refuses_bodies_that_are_no_list_of_keys)
{
	scoped(served_stop) struct served served = served_start();
	static const char *const bodies[] = {"", "oops", "<Delete>",
		"<Delete/>", "<Remove><Object><Key>a</Key></Object></Remove>",
		"<Delete><Object/></Delete>",
		"<!DOCTYPE Delete><Delete><Object><Key>a</Key></Object>"
		"</Delete>"};

	served_bucket(&served, "photos");
	served_put(&served, "/photos/a", "a");
	for (size_t i = 0; i < array_len(bodies); i++)
		served_expect_refusal(delete_many(&served, bodies[i]), 400,
			"MalformedXML");
	served_expect_elements(served_ask(&served, "GET", "/photos"), "Key",
		"a ");
}

Test(op_delete_many, takes_1000_keys_and_no_more)
{
	scoped(served_stop) struct served served = served_start();
	scoped(buffer_free) struct buffer body = {0};

	served_bucket(&served, "photos");
	served_put(&served, "/photos/key-999", "a");
	buffer_append_str(&body, "<Delete>");
	for (unsigned int i = 0; i < 1000; i++)
		buffer_printf(&body, "<Object><Key>key-%u</Key></Object>", i);

	size_t len = body.len;

	buffer_append_str(&body, "<Object><Key>more</Key></Object></Delete>");
	served_expect_refusal(served_send(&served, "POST", "/photos?delete",
				      NULL, buffer_slice(&body)),
		400, "MalformedXML");
	body.len = len;
	buffer_append_str(&body, "</Delete>");

	const struct s3_reply *reply = served_send(&served, "POST",
		"/photos?delete", NULL, buffer_slice(&body));

	cr_expect(eq(uint, reply->status, 200));
	cr_expect(eq(uint, s3_client_element_count(reply, "Deleted"), 1000));
	served_expect_elements(served_ask(&served, "GET", "/photos"), "Key",
		"");
}

Test(op_delete_many, checks_the_digest_of_its_body)
{
	scoped(served_stop) struct served served = served_start();

	served_bucket(&served, "photos");
	served_put(&served, "/photos/a", "a");

	served_expect_refusal(served_send(&served, "POST", "/photos?delete",
				      "content-md5: XUFAKrxLKna5cZ2REBfFkg==\n",
				      SLICE("<Delete><Object><Key>a</Key></"
					    "Object></Delete>")),
		400, "BadDigest");
	cr_expect(eq(uint, served_ask(&served, "HEAD", "/photos/a")->status,
		200));
}
