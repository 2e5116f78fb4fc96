/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every operation against every level, and against the actions that it is to
 * policies: one table of all that route.c knows.
 */
#include "s3api/iam/policy_operation.h"
#include "s3api/route.h"
#include "tests/s3api/op/served.h"

#define COPY "x-amz-copy-source: photos/a\n"
#define TAGGING "<Tagging><TagSet/></Tagging>"
#define XML(name, inside) "<" name ">" inside "</" name ">"

/* Letters of those who may: read, write, both (readwrite), full. */
#define READERS "rbf"
#define WRITERS "wbf"
#define BOTH "bf"
#define FULL "f"
#define ALL "rwbf"

struct row {
	const char *operation;
	const char *method;
	const char *target; /* $ stands for an upload's id */
	const char *headers;
	const char *body;
	const char *levels;
	/* With commas between; the first is what policy_operation.c says. */
	const char *actions;
};

/* clang-format off */
static const struct row rows[] = {
	{ "ListBuckets", "GET", "/", NULL, "", READERS, "s3:ListAllMyBuckets" },
	{ "CreateBucket", "PUT", "/photos2", NULL, "", FULL, "s3:CreateBucket" },
	{ "GetBucketLocation", "GET", "/photos?location", NULL, "", READERS, "s3:GetBucketLocation" },
	{ "ListMultipartUploads", "GET", "/photos?uploads", NULL, "", ALL, "s3:ListBucketMultipartUploads" },
	{ "GetBucketPolicy", "GET", "/photos?policy", NULL, "", READERS, "s3:GetBucketPolicy" },
	{ "GetBucketPolicyStatus", "GET", "/photos?policyStatus", NULL, "", READERS, "s3:GetBucketPolicyStatus" },
	{ "PutBucketPolicy", "PUT", "/photos?policy", NULL, "{}", FULL, "s3:PutBucketPolicy" },
	{ "DeleteBucketPolicy", "DELETE", "/photos?policy", NULL, "", FULL, "s3:DeleteBucketPolicy" },
	{ "GetBucketAcl", "GET", "/photos?acl", NULL, "", READERS, "s3:GetBucketAcl" },
	{ "PutBucketAcl", "PUT", "/photos?acl", "x-amz-acl: private\n", "", FULL, "s3:PutBucketAcl" },
	{ "GetPublicAccessBlock", "GET", "/photos?publicAccessBlock", NULL, "", READERS, "s3:GetBucketPublicAccessBlock" },
	{ "PutPublicAccessBlock", "PUT", "/photos?publicAccessBlock", NULL, XML("PublicAccessBlockConfiguration", ""), FULL, "s3:PutBucketPublicAccessBlock" },
	{ "DeletePublicAccessBlock", "DELETE", "/photos?publicAccessBlock", NULL, "", FULL, "s3:PutBucketPublicAccessBlock" },
	{ "GetBucketOwnershipControls", "GET", "/photos?ownershipControls", NULL, "", READERS, "s3:GetBucketOwnershipControls" },
	{ "PutBucketOwnershipControls", "PUT", "/photos?ownershipControls", NULL, XML("OwnershipControls", XML("Rule", XML("ObjectOwnership", "BucketOwnerEnforced"))), FULL, "s3:PutBucketOwnershipControls" },
	{ "DeleteBucketOwnershipControls", "DELETE", "/photos?ownershipControls", NULL, "", FULL, "s3:PutBucketOwnershipControls" },
	{ "GetBucketCors", "GET", "/photos?cors", NULL, "", READERS, "s3:GetBucketCORS" },
	{ "PutBucketCors", "PUT", "/photos?cors", NULL, XML("CORSConfiguration", XML("CORSRule", XML("AllowedOrigin", "*") XML("AllowedMethod", "GET"))), FULL, "s3:PutBucketCORS" },
	{ "DeleteBucketCors", "DELETE", "/photos?cors", NULL, "", FULL, "s3:PutBucketCORS" },
	{ "GetBucketAccelerateConfiguration", "GET", "/photos?accelerate", NULL, "", READERS, "s3:GetAccelerateConfiguration" },
	{ "PutBucketAccelerateConfiguration", "PUT", "/photos?accelerate", NULL, XML("AccelerateConfiguration", XML("Status", "Enabled")), FULL, "s3:PutAccelerateConfiguration" },
	{ "GetBucketEncryption", "GET", "/photos?encryption", NULL, "", READERS, "s3:GetEncryptionConfiguration" },
	{ "PutBucketEncryption", "PUT", "/photos?encryption", NULL, XML("ServerSideEncryptionConfiguration", XML("Rule", XML("BlockedEncryptionTypes", XML("EncryptionType", "NONE")))), FULL, "s3:PutEncryptionConfiguration" },
	{ "GetBucketLifecycleConfiguration", "GET", "/photos?lifecycle", NULL, "", READERS, "s3:GetLifecycleConfiguration" },
	{ "PutBucketLifecycleConfiguration", "PUT", "/photos?lifecycle", NULL, XML("LifecycleConfiguration", XML("Rule", XML("Filter", "") XML("Status", "Disabled") XML("Expiration", XML("Days", "1")))), FULL, "s3:PutLifecycleConfiguration" },
	{ "DeleteBucketLifecycle", "DELETE", "/photos?lifecycle", NULL, "", FULL, "s3:PutLifecycleConfiguration" },
	{ "DeleteBucketEncryption", "DELETE", "/photos?encryption", NULL, "", FULL, "s3:PutEncryptionConfiguration" },
	{ "DeleteBucketReplication", "DELETE", "/photos?replication", NULL, "", FULL, "s3:DeleteReplicationConfiguration" },
	{ "PutBucketReplication", "PUT", "/photos?replication", NULL, XML("ReplicationConfiguration", XML("Role", "r") XML("Rule", XML("Prefix", "") XML("Status", "Disabled") XML("Destination", XML("Bucket", "arn:aws:s3:::gone")))), FULL, "s3:PutReplicationConfiguration" },
	{ "PutBucketWebsite", "PUT", "/photos?website", NULL, XML("WebsiteConfiguration", XML("IndexDocument", XML("Suffix", "a"))), FULL, "s3:PutBucketWebsite" },
	{ "DeleteBucketWebsite", "DELETE", "/photos?website", NULL, "", FULL, "s3:DeleteBucketWebsite" },
	{ "PutBucketLogging", "PUT", "/photos?logging", NULL, "<BucketLoggingStatus/>", FULL, "s3:PutBucketLogging" },
	{ "PutBucketNotificationConfiguration", "PUT", "/photos?notification", NULL, "<NotificationConfiguration/>", FULL, "s3:PutBucketNotification" },
	{ "PutBucketRequestPayment", "PUT", "/photos?requestPayment", NULL, XML("RequestPaymentConfiguration", XML("Payer", "BucketOwner")), FULL, "s3:PutBucketRequestPayment" },
	{ "GetBucketLogging", "GET", "/photos?logging", NULL, "", READERS, "s3:GetBucketLogging" },
	{ "GetBucketNotificationConfiguration", "GET", "/photos?notification", NULL, "", READERS, "s3:GetBucketNotification" },
	{ "PutObjectLockConfiguration", "PUT", "/photos?object-lock", NULL, XML("ObjectLockConfiguration", XML("ObjectLockEnabled", "Enabled")), FULL, "s3:PutBucketObjectLockConfiguration" },
	{ "GetObjectLockConfiguration", "GET", "/photos?object-lock", NULL, "", READERS, "s3:GetBucketObjectLockConfiguration" },
	{ "GetBucketReplication", "GET", "/photos?replication", NULL, "", READERS, "s3:GetReplicationConfiguration" },
	{ "GetBucketRequestPayment", "GET", "/photos?requestPayment", NULL, "", READERS, "s3:GetBucketRequestPayment" },
	{ "GetBucketVersioning", "GET", "/photos?versioning", NULL, "", READERS, "s3:GetBucketVersioning" },
	{ "PutBucketVersioning", "PUT", "/photos?versioning", NULL, XML("VersioningConfiguration", XML("Status", "Enabled")), FULL, "s3:PutBucketVersioning" },
	{ "GetBucketWebsite", "GET", "/photos?website", NULL, "", READERS, "s3:GetBucketWebsite" },
	{ "GetBucketTagging", "GET", "/photos?tagging", NULL, "", READERS, "s3:GetBucketTagging" },
	{ "PutBucketTagging", "PUT", "/photos?tagging", NULL, TAGGING, FULL, "s3:PutBucketTagging" },
	{ "DeleteBucketTagging", "DELETE", "/photos?tagging", NULL, "", FULL, "s3:PutBucketTagging" },
	{ "ListObjectVersions", "GET", "/photos?versions", NULL, "", READERS, "s3:ListBucketVersions" },
	{ "ListObjectsV2", "GET", "/photos?list-type=2", NULL, "", READERS, "s3:ListBucket" },
	{ "ListObjects", "GET", "/photos", NULL, "", READERS, "s3:ListBucket" },
	{ "HeadBucket", "HEAD", "/photos", NULL, "", READERS, "s3:ListBucket" },
	{ "DeleteBucket", "DELETE", "/photos", NULL, "", FULL, "s3:DeleteBucket" },
	{ "DeleteObjects", "POST", "/photos?delete", NULL, XML("Delete", XML("Object", XML("Key", "gone"))), WRITERS, "s3:DeleteObject" },
	{ "ListParts", "GET", "/photos/a?uploadId=none", NULL, "", ALL, "s3:ListMultipartUploadParts" },
	{ "GetObjectRetention", "GET", "/photos/a?retention", NULL, "", READERS, "s3:GetObjectRetention" },
	{ "PutObjectRetention", "PUT", "/photos/a?retention", NULL, "<Retention/>", WRITERS, "s3:PutObjectRetention" },
	{ "GetObjectLegalHold", "GET", "/photos/a?legal-hold", NULL, "", READERS, "s3:GetObjectLegalHold" },
	{ "PutObjectLegalHold", "PUT", "/photos/a?legal-hold", NULL, XML("LegalHold", XML("Status", "OFF")), FULL, "s3:PutObjectLegalHold" },
	{ "GetObjectTagging", "GET", "/photos/a?tagging", NULL, "", READERS, "s3:GetObjectTagging" },
	{ "PutObjectTagging", "PUT", "/photos/a?tagging", NULL, TAGGING, WRITERS, "s3:PutObjectTagging" },
	{ "DeleteObjectTagging", "DELETE", "/photos/a?tagging", NULL, "", WRITERS, "s3:DeleteObjectTagging" },
	{ "GetObjectAcl", "GET", "/photos/a?acl", NULL, "", READERS, "s3:GetObjectAcl" },
	{ "PutObjectAcl", "PUT", "/photos/a?acl", "x-amz-acl: private\n", "", FULL, "s3:PutObjectAcl" },
	{ "GetObjectAttributes", "GET", "/photos/a?attributes", "x-amz-object-attributes: ETag\n", "", READERS, "s3:GetObjectAttributes,s3:GetObject" },
	{ "GetObject", "GET", "/photos/a", NULL, "", READERS, "s3:GetObject" },
	{ "HeadObject", "HEAD", "/photos/a", NULL, "", READERS, "s3:GetObject" },
	{ "UploadPartCopy", "PUT", "/photos/up?partNumber=1&uploadId=$", COPY, "", BOTH, "s3:PutObject,s3:GetObject" },
	{ "UploadPart", "PUT", "/photos/up?partNumber=1&uploadId=none", NULL, "x", WRITERS, "s3:PutObject" },
	{ "CopyObject", "PUT", "/photos/copy", COPY, "", BOTH, "s3:PutObject,s3:GetObject" },
	{ "PutObject", "PUT", "/photos/b", NULL, "b", WRITERS, "s3:PutObject" },
	{ "PutObject", "PUT", "/photos/c", "x-amz-tagging: a=1\n", "c", WRITERS, "s3:PutObject,s3:PutObjectTagging" },
	{ "CopyObject", "PUT", "/photos/d", "x-amz-copy-source: photos/tagged\n", "", BOTH, "s3:PutObject,s3:GetObject,s3:GetObjectTagging,s3:PutObjectTagging" },
	{ "RenameObject", "PUT", "/photos/a?renameObject", "x-amz-rename-source: a\n", "", BOTH, "s3:RenameObject,s3:PutObject,s3:GetObject,s3:DeleteObject" },
	{ "CreateMultipartUpload", "POST", "/photos/up?uploads", NULL, "", WRITERS, "s3:PutObject" },
	{ "CompleteMultipartUpload", "POST", "/photos/up?uploadId=none", NULL, "", WRITERS, "s3:PutObject" },
	{ "RestoreObject", "POST", "/photos/a?restore", NULL, XML("RestoreRequest", ""), BOTH, "s3:RestoreObject" },
	{ "AbortMultipartUpload", "DELETE", "/photos/up?uploadId=none", NULL, "", WRITERS, "s3:AbortMultipartUpload" },
	{ "DeleteObject", "DELETE", "/photos/gone", NULL, "", WRITERS, "s3:DeleteObject" },
	/* Signed by its fields: test_op_post.c holds it against levels. */
	{ "PostObject", "POST", "/photos", NULL, "", ALL, "s3:PutObject" },
};
/* clang-format on */

struct setting {
	struct served served;
	const char *upload;
};

static struct setting
start(void)
{
	struct setting setting = {.served = served_start()};
	struct served *served = &setting.served;

	served_bucket(served, "photos");
	served_put(served, "/photos/a", "bytes");
	cr_assert(eq(uint,
		served_send(served, "PUT", "/photos/tagged",
			"x-amz-tagging: a=1\n", SLICE("x"))
			->status,
		200));
	setting.upload = served_begin_upload(served, "/photos/up", NULL);
	return setting;
}

static void
end(struct setting *setting)
{
	served_stop(&setting->served);
}

/* Whether it was refused for want of a right. */
static bool
is_refused(struct setting *setting, const struct row *row)
{
	struct served *served = &setting->served;
	const char *mark = strchr(row->target, '$');
	const char *target = row->target;

	if (mark)
		target = served_text(served, "%.*s%s", (int)(mark - target),
			target, setting->upload);

	const struct s3_reply *reply = served_send(served, row->method, target,
		row->headers, slice_str(row->body));

	cr_assert(reply->status != 0, "%s", row->operation);
	return slice_find(reply->body, SLICE("AccessDenied")) >= 0 ||
	       (reply->status == 403 &&
		       slice_find(reply->body, SLICE("InvalidObjectState")) <
			       0);
}

Test(operations, all_that_there_are_stand_in_the_table)
{
	size_t count = 0;

	for (; route_operation(count); count++) {
		const char *name = route_operation(count)->name;
		bool is_there = false;

		for (size_t i = 0; i < array_len(rows); i++)
			is_there |= !strcmp(rows[i].operation, name);
		cr_expect(is_there, "%s", name);
	}
	cr_expect(count > 50);
}

Test(operations, are_the_actions_that_policies_call_them)
{
	for (size_t i = 0; i < array_len(rows); i++) {
		struct slice rest = slice_str(rows[i].actions);
		struct slice action;

		cr_assert(slice_split(&rest, ',', &action));

		enum policy_action found =
			policy_operation_action(rows[i].operation);

		cr_expect(slice_equal(slice_str(policy_action_name(found)),
				  action),
			"%s is %s", rows[i].operation,
			policy_action_name(found));
	}
}

static void
try_level(struct setting *setting, enum token_level level, char letter)
{
	served_become(&setting->served, level);
	for (size_t i = 0; i < array_len(rows); i++) {
		bool may = strchr(rows[i].levels, letter) != NULL;

		cr_expect(eq(int, is_refused(setting, &rows[i]), !may),
			"%s by level %c", rows[i].operation, letter);
	}
}

Test(operations, each_level_may_what_the_table_says)
{
	scoped(end) struct setting setting = start();

	try_level(&setting, TOKEN_READ, 'r');
	try_level(&setting, TOKEN_WRITE, 'w');
	try_level(&setting, TOKEN_READWRITE, 'b');
	try_level(&setting, TOKEN_FULL, 'f');
}

/* Those that the policy of a bucket does not speak of, or cannot lock out. */
static bool
is_beyond_policies(const struct row *row)
{
	return strncmp(row->target, "/photos", 7) != 0 ||
	       !strcmp(row->operation, "CreateBucket") ||
	       !strcmp(row->operation, "PostObject") ||
	       !strcmp(row->operation, "GetBucketPolicy") ||
	       !strcmp(row->operation, "PutBucketPolicy") ||
	       !strcmp(row->operation, "DeleteBucketPolicy");
}

/* "a,b" as a list of JSON */
static const char *
quoted(struct served *served, const char *actions)
{
	struct slice rest = slice_str(actions);
	const char *text = "";
	struct slice action;

	while (slice_split(&rest, ',', &action))
		text = served_text(served, "%s%s\"%.*s\"", text,
			*text ? "," : "", (int)action.len, action.data);
	return text;
}

static void
deny(struct setting *setting, const char *element, const char *actions)
{
	struct served *served = &setting->served;
	const struct s3_reply *reply = served_send(served, "PUT",
		"/photos?policy", NULL,
		slice_str(served_text(served,
			"{\"Version\":\"2012-10-17\",\"Statement\":[{"
			"\"Effect\":\"Deny\",\"Principal\":\"*\",\"%s\":[%s],"
			"\"Resource\":[\"arn:aws:s3:::photos\","
			"\"arn:aws:s3:::photos/*\"]}]}",
			element, quoted(served, actions))));

	cr_assert(eq(uint, reply->status, 204), "%s", reply->body.data);
}

Test(operations, each_needs_every_one_of_its_actions_and_no_other)
{
	scoped(end) struct setting setting = start();

	for (size_t i = 0; i < array_len(rows); i++) {
		const struct row *row = &rows[i];
		struct slice rest = slice_str(row->actions);
		struct slice action;

		if (is_beyond_policies(row))
			continue;
		while (slice_split(&rest, ',', &action)) {
			deny(&setting, "Action",
				served_text(&setting.served, "%.*s",
					(int)action.len, action.data));
			cr_expect(is_refused(&setting, row), "%s without %.*s",
				row->operation, (int)action.len, action.data);
		}
		deny(&setting, "NotAction", row->actions);
		cr_expect(not(is_refused(&setting, row)), "%s with %s",
			row->operation, row->actions);
	}
}
