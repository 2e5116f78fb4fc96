/* SPDX-License-Identifier: Apache-2.0 */
#include "store/bucket.h"
#include "tests/s3api/control/control_site.h"

Test(control_bucket, buckets_are_told_with_what_they_hold)
{
	scoped(control_site_close) struct control_site site;
	const struct s3_reply *reply;

	control_site_open(&site);
	control_site_make_theirs(&site);
	reply = control_site_ask_as_ops(&site, "GET", CONTROL "bucket-info",
		"");
	cr_expect(strstr(reply->body.data, "\"name\":\"photos\"") != NULL);
	cr_expect(strstr(reply->body.data,
			  "\"measurementType\":\"BYTES\",\"value\":5") != NULL,
		"%s", reply->body.data);
	cr_expect(strstr(reply->body.data, "theirs") == NULL);
	reply = control_site_ask_as_ops(&site, "GET",
		CONTROL "bucket-info/photos", "");
	cr_expect(strstr(reply->body.data, "\"name\":\"photos\"") != NULL);
	control_site_expect_error(control_site_ask_as_ops(&site, "GET",
					  CONTROL "bucket-info/theirs", ""),
		404, 5);
}

Test(control_bucket, a_bucket_s_own_host_is_the_bucket_s_alone)
{
	scoped(served_stop) struct served served =
			served_start_domain("s3.example");

	served_bucket(&served, "photos");
	served.client.host = "photos.s3.example";
	served_put(&served, "/v1/cwobject/temporary-credentials/saml", "mine");
	served_expect_body(served_ask(&served, "GET",
				   "/v1/cwobject/temporary-credentials/saml"),
		200, "mine");
	served.client.host = NULL;
	cr_expect(eq(uint, served_ask(&served, "PUT", "/v1")->status, 400));
}

/* A bucket of the outer one could be called as the inner one begins. */
Test(control_bucket, of_two_domains_the_inner_one_counts)
{
	static const char *const domains[] = {"example", "s3.example"};
	scoped(served_stop) struct served served =
			served_start_with((struct server_options){
				.domains = domains,
				.domain_count = 2,
			});

	served_bucket(&served, "photos");
	served_bucket(&served, "photos.s3");
	served_put(&served, "/photos/a", "inner");
	served_put(&served, "/photos.s3/a", "outer");
	served.client.host = "photos.s3.example";
	served_expect_body(served_ask(&served, "GET", "/a"), 200, "inner");
	/* The domain itself is no bucket of the other. */
	served.client.host = "s3.example";
	served_expect_body(served_ask(&served, "GET", "/photos/a"), 200,
		"inner");
	served.client.host = NULL;
}
