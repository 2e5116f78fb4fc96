/* SPDX-License-Identifier: Apache-2.0 */
/* What conditions see of a request, and what that may cost. */
#include <sys/resource.h>

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
