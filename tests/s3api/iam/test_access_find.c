/* SPDX-License-Identifier: Apache-2.0 */
/* What conditions see of a request, and what that may cost. */
#include <sys/resource.h>

#include "s3api/iam/access_private.h"
#include "s3api/server_private.h"
#include "store/token.h"
#include "tests/s3api/iam/access_site.h"

Test(access_find, conditions_see_the_request)
{
	scoped(served_stop) struct served served = served_start();
	static const char *const met[] = {
		"\"IpAddress\":{\"aws:SourceIp\":\"127.0.0.0/8\"}",
		"\"Bool\":{\"aws:SecureTransport\":\"false\"}",
		"\"StringLike\":{\"aws:Referer\":\"http://www.example.com/*\"}",
		"\"StringEquals\":{\"aws:UserAgent\":\"test/1\"}",
		"\"DateGreaterThan\":{\"aws:CurrentTime\":"
		"\"2020-01-01T00:00:00Z\"}",
		"\"NumericGreaterThan\":{\"aws:EpochTime\":1577836800}",
		"\"StringEquals\":{\"aws:PrincipalType\":\"Anonymous\"}",
		"\"Null\":{\"aws:username\":\"true\"}",
	};
	static const char *const unmet[] = {
		"\"NotIpAddress\":{\"aws:SourceIp\":\"127.0.0.1\"}",
		"\"Bool\":{\"aws:SecureTransport\":\"true\"}",
		"\"StringLike\":{\"aws:Referer\":\"http://other.example/*\"}",
		"\"DateLessThan\":{\"aws:CurrentTime\":\"2020\"}",
		"\"StringLike\":{\"aws:username\":\"*\"}",
		"\"StringEquals\":{\"s3:ExistingObjectTag/a\":\"b\"}",
	};

	served_bucket(&served, "photos");
	served_put(&served, "/photos/a", "bytes");
	for (size_t i = 0; i < array_len(met) + array_len(unmet); i++) {
		bool is_met = i < array_len(met);
		const char *condition =
			is_met ? met[i] : unmet[i - array_len(met)];

		served.client.is_anonymous = false;
		cr_expect(
			eq(uint,
				access_site_put_policy(&served,
					served_text(&served,
						STATEMENT("\"Effect\":"
							  "\"Allow\","
							  "\"Principal\":\"*\","
							  "\"Action\":\"s3:"
							  "GetObject\","
							  "\"Resource\":\"arn:"
							  "aws:s3:::photos/"
							  "*\",\"Condition\":"
							  "{%s}"),
						condition))
					->status,
				204),
			"%s", condition);
		access_site_become_nobody(&served);

		const struct s3_reply *reply =
			served_send(&served, "GET", "/photos/a",
				"referer: http://www.example.com/index.html\n"
				"user-agent: test/1\n",
				SLICE_NULL);

		cr_expect(eq(uint, reply->status, is_met ? 200 : 403), "%s",
			condition);
	}
}

Test(access_find, patterns_that_take_too_long_let_nobody_in)
{
	scoped(served_stop) struct served served = served_start();
	scoped(buffer_free) struct buffer policy = {0};
	scoped(buffer_free) struct buffer headers = {0};

	served_bucket(&served, "photos");
	served_put(&served, "/photos/a", "bytes");
	buffer_append_str(&policy,
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":"
		"\"Allow\",\"Principal\":\"*\",\"Action\":\"s3:GetObject\","
		"\"Resource\":\"arn:aws:s3:::photos/*\"},{\"Effect\":"
		"\"Deny\",\"Principal\":\"*\",\"Action\":\"s3:GetObject\","
		"\"Resource\":\"arn:aws:s3:::photos/*\",\"Condition\":"
		"{\"StringLike\":{\"aws:UserAgent\":\"*");
	for (int i = 0; i < 9000; i++)
		buffer_append_char(&policy, 'a');
	buffer_append_str(&policy, "b\"}}}]}");
	cr_assert(eq(uint,
		access_site_put_policy(&served, buffer_slice(&policy).data)
			->status,
		204));
	buffer_append_str(&headers, "user-agent: ");
	for (int i = 0; i < 20000; i++)
		buffer_append_char(&headers, 'a');
	buffer_append_str(&headers, "\n");
	access_site_become_nobody(&served);

	served_expect_body(served_ask(&served, "GET", "/photos/a"), 200,
		"bytes");
	served_expect_refusal(served_send(&served, "GET", "/photos/a",
				      headers.data, SLICE("")),
		403, "AccessDenied");
}

Test(access_find, who_signed_in_is_no_token_of_that_name)
{
	scoped(served_stop) struct served served = served_start();
	const struct token_draft draft = {
		.name = SLICE("backup"),
		.role = SLICE("reader"),
		.kind = TOKEN_TEMPORARY,
		.level = TOKEN_FULL,
	};

	served_bucket(&served, "photos");
	served_put(&served, "/photos/a", "a");
	served_put(&served, "/photos/b", "b");
	(void)access_site_put_policy(&served,
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":"
		"\"Allow\",\"Principal\":\"*\",\"Action\":\"s3:GetObject\","
		"\"Resource\":\"arn:aws:s3:::photos/a\",\"Condition\":"
		"{\"StringEquals\":{\"aws:userid\":\"default:backup\"}}},"
		"{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":"
		"\"s3:GetObject\",\"Resource\":\"arn:aws:s3:::photos/b\","
		"\"Condition\":{\"StringEquals\":{\"aws:userid\":"
		"\"default:reader backup\"}}}]}");
	(void)served_become_drafted(&served, &draft);
	served_expect_refusal(served_ask(&served, "GET", "/photos/a"), 403,
		"AccessDenied");
	served_expect_body(served_ask(&served, "GET", "/photos/b"), 200, "b");
}

/* A policy of hundreds of conditions, each on a tag that is not there. */
static void
put_policy_of_tags(struct served *served)
{
	scoped(buffer_free) struct buffer policy = {0};

	buffer_append_str(&policy,
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":"
		"\"Deny\",\"Principal\":\"*\",\"Action\":\"s3:DeleteObject\","
		"\"Resource\":\"arn:aws:s3:::photos/*\",\"Condition\":"
		"{\"StringNotEquals\":{");
	for (int i = 0; i < 300; i++)
		buffer_printf(&policy, "%s\"s3:ExistingObjectTag/%d\":\"x\"",
			i ? "," : "", i);
	buffer_append_str(&policy, "}}}]}");
	cr_assert(eq(uint,
		access_site_put_policy(served, buffer_slice(&policy).data)
			->status,
		204));
}

/* The peak of this process, which serves. */
static long
resident_mib(void)
{
	struct rusage usage;

	(void)getrusage(RUSAGE_SELF, &usage);
	return usage.ru_maxrss / 1024;
}

/* It was 20 KB for each of 300 conditions and 1,000 keys. */
Test(access_find, conditions_on_tags_take_no_memory)
{
	scoped(served_stop) struct served served = served_start();
	scoped(buffer_free) struct buffer list = {0};
	scoped(buffer_free) struct buffer headers = {0};
	long before;

	served_bucket(&served, "photos");
	for (int i = 0; i < 10; i++)
		buffer_printf(&headers, "x-amz-meta-m%d: %0190d\n", i, i);
	cr_assert(eq(uint,
		served_send(&served, "PUT", "/photos/a", headers.data,
			SLICE("bytes"))
			->status,
		200));
	put_policy_of_tags(&served);
	buffer_append_str(&list, "<Delete>");
	for (int i = 0; i < 1000; i++)
		buffer_append_str(&list, "<Object><Key>a</Key></Object>");
	buffer_append_str(&list, "</Delete>");

	before = resident_mib();
	cr_expect(eq(uint,
		served_send(&served, "POST", "/photos?delete", NULL,
			buffer_slice(&list))
			->status,
		200));
	/* AddressSanitizer keeps up to 256 of what was freed. */
	cr_expect(lt(long, resident_mib() - before, 400));
	served_expect_body(served_ask(&served, "GET", "/photos/a"), 200,
		"bytes");
}

/* --- each key ------------------------------------------------------------- */

/*
 * A condition that holds for one request and not for another: with another
 * target or headers, or, where those make no difference, another value.
 */
static const struct {
	const char *key;
	const char *operator_name;
	const char *value;
	const char *method;
	const char *target;
	const char *headers;
	const char *other_target; /* NULL: the same */
	const char *other_headers;
	const char *other_value; /* NULL: the same */
} keys[] = {
	{"aws:CurrentTime", "DateGreaterThan", "2020-01-01T00:00:00Z", "GET",
		"/photos/a", NULL, NULL, NULL, "2120-01-01T00:00:00Z"},
	{"aws:EpochTime", "NumericGreaterThan", "1577836800", "GET",
		"/photos/a", NULL, NULL, NULL, "4733510400"},
	{"aws:PrincipalAccount", "StringEquals", "default", "GET", "/photos/a",
		NULL, NULL, NULL, "other"},
	{"aws:PrincipalArn", "ArnEquals", "arn:aws:iam::default:user/test",
		"GET", "/photos/a", NULL, NULL, NULL,
		"arn:aws:iam::default:user/other"},
	{"aws:PrincipalOrgID", "StringEquals", "default", "GET", "/photos/a",
		NULL, NULL, NULL, "other"},
	{"aws:PrincipalType", "StringEquals", "User", "GET", "/photos/a", NULL,
		NULL, NULL, "AssumedRole"},
	{"aws:Referer", "StringEquals", "http://a/", "GET", "/photos/a",
		"referer: http://a/\n", NULL, "referer: http://b/\n", NULL},
	{"aws:SecureTransport", "Bool", "false", "GET", "/photos/a", NULL, NULL,
		NULL, "true"},
	{"aws:SourceIp", "IpAddress", "127.0.0.1", "GET", "/photos/a", NULL,
		NULL, NULL, "192.0.2.0/24"},
	{"aws:UserAgent", "StringEquals", "a/1", "GET", "/photos/a",
		"user-agent: a/1\n", NULL, "user-agent: a/2\n", NULL},
	{"aws:userid", "StringEquals", "default:test", "GET", "/photos/a", NULL,
		NULL, NULL, "other:test"},
	{"aws:username", "StringEquals", "test", "GET", "/photos/a", NULL, NULL,
		NULL, "other"},
	{"cw:PrincipalOrgID", "StringEquals", "default", "GET", "/photos/a",
		NULL, NULL, NULL, "other"},
	{"s3:authType", "StringEquals", "REST-HEADER", "GET", "/photos/a", NULL,
		NULL, NULL, "POST"},
	{"s3:x-amz-content-sha256", "StringLike", "?*", "GET", "/photos/a",
		NULL, NULL, NULL, "other"},
	{"s3:delimiter", "StringEquals", "/", "GET", "/photos?delimiter=%2F",
		NULL, "/photos?delimiter=-", NULL, NULL},
	{"s3:ExistingObjectTag/a", "StringEquals", "1", "GET", "/photos/tagged",
		NULL, "/photos/a", NULL, NULL},
	{"s3:if-match", "StringEquals", "*", "GET", "/photos/a",
		"if-match: *\n", NULL, NULL, NULL},
	{"s3:if-none-match", "StringEquals", "*", "PUT", "/photos/new",
		"if-none-match: *\n", NULL, NULL, NULL},
	{"s3:max-keys", "NumericEquals", "7", "GET", "/photos?max-keys=7", NULL,
		"/photos?max-keys=8", NULL, NULL},
	{"s3:object-lock-legal-hold", "StringEquals", "ON", "PUT",
		"/photos/new", "x-amz-object-lock-legal-hold: ON\n", NULL,
		"x-amz-object-lock-legal-hold: OFF\n", NULL},
	{"s3:object-lock-mode", "StringEquals", "COMPLIANCE", "PUT",
		"/photos/new", "x-amz-object-lock-mode: COMPLIANCE\n", NULL,
		"x-amz-object-lock-mode: GOVERNANCE\n", NULL},
	{"s3:object-lock-remaining-retention-days", "NumericGreaterThan",
		"10000", "PUT", "/photos/new",
		"x-amz-object-lock-retain-until-date: "
		"2096-01-01T00:00:00Z\n",
		NULL,
		"x-amz-object-lock-retain-until-date: "
		"0001-01-01T00:00:00Z\n",
		NULL},
	{"s3:object-lock-retain-until-date", "DateEquals",
		"2096-01-01T00:00:00Z", "PUT", "/photos/new",
		"x-amz-object-lock-retain-until-date: "
		"2096-01-01T00:00:00Z\n",
		NULL,
		"x-amz-object-lock-retain-until-date: "
		"2096-01-02T00:00:00Z\n",
		NULL},
	{"s3:prefix", "StringEquals", "dir/", "GET", "/photos?prefix=dir/",
		NULL, "/photos?prefix=dir", NULL, NULL},
	{"s3:RequestObjectTag/a", "StringEquals", "1", "PUT", "/photos/new",
		"x-amz-tagging: a=1\n", NULL, "x-amz-tagging: a=2\n", NULL},
	{"s3:RequestObjectTagKeys", "ForAnyValue:StringEquals", "a", "PUT",
		"/photos/new", "x-amz-tagging: b=1&a=1\n", NULL,
		"x-amz-tagging: b=1\n", NULL},
	{"s3:ResourceAccount", "StringEquals", "default", "GET", "/photos/a",
		NULL, NULL, NULL, "other"},
	{"s3:signatureAge", "NumericLessThan", "600000", "GET", "/photos/a",
		NULL, NULL, NULL, "0"},
	{"s3:signatureversion", "StringEquals", "AWS4-HMAC-SHA256", "GET",
		"/photos/a", NULL, NULL, NULL, "AWS"},
	{"s3:x-amz-acl", "StringEquals", "private", "PUT", "/photos/new",
		"x-amz-acl: private\n", NULL,
		"x-amz-acl: bucket-owner-full-control\n", NULL},
	{"s3:x-amz-copy-source", "StringEquals", "photos/a", "PUT",
		"/photos/new", "x-amz-copy-source: /photos/%61\n", NULL,
		"x-amz-copy-source: /photos/tagged\n", NULL},
	{"s3:x-amz-grant-full-control", "StringEquals", "id=acme", "PUT",
		"/photos/new", "x-amz-grant-full-control: id=acme\n", NULL,
		"x-amz-grant-full-control: id=other\n", NULL},
	{"s3:x-amz-grant-read", "StringEquals", "id=acme", "PUT", "/photos/new",
		"x-amz-grant-read: id=acme\n", NULL,
		"x-amz-grant-read: id=other\n", NULL},
	{"s3:x-amz-grant-read-acp", "StringEquals", "id=acme", "PUT",
		"/photos/new", "x-amz-grant-read-acp: id=acme\n", NULL,
		"x-amz-grant-read-acp: id=other\n", NULL},
	{"s3:x-amz-grant-write", "StringEquals", "id=acme", "PUT",
		"/photos?acl", "x-amz-grant-write: id=acme\n", NULL,
		"x-amz-grant-write: id=other\n", NULL},
	{"s3:x-amz-grant-write-acp", "StringEquals", "id=acme", "PUT",
		"/photos/new", "x-amz-grant-write-acp: id=acme\n", NULL,
		"x-amz-grant-write-acp: id=other\n", NULL},
	{"s3:x-amz-metadata-directive", "StringEquals", "COPY", "PUT",
		"/photos/new",
		"x-amz-copy-source: photos/a\n"
		"x-amz-metadata-directive: COPY\n",
		NULL,
		"x-amz-copy-source: photos/a\n"
		"x-amz-metadata-directive: REPLACE\n",
		NULL},
	{"s3:x-amz-object-ownership", "StringEquals", "ObjectWriter", "PUT",
		"/photos/new", "x-amz-object-ownership: ObjectWriter\n", NULL,
		NULL, NULL},
	{"s3:x-amz-server-side-encryption", "StringEquals", "AES256", "PUT",
		"/photos/new", "x-amz-server-side-encryption: AES256\n", NULL,
		"x-amz-server-side-encryption: aws:kms\n", NULL},
	{"s3:x-amz-server-side-encryption-aws-kms-key-id", "StringEquals",
		"one", "PUT", "/photos/new",
		"x-amz-server-side-encryption-aws-kms-key-id: one\n", NULL,
		"x-amz-server-side-encryption-aws-kms-key-id: two\n", NULL},
	{"s3:x-amz-server-side-encryption-customer-algorithm", "StringEquals",
		"AES256", "PUT", "/photos/new",
		"x-amz-server-side-encryption-customer-algorithm: AES256\n",
		NULL, "x-amz-server-side-encryption-customer-algorithm: AES\n",
		NULL},
	{"s3:x-amz-storage-class", "StringEquals", "STANDARD", "PUT",
		"/photos/new", "x-amz-storage-class: STANDARD\n", NULL,
		"x-amz-storage-class: GLACIER\n", NULL},
	{"s3:x-amz-website-redirect-location", "StringEquals", "/a", "PUT",
		"/photos/new", "x-amz-website-redirect-location: /a\n", NULL,
		"x-amz-website-redirect-location: /b\n", NULL},
};

static void
deny_where(struct served *served, size_t i, const char *value)
{
	const struct s3_reply *reply = access_site_put_policy(served,
		served_text(served,
			STATEMENT("\"Effect\":\"Deny\",\"Principal\":\"*\","
				  "\"Action\":\"s3:*\",\"Resource\":["
				  "\"arn:aws:s3:::photos\","
				  "\"arn:aws:s3:::photos/*\"],"
				  "\"Condition\":{\"%s\":{\"%s\":\"%s\"}}"),
			keys[i].operator_name, keys[i].key, value));

	cr_assert(eq(uint, reply->status, 204), "%s: %s", keys[i].key,
		reply->body.data);
}

Test(access_find, each_key_tells_requests_apart)
{
	scoped(served_stop) struct served served = served_start();

	served_bucket(&served, "photos");
	served_put(&served, "/photos/a", "bytes");
	cr_assert(eq(uint,
		served_send(&served, "PUT", "/photos/tagged",
			"x-amz-tagging: a=1\n", SLICE("bytes"))
			->status,
		200));
	for (size_t i = 0; i < array_len(keys); i++) {
		const char *target = keys[i].other_target ? keys[i].other_target
							  : keys[i].target;
		const char *value = keys[i].other_value ? keys[i].other_value
							: keys[i].value;
		struct slice body =
			slice_str(!strcmp(keys[i].method, "PUT") ? "new" : "");

		deny_where(&served, i, keys[i].value);
		cr_expect(eq(uint,
				  served_send(&served, keys[i].method,
					  keys[i].target, keys[i].headers, body)
					  ->status,
				  403),
			"%s holds", keys[i].key);
		deny_where(&served, i, value);
		cr_expect(ne(uint,
				  served_send(&served, keys[i].method, target,
					  keys[i].other_headers, body)
					  ->status,
				  403),
			"%s does not hold", keys[i].key);
	}
}

/* Of the query, of a source, or of one of several keys: test_version_id.c. */
Test(access_find, a_version_s_id_is_that_of_what_is_asked_about)
{
	struct request request = {0};
	struct access_object object = {
		.request = &request, .version = SLICE("v1")};
	struct policy_key_name name;
	struct policy_values values;

	cr_assert(policy_key_parse(SLICE("s3:VersionId"), &name));
	access_find(&object, &name, &values);
	cr_assert(eq(sz, values.count, 1));
	cr_expect(slice_equal(values.values[0], SLICE("v1")));
	object.version = SLICE_NULL;
	access_find(&object, &name, &values);
	cr_expect(zero(sz, values.count));
	arena_free(&object.arena);
}

Test(access_find, a_version_of_tls_is_there_where_there_is_tls)
{
	struct http_request http = {0};
	struct server server = {0};
	struct request request = {.http = &http, .server = &server};
	struct access_object object = {.request = &request};
	struct policy_key_name name;
	struct policy_values values;

	cr_assert(policy_key_parse(SLICE("s3:TlsVersion"), &name));
	access_find(&object, &name, &values);
	cr_expect(zero(sz, values.count));
	http.tls_version = "TLSv1.2";
	access_find(&object, &name, &values);
	cr_assert(eq(sz, values.count, 1));
	cr_expect(slice_equal(values.values[0], SLICE("1.2")));
	arena_free(&object.arena);
}

Test(access_find, no_key_is_left_out_above)
{
	bool is_there[POLICY_KEY_COUNT] = {
		[POLICY_KEY_VERSION_ID] = true,
		[POLICY_KEY_TLS_VERSION] = true,
		/* No request has them yet. */
		[POLICY_KEY_SOURCE_ACCOUNT] = true,
		[POLICY_KEY_SOURCE_ARN] = true,
		[POLICY_KEY_GROUPS] = true,
	};

	for (size_t i = 0; i < array_len(keys); i++) {
		struct policy_key_name name;

		cr_assert(policy_key_parse(slice_str(keys[i].key), &name));
		is_there[name.key] = true;
	}
	for (unsigned int i = 1; i < POLICY_KEY_COUNT; i++)
		cr_expect(is_there[i], "%s",
			policy_key_text((enum policy_key)i));
}
