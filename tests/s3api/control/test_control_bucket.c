/* SPDX-License-Identifier: Apache-2.0 */
#include "store/bucket.h"
#include "store/last_access.h"
#include "tests/s3api/control/control_site.h"
#include "tests/store/accesses.h"

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

static void
expect_measured(struct control_site *site, const char *type, int value)
{
	const char *text = served_text(&site->served,
		"\"measurementType\":\"%s\",\"value\":%d,", type, value);
	const struct s3_reply *reply = control_site_ask_as_ops(site, "GET",
		CONTROL "bucket-info/photos", "");

	cr_expect(strstr(reply->body.data, text) != NULL, "%s: %s", text,
		reply->body.data);
}

Test(control_bucket, bytes_are_told_by_tier)
{
	scoped(control_site_close) struct control_site site;
	struct store *store;
	struct bucket bucket;

	control_site_open(&site);
	store = site.served.temp.store;
	cr_assert(zero(int, bucket_get(store, SLICE("photos"), &bucket)));
	accesses_put(store, bucket.ino, "warm", "12", 7);
	accesses_put(store, bucket.ino, "cold", "1234567", 59);
	accesses_put(store, bucket.ino, "old", "123", 60);
	expect_measured(&site, "BYTES", 17);
	expect_measured(&site, "BYTES_HOT", 5);
	expect_measured(&site, "BYTES_WARM", 2);
	expect_measured(&site, "BYTES_COLD", 10);
	expect_measured(&site, "BYTES_ARCHIVE", 0);

	(void)control_site_ask_as_ops(&site, "PUT", CONTROL "bucket/settings",
		"{\"bucketName\":\"photos\","
		"\"settings\":{\"archiveEnabled\":true}}");
	expect_measured(&site, "BYTES_COLD", 7);
	expect_measured(&site, "BYTES_ARCHIVE", 3);
}

Test(control_bucket, what_is_archived_is_read_at_once_and_is_hot_then)
{
	scoped(control_site_close) struct control_site site;
	struct store *store;
	struct bucket bucket;

	control_site_open(&site);
	store = site.served.temp.store;
	cr_assert(zero(int, bucket_get(store, SLICE("photos"), &bucket)));
	cr_assert(zero(int, tier_set_archive_days(store, bucket.ino, 60)));
	accesses_put(store, bucket.ino, "got", "123", 90);
	accesses_put(store, bucket.ino, "seen", "1234567", 90);
	served_expect_body(served_ask(&site.served, "GET", "/photos/got"), 200,
		"123");
	cr_expect(eq(uint,
		served_ask(&site.served, "HEAD", "/photos/seen")->status, 200));
	cr_assert(zero(int, last_access_flush(store)));

	expect_measured(&site, "BYTES_HOT", 5 + 3);
	expect_measured(&site, "BYTES_ARCHIVE", 7);
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
