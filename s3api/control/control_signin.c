/* SPDX-License-Identifier: Apache-2.0 */
/* Temporary keys for what an identity provider says, or for a bearer token. */
#include "s3api/control/control_private.h"
#include "store/base/cipher.h"
#include "store/base/clock.h"

/* Base64 of the largest response, with its escapes, and the rest. */
#define BODY_MAX (1024 * 1024)

static enum control_code
code_of(enum signin_outcome outcome)
{
	switch (outcome) {
	case SIGNIN_ISSUED:
		return CONTROL_OK;
	case SIGNIN_INVALID:
		return CONTROL_INVALID_ARGUMENT;
	case SIGNIN_UNKNOWN:
		return CONTROL_NOT_FOUND;
	case SIGNIN_REFUSED:
	case SIGNIN_EXPIRED:
	case SIGNIN_REJECTED:
		return CONTROL_UNAUTHENTICATED;
	case SIGNIN_FORBIDDEN:
		return CONTROL_PERMISSION_DENIED;
	case SIGNIN_BUSY:
		return CONTROL_RESOURCE_EXHAUSTED;
	case SIGNIN_FAILED:
		return CONTROL_INTERNAL;
	}
	return CONTROL_INTERNAL;
}

/* --- reading -------------------------------------------------------------- */

/* Both spellings there are: {orgID, duration, ...} and {orgId,
 * durationSeconds, configId, attributes, ...}; document: the member that is to
 * be believed. */
static enum control_code
read(struct control *control, const json_t *root, const char *document,
	struct signin *signin)
{
	struct token_attribute *attributes;
	const char *const texts[] = {
		"orgID", "orgId", "configId", "configID", document, "role"};
	struct slice *const targets[] = {&signin->organization,
		&signin->organization, &signin->idp, &signin->idp,
		&signin->response, &signin->role};
	enum control_code code = CONTROL_OK;

	for (size_t i = 0; i < array_len(texts) && !code; i++)
		code = control_body_text(control, root, texts[i], targets[i]);
	if (!code)
		code = control_body_number(control, root, "duration",
			SIGNIN_DURATION_S_MAX, &signin->duration_s);
	if (!code)
		code = control_body_number(control, root, "durationSeconds",
			SIGNIN_DURATION_S_MAX, &signin->duration_s);
	if (!code)
		code = control_attribute_read(control, root, &attributes,
			&signin->attribute_count);
	if (!code)
		signin->attributes = attributes;
	if (!code &&
		(signin->organization.len == 0 || signin->response.len == 0))
		code = control_refuse(control, CONTROL_INVALID_ARGUMENT,
			arena_printf(control->request->arena,
				"orgId and %s are needed", document)
				.data);
	return code;
}

void
control_signin_note(struct request *request, const struct signin_result *result)
{
	struct request_note *note = &request->note;
	struct arena *arena = request->arena;

	note->organization = arena_copy(arena, result->organization);
	note->principal = arena_copy(arena, result->principal);
	note->role = arena_copy(arena, result->role);
	note->is_allowed = result->decision.is_allowed;
	note->reason = result->decision.reason;
	note->statement = result->decision.statement;
	if (result->outcome == SIGNIN_ISSUED)
		note->issued =
			arena_copy(arena, slice_str(result->token.access_key));
}

/* --- signing in ----------------------------------------------------------- */

typedef void sign_in_fn(const struct signin *signin,
	struct signin_result *result);
typedef json_t *credentials_fn(struct control *control,
	const struct token *token, const char *secret,
	const struct token_attribute *attributes, size_t attribute_count);

static enum control_code
sign_in(struct control *control, struct signin *signin, sign_in_fn *run,
	credentials_fn *credentials)
{
	struct signin_result result;
	enum control_code code;

	/* Not the time when a slow body began to come. */
	signin->now_ns = clock_now_ns();
	run(signin, &result);
	code = code_of(result.outcome);
	control_signin_note(control->request, &result);
	control->message = result.outcome == SIGNIN_FAILED ? "internal error"
							   : result.message;
	if (!code)
		code = control_reply(control,
			credentials(control, &result.token, result.secret,
				signin->attributes, signin->attribute_count));
	cipher_wipe(&result, sizeof(result));
	return code;
}

static enum control_code
sign_in_by_body(struct control *control, const char *document, sign_in_fn *run)
{
	struct signin signin = control_signin(control);
	json_t *root;
	enum control_code code = control_body(control, BODY_MAX, &root);

	signin.organization = SLICE_NULL;
	if (!code)
		code = read(control, root, document, &signin);
	if (!code)
		code = sign_in(control, &signin, run, control_credentials);
	json_decref(root);
	return code;
}

enum control_code
control_signin_saml(struct control *control)
{
	return sign_in_by_body(control, "samlResponse", signin_saml);
}

enum control_code
control_signin_oidc(struct control *control)
{
	return sign_in_by_body(control, "oidcToken", signin_oidc);
}

/* As SDKs ask for credentials of a container: the token is the whole of the
 * header, without "Bearer". */
enum control_code
control_signin_container(struct control *control)
{
	struct signin signin = control_signin(control);

	signin.organization = control->rest;
	signin.response =
		slice_trim(request_header(control->request, "authorization"));
	signin.needs_session = true;
	if (signin.response.len == 0)
		return control_refuse(control, CONTROL_UNAUTHENTICATED,
			"the header Authorization must be an ID token");
	return sign_in(control, &signin, signin_oidc,
		control_credentials_container);
}
