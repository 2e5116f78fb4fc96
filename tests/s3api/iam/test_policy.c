/* SPDX-License-Identifier: Apache-2.0 */
/* What is a policy, what is refused and with which sentence. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

#include "s3api/iam/policy.h"
#include "s3api/iam/policy_operand.h"
#include "s3api/iam/policy_operation.h"
#include "s3api/iam/policy_unserved.h"

#define ALL "\"Effect\":\"Allow\",\"Principal\":\"*\","
#define GET "\"Action\":\"s3:GetObject\","
#define KEYS "\"Resource\":\"arn:aws:s3:::photos/*\""

static struct policy *
parse(const char *text, struct policy_error *error)
{
	error->text[0] = '\0';
	return policy_parse(slice_str(text), SLICE("photos"), error);
}

static struct policy *
parse_statement(const char *inside, struct policy_error *error)
{
	char text[2048];

	(void)snprintf(text, sizeof(text),
		"{\"Version\":\"2012-10-17\",\"Statement\":[{%s}]}", inside);
	return parse(text, error);
}

static void
expect_refusal(struct policy *policy, const struct policy_error *error,
	const char *part)
{
	cr_expect(policy == NULL, "taken, and not: %s", part);
	cr_expect(strstr(error->text, part) != NULL, "%s\nis not: %s",
		error->text, part);
	policy_free(&policy);
}

Test(policy, what_is_not_its_form_is_refused_with_the_place)
{
	static const char *const bad[][2] = {
		{"", "invalid JSON"},
		{"[]", "not a JSON object"},
		{"{\"Version\":\"2012-10-17\"", "line 1"},
		{"{\"Version\":\"2012-10-17\",\"Version\":\"2012-10-17\"}",
			"duplicate"},
		{"{\"Version\":\"2013-01-01\",\"Statement\":[]}", "Version"},
		{"{\"Version\":\"2012-10-17\",\"Statement\":[]}", "Statement"},
		{"{\"Version\":\"2012-10-17\"}", "Statement"},
		{"{\"Version\":\"2012-10-17\",\"Other\":1,\"Statement\":[]}",
			"element Other"},
		{"{\"Id\":1,\"Statement\":[{}]}", "Id"},
		{"{\"Statement\":[1]}", "Statement 1"},
		{"{\"Statement\":\"x\"}", "Statement 1"},
		{"[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]", "too deeply"},
		{"{\"a\":\"\\u0000\"}", "invalid JSON"},
		{"{\"a\":\"\xff\"}", "invalid JSON"},
	};

	for (size_t i = 0; i < array_len(bad); i++) {
		struct policy_error error;

		expect_refusal(parse(bad[i][0], &error), &error, bad[i][1]);
	}
}

Test(policy, statements_are_refused_with_the_place)
{
	static const char *const bad[][2] = {
		{"\"Principal\":\"*\"," GET KEYS, "Effect"},
		{"\"Effect\":\"allow\",\"Principal\":\"*\"," GET KEYS,
			"Effect: allow must be Allow or Deny"},
		{"\"Effect\":\"Allow\"," GET KEYS, "Principal: is missing"},
		{ALL KEYS, "Action: is missing"},
		{ALL "\"Action\":\"s3:GetObject\"", "Resource: is missing"},
		{ALL GET KEYS ",\"Extra\":1", "Extra is not known"},
		{ALL "\"Sid\":1," GET KEYS, "Sid"},
		{ALL "\"Action\":\"s3:Nothing\"," KEYS,
			"Action: s3:Nothing is not an action"},
		{ALL "\"Action\":\"iam:*\"," KEYS, "iam:* is not an action"},
		{ALL "\"Action\":\"cwobject:*\"," KEYS, "is not an action"},
		{ALL "\"Action\":[]," KEYS, "list of strings"},
		{ALL "\"Action\":[1]," KEYS, "list of strings"},
		{ALL "\"Action\":\"s3:ListBucket\"," KEYS,
			"s3:ListBucket does not apply to any resource"},
		{ALL "\"Action\":\"s3:GetObject\","
		     "\"Resource\":\"arn:aws:s3:::photos\"",
			"does not apply to any resource"},
		{ALL GET "\"Action\":\"s3:GetObject\"," KEYS, "duplicate"},
		{ALL GET "\"NotAction\":\"s3:PutObject\"," KEYS,
			"goes with no negated element"},
		{ALL GET "\"Resource\":\"*\"", "does not begin with"},
		{ALL GET "\"Resource\":\"arn:aws:s3:::*\"",
			"outside of the bucket"},
		{ALL GET "\"Resource\":\"arn:aws:s3:::photos2/*\"",
			"outside of the bucket"},
		{ALL GET "\"Resource\":\"arn:aws:s3:::photo*\"",
			"outside of the bucket"},
		{ALL GET "\"Resource\":\"arn:aws:s3:::photos/${aws:nobody}\"",
			"a variable that there is not"},
		{ALL GET "\"Resource\":\"arn:aws:s3:::photos/${aws:username\"",
			"a variable that there is not"},
		{"\"Effect\":\"Allow\",\"NotPrincipal\":{\"AWS\":\"org\"}," GET
				KEYS,
			"Allow with NotPrincipal is not allowed"},
		{"\"Effect\":\"Allow\",\"Principal\":\"org\"," GET KEYS,
			"must be \"*\" or"},
		{"\"Effect\":\"Allow\",\"Principal\":{\"Federated\":\"x\"}," GET
				KEYS,
			"Federated is not a supported kind of principal"},
		{"\"Effect\":\"Allow\",\"Principal\":{\"Service\":\"x\"}," GET
				KEYS,
			"x is not a principal"},
		{"\"Effect\":\"Allow\",\"Principal\":{\"Service\":"
		 "\".amazonaws.com\"}," GET KEYS,
			"is not a principal"},
		{"\"Effect\":\"Deny\",\"Principal\":{\"Service\":"
		 "\"logging.s3.amazonaws.com\"}," GET KEYS,
			"Service cannot be denied anything"},
		{"\"Effect\":\"Allow\",\"Principal\":{\"AWS\":[]}," GET KEYS,
			"list of strings"},
		{"\"Effect\":\"Allow\",\"Principal\":{}," GET KEYS,
			"names no principal"},
		{"\"Effect\":\"Allow\",\"Principal\":{\"AWS\":"
		 "\"arn:aws:iam::org:user/a*\"}," GET KEYS,
			"is not a principal"},
	};

	for (size_t i = 0; i < array_len(bad); i++) {
		struct policy_error error;

		expect_refusal(parse_statement(bad[i][0], &error), &error,
			bad[i][1]);
		cr_expect(strncmp(error.text, "Statement 1", 11) == 0 ||
				  strstr(error.text, "duplicate"),
			"%s", error.text);
	}
}

Test(policy, conditions_are_refused_with_the_place)
{
	static const char *const bad[][2] = {
		{"[]", "Condition: must be an object"},
		{"{\"StringEquals\":1}", "must be an object"},
		{"{\"StringEquals\":{}}", "must be an object"},
		{"{\"StringIs\":{\"aws:username\":\"a\"}}",
			"StringIs: aws:username is not a condition operator"},
		{"{\"StringEquals\":{\"aws:color\":\"a\"}}",
			"aws:color is not a condition key"},
		{"{\"StringEquals\":{\"s3:ExistingObjectTag/\":\"a\"}}",
			"is not a condition key"},
		{"{\"StringEquals\":{\"aws:username\":[]}}", "has no value"},
		{"{\"StringEquals\":{\"aws:username\":[[]]}}",
			"is not a string"},
		{"{\"StringEquals\":{\"aws:username\":null}}",
			"is not a string"},
		{"{\"NumericEquals\":{\"s3:max-keys\":\"0x10\"}}",
			"is not a number"},
		{"{\"NumericEquals\":{\"s3:max-keys\":\"${aws:username}\"}}",
			"is not a number"},
		{"{\"DateEquals\":{\"aws:CurrentTime\":\"2020-02-30\"}}",
			"is not a date"},
		{"{\"DateEquals\":{\"aws:CurrentTime\":\"2020-12T10:00Z\"}}",
			"is not a date"},
		{"{\"Bool\":{\"aws:SecureTransport\":\"yes\"}}",
			"is neither true nor false"},
		{"{\"IpAddress\":{\"aws:SourceIp\":\"10.0.0.0/33\"}}",
			"is not an IP address"},
		{"{\"IpAddress\":{\"aws:SourceIp\":\"10.0.0\"}}",
			"is not an IP address"},
		{"{\"ArnLike\":{\"aws:PrincipalArn\":\"arn:aws:iam\"}}",
			"is not an ARN"},
		{"{\"BinaryEquals\":{\"aws:username\":\"!\"}}",
			"is not base64"},
		{"{\"NullIfExists\":{\"aws:username\":\"true\"}}",
			"goes with neither"},
		{"{\"ForAllValues:Null\":{\"aws:username\":\"true\"}}",
			"goes with neither"},
	};

	for (size_t i = 0; i < array_len(bad); i++) {
		struct policy_error error;
		char text[512];

		(void)snprintf(text, sizeof(text),
			ALL "\"Sid\":\"mine\"," GET KEYS ",\"Condition\":%s",
			bad[i][0]);
		expect_refusal(parse_statement(text, &error), &error,
			bad[i][1]);
		cr_expect(strncmp(error.text,
				  "Statement 1 (mine): Condition: ", 31) == 0,
			"%s", error.text);
	}
}

Test(policy, a_sid_names_one_statement)
{
	struct policy_error error;

	expect_refusal(parse("{\"Statement\":[{\"Sid\":\"a\"," ALL GET KEYS
			     "},{\"Sid\":\"a\"," ALL GET KEYS "}]}",
			       &error),
		&error, "Statement 2: Sid: a is that of another statement");
}

/* FEATURES of the service that began this: all must be storable. */
Test(policy, every_action_of_the_list_is_known_in_any_case)
{
	static const char *const names[] = {"AbortMultipartUpload",
		"CreateBucket", "DeleteBucketPolicy", "DeleteBucket",
		"DeleteBucketWebsite", "DeleteObject", "DeleteObjectVersion",
		"DeleteReplicationConfiguration", "GetAccelerateConfiguration",
		"GetBucketACL", "GetBucketCORS", "GetBucketLocation",
		"GetBucketLogging", "GetBucketNotification", "GetBucketPolicy",
		"GetBucketRequestPayment", "GetBucketTagging",
		"GetBucketVersioning", "GetBucketWebsite",
		"GetLifecycleConfiguration", "GetObjectAcl", "GetObject",
		"GetObjectTorrent", "GetObjectVersionAcl", "GetObjectVersion",
		"GetObjectVersionTorrent", "GetReplicationConfiguration",
		"ListAllMyBuckets", "ListBucketMultipartUploads", "ListBucket",
		"ListBucketVersions", "ListMultipartUploadParts",
		"PutAccelerateConfiguration", "PutBucketAcl", "PutBucketCORS",
		"PutBucketLogging", "PutBucketNotification", "PutBucketPolicy",
		"PutBucketRequestPayment", "PutBucketTagging",
		"PutBucketVersioning", "PutBucketWebsite",
		"PutLifecycleConfiguration", "PutObjectAcl", "PutObject",
		"PutObjectVersionAcl", "PutReplicationConfiguration",
		"RestoreObject"};

	cr_expect(eq(sz, array_len(names), 48));
	for (size_t i = 0; i < array_len(names); i++) {
		struct policy_error error;
		char text[512];

		(void)snprintf(text, sizeof(text),
			ALL "\"Action\":\"S3:%s\",\"Resource\":"
			    "[\"arn:aws:s3:::photos\","
			    "\"arn:aws:s3:::photos/*\"]",
			names[i]);

		scoped(policy_free) struct policy *policy =
				parse_statement(text, &error);

		cr_expect(policy != NULL, "%s: %s", names[i], error.text);
	}
}

/* As policies are copied from AWS. */
Test(policy, actions_of_aws_that_nothing_here_does_are_taken_and_match_nothing)
{
	const char *name;
	const char *before = "";
	size_t count = 0;

	for (; (name = policy_unserved_name(count)); count++) {
		struct policy_error error;
		char text[512];

		(void)snprintf(text, sizeof(text),
			ALL "\"Action\":\"%s\",\"Resource\":"
			    "\"arn:aws:s3:::photos/*\"",
			name);

		scoped(policy_free) struct policy *policy =
				parse_statement(text, &error);

		cr_assert(policy != NULL, "%s: %s", name, error.text);
		for (unsigned int i = 1; i < POLICY_ACTION_COUNT; i++)
			cr_expect(not(policy_action_is_in(&policy->statements[0]
								   .actions,
				(enum policy_action)i)));
		cr_expect(eq(int, policy_action_find(slice_str(name)),
				  POLICY_ACTION_NONE),
			"%s", name);
		cr_expect(lt(int, strcmp(before, name), 0), "%s", name);
		before = name;
	}
	cr_expect(gt(sz, count, 80));
	cr_expect(policy_unserved_has(SLICE("s3:TagResource")));
	cr_expect(policy_unserved_has(SLICE("S3:listaccesspoints")));
	cr_expect(policy_unserved_has(SLICE("s3:*Job")));
	cr_expect(not(policy_unserved_has(SLICE("s3:TagResources"))));
}

Test(policy, an_action_of_aws_takes_nothing_from_those_beside_it)
{
	struct policy_error error;
	scoped(policy_free) struct policy *policy = parse_statement(ALL
		"\"Action\":[\"s3:TagResource\",\"s3:GetObject\","
		"\"s3:ListJobs\"]," KEYS,
		&error);

	cr_assert(policy != NULL, "%s", error.text);
	cr_expect(policy_action_is_in(&policy->statements[0].actions,
		POLICY_ACTION_GET_OBJECT));
	expect_refusal(parse_statement(ALL "\"Action\":[\"s3:TagResource\","
					   "\"s3:TagResourze\"]," KEYS,
			       &error),
		&error, "s3:TagResourze is not an action");
	expect_refusal(parse_statement(ALL "\"Action\":[\"s3:TagResource\","
					   "\"s3:ListBucket\"]," KEYS,
			       &error),
		&error, "s3:ListBucket does not apply");
}

Test(policy, operations_have_the_actions_of_s3)
{
	static const struct {
		const char *operation;
		const char *action;
	} rows[] = {
		{"GetObject", "s3:GetObject"},
		{"HeadObject", "s3:GetObject"},
		{"HeadBucket", "s3:ListBucket"},
		{"ListObjects", "s3:ListBucket"},
		{"ListObjectsV2", "s3:ListBucket"},
		{"ListObjectVersions", "s3:ListBucketVersions"},
		{"ListBuckets", "s3:ListAllMyBuckets"},
		{"ListParts", "s3:ListMultipartUploadParts"},
		{"ListMultipartUploads", "s3:ListBucketMultipartUploads"},
		{"UploadPart", "s3:PutObject"},
		{"UploadPartCopy", "s3:PutObject"},
		{"CopyObject", "s3:PutObject"},
		{"CreateMultipartUpload", "s3:PutObject"},
		{"CompleteMultipartUpload", "s3:PutObject"},
		{"AbortMultipartUpload", "s3:AbortMultipartUpload"},
		{"DeleteObject", "s3:DeleteObject"},
		{"DeleteObjects", "s3:DeleteObject"},
		{"GetObjectAttributes", "s3:GetObjectAttributes"},
		{"GetObjectTagging", "s3:GetObjectTagging"},
		{"GetBucketLocation", "s3:GetBucketLocation"},
		{"GetBucketAcl", "s3:GetBucketAcl"},
		{"DeleteBucketCors", "s3:PutBucketCORS"},
		{"PutBucketLifecycleConfiguration",
			"s3:PutLifecycleConfiguration"},
		{"PutBucketPolicy", "s3:PutBucketPolicy"},
		{"GetBucketPolicyStatus", "s3:GetBucketPolicyStatus"},
		{"CreateBucket", "s3:CreateBucket"},
		{"DeleteBucket", "s3:DeleteBucket"},
		{"MakeCoffee", ""},
	};

	for (size_t i = 0; i < array_len(rows); i++)
		cr_expect(eq(str,
				  (char *)policy_action_name(
					  policy_operation_action(
						  rows[i].operation)),
				  (char *)rows[i].action),
			"%s", rows[i].operation);
}

Test(policy, what_is_done_to_a_version_has_an_action_of_its_own)
{
	static const struct {
		const char *plain;
		const char *of_version;
	} rows[] = {
		{"GetObject", "s3:GetObjectVersion"},
		{"HeadObject", "s3:GetObjectVersion"},
		{"DeleteObject", "s3:DeleteObjectVersion"},
		{"PutObjectTagging", "s3:PutObjectVersionTagging"},
		{"GetObjectAcl", "s3:GetObjectVersionAcl"},
		{"RestoreObject", "s3:RestoreObject"},
		{"ListObjects", "s3:ListBucket"},
	};

	for (size_t i = 0; i < array_len(rows); i++) {
		enum policy_action action = policy_operation_of_version(
			policy_operation_action(rows[i].plain));

		cr_expect(eq(str, (char *)policy_action_name(action),
			(char *)rows[i].of_version));
	}
}

Test(policy, dates_have_the_forms_of_w3c_and_seconds)
{
	static const struct {
		const char *text;
		int64_t seconds;
	} good[] = {
		{"1970", 0},
		{"1970-02", 31 * 86400},
		{"1970-01-02", 86400},
		{"1970-01-01T00:01Z", 60},
		{"1970-01-01T00:01:02Z", 62},
		{"1970-01-01T01:00:00+01:00", 0},
		{"1969-12-31T23:00:00-01:00", 0},
		{"2013-12-15T12:00:00.000Z", 1387108800},
		{"1387108800", 1387108800},
	};
	static const char *const bad[] = {"", "x", "2013-13", "2013-00",
		"2013-02-29", "2013-12-15T12:00:00", "2013-12-15T24:00Z",
		"2013-12-15T12:00:00Zx", "2013-12-15 12:00Z", "1e9",
		"99999999999", "2013-12T10:00Z", "2013-12-15T12:00:00.Z"};
	int64_t time_ns = 0;

	for (size_t i = 0; i < array_len(good); i++) {
		cr_expect(policy_operand_date(slice_str(good[i].text),
				  &time_ns),
			"%s", good[i].text);
		cr_expect(eq(i64, time_ns, good[i].seconds * 1000000000), "%s",
			good[i].text);
	}
	for (size_t i = 0; i < array_len(bad); i++)
		cr_expect(not(policy_operand_date(slice_str(bad[i]), &time_ns)),
			"%s", bad[i]);
}

Test(policy, is_public_when_it_lets_everyone_in)
{
	static const struct {
		const char *inside;
		bool is_public;
	} rows[] = {
		{ALL GET KEYS, true},
		{"\"Effect\":\"Allow\",\"Principal\":{\"AWS\":[\"org\",\"*\"]}"
		 "," GET KEYS,
			true},
		{"\"Effect\":\"Deny\",\"Principal\":\"*\"," GET KEYS, false},
		{"\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"org\"}," GET
				KEYS,
			false},
		{ALL GET KEYS ",\"Condition\":{\"IpAddress\":{\"aws:SourceIp\":"
			      "\"10.0.0.0/8\"}}",
			false},
		{ALL GET KEYS ",\"Condition\":{\"IpAddress\":{\"aws:SourceIp\":"
			      "[\"10.0.0.0/8\",\"0.0.0.0/0\"]}}",
			true},
		{ALL GET KEYS
			",\"Condition\":{\"NotIpAddress\":{\"aws:SourceIp\":"
			"\"10.0.0.0/8\"}}",
			true},
		{ALL GET KEYS ",\"Condition\":{\"StringEquals\":"
			      "{\"aws:PrincipalOrgID\":\"org\"}}",
			false},
		{ALL GET KEYS ",\"Condition\":{\"StringLike\":"
			      "{\"aws:PrincipalOrgID\":\"o*\"}}",
			true},
		{ALL GET KEYS ",\"Condition\":{\"StringLike\":"
			      "{\"aws:Referer\":\"http://a/\"}}",
			true},
	};

	for (size_t i = 0; i < array_len(rows); i++) {
		struct policy_error error;
		scoped(policy_free) struct policy *policy =
				parse_statement(rows[i].inside, &error);

		cr_assert(policy != NULL, "%s", error.text);
		cr_expect(eq(int, policy_is_public(policy), rows[i].is_public),
			"%s", rows[i].inside);
	}
}
