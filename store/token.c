/* SPDX-License-Identifier: Apache-2.0 */
#include "store/token.h"

#include <stdlib.h>
#include <string.h>

#include "store/base/cipher.h"
#include "store/base/clock.h"
#include "store/base/random.h"
#include "store/feed_private.h"
#include "store/meta/key.h"
#include "store/meta/record.h"

#define ACCESS_KEY_MIN 3
#define DRAWN_PREFIX "TARN"
#define DRAWN_KEY_LEN 20
#define DRAWN_SECRET 40
#define SEALED_MAX (CIPHER_NONCE_LEN + TOKEN_SECRET_MAX + CIPHER_TAG_LEN)

/* Whom tokens belong to as long as there is but one organization. */
#define ORGANIZATION "default"

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

static bool
is_level(uint8_t level)
{
	return level >= TOKEN_READ && level <= TOKEN_FULL;
}

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
is_name(struct slice name)
{
	return is_of(name, 1, TOKEN_NAME_MAX, "._-@");
}

static bool
is_access_key(struct slice access_key)
{
	return is_of(access_key, ACCESS_KEY_MIN, TOKEN_ACCESS_KEY_MAX, "._-");
}

static bool
is_secret(struct slice secret)
{
	if (secret.len < TOKEN_SECRET_MIN || secret.len > TOKEN_SECRET_MAX)
		return false;
	for (size_t i = 0; i < secret.len; i++)
		if (secret.data[i] < 0x21 || secret.data[i] > 0x7e)
			return false;
	return true;
}

/* Characters of the alphabet, each as likely as any other: bytes beyond the
 * last whole multiple of its length are drawn again. */
static void
draw(const char *alphabet, char *to, size_t len)
{
	size_t letters = strlen(alphabet);
	size_t limit = 256 / letters * letters;
	size_t drawn = 0;
	uint8_t bytes[64];

	while (drawn < len) {
		random_bytes(bytes, sizeof(bytes));
		for (size_t i = 0; i < sizeof(bytes) && drawn < len; i++)
			if (bytes[i] < limit)
				to[drawn++] = alphabet[bytes[i] % letters];
	}
	cipher_wipe(bytes, sizeof(bytes));
}

/* `to` has room for max bytes and a NUL. */
static bool
copy_text(struct slice from, char *to, size_t max)
{
	if (from.len > max)
		return false;
	if (from.len)
		memcpy(to, from.data, from.len);
	to[from.len] = '\0';
	return true;
}

static enum store_err
decode(struct slice access_key, struct slice value, struct record_token *record,
	struct token *out)
{
	enum store_err err = record_decode_token(value, record);

	if (err)
		return err;
	*out = (struct token){
		.level = (enum token_level)record->level,
		.created_ns = record->created_ns,
		.expires_ns = record->expires_ns,
	};
	if (!is_level(record->level) ||
		!copy_text(record->name, out->name, TOKEN_NAME_MAX) ||
		!copy_text(access_key, out->access_key, TOKEN_ACCESS_KEY_MAX) ||
		!copy_text(record->organization, out->organization,
			sizeof(out->organization) - 1) ||
		!copy_text(record->region, out->region,
			sizeof(out->region) - 1))
		return STORE_CORRUPT;
	return STORE_OK;
}

/* NO_TOKEN.  record's slices point into the map. */
static enum store_err
find_by_key(struct db_txn *txn, struct slice access_key,
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

static enum store_err
find_by_name(struct db_txn *txn, struct slice name, struct record_token *record,
	struct token *out)
{
	struct key key;
	struct slice access_key;
	enum store_err err;

	if (!is_name(name))
		return STORE_NO_TOKEN;
	key = key_text(name);
	err = db_get(txn, DB_TOKEN_NAME, key_slice(&key), &access_key);
	if (err)
		return err == STORE_NOT_FOUND ? STORE_NO_TOKEN : err;
	err = find_by_key(txn, access_key, record, out);
	return err == STORE_NO_TOKEN ? STORE_CORRUPT : err;
}

/* The access key goes in as associated data: a sealed secret moved to another
 * key's record does not open. */
static struct slice
seal(const struct store *store, struct slice access_key, struct slice secret,
	uint8_t sealed[SEALED_MAX])
{
	random_bytes(sealed, CIPHER_NONCE_LEN);
	cipher_seal(store->key, sealed, access_key, secret,
		sealed + CIPHER_NONCE_LEN);
	return slice_of(sealed, CIPHER_NONCE_LEN + secret.len + CIPHER_TAG_LEN);
}

static enum store_err
unseal(const struct store *store, const struct token *token,
	struct slice sealed, char secret[TOKEN_SECRET_MAX + 1])
{
	struct slice body;
	size_t len;
	enum store_err err;

	if (sealed.len < CIPHER_NONCE_LEN + CIPHER_TAG_LEN ||
		sealed.len > SEALED_MAX)
		return STORE_CORRUPT;
	body = slice_from(sealed, CIPHER_NONCE_LEN);
	len = body.len - CIPHER_TAG_LEN;
	err = cipher_open(store->key, (const uint8_t *)sealed.data,
		slice_str(token->access_key), body, (uint8_t *)secret);
	secret[err ? 0 : len] = '\0';
	return err;
}

struct create {
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
apply_create(struct store *store, struct db_txn *txn, void *arg)
{
	const struct create *create = arg;
	const struct token *token = create->token;
	struct slice access_key = slice_str(token->access_key);
	struct key by_key = key_text(access_key);
	struct key by_name = key_text(slice_str(token->name));
	const struct record_token record = {
		.name = slice_str(token->name),
		.organization = slice_str(token->organization),
		.region = slice_str(token->region),
		.level = (uint8_t)token->level,
		.created_ns = token->created_ns,
		.expires_ns = token->expires_ns,
		.sealed = create->sealed,
	};
	scoped(buffer_free) struct buffer value = {0};
	enum store_err err;

	err = is_free(txn, DB_TOKEN, &by_key);
	if (!err)
		err = is_free(txn, DB_TOKEN_NAME, &by_name);
	if (err)
		return err;
	record_encode_token(&value, &record);
	err = db_put(txn, DB_TOKEN, key_slice(&by_key), buffer_slice(&value));
	if (!err)
		err = db_put(txn, DB_TOKEN_NAME, key_slice(&by_name),
			access_key);
	if (!err)
		err = tell(store, txn, access_key);
	return err;
}

static enum store_err
describe(const struct store *store, struct slice name, enum token_level level,
	struct slice region, struct slice access_key, struct token *out)
{
	*out = (struct token){
		.organization = ORGANIZATION,
		.level = level,
		.created_ns = clock_now_ns(),
	};
	if (!region.len)
		region = store_region(store);
	if (!is_name(name))
		return STORE_BAD_NAME;
	if (!is_level((uint8_t)level) ||
		!copy_text(region, out->region, sizeof(out->region) - 1))
		return STORE_INVALID;
	(void)copy_text(name, out->name, TOKEN_NAME_MAX);
	if (!access_key.len) {
		memcpy(out->access_key, DRAWN_PREFIX, strlen(DRAWN_PREFIX));
		draw("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",
			out->access_key + strlen(DRAWN_PREFIX),
			DRAWN_KEY_LEN - strlen(DRAWN_PREFIX));
		return STORE_OK;
	}
	if (!is_access_key(access_key))
		return STORE_BAD_NAME;
	(void)copy_text(access_key, out->access_key, TOKEN_ACCESS_KEY_MAX);
	return STORE_OK;
}

enum store_err
token_create(struct store *store, struct slice name, enum token_level level,
	struct slice region, struct slice access_key, struct slice secret,
	struct token *out)
{
	struct token token;
	struct create create = {.token = &token};
	uint8_t sealed[SEALED_MAX];
	char drawn[DRAWN_SECRET];
	enum store_err err;

	err = describe(store, name, level, region, access_key, &token);
	if (err)
		return err;
	if (secret.len && !is_secret(secret))
		return STORE_INVALID;
	if (!secret.len) {
		draw("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
		     "0123456789+/",
			drawn, sizeof(drawn));
		secret = slice_of(drawn, sizeof(drawn));
	}
	create.sealed =
		seal(store, slice_str(token.access_key), secret, sealed);
	cipher_wipe(drawn, sizeof(drawn));
	err = commit_run_durably(store, apply_create, &create);
	if (!err)
		*out = token;
	return err;
}

static enum store_err
apply_delete(struct store *store, struct db_txn *txn, void *arg)
{
	const struct slice *name = arg;
	struct record_token record;
	struct token token;
	struct key key;
	enum store_err err;

	err = find_by_name(txn, *name, &record, &token);
	if (err)
		return err;
	key = key_text(slice_str(token.access_key));
	err = db_delete(txn, DB_TOKEN, key_slice(&key));
	key = key_text(*name);
	if (!err)
		err = db_delete(txn, DB_TOKEN_NAME, key_slice(&key));
	if (!err)
		err = tell(store, txn, slice_str(token.access_key));
	return err;
}

enum store_err
token_delete(struct store *store, struct slice name)
{
	return commit_run_durably(store, apply_delete, &name);
}

enum store_err
token_get(struct store *store, struct slice name, struct token *out)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	struct record_token record;
	enum store_err err;

	err = db_begin_read(store->db, &txn);
	if (err)
		return err;
	return find_by_name(txn, name, &record, out);
}

enum store_err
token_find(struct store *store, struct slice access_key, struct token *out,
	char secret[TOKEN_SECRET_MAX + 1])
{
	scoped(db_abort) struct db_txn *txn = NULL;
	struct record_token record;
	enum store_err err;

	err = db_begin_read(store->db, &txn);
	if (!err)
		err = find_by_key(txn, access_key, &record, out);
	if (err)
		return err;
	return unseal(store, out, record.sealed, secret);
}

enum store_err
token_secret(struct store *store, struct slice name,
	char secret[TOKEN_SECRET_MAX + 1])
{
	scoped(db_abort) struct db_txn *txn = NULL;
	struct record_token record;
	struct token token;
	enum store_err err;

	err = db_begin_read(store->db, &txn);
	if (!err)
		err = find_by_name(txn, name, &record, &token);
	if (err)
		return err;
	return unseal(store, &token, record.sealed, secret);
}

/* In the order of their names. */
static enum store_err
read_all(struct db_txn *txn, struct db_cursor *cursor, struct token *tokens,
	size_t room, size_t *count)
{
	enum store_err err = db_cursor_seek(cursor, SLICE_NULL);

	for (; !err && *count < room; err = db_cursor_next(cursor)) {
		struct record_token record;

		err = find_by_key(txn, cursor->value, &record, &tokens[*count]);
		if (err)
			return err == STORE_NO_TOKEN ? STORE_CORRUPT : err;
		(*count)++;
	}
	return err == STORE_NOT_FOUND ? STORE_OK : err;
}

enum store_err
token_list(struct store *store, struct arena *arena, struct token **out,
	size_t *count)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	struct db_cursor cursor = {0};
	uint64_t room = 0;
	enum store_err err;

	*out = NULL;
	*count = 0;
	err = db_begin_read(store->db, &txn);
	if (!err)
		err = db_count(txn, DB_TOKEN_NAME, &room);
	if (!err)
		err = db_cursor_open(txn, DB_TOKEN_NAME, &cursor);
	if (err)
		return err;
	*out = arena_new_array(arena, room, struct token);
	err = read_all(txn, &cursor, *out, room, count);
	db_cursor_close(&cursor);
	return err;
}
