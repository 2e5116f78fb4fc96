/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/control/control.h"

#include "s3api/control/control_private.h"
#include "s3api/iam/clerk.h"
#include "s3api/reply.h"
#include "store/base/cipher.h"
#include "store/base/clock.h"
#include "store/base/digest.h"
#include "store/base/log.h"

#define BUCKET "v1"
#define PREFIX "cwobject/"

/*
 * The first row that fits.  A name that ends in a slash has something behind
 * it; needs: of the level of the bearer's token, 0: no token is needed; action:
 * what the organization's policies are asked.
 */
static const struct {
	enum http_method method;
	const char *name;
	unsigned int needs;
	enum policy_action action;
	enum control_code (*run)(struct control *control);
} routes[] = {
	{HTTP_METHOD_POST, "temporary-credentials/saml", 0,
		POLICY_ACTION_CREATE_ACCESS_KEY_SAML, control_signin_saml},
	{HTTP_METHOD_POST, "temporary-credentials/oidc", 0,
		POLICY_ACTION_CREATE_ACCESS_KEY_OIDC, control_signin_oidc},
	{HTTP_METHOD_GET, "temporary-credentials/oidc/", 0,
		POLICY_ACTION_CREATE_ACCESS_KEY_OIDC, control_signin_container},
	{HTTP_METHOD_GET, "temporary-credentials/api-token", LEVEL_WRITE,
		POLICY_ACTION_CREATE_ACCESS_KEY_FROM_JWT,
		control_key_container},
	{HTTP_METHOD_POST, "access-key", LEVEL_WRITE,
		POLICY_ACTION_CREATE_ACCESS_KEY_FROM_JWT, control_key_create},
	{HTTP_METHOD_POST, "access-key/revoke", LEVEL_CONFIGURE,
		POLICY_ACTION_REVOKE_ACCESS_KEY, control_key_revoke},
	{HTTP_METHOD_DELETE, "access-key/", LEVEL_CONFIGURE,
		POLICY_ACTION_REVOKE_ACCESS_KEY, control_key_revoke},
	{HTTP_METHOD_GET, "access-key", LEVEL_LIST,
		POLICY_ACTION_LIST_ACCESS_KEY_INFO, control_key_list},
	{HTTP_METHOD_GET, "access-key/", LEVEL_LIST,
		POLICY_ACTION_GET_ACCESS_KEY_INFO, control_key_info},
	{HTTP_METHOD_PUT, "access-key-status", LEVEL_CONFIGURE,
		POLICY_ACTION_SET_ACCESS_KEY_STATUS, control_key_status},
	{HTTP_METHOD_GET, "access-policy", LEVEL_LIST,
		POLICY_ACTION_LIST_ACCESS_POLICY, control_policy_list},
	{HTTP_METHOD_POST, "access-policy", LEVEL_CONFIGURE,
		POLICY_ACTION_ENSURE_ACCESS_POLICY, control_policy_put},
	{HTTP_METHOD_DELETE, "access-policy/", LEVEL_CONFIGURE,
		POLICY_ACTION_DELETE_ACCESS_POLICY, control_policy_delete},
	{HTTP_METHOD_POST, "auth/can-i", LEVEL_LIST, POLICY_ACTION_AUTH_CAN_I,
		control_can_i},
	{HTTP_METHOD_GET, "bucket-info", LEVEL_LIST,
		POLICY_ACTION_LIST_BUCKET_INFO, control_bucket_info},
	{HTTP_METHOD_GET, "bucket-info/", LEVEL_LIST,
		POLICY_ACTION_GET_BUCKET_INFO, control_bucket_info},
	{HTTP_METHOD_PUT, "bucket/settings", LEVEL_CONFIGURE,
		POLICY_ACTION_SET_BUCKET_SETTINGS, control_settings_bucket},
	{HTTP_METHOD_PUT, "organization/settings", LEVEL_CONFIGURE,
		POLICY_ACTION_SET_ORGANIZATION_SETTINGS,
		control_settings_organization},
};

unsigned int
control_level_needed(enum policy_action action)
{
	for (size_t i = 0; i < array_len(routes); i++) {
		if (routes[i].action == action)
			return routes[i].needs;
	}
	return 0;
}

bool
control_is_for(const struct request *request)
{
	return slice_equal(request->bucket_name, SLICE(BUCKET)) &&
	       slice_has_prefix(request->key, SLICE(PREFIX));
}

/* --- replies -------------------------------------------------------------- */

static unsigned int
status_of(enum control_code code)
{
	switch (code) {
	case CONTROL_OK:
		return 200;
	case CONTROL_INVALID_ARGUMENT:
	case CONTROL_FAILED_PRECONDITION:
		return 400;
	case CONTROL_UNAUTHENTICATED:
		return 401;
	case CONTROL_PERMISSION_DENIED:
		return 403;
	case CONTROL_NOT_FOUND:
		return 404;
	case CONTROL_RESOURCE_EXHAUSTED:
		return 429;
	case CONTROL_INTERNAL:
		return 500;
	case CONTROL_UNIMPLEMENTED:
		return 501;
	case CONTROL_UNAVAILABLE:
		return 503;
	}
	return 500;
}

/* "PERMISSION_DENIED": gRPC's name. */
static const char *
code_name(enum control_code code)
{
	switch (code) {
	case CONTROL_OK:
		return "OK";
	case CONTROL_INVALID_ARGUMENT:
		return "INVALID_ARGUMENT";
	case CONTROL_NOT_FOUND:
		return "NOT_FOUND";
	case CONTROL_PERMISSION_DENIED:
		return "PERMISSION_DENIED";
	case CONTROL_RESOURCE_EXHAUSTED:
		return "RESOURCE_EXHAUSTED";
	case CONTROL_FAILED_PRECONDITION:
		return "FAILED_PRECONDITION";
	case CONTROL_UNIMPLEMENTED:
		return "UNIMPLEMENTED";
	case CONTROL_INTERNAL:
		return "INTERNAL";
	case CONTROL_UNAVAILABLE:
		return "UNAVAILABLE";
	case CONTROL_UNAUTHENTICATED:
		return "UNAUTHENTICATED";
	}
	return "UNKNOWN";
}

void
control_note_resource(struct control *control, struct slice resource)
{
	struct request *request = control->request;

	request->note.resource = arena_copy(request->arena, resource);
}

void
control_note_issued(struct control *control, const char *access_key)
{
	struct request *request = control->request;

	request->note.issued =
		arena_copy(request->arena, slice_str(access_key));
}

/* Who asks, once that is known. */
static void
note_caller(struct control *control)
{
	struct arena *arena = control->request->arena;
	struct request_note *note = &control->request->note;
	const struct token *token = &control->token;

	note->organization = arena_copy(arena, slice_str(token->organization));
	note->principal = arena_copy(arena, slice_str(token->name));
	note->access_key = arena_copy(arena, slice_str(token->access_key));
}

enum control_code
control_refuse(struct control *control, enum control_code code,
	const char *message)
{
	control->message = message;
	return code;
}

enum control_code
control_store_error(struct control *control, enum store_err err)
{
	if (err == STORE_NO_SPACE || err == STORE_READ_ONLY ||
		err == STORE_BUSY)
		return control_refuse(control, CONTROL_UNAVAILABLE,
			error_sentence(err));
	log_error("request %s: control: %s", control->request->id,
		error_sentence(err));
	return control_refuse(control, CONTROL_INTERNAL, "internal error");
}

/* Where the library keeps them until their object goes. */
static void
wipe_secrets(json_t *root)
{
	static const char *const members[] = {
		"secretKey", "SecretAccessKey", "Token"};

	for (size_t i = 0; i < array_len(members); i++) {
		const json_t *value = json_object_get(root, members[i]);

		if (json_is_string(value))
			cipher_wipe((char *)(uintptr_t)json_string_value(value),
				json_string_length(value));
	}
}

/* Secrets may be in it. */
static void
send_json(struct request *request, unsigned int status, json_t *root)
{
	char *text = root ? json_dumps(root, JSON_COMPACT) : NULL;
	size_t len = text ? strlen(text) : 0;

	reply_status(request, text ? status : 500);
	http_reply_header_str(request->response, "content-type",
		"application/json");
	http_reply_header_str(request->response, "cache-control", "no-store");
	if (status == 401)
		http_reply_header_str(request->response, "www-authenticate",
			"Bearer");
	if (http_reply_body(request->response, slice_of(text, len)))
		log_debug("request %s: reply not sent", request->id);
	if (text)
		cipher_wipe(text, len);
	free(text);
	wipe_secrets(root);
	json_decref(root);
}

enum control_code
control_reply(struct control *control, json_t *root)
{
	send_json(control->request, 200, root);
	return CONTROL_OK;
}

static void
reply_refusal(const struct control *control, enum control_code code)
{
	send_json(control->request, status_of(code),
		json_pack("{s:i, s:s, s:[]}", "code", (int)code, "message",
			control->message ? control->message : "", "details"));
}

/* --- who asks ------------------------------------------------------------- */

static bool
is_secret(struct slice given, const char *secret)
{
	return given.len == strlen(secret) &&
	       digest_equal(given.data, secret, given.len);
}

/* "Bearer ACCESS-KEY.SECRET"; what is wrong is not said. */
static bool
authenticate(struct control *control)
{
	struct slice rest = request_header(control->request, "authorization");
	struct slice scheme, access_key;
	char secret[TOKEN_SECRET_MAX + 1] = "";
	bool is_good;

	if (!slice_split(&rest, ' ', &scheme) || !rest.data ||
		!slice_equal_nocase(scheme, SLICE("bearer")))
		return false;
	rest = slice_trim(rest);
	if (!slice_split(&rest, '.', &access_key) || !rest.data)
		return false;
	is_good = !token_find(control->request->store, access_key,
			  &control->token, secret) &&
		  control->token.kind == TOKEN_CONTROL &&
		  !control->token.is_suspended && is_secret(rest, secret) &&
		  (!control->token.expires_ns ||
			  control->token.expires_ns > clock_now_ns());
	cipher_wipe(secret, sizeof(secret));
	return is_good;
}

struct signin
control_signin(const struct control *control)
{
	return (struct signin){
		.store = control->request->store,
		.policies = control->request->policies,
		.arena = control->request->arena,
		.now_ns = clock_now_ns(),
		.organization = slice_str(control->token.organization),
	};
}

static enum control_code
authorize(struct control *control, unsigned int needs,
	enum policy_action action)
{
	struct request_note *note = &control->request->note;
	struct signin_decision decision;
	struct signin signin;
	enum store_err err;

	if (!authenticate(control))
		return control_refuse(control, CONTROL_UNAUTHENTICATED,
			"a bearer token of tarn token create --control is "
			"needed");
	note_caller(control);
	clerk_note(control->request->clerk,
		slice_str(control->token.access_key), clock_now_ns());
	if (!level_allows(control->token.level, needs))
		return control_refuse(control, CONTROL_PERMISSION_DENIED,
			"the level of the token does not allow it");
	signin = control_signin(control);
	err = signin_is_allowed(&signin, action, SLICE_NULL,
		slice_str(control->token.name), &decision);
	if (err)
		return control_store_error(control, err);
	note->is_allowed = decision.is_allowed;
	note->reason = decision.reason;
	note->statement = decision.statement;
	return decision.is_allowed
		       ? CONTROL_OK
		       : control_refuse(control, CONTROL_PERMISSION_DENIED,
				 "the access policies of the organization "
				 "do not allow it");
}

/* --- routing -------------------------------------------------------------- */

static bool
fits(const char *name, struct slice path, struct slice *rest)
{
	struct slice wanted = slice_str(name);
	bool is_open = slice_has_suffix(wanted, SLICE("/"));

	if (!is_open)
		return slice_equal(path, wanted);
	*rest = slice_has_prefix(path, wanted) ? slice_from(path, wanted.len)
					       : SLICE_NULL;
	return rest->len > 0;
}

static enum control_code
route(struct control *control)
{
	struct request *request = control->request;
	struct slice path = slice_from(request->key, strlen(PREFIX));

	for (size_t i = 0; i < array_len(routes); i++) {
		enum control_code code = CONTROL_OK;

		if (routes[i].method != request->http->method ||
			!fits(routes[i].name, path, &control->rest))
			continue;
		request->note.action = policy_action_name(routes[i].action);
		if (!request_may_carry_keys(request))
			return control_refuse(control,
				CONTROL_FAILED_PRECONDITION,
				"bearers and keys go over TLS only");
		if (routes[i].needs)
			code = authorize(control, routes[i].needs,
				routes[i].action);
		return code ? code : routes[i].run(control);
	}
	return control_refuse(control, CONTROL_UNIMPLEMENTED,
		"there is no such method and path");
}

void
control_handle(struct request *request)
{
	struct control control = {.request = request};
	enum control_code code;

	request->note.is_used = true;
	code = route(&control);
	if (code) {
		request->note.error = code_name(code);
		reply_refusal(&control, code);
	}
	if (code && log_wants(LOG_DEBUG))
		log_debug("request %s: control: %s", request->id,
			control.message ? control.message : "");
}
