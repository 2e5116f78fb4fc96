/* SPDX-License-Identifier: Apache-2.0 */
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

/* Both spellings there are: {orgID, duration, samlResponse} and {orgId,
 * durationSeconds, samlResponse, configId, attributes}. */
static enum control_code
read(struct control *control, const json_t *root, struct signin *signin)
{
	struct token_attribute *attributes;
	const char *const texts[] = {"orgID", "orgId", "configId", "configID",
		"samlResponse", "role"};
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
			"orgId and samlResponse are needed");
	return code;
}

static json_t *
credentials(const struct signin *signin, const struct signin_result *result)
{
	char expiry[25];

	clock_to_iso8601(result->token.expires_ns, expiry);
	return json_pack("{s:s, s:s, s:s, s:s, s:o}", "accessKeyId",
		result->token.access_key, "secretKey", result->secret,
		"principalName", result->token.name, "expiry", expiry,
		"attributes",
		control_attribute_json(signin->attributes,
			signin->attribute_count));
}

void
control_saml_note(struct request *request, const struct signin_result *result)
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

enum control_code
control_saml(struct control *control)
{
	struct signin signin = control_signin(control);
	struct signin_result result;
	json_t *root;
	enum control_code code = control_body(control, BODY_MAX, &root);

	signin.organization = SLICE_NULL;
	if (!code)
		code = read(control, root, &signin);
	if (!code) {
		signin_saml(&signin, &result);
		code = code_of(result.outcome);
		control_saml_note(control->request, &result);
		control->message = result.outcome == SIGNIN_FAILED
					   ? "internal error"
					   : result.message;
		if (!code)
			code = control_reply(control,
				credentials(&signin, &result));
		cipher_wipe(&result, sizeof(result));
	}
	json_decref(root);
	return code;
}
