/* SPDX-License-Identifier: Apache-2.0 */
#include "store/base/clock.h"
#include "tests/s3api/op/served.h"

#define CONFIGURATION(inside)                                                  \
	SLICE("<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/"    \
	      "doc/2006-03-01/\">" inside "</CreateBucketConfiguration>")

Test(op_bucket, is_created_once_and_listed)
{
	scoped(served_stop) struct served served = served_start();

	const struct s3_reply *first = served_ask(&served, "PUT", "/photos");
	const struct s3_reply *again = served_ask(&served, "PUT", "/photos");
	const struct s3_reply *list = served_ask(&served, "GET", "/");

	cr_expect(eq(uint, first->status, 200));
	served_expect_header(first, "location", "/photos");
	served_expect_refusal(again, 409, "BucketAlreadyOwnedByYou");
	served_expect_elements(list, "Name", "photos ");
	served_expect_elements(list, "DisplayName", "default ");
	served_expect_elements(list, "BucketRegion", "default ");
}

Test(op_bucket, refuses_names_that_break_the_rules)
{
	scoped(served_stop) struct served served = served_start();
	static const char *const names[] = {"ab", "Photos", "a_b", "-ab", "ab-",
		"a..b", "192.168.5.4", "xn--abc", "abc-s3alias", "a%20b",
		"a%2Fb.",
		"a123456789012345678901234567890123456789012345678901234567890"
		"123"};

	for (size_t i = 0; i < array_len(names); i++) {
		const struct s3_reply *reply = served_ask(&served, "PUT",
			served_text(&served, "/%s", names[i]));

		cr_expect(eq(uint, reply->status, 400), "%s", names[i]);
	}
	served_expect_refusal(served_ask(&served, "PUT", "/Photos"), 400,
		"InvalidBucketName");
	served_expect_refusal(served_ask(&served, "GET", "/Photos"), 400,
		"InvalidBucketName");
}

Test(op_bucket, reserved_names_are_not_given_out)
{
	scoped(served_stop) struct served served = served_start();
	struct bucket bucket;

	served_expect_refusal(served_ask(&served, "PUT", "/cw-logs"), 400,
		"InvalidBucketName");
	served_expect_refusal(served_ask(&served, "PUT", "/vip-1"), 400,
		"InvalidBucketName");

	/* One that is there goes on. */
	cr_assert(zero(int,
		bucket_create_own(served.temp.store, SLICE("cw-old"),
			SLICE("default"), &bucket)));
	served_expect_refusal(served_ask(&served, "PUT", "/cw-old"), 409,
		"BucketAlreadyOwnedByYou");
	served_put(&served, "/cw-old/a", "bytes");
	served_expect_body(served_ask(&served, "GET", "/cw-old/a"), 200,
		"bytes");
	served_ask(&served, "DELETE", "/cw-old/a");
	served_expect_body(served_ask(&served, "DELETE", "/cw-old"), 204, "");
}

Test(op_bucket, takes_the_regions_that_clients_name)
{
	scoped(served_stop) struct served served = served_start();

	static const char *const bodies[] = {
		"",
		"<CreateBucketConfiguration><LocationConstraint>us-east-1"
		"</LocationConstraint></CreateBucketConfiguration>",
		"<CreateBucketConfiguration/>",
	};

	for (unsigned int i = 0; i < array_len(bodies); i++) {
		const struct s3_reply *reply = served_send(&served, "PUT",
			served_text(&served, "/bucket-%u", i), NULL,
			slice_str(bodies[i]));

		cr_expect(eq(uint, reply->status, 200), "%s", reply->body.data);
	}
}

#define TAG(key, value) "<Tag><Key>" key "</Key><Value>" value "</Value></Tag>"

Test(op_bucket, is_created_with_its_tags)
{
	scoped(served_stop) struct served served = served_start();

	cr_assert(eq(uint,
		served_send(&served, "PUT", "/photos", NULL,
			CONFIGURATION("<LocationConstraint>default"
				      "</LocationConstraint><Tags>" TAG("b",
					      "2") TAG("a", "1") "</Tags>"))
			->status,
		200));
	cr_assert(eq(uint,
		served_send(&served, "PUT", "/plain", NULL,
			CONFIGURATION("<Tags/>"))
			->status,
		200));

	served_expect_elements(served_ask(&served, "GET", "/photos?tagging"),
		"Key", "a b ");
	served_expect_elements(served_ask(&served, "GET", "/photos?tagging"),
		"Value", "1 2 ");
	served_expect_refusal(served_ask(&served, "GET", "/plain?tagging"), 404,
		"NoSuchTagSet");
	served_expect_refusal(served_send(&served, "PUT", "/photos", NULL,
				      CONFIGURATION("<Tags>" TAG("c",
					      "3") "</Tags>")),
		409, "BucketAlreadyOwnedByYou");
	served_expect_elements(served_ask(&served, "GET", "/photos?tagging"),
		"Key", "a b ");
}

Test(op_bucket, is_not_created_with_tags_that_are_none)
{
	scoped(served_stop) struct served served = served_start();

	served_expect_refusal(served_send(&served, "PUT", "/photos", NULL,
				      CONFIGURATION("<Tags>" TAG("a", "1")
						      TAG("a", "2") "</Tags>")),
		400, "InvalidTag");
	served_expect_refusal(served_send(&served, "PUT", "/photos", NULL,
				      CONFIGURATION("<Tags>" TAG("aws:a",
					      "1") "</Tags>")),
		400, "InvalidTag");
	served_expect_refusal(
		served_send(&served, "PUT", "/photos", NULL,
			CONFIGURATION("<Tags><Tag><Key>a</Key></Tag></Tags>")),
		400, "MalformedXML");
	served_expect_refusal(served_send(&served, "PUT", "/photos", NULL,
				      CONFIGURATION("<Tags/><Tags/>")),
		400, "MalformedXML");
	served_expect_elements(served_ask(&served, "GET", "/"), "Name", "");
}

Test(op_bucket, refuses_other_regions_and_kinds)
{
	scoped(served_stop) struct served served = served_start();

	served_expect_refusal(served_send(&served, "PUT", "/photos", NULL,
				      CONFIGURATION("<LocationConstraint>mars"
						    "</LocationConstraint>")),
		400, "InvalidLocationConstraint");
	served_expect_refusal(
		served_send(&served, "PUT", "/photos", NULL,
			CONFIGURATION(
				"<Bucket><Type>Directory</Type></Bucket>")),
		501, "NotImplemented");
	served_expect_refusal(served_send(&served, "PUT", "/photos", NULL,
				      SLICE("<oops")),
		400, "MalformedXML");
	served_expect_refusal(served_send(&served, "PUT", "/photos", NULL,
				      SLICE("<!DOCTYPE x [<!ENTITY a \"b\">]>"
					    "<CreateBucketConfiguration/>")),
		400, "MalformedXML");
	served_expect_elements(served_ask(&served, "GET", "/"), "Name", "");
}

Test(op_bucket, is_deleted_when_empty)
{
	scoped(served_stop) struct served served = served_start();

	served_bucket(&served, "photos");
	served_put(&served, "/photos/a/b", "bytes");

	served_expect_refusal(served_ask(&served, "DELETE", "/photos"), 409,
		"BucketNotEmpty");
	served_ask(&served, "DELETE", "/photos/a/b");

	const struct s3_reply *reply = served_ask(&served, "DELETE", "/photos");

	served_expect_body(reply, 204, "");
	served_expect_refusal(served_ask(&served, "DELETE", "/photos"), 404,
		"NoSuchBucket");
}

Test(op_bucket, answers_head_with_its_region_or_an_error_without_a_body)
{
	scoped(served_stop) struct served served = served_start();

	served_bucket(&served, "photos");

	const struct s3_reply *there = served_ask(&served, "HEAD", "/photos");
	const struct s3_reply *missing = served_ask(&served, "HEAD", "/none");
	const struct s3_reply *key =
		served_ask(&served, "HEAD", "/photos/none");

	served_expect_body(there, 200, "");
	served_expect_header(there, "x-amz-bucket-region", "default");
	served_expect_body(missing, 404, "");
	served_expect_body(key, 404, "");
	cr_expect(eq(sz, s3_client_header(missing, "x-amz-request-id").len,
		16));
}

/* SDKs find a bucket's region by being refused. */
static void
expect_region(struct served *served, const char *method, const char *target,
	unsigned int status, const char *region)
{
	const struct s3_reply *reply = served_ask(served, method, target);
	struct slice told = s3_client_header(reply, "x-amz-bucket-region");

	cr_expect(eq(uint, reply->status, status), "%s %s", method, target);
	cr_expect(slice_equal(told, slice_str(region)), "%s %s: %.*s", method,
		target, (int)told.len, told.data ? told.data : "");
}

Test(op_bucket, tells_its_region_to_who_is_refused)
{
	scoped(served_stop) struct served served = served_start();

	served_bucket(&served, "photos");
	served_put(&served, "/photos/a", "a");

	served_become(&served, TOKEN_WRITE);
	expect_region(&served, "HEAD", "/photos", 403, "default");
	expect_region(&served, "GET", "/photos/a", 403, "");
	served.client.secret[0] ^= 1;
	expect_region(&served, "HEAD", "/photos", 403, "default");
	expect_region(&served, "HEAD", "/none", 403, "");
	expect_region(&served, "HEAD", "/_", 403, "");
	expect_region(&served, "GET", "/", 403, "");
	served.client.is_anonymous = true;
	expect_region(&served, "HEAD", "/photos", 403, "default");
	expect_region(&served, "GET", "/photos?list-type=2", 403, "default");
	expect_region(&served, "PUT", "/photos", 403, "");
	expect_region(&served, "HEAD", "/none", 404, "");
}

Test(op_bucket, tells_its_region_to_who_signs_for_another)
{
	scoped(served_stop) struct served served = served_start();
	char now[17];

	served_bucket(&served, "photos");
	served.client.is_anonymous = true;
	clock_to_basic(clock_now_ns(), now);

	const struct s3_reply *reply = served_send(&served, "GET", "/photos/a",
		served_text(&served,
			"Authorization: AWS4-HMAC-SHA256 Credential=a/%.8s/"
			"mars/s3/aws4_request,SignedHeaders=host,"
			"Signature=0\n",
			now),
		SLICE_NULL);

	served_expect_refusal(reply, 400, "AuthorizationHeaderMalformed");
	served_expect_elements(reply, "Region", "default ");
	served_expect_header(reply, "x-amz-bucket-region", "default");
}

Test(op_bucket, tells_its_location)
{
	scoped(served_stop) struct served served = served_start();

	served_bucket(&served, "photos");

	const struct s3_reply *reply =
		served_ask(&served, "GET", "/photos?location");

	cr_expect(eq(uint, reply->status, 200));
	cr_expect(slice_find(reply->body,
			  SLICE(">default</LocationConstraint>")) > 0);
	served_expect_refusal(served_ask(&served, "GET", "/none?location"), 404,
		"NoSuchBucket");
}

Test(op_bucket, is_not_there_for_who_expects_another_owner)
{
	scoped(served_stop) struct served served = served_start();

	served_bucket(&served, "photos");

	served_expect_refusal(
		served_send(&served, "GET", "/photos",
			"x-amz-expected-bucket-owner: 111122223333\n",
			SLICE_NULL),
		403, "AccessDenied");
	cr_expect(eq(uint,
		served_send(&served, "GET", "/photos",
			"x-amz-expected-bucket-owner: default\n", SLICE_NULL)
			->status,
		200));
}

Test(op_bucket, lists_come_in_pages_by_prefix_and_region)
{
	scoped(served_stop) struct served served = served_start();

	for (unsigned int i = 0; i < 5; i++)
		served_bucket(&served, served_text(&served, "bucket-%u", i));
	served_bucket(&served, "other");

	const struct s3_reply *page =
		served_ask(&served, "GET", "/?max-buckets=2&prefix=bucket");
	const struct s3_reply *next = served_ask(&served, "GET",
		"/?prefix=bucket&continuation-token=bucket-1");

	served_expect_elements(page, "Name", "bucket-0 bucket-1 ");
	served_expect_elements(page, "ContinuationToken", "bucket-1 ");
	served_expect_elements(next, "Name", "bucket-2 bucket-3 bucket-4 ");
	served_expect_elements(next, "ContinuationToken", "");
	served_expect_elements(served_ask(&served, "GET",
				       "/?bucket-region=mars"),
		"Name", "");
	served_expect_refusal(served_ask(&served, "GET", "/?max-buckets=0"),
		400, "InvalidArgument");
	served_expect_refusal(served_ask(&served, "GET", "/?max-buckets=10001"),
		400, "InvalidArgument");
}
