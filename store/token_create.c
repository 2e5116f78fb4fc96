/* SPDX-License-Identifier: Apache-2.0 */
#include "store/base/cipher.h"
#include "store/base/clock.h"
#include "store/organization_private.h"
#include "store/token_private.h"

struct create {
	const struct token_draft *draft;
	const struct token *token;
	struct slice sealed;
};

static enum store_err
is_free(struct db_txn *txn, enum db_table table, const struct key *key)
{
	struct slice value;
	enum store_err err = db_get(txn, table, key_slice(key), &value);

	if (!err)
		return STORE_TOKEN_EXISTS;
	return err == STORE_NOT_FOUND ? STORE_OK : err;
}

static enum store_err
save_name(struct db_txn *txn, const struct token *token)
{
	struct key key = token_name_key(slice_str(token->organization),
		slice_str(token->name));
	enum store_err err = is_free(txn, DB_TOKEN_NAME, &key);

	return err ? err
		   : db_put(txn, DB_TOKEN_NAME, key_slice(&key),
			     slice_str(token->access_key));
}

/* Whoever found it a moment ago may have lost it to somebody who ends it. */
static enum store_err
check_grant(struct db_txn *txn, const struct token *token)
{
	struct store_document_kind kind;
	struct slice value;

	if (!token->granted_by[0])
		return STORE_OK;
	kind = token_grant_kind(slice_str(token->granted_by));
	return store_document_get(txn, &kind, &value);
}

static enum store_err
apply_create(struct store *store, struct db_txn *txn, void *arg)
{
	const struct create *create = arg;
	const struct token *token = create->token;
	struct key by_key = key_text(slice_str(token->access_key));
	enum store_err err =
		organization_check_in(txn, slice_str(token->organization));

	if (!err)
		err = check_grant(txn, token);
	if (!err)
		err = is_free(txn, DB_TOKEN, &by_key);
	if (!err && create->draft->once)
		err = token_expiry_take_once(txn, create->draft->once,
			create->draft->once_until_ns);
	if (!err)
		err = token->kind == TOKEN_TEMPORARY
			      ? token_expiry_note(txn, token)
			      : save_name(txn, token);
	if (!err)
		err = token_attribute_put(txn, slice_str(token->access_key),
			create->draft->attributes,
			create->draft->attribute_count);
	return err ? err : token_save(store, txn, token, create->sealed);
}

static enum store_err
check_draft(const struct token_draft *draft, enum token_kind kind,
	int64_t now_ns)
{
	if (!token_is_name(draft->name, kind) ||
		(draft->access_key.len > 0 &&
			!token_is_access_key(draft->access_key)))
		return STORE_BAD_NAME;
	if (draft->role.len > 0 && !token_is_role(draft->role))
		return STORE_BAD_NAME;
	if (draft->granted_by.len > TOKEN_GRANT_MAX ||
		(draft->granted_by.len > 0 && kind != TOKEN_TEMPORARY))
		return STORE_INVALID;
	if (!token_is_level((uint8_t)draft->level) ||
		!token_is_kind((uint8_t)kind) ||
		(draft->expires_ns && draft->expires_ns <= now_ns) ||
		(draft->secret.len > 0 &&
			!token_secret_is_valid(draft->secret)) ||
		!token_attribute_are_valid(draft->attributes,
			draft->attribute_count))
		return STORE_INVALID;
	return STORE_OK;
}

static enum store_err
describe(const struct store *store, const struct token_draft *draft,
	struct token *out)
{
	struct slice organization = draft->organization.len > 0
					    ? draft->organization
					    : SLICE(ORGANIZATION_DEFAULT);
	struct slice region =
		draft->region.len > 0 ? draft->region : store_region(store);
	enum store_err err;

	*out = (struct token){
		.level = draft->level,
		.kind = draft->kind ? draft->kind : TOKEN_PERMANENT,
		.needs_session = draft->needs_session,
		.created_ns = clock_now_ns(),
		.expires_ns = draft->expires_ns,
	};
	err = check_draft(draft, out->kind, out->created_ns);
	if (err)
		return err;
	if (!organization_name_is_valid(organization))
		return STORE_NO_ORGANIZATION;
	if (!slice_to_str(region, out->region, sizeof(out->region)))
		return STORE_INVALID;
	(void)slice_to_str(organization, out->organization,
		sizeof(out->organization));
	(void)slice_to_str(draft->name, out->name, sizeof(out->name));
	(void)slice_to_str(draft->role, out->role, sizeof(out->role));
	(void)slice_to_str(draft->granted_by, out->granted_by,
		sizeof(out->granted_by));
	if (draft->access_key.len == 0)
		token_secret_draw_access_key(out->access_key);
	else
		(void)slice_to_str(draft->access_key, out->access_key,
			sizeof(out->access_key));
	return STORE_OK;
}

enum store_err
token_create(struct store *store, const struct token_draft *draft,
	struct token *out)
{
	struct token token;
	struct create create = {.draft = draft, .token = &token};
	uint8_t sealed[TOKEN_SEALED_MAX];
	char drawn[TOKEN_SECRET_MAX];
	struct slice secret = draft->secret;
	enum store_err err = describe(store, draft, &token);

	if (err)
		return err;
	if (secret.len == 0)
		secret = slice_of(drawn, token_secret_draw(drawn));
	create.sealed = token_secret_seal(store, slice_str(token.access_key),
		secret, sealed);
	cipher_wipe(drawn, sizeof(drawn));
	err = commit_run_durably(store, apply_create, &create);
	if (!err)
		*out = token;
	return err;
}
