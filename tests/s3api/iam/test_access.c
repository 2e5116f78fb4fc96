/* SPDX-License-Identifier: Apache-2.0 */
/* Policies over the wire: who gets in, and what the policy operations say. */
#include "s3api/iam/access.h"
#include "store/bucket.h"
#include "tests/s3api/iam/access_site.h"

Test(access, anonymous_requests_are_refused_without_a_policy)
{
	scoped(served_stop) struct served served = served_start();
	static const char *const asks[][2] = {{"GET", "/"}, {"GET", "/photos"},
		{"HEAD", "/photos"}, {"GET", "/photos/a"}, {"PUT", "/photos/b"},
		{"DELETE", "/photos/a"}, {"PUT", "/new"}, {"DELETE", "/photos"},
		{"GET", "/photos?policy"}, {"PUT", "/photos?policy"},
		{"DELETE", "/photos?policy"}, {"POST", "/photos/a?uploads"}};

	served_bucket(&served, "photos");
	served_put(&served, "/photos/a", "bytes");
	access_site_become_nobody(&served);

	for (size_t i = 0; i < array_len(asks); i++)
		cr_expect(eq(uint,
				  served_ask(&served, asks[i][0], asks[i][1])
					  ->status,
				  403),
			"%s %s", asks[i][0], asks[i][1]);
	served_expect_refusal(served_ask(&served, "GET", "/photos/a"), 403,
		"AccessDenied");
	served_expect_refusal(served_ask(&served, "GET", "/none/a"), 404,
		"NoSuchBucket");
}

Test(access, a_public_policy_lets_anyone_get_and_no_more)
{
	scoped(served_stop) struct served served = served_start();

	served_bucket(&served, "photos");
	served_put(&served, "/photos/a", "bytes");
	cr_assert(eq(uint, access_site_put_policy(&served, PUBLIC_READ)->status,
		204));
	/* Its owner is not locked out by what it does not speak of. */
	served_put(&served, "/photos/b", "more");
	access_site_become_nobody(&served);

	served_expect_body(served_ask(&served, "GET", "/photos/a"), 200,
		"bytes");
	cr_expect(eq(uint, served_ask(&served, "HEAD", "/photos/a")->status,
		200));
	served_expect_refusal(served_ask(&served, "GET", "/photos"), 403,
		"AccessDenied");
	served_expect_refusal(served_send(&served, "PUT", "/photos/a", NULL,
				      SLICE("x")),
		403, "AccessDenied");
	served_expect_refusal(served_ask(&served, "DELETE", "/photos/a"), 403,
		"AccessDenied");
}

Test(access, what_is_missing_is_hidden_from_who_may_not_list)
{
	scoped(served_stop) struct served served = served_start();

	served_bucket(&served, "photos");
	cr_assert(eq(uint, access_site_put_policy(&served, PUBLIC_READ)->status,
		204));

	served_expect_refusal(served_ask(&served, "GET", "/photos/none"), 404,
		"NoSuchKey");
	access_site_become_nobody(&served);
	served_expect_refusal(served_ask(&served, "GET", "/photos/none"), 403,
		"AccessDenied");
	cr_expect(eq(uint, served_ask(&served, "HEAD", "/photos/none")->status,
		403));
}

/* Who may list what begins so may know what is missing there, and there alone:
 * whatever the query of a GET says. */
Test(access, what_is_missing_is_told_where_the_prefix_may_be_listed)
{
	scoped(served_stop) struct served served = served_start();

	served_bucket(&served, "photos");
	cr_assert(eq(uint,
		access_site_put_policy(&served,
			"{\"Version\":\"2012-10-17\",\"Statement\":["
			"{\"Effect\":\"Allow\",\"Principal\":\"*\","
			"\"Action\":\"s3:GetObject\","
			"\"Resource\":\"arn:aws:s3:::photos/*\"},"
			"{\"Effect\":\"Allow\",\"Principal\":\"*\","
			"\"Action\":\"s3:ListBucket\","
			"\"Resource\":\"arn:aws:s3:::photos\","
			"\"Condition\":{\"StringLike\":"
			"{\"s3:prefix\":\"public/*\"}}}]}")
			->status,
		204));
	access_site_become_nobody(&served);

	served_expect_refusal(served_ask(&served, "GET", "/photos/public/none"),
		404, "NoSuchKey");
	served_expect_refusal(served_ask(&served, "GET",
				      "/photos/private/none"),
		403, "AccessDenied");
	served_expect_refusal(served_ask(&served, "GET",
				      "/photos/private/none?prefix=public/a"),
		403, "AccessDenied");
	cr_expect(eq(uint,
		served_ask(&served, "GET", "/photos?prefix=public/")->status,
		200));
}

Test(access, a_virtual_host_names_the_bucket_for_strangers_too)
{
	scoped(served_stop) struct served served =
			served_start_domain("s3.test");

	served_bucket(&served, "photos");
	served_put(&served, "/photos/a", "bytes");
	access_site_put_policy(&served, PUBLIC_READ);
	access_site_become_nobody(&served);
	served.client.host = "photos.s3.test";

	served_expect_body(served_ask(&served, "GET", "/a"), 200, "bytes");
	served_expect_refusal(served_ask(&served, "GET", "/"), 403,
		"AccessDenied");
}

Test(access, policies_come_back_as_they_were_given)
{
	scoped(served_stop) struct served served = served_start();

	served_bucket(&served, "photos");

	served_expect_refusal(served_ask(&served, "GET", "/photos?policy"), 404,
		"NoSuchBucketPolicy");
	served_expect_refusal(served_ask(&served, "GET",
				      "/photos?policyStatus"),
		404, "NoSuchBucketPolicy");
	served_expect_body(served_ask(&served, "DELETE", "/photos?policy"), 204,
		"");
	served_expect_body(access_site_put_policy(&served, PUBLIC_READ), 204,
		"");

	const struct s3_reply *reply =
		served_ask(&served, "GET", "/photos?policy");

	served_expect_body(reply, 200, PUBLIC_READ);
	served_expect_header(reply, "content-type", "application/json");
	served_expect_elements(served_ask(&served, "GET",
				       "/photos?policyStatus"),
		"IsPublic", "true ");
	served_expect_refusal(served_ask(&served, "GET", "/none?policy"), 404,
		"NoSuchBucket");
}

Test(access, bad_policies_are_refused_and_leave_the_old_one)
{
	scoped(served_stop) struct served served = served_start();
	char *large = malloc(21 * 1024);

	served_bucket(&served, "photos");
	access_site_put_policy(&served, PUBLIC_READ);
	memset(large, ' ', 21 * 1024 - 1);
	large[21 * 1024 - 1] = '\0';

	served_expect_refusal(access_site_put_policy(&served, ""), 400,
		"MalformedPolicy");
	served_expect_refusal(access_site_put_policy(&served, "{"), 400,
		"MalformedPolicy");
	served_expect_refusal(access_site_put_policy(&served, large), 400,
		"PolicyTooLarge");

	const struct s3_reply *reply = access_site_put_policy(&served,
		STATEMENT("\"Effect\":\"Allow\",\"Principal\":\"*\","
			  "\"Action\":\"s3:GetObject\",\"Resource\":"
			  "\"arn:aws:s3:::other/*\""));

	served_expect_refusal(reply, 400, "MalformedPolicy");
	cr_expect(slice_find(reply->body,
			  SLICE("Statement 1: Resource: arn:aws:s3:::other/* "
				"is outside of the bucket")) > 0,
		"%s", reply->body.data);
	served_expect_body(served_ask(&served, "GET", "/photos?policy"), 200,
		PUBLIC_READ);
	free(large);
}

Test(access, only_the_level_full_may_change_policies)
{
	scoped(served_stop) struct served served = served_start();
	static const enum token_level levels[] = {
		TOKEN_READ, TOKEN_WRITE, TOKEN_READWRITE};

	served_bucket(&served, "photos");
	for (size_t i = 0; i < array_len(levels); i++) {
		served_become(&served, levels[i]);
		served_expect_refusal(access_site_put_policy(&served,
					      PUBLIC_READ),
			403, "AccessDenied");
		served_expect_refusal(served_ask(&served, "DELETE",
					      "/photos?policy"),
			403, "AccessDenied");
	}
}

Test(access, a_policy_cannot_raise_a_level)
{
	scoped(served_stop) struct served served = served_start();

	served_bucket(&served, "photos");
	access_site_put_policy(&served,
		STATEMENT("\"Effect\":\"Allow\",\"Principal\":\"*\","
			  "\"Action\":\"s3:*\",\"Resource\":"
			  "\"arn:aws:s3:::photos*\""));
	served_become(&served, TOKEN_READ);

	served_expect_refusal(served_send(&served, "PUT", "/photos/a", NULL,
				      SLICE("x")),
		403, "AccessDenied");
}

Test(access, an_explicit_deny_binds_the_owner_but_not_from_its_policy)
{
	scoped(served_stop) struct served served = served_start();

	served_bucket(&served, "photos");
	served_put(&served, "/photos/a", "bytes");
	access_site_put_policy(&served,
		STATEMENT("\"Effect\":\"Deny\",\"Principal\":\"*\","
			  "\"Action\":\"s3:*\",\"Resource\":"
			  "[\"arn:aws:s3:::photos\","
			  "\"arn:aws:s3:::photos/*\"]"));

	served_expect_refusal(served_ask(&served, "GET", "/photos/a"), 403,
		"AccessDenied");
	served_expect_refusal(served_ask(&served, "GET", "/photos"), 403,
		"AccessDenied");
	served_expect_refusal(served_ask(&served, "DELETE", "/photos"), 403,
		"AccessDenied");
	served_expect_refusal(served_ask(&served, "GET",
				      "/photos?policyStatus"),
		403, "AccessDenied");
	cr_expect(eq(uint, served_ask(&served, "GET", "/photos?policy")->status,
		200));
	cr_expect(eq(uint,
		served_ask(&served, "DELETE", "/photos?policy")->status, 204));
	served_expect_body(served_ask(&served, "GET", "/photos/a"), 200,
		"bytes");
}

Test(access, nothing_need_be_confirmed_to_lock_oneself_out)
{
	scoped(served_stop) struct served served = served_start();
	static const char *const headers[] = {NULL,
		"x-amz-confirm-remove-self-bucket-access: true\n",
		"x-amz-confirm-remove-self-bucket-access: false\n"};
	const struct slice locked = SLICE(
		STATEMENT("\"Effect\":\"Deny\",\"Principal\":\"*\",\"Action\":["
			  "\"s3:GetBucketPolicy\",\"s3:PutBucketPolicy\","
			  "\"s3:DeleteBucketPolicy\"],"
			  "\"Resource\":\"arn:aws:s3:::photos\""));

	served_bucket(&served, "photos");

	/* Each but the first replaces one that denies it. */
	for (size_t i = 0; i < array_len(headers); i++) {
		cr_expect(eq(uint,
			served_send(&served, "PUT", "/photos?policy",
				headers[i], locked)
				->status,
			204));
		served_expect_body(served_ask(&served, "GET", "/photos?policy"),
			200, locked.data);
	}
	cr_expect(eq(uint,
		served_ask(&served, "DELETE", "/photos?policy")->status, 204));
	served_expect_refusal(served_ask(&served, "GET", "/photos?policy"), 404,
		"NoSuchBucketPolicy");
	/* A level is another matter. */
	served_become(&served, TOKEN_READWRITE);
	served_expect_refusal(served_ask(&served, "DELETE", "/photos?policy"),
		403, "AccessDenied");
}

Test(access, copies_need_the_right_to_read_their_source)
{
	scoped(served_stop) struct served served = served_start();

	served_bucket(&served, "photos");
	served_bucket(&served, "copies");
	served_put(&served, "/photos/secret/a", "bytes");
	access_site_put_policy(&served,
		STATEMENT("\"Effect\":\"Deny\",\"Principal\":\"*\","
			  "\"Action\":\"s3:GetObject\",\"Resource\":"
			  "\"arn:aws:s3:::photos/secret/*\""));

	served_expect_refusal(served_send(&served, "PUT", "/copies/a",
				      "x-amz-copy-source: /photos/secret%2Fa\n",
				      SLICE_NULL),
		403, "AccessDenied");

	const char *upload = served_begin_upload(&served, "/copies/b", NULL);

	served_expect_refusal(
		served_send(&served, "PUT",
			served_text(&served,
				"/copies/b?partNumber=1&uploadId=%s", upload),
			"x-amz-copy-source: photos/secret/a\n", SLICE_NULL),
		403, "AccessDenied");
}

Test(access, a_copy_tells_of_missing_sources_only_to_who_may_list_them)
{
	scoped(served_stop) struct served served = served_start();

	served_bucket(&served, "photos");
	served_bucket(&served, "copies");
	served_expect_refusal(served_send(&served, "PUT", "/copies/a",
				      "x-amz-copy-source: /photos/none\n",
				      SLICE_NULL),
		404, "NoSuchKey");
	access_site_put_policy(&served,
		STATEMENT("\"Effect\":\"Deny\",\"Principal\":\"*\","
			  "\"Action\":\"s3:ListBucket\",\"Resource\":"
			  "\"arn:aws:s3:::photos\""));

	served_expect_refusal(served_send(&served, "PUT", "/copies/a",
				      "x-amz-copy-source: /photos/none\n",
				      SLICE_NULL),
		403, "AccessDenied");
}

Test(access, deletes_of_many_keys_are_decided_key_by_key)
{
	scoped(served_stop) struct served served = served_start();

	served_bucket(&served, "photos");
	served_put(&served, "/photos/keep/a", "bytes");
	served_put(&served, "/photos/b", "bytes");
	access_site_put_policy(&served,
		STATEMENT("\"Effect\":\"Deny\",\"Principal\":\"*\","
			  "\"Action\":\"s3:DeleteObject\",\"Resource\":"
			  "\"arn:aws:s3:::photos/keep/*\""));

	const struct s3_reply *reply =
		served_send(&served, "POST", "/photos?delete", NULL,
			SLICE("<Delete><Object><Key>keep/a</Key></Object>"
			      "<Object><Key>b</Key></Object></Delete>"));

	cr_expect(eq(uint, reply->status, 200));
	served_expect_elements(reply, "Code", "AccessDenied ");
	served_expect_elements(reply, "Key", "keep/a b ");
	served_expect_body(served_ask(&served, "GET", "/photos/keep/a"), 200,
		"bytes");
	cr_expect(eq(uint, served_ask(&served, "GET", "/photos/b")->status,
		404));
}

Test(access, a_delete_that_compares_needs_the_right_to_read)
{
	scoped(served_stop) struct served served = served_start();
	static const char etag[] =
		"if-match: \"5d41402abc4b2a76b9719d911017c592\"\n";
	const struct s3_reply *reply;

	served_bucket(&served, "photos");
	served_put(&served, "/photos/a", "hello");
	cr_assert(eq(uint,
		access_site_put_policy(&served,
			STATEMENT("\"Effect\":\"Deny\",\"Principal\":\"*\","
				  "\"Action\":\"s3:GetObject\",\"Resource\":"
				  "[\"arn:aws:s3:::photos/*\"]"))
			->status,
		204));

	served_expect_refusal(served_send(&served, "DELETE", "/photos/a", etag,
				      SLICE("")),
		403, "AccessDenied");
	reply = served_send(&served, "POST", "/photos?delete", NULL,
		SLICE("<Delete><Object><Key>a</Key><ETag>"
		      "&quot;5d41402abc4b2a76b9719d911017c592&quot;</ETag>"
		      "</Object></Delete>"));
	served_expect_elements(reply, "Code", "AccessDenied ");
	cr_expect(eq(uint, served_ask(&served, "DELETE", "/photos/a")->status,
		204));
}

Test(access, listing_is_bound_to_a_prefix)
{
	scoped(served_stop) struct served served = served_start();

	served_bucket(&served, "photos");
	served_put(&served, "/photos/public/a", "bytes");
	access_site_put_policy(&served,
		STATEMENT("\"Effect\":\"Allow\",\"Principal\":\"*\","
			  "\"Action\":\"s3:ListBucket\",\"Resource\":"
			  "\"arn:aws:s3:::photos\",\"Condition\":"
			  "{\"StringLike\":{\"s3:prefix\":\"public/*\"},"
			  "\"NumericLessThanEquals\":{\"s3:max-keys\":10}}"));
	access_site_become_nobody(&served);

	served_expect_elements(served_ask(&served, "GET",
				       "/photos?prefix=public/&max-keys=10"),
		"Key", "public/a ");
	served_expect_refusal(served_ask(&served, "GET",
				      "/photos?prefix=public/&max-keys=11"),
		403, "AccessDenied");
	served_expect_refusal(served_ask(&served, "GET", "/photos?max-keys=10"),
		403, "AccessDenied");
}

Test(access, a_bucket_is_made_open_only_by_who_may_open_it)
{
	scoped(served_stop) struct served served = served_start();

	access_site_put_access_policy(&served,
		"{\"version\":\"v1alpha1\",\"name\":\"makers\","
		"\"statements\":[{\"name\":\"all\",\"effect\":\"Allow\","
		"\"actions\":[\"s3:*\"],\"resources\":[\"*\"],"
		"\"principals\":[\"*\"]},{\"name\":\"none-open\","
		"\"effect\":\"Deny\",\"actions\":[\"s3:PutBucketAcl\","
		"\"s3:PutBucketOwnershipControls\"],\"resources\":[\"*\"],"
		"\"principals\":[\"*\"]}]}");

	served_expect_refusal(served_send(&served, "PUT", "/open",
				      "x-amz-object-ownership: ObjectWriter\n"
				      "x-amz-acl: public-read-write\n",
				      SLICE("")),
		403, "AccessDenied");
	served_expect_refusal(served_send(&served, "PUT", "/open",
				      "x-amz-object-ownership: ObjectWriter\n",
				      SLICE("")),
		403, "AccessDenied");
	served_expect_refusal(served_ask(&served, "GET", "/open"), 404,
		"NoSuchBucket");
	cr_expect(eq(uint, served_ask(&served, "PUT", "/closed")->status, 200));
}

Test(access, a_bucket_is_made_with_tags_only_by_who_may_tag_it)
{
	scoped(served_stop) struct served served = served_start();
	const struct slice body = SLICE(
		"<CreateBucketConfiguration><Tags><Tag><Key>a</Key>"
		"<Value>1</Value></Tag></Tags></CreateBucketConfiguration>");

	access_site_put_access_policy(&served,
		"{\"version\":\"v1alpha1\",\"name\":\"makers\","
		"\"statements\":[{\"name\":\"all\",\"effect\":\"Allow\","
		"\"actions\":[\"s3:*\"],\"resources\":[\"*\"],"
		"\"principals\":[\"*\"]},{\"name\":\"none-tagged\","
		"\"effect\":\"Deny\",\"actions\":[\"s3:PutBucketTagging\"],"
		"\"resources\":[\"tagged\"],\"principals\":[\"*\"]}]}");

	served_expect_refusal(served_send(&served, "PUT", "/tagged", NULL,
				      body),
		403, "AccessDenied");
	served_expect_refusal(served_ask(&served, "GET", "/tagged"), 404,
		"NoSuchBucket");
	cr_expect(eq(uint, served_ask(&served, "PUT", "/tagged")->status, 200));
	cr_expect(eq(uint,
		served_send(&served, "PUT", "/other", NULL, body)->status,
		200));
}

Test(access, strangers_may_put_where_the_policy_says_so)
{
	scoped(served_stop) struct served served = served_start();

	served_bucket(&served, "photos");
	access_site_put_policy(&served,
		STATEMENT("\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"*\"},"
			  "\"Action\":\"s3:PutObject\",\"Resource\":"
			  "\"arn:aws:s3:::photos/inbox/*\""));
	access_site_become_nobody(&served);

	cr_expect(eq(uint,
		served_send(&served, "PUT", "/photos/inbox/a", NULL,
			SLICE("bytes"))
			->status,
		200));
	served_expect_refusal(served_send(&served, "PUT", "/photos/inbox/b",
				      "x-amz-content-sha256: "
				      "STREAMING-AWS4-HMAC-SHA256-PAYLOAD\n",
				      SLICE("0;chunk-signature=0\r\n\r\n")),
		400, "InvalidRequest");
	served.client.is_anonymous = false;
	served_expect_body(served_ask(&served, "GET", "/photos/inbox/a"), 200,
		"bytes");
}

Test(access, a_write_that_compares_needs_the_right_to_read)
{
	scoped(served_stop) struct served served = served_start();

	served_bucket(&served, "photos");
	served_put(&served, "/photos/a", "hello");
	(void)access_site_put_policy(&served,
		STATEMENT("\"Effect\":\"Deny\",\"Principal\":\"*\","
			  "\"Action\":\"s3:GetObject\",\"Resource\":"
			  "[\"arn:aws:s3:::photos/*\"]"));

	served_expect_refusal(
		served_send(&served, "PUT", "/photos/a",
			"if-match: \"5d41402abc4b2a76b9719d911017c592\"\n",
			SLICE("other")),
		403, "AccessDenied");
	cr_expect(eq(uint,
		served_send(&served, "PUT", "/photos/a", "if-match: *\n",
			SLICE("other"))
			->status,
		200));
}

Test(access, a_delete_of_many_tells_nobody_what_is_there)
{
	scoped(served_stop) struct served served = served_start();
	struct slice list =
		SLICE("<Delete><Object><Key>none</Key><ETag>"
		      "&quot;5d41402abc4b2a76b9719d911017c592&quot;</ETag>"
		      "</Object></Delete>");

	served_bucket(&served, "photos");
	served_expect_elements(served_send(&served, "POST", "/photos?delete",
				       NULL, list),
		"Code", "NoSuchKey ");
	(void)access_site_put_policy(&served,
		STATEMENT("\"Effect\":\"Deny\",\"Principal\":\"*\","
			  "\"Action\":\"s3:ListBucket\",\"Resource\":"
			  "\"arn:aws:s3:::photos\""));
	served_expect_elements(served_send(&served, "POST", "/photos?delete",
				       NULL, list),
		"Code", "AccessDenied ");
}

Test(access, who_may_only_write_learns_nothing_by_comparing)
{
	scoped(served_stop) struct served served = served_start();
	static const char right[] =
		"if-match: \"5d41402abc4b2a76b9719d911017c592\"\n";

	served_bucket(&served, "photos");
	served_put(&served, "/photos/a", "hello");
	served_become(&served, TOKEN_WRITE);
	served_expect_refusal(served_send(&served, "PUT", "/photos/a", right,
				      SLICE("other")),
		403, "AccessDenied");
	served_expect_refusal(served_send(&served, "DELETE", "/photos/a", right,
				      SLICE("")),
		403, "AccessDenied");
	served_expect_elements(
		served_send(&served, "POST", "/photos?delete", NULL,
			SLICE("<Delete><Object><Key>a</Key><ETag>"
			      "&quot;5d41402abc4b2a76b9719d911017c592&quot;"
			      "</ETag></Object></Delete>")),
		"Code", "AccessDenied ");
	served_put(&served, "/photos/a", "other");
}
