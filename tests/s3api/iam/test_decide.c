/* SPDX-License-Identifier: Apache-2.0 */
/* Who may do what under given policies; docs/access.md tells the same. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

#include "s3api/iam/decide.h"
#include "s3api/iam/orgpolicy.h"

#define STATEMENT(inside)                                                      \
	"{\"Version\":\"2012-10-17\",\"Statement\":[{" inside "}]}"
#define GET_PHOTOS                                                             \
	"\"Action\":\"s3:GetObject\",\"Resource\":\"arn:aws:s3:::photos/*\""

/* The example of the first document that began this. */
static const char public_read[] = STATEMENT(
	"\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"s3:GetObject\","
	"\"Resource\":[\"arn:aws:s3:::test-bucket/*\"]");

/* That of the second, word for word. */
static const char saml_access[] =
	"{\"version\": \"v1alpha1\", \"name\": \"give-saml-access\", "
	"\"statements\": ["
	"{\"name\": \"object-reader-allow\", \"effect\": \"Allow\", "
	"\"actions\": [\"s3:Get*\", \"s3:List*\"], "
	"\"resources\": [\"test-bucket/*\"], "
	"\"principals\": [\"role/<reader-role>\"]}, "
	"{\"name\": \"object-reader-deny\", \"effect\": \"Deny\", "
	"\"actions\": [\"s3:GetBucketPolicy\", \"s3:ListAllMyBuckets\", "
	"\"s3:ListMultipartUploadParts\", \"s3:ListBucketMultipartUploads\"], "
	"\"resources\": [\"test-bucket/*\"], "
	"\"principals\": [\"role/<reader-role>\"]}, "
	"{\"name\": \"object-writer-allow\", \"effect\": \"Allow\", "
	"\"actions\": [\"s3:*\"], \"resources\": [\"test-bucket/*\"], "
	"\"principals\": [\"role/<writer-role>\"]}, "
	"{\"name\": \"object-writer-deny\", \"effect\": \"Deny\", "
	"\"actions\": [\"s3:PutBucketPolicy\"], "
	"\"resources\": [\"test-bucket/*\"], "
	"\"principals\": [\"role/<writer-role>\"]}, "
	"{\"name\": \"object-admin-access\", \"effect\": \"Allow\", "
	"\"actions\": [\"*\"], \"resources\": [\"*\"], "
	"\"principals\": [\"role/<admin-role>\"]}]}";

static const struct policy_caller nobody = {.is_anonymous = true};
static const struct policy_caller alice = {
	.organization = {"org", 3}, .name = {"alice", 5}};
static const struct policy_caller stranger = {
	.organization = {"other", 5}, .name = {"alice", 5}};
static const struct policy_caller reader = {.organization = {"org", 3},
	.name = {"rita", 4},
	.role = {"<reader-role>", 13}};
static const struct policy_caller writer = {.organization = {"org", 3},
	.name = {"will", 4},
	.role = {"<writer-role>", 13}};
static const struct policy_caller admin = {.organization = {"org", 3},
	.name = {"ada", 3},
	.role = {"<admin-role>", 12}};

static void
find_nothing(void *context, const struct policy_key_name *name,
	struct policy_values *out)
{
	(void)context;
	(void)name;
	out->count = 0;
}

struct setting {
	struct policy *bucket;
	struct policy *own;
};

static void
end(struct setting *setting)
{
	policy_free(&setting->bucket);
	policy_free(&setting->own);
}

static struct setting
begin(const char *bucket_policy, const char *access_policy)
{
	struct setting setting = {NULL, NULL};
	struct policy_error error = {""};

	if (bucket_policy)
		setting.bucket = policy_parse(slice_str(bucket_policy),
			strstr(bucket_policy, "photos") ? SLICE("photos")
							: SLICE("test-bucket"),
			&error);
	if (access_policy)
		setting.own = orgpolicy_parse(slice_str(access_policy), &error);
	cr_assert(eq(int, !bucket_policy, !setting.bucket), "%s", error.text);
	cr_assert(eq(int, !access_policy, !setting.own), "%s", error.text);
	return setting;
}

/* Resources without a bucket are those of no bucket, or of a new one. */
static struct decision
ask(const struct setting *setting, const struct policy_caller *caller,
	const char *action, const char *resource)
{
	const struct policy_context context = {find_nothing, NULL, NULL};
	enum policy_action number = policy_action_find(slice_str(action));
	bool is_new =
		number == POLICY_ACTION_CREATE_BUCKET || resource[0] == '\0';
	bool is_own = slice_equal(caller->organization, SLICE("org"));
	const struct policy_query query = {
		.action = number,
		.resource = slice_str(resource),
		.owner = is_new ? SLICE_NULL : SLICE("org"),
		.caller = caller,
		.context = &context,
	};
	const struct decide_policies policies = {
		.own = &setting->own,
		.own_count = is_own && setting->own,
		.owners = &setting->own,
		.owners_count = !is_own && setting->own && !is_new,
		.bucket = is_new ? NULL : setting->bucket,
	};

	return decide(&query, &policies);
}

static void
expect(const struct setting *setting, const struct policy_caller *caller,
	const char *action, const char *resource, enum decide_reason reason,
	const char *statement)
{
	struct decision decision = ask(setting, caller, action, resource);
	struct slice name =
		decision.statement ? decision.statement->name : SLICE_NULL;

	cr_expect(eq(str, (char *)decide_sentence(decision.reason),
			  (char *)decide_sentence(reason)),
		"%s %s", action, resource);
	cr_expect(slice_equal(name, slice_str(statement)), "%s %s: %.*s",
		action, resource, (int)name.len, name.data);
	cr_expect(eq(int, decision.is_allowed,
		reason == DECIDE_OWNER || reason == DECIDE_BUCKET_ALLOW ||
			reason == DECIDE_ORGANIZATION_ALLOW));
}

Test(decide, without_policies_owning_is_enough_and_strangers_are_refused)
{
	struct setting setting = begin(NULL, NULL);

	expect(&setting, &alice, "s3:PutObject", "test-bucket/a", DECIDE_OWNER,
		NULL);
	expect(&setting, &alice, "s3:ListAllMyBuckets", "", DECIDE_OWNER, NULL);
	expect(&setting, &alice, "s3:CreateBucket", "new", DECIDE_OWNER, NULL);
	expect(&setting, &stranger, "s3:GetObject", "test-bucket/a",
		DECIDE_NO_POLICY, NULL);
	expect(&setting, &nobody, "s3:GetObject", "test-bucket/a",
		DECIDE_NO_POLICY, NULL);
	expect(&setting, &nobody, "s3:ListAllMyBuckets", "", DECIDE_OWNER_ONLY,
		NULL);
	expect(&setting, &nobody, "s3:CreateBucket", "new", DECIDE_OWNER_ONLY,
		NULL);
	expect(&setting, &alice, "s3:MakeCoffee", "test-bucket/a",
		DECIDE_UNKNOWN, NULL);
}

Test(decide, owning_is_not_enough_for_a_role)
{
	struct setting setting = begin(NULL, NULL);

	expect(&setting, &reader, "s3:GetObject", "photos/a",
		DECIDE_ORGANIZATION_SILENT, NULL);
	expect(&setting, &admin, "s3:CreateBucket", "new",
		DECIDE_ORGANIZATION_SILENT, NULL);
	expect(&setting, &admin, "cwobject:CreateAccessKeySAML", "",
		DECIDE_ORGANIZATION_SILENT, NULL);
}

Test(decide, the_policy_of_the_first_seed_lets_the_world_download)
{
	scoped(end) struct setting setting = begin(public_read, NULL);

	expect(&setting, &nobody, "s3:GetObject", "test-bucket/a",
		DECIDE_BUCKET_ALLOW, NULL);
	expect(&setting, &stranger, "s3:GetObject", "test-bucket/a",
		DECIDE_BUCKET_ALLOW, NULL);
	expect(&setting, &nobody, "s3:ListBucket", "test-bucket",
		DECIDE_BUCKET_SILENT, NULL);
	expect(&setting, &nobody, "s3:PutObject", "test-bucket/a",
		DECIDE_BUCKET_SILENT, NULL);
	expect(&setting, &nobody, "s3:GetObjectVersion", "test-bucket/a",
		DECIDE_BUCKET_SILENT, NULL);
	/* Its owner may still do all. */
	expect(&setting, &alice, "s3:PutObject", "test-bucket/a", DECIDE_OWNER,
		NULL);
	expect(&setting, &alice, "s3:DeleteBucketPolicy", "test-bucket",
		DECIDE_OWNER, NULL);
}

Test(decide, the_policy_of_the_second_seed_gives_roles_their_rights)
{
	scoped(end) struct setting setting = begin(NULL, saml_access);
	const enum decide_reason yes = DECIDE_ORGANIZATION_ALLOW;
	const enum decide_reason no = DECIDE_ORGANIZATION_DENY;
	const enum decide_reason silent = DECIDE_ORGANIZATION_SILENT;

	expect(&setting, &reader, "s3:GetObject", "test-bucket/a", yes,
		"object-reader-allow");
	/* The trap: the keys of a bucket stand for the bucket, too. */
	expect(&setting, &reader, "s3:ListBucket", "test-bucket", yes,
		"object-reader-allow");
	expect(&setting, &reader, "s3:GetBucketPolicy", "test-bucket", no,
		"object-reader-deny");
	expect(&setting, &reader, "s3:ListMultipartUploadParts",
		"test-bucket/a", no, "object-reader-deny");
	expect(&setting, &reader, "s3:PutObject", "test-bucket/a", silent,
		NULL);
	expect(&setting, &reader, "s3:GetObject", "other/a", silent, NULL);
	/* Inert: no bucket is meant, and nothing allows it either. */
	expect(&setting, &reader, "s3:ListAllMyBuckets", "", silent, NULL);
	expect(&setting, &writer, "s3:PutObject", "test-bucket/a", yes,
		"object-writer-allow");
	expect(&setting, &writer, "s3:PutBucketPolicy", "test-bucket", no,
		"object-writer-deny");
	expect(&setting, &writer, "s3:CreateBucket", "new", silent, NULL);
	expect(&setting, &admin, "s3:CreateBucket", "new", yes,
		"object-admin-access");
	expect(&setting, &admin, "s3:ListAllMyBuckets", "", yes,
		"object-admin-access");
	expect(&setting, &admin, "cwobject:CreateAccessKey", "", yes,
		"object-admin-access");
	expect(&setting, &alice, "s3:GetObject", "test-bucket/a", silent, NULL);
	expect(&setting, &nobody, "s3:GetObject", "test-bucket/a",
		DECIDE_NO_POLICY, NULL);
}

Test(decide, both_layers_must_agree)
{
	scoped(end) struct setting setting = begin(public_read, saml_access);

	expect(&setting, &reader, "s3:GetObject", "test-bucket/a",
		DECIDE_BUCKET_ALLOW, NULL);
	expect(&setting, &reader, "s3:ListBucket", "test-bucket",
		DECIDE_BUCKET_SILENT, NULL);
	expect(&setting, &writer, "s3:PutObject", "test-bucket/a",
		DECIDE_BUCKET_SILENT, NULL);
	/* Only the organization's policies are asked for these. */
	expect(&setting, &admin, "s3:PutBucketPolicy", "test-bucket",
		DECIDE_ORGANIZATION_ALLOW, "object-admin-access");
	expect(&setting, &admin, "s3:CreateBucket", "new",
		DECIDE_ORGANIZATION_ALLOW, "object-admin-access");
	/* Not for these. */
	expect(&setting, &admin, "s3:GetBucketPolicy", "test-bucket",
		DECIDE_BUCKET_SILENT, NULL);
	expect(&setting, &admin, "s3:GetBucketPolicyStatus", "test-bucket",
		DECIDE_BUCKET_SILENT, NULL);
	expect(&setting, &admin, "s3:DeleteBucketPolicy", "test-bucket",
		DECIDE_BUCKET_SILENT, NULL);
	expect(&setting, &nobody, "s3:GetObject", "test-bucket/a",
		DECIDE_BUCKET_ALLOW, NULL);
}

/* Denies all that can be denied to everyone. */
static const char locked[] = STATEMENT(
	"\"Sid\":\"all\",\"Effect\":\"Deny\",\"Principal\":\"*\","
	"\"Action\":\"s3:*\",\"Resource\":[\"arn:aws:s3:::test-bucket\","
	"\"arn:aws:s3:::test-bucket/*\"]");

Test(decide, a_policy_locks_nobody_out_who_could_repair_it)
{
	scoped(end) struct setting setting = begin(locked, NULL);
	scoped(end) struct setting both = begin(locked, saml_access);

	expect(&setting, &alice, "s3:PutBucketPolicy", "test-bucket",
		DECIDE_OWNER, NULL);
	expect(&setting, &alice, "s3:DeleteBucketPolicy", "test-bucket",
		DECIDE_OWNER, NULL);
	expect(&setting, &alice, "s3:GetBucketPolicy", "test-bucket",
		DECIDE_OWNER, NULL);
	expect(&setting, &alice, "s3:GetBucketPolicyStatus", "test-bucket",
		DECIDE_BUCKET_DENY, "all");
	expect(&setting, &alice, "s3:DeleteBucket", "test-bucket",
		DECIDE_BUCKET_DENY, "all");
	/* A role may replace it where its organization says so. */
	expect(&both, &admin, "s3:PutBucketPolicy", "test-bucket",
		DECIDE_ORGANIZATION_ALLOW, "object-admin-access");
	expect(&both, &admin, "s3:DeleteBucketPolicy", "test-bucket",
		DECIDE_BUCKET_DENY, "all");
	expect(&both, &admin, "s3:GetBucketPolicy", "test-bucket",
		DECIDE_BUCKET_DENY, "all");
	/* The organization's policies are before it, for a token, too. */
	expect(&both, &alice, "s3:DeleteBucketPolicy", "test-bucket",
		DECIDE_ORGANIZATION_SILENT, NULL);
	expect(&both, &writer, "s3:PutBucketPolicy", "test-bucket",
		DECIDE_ORGANIZATION_DENY, "object-writer-deny");
}

Test(decide, a_bucket_s_policy_is_for_its_owner_s_people_alone)
{
	scoped(end) struct setting setting = begin(
		STATEMENT("\"Effect\":\"Allow\",\"Principal\":\"*\","
			  "\"Action\":\"s3:*Policy\","
			  "\"Resource\":\"arn:aws:s3:::test-bucket\""),
		NULL);
	static const char *const actions[] = {"s3:GetBucketPolicy",
		"s3:PutBucketPolicy", "s3:DeleteBucketPolicy"};

	for (size_t i = 0; i < array_len(actions); i++) {
		expect(&setting, &stranger, actions[i], "test-bucket",
			DECIDE_OWNER_ONLY, NULL);
		expect(&setting, &nobody, actions[i], "test-bucket",
			DECIDE_OWNER_ONLY, NULL);
	}
	/* A role may what it gives; of nothing else is Put. */
	expect(&setting, &reader, "s3:GetBucketPolicy", "test-bucket",
		DECIDE_BUCKET_ALLOW, NULL);
	expect(&setting, &reader, "s3:DeleteBucketPolicy", "test-bucket",
		DECIDE_BUCKET_ALLOW, NULL);
	expect(&setting, &reader, "s3:PutBucketPolicy", "test-bucket",
		DECIDE_ORGANIZATION_SILENT, NULL);
}

Test(decide, a_deny_of_the_owner_for_all_reaches_strangers)
{
	scoped(end) struct setting setting = begin(public_read,
		"{\"version\":\"v1alpha1\",\"name\":\"p\",\"statements\":["
		"{\"name\":\"closed\",\"effect\":\"Deny\",\"actions\":[\"s3:*\""
		"],\"resources\":[\"test-bucket/secret/*\"],"
		"\"principals\":[\"*\"]},"
		"{\"name\":\"bob\",\"effect\":\"Deny\",\"actions\":[\"s3:*\"],"
		"\"resources\":[\"*\"],\"principals\":[\"alice\"]}]}");

	expect(&setting, &nobody, "s3:GetObject", "test-bucket/secret/a",
		DECIDE_OWNER_DENY, "closed");
	expect(&setting, &stranger, "s3:GetObject", "test-bucket/secret/a",
		DECIDE_OWNER_DENY, "closed");
	expect(&setting, &nobody, "s3:GetObject", "test-bucket/a",
		DECIDE_BUCKET_ALLOW, NULL);
	/* Another organization's alice is not the one it means. */
	expect(&setting, &stranger, "s3:GetObject", "test-bucket/a",
		DECIDE_BUCKET_ALLOW, NULL);
}

Test(decide, a_service_of_aws_is_nobody_who_asks)
{
	scoped(end) struct setting setting = begin(
		STATEMENT("\"Effect\":\"Allow\",\"Principal\":{\"Service\":"
			  "\"logging.s3.amazonaws.com\"}," GET_PHOTOS
			  ",\"Condition\":{\"ArnLike\":{\"aws:SourceArn\":"
			  "\"arn:aws:s3:::photos\"},\"StringEquals\":"
			  "{\"aws:SourceAccount\":\"123456789012\"}}"),
		NULL);

	cr_expect(eq(int,
		ask(&setting, &stranger, "s3:GetObject", "photos/a").is_allowed,
		false));
	cr_expect(eq(int,
		ask(&setting, &nobody, "s3:GetObject", "photos/a").is_allowed,
		false));
	cr_expect(eq(int,
		ask(&setting, &alice, "s3:GetObject", "photos/a").reason,
		DECIDE_OWNER));
}

Test(decide, all_but_a_service_of_aws_is_everyone)
{
	scoped(end) struct setting setting = begin(
		STATEMENT("\"Effect\":\"Deny\",\"NotPrincipal\":{\"Service\":"
			  "\"logging.s3.amazonaws.com\"}," GET_PHOTOS),
		NULL);

	cr_expect(eq(int,
		ask(&setting, &alice, "s3:GetObject", "photos/a").reason,
		DECIDE_BUCKET_DENY));
}

Test(decide, principals_have_the_forms_of_iam)
{
	static const struct {
		const char *principal;
		bool is_alice;
		bool is_stranger;
	} rows[] = {
		{"org", true, false},
		{"arn:aws:iam::org:root", true, false},
		{"arn:aws:iam::org:user/alice", true, false},
		{"arn:aws:iam::org:user/bob", false, false},
		{"arn:aws:iam::other:user/alice", false, true},
		{"arn:aws:iam:::user/alice", true, false},
		{"org:alice", true, false},
		{"other:alice", false, true},
		{"arn:aws:iam::org:role/alice", false, false},
		{"*", true, true},
	};

	for (size_t i = 0; i < array_len(rows); i++) {
		char text[512];

		(void)snprintf(text, sizeof(text),
			STATEMENT("\"Effect\":\"Allow\",\"Principal\":"
				  "{\"CW\":[\"%s\"]}," GET_PHOTOS),
			rows[i].principal);

		scoped(end) struct setting setting = begin(text, NULL);

		cr_expect(eq(int,
				  ask(&setting, &alice, "s3:GetObject",
					  "photos/a")
						  .reason ==
					  DECIDE_BUCKET_ALLOW,
				  rows[i].is_alice),
			"%s", rows[i].principal);
		cr_expect(eq(int,
				  ask(&setting, &stranger, "s3:GetObject",
					  "photos/a")
					  .is_allowed,
				  rows[i].is_stranger),
			"%s", rows[i].principal);
		cr_expect(eq(int,
				  ask(&setting, &nobody, "s3:GetObject",
					  "photos/a")
					  .is_allowed,
				  !strcmp(rows[i].principal, "*")),
			"%s", rows[i].principal);
	}
}

Test(decide, a_deny_but_for_some_reaches_everyone_else)
{
	scoped(end) struct setting setting = begin(
		"{\"Version\":\"2012-10-17\",\"Statement\":["
		"{\"Effect\":\"Allow\",\"Principal\":\"*\"," GET_PHOTOS
		"},{\"Sid\":\"others\",\"Effect\":\"Deny\","
		"\"NotPrincipal\":{\"AWS\":\"org:alice\"}," GET_PHOTOS "}]}",
		NULL);

	expect(&setting, &alice, "s3:GetObject", "photos/a",
		DECIDE_BUCKET_ALLOW, NULL);
	expect(&setting, &nobody, "s3:GetObject", "photos/a",
		DECIDE_BUCKET_DENY, "others");
	expect(&setting, &reader, "s3:GetObject", "photos/a",
		DECIDE_BUCKET_DENY, "others");
}

Test(decide, a_variable_without_a_value_gives_no_right)
{
	scoped(end) struct setting setting = begin(
		STATEMENT("\"Effect\":\"Allow\",\"Principal\":\"*\","
			  "\"Action\":\"s3:GetObject\",\"NotResource\":"
			  "\"arn:aws:s3:::photos/${aws:username}/*\""),
		NULL);

	expect(&setting, &nobody, "s3:GetObject", "photos/a/b",
		DECIDE_BUCKET_SILENT, NULL);
}

Test(decide, variables_of_2008_are_plain_text)
{
	scoped(end) struct setting setting = begin(
		"{\"Statement\":{\"Effect\":\"Allow\",\"Principal\":\"*\","
		"\"Action\":\"s3:GetObject\",\"Resource\":"
		"\"arn:aws:s3:::photos/${aws:username}/*\"}}",
		NULL);

	expect(&setting, &nobody, "s3:GetObject", "photos/${aws:username}/a",
		DECIDE_BUCKET_ALLOW, NULL);
}

Test(decide, access_policies_are_refused_for_what_they_are_not)
{
	static const char *const bad[][2] = {
		{"{}", "version"},
		{"{\"version\":\"v1\",\"name\":\"a\",\"statements\":[]}",
			"version must be v1alpha1"},
		{"{\"version\":\"v1alpha1\",\"name\":\"\",\"statements\":[]}",
			"name"},
		{"{\"version\":\"v1alpha1\",\"name\":\"a/"
		 "b\",\"statements\":[]}",
			"name"},
		{"{\"version\":\"v1alpha1\",\"name\":\"a\",\"statements\":[]}",
			"statements"},
		{"{\"version\":\"v1alpha1\",\"name\":\"a\",\"statements\":[{}],"
		 "\"more\":1}",
			"no more"},
	};
	static const char *const bad_fields[][2] = {
		{"\"effect\":\"allow\",\"actions\":[\"*\"],\"resources\":"
		 "[\"*\"],\"principals\":[\"*\"]",
			"effect: allow must be"},
		{"\"effect\":\"Allow\",\"actions\":[\"s3:X\"],\"resources\":"
		 "[\"*\"],\"principals\":[\"*\"]",
			"s3:X is not an action"},
		{"\"effect\":\"Allow\",\"actions\":\"*\",\"resources\":"
		 "[\"*\"],\"principals\":[\"*\"]",
			"actions: must be a list"},
		{"\"effect\":\"Allow\",\"actions\":[\"*\"],\"resources\":"
		 "[\"arn:aws:s3:::b\"],\"principals\":[\"*\"]",
			"resources: arn:aws:s3:::b must be"},
		{"\"effect\":\"Allow\",\"actions\":[\"*\"],\"resources\":"
		 "[\"*\"],\"principals\":[\"arn:aws:iam::o:role/x\"]",
			"principals: arn:aws:iam::o:role/x must be"},
		{"\"effect\":\"Allow\",\"actions\":[\"*\"],\"resources\":"
		 "[\"*\"],\"principals\":[\"*\"],\"condition\":{}",
			"no more"},
	};
	struct policy_error error;

	for (size_t i = 0; i < array_len(bad); i++) {
		cr_expect(orgpolicy_parse(slice_str(bad[i][0]), &error) == NULL,
			"%s", bad[i][0]);
		cr_expect(strstr(error.text, bad[i][1]) != NULL, "%s",
			error.text);
	}
	for (size_t i = 0; i < array_len(bad_fields); i++) {
		char text[512];

		(void)snprintf(text, sizeof(text),
			"{\"policy\":{\"version\":\"v1alpha1\",\"name\":\"a\","
			"\"statements\":[{\"name\":\"first\",%s}]}}",
			bad_fields[i][0]);
		cr_expect(orgpolicy_parse(slice_str(text), &error) == NULL,
			"%s", text);
		cr_expect(strstr(error.text, bad_fields[i][1]) != NULL, "%s",
			error.text);
		cr_expect(strncmp(error.text, "statement 1", 11) == 0, "%s",
			error.text);
	}
}

Test(decide, actions_of_aws_in_access_policies_match_nothing)
{
	scoped(end) struct setting setting = begin(NULL,
		"{\"version\":\"v1alpha1\",\"name\":\"p\",\"statements\":["
		"{\"name\":\"aws\",\"effect\":\"Allow\",\"actions\":["
		"\"s3:TagResource\",\"s3:GetObject\"],\"resources\":[\"*\"],"
		"\"principals\":[\"*\"]}]}");

	expect(&setting, &alice, "s3:GetObject", "photos/a",
		DECIDE_ORGANIZATION_ALLOW, "aws");
	expect(&setting, &alice, "s3:PutObject", "photos/a",
		DECIDE_ORGANIZATION_SILENT, NULL);
	expect(&setting, &alice, "s3:TagResource", "photos/a", DECIDE_UNKNOWN,
		NULL);
}

Test(decide, the_second_seed_warns_of_its_traps)
{
	scoped(end) struct setting setting = begin(NULL, saml_access);

	cr_assert(eq(sz, setting.own->warning_count, 4));
	cr_expect(slice_find(setting.own->warnings[0],
			  SLICE("statement 1 (object-reader-allow): ")) == 0);
	cr_expect(slice_find(setting.own->warnings[1],
			  SLICE("s3:ListAllMyBuckets, need the resource *")) >
		  0);
}
