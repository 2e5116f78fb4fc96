/* SPDX-License-Identifier: Apache-2.0 */
#include "store/bucket.h"
#include "tests/s3api/control/control_site.h"

#define OF_BUCKET CONTROL "bucket/settings"
#define OF_ORGANIZATION CONTROL "organization/settings"

static const struct s3_reply *
set(struct control_site *site, const char *settings)
{
	return control_site_ask_as_ops(site, "PUT", OF_BUCKET,
		served_text(&site->served,
			"{\"bucketName\":\"photos\",\"settings\":%s}",
			settings));
}

static void
expect_told(const struct s3_reply *reply, const char *text)
{
	cr_expect(eq(uint, reply->status, 200), "%s", reply->body.data);
	cr_expect(strstr(reply->body.data, text) != NULL, "%s: %s", text,
		reply->body.data);
}

Test(control_settings, a_bucket_has_a_cap)
{
	scoped(control_site_close) struct control_site site;

	control_site_open(&site);
	expect_told(set(&site, "{\"configuredCapacityCapBytes\":\"8\"}"),
		"\"configuredCapacityCapBytes\":8");
	expect_told(control_site_ask_as_ops(&site, "GET",
			    CONTROL "bucket-info/photos", ""),
		"\"configuredCapacityCapBytes\":8");
	cr_expect(eq(uint,
		served_send(&site.served, "PUT", "/photos/b", NULL,
			SLICE("1234"))
			->status,
		403));
	/* What is not named stays. */
	expect_told(set(&site, "{}"), "\"configuredCapacityCapBytes\":8");
	expect_told(set(&site, "{\"configuredCapacityCapBytes\":0}"),
		"\"configuredCapacityCapBytes\":0");
	served_put(&site.served, "/photos/b", "1234");
}

Test(control_settings, a_bucket_has_an_archive)
{
	scoped(control_site_close) struct control_site site;

	control_site_open(&site);
	expect_told(set(&site, "{\"archiveEnabled\":false,"
			       "\"archiveAfterLastAccessDays\":0}"),
		"\"archiveEnabled\":false,\"archiveAfterLastAccessDays\":0");
	expect_told(set(&site, "{\"archiveEnabled\":true}"),
		"\"archiveEnabled\":true,\"archiveAfterLastAccessDays\":60");
	expect_told(set(&site, "{\"archiveAfterLastAccessDays\":\"90\"}"),
		"\"archiveEnabled\":true,\"archiveAfterLastAccessDays\":90");
	/* What is not named stays. */
	expect_told(set(&site, "{\"archiveEnabled\":true,"
			       "\"configuredCapacityCapBytes\":9}"),
		"\"archiveEnabled\":true,\"archiveAfterLastAccessDays\":90");
	expect_told(control_site_ask_as_ops(&site, "GET",
			    CONTROL "bucket-info/photos", ""),
		"\"archiveEnabled\":true,\"archiveAfterLastAccessDays\":90");
	expect_told(set(&site, "{\"archiveEnabled\":false}"),
		"\"archiveEnabled\":false,\"archiveAfterLastAccessDays\":0");
}

Test(control_settings, an_archive_that_cannot_be_is_refused_as_a_whole)
{
	static const char *const wrong[] = {
		"{\"archiveAfterLastAccessDays\":90,"
		"\"configuredCapacityCapBytes\":7}",
		"{\"archiveEnabled\":false,\"archiveAfterLastAccessDays\":90}",
		"{\"archiveEnabled\":true,\"archiveAfterLastAccessDays\":59}",
		"{\"archiveEnabled\":true,"
		"\"archiveAfterLastAccessDays\":36501}",
		"{\"archiveEnabled\":true,\"archiveAfterLastAccessDays\":-1}",
		"{\"archiveEnabled\":1}",
	};
	scoped(control_site_close) struct control_site site;

	control_site_open(&site);
	for (size_t i = 0; i < array_len(wrong); i++)
		control_site_expect_error(set(&site, wrong[i]), 400, 3);
	expect_told(set(&site, "{}"),
		"\"archiveEnabled\":false,\"archiveAfterLastAccessDays\":0,"
		"\"configuredCapacityCapBytes\":0");
}

Test(control_settings, what_is_not_there_is_not_answered_as_if_it_were)
{
	scoped(control_site_close) struct control_site site;

	control_site_open(&site);
	control_site_expect_error(set(&site, "{\"auditLoggingEnabled\":1}"),
		400, 3);
	control_site_expect_error(set(&site, "{\"auditLogging\":true}"), 400,
		3);
	control_site_expect_error(
		set(&site, "{\"configuredCapacityCapBytes\":-1}"), 400, 3);
	control_site_expect_error(set(&site, "[]"), 400, 3);
	control_site_expect_error(control_site_ask_as_ops(&site, "PUT",
					  OF_BUCKET,
					  "{\"bucketName\":\"none\","
					  "\"settings\":{}}"),
		404, 5);
	control_site_make_theirs(&site);
	control_site_expect_error(control_site_ask_as_ops(&site, "PUT",
					  OF_BUCKET,
					  "{\"bucketName\":\"theirs\","
					  "\"settings\":{}}"),
		404, 5);
	control_site_expect_error(control_site_ask_as_ops(&site, "PUT",
					  OF_ORGANIZATION,
					  "{\"settings\":"
					  "{\"archiveEnabled\":false}}"),
		400, 3);
	control_site_bearer(&site, "low", TOKEN_READWRITE);
	control_site_expect_error(set(&site, "{}"), 403, 7);
}

static const struct s3_reply *
set_organization(struct control_site *site, const char *is_on)
{
	return control_site_ask_as_ops(site, "PUT", OF_ORGANIZATION,
		served_text(&site->served,
			"{\"settings\":{\"auditLoggingEnabled\":%s}}", is_on));
}

/* A request that can be told from the others. */
static void
ask(struct control_site *site, const char *name)
{
	(void)served_ask(&site->served, "GET",
		served_text(&site->served, "/photos/%s", name));
}

Test(control_settings, a_bucket_s_requests_are_logged_as_was_chosen)
{
	scoped(control_site_close) struct control_site site;
	const char *lines;

	control_site_open_on(&site, served_start_audited());
	ask(&site, "by-default");
	expect_told(set(&site, "{\"auditLoggingEnabled\":false}"),
		"\"auditLoggingEnabled\":false");
	ask(&site, "off");
	expect_told(set(&site, "{\"auditLoggingEnabled\":true}"),
		"\"auditLoggingEnabled\":true");
	ask(&site, "on");
	expect_told(set_organization(&site, "false"),
		"\"auditLoggingEnabled\":false");
	ask(&site, "on-though-the-others-are-off");

	lines = served_lines(&site.served);
	cr_expect(strstr(lines, "\"by-default\"") != NULL);
	cr_expect(strstr(lines, "\"off\"") == NULL);
	cr_expect(strstr(lines, "\"on\"") != NULL);
	cr_expect(strstr(lines, "\"on-though-the-others-are-off\"") != NULL);
	/* Who has turned it off is always told. */
	cr_expect(strstr(lines, "cwobject:SetBucketSettings") != NULL);
	cr_expect(strstr(lines, "cwobject:SetOrganizationSettings") != NULL);
}

Test(control_settings, a_copy_is_logged_where_its_source_is)
{
	scoped(control_site_close) struct control_site site;
	const char *lines;

	control_site_open_on(&site, served_start_audited());
	served_bucket(&site.served, "quiet");
	expect_told(control_site_ask_as_ops(&site, "PUT", OF_BUCKET,
			    "{\"bucketName\":\"quiet\",\"settings\":"
			    "{\"auditLoggingEnabled\":false}}"),
		"\"auditLoggingEnabled\":false");
	cr_expect(eq(uint,
		served_send(&site.served, "PUT", "/quiet/copy",
			"x-amz-copy-source: photos/a\n", SLICE(""))
			->status,
		200));

	lines = served_lines(&site.served);
	cr_expect(strstr(lines, "\"sourceBucketName\":\"photos\"") != NULL);
}

Test(control_settings, an_organization_s_choice_is_its_buckets)
{
	scoped(control_site_close) struct control_site site;
	const char *lines;

	control_site_open_on(&site, served_start_audited());
	expect_told(set_organization(&site, "false"),
		"\"auditLoggingEnabled\":false");
	expect_told(control_site_ask_as_ops(&site, "GET",
			    CONTROL "bucket-info/photos", ""),
		"\"auditLoggingEnabled\":false");
	ask(&site, "off");
	expect_told(set_organization(&site, "true"),
		"\"auditLoggingEnabled\":true");
	ask(&site, "on");

	lines = served_lines(&site.served);
	cr_expect(strstr(lines, "\"off\"") == NULL);
	cr_expect(strstr(lines, "\"on\"") != NULL);
}
