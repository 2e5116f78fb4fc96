/* SPDX-License-Identifier: Apache-2.0 */

#include "s3api/iam/access.h"
#include "store/bucket.h"
#include "tests/s3api/iam/access_site.h"

#define DENY_DELETE(NAME)                                                      \
	"{\"version\":\"v1alpha1\",\"name\":\"" NAME                           \
	"\",\"statements\":[{\"name\":\"s\",\"effect\":\"Deny\","              \
	"\"actions\":[\"s3:DeleteObject\"],\"resources\":[\"*\"],"             \
	"\"principals\":[\"*\"]}]}"

Test(access_policies, a_policy_counts_from_the_next_request_on)
{
	scoped(served_stop) struct served served = served_start();

	served_bucket(&served, "photos");
	served_put(&served, "/photos/a", "bytes");
	for (int i = 0; i < 3; i++) {
		served.client.is_anonymous = false;
		access_site_put_policy(&served, PUBLIC_READ);
		access_site_become_nobody(&served);
		cr_expect(eq(uint,
			served_ask(&served, "GET", "/photos/a")->status, 200));
		served.client.is_anonymous = false;
		served_expect_body(served_ask(&served, "DELETE",
					   "/photos?policy"),
			204, "");
		access_site_become_nobody(&served);
		cr_expect(eq(uint,
			served_ask(&served, "GET", "/photos/a")->status, 403));
	}
}

Test(access_policies, access_policies_of_the_organization_come_first)
{
	scoped(served_stop) struct served served = served_start();

	served_bucket(&served, "photos");
	served_bucket(&served, "others");
	served_put(&served, "/photos/a", "bytes");
	served_put(&served, "/others/a", "bytes");
	access_site_put_access_policy(&served,
		"{\"version\":\"v1alpha1\",\"name\":\"readers\","
		"\"statements\":[{\"name\":\"get\",\"effect\":\"Allow\","
		"\"actions\":[\"s3:Get*\",\"s3:List*\"],"
		"\"resources\":[\"photos/*\"],\"principals\":[\"test\"]}]}");

	served_expect_body(served_ask(&served, "GET", "/photos/a"), 200,
		"bytes");
	cr_expect(eq(uint, served_ask(&served, "GET", "/photos")->status, 200));
	served_expect_refusal(served_ask(&served, "GET", "/others/a"), 403,
		"AccessDenied");
	served_expect_refusal(served_ask(&served, "GET", "/"), 403,
		"AccessDenied");
	served_expect_refusal(served_ask(&served, "PUT", "/new"), 403,
		"AccessDenied");
	cr_assert(eq(int,
		orgpolicy_delete(served.temp.store, SLICE("default"),
			SLICE("readers")),
		STORE_OK));
	served_expect_body(served_ask(&served, "GET", "/others/a"), 200,
		"bytes");
}

Test(access_policies,
	buckets_of_other_organizations_open_by_their_policies_alone)
{
	scoped(served_stop) struct served served = served_start();
	struct slice policy = SLICE(
		STATEMENT("\"Effect\":\"Allow\",\"Principal\":"
			  "{\"AWS\":\"default:test\"},\"Action\":"
			  "[\"s3:PutObject\",\"s3:GetObject\"],\"Resource\":"
			  "\"arn:aws:s3:::theirs/*\""));
	struct bucket bucket;

	served_bucket(&served, "photos");
	cr_assert(eq(int,
		organization_create(served.temp.store, SLICE("other")),
		STORE_OK));
	cr_assert(eq(int,
		bucket_create(served.temp.store, SLICE("theirs"),
			SLICE("other"), &bucket),
		STORE_OK));

	served_expect_elements(served_ask(&served, "GET", "/"), "Name",
		"photos ");
	served_expect_refusal(served_ask(&served, "GET", "/theirs"), 403,
		"AccessDenied");
	served_expect_refusal(served_ask(&served, "GET", "/theirs?policy"), 403,
		"AccessDenied");
	served_expect_refusal(served_ask(&served, "DELETE", "/theirs"), 403,
		"AccessDenied");
	served_expect_refusal(served_ask(&served, "PUT", "/theirs"), 409,
		"BucketAlreadyExists");
	cr_assert(eq(int,
		bucket_set_document(served.temp.store, bucket.ino,
			SLICE(ACCESS_POLICY_KIND), &policy),
		STORE_OK));
	served_put(&served, "/theirs/a", "bytes");
	served_expect_body(served_ask(&served, "GET", "/theirs/a"), 200,
		"bytes");
	served_expect_refusal(served_ask(&served, "GET", "/theirs?policy"), 403,
		"AccessDenied");
	served_become(&served, TOKEN_FULL);
	served_expect_refusal(served_ask(&served, "GET", "/theirs/a"), 403,
		"AccessDenied");
}

Test(access_policies, a_policy_that_is_damaged_lets_nobody_in)
{
	scoped(served_stop) struct served served = served_start();
	struct bucket bucket;
	struct slice damaged = SLICE("{\"Statement\":");

	served_bucket(&served, "photos");
	served_put(&served, "/photos/a", "bytes");
	cr_assert(eq(int,
		bucket_get(served.temp.store, SLICE("photos"), &bucket),
		STORE_OK));
	cr_assert(eq(int,
		bucket_set_document(served.temp.store, bucket.ino,
			SLICE(ACCESS_POLICY_KIND), &damaged),
		STORE_OK));

	served_expect_refusal(served_ask(&served, "GET", "/photos/a"), 500,
		"InternalError");
	access_site_become_nobody(&served);
	served_expect_refusal(served_ask(&served, "GET", "/photos/a"), 500,
		"InternalError");
}

/* Also not the second of several that one request decides about. */
Test(access_policies, no_access_policy_counts_where_one_is_damaged)
{
	scoped(served_stop) struct served served = served_start();
	struct store *store = served.temp.store;
	struct slice policy =
		SLICE(STATEMENT("\"Effect\":\"Allow\",\"Principal\":\"*\","
				"\"Action\":\"s3:DeleteObject\",\"Resource\":"
				"\"arn:aws:s3:::theirs/*\""));
	struct bucket bucket;

	cr_assert(zero(int, organization_create(store, SLICE("other"))));
	cr_assert(zero(int, bucket_create(store, SLICE("theirs"),
				    SLICE("other"), &bucket)));
	cr_assert(zero(int, bucket_set_document(store, bucket.ino,
				    SLICE(ACCESS_POLICY_KIND), &policy)));
	access_site_put_access_policy_of(&served, "other", DENY_DELETE("b"),
		DENY_DELETE("b"));
	access_site_put_access_policy_of(&served, "other", DENY_DELETE("a"),
		"{");

	const struct s3_reply *reply =
		served_send(&served, "POST", "/theirs?delete", NULL,
			SLICE("<Delete><Object><Key>a</Key></Object><Object>"
			      "<Key>b</Key></Object></Delete>"));

	cr_expect(eq(uint, reply->status, 200));
	served_expect_elements(reply, "Code", "InternalError InternalError ");
}
