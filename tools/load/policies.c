/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policies - how long decide() takes: over a bucket's policy of 20 statements
 * with principals, wildcards and conditions, and with a list behind it.  Prints
 * one line of JSON: nanoseconds of each.
 */
#include <stdio.h>
#include <stdlib.h>

#include "s3api/iam/decide.h"
#include "store/base/buffer.h"
#include "store/base/clock.h"

#define STATEMENTS 20
#define ROUNDS 2000
#define REPEATS 300

static const struct policy_caller alice = {
	.organization = {"org", 3}, .name = {"alice", 5}};
static const struct policy_caller stranger = {
	.organization = {"other", 5}, .name = {"bob", 3}};

/* The text of a policy whose last statement is the one that applies. */
static void
write_policy(struct buffer *to)
{
	buffer_append_str(to, "{\"Version\":\"2012-10-17\",\"Statement\":[");
	for (unsigned int i = 1; i < STATEMENTS; i++)
		buffer_printf(to,
			"{\"Effect\":\"%s\",\"Principal\":{\"AWS\":"
			"[\"arn:aws:iam::org:user/u%u\",\"org:alice\"]},"
			"\"Action\":[\"s3:Get*\",\"s3:PutObject\"],"
			"\"Resource\":\"arn:aws:s3:::photos/team-%u/*\","
			"\"Condition\":{\"IpAddress\":{\"aws:SourceIp\":"
			"\"10.%u.0.0/16\"}}},",
			i % 4 ? "Allow" : "Deny", i, i, i);
	buffer_append_str(to,
		"{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":"
		"\"s3:GetObject\",\"Resource\":\"arn:aws:s3:::photos/*\","
		"\"Condition\":{\"StringLike\":{\"aws:UserAgent\":"
		"\"*curl/*\"}}}]}");
}

static void
find(void *context, const struct policy_key_name *name,
	struct policy_values *out)
{
	(void)context;
	out->count = 1;
	out->values[0] = name->key == POLICY_KEY_SOURCE_IP
				 ? SLICE("192.0.2.7")
				 : SLICE("a curl/8.5.0");
}

static void
expose(void *context, struct decide_exposure *out)
{
	*out = (struct decide_exposure){.acl = context};
}

struct question {
	const struct policy_caller *caller;
	enum policy_action action;
	const char *resource;
	bool is_allowed;
};

/* Nanoseconds: the least of many short repeats, so that nobody else is in it.
 */
static double
measure(struct policy *policy, struct acl *acl, const struct question *question)
{
	const struct policy_context context = {find, NULL, NULL};
	const struct policy_query query = {
		.action = question->action,
		.resource = slice_str(question->resource),
		.owner = SLICE("org"),
		.caller = question->caller,
		.context = &context,
	};
	const struct decide_policies policies = {
		.bucket = policy, .expose = expose, .expose_context = acl};
	double best = 1e9;

	for (int repeat = 0; repeat < REPEATS; repeat++) {
		int64_t began_ns = clock_monotonic_ns();
		double each;

		for (int i = 0; i < ROUNDS; i++) {
			if (decide(&query, &policies).is_allowed ==
				question->is_allowed)
				continue;
			fprintf(stderr, "policies: a wrong decision\n");
			exit(1);
		}
		each = (double)(clock_monotonic_ns() - began_ns) / ROUNDS;
		best = each < best ? each : best;
	}
	return best;
}

int
main(void)
{
	static const struct question questions[] = {
		{&alice, POLICY_ACTION_GET_OBJECT, "photos/team-7/a", true},
		{&stranger, POLICY_ACTION_GET_OBJECT, "photos/other/a", true},
		{&stranger, POLICY_ACTION_LIST_BUCKET, "photos", true},
		{&stranger, POLICY_ACTION_DELETE_BUCKET, "photos", false},
	};
	static const char *const names[] = {
		"owner", "stranger", "list", "refused"};
	scoped(buffer_free) struct buffer text = {0};
	struct policy_error error;
	struct acl acl;

	write_policy(&text);

	scoped(policy_free) struct policy *policy =
			policy_parse(buffer_slice(&text), SLICE("photos"),
				&error);

	acl_init(&acl, SLICE("org"));
	if (!policy || !acl_add(&acl, ACL_ALL_USERS, SLICE_NULL, ACL_READ)) {
		fprintf(stderr, "policies: %s\n", error.text);
		return 1;
	}
	for (size_t i = 0; i < array_len(questions); i++)
		printf("%s\"%s\":%.1f", i > 0 ? "," : "{", names[i],
			measure(policy, &acl, &questions[i]));
	printf("}\n");
	return 0;
}
