/* SPDX-License-Identifier: Apache-2.0 */
/* Ids of versions, where no bucket has ever had any. */
#include "tests/s3api/iam/access_site.h"
#include "tests/s3api/op/served.h"

#define UNKNOWN "0123456789abcdefghijklmnopqrs._-"
#define TAGGING                                                                \
	"<Tagging><TagSet><Tag><Key>a</Key><Value>1</Value></Tag></TagSet>"    \
	"</Tagging>"

static struct served
start_with_object(void)
{
	struct served served = served_start();

	served_bucket(&served, "photos");
	served_put(&served, "/photos/a", "bytes");
	return served;
}

static unsigned int
status_of(struct served *served, const char *method, const char *target,
	const char *headers, const char *body)
{
	return served_send(served, method, target, headers, slice_str(body))
		->status;
}

static const struct s3_reply *
delete_many(struct served *served, const char *objects)
{
	return served_send(served, "POST", "/photos?delete", NULL,
		slice_str(served_text(served, "<Delete>%s</Delete>", objects)));
}

Test(version_id, the_null_version_is_the_object)
{
	scoped(served_stop) struct served served = start_with_object();

	const struct s3_reply *got =
		served_ask(&served, "GET", "/photos/a?versionId=null");

	served_expect_body(got, 200, "bytes");
	cr_expect(s3_client_header(got, "x-amz-version-id").data == NULL);
	cr_expect(eq(uint,
		status_of(&served, "HEAD", "/photos/a?versionId=null", NULL,
			""),
		200));
	served_expect_elements(served_send(&served, "GET",
				       "/photos/a?attributes&versionId=null",
				       "x-amz-object-attributes: ObjectSize\n",
				       SLICE_NULL),
		"ObjectSize", "5 ");
	served_expect_elements(served_ask(&served, "GET",
				       "/photos/a?acl&versionId=null"),
		"Permission", "FULL_CONTROL ");
	cr_expect(eq(uint,
		status_of(&served, "PUT", "/photos/a?tagging&versionId=null",
			NULL, TAGGING),
		200));
	served_expect_elements(served_ask(&served, "GET",
				       "/photos/a?tagging&versionId=null"),
		"Value", "1 ");
	cr_expect(eq(uint,
		status_of(&served, "DELETE", "/photos/a?tagging&versionId=null",
			NULL, ""),
		204));
	served_expect_elements(served_ask(&served, "GET", "/photos/a?tagging"),
		"Value", "");
	served_expect_body(served_ask(&served, "DELETE",
				   "/photos/a?versionId=null"),
		204, "");
	served_expect_refusal(served_ask(&served, "GET",
				      "/photos/a?versionId=null"),
		404, "NoSuchVersion");
	served_expect_refusal(served_ask(&served, "GET", "/photos/a"), 404,
		"NoSuchKey");
	served_expect_body(served_ask(&served, "DELETE",
				   "/photos/a?versionId=null"),
		204, "");
}

Test(version_id, others_are_not_there)
{
	scoped(served_stop) struct served served = start_with_object();
	static const char *const targets[] = {"/photos/a?versionId=" UNKNOWN,
		"/photos/a?tagging&versionId=" UNKNOWN,
		"/photos/a?acl&versionId=" UNKNOWN,
		"/photos/none?versionId=" UNKNOWN};
	static const char *const null_targets[] = {
		"/photos/none?versionId=null",
		"/photos/none?tagging&versionId=null",
		"/photos/none?acl&versionId=null"};

	for (size_t i = 0; i < array_len(targets); i++) {
		const struct s3_reply *reply =
			served_ask(&served, "GET", targets[i]);

		served_expect_refusal(reply, 404, "NoSuchVersion");
		served_expect_elements(reply, "VersionId", UNKNOWN " ");
	}
	for (size_t i = 0; i < array_len(null_targets); i++) {
		const struct s3_reply *reply =
			served_ask(&served, "GET", null_targets[i]);

		served_expect_refusal(reply, 404, "NoSuchVersion");
		served_expect_elements(reply, "VersionId", "null ");
	}
	cr_expect(eq(uint,
		status_of(&served, "PUT",
			"/photos/a?tagging&versionId=" UNKNOWN, NULL, TAGGING),
		404));
	cr_expect(eq(uint,
		status_of(&served, "HEAD", "/photos/a?versionId=" UNKNOWN, NULL,
			""),
		404));
	served_expect_elements(served_ask(&served, "GET", "/photos/a?tagging"),
		"Key", "");
}

/* S3 API: deleting what is not there succeeds, whatever else is. */
Test(version_id, deleting_one_that_is_not_there_leaves_the_object)
{
	scoped(served_stop) struct served served = start_with_object();

	served_expect_body(served_ask(&served, "DELETE",
				   "/photos/a?versionId=" UNKNOWN),
		204, "");
	served_expect_refusal(served_send(&served, "DELETE",
				      "/photos/a?versionId=" UNKNOWN,
				      "if-match: *\n", SLICE_NULL),
		412, "PreconditionFailed");
	served_expect_body(served_ask(&served, "GET", "/photos/a"), 200,
		"bytes");
}

Test(version_id, what_is_none_is_refused)
{
	scoped(served_stop) struct served served = start_with_object();
	static const char *const methods[] = {"GET", "DELETE"};
	static const char *const ids[] = {"", "1", "Null", UNKNOWN "0",
		"0123456789abcdefghijklmnopqrs._%2F"};

	for (size_t m = 0; m < array_len(methods); m++) {
		for (size_t i = 0; i < array_len(ids); i++)
			served_expect_refusal(served_ask(&served, methods[m],
						      served_text(&served,
							      "/photos/a?"
							      "versionId=%s",
							      ids[i])),
				400, "InvalidArgument");
	}
	served_expect_body(served_ask(&served, "GET", "/photos/a"), 200,
		"bytes");
}

Test(version_id, nothing_is_made_or_listed_by_one)
{
	scoped(served_stop) struct served served = start_with_object();
	static const char *const rows[][2] = {
		{"PUT", "/photos/a?versionId=null"},
		{"PUT", "/photos/a?versionId"},
		{"POST", "/photos/a?uploads&versionId=null"},
		{"GET", "/photos?versionId=null"},
		{"POST", "/photos?delete&versionId=null"},
		{"DELETE", "/photos?versionId=null"},
	};

	for (size_t i = 0; i < array_len(rows); i++)
		served_expect_refusal(served_send(&served, rows[i][0],
					      rows[i][1], NULL, SLICE("x")),
			400, "InvalidArgument");
	served_expect_body(served_ask(&served, "GET", "/photos/a"), 200,
		"bytes");
}

Test(version_id, several_are_deleted_by_theirs)
{
	scoped(served_stop) struct served served = start_with_object();

	served_put(&served, "/photos/b", "b");
	served_put(&served, "/photos/c", "c");

	const struct s3_reply *reply = delete_many(&served,
		"<Object><Key>a</Key><VersionId>null</VersionId></Object>"
		"<Object><Key>b</Key><VersionId>" UNKNOWN
		"</VersionId></Object>"
		"<Object><Key>b</Key><VersionId/></Object>"
		"<Object><Key>b</Key><VersionId>" UNKNOWN
		"</VersionId><ETag>*</ETag></Object>"
		"<Object><Key>c</Key></Object>");

	cr_expect(eq(uint, reply->status, 200));
	cr_expect(eq(uint, s3_client_element_count(reply, "Deleted"), 3));
	served_expect_elements(reply, "VersionId",
		"null " UNKNOWN "  " UNKNOWN " ");
	served_expect_elements(reply, "Code",
		"NoSuchVersion PreconditionFailed ");
	served_expect_elements(served_ask(&served, "GET", "/photos"), "Key",
		"b ");
}

#define ALLOW(action, condition)                                               \
	STATEMENT("\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":"       \
		  "\"s3:" action                                               \
		  "\",\"Resource\":\"arn:aws:s3:::photos/*\"" condition)
#define NULL_ALONE                                                             \
	",\"Condition\":{\"StringEquals\":{\"s3:VersionId\":\"null\"}}"

static void
become_nobody_with(struct served *served, const char *policy)
{
	served->client.is_anonymous = false;
	cr_assert(eq(uint, access_site_put_policy(served, policy)->status,
		204));
	access_site_become_nobody(served);
}

Test(version_id, reading_by_one_is_another_action)
{
	scoped(served_stop) struct served served = start_with_object();
	static const struct {
		const char *policy;
		unsigned int plain;
		unsigned int of_null;
		unsigned int of_unknown;
	} rows[] = {
		{ALLOW("GetObject", ""), 200, 403, 403},
		{ALLOW("GetObjectVersion", ""), 403, 200, 403},
		{ALLOW("GetObjectVersion", NULL_ALONE), 403, 200, 403},
	};

	for (size_t i = 0; i < array_len(rows); i++) {
		become_nobody_with(&served, rows[i].policy);
		cr_expect(eq(uint,
			status_of(&served, "GET", "/photos/a", NULL, ""),
			rows[i].plain));
		cr_expect(eq(uint,
			status_of(&served, "GET", "/photos/a?versionId=null",
				NULL, ""),
			rows[i].of_null));
		cr_expect(eq(uint,
			status_of(&served, "GET",
				"/photos/a?versionId=" UNKNOWN, NULL, ""),
			rows[i].of_unknown));
	}
}

Test(version_id, attributes_of_one_ask_for_two_rights_of_versions)
{
	scoped(served_stop) struct served served = start_with_object();
	const char *target = "/photos/a?attributes&versionId=null";
	const char *headers = "x-amz-object-attributes: ETag\n";

	become_nobody_with(&served, ALLOW("GetObject*Attributes", ""));
	cr_expect(eq(uint, status_of(&served, "GET", target, headers, ""),
		403));
	become_nobody_with(&served, ALLOW("GetObjectVersion*", ""));
	cr_expect(eq(uint, status_of(&served, "GET", target, headers, ""),
		200));
}

Test(version_id, deleting_by_one_is_another_action)
{
	scoped(served_stop) struct served served = start_with_object();
	static const char by_version[] =
		"<Object><Key>a</Key><VersionId>null</VersionId></Object>";

	become_nobody_with(&served, ALLOW("DeleteObject", ""));
	served_expect_elements(delete_many(&served, by_version), "Code",
		"AccessDenied ");
	cr_expect(eq(uint,
		status_of(&served, "DELETE", "/photos/a?versionId=null", NULL,
			""),
		403));
	become_nobody_with(&served, ALLOW("DeleteObjectVersion", NULL_ALONE));
	served_expect_elements(delete_many(&served,
				       "<Object><Key>a</Key></Object>"),
		"Code", "AccessDenied ");
	served_expect_elements(delete_many(&served, by_version), "Code", "");
	cr_expect(eq(uint,
		status_of(&served, "DELETE", "/photos/a?versionId=null", NULL,
			""),
		204));
}

Test(version_id, a_copy_of_one_asks_for_it_at_the_source)
{
	scoped(served_stop) struct served served = start_with_object();
	static const char by_version[] =
		"x-amz-copy-source: photos/a?versionId=null\n";
	static const char plain[] = "x-amz-copy-source: photos/a\n";

#define SOURCE(action)                                                         \
	"{\"Version\":\"2012-10-17\",\"Statement\":["                          \
	"{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":"                \
	"\"s3:PutObject\",\"Resource\":\"arn:aws:s3:::photos/*\","             \
	"\"Condition\":{\"StringEquals\":"                                     \
	"{\"s3:x-amz-copy-source\":\"photos/a\"}}},"                           \
	"{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"" action       \
	"\",\"Resource\":\"arn:aws:s3:::photos/a\"}]}"

	become_nobody_with(&served, SOURCE("s3:GetObject"));
	cr_expect(eq(uint,
		status_of(&served, "PUT", "/photos/b", by_version, ""), 403));
	cr_expect(eq(uint, status_of(&served, "PUT", "/photos/b", plain, ""),
		200));
	become_nobody_with(&served, SOURCE("s3:GetObjectVersion"));
	cr_expect(eq(uint,
		status_of(&served, "PUT", "/photos/b", by_version, ""), 200));
	cr_expect(eq(uint, status_of(&served, "PUT", "/photos/b", plain, ""),
		403));
}
