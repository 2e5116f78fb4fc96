/* SPDX-License-Identifier: Apache-2.0 */
/* The examples that AWS has published for S3, with their signatures, and what
 * is refused. */
#include "s3api/auth/sigv4.h"

#include "tests/s3api/auth/attempt.h"

/* --- the published examples ----------------------------------------------- */

Test(sigv4, verifies_the_example_of_get_object)
{
	scoped(attempt_free) struct attempt attempt = attempt_prepare();

	attempt_make(&attempt, GET_OBJECT);

	cr_expect(eq(int, attempt.outcome, SIGV4_SIGNED));
	cr_expect(eq(int, attempt.report.error, S3_OK));
	cr_expect(eq(int, attempt.caller.payload, SIGV4_PAYLOAD_SHA256));
	cr_expect(eq(int, attempt.caller.token.level, TOKEN_READ));
	cr_expect(eq(str, attempt.caller.scope, SCOPE));
	cr_expect(eq(str, attempt.caller.timestamp, "20130524T000000Z"));
	cr_expect(not(attempt.caller.is_presigned));
}

Test(sigv4, verifies_the_example_of_put_object)
{
	/* A Date header beside x-amz-date, and $ in the key. */
	cr_expect(is_signed(
		"PUT /test$file.text HTTP/1.1\r\n" HOST
		"Date: Fri, 24 May 2013 00:00:00 GMT\r\n" DATE
		"x-amz-storage-class: REDUCED_REDUNDANCY\r\n"
		"x-amz-content-sha256: 44ce7dd67c959e0d3524ffac1771dfbba87d2b"
		"6b4b4e99e42034a8b803f8b072\r\n" AUTH(SCOPE,
			"date;host;x-amz-content-sha256;x-amz-date;"
			"x-amz-storage-class",
			"98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b597"
			"1af0ece108bd") "\r\n"));
}

Test(sigv4, verifies_the_example_of_a_subresource)
{
	cr_expect(is_signed(
		"GET /?lifecycle HTTP/1.1\r\n" HOST DATE SHA AUTH(SCOPE, USUAL,
			"fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a20"
			"0a0136783543") "\r\n"));
}

Test(sigv4, verifies_the_example_of_a_listing)
{
	/* The order of the query is the client's own affair. */
	cr_expect(is_signed(
		"GET /?prefix=J&max-keys=2 HTTP/1.1\r\n" HOST DATE SHA AUTH(
			SCOPE, USUAL,
			"34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5"
			"711ef69dc6f7") "\r\n"));
}

Test(sigv4, verifies_the_example_of_a_presigned_url)
{
	scoped(attempt_free) struct attempt attempt = attempt_prepare();

	attempt_make(&attempt, PRESIGNED("20130524T000000Z",
				       "86400") " HTTP/1.1\r\n" HOST "\r\n");

	cr_expect(eq(int, attempt.outcome, SIGV4_SIGNED));
	cr_expect(attempt.caller.is_presigned);
	cr_expect(eq(int, attempt.caller.payload, SIGV4_PAYLOAD_UNSIGNED));
}

#define CHUNKED(kind, more, headers, signature)                                \
	"PUT /examplebucket/chunkObject.txt HTTP/1.1\r\n"                      \
	"Host: s3.amazonaws.com\r\n" DATE                                      \
	"x-amz-storage-class: REDUCED_REDUNDANCY\r\n"                          \
	"x-amz-content-sha256: " kind "\r\n"                                   \
	"Content-Encoding: aws-chunked\r\n"                                    \
	"x-amz-decoded-content-length: 66560\r\n"                              \
	"Content-Length: 66824\r\n" more                                       \
	AUTH(SCOPE, headers, signature) "\r\n"

Test(sigv4, verifies_the_example_of_a_chunked_upload)
{
	scoped(attempt_free) struct attempt attempt = attempt_prepare();

	attempt_make(&attempt,
		CHUNKED("STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "",
			"content-encoding;content-length;host;"
			"x-amz-content-sha256;x-amz-date;"
			"x-amz-decoded-content-length;x-amz-storage-class",
			"4f232c4386841ef735655705268965c44a0e4690baa4adea153f7d"
			"b9fa80"
			"a0a9"));

	cr_expect(eq(int, attempt.outcome, SIGV4_SIGNED));
	cr_expect(eq(int, attempt.caller.payload, SIGV4_PAYLOAD_CHUNKS));
	cr_expect(eq(str, attempt.caller.signature,
		"4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80"
		"a0a9"));
}

Test(sigv4, verifies_the_example_of_a_chunked_upload_with_a_trailer)
{
	scoped(attempt_free) struct attempt attempt = attempt_prepare();

	attempt_make(&attempt,
		CHUNKED("STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
			"x-amz-trailer: x-amz-checksum-crc32c\r\n",
			"content-encoding;host;x-amz-content-sha256;x-amz-date;"
			"x-amz-decoded-content-length;x-amz-storage-class;"
			"x-amz-trailer",
			"106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b7"
			"4544bf"
			"eb8e"));

	cr_expect(eq(int, attempt.outcome, SIGV4_SIGNED));
	cr_expect(eq(int, attempt.caller.payload,
		SIGV4_PAYLOAD_CHUNKS_TRAILER));
}

/* --- the canonical request ------------------------------------------------ */

static void
expect_canonical(const char *text, const char *canonical)
{
	scoped(attempt_free) struct attempt attempt = attempt_prepare();
	struct slice got;

	attempt_make(&attempt, text);
	got = attempt_field(&attempt.report, "CanonicalRequest");
	cr_expect(eq(int, attempt.report.error, S3_SIGNATURE_DOES_NOT_MATCH));
	cr_expect(slice_equal(got, slice_str(canonical)),
		"got:\n%.*s\nwanted:\n%s", (int)got.len, got.data, canonical);
}

#define CANONICAL_END                                                          \
	"host:h\nx-amz-content-sha256:UNSIGNED-PAYLOAD\n"                      \
	"x-amz-date:20130524T000000Z\n\n" USUAL "\nUNSIGNED-PAYLOAD"
Test(sigv4, encodes_the_path_once_and_never_normalises_it)
{
	expect_canonical("GET /b//a/../%C3%A4%2f~(x)+%20y/." REST,
		"GET\n/b//a/../%C3%A4/~%28x%29%2B%20y/.\n\n" CANONICAL_END);
}

Test(sigv4, sorts_the_query_by_encoded_name_then_value)
{
	expect_canonical(
		"GET /?b=2&a-b=1&a=2&a=1&uploads&b=1+2&%61%3D=%2F" REST,
		"GET\n/"
		"\na=1&a=2&a%3D=%2F&a-b=1&b=1%202&b=2&uploads="
		"\n" CANONICAL_END);
}

Test(sigv4, trims_and_joins_header_values)
{
	expect_canonical(
		"PUT / HTTP/1.1\r\nHost: h\r\n" DATE
		"x-amz-meta-a:   one  two \t three \r\nx-amz-meta-b: 1\r\n"
		"x-amz-meta-b: 2\r\nx-amz-content-sha256: "
		"UNSIGNED-PAYLOAD\r\n" AUTH(SCOPE,
			USUAL ";x-amz-meta-a;x-amz-meta-b;x-none",
			ZEROS) "\r\n",
		"PUT\n/\n\nhost:h\nx-amz-content-sha256:UNSIGNED-PAYLOAD\n"
		"x-amz-date:20130524T000000Z\nx-amz-meta-a:one two three\n"
		"x-amz-meta-b:1,2\nx-none:\n\n" USUAL
		";x-amz-meta-a;x-amz-meta-b;x-none\nUNSIGNED-PAYLOAD");
}

/* --- wrong signatures ----------------------------------------------------- */

Test(sigv4, tells_what_was_signed_and_never_the_secret)
{
	scoped(attempt_free) struct attempt attempt = attempt_prepare();
	struct slice key;
	static const uint8_t none[SIGV4_KEY_LEN];

	attempt_make(&attempt,
		"GET /test.txt HTTP/1.1\r\n" HOST SHA DATE AUTH(SCOPE, USUAL,
			ZEROS) "\r\n");

	cr_expect(eq(int, attempt.outcome, SIGV4_REFUSED));
	cr_expect(eq(int, attempt.report.error, S3_SIGNATURE_DOES_NOT_MATCH));
	key = attempt_field(&attempt.report, "AWSAccessKeyId");
	cr_expect(slice_equal(key, SLICE(KEY)));
	cr_expect(slice_has_prefix(attempt_field(&attempt.report,
					   "StringToSign"),
		SLICE("AWS4-HMAC-SHA256\n20130524T000000Z\n" SCOPE "\n")));
	cr_expect(slice_equal(attempt_field(&attempt.report,
				      "SignatureProvided"),
		SLICE(ZEROS)));
	cr_expect(slice_has_prefix(attempt_field(&attempt.report,
					   "StringToSignBytes"),
		SLICE("41 57 53 34 2d")));
	for (size_t i = 0; i < attempt.report.field_count; i++)
		cr_expect(eq(int,
			slice_find(attempt.report.fields[i].value,
				SLICE("wJalr")),
			-1));
	cr_expect(zero(int, memcmp(attempt.caller.key, none, sizeof(none))));
	cr_expect(zero(sz, strlen(attempt.caller.signature)));
}

Test(sigv4, refuses_a_change_of_any_signed_part)
{
	static const char *const changes[][2] = {
		{"GET", "PUT"},
		{"/test.txt", "/test.txu"},
		{"bytes=0-9", "bytes=0-8"},
		{"examplebucket.s3", "examplebuckeu.s3"},
		{"e3b0c442", "e3b0c443"},
		{".txt HTTP", ".txt?a HTTP"},
		{"20130524T000000Z", "20130524T000001Z"},
		{"b41\r\n", "b42\r\n"},
		{"b41\r\n", "b4\r\n"},
		{"b41\r\n", "b411\r\n"},
	};

	for (size_t i = 0; i < array_len(changes); i++) {
		scoped(arena_free) struct arena arena = {0};
		struct slice whole = SLICE(GET_OBJECT);
		struct slice from = slice_str(changes[i][0]);
		size_t at = (size_t)slice_find(whole, from);
		struct slice text = arena_printf(&arena, "%.*s%s%s", (int)at,
			whole.data, changes[i][1], whole.data + at + from.len);

		cr_expect(attempt_is_refused(text.data,
				  S3_SIGNATURE_DOES_NOT_MATCH),
			"%s", changes[i][1]);
	}
}

Test(sigv4, refuses_the_key_of_a_secret_that_has_been_replaced)
{
	scoped(attempt_free) struct attempt attempt = attempt_prepare();

	attempt_make(&attempt, GET_OBJECT);
	cr_expect(eq(int, attempt.outcome, SIGV4_SIGNED));
	attempt.tokens.secret = "another secret";
	attempt_make(&attempt, GET_OBJECT);

	cr_expect(eq(int, attempt.report.error, S3_SIGNATURE_DOES_NOT_MATCH));
}

Test(sigv4, looks_the_token_up_for_every_request)
{
	scoped(attempt_free) struct attempt attempt = attempt_prepare();

	attempt_make(&attempt, GET_OBJECT);
	cr_expect(eq(int, attempt.outcome, SIGV4_SIGNED));
	attempt.tokens.err = STORE_NO_TOKEN;
	attempt_make(&attempt, GET_OBJECT);

	cr_expect(eq(int, attempt.report.error, S3_INVALID_ACCESS_KEY_ID));
}

Test(sigv4, keeps_keys_of_more_secrets_than_it_has_room_for)
{
	scoped(attempt_free) struct attempt attempt = attempt_prepare();
	char secret[32];

	attempt.tokens.secret = secret;
	for (int i = 0; i < 2000; i++) {
		snprintf(secret, sizeof(secret), "secret number %d", i);
		attempt_make(&attempt, GET_OBJECT);
		cr_expect(eq(int, attempt.report.error,
			S3_SIGNATURE_DOES_NOT_MATCH));
	}
	attempt.tokens.secret = SECRET;
	attempt_make(&attempt, GET_OBJECT);

	cr_expect(eq(int, attempt.outcome, SIGV4_SIGNED));
}

/* --- keys ----------------------------------------------------------------- */

Test(sigv4, says_that_a_key_has_expired_to_who_has_its_secret)
{
	scoped(attempt_free) struct attempt attempt = attempt_prepare();

	attempt.tokens.expires_ns = NOW_NS;
	attempt_make(&attempt, GET_OBJECT);
	cr_expect(eq(int, attempt.report.error, S3_EXPIRED_TOKEN));
	attempt.tokens.secret = "wrong";
	attempt_make(&attempt, GET_OBJECT);
	cr_expect(eq(int, attempt.report.error, S3_SIGNATURE_DOES_NOT_MATCH));
	attempt.tokens = (struct attempt_tokens){
		.secret = SECRET,
		.expires_ns = NOW_NS + 1,
	};
	attempt_make(&attempt, GET_OBJECT);
	cr_expect(eq(int, attempt.outcome, SIGV4_SIGNED));
}

Test(sigv4, tells_a_failing_store_from_an_unknown_key)
{
	scoped(attempt_free) struct attempt attempt = attempt_prepare();

	attempt.tokens.err = STORE_IO;
	attempt_make(&attempt, GET_OBJECT);

	cr_expect(eq(int, attempt.outcome, SIGV4_REFUSED));
	cr_expect(eq(int, attempt.report.error, S3_INTERNAL_ERROR));
}

Test(sigv4, refuses_an_unknown_key)
{
	cr_expect(attempt_is_refused(
		"GET / HTTP/1.1\r\n" HOST DATE SHA
		"Authorization: AWS4-HMAC-SHA256 Credential=NOBODY/" SCOPE
		", SignedHeaders=" USUAL ", Signature=" ZEROS "\r\n\r\n",
		S3_INVALID_ACCESS_KEY_ID));
}

Test(sigv4, refuses_a_session_token_of_a_key_that_has_none)
{
	/* The signature comes first, and does not cover it. */
	cr_expect(attempt_is_refused(
		PRESIGNED("20130524T000000Z",
			"60") "&X-Amz-Security-Token=abc HTTP/1.1\r\n" HOST
			      "\r\n",
		S3_SIGNATURE_DOES_NOT_MATCH));
	cr_expect(attempt_is_refused("GET / HTTP/1.1\r\n" HOST DATE SHA
				     "x-amz-security-token: abc\r\n" AUTH(SCOPE,
					     USUAL, ZEROS) "\r\n",
		S3_ACCESS_DENIED));
	cr_expect(attempt_is_refused(
		PRESIGNED("20130524T000000Z",
			"60") "&X-Amz-Security-Token=a&X-Amz-Security-Token=b "
			      "HTTP/1.1\r\n" HOST "\r\n",
		S3_INVALID_TOKEN));
}

Test(sigv4, a_key_that_needs_its_session_token_is_of_no_use_without)
{
	scoped(attempt_free) struct attempt attempt = attempt_prepare();

	attempt.tokens.needs_session = true;
	attempt_make(&attempt, GET_OBJECT);

	cr_expect(eq(int, attempt.outcome, SIGV4_REFUSED));
	cr_expect(eq(int, attempt.report.error, S3_INVALID_TOKEN));
}

Test(sigv4, a_suspended_key_is_refused_and_a_control_token_unknown)
{
	scoped(attempt_free) struct attempt suspended = attempt_prepare();
	scoped(attempt_free) struct attempt control = attempt_prepare();

	suspended.tokens.is_suspended = true;
	attempt_make(&suspended, GET_OBJECT);
	control.tokens.kind = TOKEN_CONTROL;
	attempt_make(&control, GET_OBJECT);

	cr_expect(eq(int, suspended.outcome, SIGV4_REFUSED));
	cr_expect(eq(int, suspended.report.error, S3_ACCESS_DENIED));
	cr_expect(eq(int, control.outcome, SIGV4_REFUSED));
	cr_expect(eq(int, control.report.error, S3_INVALID_ACCESS_KEY_ID));
}

/* --- regions -------------------------------------------------------------- */

static bool
is_region_accepted(const char *region)
{
	scoped(attempt_free) struct attempt attempt = attempt_prepare();
	scoped(arena_free) struct arena arena = {0};
	struct slice text = arena_printf(&arena,
		"GET / HTTP/1.1\r\n" HOST DATE SHA
		"Authorization: AWS4-HMAC-SHA256 Credential=" KEY
		"/20130524/%s/s3/aws4_request, SignedHeaders=" USUAL
		", Signature=" ZEROS "\r\n\r\n",
		region);

	attempt_make(&attempt, text.data);
	if (attempt.report.error == S3_SIGNATURE_DOES_NOT_MATCH)
		return true;
	cr_expect(eq(int, attempt.report.error,
		S3_AUTHORIZATION_HEADER_MALFORMED));
	cr_expect(slice_equal(attempt_field(&attempt.report, "Region"),
		SLICE("here")));
	return false;
}

Test(sigv4, accepts_its_own_region_and_the_two_that_clients_default_to)
{
	cr_expect(is_region_accepted("here"));
	cr_expect(is_region_accepted("default"));
	cr_expect(is_region_accepted("us-east-1"));
	cr_expect(not(is_region_accepted("us-west-2")));
	cr_expect(not(is_region_accepted("")));
}

/* --- time ----------------------------------------------------------------- */

static enum s3_error
error_at(const char *text, int64_t offset_s)
{
	scoped(attempt_free) struct attempt attempt = attempt_prepare();

	attempt.now_ns += offset_s * CLOCK_NS_PER_S;
	attempt_make(&attempt, text);
	return attempt.report.error;
}

Test(sigv4, accepts_a_clock_that_is_fifteen_minutes_off)
{
	cr_expect(eq(int, error_at(GET_OBJECT, 900), S3_OK));
	cr_expect(eq(int, error_at(GET_OBJECT, -900), S3_OK));
	cr_expect(eq(int, error_at(GET_OBJECT, 901),
		S3_REQUEST_TIME_TOO_SKEWED));
	cr_expect(eq(int, error_at(GET_OBJECT, -901),
		S3_REQUEST_TIME_TOO_SKEWED));
}

Test(sigv4, lets_a_presigned_url_live_from_its_date_to_its_expiry)
{
	static const char text[] = PRESIGNED("20130524T000000Z",
		"86400") " HTTP/1.1\r\n" HOST "\r\n";

	cr_expect(eq(int, error_at(text, 86400), S3_OK));
	cr_expect(eq(int, error_at(text, 86401), S3_ACCESS_DENIED));
	cr_expect(eq(int, error_at(text, -900), S3_OK));
	cr_expect(eq(int, error_at(text, -901), S3_ACCESS_DENIED));
}

Test(sigv4, says_when_a_presigned_url_has_expired)
{
	scoped(attempt_free) struct attempt attempt = attempt_prepare();

	attempt.now_ns += 90000ll * CLOCK_NS_PER_S;
	attempt_make(&attempt, PRESIGNED("20130524T000000Z",
				       "86400") " HTTP/1.1\r\n" HOST "\r\n");

	cr_expect(slice_equal(attempt.report.message,
		SLICE("Request has expired")));
	cr_expect(slice_equal(attempt_field(&attempt.report, "Expires"),
		SLICE("2013-05-25T00:00:00.000Z")));
}

Test(sigv4, survives_dates_at_the_ends_of_time)
{
	cr_expect(attempt_is_refused(PRESIGNED("00010101T000000Z",
					     "86400") " HTTP/1.1\r\n" HOST
						      "\r\n",
		S3_AUTHORIZATION_QUERY_PARAMETERS));
	cr_expect(eq(int,
		error_at("GET / HTTP/1.1\r\n" HOST SHA
			 "x-amz-date: 99991231T235959Z\r\n" AUTH(
				 "22620411/default/s3/aws4_request", USUAL,
				 ZEROS) "\r\n",
			0),
		S3_REQUEST_TIME_TOO_SKEWED));
}

Test(sigv4, bounds_the_life_of_a_presigned_url_to_a_week)
{
	static const char *const bad[] = {
		"0", "-1", "604801", "x", "", "1.5", "99999999999999999999"};

	for (size_t i = 0; i < array_len(bad); i++) {
		scoped(arena_free) struct arena arena = {0};
		/* The text is full of %2F: no format for printf. */
		struct slice text = SLICE(PRESIGNED("20130524T000000Z",
			"EXPIRES") " HTTP/1.1\r\n" HOST "\r\n");
		size_t at = (size_t)slice_find(text, SLICE("EXPIRES"));

		text = arena_printf(&arena, "%.*s%s%s", (int)at, text.data,
			bad[i], text.data + at + 7);
		cr_expect(attempt_is_refused(text.data,
				  S3_AUTHORIZATION_QUERY_PARAMETERS),
			"%s", bad[i]);
	}
	cr_expect(eq(int,
		error_at(PRESIGNED("20130524T000000Z",
				 "604800") " HTTP/1.1\r\n" HOST "\r\n",
			0),
		S3_SIGNATURE_DOES_NOT_MATCH));
}

/* --- what has to be signed ------------------------------------------------ */

Test(sigv4, wants_host_and_every_amazon_header_signed)
{
	scoped(attempt_free) struct attempt attempt = attempt_prepare();

	attempt_make(&attempt,
		"GET / HTTP/1.1\r\n" HOST DATE SHA
		"x-amz-acl: private\r\nx-amz-meta-a: 1\r\n" AUTH(SCOPE,
			"x-amz-content-sha256;x-amz-date;x-amz-acl",
			ZEROS) "\r\n");

	cr_expect(eq(int, attempt.report.error, S3_ACCESS_DENIED));
	cr_expect(eq(int, attempt.outcome, SIGV4_REFUSED));
	cr_expect(slice_equal(attempt_field(&attempt.report,
				      "HeadersNotSigned"),
		SLICE("host, x-amz-meta-a")));
}

Test(sigv4, refuses_a_list_of_headers_with_repeats)
{
	cr_expect(attempt_is_refused("GET / HTTP/1.1\r\n" HOST DATE SHA
					     AUTH(SCOPE, USUAL ";host",
						     ZEROS) "\r\n",
		S3_AUTHORIZATION_HEADER_MALFORMED));
}

Test(sigv4, wants_to_know_about_the_payload)
{
	cr_expect(attempt_is_refused("GET / HTTP/1.1\r\n" HOST DATE AUTH(SCOPE,
					     "host;x-amz-date", ZEROS) "\r\n",
		S3_INVALID_REQUEST));
	cr_expect(attempt_is_refused("GET / HTTP/1.1\r\n" HOST DATE
				     "x-amz-content-sha256: nonsense\r\n" AUTH(
					     SCOPE, USUAL, ZEROS) "\r\n",
		S3_INVALID_ARGUMENT));
	cr_expect(attempt_is_refused("GET / HTTP/1.1\r\n" HOST DATE SHA SHA
					     AUTH(SCOPE, USUAL, ZEROS) "\r\n",
		S3_INVALID_REQUEST));
}

Test(sigv4, wants_a_date)
{
	cr_expect(attempt_is_refused("GET / HTTP/1.1\r\n" HOST SHA AUTH(SCOPE,
					     "host;x-amz-content-sha256",
					     ZEROS) "\r\n",
		S3_ACCESS_DENIED));
	cr_expect(attempt_is_refused("GET / HTTP/1.1\r\n" HOST SHA
				     "x-amz-date: yesterday\r\n" AUTH(SCOPE,
					     USUAL, ZEROS) "\r\n",
		S3_ACCESS_DENIED));
	/* Date will do. */
	cr_expect(attempt_is_refused(
		"GET / HTTP/1.1\r\n" HOST SHA
		"Date: Fri, 24 May 2013 00:00:00 GMT\r\n" AUTH(SCOPE,
			"date;host;x-amz-content-sha256", ZEROS) "\r\n",
		S3_SIGNATURE_DOES_NOT_MATCH));
}
