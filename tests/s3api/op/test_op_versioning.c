/* SPDX-License-Identifier: Apache-2.0 */
/* Buckets that keep versions: what replies say of them. */
#include "tests/s3api/iam/access_site.h"
#include "tests/s3api/op/versioned.h"

#define TAGGING(value)                                                         \
	"<Tagging><TagSet><Tag><Key>a</Key><Value>" value                      \
	"</Value></Tag></TagSet></Tagging>"

/* --- the setting ---------------------------------------------------------- */

Test(op_versioning, is_told_as_it_was_set)
{
	scoped(served_stop) struct served served = served_start();

	served_bucket(&served, "photos");

	served_expect_elements(served_ask(&served, "GET", "/photos?versioning"),
		"Status", "");
	versioned_become(&served, VERSIONED_STATUS("Enabled"));
	served_expect_elements(served_ask(&served, "GET", "/photos?versioning"),
		"Status", "Enabled ");
	versioned_become(&served,
		VERSIONED_CONFIGURATION("<Status>Suspended</Status>"
					"<MfaDelete>Disabled</MfaDelete>"));
	served_expect_elements(served_ask(&served, "GET", "/photos?versioning"),
		"Status", "Suspended ");
	versioned_expect_status(served_ask(&served, "HEAD", "/photos"), 200);
	served_expect_refusal(served_send(&served, "PUT", "/none?versioning",
				      NULL, SLICE(VERSIONED_STATUS("Enabled"))),
		404, "NoSuchBucket");
	served_expect_refusal(served_ask(&served, "DELETE",
				      "/photos?versioning"),
		501, "NotImplemented");
}

Test(op_versioning, refuses_documents_that_are_none)
{
	static const struct {
		const char *body;
		unsigned int status;
		const char *code;
	} rows[] = {
		{"", 400, "MalformedXML"},
		{"oops", 400, "MalformedXML"},
		{"<Versioning/>", 400, "MalformedXML"},
		{VERSIONED_STATUS("enabled"), 400, "MalformedXML"},
		{VERSIONED_STATUS(""), 400, "MalformedXML"},
		{VERSIONED_STATUS("Disabled"), 400, "MalformedXML"},
		{VERSIONED_CONFIGURATION("<Status>Enabled</Status><Other/>"),
			400, "MalformedXML"},
		{VERSIONED_CONFIGURATION("<Status>Enabled</Status>"
					 "<Status>Suspended</Status>"),
			400, "MalformedXML"},
		{VERSIONED_CONFIGURATION(""), 400,
			"IllegalVersioningConfigurationException"},
		{VERSIONED_CONFIGURATION("<Status>Enabled</Status>"
					 "<MfaDelete>Enabled</MfaDelete>"),
			501, "NotImplemented"},
		{VERSIONED_CONFIGURATION("<Status>Enabled</Status>"
					 "<MfaDelete>no</MfaDelete>"),
			400, "MalformedXML"},
	};
	scoped(served_stop) struct served served = served_start();
	char *large = arena_alloc(&served.client.arena, 70000);

	served_bucket(&served, "photos");
	memset(large, ' ', 70000);
	for (size_t i = 0; i < array_len(rows); i++)
		served_expect_refusal(versioned_set(&served, rows[i].body),
			rows[i].status, rows[i].code);
	served_expect_refusal(served_send(&served, "PUT", "/photos?versioning",
				      NULL, slice_of(large, 70000)),
		400, "MalformedXML");
	served_expect_elements(served_ask(&served, "GET", "/photos?versioning"),
		"Status", "");
}

/* --- what is made --------------------------------------------------------- */

Test(op_versioning, a_bucket_that_never_had_versions_tells_no_ids)
{
	scoped(served_stop) struct served served = served_start();

	served_bucket(&served, "photos");

	cr_expect(eq(str, (char *)versioned_put(&served, "a", "1"), ""));
	versioned_expect_no_header(versioned_ask(&served, "GET", "a", NULL),
		"x-amz-version-id");
	versioned_expect_no_header(versioned_ask(&served, "GET", "a", "null"),
		"x-amz-version-id");
	versioned_expect_no_header(versioned_ask(&served, "DELETE", "a",
					   "null"),
		"x-amz-version-id");
	versioned_expect_no_header(versioned_ask(&served, "DELETE", "a", NULL),
		"x-amz-version-id");
	versioned_expect_no_header(versioned_ask(&served, "DELETE", "a", NULL),
		"x-amz-delete-marker");
}

Test(op_versioning, each_put_is_a_version_of_its_own)
{
	scoped(served_stop) struct served served = versioned_start();
	const char *first = versioned_put(&served, "a", "one");
	const char *second = versioned_put(&served, "a", "second");

	cr_expect(eq(sz, strlen(first), VERSION_ID_LEN));
	cr_expect(ne(str, (char *)first, (char *)second));
	const struct s3_reply *newest =
		versioned_ask(&served, "GET", "a", NULL);
	const struct s3_reply *older =
		versioned_ask(&served, "GET", "a", first);

	served_expect_body(newest, 200, "second");
	served_expect_header(newest, "x-amz-version-id", second);
	served_expect_body(older, 200, "one");
	served_expect_header(older, "x-amz-version-id", first);
	served_expect_body(versioned_ask(&served, "GET", "a", second), 200,
		"second");
	const struct s3_reply *head =
		versioned_ask(&served, "HEAD", "a", first);

	served_expect_header(head, "content-length", "3");
	served_expect_header(head, "x-amz-version-id", first);
	const struct s3_reply *part = served_ask(&served, "GET",
		served_text(&served, "/photos/a?partNumber=1&versionId=%s",
			first));

	served_expect_body(part, 206, "one");
	served_expect_refusal(versioned_ask(&served, "GET", "b", first), 404,
		"NoSuchVersion");
	served_expect_refusal(versioned_ask(&served, "GET", "a",
				      "00000000deadbeef"),
		404, "NoSuchVersion");
	served_expect_refusal(versioned_ask(&served, "GET", "a", "null"), 404,
		"NoSuchVersion");
	served_expect_refusal(versioned_ask(&served, "GET", "a",
				      "00000000DEADBEEF"),
		400, "InvalidArgument");
}

Test(op_versioning, what_was_there_before_is_the_null_version)
{
	scoped(served_stop) struct served served = served_start();

	served_bucket(&served, "photos");
	served_put(&served, "/photos/a", "before");
	versioned_become(&served, VERSIONED_STATUS("Enabled"));
	served_expect_header(versioned_ask(&served, "GET", "a", NULL),
		"x-amz-version-id", "null");
	const char *id = versioned_put(&served, "a", "after");

	served_expect_body(versioned_ask(&served, "GET", "a", "null"), 200,
		"before");
	served_expect_body(versioned_ask(&served, "GET", "a", id), 200,
		"after");
}

Test(op_versioning, suspended_puts_replace_the_null_version_alone)
{
	scoped(served_stop) struct served served = versioned_start();
	const char *kept = versioned_put(&served, "a", "kept");

	versioned_become(&served, VERSIONED_STATUS("Suspended"));

	cr_expect(eq(str, (char *)versioned_put(&served, "a", "one"), "null"));
	cr_expect(eq(str, (char *)versioned_put(&served, "a", "two"), "null"));
	served_expect_body(versioned_ask(&served, "GET", "a", "null"), 200,
		"two");
	served_expect_body(versioned_ask(&served, "GET", "a", kept), 200,
		"kept");
	served_expect_elements(served_ask(&served, "GET", "/photos?versions"),
		"VersionId", served_text(&served, "null %s ", kept));
	const struct s3_reply *deleted =
		versioned_ask(&served, "DELETE", "a", NULL);

	served_expect_header(deleted, "x-amz-version-id", "null");
	served_expect_header(deleted, "x-amz-delete-marker", "true");
	served_expect_elements(served_ask(&served, "GET", "/photos?versions"),
		"VersionId", served_text(&served, "null %s ", kept));
}

Test(op_versioning, uploads_tell_their_version_again_where_asked_again)
{
	scoped(served_stop) struct served served = versioned_start();
	const char *upload = served_begin_upload(&served, "/photos/a", NULL);
	const char *target =
		served_text(&served, "/photos/a?uploadId=%s", upload);
	const struct s3_reply *part = served_send(&served, "PUT",
		served_text(&served, "%s&partNumber=1", target), NULL,
		SLICE("bytes"));
	struct slice etag = s3_client_header(part, "etag");
	struct slice body = slice_str(served_text(&served,
		"<CompleteMultipartUpload><Part><PartNumber>1</PartNumber>"
		"<ETag>%.*s</ETag></Part></CompleteMultipartUpload>",
		(int)etag.len, etag.data));

	versioned_expect_no_header(part, "x-amz-version-id");
	const struct s3_reply *once =
		served_send(&served, "POST", target, NULL, body);
	const struct s3_reply *again =
		served_send(&served, "POST", target, NULL, body);
	const char *id = versioned_id(&served, once);

	versioned_expect_status(once, 200);
	cr_expect(eq(sz, strlen(id), VERSION_ID_LEN));
	served_expect_header(again, "x-amz-version-id", id);
	versioned_put(&served, "a", "newer");
	served_expect_body(served_ask(&served, "GET",
				   served_text(&served,
					   "/photos/a?partNumber=1&"
					   "versionId=%s",
					   id)),
		206, "bytes");
}

/* --- conditions ----------------------------------------------------------- */

Test(op_versioning, behind_a_delete_marker_there_is_no_object_to_conditions)
{
	scoped(served_stop) struct served served = versioned_start();
	static const char any[] = "if-match: *\n";
	static const char none[] = "if-none-match: *\n";

	versioned_put(&served, "a", "one");
	versioned_expect_status(versioned_ask(&served, "DELETE", "a", NULL),
		204);

	served_expect_refusal(served_send(&served, "PUT", "/photos/a", any,
				      SLICE("x")),
		412, "PreconditionFailed");
	served_expect_refusal(served_send(&served, "DELETE", "/photos/a", any,
				      SLICE_NULL),
		412, "PreconditionFailed");
	versioned_expect_status(served_send(&served, "PUT", "/photos/a", none,
					SLICE("x")),
		200);
	served_expect_refusal(served_send(&served, "PUT", "/photos/a", none,
				      SLICE("x")),
		412, "PreconditionFailed");
}

Test(op_versioning, a_version_is_deleted_on_conditions_of_its_own)
{
	scoped(served_stop) struct served served = versioned_start();
	const char *first = versioned_put(&served, "a", "hello");
	const char *target =
		served_text(&served, "/photos/a?versionId=%s", first);
	static const char of_newest[] =
		"if-match: \"0cc175b9c0f1b6a831c399e269772661\"\n";
	static const char of_first[] =
		"if-match: \"5d41402abc4b2a76b9719d911017c592\"\n";

	versioned_put(&served, "a", "a");

	served_expect_refusal(served_send(&served, "DELETE", target, of_newest,
				      SLICE_NULL),
		412, "PreconditionFailed");
	served_expect_body(versioned_ask(&served, "GET", "a", first), 200,
		"hello");
	versioned_expect_status(served_send(&served, "DELETE", target, of_first,
					SLICE_NULL),
		204);
	served_expect_refusal(versioned_ask(&served, "GET", "a", first), 404,
		"NoSuchVersion");
	const char *marker = versioned_id(&served,
		versioned_ask(&served, "DELETE", "a", NULL));

	served_expect_refusal(served_send(&served, "DELETE",
				      served_text(&served,
					      "/photos/a?versionId=%s", marker),
				      "if-match: *\n", SLICE_NULL),
		412, "PreconditionFailed");
}

/* --- delete markers ------------------------------------------------------- */

Test(op_versioning, a_delete_hides_the_object_behind_a_marker)
{
	scoped(served_stop) struct served served = versioned_start();
	const char *id = versioned_put(&served, "a", "bytes");
	const struct s3_reply *deleted =
		versioned_ask(&served, "DELETE", "a", NULL);
	const char *marker = versioned_id(&served, deleted);

	versioned_expect_status(deleted, 204);
	served_expect_header(deleted, "x-amz-delete-marker", "true");
	const struct s3_reply *got = versioned_ask(&served, "GET", "a", NULL);
	const struct s3_reply *head = versioned_ask(&served, "HEAD", "a", NULL);

	served_expect_refusal(got, 404, "NoSuchKey");
	served_expect_header(got, "x-amz-delete-marker", "true");
	served_expect_header(got, "x-amz-version-id", marker);
	versioned_expect_status(head, 404);
	served_expect_header(head, "x-amz-delete-marker", "true");
	served_expect_elements(served_ask(&served, "GET", "/photos"), "Key",
		"");
	served_expect_body(versioned_ask(&served, "GET", "a", id), 200,
		"bytes");
	versioned_expect_no_header(versioned_ask(&served, "GET", "never", NULL),
		"x-amz-delete-marker");

	const struct s3_reply *undone =
		versioned_ask(&served, "DELETE", "a", marker);

	versioned_expect_status(undone, 204);
	served_expect_header(undone, "x-amz-delete-marker", "true");
	served_expect_header(undone, "x-amz-version-id", marker);
	served_expect_body(versioned_ask(&served, "GET", "a", NULL), 200,
		"bytes");
}

Test(op_versioning, a_marker_itself_can_only_be_deleted)
{
	scoped(served_stop) struct served served = versioned_start();
	const char *marker = versioned_id(&served,
		versioned_ask(&served, "DELETE", "a", NULL));
	static const struct {
		const char *method;
		const char *param;
		const char *headers;
		const char *body;
	} rows[] = {
		{"GET", "", NULL, ""},
		{"GET", "tagging&", NULL, ""},
		{"PUT", "tagging&", NULL, TAGGING("1")},
		{"DELETE", "tagging&", NULL, ""},
		{"GET", "acl&", NULL, ""},
		{"PUT", "acl&", "x-amz-acl: private\n", ""},
		{"GET", "attributes&", "x-amz-object-attributes: ETag\n", ""},
		{"POST", "restore&", NULL, "<RestoreRequest/>"},
	};

	for (size_t i = 0; i < array_len(rows); i++) {
		const char *named = served_text(&served,
			"/photos/a?%sversionId=%s", rows[i].param, marker);
		const char *plain =
			served_text(&served, "/photos/a?%s", rows[i].param);
		const struct s3_reply *reply =
			served_send(&served, rows[i].method, named,
				rows[i].headers, slice_str(rows[i].body));

		served_expect_refusal(reply, 405, "MethodNotAllowed");
		served_expect_header(reply, "allow", "DELETE");
		served_expect_header(reply, "x-amz-delete-marker", "true");
		served_expect_header(reply, "x-amz-version-id", marker);
		cr_expect(s3_client_header(reply, "last-modified").len > 0);
		served_expect_elements(reply, "ResourceType", "DeleteMarker ");
		reply = served_send(&served, rows[i].method, plain,
			rows[i].headers, slice_str(rows[i].body));
		served_expect_refusal(reply, 404, "NoSuchKey");
	}
	const struct s3_reply *head =
		versioned_ask(&served, "HEAD", "a", marker);

	versioned_expect_status(head, 405);
	served_expect_header(head, "allow", "DELETE");
}

Test(op_versioning, deleting_a_version_brings_back_the_one_before)
{
	scoped(served_stop) struct served served = versioned_start();
	const char *first = versioned_put(&served, "a", "one");
	const char *second = versioned_put(&served, "a", "two");
	const struct s3_reply *deleted =
		versioned_ask(&served, "DELETE", "a", second);

	versioned_expect_status(deleted, 204);
	served_expect_header(deleted, "x-amz-version-id", second);
	versioned_expect_no_header(deleted, "x-amz-delete-marker");
	const struct s3_reply *got = versioned_ask(&served, "GET", "a", NULL);

	served_expect_body(got, 200, "one");
	served_expect_header(got, "x-amz-version-id", first);
	/* S3 API: what is to be gone is gone. */
	deleted = versioned_ask(&served, "DELETE", "a", second);
	versioned_expect_status(deleted, 204);
	served_expect_header(deleted, "x-amz-version-id", second);
}

Test(op_versioning, several_are_deleted_and_each_is_told)
{
	scoped(served_stop) struct served served = versioned_start();
	const char *id = versioned_put(&served, "a", "one");
	const char *old = versioned_id(&served,
		versioned_ask(&served, "DELETE", "b", NULL));

	versioned_put(&served, "c", "three");
	const struct s3_reply *reply = served_send(&served, "POST",
		"/photos?delete", NULL,
		slice_str(served_text(&served,
			"<Delete><Object><Key>a</Key><VersionId>%s</VersionId>"
			"</Object><Object><Key>b</Key><VersionId>%s"
			"</VersionId></Object><Object><Key>c</Key></Object>"
			"<Object><Key>d</Key><VersionId>null</VersionId>"
			"</Object></Delete>",
			id, old)));
	struct slice marker =
		s3_client_element(reply, "DeleteMarkerVersionId", 1);

	versioned_expect_status(reply, 200);
	served_expect_elements(reply, "Key", "a b c d ");
	served_expect_elements(reply, "VersionId",
		served_text(&served, "%s %s null ", id, old));
	served_expect_elements(reply, "DeleteMarker", "true true ");
	cr_expect(eq(uint,
		s3_client_element_count(reply, "DeleteMarkerVersionId"), 2));
	cr_expect(slice_equal(s3_client_element(reply, "DeleteMarkerVersionId",
				      0),
		slice_str(old)));
	served_expect_elements(served_ask(&served, "GET", "/photos?versions"),
		"Key", "c c ");
	cr_expect(slice_equal(s3_client_element(served_ask(&served, "GET",
							"/photos?versions"),
				      "VersionId", 0),
		marker));
}

Test(op_versioning, who_may_not_list_is_told_of_no_marker)
{
	scoped(served_stop) struct served served = versioned_start();

	versioned_ask(&served, "DELETE", "a", NULL);
	cr_assert(eq(uint,
		access_site_put_policy(&served,
			STATEMENT("\"Effect\":\"Allow\",\"Principal\":\"*\","
				  "\"Action\":\"s3:GetObject\",\"Resource\":"
				  "\"arn:aws:s3:::photos/*\""))
			->status,
		204));
	access_site_become_nobody(&served);

	const struct s3_reply *reply = versioned_ask(&served, "GET", "a", NULL);

	served_expect_refusal(reply, 403, "AccessDenied");
	versioned_expect_no_header(reply, "x-amz-delete-marker");
	versioned_expect_no_header(reply, "x-amz-version-id");
}

Test(op_versioning, the_current_version_alone_tells_when_it_expires)
{
	scoped(served_stop) struct served served = versioned_start();
	const char *id = versioned_put(&served, "a", "one");

	versioned_expect_status(
		served_send(&served, "PUT", "/photos?lifecycle", NULL,
			SLICE("<LifecycleConfiguration><Rule>"
			      "<Status>Enabled</Status><Prefix/>"
			      "<Expiration><Days>1</Days>"
			      "</Expiration></Rule>"
			      "</LifecycleConfiguration>")),
		200);

	cr_expect(s3_client_header(versioned_ask(&served, "HEAD", "a", NULL),
			  "x-amz-expiration")
			  .len > 0);
	versioned_expect_no_header(versioned_ask(&served, "HEAD", "a", id),
		"x-amz-expiration");
}

/* --- tags, lists, copies -------------------------------------------------- */

Test(op_versioning, tags_are_of_one_version)
{
	scoped(served_stop) struct served served = versioned_start();
	const char *first = versioned_put(&served, "a", "one");
	const char *second = versioned_put(&served, "a", "two");
	const char *target =
		served_text(&served, "/photos/a?tagging&versionId=%s", first);
	const struct s3_reply *set = served_send(&served, "PUT", target, NULL,
		SLICE(TAGGING("old")));

	served_expect_header(set, "x-amz-version-id", first);
	set = served_send(&served, "PUT", "/photos/a?tagging", NULL,
		SLICE(TAGGING("new")));
	served_expect_header(set, "x-amz-version-id", second);
	const struct s3_reply *got = served_ask(&served, "GET", target);

	served_expect_elements(got, "Value", "old ");
	served_expect_header(got, "x-amz-version-id", first);
	got = served_ask(&served, "GET", "/photos/a?tagging");
	served_expect_elements(got, "Value", "new ");
	served_expect_header(got, "x-amz-version-id", second);
	set = served_ask(&served, "DELETE", target);
	versioned_expect_status(set, 204);
	served_expect_header(set, "x-amz-version-id", first);
	served_expect_elements(served_ask(&served, "GET", target), "Value", "");
	served_expect_elements(served_ask(&served, "GET", "/photos/a?tagging"),
		"Value", "new ");
}

Test(op_versioning, policies_look_at_the_tags_of_the_version_that_is_named)
{
	scoped(served_stop) struct served served = versioned_start();
	const char *first = versioned_put(&served, "a", "one");
	const char *second = versioned_put(&served, "a", "two");

	versioned_expect_status(
		served_send(&served, "PUT",
			served_text(&served, "/photos/a?tagging&versionId=%s",
				first),
			NULL, SLICE(TAGGING("open"))),
		200);
	cr_assert(eq(uint,
		access_site_put_policy(&served,
			STATEMENT("\"Effect\":\"Allow\",\"Principal\":\"*\","
				  "\"Action\":[\"s3:GetObject\","
				  "\"s3:GetObjectVersion\"],\"Resource\":"
				  "\"arn:aws:s3:::photos/*\",\"Condition\":"
				  "{\"StringEquals\":{"
				  "\"s3:ExistingObjectTag/a\":\"open\"}}"))
			->status,
		204));
	access_site_become_nobody(&served);

	served_expect_body(versioned_ask(&served, "GET", "a", first), 200,
		"one");
	versioned_expect_status(versioned_ask(&served, "GET", "a", second),
		403);
	versioned_expect_status(versioned_ask(&served, "GET", "a", NULL), 403);
}

Test(op_versioning, lists_are_of_one_version)
{
	scoped(served_stop) struct served served = versioned_start();
	const char *first = versioned_put(&served, "a", "one");
	const char *second = versioned_put(&served, "a", "two");
	const char *target =
		served_text(&served, "/photos/a?acl&versionId=%s", first);

	versioned_expect_status(served_send(&served, "PUT",
					"/photos?ownershipControls", NULL,
					SLICE("<OwnershipControls><Rule>"
					      "<ObjectOwnership>ObjectWriter"
					      "</ObjectOwnership></Rule>"
					      "</OwnershipControls>")),
		200);
	const struct s3_reply *set = served_send(&served, "PUT", target,
		"x-amz-acl: public-read\n", SLICE_NULL);

	versioned_expect_status(set, 200);
	served_expect_header(set, "x-amz-version-id", first);
	const struct s3_reply *got = served_ask(&served, "GET", target);

	served_expect_elements(got, "Permission", "FULL_CONTROL READ ");
	served_expect_header(got, "x-amz-version-id", first);
	got = served_ask(&served, "GET", "/photos/a?acl");
	served_expect_elements(got, "Permission", "FULL_CONTROL ");
	served_expect_header(got, "x-amz-version-id", second);
	access_site_become_nobody(&served);
	served_expect_body(versioned_ask(&served, "GET", "a", first), 200,
		"one");
	versioned_expect_status(versioned_ask(&served, "GET", "a", NULL), 403);
}

Test(op_versioning, a_copy_of_an_older_version_restores_it)
{
	scoped(served_stop) struct served served = versioned_start();
	const char *first = versioned_put(&served, "a", "one");
	const char *second = versioned_put(&served, "a", "two");
	const struct s3_reply *restored =
		versioned_copy(&served, "a", first, "");
	const char *third = versioned_id(&served, restored);

	versioned_expect_status(restored, 200);
	served_expect_header(restored, "x-amz-copy-source-version-id", first);
	cr_expect(ne(str, (char *)third, (char *)first));
	served_expect_body(versioned_ask(&served, "GET", "a", NULL), 200,
		"one");
	served_expect_body(versioned_ask(&served, "GET", "a", second), 200,
		"two");
	served_expect_elements(served_ask(&served, "GET", "/photos?versions"),
		"VersionId",
		served_text(&served, "%s %s %s ", third, second, first));
	const struct s3_reply *plain = served_send(&served, "PUT",
		"/photos/copy", "x-amz-copy-source: photos/a\n", SLICE_NULL);

	served_expect_header(plain, "x-amz-copy-source-version-id", third);
	served_expect_refusal(served_send(&served, "PUT", "/photos/a",
				      "x-amz-copy-source: photos/a\n",
				      SLICE_NULL),
		400, "InvalidRequest");
}

Test(op_versioning, a_copy_tells_what_its_source_lacks)
{
	scoped(served_stop) struct served served = versioned_start();
	const char *first = versioned_put(&served, "a", "one");
	const char *marker = versioned_id(&served,
		versioned_ask(&served, "DELETE", "a", NULL));

	served_expect_refusal(versioned_copy(&served, "b", "00000000deadbeef",
				      ""),
		404, "NoSuchVersion");
	served_expect_refusal(versioned_copy(&served, "b", marker, ""), 400,
		"InvalidRequest");
	served_expect_refusal(versioned_copy(&served, "b", "x", ""), 400,
		"InvalidArgument");
	/* Here it is the copy that is not there. */
	served_expect_refusal(
		versioned_copy(&served, "b", first,
			"if-match: \"5d41402abc4b2a76b9719d911017c592\"\n"),
		404, "NoSuchKey");
	served_expect_refusal(served_send(&served, "PUT", "/photos/b",
				      "x-amz-copy-source: photos/a\n",
				      SLICE_NULL),
		404, "NoSuchKey");
	versioned_expect_status(versioned_copy(&served, "b", first, ""), 200);
}

Test(op_versioning, a_part_is_copied_of_the_version_that_is_named)
{
	scoped(served_stop) struct served served = versioned_start();
	const char *first = versioned_put(&served, "a", "one");
	const char *marker = versioned_id(&served,
		versioned_ask(&served, "DELETE", "a", NULL));
	const char *upload = served_begin_upload(&served, "/photos/b", NULL);
	const char *part =
		served_text(&served, "b?partNumber=1&uploadId=%s", upload);
	const struct s3_reply *copied =
		versioned_copy(&served, part, first, "");

	versioned_expect_status(copied, 200);
	served_expect_header(copied, "x-amz-copy-source-version-id", first);
	served_expect_elements(copied, "ETag",
		"&quot;f97c5d29941bfb1b2fdab0874906ab82&quot; ");
	served_expect_refusal(versioned_copy(&served, part, marker, ""), 400,
		"InvalidRequest");
	served_expect_refusal(versioned_copy(&served, part, "00000000deadbeef",
				      ""),
		404, "NoSuchVersion");
}

/* --- the audit log -------------------------------------------------------- */

static void
expect_line(const char *lines, const char *what)
{
	cr_expect(strstr(lines, what) != NULL, "%s in %s", what, lines);
}

Test(op_versioning, the_audit_log_tells_which_version)
{
	scoped(served_stop) struct served served = served_start_audited();

	served_bucket(&served, "photos");
	versioned_become(&served, VERSIONED_STATUS("Enabled"));
	const char *id = versioned_put(&served, "a", "x");
	const char *marker = versioned_id(&served,
		versioned_ask(&served, "DELETE", "a", NULL));

	versioned_copy(&served, "b", id, "");
	versioned_ask(&served, "GET", "a", "odd");
	served_send(&served, "POST", "/photos?delete", NULL,
		SLICE("<Delete><Object><Key>c</Key></Object><Object>"
		      "<Key>d</Key><VersionId>odd</VersionId></Object>"
		      "</Delete>"));
	const char *put_line =
		served_text(&served, "\"key\":\"a\",\"versionId\":\"%s\"", id);
	const char *marker_line = served_text(&served,
		"\"versionId\":\"%s\",\"deleteMarker\":true", marker);
	const char *source_line =
		served_text(&served, "\"sourceVersionId\":\"%s\"", id);
	const char *lines = served_lines(&served);

	expect_line(lines, put_line);
	expect_line(lines, marker_line);
	expect_line(lines, source_line);
	expect_line(lines, "{\"key\":\"c\",\"deleteMarker\":true,"
			   "\"versionId\":\"");
	cr_expect(strstr(lines, "odd") == NULL);
}
