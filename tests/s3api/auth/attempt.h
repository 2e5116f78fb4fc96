/* SPDX-License-Identifier: Apache-2.0 */
/* attempt.h - one request as a server of a single key verifies it: all are of
 * 2013-05-24T00:00:00Z in us-east-1, with the key pair of AWS's examples. */
#pragma once

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

#include "s3api/auth/sigv4.h"
#include "store/base/clock.h"
#include "store/base/text.h"
#include "tests/s3api/auth/text_request.h"

#define KEY "AKIAIOSFODNN7EXAMPLE"
#define SECRET "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
#define SCOPE "20130524/us-east-1/s3/aws4_request"
#define NOW_NS (1369353600ll * CLOCK_NS_PER_S)

#define EMPTY_SHA256                                                           \
	"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define HOST "Host: examplebucket.s3.amazonaws.com\r\n"
#define DATE "x-amz-date: 20130524T000000Z\r\n"
#define SHA "x-amz-content-sha256: " EMPTY_SHA256 "\r\n"
#define AUTH(scope, headers, signature)                                        \
	"Authorization: AWS4-HMAC-SHA256 Credential=" KEY "/" scope ","        \
	"SignedHeaders=" headers ",Signature=" signature "\r\n"
#define USUAL "host;x-amz-content-sha256;x-amz-date"
#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"

#define GET_OBJECT                                                             \
	"GET /test.txt HTTP/1.1\r\n" HOST "Range: bytes=0-9\r\n" SHA DATE      \
	"Authorization: AWS4-HMAC-SHA256 Credential=" KEY "/" SCOPE ","        \
	"SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,"            \
	"Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6"   \
	"036bdb41\r\n\r\n"

#define PRESIGNED(date, expires)                                               \
	"GET /test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=" KEY \
	"%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=" date         \
	"&X-Amz-Expires=" expires "&X-Amz-SignedHeaders=host"                  \
	"&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d"  \
	"157751f604d404"

/* Behind the target. */
#define REST                                                                   \
	" HTTP/1.1\r\nHost: h\r\nx-amz-content-sha256: "                       \
	"UNSIGNED-PAYLOAD\r\n" DATE                                            \
	AUTH(SCOPE, USUAL, ZEROS) "\r\n"

/* The tokens that this server knows. */
struct attempt_tokens {
	const char *secret;
	int64_t expires_ns;
	enum store_err err;
	bool needs_session;
	bool is_suspended;
	enum token_kind kind;
};

static inline enum store_err
attempt_find(void *context, struct slice access_key, struct token *token,
	char secret[TOKEN_SECRET_MAX + 1])
{
	const struct attempt_tokens *tokens = context;

	if (tokens->err)
		return tokens->err;
	if (!slice_equal(access_key, SLICE(KEY)))
		return STORE_NO_TOKEN;
	*token = (struct token){
		.level = TOKEN_READ,
		.expires_ns = tokens->expires_ns,
		.needs_session = tokens->needs_session,
		.is_suspended = tokens->is_suspended,
		.kind = tokens->kind,
	};
	snprintf(secret, TOKEN_SECRET_MAX + 1, "%s", tokens->secret);
	return STORE_OK;
}

/* One request and what became of it. */
struct attempt {
	struct text_request text;
	struct attempt_tokens tokens;
	int64_t now_ns;
	enum sigv4_outcome outcome;
	struct sigv4_caller caller;
	struct error_report report;
	struct sigv4 *sigv4;
};

static inline struct attempt
attempt_prepare(void)
{
	return (struct attempt){
		.tokens = {.secret = SECRET},
		.now_ns = NOW_NS,
	};
}

static inline void
attempt_free(struct attempt *attempt)
{
	text_request_free(&attempt->text);
	sigv4_free(&attempt->sigv4);
}

static inline void
attempt_make(struct attempt *attempt, const char *text)
{
	struct sigv4_config config = {
		.region = SLICE("here"),
		.find = attempt_find,
		.context = &attempt->tokens,
	};

	if (!attempt->sigv4)
		attempt->sigv4 = sigv4_create(&config);
	text_request_free(&attempt->text);
	cr_assert(text_request_parse(&attempt->text, text, strlen(text)),
		"not a request: %s", text);
	attempt->outcome = sigv4_verify(attempt->sigv4, &attempt->text.request,
		attempt->now_ns, &attempt->caller, &attempt->report);
}

static inline struct slice
attempt_field(const struct error_report *report, const char *name)
{
	for (size_t i = 0; i < report->field_count; i++)
		if (!strcmp(report->fields[i].name, name))
			return report->fields[i].value;
	return SLICE_NULL;
}

static inline bool
attempt_is_refused(const char *text, enum s3_error error)
{
	scoped(attempt_free) struct attempt attempt = attempt_prepare();

	attempt_make(&attempt, text);
	cr_expect(eq(str, (char *)error_code(attempt.report.error),
			  (char *)error_code(error)),
		"%s", text);
	return attempt.outcome == SIGV4_REFUSED;
}

static inline bool
is_signed(const char *text)
{
	scoped(attempt_free) struct attempt attempt = attempt_prepare();

	attempt_make(&attempt, text);
	return attempt.outcome == SIGV4_SIGNED;
}
