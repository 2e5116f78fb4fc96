/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/s3api/op/versioned.h"

#define HELLO_ETAG "\"5d41402abc4b2a76b9719d911017c592\""
#define OTHER_ETAG "\"00000000000000000000000000000000\""

static struct served
start_with_hello(void)
{
	struct served served = served_start();

	served_bucket(&served, "photos");
	served_send(&served, "PUT", "/photos/a%20b",
		"content-type: text/plain\nx-amz-meta-colour: green\n"
		"x-amz-tagging: t=1\n",
		SLICE("hello"));
	return served;
}

/* key: the new one, as a path has it. */
static const struct s3_reply *
rename_to(struct served *served, const char *key, const char *headers)
{
	return served_send(served, "PUT",
		served_text(served, "/photos/%s?renameObject", key), headers,
		SLICE_NULL);
}

static void
expect_at(struct served *served, const char *path, const char *body)
{
	const struct s3_reply *reply = served_ask(served, "GET", path);

	if (body)
		served_expect_body(reply, 200, body);
	else
		served_expect_refusal(reply, 404, "NoSuchKey");
}

static void
put_policy(struct served *served, const char *statement)
{
	cr_assert(eq(uint,
		served_send(served, "PUT", "/photos?policy", NULL,
			slice_str(served_text(served,
				"{\"Version\":\"2012-10-17\",\"Statement\":["
				"{\"Effect\":\"Deny\",\"Principal\":\"*\",%s}]"
				"}",
				statement)))
			->status,
		204));
}

Test(op_rename, all_that_the_object_is_goes_along)
{
	scoped(served_stop) struct served served = start_with_hello();

	const struct s3_reply *reply =
		rename_to(&served, "d/c", "x-amz-rename-source: a%20b\n");

	cr_expect(eq(uint, reply->status, 200));
	cr_expect(eq(sz, reply->body.len, 0));
	const struct s3_reply *get = served_ask(&served, "GET", "/photos/d/c");
	served_expect_body(get, 200, "hello");
	served_expect_header(get, "content-type", "text/plain");
	served_expect_header(get, "x-amz-meta-colour", "green");
	served_expect_header(get, "x-amz-tagging-count", "1");
	served_expect_header(get, "etag", HELLO_ETAG);
	expect_at(&served, "/photos/a%20b", NULL);
}

/* As AWS's file system client names it. */
Test(op_rename, the_bucket_may_stand_before_the_source)
{
	scoped(served_stop) struct served served = start_with_hello();

	cr_expect(eq(uint,
		rename_to(&served, "c", "x-amz-rename-source: /photos/a%20b\n")
			->status,
		200));
	expect_at(&served, "/photos/c", "hello");
}

/* Without a slash before it it is a key. */
Test(op_rename, another_bucket_is_none)
{
	scoped(served_stop) struct served served = start_with_hello();

	served_bucket(&served, "other");
	served_put(&served, "/other/x", "there");
	served_put(&served, "/photos/other/x", "here");

	served_expect_refusal(rename_to(&served, "c",
				      "x-amz-rename-source: /other/x\n"),
		404, "NoSuchKey");
	cr_expect(eq(uint,
		rename_to(&served, "c", "x-amz-rename-source: other/x\n")
			->status,
		200));
	expect_at(&served, "/photos/c", "here");
	expect_at(&served, "/other/x", "there");
}

Test(op_rename, takes_the_place_of_what_is_there_unless_told_otherwise)
{
	scoped(served_stop) struct served served = start_with_hello();

	served_put(&served, "/photos/c", "there");
	served_expect_refusal(rename_to(&served, "c",
				      "x-amz-rename-source: a%20b\n"
				      "if-none-match: *\n"),
		412, "PreconditionFailed");
	expect_at(&served, "/photos/c", "there");
	expect_at(&served, "/photos/a%20b", "hello");

	cr_expect(eq(uint,
		rename_to(&served, "c", "x-amz-rename-source: a%20b\n")->status,
		200));
	expect_at(&served, "/photos/c", "hello");
}

Test(op_rename, conditions_are_of_the_source_and_of_what_is_there)
{
	static const struct {
		const char *header;
		bool is_met;
	} conditions[] = {
		{"x-amz-rename-source-if-match: " HELLO_ETAG, true},
		{"x-amz-rename-source-if-match: " OTHER_ETAG, false},
		{"x-amz-rename-source-if-none-match: " OTHER_ETAG, true},
		{"x-amz-rename-source-if-none-match: " HELLO_ETAG, false},
		{"x-amz-rename-source-if-none-match: *", false},
		{"x-amz-rename-source-if-modified-since: "
		 "Sat, 01 Jan 2000 00:00:00 GMT",
			true},
		{"x-amz-rename-source-if-unmodified-since: "
		 "Sat, 01 Jan 2000 00:00:00 GMT",
			false},
		{"if-match: " HELLO_ETAG, true},
		{"if-match: " OTHER_ETAG, false},
		{"if-modified-since: Sat, 01 Jan 2000 00:00:00 GMT", true},
		{"if-unmodified-since: Sat, 01 Jan 2000 00:00:00 GMT", false},
	};
	scoped(served_stop) struct served served = start_with_hello();

	for (size_t i = 0; i < array_len(conditions); i++) {
		served_put(&served, "/photos/a", "hello");
		served_put(&served, "/photos/c", "hello");
		cr_expect(eq(uint,
				  rename_to(&served, "c",
					  served_text(&served,
						  "x-amz-rename-source: a\n"
						  "%s\n",
						  conditions[i].header))
					  ->status,
				  conditions[i].is_met ? 200 : 412),
			"%s", conditions[i].header);
	}
}

Test(op_rename, nothing_matches_where_nothing_is)
{
	scoped(served_stop) struct served served = start_with_hello();

	served_expect_refusal(rename_to(&served, "c",
				      "x-amz-rename-source: a%20b\n"
				      "if-match: *\n"),
		412, "PreconditionFailed");
	served_expect_refusal(
		rename_to(&served, "c",
			"x-amz-rename-source: a%20b\n"
			"if-modified-since: Sat, 01 Jan 2000 00:00:00 GMT\n"),
		412, "PreconditionFailed");
	cr_expect(eq(uint,
		rename_to(&served, "c",
			"x-amz-rename-source: a%20b\n"
			"if-none-match: *\n"
			"if-unmodified-since: Sat, 01 Jan 2000 00:00:00 GMT\n")
			->status,
		200));
}

Test(op_rename, who_asks_again_with_his_token_is_told_that_it_is_done)
{
	scoped(served_stop) struct served served = start_with_hello();
	const char *once = "x-amz-rename-source: a%20b\n"
			   "x-amz-client-token: 1b9d6bcd-bbfd\n";

	cr_expect(eq(uint, rename_to(&served, "c", once)->status, 200));
	cr_expect(eq(uint, rename_to(&served, "c", once)->status, 200));
	served_expect_refusal(rename_to(&served, "c",
				      "x-amz-rename-source: other\n"
				      "x-amz-client-token: 1b9d6bcd-bbfd\n"),
		400, "IdempotencyParameterMismatch");
	served_expect_refusal(rename_to(&served, "c",
				      "x-amz-rename-source: a%20b\n"
				      "x-amz-client-token: another\n"),
		404, "NoSuchKey");
	/* With the same token, and to another key. */
	cr_expect(eq(uint,
		rename_to(&served, "d",
			"x-amz-rename-source: c\n"
			"x-amz-client-token: second\n")
			->status,
		200));
	served_expect_refusal(rename_to(&served, "c", once), 404, "NoSuchKey");
	expect_at(&served, "/photos/d", "hello");
}

Test(op_rename, says_what_is_wrong_with_it)
{
	static const struct {
		const char *key, *headers;
		unsigned int status;
		const char *code;
	} bad[] = {
		{"c", "", 400, "InvalidArgument"},
		{"c", "x-amz-rename-source: %zz\n", 400, "InvalidArgument"},
		{"c", "x-amz-rename-source: %00\n", 400, "InvalidArgument"},
		{"c", "x-amz-rename-source: %ff\n", 400, "InvalidArgument"},
		{"c", "x-amz-rename-source: /photos/\n", 400,
			"InvalidArgument"},
		{"c", "x-amz-rename-source: none\n", 404, "NoSuchKey"},
		{"c", "x-amz-rename-source: d/\n", 400, "InvalidRequest"},
		{"c/", "x-amz-rename-source: a%20b\n", 400, "InvalidRequest"},
		{"c",
			"x-amz-rename-source: a%20b\n"
			"x-amz-client-token: a b\n",
			400, "InvalidArgument"},
		{"c",
			"x-amz-rename-source: a%20b\n"
			"x-amz-client-token: 1234567890123456789012345678901234"
			"5678901234567890123456789012345\n",
			400, "InvalidArgument"},
	};
	scoped(served_stop) struct served served = start_with_hello();

	for (size_t i = 0; i < array_len(bad); i++)
		served_expect_refusal(rename_to(&served, bad[i].key,
					      bad[i].headers),
			bad[i].status, bad[i].code);
	served_expect_refusal(served_send(&served, "PUT",
				      "/none/c?renameObject",
				      "x-amz-rename-source: a%20b\n",
				      SLICE_NULL),
		404, "NoSuchBucket");
	expect_at(&served, "/photos/a%20b", "hello");
}

Test(op_rename, is_not_where_versions_are_kept)
{
	scoped(served_stop) struct served served = versioned_start();

	versioned_put(&served, "a", "1");
	served_expect_refusal(rename_to(&served, "b",
				      "x-amz-rename-source: a\n"),
		409, "InvalidBucketState");
	expect_at(&served, "/photos/a", "1");
}

/* Else a policy that wants them would be content with what is not done. */
Test(op_rename, headers_that_it_would_not_heed_are_refused)
{
	static const char *const headers[] = {"x-amz-tagging: project=x",
		"x-amz-acl: public-read", "x-amz-grant-read: id=1",
		"x-amz-object-lock-mode: COMPLIANCE",
		"x-amz-server-side-encryption: AES256",
		"x-amz-server-side-encryption-customer-algorithm: AES256",
		"x-amz-storage-class: STANDARD",
		"x-amz-website-redirect-location: /x",
		"x-amz-copy-source: /photos/a%20b"};
	scoped(served_stop) struct served served = start_with_hello();

	for (size_t i = 0; i < array_len(headers); i++)
		served_expect_refusal(
			rename_to(&served, "c",
				served_text(&served,
					"x-amz-rename-source: a%%20b\n%s\n",
					headers[i])),
			501, "NotImplemented");
	expect_at(&served, "/photos/a%20b", "hello");
}

Test(op_rename, tags_and_lists_go_along_for_who_may_set_them)
{
	scoped(served_stop) struct served served = start_with_hello();

	put_policy(&served, "\"Action\":\"s3:PutObjectTagging\","
			    "\"Resource\":\"arn:aws:s3:::photos/c\"");
	served_expect_refusal(rename_to(&served, "c",
				      "x-amz-rename-source: a%20b\n"),
		403, "AccessDenied");
	put_policy(&served, "\"Action\":\"s3:PutObjectAcl\","
			    "\"Resource\":\"arn:aws:s3:::photos/c\"");
	cr_expect(eq(uint,
		rename_to(&served, "c", "x-amz-rename-source: a%20b\n")->status,
		200));
	served_send(&served, "PUT", "/photos/listed", NULL, SLICE("x"));
	put_policy(&served, "\"Action\":\"s3:DeleteBucketPolicy\","
			    "\"Resource\":\"arn:aws:s3:::photos\"");
	cr_assert(eq(uint,
		served_send(&served, "PUT", "/photos?ownershipControls", NULL,
			SLICE("<OwnershipControls><Rule><ObjectOwnership>"
			      "ObjectWriter</ObjectOwnership></Rule>"
			      "</OwnershipControls>"))
			->status,
		200));
	cr_assert(eq(uint,
		served_send(&served, "PUT", "/photos/listed?acl",
			"x-amz-acl: authenticated-read\n", SLICE_NULL)
			->status,
		200));
	put_policy(&served, "\"Action\":\"s3:PutObjectAcl\","
			    "\"Resource\":\"arn:aws:s3:::photos/d\"");
	served_expect_refusal(rename_to(&served, "d",
				      "x-amz-rename-source: listed\n"),
		403, "AccessDenied");
}

/* AWS's own way to have nothing overwritten. */
Test(op_rename, a_policy_that_asks_for_if_none_match_is_heeded)
{
	scoped(served_stop) struct served served = start_with_hello();

	served_put(&served, "/photos/c", "there");
	put_policy(&served,
		"\"Action\":\"s3:PutObject\","
		"\"Resource\":\"arn:aws:s3:::photos/*\",\"Condition\":"
		"{\"Null\":{\"s3:if-none-match\":\"true\"}}");
	served_expect_refusal(rename_to(&served, "c",
				      "x-amz-rename-source: a%20b\n"),
		403, "AccessDenied");
	served_expect_refusal(rename_to(&served, "c",
				      "x-amz-rename-source: a%20b\n"
				      "if-none-match: " OTHER_ETAG "\n"),
		501, "NotImplemented");
	expect_at(&served, "/photos/c", "there");
}

/* What may not be deleted, read or written by the one who asks stays. */
Test(op_rename, policies_of_both_keys_are_heeded)
{
	static const char *const statements[] = {
		"\"Action\":\"s3:DeleteObject\","
		"\"Resource\":\"arn:aws:s3:::photos/a*\"",
		"\"Action\":\"s3:GetObject\","
		"\"Resource\":\"arn:aws:s3:::photos/a*\"",
		"\"Action\":\"s3:RenameObject\","
		"\"Resource\":\"arn:aws:s3:::photos/a*\"",
		"\"Action\":\"s3:RenameObject\","
		"\"Resource\":\"arn:aws:s3:::photos/c\"",
		"\"Action\":\"s3:PutObject\","
		"\"Resource\":\"arn:aws:s3:::photos/c\"",
		"\"Action\":\"s3:DeleteObject\","
		"\"Resource\":\"arn:aws:s3:::photos/*\",\"Condition\":"
		"{\"StringEquals\":{\"s3:ExistingObjectTag/t\":\"1\"}}",
	};
	scoped(served_stop) struct served served = start_with_hello();

	for (size_t i = 0; i < array_len(statements); i++) {
		put_policy(&served, statements[i]);
		served_expect_refusal(rename_to(&served, "c",
					      "x-amz-rename-source: a%20b\n"),
			403, "AccessDenied");
	}
	/* Nor is anything told of what may not be read. */
	put_policy(&served, "\"Action\":\"s3:GetObject\","
			    "\"Resource\":\"arn:aws:s3:::photos/c\"");
	served_expect_refusal(rename_to(&served, "c",
				      "x-amz-rename-source: a%20b\n"
				      "if-match: " OTHER_ETAG "\n"),
		403, "AccessDenied");
	cr_expect(eq(uint,
		rename_to(&served, "c", "x-amz-rename-source: a%20b\n")->status,
		200));
}
