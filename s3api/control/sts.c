/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/control/sts.h"

#include "s3api/control/control_private.h"
#include "s3api/http/http_body.h"
#include "s3api/iam/signin.h"
#include "s3api/reply.h"
#include "s3api/xml/xml_writer.h"
#include "store/base/cipher.h"
#include "store/base/clock.h"
#include "store/base/digest.h"
#include "store/base/log.h"
#include "store/base/text.h"

/* A SAMLAssertion of the largest size, percent-encoded at its worst. */
#define BODY_MAX (1280 * 1024)
#define PARAMS_MAX 32
#define XMLNS "https://sts.amazonaws.com/doc/2011-06-15/"

struct sts {
	struct request *request;
	struct slice body;
	struct http_param params[PARAMS_MAX];
	size_t count;
	/* of an error */
	const char *code;
	const char *message;
	unsigned int status;
};

bool
sts_is_for(const struct request *request)
{
	return request->target == OPERATION_SERVICE &&
	       request->http->method == HTTP_METHOD_POST;
}

static bool
refuse(struct sts *sts, unsigned int status, const char *code,
	const char *message)
{
	sts->status = status;
	sts->code = code;
	sts->message = message;
	return false;
}

/* --- parameters ----------------------------------------------------------- */

static struct slice
decode(struct sts *sts, struct slice text, bool *is_good)
{
	scoped(buffer_free) struct buffer plain = {0};

	*is_good &= text_percent_decode(&plain, text, true);
	return arena_copy(sts->request->arena, buffer_slice(&plain));
}

static bool
read_params(struct sts *sts)
{
	struct slice rest = sts->body;
	struct slice piece;
	bool is_good = true;

	while (slice_split(&rest, '&', &piece)) {
		struct slice name;

		if (piece.len == 0)
			continue;
		if (sts->count == PARAMS_MAX)
			return refuse(sts, 400, "ValidationError",
				"There are too many parameters.");
		(void)slice_split(&piece, '=', &name);
		sts->params[sts->count++] = (struct http_param){
			.name = decode(sts, name, &is_good),
			.value = piece.data ? decode(sts, piece, &is_good)
					    : SLICE(""),
		};
	}
	return is_good || refuse(sts, 400, "ValidationError",
				  "A parameter is not percent-encoded.");
}

static struct slice
param(const struct sts *sts, const char *name)
{
	for (size_t i = 0; i < sts->count; i++) {
		if (slice_equal(sts->params[i].name, slice_str(name)))
			return sts->params[i].value;
	}
	return SLICE_NULL;
}

/* "arn:aws:iam::ORG:KIND/NAME"; of a path, the last piece. */
static bool
read_arn(struct sts *sts, const char *param_name, const char *kind,
	struct slice *organization, struct slice *name)
{
	struct slice rest = param(sts, param_name);
	struct slice prefix = SLICE("arn:aws:iam::");
	struct slice kind_and_slash =
		arena_printf(sts->request->arena, "%s/", kind);

	*organization = SLICE_NULL;
	if (slice_has_prefix(rest, prefix)) {
		rest = slice_from(rest, prefix.len);
		if (slice_split(&rest, ':', organization) && rest.data &&
			slice_has_prefix(rest, kind_and_slash))
			*name = slice_from(rest, kind_and_slash.len);
		else
			*organization = SLICE_NULL;
	}
	while (organization->len > 0 && slice_find_char(*name, '/') >= 0)
		*name = slice_from(*name,
			(size_t)slice_find_char(*name, '/') + 1);
	if (organization->len > 0 && name->len > 0)
		return true;
	return refuse(sts, 400, "ValidationError",
		arena_printf(sts->request->arena,
			"%s must be arn:aws:iam::ORGANIZATION:%s/NAME.",
			param_name, kind)
			.data);
}

/* --- replies -------------------------------------------------------------- */

static void
send_xml(struct request *request, unsigned int status, struct buffer *body)
{
	reply_status(request, status);
	http_reply_header_str(request->response, "content-type", "text/xml");
	http_reply_header_str(request->response, "cache-control", "no-store");
	if (http_reply_body(request->response, buffer_slice(body)))
		log_debug("request %s: reply not sent", request->id);
	/* A secret may be in it. */
	cipher_wipe(body->data, body->len);
}

static void
open_reply(struct buffer *to, const char *action)
{
	buffer_printf(to, "<%sResponse xmlns=\"" XMLNS "\">", action);
	buffer_printf(to, "<%sResult>", action);
}

static void
close_reply(struct request *request, struct buffer *to, const char *action)
{
	buffer_printf(to, "</%sResult>", action);
	xml_writer_open(to, "ResponseMetadata");
	xml_writer_str(to, "RequestId", request->id);
	xml_writer_close(to, "ResponseMetadata");
	buffer_printf(to, "</%sResponse>", action);
	send_xml(request, 200, to);
}

static void
reply_refusal(struct sts *sts)
{
	scoped(buffer_free) struct buffer body = {0};

	buffer_append_str(&body, "<ErrorResponse xmlns=\"" XMLNS "\">");
	xml_writer_open(&body, "Error");
	xml_writer_str(&body, "Type",
		sts->status < 500 ? "Sender" : "Receiver");
	xml_writer_str(&body, "Code", sts->code);
	xml_writer_str(&body, "Message", sts->message);
	xml_writer_close(&body, "Error");
	xml_writer_str(&body, "RequestId", sts->request->id);
	xml_writer_close(&body, "ErrorResponse");
	send_xml(sts->request, sts->status, &body);
}

/* --- AssumeRoleWithSAML --------------------------------------------------- */

static bool
refuse_signin(struct sts *sts, const struct signin_result *result)
{
	const char *message = result->message;

	switch (result->outcome) {
	case SIGNIN_ISSUED:
		return true;
	case SIGNIN_INVALID:
	case SIGNIN_REFUSED:
		return refuse(sts, 400, "InvalidIdentityToken", message);
	case SIGNIN_UNKNOWN:
		return refuse(sts, 400, "InvalidIdentityToken", message);
	case SIGNIN_EXPIRED:
		return refuse(sts, 400, "ExpiredTokenException", message);
	case SIGNIN_REJECTED:
		return refuse(sts, 403, "IDPRejectedClaim", message);
	case SIGNIN_FORBIDDEN:
		return refuse(sts, 403, "AccessDenied", message);
	case SIGNIN_BUSY:
		return refuse(sts, 400, "Throttling", message);
	case SIGNIN_FAILED:
		return refuse(sts, 500, "InternalFailure", "internal error");
	}
	return false;
}

static void
write_credentials(struct buffer *to, const struct signin *signin,
	const struct signin_result *result)
{
	char session[TOKEN_SESSION_LEN + 1];

	token_secret_session(signin->store, &result->token, session);
	xml_writer_open(to, "Credentials");
	xml_writer_str(to, "AccessKeyId", result->token.access_key);
	xml_writer_str(to, "SecretAccessKey", result->secret);
	xml_writer_str(to, "SessionToken", session);
	xml_writer_time(to, "Expiration", result->token.expires_ns);
	xml_writer_close(to, "Credentials");
	cipher_wipe(session, sizeof(session));
}

static struct policy_caller
caller_of(const struct token *token)
{
	return (struct policy_caller){
		.organization = slice_str(token->organization),
		.name = slice_str(token->name),
		.role = slice_str(token->role),
	};
}

static void
write_user(struct buffer *to, struct arena *arena, const struct token *token)
{
	const struct policy_caller caller = caller_of(token);

	xml_writer_open(to, "AssumedRoleUser");
	xml_writer_text(to, "Arn", policy_principal_arn(&caller, arena));
	xml_writer_text(to, "AssumedRoleId",
		arena_printf(arena, "%s:%s", token->access_key, token->name));
	xml_writer_close(to, "AssumedRoleUser");
}

/* What both ask: RoleArn, DurationSeconds, and nothing that would narrow the
 * session and cannot. */
static bool
read_session(struct sts *sts, struct signin *signin)
{
	struct request *request = sts->request;
	struct slice duration = param(sts, "DurationSeconds");

	*signin = (struct signin){
		.store = request->store,
		.policies = request->policies,
		.arena = request->arena,
		.now_ns = clock_now_ns(),
		.needs_session = true,
	};
	if (!request_may_carry_keys(request))
		return refuse(sts, 403, "AccessDenied",
			"Keys are given out over TLS only.");
	if (param(sts, "Policy").data ||
		param(sts, "PolicyArns.member.1.arn").data)
		return refuse(sts, 501, "NotImplemented",
			"Session policies are not implemented.");
	if (!read_arn(sts, "RoleArn", "role", &signin->organization,
		    &signin->role))
		return false;
	if (duration.data && (!slice_to_u64(duration, SIGNIN_DURATION_S_MAX,
				      &signin->duration_s) ||
				     signin->duration_s < 900))
		return refuse(sts, 400, "ValidationError",
			"DurationSeconds must be from 900 to 43200.");
	return true;
}

static bool
assume_role_with_saml(struct sts *sts)
{
	struct request *request = sts->request;
	struct slice organization = SLICE_NULL;
	struct signin_result result;
	struct signin signin;
	scoped(buffer_free) struct buffer body = {0};

	if (!read_session(sts, &signin) ||
		!read_arn(sts, "PrincipalArn", "saml-provider", &organization,
			&signin.idp))
		return false;
	if (!slice_equal(organization, signin.organization))
		return refuse(sts, 400, "ValidationError",
			"RoleArn and PrincipalArn are of different "
			"organizations.");
	signin.response = param(sts, "SAMLAssertion");
	signin_saml(&signin, &result);
	control_signin_note(request, &result);
	if (refuse_signin(sts, &result)) {
		open_reply(&body, "AssumeRoleWithSAML");
		write_credentials(&body, &signin, &result);
		write_user(&body, request->arena, &result.token);
		xml_writer_text(&body, "Audience", result.audience);
		xml_writer_text(&body, "Issuer", result.issuer);
		xml_writer_str(&body, "Subject", result.token.name);
		xml_writer_str(&body, "SubjectType", "persistent");
		close_reply(request, &body, "AssumeRoleWithSAML");
	}
	cipher_wipe(&result.secret, sizeof(result.secret));
	return sts->code == NULL;
}

/* --- AssumeRoleWithWebIdentity -------------------------------------------- */

/* The session's name is the token's subject, whatever RoleSessionName says. */
static bool
assume_role_with_web_identity(struct sts *sts)
{
	struct request *request = sts->request;
	struct signin_result result;
	struct signin signin;
	scoped(buffer_free) struct buffer body = {0};

	if (!read_session(sts, &signin))
		return false;
	signin.response = param(sts, "WebIdentityToken");
	signin_oidc(&signin, &result);
	control_signin_note(request, &result);
	if (refuse_signin(sts, &result)) {
		open_reply(&body, "AssumeRoleWithWebIdentity");
		write_credentials(&body, &signin, &result);
		write_user(&body, request->arena, &result.token);
		xml_writer_text(&body, "SubjectFromWebIdentityToken",
			result.principal);
		xml_writer_text(&body, "Audience", result.audience);
		xml_writer_text(&body, "Provider", result.issuer);
		close_reply(request, &body, "AssumeRoleWithWebIdentity");
	}
	cipher_wipe(&result.secret, sizeof(result.secret));
	return sts->code == NULL;
}

/* --- GetCallerIdentity ---------------------------------------------------- */

/* Who asks; that is all there is to it. */
static void
note_caller(struct request *request)
{
	const struct token *token = &request->caller.token;

	request->note.organization = slice_str(token->organization);
	request->note.principal = slice_str(token->name);
	request->note.role = slice_str(token->role);
	request->note.access_key = slice_str(token->access_key);
	request->note.is_allowed = true;
	request->note.reason = "everyone may ask who they are";
}

static bool
get_caller_identity(struct sts *sts)
{
	struct request *request = sts->request;
	const struct token *token = &request->caller.token;
	scoped(buffer_free) struct buffer body = {0};
	struct policy_caller caller;
	uint8_t sha256[32];
	enum sigv4_outcome outcome;

	digest_of(DIGEST_SHA256, sts->body, sha256);
	outcome = sigv4_verify_service(request->sigv4, request->http, "sts",
		sha256, clock_now_ns(), &request->caller, &request->report);
	if (outcome == SIGV4_ANONYMOUS)
		return refuse(sts, 403, "MissingAuthenticationToken",
			"The request is not signed.");
	if (outcome != SIGV4_SIGNED)
		return refuse(sts, error_status(request->report.error),
			error_code(request->report.error),
			arena_str(request->arena,
				request->report.message.len > 0
					? request->report.message
					: slice_str(error_message(
						  request->report.error))));
	note_caller(request);
	caller = caller_of(token);
	open_reply(&body, "GetCallerIdentity");
	xml_writer_text(&body, "Arn",
		policy_principal_arn(&caller, request->arena));
	xml_writer_text(&body, "UserId",
		policy_principal_id(&caller, request->arena));
	xml_writer_str(&body, "Account", token->organization);
	close_reply(request, &body, "GetCallerIdentity");
	return true;
}

/* --- all together --------------------------------------------------------- */

/* All that AWS has; run: NULL where tarn has it not. */
static const struct {
	const char *action;
	bool (*run)(struct sts *sts);
} routes[] = {
	{"sts:AssumeRoleWithSAML", assume_role_with_saml},
	{"sts:AssumeRoleWithWebIdentity", assume_role_with_web_identity},
	{"sts:GetCallerIdentity", get_caller_identity},
	{"sts:AssumeRole", NULL},
	{"sts:AssumeRoot", NULL},
	{"sts:DecodeAuthorizationMessage", NULL},
	{"sts:GetAccessKeyInfo", NULL},
	{"sts:GetFederationToken", NULL},
	{"sts:GetSessionToken", NULL},
};

static bool
route(struct sts *sts, struct slice action)
{
	for (size_t i = 0; i < array_len(routes); i++) {
		if (!slice_equal(action,
			    slice_str(routes[i].action + strlen("sts:"))))
			continue;
		sts->request->note.action = routes[i].action;
		return routes[i].run
			       ? routes[i].run(sts)
			       : refuse(sts, 501, "NotImplemented",
					 "That action is not implemented.");
	}
	return refuse(sts, 400, "InvalidAction",
		"Could not find operation for Action.");
}

static bool
handle(struct sts *sts)
{
	enum store_err err = http_body_read_all(sts->request->http, BODY_MAX,
		true, &sts->body);

	if (err == STORE_BUSY)
		return refuse(sts, 400, "Throttling",
			"Too many requests at once.");
	if (err)
		return refuse(sts, 400, "ValidationError",
			err == STORE_TOO_BIG ? "The body is too large."
					     : "The body did not come whole.");
	if (!read_params(sts))
		return false;
	return route(sts, param(sts, "Action"));
}

void
sts_handle(struct request *request)
{
	struct sts *sts = arena_new(request->arena, struct sts);

	sts->request = request;
	request->note.is_used = true;
	if (handle(sts))
		return;
	request->note.error = sts->code;
	reply_refusal(sts);
}
