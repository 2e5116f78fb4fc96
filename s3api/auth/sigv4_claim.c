/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a request claims about its signature, from either of the two places
 * where that can stand.  Nothing here is to be believed yet.
 */
#include <stdio.h>

#include "s3api/auth/sigv4_private.h"
#include "store/base/clock.h"
#include "store/base/text.h"

#define ALGORITHM "AWS4-HMAC-SHA256"
#define EXPIRES_S_MAX 604800 /* a week */
#define UNSUPPORTED                                                            \
	"The authorization mechanism you have provided is not supported. "     \
	"Please use AWS4-HMAC-SHA256."
#define ONE_MECHANISM                                                          \
	"Only one auth mechanism allowed; only the X-Amz-Algorithm query "     \
	"parameter, Signature query string parameter or the Authorization "    \
	"header should be specified"
#define MISSING_PARAMS                                                         \
	"Query-string authentication version 4 requires the "                  \
	"X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, "     \
	"X-Amz-SignedHeaders, and X-Amz-Expires parameters."
#define PAYLOAD_KINDS                                                          \
	"x-amz-content-sha256 must be UNSIGNED-PAYLOAD, "                      \
	"STREAMING-UNSIGNED-PAYLOAD-TRAILER, "                                 \
	"STREAMING-AWS4-HMAC-SHA256-PAYLOAD, "                                 \
	"STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER or a valid sha256 value."

/* --- reports -------------------------------------------------------------- */

enum s3_error
sigv4_claim_malformed(const struct sigv4_claim *claim, struct arena *arena,
	struct error_report *report, const char *format, ...)
{
	scoped(buffer_free) struct buffer text = {0};
	char what[512];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	if (!claim->is_presigned)
		buffer_append_str(&text,
			"The authorization header is malformed; ");
	else
		buffer_append_str(&text,
			"Error parsing the X-Amz-Credential parameter; ");
	buffer_append_str(&text, what);
	return error_set(report,
		claim->is_presigned ? S3_AUTHORIZATION_QUERY_PARAMETERS
				    : S3_AUTHORIZATION_HEADER_MALFORMED,
		arena_str(arena, buffer_slice(&text)));
}

static enum s3_error
bad_argument(struct error_report *report, const char *message, const char *name,
	struct slice value)
{
	enum s3_error error = error_set(report, S3_INVALID_ARGUMENT, message);

	error_add(report, "ArgumentName", slice_str(name));
	error_add(report, "ArgumentValue", value);
	return error;
}

static enum s3_error
bad_query(struct error_report *report, const char *message)
{
	return error_set(report, S3_AUTHORIZATION_QUERY_PARAMETERS, message);
}

/* --- credential ----------------------------------------------------------- */

/* "AKID/20130524/us-east-1/s3/aws4_request" */
static bool
read_credential(struct sigv4_claim *claim, struct slice text)
{
	struct slice rest = text;
	struct slice terminator;

	if (!slice_split(&rest, '/', &claim->access_key))
		return false;
	claim->scope = rest;
	return slice_split(&rest, '/', &claim->date) &&
	       slice_split(&rest, '/', &claim->region) &&
	       slice_split(&rest, '/', &claim->service) &&
	       slice_split(&rest, '/', &terminator) && !rest.data &&
	       claim->access_key.len > 0 && claim->date.len == 8 &&
	       slice_equal(terminator, SLICE("aws4_request"));
}

static enum s3_error
check_credential(const struct sigv4_claim *claim, struct arena *arena,
	struct error_report *report)
{
	if (!slice_equal(claim->service, slice_str(claim->wanted_service)))
		return sigv4_claim_malformed(claim, arena, report,
			"incorrect service \"%.*s\". This endpoint belongs to "
			"\"%s\".",
			(int)slice_first(claim->service, 64).len,
			claim->service.data, claim->wanted_service);
	if (!slice_equal(claim->date, slice_of(claim->timestamp, 8)))
		return sigv4_claim_malformed(claim, arena, report,
			"Invalid credential date \"%.*s\". This date is not "
			"the same as X-Amz-Date: \"%.8s\".",
			(int)claim->date.len, claim->date.data,
			claim->timestamp);
	return S3_OK;
}

/* --- header --------------------------------------------------------------- */

static enum s3_error
read_component(struct sigv4_claim *claim, struct slice piece,
	struct arena *arena, struct error_report *report)
{
	ptrdiff_t mark = slice_find_char(piece, '=');
	struct slice name = slice_first(piece, mark < 0 ? 0 : (size_t)mark);
	struct slice value = slice_from(piece, (size_t)(mark + 1));

	if (slice_equal(name, SLICE("Credential")) && !claim->scope.data) {
		if (read_credential(claim, value))
			return S3_OK;
		return sigv4_claim_malformed(claim, arena, report,
			"the Credential is mal-formed; expecting "
			"\"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/"
			"aws4_request\".");
	}
	if (slice_equal(name, SLICE("SignedHeaders")) &&
		!claim->signed_headers.data) {
		claim->signed_headers = value;
		return S3_OK;
	}
	if (slice_equal(name, SLICE("Signature")) && !claim->signature.data) {
		claim->signature = value;
		return S3_OK;
	}
	return sigv4_claim_malformed(claim, arena, report,
		"the authorization component \"%.*s\" is malformed.",
		(int)slice_first(piece, 128).len, piece.data);
}

static enum s3_error
read_components(struct sigv4_claim *claim, struct slice rest,
	struct arena *arena, struct error_report *report)
{
	const char *missing = NULL;
	struct slice piece;

	while (slice_split(&rest, ',', &piece)) {
		enum s3_error error =
			read_component(claim, slice_trim(piece), arena, report);

		if (error)
			return error;
	}
	if (!claim->scope.data)
		missing = "Credential";
	else if (!claim->signed_headers.data)
		missing = "SignedHeaders";
	else if (!claim->signature.data)
		missing = "Signature";
	if (missing)
		return sigv4_claim_malformed(claim, arena, report,
			"the authorization header requires three components: "
			"Credential, SignedHeaders, and Signature; missing "
			"%s.",
			missing);
	return S3_OK;
}

/* x-amz-date goes before Date, which an intermediary may have put there. */
static enum s3_error
read_date(struct sigv4_claim *claim, const struct http_request *request,
	struct error_report *report)
{
	struct slice text = http_request_header(request, "x-amz-date");
	bool is_read;

	if (text.data) {
		is_read = clock_from_basic(text, &claim->signed_ns);
	} else {
		text = http_request_header(request, "date");
		is_read = clock_from_http(text, &claim->signed_ns) ||
			  clock_from_basic(text, &claim->signed_ns);
	}
	if (!is_read)
		return error_set(report, S3_ACCESS_DENIED,
			"AWS authentication requires a valid Date or "
			"x-amz-date header");
	clock_to_basic(claim->signed_ns, claim->timestamp);
	return S3_OK;
}

static enum s3_error
read_header(struct sigv4_claim *claim, const struct http_request *request,
	struct slice authorization, struct error_report *report)
{
	enum s3_error error;

	if (slice_has_prefix(authorization, SLICE("AWS ")) ||
		slice_has_prefix(authorization, SLICE("AWS4-ECDSA-")))
		return error_set(report, S3_INVALID_REQUEST, UNSUPPORTED);
	if (!slice_has_prefix(authorization, SLICE(ALGORITHM " ")))
		return bad_argument(report, "Unsupported Authorization Type",
			"Authorization", authorization);
	error = read_components(claim,
		slice_from(authorization, sizeof(ALGORITHM)), request->arena,
		report);
	if (error)
		return error;
	error = read_date(claim, request, report);
	if (error)
		return error;
	if (!claim->payload.data)
		claim->payload =
			http_request_header(request, "x-amz-content-sha256");
	if (!claim->payload.data)
		return error_set(report, S3_INVALID_REQUEST,
			"Missing required header for this request: "
			"x-amz-content-sha256");
	if (http_request_header_count(request, "x-amz-content-sha256") > 1 ||
		http_request_header_count(request, "x-amz-date") > 1)
		return error_set(report, S3_INVALID_REQUEST,
			"x-amz-content-sha256 and x-amz-date may be sent only "
			"once");
	return check_credential(claim, request->arena, report);
}

/* --- query ---------------------------------------------------------------- */

/* The value of a parameter; *count: how often it is there. */
static struct slice
param_of(const struct sigv4_claim *claim, const char *name, size_t *count)
{
	struct slice value = SLICE_NULL;

	*count = 0;
	for (size_t i = 0; i < claim->param_count; i++) {
		if (!slice_equal(claim->params[i].name, slice_str(name)))
			continue;
		value = claim->params[i].value;
		++*count;
	}
	return value;
}

static bool
has_param(const struct sigv4_claim *claim, const char *name)
{
	size_t count;

	(void)param_of(claim, name, &count);
	return count > 0;
}

static enum s3_error
read_expires(struct sigv4_claim *claim, struct slice text,
	struct error_report *report)
{
	if (text.len && text.data[0] == '-')
		return bad_query(report, "X-Amz-Expires must be non-negative");
	if (!slice_to_u64(text, UINT32_MAX, &claim->expires_s))
		return bad_query(report, "X-Amz-Expires should be a number");
	if (claim->expires_s > EXPIRES_S_MAX)
		return bad_query(report,
			"X-Amz-Expires must be less than a week (in seconds); "
			"that is, the given X-Amz-Expires must be less than "
			"604800 seconds");
	if (claim->expires_s == 0)
		return bad_query(report,
			"X-Amz-Expires must be at least 1 second");
	return S3_OK;
}

/*
 * A URL can be signed long before its payload is known: it is unsigned unless
 * the URL, or a header that the URL signs, says otherwise.
 */
static void
choose_payload(struct sigv4_claim *claim, const struct http_request *request)
{
	size_t count;

	claim->payload = param_of(claim, "X-Amz-Content-Sha256", &count);
	if (count == 0)
		claim->payload =
			http_request_header(request, "x-amz-content-sha256");
	if (!claim->payload.data)
		claim->payload = SLICE("UNSIGNED-PAYLOAD");
}

static enum s3_error
read_query(struct sigv4_claim *claim, const struct http_request *request,
	struct error_report *report)
{
	static const char *const names[] = {"X-Amz-Algorithm",
		"X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires",
		"X-Amz-SignedHeaders", "X-Amz-Signature"};
	struct slice values[array_len(names)];
	enum s3_error error;

	for (size_t i = 0; i < array_len(names); i++) {
		size_t count;

		values[i] = param_of(claim, names[i], &count);
		if (count != 1)
			return bad_query(report, MISSING_PARAMS);
	}
	if (!slice_equal(values[0], SLICE(ALGORITHM)))
		return bad_query(report,
			"X-Amz-Algorithm only supports \"" ALGORITHM "\"");
	if (!read_credential(claim, values[1]))
		return sigv4_claim_malformed(claim, request->arena, report,
			"the Credential is mal-formed; expecting "
			"\"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/"
			"aws4_request\".");
	if (!clock_from_basic(values[2], &claim->signed_ns))
		return bad_query(report,
			"X-Amz-Date must be in the ISO8601 Long Format "
			"\"yyyyMMdd'T'HHmmss'Z'\"");
	clock_to_basic(claim->signed_ns, claim->timestamp);
	error = read_expires(claim, values[3], report);
	if (error)
		return error;
	claim->signed_headers = values[4];
	claim->signature = values[5];
	choose_payload(claim, request);
	return check_credential(claim, request->arena, report);
}

/* --- form ----------------------------------------------------------------- */

static enum s3_error
check_form_fields(const struct sigv4_form *form, struct error_report *report)
{
	const struct {
		struct slice value;
		const char *name;
		const char *message;
	} fields[] = {
		{form->policy, "policy",
			"Bucket POST must contain a field named 'policy'. If "
			"it is specified, please check the order of the "
			"fields."},
		{form->algorithm, "X-Amz-Algorithm",
			"Bucket POST must contain a field named "
			"'X-Amz-Algorithm'. If it is specified, please check "
			"the order of the fields."},
		{form->credential, "X-Amz-Credential",
			"Bucket POST must contain a field named "
			"'X-Amz-Credential'. If it is specified, please check "
			"the order of the fields."},
		{form->date, "X-Amz-Date",
			"Bucket POST must contain a field named 'X-Amz-Date'. "
			"If it is specified, please check the order of the "
			"fields."},
		{form->signature, "X-Amz-Signature",
			"Bucket POST must contain a field named "
			"'X-Amz-Signature'. If it is specified, please check "
			"the order of the fields."},
	};

	for (size_t i = 0; i < array_len(fields); i++) {
		if (!fields[i].value.data)
			return bad_argument(report, fields[i].message,
				fields[i].name, SLICE_NULL);
	}
	return S3_OK;
}

enum s3_error
sigv4_claim_read_form(const struct sigv4_form *form, struct sigv4_claim *claim,
	struct arena *arena, struct error_report *report)
{
	enum s3_error error = check_form_fields(form, report);

	*claim = (struct sigv4_claim){
		.is_presigned = true, /* its errors are those */
		.wanted_service = "s3",
		.signature = form->signature,
		.session = form->token,
	};
	if (error)
		return error;
	if (!slice_equal(form->algorithm, SLICE(ALGORITHM)))
		return bad_argument(report,
			"X-Amz-Algorithm only supports \"" ALGORITHM "\"",
			"X-Amz-Algorithm", form->algorithm);
	if (!read_credential(claim, form->credential))
		return sigv4_claim_malformed(claim, arena, report,
			"the Credential is mal-formed; expecting "
			"\"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/"
			"aws4_request\".");
	if (!clock_from_basic(form->date, &claim->signed_ns))
		return bad_argument(report,
			"X-Amz-Date must be in the ISO8601 Long Format "
			"\"yyyyMMdd'T'HHmmss'Z'\"",
			"X-Amz-Date", form->date);
	clock_to_basic(claim->signed_ns, claim->timestamp);
	claim->expires_s = EXPIRES_S_MAX;
	return check_credential(claim, arena, report);
}

/* --- either --------------------------------------------------------------- */

/* In the header or, of a presigned URL, in the query; not in both. */
static enum s3_error
read_session(struct sigv4_claim *claim, const struct http_request *request,
	struct error_report *report)
{
	size_t in_query;
	size_t in_header =
		http_request_header_count(request, "x-amz-security-token");

	claim->session = param_of(claim, "X-Amz-Security-Token", &in_query);
	if (in_query == 0)
		claim->session =
			http_request_header(request, "x-amz-security-token");
	return in_query + in_header > 1
		       ? error_set(report, S3_INVALID_TOKEN, NULL)
		       : S3_OK;
}

static enum sigv4_claim_kind
kind_of(enum s3_error error)
{
	return error ? SIGV4_CLAIM_BAD : SIGV4_CLAIM_MADE;
}

enum sigv4_claim_kind
sigv4_claim_read(const struct http_request *request, const char *service,
	struct slice payload, struct sigv4_claim *claim,
	struct error_report *report)
{
	size_t headers = http_request_header_count(request, "authorization");
	struct slice authorization =
		http_request_header(request, "authorization");
	bool has_old_query;
	enum s3_error error;

	*claim = (struct sigv4_claim){
		.wanted_service = service,
		.payload = payload,
	};
	if (http_request_decode_query(request, &claim->params,
		    &claim->param_count))
		return kind_of(error_set(report, S3_INVALID_URI, NULL));
	claim->is_presigned = has_param(claim, "X-Amz-Algorithm") ||
			      has_param(claim, "X-Amz-Credential") ||
			      has_param(claim, "X-Amz-Signature");
	has_old_query = has_param(claim, "Signature") &&
			has_param(claim, "AWSAccessKeyId");

	if (headers > 1 ||
		(authorization.len && (claim->is_presigned || has_old_query)))
		return kind_of(bad_argument(report, ONE_MECHANISM,
			"Authorization", authorization));
	/* An empty header claims nothing. */
	if (!authorization.len && !claim->is_presigned && !has_old_query)
		return SIGV4_CLAIM_NONE;
	if (has_old_query)
		error = error_set(report, S3_INVALID_REQUEST, UNSUPPORTED);
	else if (claim->is_presigned)
		error = read_query(claim, request, report);
	else
		error = read_header(claim, request, authorization, report);
	if (!error)
		error = read_session(claim, request, report);
	return kind_of(error);
}

enum s3_error
sigv4_claim_payload(const struct sigv4_claim *claim,
	struct sigv4_caller *caller, struct error_report *report)
{
	static const struct {
		const char *name;
		enum sigv4_payload payload;
	} kinds[] = {
		{"UNSIGNED-PAYLOAD", SIGV4_PAYLOAD_UNSIGNED},
		{"STREAMING-AWS4-HMAC-SHA256-PAYLOAD", SIGV4_PAYLOAD_CHUNKS},
		{"STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
			SIGV4_PAYLOAD_CHUNKS_TRAILER},
		{"STREAMING-UNSIGNED-PAYLOAD-TRAILER",
			SIGV4_PAYLOAD_UNSIGNED_TRAILER},
	};

	for (size_t i = 0; i < array_len(kinds); i++) {
		if (slice_equal(claim->payload, slice_str(kinds[i].name))) {
			caller->payload = kinds[i].payload;
			return S3_OK;
		}
	}
	if (!text_from_hex(claim->payload, caller->sha256,
		    sizeof(caller->sha256)))
		return bad_argument(report, PAYLOAD_KINDS,
			"x-amz-content-sha256", claim->payload);
	caller->payload = SIGV4_PAYLOAD_SHA256;
	return S3_OK;
}
