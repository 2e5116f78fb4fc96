/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/auth/sigv4.h"

#include <stdlib.h>

#include "s3api/auth/sigv4_private.h"
#include "store/base/cipher.h"
#include "store/base/clock.h"
#include "store/base/digest.h"
#include "store/base/text.h"

#define SKEW_S 900
#define REGION_MAX 64

struct sigv4 {
	/* fixed after sigv4_create() */
	enum store_err (*find)(void *context, struct slice access_key,
		struct token *token, char secret[TOKEN_SECRET_MAX + 1]);
	void (*session)(void *context, const struct token *token,
		char session[TOKEN_SESSION_LEN + 1]);
	void *context;
	char region[REGION_MAX + 1];

	struct sigv4_key_cache keys; /* locks itself */
};

struct sigv4 *
sigv4_create(const struct sigv4_config *config)
{
	struct sigv4 *sigv4 = calloc(1, sizeof(*sigv4));
	struct slice region = slice_first(config->region, REGION_MAX);

	if (!sigv4)
		error_out_of_memory();
	sigv4->find = config->find;
	sigv4->session = config->session;
	sigv4->context = config->context;
	if (region.len)
		memcpy(sigv4->region, region.data, region.len);
	sigv4_key_cache_init(&sigv4->keys);
	return sigv4;
}

static enum store_err
find_in_store(void *store, struct slice access_key, struct token *token,
	char secret[TOKEN_SECRET_MAX + 1])
{
	return token_find(store, access_key, token, secret);
}

static void
session_of_store(void *store, const struct token *token,
	char session[TOKEN_SESSION_LEN + 1])
{
	token_secret_session(store, token, session);
}

struct sigv4 *
sigv4_create_for_store(struct store *store)
{
	return sigv4_create(&(struct sigv4_config){
		.region = store_region(store),
		.find = find_in_store,
		.session = session_of_store,
		.context = store,
	});
}

void
sigv4_free(struct sigv4 **sigv4)
{
	if (!*sigv4)
		return;
	sigv4_key_cache_wipe(&(*sigv4)->keys);
	free(*sigv4);
	*sigv4 = NULL;
}

void
sigv4_caller_wipe(struct sigv4_caller *caller)
{
	cipher_wipe(caller, sizeof(*caller));
}

/* --- when and where ------------------------------------------------------- */

static struct slice
iso8601(const struct http_request *request, int64_t time_ns)
{
	char text[25];

	clock_to_iso8601(time_ns, text);
	return arena_copy(request->arena, slice_str(text));
}

/* Seconds, which cannot overflow however far apart the two are. */
static int64_t
age_s(const struct sigv4_claim *claim, int64_t now_ns)
{
	return now_ns / CLOCK_NS_PER_S - claim->signed_ns / CLOCK_NS_PER_S;
}

static enum s3_error
check_skew(const struct http_request *request, const struct sigv4_claim *claim,
	int64_t now_ns, struct error_report *report)
{
	int64_t age = age_s(claim, now_ns);

	if (age <= SKEW_S && age >= -SKEW_S)
		return S3_OK;
	error_set(report, S3_REQUEST_TIME_TOO_SKEWED, NULL);
	error_add(report, "RequestTime",
		arena_copy(request->arena, slice_str(claim->timestamp)));
	error_add(report, "ServerTime", iso8601(request, now_ns));
	error_add(report, "MaxAllowedSkewMilliseconds", SLICE("900000"));
	return report->error;
}

static enum s3_error
check_expiry(const struct http_request *request,
	const struct sigv4_claim *claim, int64_t now_ns,
	struct error_report *report)
{
	int64_t age = age_s(claim, now_ns);
	int64_t expires_s = (int64_t)claim->expires_s;

	if (age < -SKEW_S)
		return error_set(report, S3_ACCESS_DENIED,
			"Request is not yet valid");
	if (age <= expires_s)
		return S3_OK;
	error_set(report, S3_ACCESS_DENIED, "Request has expired");
	error_add(report, "X-Amz-Expires",
		arena_printf(request->arena, "%lu", claim->expires_s));
	/* It lies before now, so it is in range. */
	error_add(report, "Expires",
		iso8601(request,
			claim->signed_ns + expires_s * CLOCK_NS_PER_S));
	error_add(report, "ServerTime", iso8601(request, now_ns));
	return report->error;
}

static enum s3_error
check_region(const struct sigv4 *sigv4, const struct http_request *request,
	const struct sigv4_claim *claim, struct error_report *report)
{
	struct slice region = slice_str(sigv4->region);

	if (slice_equal(claim->region, SLICE("default")) ||
		slice_equal(claim->region, SLICE("us-east-1")) ||
		slice_equal(claim->region, region))
		return S3_OK;
	sigv4_claim_malformed(claim, request->arena, report,
		"the region '%.*s' is wrong; expecting '%s'",
		(int)slice_first(claim->region, REGION_MAX).len,
		claim->region.data, sigv4->region);
	error_add(report, "Region", arena_copy(request->arena, region));
	return report->error;
}

/* --- the signature -------------------------------------------------------- */

static struct slice
hex_of(const struct http_request *request, struct slice text)
{
	scoped(buffer_free) struct buffer hex = {0};

	for (size_t i = 0; i < text.len; i++)
		buffer_printf(&hex, i ? " %02x" : "%02x",
			(unsigned char)text.data[i]);
	return arena_copy(request->arena, buffer_slice(&hex));
}

/* What a client needs to see which byte it has signed otherwise. */
static enum s3_error
mismatch(const struct http_request *request, const struct sigv4_claim *claim,
	struct slice canonical, struct slice to_sign,
	struct error_report *report)
{
	error_set(report, S3_SIGNATURE_DOES_NOT_MATCH, NULL);
	error_add(report, "AWSAccessKeyId", claim->access_key);
	error_add(report, "StringToSign", arena_copy(request->arena, to_sign));
	error_add(report, "SignatureProvided", claim->signature);
	error_add(report, "StringToSignBytes", hex_of(request, to_sign));
	error_add(report, "CanonicalRequest",
		arena_copy(request->arena, canonical));
	error_add(report, "CanonicalRequestBytes", hex_of(request, canonical));
	return report->error;
}

static void
string_to_sign(const struct sigv4_claim *claim, struct slice canonical,
	struct buffer *to)
{
	uint8_t sha256[32];
	char hex[TEXT_HEX_LEN(32) + 1];

	digest_of(DIGEST_SHA256, canonical, sha256);
	text_to_hex(sha256, sizeof(sha256), hex);
	buffer_append(to, SLICE("AWS4-HMAC-SHA256\n"));
	buffer_append_str(to, claim->timestamp);
	buffer_append_char(to, '\n');
	buffer_append(to, claim->scope);
	buffer_append_char(to, '\n');
	buffer_append_str(to, hex);
}

/* A customer's key may be among the headers. */
static void
wipe_and_free(struct buffer *buffer)
{
	if (buffer->data)
		cipher_wipe(buffer->data, buffer->len);
	buffer_free(buffer);
}

static enum s3_error
check_signature(const struct http_request *request,
	const struct sigv4_claim *claim, struct sigv4_caller *caller,
	struct error_report *report)
{
	scoped(wipe_and_free) struct buffer canonical = {0};
	scoped(buffer_free) struct buffer to_sign = {0};
	enum s3_error error =
		sigv4_canonical_request(request, claim, &canonical, report);

	if (error)
		return error;
	string_to_sign(claim, buffer_slice(&canonical), &to_sign);
	sigv4_key_sign(caller->key, buffer_slice(&to_sign), caller->signature);
	if (claim->signature.len != SIGV4_SIGNATURE_LEN ||
		!digest_equal(claim->signature.data, caller->signature,
			SIGV4_SIGNATURE_LEN))
		return mismatch(request, claim, buffer_slice(&canonical),
			buffer_slice(&to_sign), report);
	return S3_OK;
}

/* --- all together --------------------------------------------------------- */

/* The token of the access key, and the key that its secret signs with. */
static enum s3_error
find_key(struct sigv4 *sigv4, const struct sigv4_claim *claim,
	struct sigv4_caller *caller, struct error_report *report)
{
	char secret[TOKEN_SECRET_MAX + 1] = "";
	enum store_err err = sigv4->find(sigv4->context, claim->access_key,
		&caller->token, secret);

	if (!err)
		sigv4_key_find(&sigv4->keys, slice_str(secret), claim,
			caller->key);
	cipher_wipe(secret, sizeof(secret));
	/* It signs nothing. */
	if (!err && caller->token.kind == TOKEN_CONTROL)
		err = STORE_NO_TOKEN;
	if (!err)
		return S3_OK;
	if (err != STORE_NO_TOKEN && err != STORE_INVALID &&
		err != STORE_BAD_NAME)
		return error_set(report, S3_INTERNAL_ERROR, NULL);
	error_set(report, S3_INVALID_ACCESS_KEY_ID, NULL);
	error_add(report, "AWSAccessKeyId", claim->access_key);
	return report->error;
}

static enum s3_error
check_time(const struct http_request *request, const struct sigv4_claim *claim,
	int64_t now_ns, struct error_report *report)
{
	if (claim->is_presigned)
		return check_expiry(request, claim, now_ns, report);
	return check_skew(request, claim, now_ns, report);
}

/*
 * A session token that comes must be that of the key, which is temporary.  One
 * that does not come is missed where the key was handed out with it in the
 * form of AWS; elsewhere clients are told of none.
 */
static enum s3_error
check_session(const struct sigv4 *sigv4, const struct sigv4_claim *claim,
	const struct token *token, struct error_report *report)
{
	char session[TOKEN_SESSION_LEN + 1] = "";
	bool is_right;

	if (!claim->session.data)
		return token->needs_session
			       ? error_set(report, S3_INVALID_TOKEN,
					 "The access key needs its session "
					 "token.")
			       : S3_OK;
	if (sigv4->session && token->kind == TOKEN_TEMPORARY)
		sigv4->session(sigv4->context, token, session);
	is_right =
		session[0] && claim->session.len == TOKEN_SESSION_LEN &&
		digest_equal(claim->session.data, session, TOKEN_SESSION_LEN);
	cipher_wipe(session, sizeof(session));
	return is_right ? S3_OK : error_set(report, S3_INVALID_TOKEN, NULL);
}

/* What a key is good for is told only to who has its secret. */
static enum s3_error
check_token(const struct sigv4 *sigv4, const struct sigv4_claim *claim,
	const struct token *token, int64_t now_ns, struct error_report *report)
{
	if (token->expires_ns && token->expires_ns <= now_ns)
		return error_set(report, S3_EXPIRED_TOKEN, NULL);
	if (token->is_suspended)
		return error_set(report, S3_ACCESS_DENIED,
			"The access key is suspended.");
	return check_session(sigv4, claim, token, report);
}

static enum s3_error
verify_claim(struct sigv4 *sigv4, const struct http_request *request,
	const struct sigv4_claim *claim, int64_t now_ns,
	struct sigv4_caller *caller, struct error_report *report)
{
	enum s3_error error = check_region(sigv4, request, claim, report);

	if (!error)
		error = sigv4_claim_payload(claim, caller, report);
	if (!error)
		error = check_time(request, claim, now_ns, report);
	if (!error)
		error = sigv4_canonical_check_headers(request, claim, report);
	if (!error)
		error = find_key(sigv4, claim, caller, report);
	if (!error)
		error = check_signature(request, claim, caller, report);
	if (!error)
		error = check_token(sigv4, claim, &caller->token, now_ns,
			report);
	return error;
}

/*
 * Nobody vouches for the payload, but it still comes in the form that the
 * header tells.  Chunks that are signed have no key here.
 */
static enum sigv4_outcome
take_anonymous(const struct http_request *request, struct sigv4_claim *claim,
	struct sigv4_caller *caller, struct error_report *report)
{
	claim->payload = http_request_header(request, "x-amz-content-sha256");
	if (claim->payload.data && sigv4_claim_payload(claim, caller, report))
		return SIGV4_REFUSED;
	if (caller->payload == SIGV4_PAYLOAD_CHUNKS ||
		caller->payload == SIGV4_PAYLOAD_CHUNKS_TRAILER) {
		error_set(report, S3_INVALID_REQUEST,
			"Signed chunks need a signed request.");
		return SIGV4_REFUSED;
	}
	error_set(report, S3_ACCESS_DENIED, NULL);
	return SIGV4_ANONYMOUS;
}

static enum sigv4_outcome
verify(struct sigv4 *sigv4, const struct http_request *request,
	const char *service, struct slice payload, int64_t now_ns,
	struct sigv4_caller *caller, struct error_report *report)
{
	struct sigv4_claim claim;
	enum sigv4_claim_kind kind;

	*caller = (struct sigv4_caller){0};
	*report = (struct error_report){0};
	kind = sigv4_claim_read(request, service, payload, &claim, report);
	if (kind == SIGV4_CLAIM_NONE)
		return take_anonymous(request, &claim, caller, report);
	if (kind == SIGV4_CLAIM_BAD)
		return SIGV4_REFUSED;
	if (verify_claim(sigv4, request, &claim, now_ns, caller, report)) {
		sigv4_caller_wipe(caller);
		return SIGV4_REFUSED;
	}
	caller->is_presigned = claim.is_presigned;
	caller->signed_ns = claim.signed_ns;
	memcpy(caller->timestamp, claim.timestamp, sizeof(claim.timestamp));
	/* It fits: check_region() has bounded the only part without a form. */
	memcpy(caller->scope, claim.scope.data, claim.scope.len);
	return SIGV4_SIGNED;
}

static enum s3_error
check_form_signature(const struct http_request *request,
	const struct sigv4_claim *claim, struct slice policy,
	struct sigv4_caller *caller, struct error_report *report)
{
	sigv4_key_sign(caller->key, policy, caller->signature);
	if (claim->signature.len == SIGV4_SIGNATURE_LEN &&
		digest_equal(claim->signature.data, caller->signature,
			SIGV4_SIGNATURE_LEN))
		return S3_OK;
	error_set(report, S3_SIGNATURE_DOES_NOT_MATCH, NULL);
	error_add(report, "AWSAccessKeyId", claim->access_key);
	error_add(report, "StringToSign", arena_copy(request->arena, policy));
	error_add(report, "SignatureProvided", claim->signature);
	return report->error;
}

enum s3_error
sigv4_verify_form(struct sigv4 *sigv4, const struct http_request *request,
	const struct sigv4_form *form, int64_t now_ns,
	struct sigv4_caller *caller, struct error_report *report)
{
	struct sigv4_claim claim;
	enum s3_error error =
		sigv4_claim_read_form(form, &claim, request->arena, report);

	*caller = (struct sigv4_caller){0};
	if (!error)
		error = check_region(sigv4, request, &claim, report);
	if (!error)
		error = check_expiry(request, &claim, now_ns, report);
	if (!error)
		error = find_key(sigv4, &claim, caller, report);
	if (!error)
		error = check_form_signature(request, &claim, form->policy,
			caller, report);
	if (!error)
		error = check_token(sigv4, &claim, &caller->token, now_ns,
			report);
	if (error) {
		sigv4_caller_wipe(caller);
		return error;
	}
	caller->is_form = true;
	caller->signed_ns = claim.signed_ns;
	return S3_OK;
}

enum sigv4_outcome
sigv4_verify(struct sigv4 *sigv4, const struct http_request *request,
	int64_t now_ns, struct sigv4_caller *caller,
	struct error_report *report)
{
	return verify(sigv4, request, "s3", SLICE_NULL, now_ns, caller, report);
}

enum sigv4_outcome
sigv4_verify_service(struct sigv4 *sigv4, const struct http_request *request,
	const char *service, const uint8_t sha256[32], int64_t now_ns,
	struct sigv4_caller *caller, struct error_report *report)
{
	char hex[TEXT_HEX_LEN(32) + 1];

	text_to_hex(sha256, 32, hex);
	return verify(sigv4, request, service,
		arena_copy(request->arena, slice_str(hex)), now_ns, caller,
		report);
}
