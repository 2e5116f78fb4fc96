/* SPDX-License-Identifier: Apache-2.0 */
/* The forms in which a request can say who it is, and what is none. */
#include "tests/s3api/auth/attempt.h"

Test(sigv4_claim, tells_an_anonymous_request_from_a_refused_one)
{
	static const char *const headers[] = {
		"", "Authorization:\r\n", "Authorization:  \r\n"};

	for (size_t i = 0; i < array_len(headers); i++) {
		scoped(attempt_free) struct attempt attempt = attempt_prepare();
		scoped(buffer_free) struct buffer request = {0};

		buffer_printf(&request,
			"GET /a?list-type=2 HTTP/1.1\r\n" HOST "%s\r\n",
			headers[i]);
		buffer_append_char(&request, '\0');
		attempt_make(&attempt, request.data);

		cr_expect(eq(int, attempt.outcome, SIGV4_ANONYMOUS));
		cr_expect(eq(int, attempt.report.error, S3_ACCESS_DENIED));
	}
	cr_expect(attempt_is_refused("GET / HTTP/1.1\r\n" HOST
				     "Authorization:\r\nAuthorization:\r\n\r\n",
		S3_INVALID_ARGUMENT));
	cr_expect(attempt_is_refused(PRESIGNED("20130524T000000Z",
					     "60") " HTTP/1.1\r\n" HOST
						   "Authorization:\r\n\r\n",
		S3_SIGNATURE_DOES_NOT_MATCH)); /* it counts alone */
}

Test(sigv4_claim, refuses_two_mechanisms_at_once)
{
	cr_expect(attempt_is_refused(PRESIGNED("20130524T000000Z",
					     "60") " HTTP/1.1\r\n" HOST DATE SHA
					     AUTH(SCOPE, USUAL, ZEROS) "\r\n",
		S3_INVALID_ARGUMENT));
	cr_expect(attempt_is_refused("GET / HTTP/1.1\r\n" HOST DATE SHA
					     AUTH(SCOPE, USUAL, ZEROS)
						     AUTH(SCOPE, USUAL,
							     ZEROS) "\r\n",
		S3_INVALID_ARGUMENT));
}

Test(sigv4_claim, refuses_signature_version_2)
{
	cr_expect(attempt_is_refused("GET / HTTP/1.1\r\n" HOST
				     "Authorization: AWS " KEY
				     ":c2lnbmF0dXJl\r\n\r\n",
		S3_INVALID_REQUEST));
	cr_expect(attempt_is_refused("GET /?AWSAccessKeyId=" KEY "&Expires=1&"
				     "Signature=abc HTTP/1.1\r\n" HOST "\r\n",
		S3_INVALID_REQUEST));
}

Test(sigv4_claim, refuses_other_schemes)
{
	cr_expect(attempt_is_refused("GET / HTTP/1.1\r\n" HOST
				     "Authorization: Bearer abc\r\n\r\n",
		S3_INVALID_ARGUMENT));
}

Test(sigv4_claim, refuses_a_malformed_header)
{
	static const char *const bad[] = {
		"",
		"Credential=" KEY "/" SCOPE,
		"Credential=" KEY "/" SCOPE ",SignedHeaders=host",
		"Credential=" KEY "/" SCOPE ",Signature=" ZEROS,
		"SignedHeaders=host,Signature=" ZEROS,
		"Credential=,SignedHeaders=host,Signature=" ZEROS,
		"Credential=/" SCOPE ",SignedHeaders=host,Signature=" ZEROS,
		"Credential=" KEY "/20130524/us-east-1/s3,"
		"SignedHeaders=host,Signature=" ZEROS,
		"Credential=" KEY "/" SCOPE "/more,"
		"SignedHeaders=host,Signature=" ZEROS,
		"Credential=" KEY "/20130524/us-east-1/ec2/aws4_request,"
		"SignedHeaders=host,Signature=" ZEROS,
		"Credential=" KEY "/20130525/us-east-1/s3/aws4_request,"
		"SignedHeaders=host,Signature=" ZEROS,
		"Credential=" KEY "/" SCOPE ",Credential=" KEY "/" SCOPE
		",SignedHeaders=host,Signature=" ZEROS,
		"Credential=" KEY "/" SCOPE
		",SignedHeaders=host,Signature=" ZEROS ",More=1",
		"Credential=" KEY "/" SCOPE
		",SignedHeaders=host,Signature=" ZEROS ",",
	};

	for (size_t i = 0; i < array_len(bad); i++) {
		scoped(arena_free) struct arena arena = {0};
		struct slice text = arena_printf(&arena,
			"GET / HTTP/1.1\r\n" HOST DATE SHA
			"Authorization: AWS4-HMAC-SHA256 %s.\r\n\r\n",
			bad[i]);

		/* Without the point, which keeps the last space. */
		memmove((char *)text.data + text.len - 5, "\r\n\r\n", 5);
		cr_expect(attempt_is_refused(text.data,
				  *bad[i] ? S3_AUTHORIZATION_HEADER_MALFORMED
					  : S3_INVALID_ARGUMENT),
			"%s", bad[i]);
	}
}

Test(sigv4_claim, refuses_an_incomplete_query)
{
	cr_expect(attempt_is_refused("GET /?X-Amz-Algorithm=AWS4-HMAC-SHA256 "
				     "HTTP/1.1\r\n" HOST "\r\n",
		S3_AUTHORIZATION_QUERY_PARAMETERS));
	cr_expect(attempt_is_refused(
		PRESIGNED("20130524T000000Z",
			"60") "&X-Amz-Expires=61 HTTP/1.1\r\n" HOST "\r\n",
		S3_AUTHORIZATION_QUERY_PARAMETERS));
	cr_expect(attempt_is_refused(PRESIGNED("2013-05-24",
					     "60") " HTTP/1.1\r\n" HOST "\r\n",
		S3_AUTHORIZATION_QUERY_PARAMETERS));
}

Test(sigv4_claim, refuses_what_cannot_be_decoded)
{
	cr_expect(attempt_is_refused("GET /%zz" REST, S3_INVALID_URI));
	cr_expect(attempt_is_refused("GET /?a=%z" REST, S3_INVALID_URI));
}

Test(sigv4_claim, signs_a_payload_of_a_presigned_url_where_it_names_one)
{
	scoped(attempt_free) struct attempt attempt = attempt_prepare();
	struct slice canonical;

	attempt_make(&attempt,
		PRESIGNED("20130524T000000Z",
			"60") "&X-Amz-Content-Sha256=" EMPTY_SHA256
			      " HTTP/1.1\r\n" HOST "\r\n");

	canonical = attempt_field(&attempt.report, "CanonicalRequest");
	cr_expect(slice_has_suffix(canonical, SLICE("\n" EMPTY_SHA256)));
}
