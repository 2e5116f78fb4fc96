/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_document_private.h"
#include "store/token_private.h"

#include <stdlib.h>
#include <string.h>

#include "store/base/cipher.h"
#include "store/base/clock.h"
#include "store/feed_private.h"
#include "store/meta/key.h"
#include "store/organization_private.h"

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
	if (text.len < min || text.len > max)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.data[i];

		if (!(c >= 'A' && c <= 'Z') && !(c >= 'a' && c <= 'z') &&
			!(c >= '0' && c <= '9') && (!c || !strchr(others, c)))
			return false;
	}
	return true;
}

static bool
is_name(struct slice name, enum token_kind kind)
{
	return kind == TOKEN_TEMPORARY
		       ? is_of(name, 1, TOKEN_PRINCIPAL_MAX, "._-@+=,/:|")
		       : is_of(name, 1, TOKEN_NAME_MAX, "._-@");
}

static bool
is_role(struct slice role)
{
	return is_of(role, 1, TOKEN_ROLE_MAX, "._-@+=,/:|~%");
}

static bool
is_access_key(struct slice access_key)
{
	return is_of(access_key, ACCESS_KEY_MIN, TOKEN_ACCESS_KEY_MAX, "._-");
}

static bool
is_level(uint8_t level)
{
	return level >= TOKEN_READ && level <= TOKEN_FULL;
}

static bool
is_kind(uint8_t kind)
{
	return kind >= TOKEN_PERMANENT && kind <= TOKEN_CONTROL;
}

/* --- reading -------------------------------------------------------------- */

static enum store_err
decode(struct slice access_key, struct slice value, struct record_token *record,
	struct token *out)
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
	if (!is_level(record->level) || !is_kind(record->kind) ||
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

	if (!is_access_key(access_key))
		return STORE_NO_TOKEN;
	key = key_text(access_key);
	err = db_get(txn, DB_TOKEN, key_slice(&key), &value);
	if (err)
		return err == STORE_NOT_FOUND ? STORE_NO_TOKEN : err;
	return decode(access_key, value, record, out);
}

/* Names of the default organization stand alone, as they did before there
 * were others. */
static struct key
name_key(struct slice organization, struct slice name)
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

	if (!is_name(name, TOKEN_PERMANENT) ||
		!organization_name_is_valid(organization))
		return STORE_NO_TOKEN;
	key = name_key(organization, name);
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

/* --- creating ------------------------------------------------------------- */

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

static enum store_err
save(struct store *store, struct db_txn *txn, const struct token *token,
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

static enum store_err
save_name(struct db_txn *txn, const struct token *token)
{
	struct key key = name_key(slice_str(token->organization),
		slice_str(token->name));
	enum store_err err = is_free(txn, DB_TOKEN_NAME, &key);

	return err ? err
		   : db_put(txn, DB_TOKEN_NAME, key_slice(&key),
			     slice_str(token->access_key));
}

static struct store_document_kind
grant_kind(struct slice granted_by)
{
	return store_document_kind("%.*s", (int)granted_by.len,
		granted_by.data);
}

/* Whoever found it a moment ago may have lost it to somebody who ends it. */
static enum store_err
check_grant(struct db_txn *txn, const struct token *token)
{
	struct store_document_kind kind;
	struct slice value;

	if (!token->granted_by[0])
		return STORE_OK;
	kind = grant_kind(slice_str(token->granted_by));
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
	return err ? err : save(store, txn, token, create->sealed);
}

static enum store_err
check_draft(const struct token_draft *draft, enum token_kind kind,
	int64_t now_ns)
{
	if (!is_name(draft->name, kind) ||
		(draft->access_key.len > 0 &&
			!is_access_key(draft->access_key)))
		return STORE_BAD_NAME;
	if (draft->role.len > 0 && !is_role(draft->role))
		return STORE_BAD_NAME;
	if (draft->granted_by.len > TOKEN_GRANT_MAX ||
		(draft->granted_by.len > 0 && kind != TOKEN_TEMPORARY))
		return STORE_INVALID;
	if (!is_level((uint8_t)draft->level) || !is_kind((uint8_t)kind) ||
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
		key = name_key(slice_str(token->organization),
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
	return err ? err : decode(cursor.key, cursor.value, &record, out);
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
	struct store_document_kind kind = grant_kind(*granted_by);
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
	err = save(store, txn, &token, slice_of(sealed, record.sealed.len));
	if (!err)
		*which->out = token;
	return err;
}

static enum store_err
set(struct store *store, struct which *which)
{
	const struct token_change *change = which->change;

	if ((change->level && !is_level((uint8_t)change->level)) ||
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

/* --- listing -------------------------------------------------------------- */

static int
compare(const void *a, const void *b)
{
	const struct token *one = a;
	const struct token *other = b;
	int order = strcmp(one->organization, other->organization);

	if (!order)
		order = strcmp(one->name, other->name);
	return order ? order : strcmp(one->access_key, other->access_key);
}

/* tokens NULL: counts them. */
static enum store_err
read_all(struct db_txn *txn, struct slice organization, struct token *tokens,
	size_t *count)
{
	scoped(db_cursor_close) struct db_cursor cursor = {0};
	enum store_err err = db_cursor_open(txn, DB_TOKEN, &cursor);

	*count = 0;
	if (!err)
		err = db_cursor_seek(&cursor, SLICE_NULL);
	for (; !err; err = db_cursor_next(&cursor)) {
		struct record_token record;
		struct token token;

		err = decode(cursor.key, cursor.value, &record, &token);
		if (err)
			return err;
		if (organization.len > 0 &&
			!slice_equal(record.organization, organization))
			continue;
		if (tokens)
			tokens[*count] = token;
		++*count;
	}
	return err == STORE_NOT_FOUND ? STORE_OK : err;
}

enum store_err
token_list(struct store *store, struct slice organization, struct arena *arena,
	struct token **out, size_t *count)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	enum store_err err;

	*out = NULL;
	*count = 0;
	err = db_begin_read(store->db, &txn);
	if (!err)
		err = read_all(txn, organization, NULL, count);
	if (err)
		return err;
	*out = arena_new_array(arena, *count + 1, struct token);
	err = read_all(txn, organization, *out, count);
	if (!err && *count > 1)
		qsort(*out, *count, sizeof(**out), compare);
	return err;
}
