/* SPDX-License-Identifier: Apache-2.0 */
#include "store/token.h"

#include <string.h>

#include "store/base/text.h"
#include "store/feed_private.h"
#include "store/token_private.h"

#define ACCESS_KEY_MIN 3

_Static_assert(TOKEN_PERMANENT == RECORD_TOKEN_PLAIN, "it is in records");

static const struct {
	enum token_level level;
	const char *name;
} levels[] = {
	{TOKEN_READ, "read"},
	{TOKEN_WRITE, "write"},
	{TOKEN_READWRITE, "readwrite"},
	{TOKEN_FULL, "full"},
};

const char *
token_level_name(enum token_level level)
{
	for (size_t i = 0; i < array_len(levels); i++)
		if (levels[i].level == level)
			return levels[i].name;
	return "unknown";
}

bool
token_level_from_name(const char *name, enum token_level *level)
{
	for (size_t i = 0; i < array_len(levels); i++) {
		if (!strcmp(levels[i].name, name)) {
			*level = levels[i].level;
			return true;
		}
	}
	return false;
}

const char *
token_status(const struct token *token, int64_t now_ns)
{
	if (token->expires_ns && token->expires_ns <= now_ns)
		return "EXPIRED";
	return token->is_suspended ? "SUSPENDED" : "ACTIVE";
}

/* --- what is valid -------------------------------------------------------- */

static bool
is_of(struct slice text, size_t min, size_t max, const char *others)
{
	return text.len >= min && text.len <= max &&
	       text_is_plain(text, others);
}

bool
token_is_name(struct slice name, enum token_kind kind)
{
	return kind == TOKEN_TEMPORARY
		       ? is_of(name, 1, TOKEN_PRINCIPAL_MAX, "._-@+=,/:|")
		       : is_of(name, 1, TOKEN_NAME_MAX, "._-@");
}

bool
token_is_role(struct slice role)
{
	return is_of(role, 1, TOKEN_ROLE_MAX, "._-@+=,/:|~%");
}

bool
token_is_access_key(struct slice access_key)
{
	return is_of(access_key, ACCESS_KEY_MIN, TOKEN_ACCESS_KEY_MAX, "._-");
}

bool
token_is_level(uint8_t level)
{
	return level >= TOKEN_READ && level <= TOKEN_FULL;
}

bool
token_is_kind(uint8_t kind)
{
	return kind >= TOKEN_PERMANENT && kind <= TOKEN_CONTROL;
}

/* --- reading -------------------------------------------------------------- */

enum store_err
token_decode(struct slice access_key, struct slice value,
	struct record_token *record, struct token *out)
{
	enum store_err err = record_token_decode(value, record);

	if (err)
		return err;
	*out = (struct token){
		.level = (enum token_level)record->level,
		.kind = (enum token_kind)record->kind,
		.is_suspended = record->is_suspended,
		.needs_session = record->needs_session,
		.created_ns = record->created_ns,
		.expires_ns = record->expires_ns,
	};
	if (!token_is_level(record->level) || !token_is_kind(record->kind) ||
		!slice_to_str(record->name, out->name, sizeof(out->name)) ||
		!slice_to_str(record->role, out->role, sizeof(out->role)) ||
		!slice_to_str(record->granted_by, out->granted_by,
			sizeof(out->granted_by)) ||
		!slice_to_str(access_key, out->access_key,
			sizeof(out->access_key)) ||
		!slice_to_str(record->organization, out->organization,
			sizeof(out->organization)) ||
		!slice_to_str(record->region, out->region, sizeof(out->region)))
		return STORE_CORRUPT;
	return STORE_OK;
}

enum store_err
token_find_in(struct db_txn *txn, struct slice access_key,
	struct record_token *record, struct token *out)
{
	struct key key;
	struct slice value;
	enum store_err err;

	if (!token_is_access_key(access_key))
		return STORE_NO_TOKEN;
	key = key_text(access_key);
	err = db_get(txn, DB_TOKEN, key_slice(&key), &value);
	if (err)
		return err == STORE_NOT_FOUND ? STORE_NO_TOKEN : err;
	return token_decode(access_key, value, record, out);
}

struct key
token_name_key(struct slice organization, struct slice name)
{
	struct key key = {.len = 0};

	if (!slice_equal(organization, SLICE(ORGANIZATION_DEFAULT))) {
		memcpy(key.bytes, organization.data, organization.len);
		key.bytes[organization.len] = '/';
		key.len = organization.len + 1;
	}
	memcpy(key.bytes + key.len, name.data, name.len);
	key.len += name.len;
	return key;
}

static enum store_err
find_by_name(struct db_txn *txn, struct slice organization, struct slice name,
	struct record_token *record, struct token *out)
{
	struct key key;
	struct slice access_key;
	enum store_err err;

	if (!token_is_name(name, TOKEN_PERMANENT) ||
		!organization_name_is_valid(organization))
		return STORE_NO_TOKEN;
	key = token_name_key(organization, name);
	err = db_get(txn, DB_TOKEN_NAME, key_slice(&key), &access_key);
	if (err)
		return err == STORE_NOT_FOUND ? STORE_NO_TOKEN : err;
	err = token_find_in(txn, access_key, record, out);
	return err == STORE_NO_TOKEN ? STORE_CORRUPT : err;
}

enum store_err
token_get(struct store *store, struct slice organization, struct slice name,
	struct token *out)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	struct record_token record;
	enum store_err err = db_begin_read(store->db, &txn);

	return err ? err : find_by_name(txn, organization, name, &record, out);
}

enum store_err
token_find(struct store *store, struct slice access_key, struct token *out,
	char secret[TOKEN_SECRET_MAX + 1])
{
	scoped(db_abort) struct db_txn *txn = NULL;
	struct record_token record;
	enum store_err err = db_begin_read(store->db, &txn);

	if (!err)
		err = token_find_in(txn, access_key, &record, out);
	return err ? err
		   : token_secret_unseal(store, out, record.sealed, secret);
}

enum store_err
token_secret(struct store *store, struct slice organization, struct slice name,
	char secret[TOKEN_SECRET_MAX + 1])
{
	scoped(db_abort) struct db_txn *txn = NULL;
	struct record_token record;
	struct token token;
	enum store_err err = db_begin_read(store->db, &txn);

	if (!err)
		err = find_by_name(txn, organization, name, &record, &token);
	return err ? err
		   : token_secret_unseal(store, &token, record.sealed, secret);
}

/* --- writing -------------------------------------------------------------- */

/* Whoever caches tokens drops what it has of this access key. */
static enum store_err
tell(struct store *store, struct db_txn *txn, struct slice access_key)
{
	const struct record_change change = {
		.kind = RECORD_CHANGE_DOCUMENT,
		.name = access_key,
	};

	return feed_append(store, txn, &change);
}

enum store_err
token_save(struct store *store, struct db_txn *txn, const struct token *token,
	struct slice sealed)
{
	struct key key = key_text(slice_str(token->access_key));
	const struct record_token record = {
		.name = slice_str(token->name),
		.organization = slice_str(token->organization),
		.region = slice_str(token->region),
		.role = slice_str(token->role),
		.granted_by = slice_str(token->granted_by),
		.level = (uint8_t)token->level,
		.kind = (uint8_t)token->kind,
		.is_suspended = token->is_suspended,
		.needs_session = token->needs_session,
		.created_ns = token->created_ns,
		.expires_ns = token->expires_ns,
		.sealed = sealed,
	};
	scoped(buffer_free) struct buffer value = {0};
	enum store_err err;

	record_token_encode(&value, &record);
	err = db_put(txn, DB_TOKEN, key_slice(&key), buffer_slice(&value));
	return err ? err : tell(store, txn, slice_str(token->access_key));
}

struct store_document_kind
token_grant_kind(struct slice granted_by)
{
	return store_document_kind("%.*s", (int)granted_by.len,
		granted_by.data);
}

/* --- deleting ------------------------------------------------------------- */

enum store_err
token_remove_in(struct store *store, struct db_txn *txn,
	const struct token *token)
{
	struct slice access_key = slice_str(token->access_key);
	struct key key = key_text(access_key);
	enum store_err err = db_delete(txn, DB_TOKEN, key_slice(&key));

	if (!err && token->kind == TOKEN_TEMPORARY) {
		err = token_expiry_forget(txn, token);
	} else if (!err) {
		key = token_name_key(slice_str(token->organization),
			slice_str(token->name));
		err = db_delete(txn, DB_TOKEN_NAME, key_slice(&key));
	}
	if (!err)
		err = token_use_forget(txn, access_key);
	if (!err)
		err = token_attribute_forget(txn, access_key);
	return err ? err : tell(store, txn, access_key);
}

/* The next of any kind whose access key is above. */
static enum store_err
find_next(struct db_txn *txn, struct slice above, struct token *out)
{
	scoped(db_cursor_close) struct db_cursor cursor = {0};
	struct record_token record;
	struct key start = key_text(above);
	enum store_err err = db_cursor_open(txn, DB_TOKEN, &cursor);

	/* Above is with a NUL behind; LMDB knows no empty key. */
	start.bytes[start.len++] = 0;
	if (!err)
		err = db_cursor_seek(&cursor, key_slice(&start));
	return err ? err : token_decode(cursor.key, cursor.value, &record, out);
}

enum store_err
token_remove_temporary(struct store *store, struct db_txn *txn,
	struct slice organization)
{
	struct token token = {.access_key = ""};
	enum store_err err =
		find_next(txn, slice_str(token.access_key), &token);

	while (!err) {
		if (slice_equal(slice_str(token.organization), organization)) {
			if (token.kind != TOKEN_TEMPORARY)
				return STORE_ORGANIZATION_NOT_EMPTY;
			err = token_remove_in(store, txn, &token);
		}
		if (!err)
			err = find_next(txn, slice_str(token.access_key),
				&token);
	}
	return err == STORE_NOT_FOUND ? STORE_OK : err;
}

static enum store_err
apply_end_grant(struct store *store, struct db_txn *txn, void *arg)
{
	const struct slice *granted_by = arg;
	struct store_document_kind kind = token_grant_kind(*granted_by);
	struct token token;
	enum store_err err = store_document_remove(txn, &kind);

	if (!err)
		err = find_next(txn, SLICE(""), &token);
	while (!err) {
		if (slice_equal(slice_str(token.granted_by), *granted_by))
			err = token_remove_in(store, txn, &token);
		if (!err)
			err = find_next(txn, slice_str(token.access_key),
				&token);
	}
	return err == STORE_NOT_FOUND ? STORE_OK : err;
}

enum store_err
token_end_grant(struct store *store, struct slice granted_by)
{
	if (granted_by.len == 0 || granted_by.len > TOKEN_GRANT_MAX)
		return STORE_INVALID;
	return commit_run_durably(store, apply_end_grant, &granted_by);
}

/* Which token: by name, or by access key where that is given. */
struct which {
	struct slice organization;
	struct slice name;
	struct slice access_key;
	const struct token_change *change;
	struct token *out;
};

static enum store_err
find_which(struct db_txn *txn, const struct which *which,
	struct record_token *record, struct token *out)
{
	enum store_err err;

	if (!which->access_key.data)
		return find_by_name(txn, which->organization, which->name,
			record, out);
	err = token_find_in(txn, which->access_key, record, out);
	if (!err &&
		!slice_equal(slice_str(out->organization), which->organization))
		err = STORE_NO_TOKEN;
	return err;
}

static enum store_err
apply_delete(struct store *store, struct db_txn *txn, void *arg)
{
	const struct which *which = arg;
	struct record_token record;
	struct token token;
	enum store_err err = find_which(txn, which, &record, &token);

	return err ? err : token_remove_in(store, txn, &token);
}

enum store_err
token_delete(struct store *store, struct slice organization, struct slice name)
{
	struct which which = {.organization = organization, .name = name};

	return commit_run_durably(store, apply_delete, &which);
}

enum store_err
token_revoke(struct store *store, struct slice organization,
	struct slice access_key)
{
	struct which which = {organization, .access_key = access_key};

	return access_key.data ? commit_run_durably(store, apply_delete, &which)
			       : STORE_NO_TOKEN;
}

/* --- changing ------------------------------------------------------------- */

static enum store_err
apply_set(struct store *store, struct db_txn *txn, void *arg)
{
	const struct which *which = arg;
	const struct token_change *change = which->change;
	struct record_token record;
	uint8_t sealed[TOKEN_SEALED_MAX];
	struct token token;
	enum store_err err = find_which(txn, which, &record, &token);

	if (err)
		return err;
	if (change->level)
		token.level = change->level;
	if (change->region.len > 0 &&
		!slice_to_str(change->region, token.region,
			sizeof(token.region)))
		return STORE_INVALID;
	if (change->is_suspended)
		token.is_suspended = *change->is_suspended;
	/* It lies in the map, which the change may move. */
	if (record.sealed.len > sizeof(sealed))
		return STORE_CORRUPT;
	memcpy(sealed, record.sealed.data, record.sealed.len);
	err = token_save(store, txn, &token,
		slice_of(sealed, record.sealed.len));
	if (!err)
		*which->out = token;
	return err;
}

static enum store_err
set(struct store *store, struct which *which)
{
	const struct token_change *change = which->change;

	if ((change->level && !token_is_level((uint8_t)change->level)) ||
		change->region.len >= sizeof(which->out->region))
		return STORE_INVALID;
	return commit_run_durably(store, apply_set, which);
}

enum store_err
token_set(struct store *store, struct slice organization, struct slice name,
	const struct token_change *change, struct token *out)
{
	struct which which = {
		organization,
		.name = name,
		.change = change,
		.out = out,
	};

	return set(store, &which);
}

enum store_err
token_set_by_key(struct store *store, struct slice organization,
	struct slice access_key, const struct token_change *change,
	struct token *out)
{
	struct which which = {
		organization,
		.access_key = access_key,
		.change = change,
		.out = out,
	};

	return access_key.data ? set(store, &which) : STORE_NO_TOKEN;
}
