/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/control/control_private.h"
#include "store/base/cipher.h"
#include "store/base/clock.h"

#define BODY_MAX (16 * 1024)
#define PAGE_MAX 1000

/* --- creating ------------------------------------------------------------- */

struct wish {
	unsigned long duration_s; /* 0: no end */
	bool needs_session;
	const struct token_attribute *attributes;
	size_t attribute_count;
};

struct slice
control_key_principal(struct control *control)
{
	return arena_printf(control->request->arena, "coreweave/%s",
		control->token.name);
}

/* Of the bearer's own level; the secret is to be wiped. */
static enum control_code
issue(struct control *control, const struct wish *wish, struct token *out,
	char secret[TOKEN_SECRET_MAX + 1])
{
	struct store *store = control->request->store;
	const struct token *own = &control->token;
	struct token token;
	const struct token_draft draft = {
		.name = control_key_principal(control),
		.organization = slice_str(own->organization),
		.level = own->level,
		.kind = TOKEN_TEMPORARY,
		.needs_session = wish->needs_session,
		.expires_ns =
			wish->duration_s > 0
				? clock_now_ns() + (int64_t)wish->duration_s *
							   CLOCK_NS_PER_S
				: 0,
		.attributes = wish->attributes,
		.attribute_count = wish->attribute_count,
	};
	enum store_err err = token_create(store, &draft, &token);

	if (!err)
		err = token_find(store, slice_str(token.access_key), out,
			secret);
	if (err)
		return control_store_error(control, err);
	control_note_issued(control, token.access_key);
	return CONTROL_OK;
}

enum control_code
control_key_create(struct control *control)
{
	char secret[TOKEN_SECRET_MAX + 1];
	struct wish wish = {.duration_s = 0};
	struct token_attribute *attributes;
	struct token token;
	json_t *root;
	enum control_code code = control_body(control, BODY_MAX, &root);

	if (!code)
		code = control_body_number(control, root, "durationSeconds",
			SIGNIN_DURATION_S_MAX, &wish.duration_s);
	if (!code)
		code = control_attribute_read(control, root, &attributes,
			&wish.attribute_count);
	json_decref(root);
	if (code)
		return code;
	wish.attributes = attributes;
	code = issue(control, &wish, &token, secret);
	if (!code)
		code = control_reply(control,
			control_credentials(control, &token, secret,
				wish.attributes, wish.attribute_count));
	cipher_wipe(secret, sizeof(secret));
	return code;
}

/* The same as SDKs ask for credentials of a container. */
enum control_code
control_key_container(struct control *control)
{
	const struct wish wish = {
		.duration_s = SIGNIN_DURATION_S_DEFAULT,
		.needs_session = true,
	};
	char secret[TOKEN_SECRET_MAX + 1];
	struct token token;
	enum control_code code = issue(control, &wish, &token, secret);

	if (!code)
		code = control_reply(control,
			control_credentials_container(control, &token, secret,
				NULL, 0));
	cipher_wipe(secret, sizeof(secret));
	return code;
}

/* --- telling -------------------------------------------------------------- */

static enum control_code
info_of(struct control *control, const struct token *token, json_t **out)
{
	struct token_attribute *attributes;
	size_t attribute_count;
	char expiry[25] = "";
	enum store_err err = token_attribute_list(control->request->store,
		slice_str(token->access_key), control->request->arena,
		&attributes, &attribute_count);

	if (err)
		return control_store_error(control, err);
	if (token->expires_ns)
		clock_to_iso8601(token->expires_ns, expiry);
	*out = json_pack("{s:s, s:s, s:s, s:s, s:s?, s:o}", "accessKeyId",
		token->access_key, "principalName", token->name, "orgId",
		token->organization, "status",
		token_status(token, clock_now_ns()), "expiry",
		expiry[0] ? expiry : NULL, "attributes",
		control_attribute_json(attributes, attribute_count));
	return CONTROL_OK;
}

/* Of the organization of who asks, without tokens for this API. */
static enum control_code
read_keys(struct control *control, struct token **out, size_t *count)
{
	size_t all;
	enum store_err err = token_list(control->request->store,
		slice_str(control->token.organization), control->request->arena,
		out, &all);

	*count = 0;
	if (err)
		return control_store_error(control, err);
	for (size_t i = 0; i < all; i++) {
		if ((*out)[i].kind != TOKEN_CONTROL)
			(*out)[(*count)++] = (*out)[i];
	}
	return CONTROL_OK;
}

static bool
read_param(struct control *control, const char *name, unsigned long max,
	unsigned long *out)
{
	struct slice text = request_param(control->request, name);

	return !text.data || slice_to_u64(text, max, out);
}

enum control_code
control_key_list(struct control *control)
{
	unsigned long offset = 0;
	unsigned long limit = PAGE_MAX;
	struct token *tokens;
	size_t count;
	enum control_code code;

	if (!read_param(control, "offset", UINT32_MAX, &offset) ||
		!read_param(control, "limit", PAGE_MAX, &limit))
		return control_refuse(control, CONTROL_INVALID_ARGUMENT,
			"offset and limit (up to 1000) must be whole numbers");
	code = read_keys(control, &tokens, &count);
	if (code)
		return code;

	json_t *info = json_array();

	for (size_t i = offset; i < count && i - offset < limit && !code; i++) {
		json_t *one;

		code = info_of(control, &tokens[i], &one);
		if (!code)
			(void)json_array_append_new(info, one);
	}
	if (code) {
		json_decref(info);
		return code;
	}
	return control_reply(control, json_pack("{s:o}", "info", info));
}

static enum control_code
no_key(struct control *control)
{
	return control_refuse(control, CONTROL_NOT_FOUND,
		"the organization has no such access key");
}

enum control_code
control_key_info(struct control *control)
{
	char secret[TOKEN_SECRET_MAX + 1] = "";
	struct token token;
	json_t *info;
	enum control_code code;
	enum store_err err = token_find(control->request->store, control->rest,
		&token, secret);

	cipher_wipe(secret, sizeof(secret));
	if (err == STORE_NO_TOKEN)
		return no_key(control);
	if (err)
		return control_store_error(control, err);
	if (token.kind == TOKEN_CONTROL ||
		strcmp(token.organization, control->token.organization) != 0)
		return no_key(control);
	control_note_resource(control, control->rest);
	code = info_of(control, &token, &info);
	return code ? code
		    : control_reply(control, json_pack("{s:o}", "info", info));
}

/* --- ending --------------------------------------------------------------- */

/* By the path, or as {"accessKey": ...}. */
enum control_code
control_key_revoke(struct control *control)
{
	struct slice access_key = control->rest;
	json_t *root = NULL;
	enum control_code code = CONTROL_OK;
	enum store_err err;

	if (control->request->http->method == HTTP_METHOD_POST) {
		access_key = SLICE_NULL;
		code = control_body(control, BODY_MAX, &root);
		if (!code)
			code = control_body_text(control, root, "accessKey",
				&access_key);
	}
	if (!code && access_key.len == 0)
		code = control_refuse(control, CONTROL_INVALID_ARGUMENT,
			"accessKey is needed");
	err = code ? STORE_OK
		   : token_revoke(control->request->store,
			     slice_str(control->token.organization),
			     access_key);
	if (!code && !err)
		control_note_resource(control, access_key);
	json_decref(root);
	if (code)
		return code;
	if (err == STORE_NO_TOKEN)
		return no_key(control);
	return err ? control_store_error(control, err)
		   : control_reply(control, json_object());
}

static enum control_code
set_status(struct control *control, struct slice principal, bool is_suspended)
{
	struct store *store = control->request->store;
	const struct token_change change = {.is_suspended = &is_suspended};
	struct token *tokens;
	size_t count, changed = 0;
	enum control_code code = read_keys(control, &tokens, &count);

	for (size_t i = 0; i < count && !code; i++) {
		struct token token;
		enum store_err err;

		if (!slice_equal(slice_str(tokens[i].name), principal))
			continue;
		err = token_set_by_key(store, slice_str(tokens[i].organization),
			slice_str(tokens[i].access_key), &change, &token);
		changed += !err;
		if (err && err != STORE_NO_TOKEN)
			code = control_store_error(control, err);
	}
	if (code)
		return code;
	if (changed > 0)
		control_note_resource(control, principal);
	return changed > 0 ? control_reply(control, json_object())
			   : control_refuse(control, CONTROL_NOT_FOUND,
				     "the organization has no such principal");
}

enum control_code
control_key_status(struct control *control)
{
	struct slice principal = SLICE_NULL;
	struct slice status = SLICE_NULL;
	json_t *root;
	enum control_code code = control_body(control, BODY_MAX, &root);
	bool is_suspended = false;

	if (!code)
		code = control_body_text(control, root, "principalName",
			&principal);
	if (!code)
		code = control_body_text(control, root, "status", &status);
	if (!code) {
		is_suspended = slice_equal(status, SLICE("SUSPENDED"));
		if (principal.len == 0 ||
			(!is_suspended &&
				!slice_equal(status, SLICE("ACTIVE"))))
			code = control_refuse(control, CONTROL_INVALID_ARGUMENT,
				"principalName and status (ACTIVE or "
				"SUSPENDED) are needed");
	}
	if (!code)
		code = set_status(control, principal, is_suspended);
	json_decref(root);
	return code;
}
