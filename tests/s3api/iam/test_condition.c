/* SPDX-License-Identifier: Apache-2.0 */
/* Conditions at their edges: what a key that is missing, or of an odd form,
 * makes of them. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

#include "s3api/iam/decide.h"

struct row {
	const char *condition; /* "operator":{"key":value} */
	const char *key;
	const char *value; /* of the request; NULL: it has none */
	bool holds;
};

static void
find(void *context, const struct policy_key_name *name,
	struct policy_values *out)
{
	const struct row *row = context;
	struct policy_key_name asked;

	out->count = 0;
	if (row->value && policy_key_parse(slice_str(row->key), &asked) &&
		asked.key == name->key &&
		slice_equal(asked.suffix, name->suffix))
		out->values[out->count++] = slice_str(row->value);
}

/* Whether a policy that allows under that condition alone lets nobody in. */
static bool
is_allowed(const struct row *row)
{
	static const struct policy_caller nobody = {.is_anonymous = true};
	const struct policy_context context = {find, (void *)row, NULL};
	const struct policy_query query = {
		.action = POLICY_ACTION_GET_OBJECT,
		.resource = SLICE("photos/a"),
		.owner = SLICE("org"),
		.caller = &nobody,
		.context = &context,
	};
	struct policy_error error = {""};
	char text[512];

	(void)snprintf(text, sizeof(text),
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":"
		"\"Allow\",\"Principal\":\"*\",\"Action\":\"s3:GetObject\","
		"\"Resource\":\"arn:aws:s3:::photos/*\",\"Condition\":{%s}}]}",
		row->condition);

	scoped(policy_free) struct policy *policy =
			policy_parse(slice_str(text), SLICE("photos"), &error);

	cr_assert(policy != NULL, "%s: %s", row->condition, error.text);

	const struct decide_policies policies = {.bucket = policy};

	return decide(&query, &policies).is_allowed;
}

static void
expect_all(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++)
		cr_expect(eq(int, is_allowed(&rows[i]), rows[i].holds),
			"%s with %s", rows[i].condition,
			rows[i].value ? rows[i].value : "nothing");
}

#define IP(text) "\"IpAddress\":{\"aws:SourceIp\":\"" text "\"}"
#define NOT_IP(text) "\"NotIpAddress\":{\"aws:SourceIp\":\"" text "\"}"

Test(condition, addresses_of_both_families_are_held_apart)
{
	static const char key[] = "aws:SourceIp";
	static const struct row rows[] = {
		{IP("192.0.2.0/24"), key, "192.0.2.255", true},
		{IP("192.0.2.0/24"), key, "192.0.3.0", false},
		{IP("192.0.2.7"), key, "192.0.2.7", true},
		{IP("192.0.2.0/24"), key, "::ffff:192.0.2.7", true},
		{IP("::ffff:192.0.2.0/120"), key, "192.0.2.7", true},
		{IP("::ffff:192.0.2.0/120"), key, "192.0.3.7", false},
		{IP("0.0.0.0/0"), key, "203.0.113.1", true},
		{IP("0.0.0.0/0"), key, "2001:db8::1", false},
		{IP("::/0"), key, "2001:db8::1", true},
		{IP("::/0"), key, "203.0.113.1", false},
		{IP("2001:db8::/33"), key, "2001:db8:7fff::1", true},
		{IP("2001:db8::/33"), key, "2001:db8:8000::1", false},
		{IP("192.0.2.0/24"), key, NULL, false},
		{IP("192.0.2.0/24"), key, "unknown", false},
		{NOT_IP("192.0.2.0/24"), key, "192.0.2.7", false},
		{NOT_IP("192.0.2.0/24"), key, "::ffff:192.0.2.7", false},
		{NOT_IP("192.0.2.0/24"), key, "2001:db8::1", true},
		{NOT_IP("192.0.2.0/24"), key, NULL, true},
	};

	expect_all(rows, array_len(rows));
}

Test(condition, a_missing_key_makes_it_false_but_for_the_exceptions)
{
	static const char key[] = "aws:Referer";
	static const struct row rows[] = {
		{"\"StringEquals\":{\"aws:Referer\":\"a\"}", key, NULL, false},
		{"\"StringLike\":{\"aws:Referer\":\"*\"}", key, NULL, false},
		{"\"StringLike\":{\"aws:Referer\":\"*\"}", key, "", true},
		{"\"StringEqualsIfExists\":{\"aws:Referer\":\"a\"}", key, NULL,
			true},
		{"\"StringEqualsIfExists\":{\"aws:Referer\":\"a\"}", key, "b",
			false},
		{"\"StringNotEquals\":{\"aws:Referer\":\"a\"}", key, NULL,
			true},
		{"\"StringNotEquals\":{\"aws:Referer\":\"a\"}", key, "a",
			false},
		{"\"Null\":{\"aws:Referer\":\"true\"}", key, NULL, true},
		{"\"Null\":{\"aws:Referer\":\"true\"}", key, "", false},
		{"\"Null\":{\"aws:Referer\":\"false\"}", key, "a", true},
		{"\"ForAllValues:StringEquals\":{\"aws:Referer\":\"a\"}", key,
			NULL, true},
		{"\"ForAnyValue:StringEquals\":{\"aws:Referer\":\"a\"}", key,
			NULL, false},
		{"\"ForAnyValue:StringNotEquals\":{\"aws:Referer\":\"a\"}", key,
			NULL, false},
	};

	expect_all(rows, array_len(rows));
}

Test(condition, lists_and_tags_are_keys_like_others)
{
	static const struct row rows[] = {
		{"\"StringEquals\":{\"s3:x-amz-acl\":"
		 "\"bucket-owner-full-control\"}",
			"s3:x-amz-acl", "bucket-owner-full-control", true},
		{"\"StringEquals\":{\"s3:X-Amz-Acl\":\"private\"}",
			"s3:x-amz-acl", "public-read", false},
		{"\"Null\":{\"s3:x-amz-grant-full-control\":\"false\"}",
			"s3:x-amz-grant-full-control", "id=\"org\"", true},
		{"\"StringEquals\":{\"s3:ExistingObjectTag/Team\":\"a\"}",
			"s3:ExistingObjectTag/Team", "a", true},
		/* What follows the slash has a case. */
		{"\"StringEquals\":{\"s3:ExistingObjectTag/team\":\"a\"}",
			"s3:ExistingObjectTag/Team", "a", false},
		{"\"StringEquals\":{\"s3:RequestObjectTag/Team\":\"a\"}",
			"s3:ExistingObjectTag/Team", "a", false},
		{"\"Bool\":{\"aws:SecureTransport\":\"true\"}",
			"aws:SecureTransport", "true", true},
		{"\"Bool\":{\"aws:SecureTransport\":\"true\"}",
			"aws:SecureTransport", "false", false},
		{"\"NumericLessThan\":{\"s3:max-keys\":\"10\"}", "s3:max-keys",
			"9", true},
		{"\"NumericLessThan\":{\"s3:max-keys\":\"10\"}", "s3:max-keys",
			"many", false},
		{"\"NumericLessThan\":{\"s3:TlsVersion\":1.3}", "s3:TlsVersion",
			"1.2", true},
		{"\"NumericLessThan\":{\"s3:TlsVersion\":[\"1.3\"]}",
			"s3:TlsVersion", "1.3", false},
		{"\"DateGreaterThan\":{\"aws:CurrentTime\":\"2026-01-01\"}",
			"aws:CurrentTime", "2026-01-01T00:00:01Z", true},
	};

	expect_all(rows, array_len(rows));
}
