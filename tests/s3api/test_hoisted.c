/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/hoisted.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

struct asked {
	struct arena arena;
	struct http_header header; /* the one that the request has */
	struct http_request http;
	struct http_param param;
	struct request request;
};

static void
ask(struct asked *asked, const char *name, const char *value)
{
	*asked = (struct asked){
		.header = {SLICE("x-amz-acl"), SLICE("private")},
		.param = {.name = slice_str(name), .value = slice_str(value)},
	};
	asked->http = (struct http_request){
		.headers = &asked->header,
		.header_count = 1,
		.arena = &asked->arena,
	};
	asked->request = (struct request){
		.http = &asked->http,
		.arena = &asked->arena,
		.params = &asked->param,
		.param_count = 1,
	};
}

static void
free_asked(struct asked *asked)
{
	arena_free(&asked->arena);
}

Test(hoisted, a_parameter_becomes_a_header_in_lower_case)
{
	scoped(free_asked) struct asked asked;

	ask(&asked, "X-Amz-Meta-Color", " blue ");

	cr_assert(eq(int, hoisted_apply(&asked.request), S3_OK));
	cr_assert(eq(sz, asked.http.header_count, 2));
	cr_expect(slice_equal(request_header(&asked.request,
				      "x-amz-meta-color"),
		SLICE("blue")));
}

Test(hoisted, what_a_header_says_and_what_is_none_is_left_alone)
{
	static const char *const names[] = {"x-amz-acl", "X-Amz-Signature",
		"X-Amz-SignedHeaders", "X-Amz-Security-Token",
		"X-Amz-Content-Sha256", "x-amz-checksum-crc32",
		"x-amz-sdk-checksum-algorithm", "partNumber", "x-id"};

	for (size_t i = 0; i < array_len(names); i++) {
		scoped(free_asked) struct asked asked;

		ask(&asked, names[i], "public-read");
		cr_assert(eq(int, hoisted_apply(&asked.request), S3_OK));
		cr_expect(eq(sz, asked.http.header_count, 1), "%s", names[i]);
		cr_expect(slice_equal(request_header(&asked.request,
					      "x-amz-acl"),
			SLICE("private")));
	}
}

Test(hoisted, what_no_header_can_carry_is_refused)
{
	static const char *const pairs[][2] = {
		{"x-amz-meta-a", "b\r\nc: d"},
		{"x-amz-meta-a b", "c"},
		{"x-amz-meta-a\n", "c"},
	};

	for (size_t i = 0; i < array_len(pairs); i++) {
		scoped(free_asked) struct asked asked;

		ask(&asked, pairs[i][0], pairs[i][1]);
		cr_expect(eq(int, hoisted_apply(&asked.request),
			S3_INVALID_ARGUMENT));
	}
}
