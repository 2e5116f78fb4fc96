/* SPDX-License-Identifier: Apache-2.0 */
/* token_private.h - between the files of tokens, and for organizations. */
#pragma once

#include "store/commit_private.h"
#include "store/meta/key.h"
#include "store/meta/record.h"
#include "store/store_document_private.h"
#include "store/token.h"

/* --- token.c -------------------------------------------------------------- */

/* What is valid. */
bool token_is_name(struct slice name, enum token_kind kind);
bool token_is_role(struct slice role);
bool token_is_access_key(struct slice access_key);
bool token_is_level(uint8_t level);
bool token_is_kind(uint8_t kind);

/* A row of DB_TOKEN; CORRUPT.  record's slices point into the map. */
must_check enum store_err token_decode(struct slice access_key,
	struct slice value, struct record_token *record, struct token *out);
/* And back, also told to whoever caches tokens. */
must_check enum store_err token_save(struct store *store, struct db_txn *txn,
	const struct token *token, struct slice sealed);

/* Of DB_TOKEN_NAME.  Names of the default organization stand alone, as they did
 * before there were others. */
struct key token_name_key(struct slice organization, struct slice name);

/* The document that temporary keys live by. */
struct store_document_kind token_grant_kind(struct slice granted_by);

/* NO_TOKEN.  record's slices point into the map. */
must_check enum store_err token_find_in(struct db_txn *txn,
	struct slice access_key, struct record_token *record,
	struct token *out);

/* With its name, where it has one, and all that is known of it. */
must_check enum store_err token_remove_in(struct store *store,
	struct db_txn *txn, const struct token *token);

/* All temporary keys of an organization; ORGANIZATION_NOT_EMPTY: it has
 * others. */
must_check enum store_err token_remove_temporary(struct store *store,
	struct db_txn *txn, struct slice organization);

/* --- token_secret.c ------------------------------------------------------- */

#define TOKEN_SEALED_MAX (12 + TOKEN_SECRET_MAX + 16)

void token_secret_draw_access_key(char to[TOKEN_ACCESS_KEY_MAX + 1]);
/* How many characters it has. */
size_t token_secret_draw(char to[TOKEN_SECRET_MAX]);

bool token_secret_is_valid(struct slice secret);

/* The access key goes in as associated data: a sealed secret moved to another
 * key's record does not open. */
struct slice token_secret_seal(const struct store *store,
	struct slice access_key, struct slice secret,
	uint8_t sealed[TOKEN_SEALED_MAX]);
/* CORRUPT. */
must_check enum store_err token_secret_unseal(const struct store *store,
	const struct token *token, struct slice sealed,
	char secret[TOKEN_SECRET_MAX + 1]);

/* --- token_expiry.c ------------------------------------------------------- */

/* EXISTS: it was taken. */
must_check enum store_err token_expiry_take_once(struct db_txn *txn,
	const uint8_t once[TOKEN_ONCE_LEN], int64_t until_ns);
must_check enum store_err token_expiry_note(struct db_txn *txn,
	const struct token *token);
must_check enum store_err token_expiry_forget(struct db_txn *txn,
	const struct token *token);

/* --- token_attribute.c ---------------------------------------------------- */

must_check enum store_err token_attribute_put(struct db_txn *txn,
	struct slice access_key, const struct token_attribute *attributes,
	size_t count);
must_check enum store_err token_attribute_forget(struct db_txn *txn,
	struct slice access_key);

/* --- token_use.c ---------------------------------------------------------- */

must_check enum store_err token_use_forget(struct db_txn *txn,
	struct slice access_key);
