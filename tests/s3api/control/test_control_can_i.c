/* SPDX-License-Identifier: Apache-2.0 */
/* can-i against what the same key is told when it asks. */
#include "s3api/iam/access.h"
#include "s3api/iam/exposure.h"
#include "tests/s3api/control/control_site.h"

#define ACCESS_POLICY(statements)                                              \
	"{\"version\":\"v1alpha1\",\"name\":\"q\",\"statements\":["            \
	"{\"name\":\"all\",\"effect\":\"Allow\",\"actions\":[\"*\"],"          \
	"\"resources\":[\"*\"],\"principals\":[\"coreweave/ops\","             \
	"\"coreweave/low\",\"low\"]}" statements "]}"

/* As the API answers about one pair; the reason in the site's arena. */
static bool
can_i(struct control_site *site, const char *action, const char *resource,
	const char **reason)
{
	const struct s3_reply *reply =
		control_site_ask_as_ops(site, "POST", CONTROL "auth/can-i",
			served_text(&site->served,
				"{\"actions\":[\"%s\"],\"resources\":[\"%s\"]}",
				action, resource));
	json_t *root = control_site_json(reply);
	const json_t *one =
		json_array_get(json_object_get(root, "decisions"), 0);
	bool is_allowed = json_boolean_value(json_object_get(one, "allowed"));

	cr_assert(eq(uint, reply->status, 200), "%s", reply->body.data);
	*reason = served_text(&site->served, "%s",
		json_string_value(json_object_get(one, "reason")));
	json_decref(root);
	return is_allowed;
}

static const struct {
	const char *action, *resource, *method, *target, *body;
} asks[] = {
	{"s3:GetObject", "photos/a", "GET", "/photos/a", ""},
	{"s3:PutObject", "photos/b", "PUT", "/photos/b", "x"},
	{"s3:DeleteObject", "photos/b", "DELETE", "/photos/b", ""},
	{"s3:ListBucket", "photos", "GET", "/photos", ""},
	/* Of a bucket, whatever of it is named. */
	{"s3:ListBucket", "photos/a", "GET", "/photos", ""},
	{"s3:GetObjectVersion", "photos/a", "GET", "/photos/a?versionId=null",
		""},
	{"s3:ListBucketVersions", "photos", "GET", "/photos?versions", ""},
	{"s3:ListAllMyBuckets", "*", "GET", "/", ""},
	{"s3:CreateBucket", "new-one", "PUT", "/new-one", ""},
	{"s3:GetBucketPolicyStatus", "photos", "GET", "/photos?policyStatus",
		""},
	{"s3:ListBucket", "theirs", "GET", "/theirs", ""},
	/* It has to be there to be got. */
	{"s3:PutObject", "theirs/a", "PUT", "/theirs/a", "x"},
	{"s3:GetObject", "theirs/a", "GET", "/theirs/a", ""},
	{"s3:GetBucketAcl", "theirs", "GET", "/theirs?acl", ""},
};

/* How many are allowed, so that a test sees that something is. */
static unsigned int
compare(struct control_site *site, const char *setting)
{
	unsigned int count = 0;

	for (size_t i = 0; i < array_len(asks); i++) {
		const char *reason;
		bool can =
			can_i(site, asks[i].action, asks[i].resource, &reason);
		const struct s3_reply *reply =
			served_send(&site->served, asks[i].method,
				asks[i].target, NULL, slice_str(asks[i].body));

		cr_expect(eq(int, can, reply->status != 403),
			"%s: %s %s: %s, but %u", setting, asks[i].action,
			asks[i].resource, reason, reply->status);
		count += can;
	}
	return count;
}

static struct bucket
bucket_of(struct control_site *site, const char *name)
{
	struct bucket bucket;

	cr_assert(zero(int,
		bucket_get(site->served.temp.store, slice_str(name), &bucket)));
	return bucket;
}

static void
set_policy(struct control_site *site, const char *bucket, const char *text)
{
	struct slice value = slice_str(text);
	struct bucket found = bucket_of(site, bucket);

	cr_assert(zero(int,
		bucket_set_document(site->served.temp.store, found.ino,
			SLICE(ACCESS_POLICY_KIND), &value)));
}

static void
open_site(struct control_site *site)
{
	control_site_open(site);
	control_site_make_theirs(site);
	control_site_put_policy(site->served.temp.store,
		ACCESS_POLICY(",{\"name\":\"not\",\"effect\":\"Deny\","
			      "\"actions\":[\"s3:DeleteObject\"],"
			      "\"resources\":[\"photos/*\"],"
			      "\"principals\":[\"coreweave/ops\"]},"
			      "{\"name\":\"other\",\"effect\":\"Deny\","
			      "\"actions\":[\"s3:PutObject\"],"
			      "\"resources\":[\"photos/*\"],"
			      "\"principals\":[\"ops\"]}"));
	control_site_become(site,
		control_site_ask_as_ops(site, "POST", CONTROL "access-key",
			"{\"durationSeconds\":600}"));
}

Test(control_can_i, the_keys_are_who_is_judged_not_the_bearer)
{
	scoped(control_site_close) struct control_site site;
	const char *reason;

	open_site(&site);
	cr_expect(ge(uint, compare(&site, "no policy"), 6));
	cr_expect(not(can_i(&site, "s3:DeleteObject", "photos/b", &reason)));
	cr_expect(eq(str, (char *)reason,
		(char *)decide_sentence(DECIDE_ORGANIZATION_DENY)));
	/* The other way round of what only a bearer does. */
	cr_expect(can_i(&site, "cwobject:CreateAccessKey", "*", &reason));
	cr_expect(can_i(&site, "cwobject:SetBucketSettings", "*", &reason));
	control_site_put_policy(site.served.temp.store,
		ACCESS_POLICY(",{\"name\":\"not\",\"effect\":\"Deny\","
			      "\"actions\":[\"cwobject:SetBucketSettings\"],"
			      "\"resources\":[\"*\"],"
			      "\"principals\":[\"ops\"]}"));
	cr_expect(not(can_i(&site, "cwobject:SetBucketSettings", "*",
		&reason)));
}

Test(control_can_i, a_level_bounds_it)
{
	scoped(control_site_close) struct control_site site;
	const char *reason;

	open_site(&site);
	control_site_bearer(&site, "low", TOKEN_READWRITE);
	control_site_become(&site,
		control_site_ask_as_ops(&site, "POST", CONTROL "access-key",
			"{\"durationSeconds\":600}"));

	cr_expect(ge(uint, compare(&site, "readwrite"), 4));
	cr_expect(not(can_i(&site, "s3:CreateBucket", "new-two", &reason)));
	cr_expect(eq(str, (char *)reason,
		"the level of the token does not allow it"));
	cr_expect(not(can_i(&site, "cwobject:RevokeAccessKey", "*", &reason)));
	cr_expect(can_i(&site, "cwobject:CreateAccessKey", "*", &reason));
}

Test(control_can_i, policies_lists_and_blocks_of_buckets_count)
{
	scoped(control_site_close) struct control_site site;
	struct store *store;
	struct bucket theirs;
	const enum exposure_ownership ownership = EXPOSURE_OBJECT_WRITER;
	const unsigned int block = EXPOSURE_RESTRICT_BUCKETS;
	struct acl acl;
	const char *reason;

	open_site(&site);
	store = site.served.temp.store;
	theirs = bucket_of(&site, "theirs");

	/* Their policy, for everyone. */
	set_policy(&site, "theirs",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":"
		"\"Allow\",\"Principal\":\"*\",\"Action\":[\"s3:GetObject\","
		"\"s3:PutObject\"],\"Resource\":\"arn:aws:s3:::theirs/*\"}]}");
	compare(&site, "a public policy");
	cr_expect(can_i(&site, "s3:PutObject", "theirs/a", &reason));

	cr_assert(zero(int, exposure_write_block(store, &theirs, &block)));
	compare(&site, "a restricted public policy");
	cr_expect(not(can_i(&site, "s3:PutObject", "theirs/a", &reason)));
	/* Which of their settings it was is not told. */
	cr_expect(eq(str, (char *)reason,
		"the bucket is another organization's, which does not let it "
		"in"));

	/* A list alone. */
	cr_assert(zero(int, exposure_write_block(store, &theirs, NULL)));
	cr_assert(zero(int, bucket_set_document(store, theirs.ino,
				    SLICE(ACCESS_POLICY_KIND), NULL)));
	acl_init(&acl, SLICE("acme"));
	cr_assert(acl_add(&acl, ACL_ORGANIZATION, SLICE(ORGANIZATION_DEFAULT),
		ACL_READ));
	cr_assert(zero(int,
		exposure_write_ownership(store, &theirs, &ownership)));
	cr_assert(zero(int, exposure_write_acl(store, &theirs, &acl)));
	compare(&site, "a list");
	cr_expect(can_i(&site, "s3:ListBucket", "theirs", &reason));
	cr_expect(not(can_i(&site, "s3:PutObject", "theirs/a", &reason)));

	/* One's own, with a condition on the request that asks. */
	set_policy(&site, "photos",
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":"
		"\"Allow\",\"Principal\":\"*\",\"Action\":\"s3:*\","
		"\"Resource\":[\"arn:aws:s3:::photos\","
		"\"arn:aws:s3:::photos/*\"],\"Condition\":{\"StringEquals\":"
		"{\"aws:username\":\"coreweave/ops\"},\"IpAddress\":"
		"{\"aws:SourceIp\":\"127.0.0.1\"}}},{\"Effect\":\"Deny\","
		"\"Principal\":\"*\",\"Action\":\"s3:PutObject\",\"Resource\":"
		"\"arn:aws:s3:::photos/b\"}]}");
	compare(&site, "an own policy");
	cr_expect(can_i(&site, "s3:GetObject", "photos/a", &reason));
	cr_expect(not(can_i(&site, "s3:PutObject", "photos/b", &reason)));
}

Test(control_can_i, what_nobody_can_ask_for_is_not_allowed)
{
	scoped(control_site_close) struct control_site site;
	const char *reason;

	open_site(&site);
	/* No operation; of who signs in; not of a bucket. */
	cr_expect(not(can_i(&site, "s3:PutInventoryConfiguration", "photos",
		&reason)));
	cr_expect(eq(str, (char *)reason,
		"no request of a key or bearer asks for it"));
	cr_expect(not(can_i(&site, "s3:TagResource", "photos", &reason)));
	cr_expect(not(can_i(&site, "cwobject:CreateAccessKeySAML", "*",
		&reason)));
	cr_expect(not(can_i(&site, "s3:GetObject", "photos", &reason)));
	cr_expect(eq(str, (char *)reason,
		"it is done to an object: BUCKET/KEY"));
	cr_expect(not(can_i(&site, "s3:GetObject",
		served_text(&site.served, "photos/%01025d", 0), &reason)));
	/* A bucket to be. */
	cr_expect(can_i(&site, "s3:PutObject", "none/b", &reason));
}

static const json_t *
decision_of(const json_t *root, size_t i)
{
	return json_array_get(json_object_get(root, "decisions"), i);
}

Test(control_can_i, pairs_are_answered_in_their_order)
{
	scoped(control_site_close) struct control_site site;
	const struct s3_reply *reply;
	json_t *root;
	const char *const wanted[][3] = {
		{"s3:ListAllMyBuckets", "photos/b", "true"},
		{"s3:DeleteObject", "photos/b", "false"},
		{"s3:GetObject", "photos/b", "true"},
		{"s3:ListAllMyBuckets", "other/b", "true"},
		{"s3:DeleteObject", "other/b", "true"},
		{"s3:GetObject", "other/b", "true"},
	};

	open_site(&site);
	reply = control_site_ask_as_ops(&site, "POST", CONTROL "auth/can-i",
		"{\"actions\":[\"s3:ListAllMyBuckets\",\"s3:DeleteObject\","
		"\"s3:GetObject\"],\"resources\":[\"photos/b\",\"other/b\"]}");
	root = control_site_json(reply);
	cr_assert(eq(sz, json_array_size(json_object_get(root, "decisions")),
			  array_len(wanted)),
		"%s", reply->body.data);
	for (size_t i = 0; i < array_len(wanted); i++) {
		const json_t *one = decision_of(root, i);
		bool is_allowed =
			json_boolean_value(json_object_get(one, "allowed"));

		cr_expect(eq(str,
			(char *)json_string_value(json_object_get(one,
				"action")),
			(char *)wanted[i][0]));
		cr_expect(eq(str,
			(char *)json_string_value(json_object_get(one,
				"resource")),
			(char *)wanted[i][1]));
		cr_expect(eq(str, is_allowed ? "true" : "false",
				  (char *)wanted[i][2]),
			"%zu", i);
	}
	json_decref(root);
}

Test(control_can_i, what_is_no_question_is_refused)
{
	scoped(control_site_close) struct control_site site;
	static const char *const bad[] = {
		"{\"actions\":[\"s3:Dance\"],\"resources\":[\"*\"]}",
		"{\"actions\":[\"s3:*\"],\"resources\":[\"photos\"]}",
		"{\"actions\":\"s3:GetObject\"}",
		"{\"actions\":[\"s3:GetObject\"],\"resources\":[1]}",
		"{\"actions\":[],\"resources\":[\"*\"]}",
	};

	open_site(&site);
	for (size_t i = 0; i < array_len(bad); i++)
		control_site_expect_error(control_site_ask_as_ops(&site, "POST",
						  CONTROL "auth/can-i", bad[i]),
			400, 3);
	control_site_expect_error(
		control_site_ask_as_ops(&site, "POST", CONTROL "auth/can-i",
			served_text(&site.served,
				"{\"actions\":[\"s3:GetObject\"],"
				"\"resources\":[\"photos/%05000d\"]}",
				0)),
		400, 3);
}
