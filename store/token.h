/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token.h - who may knock: key pairs with a level.
 *
 * Secrets are sealed under STORE/store.key; they leave only through
 * token_secret().
 *
 * Failure:   NO_TOKEN, TOKEN_EXISTS, BAD_NAME (1 to 64 of A-Z a-z 0-9 . _ -
 *            and @; access keys 3 to 128 of A-Z a-z 0-9 . _ -), INVALID.
 */
#pragma once

#include "store/base/arena.h"
#include "store/store.h"

enum token_level {
	TOKEN_READ = 1,
	TOKEN_WRITE,
	TOKEN_READWRITE,
	TOKEN_FULL,
};

#define TOKEN_NAME_MAX 64
#define TOKEN_ACCESS_KEY_MAX 128
#define TOKEN_SECRET_MIN 8
#define TOKEN_SECRET_MAX 128

struct token {
	char name[TOKEN_NAME_MAX + 1];
	char access_key[TOKEN_ACCESS_KEY_MAX + 1];
	char organization[64 + 1];
	char region[64 + 1];
	enum token_level level;
	int64_t created_ns;
	int64_t expires_ns; /* 0: never */
};

const char *token_level_name(enum token_level level);
bool token_level_from_name(const char *name, enum token_level *level);

/* Durable.  Draws a pair where access_key and secret are empty; secrets have
 * TOKEN_SECRET_MIN to TOKEN_SECRET_MAX printable bytes. */
must_check enum store_err token_create(struct store *store, struct slice name,
	enum token_level level, struct slice region, struct slice access_key,
	struct slice secret, struct token *out);
must_check enum store_err token_get(struct store *store, struct slice name,
	struct token *out);
must_check enum store_err token_list(struct store *store, struct arena *arena,
	struct token **out, size_t *count);
/* Durable.  The data stays. */
must_check enum store_err token_delete(struct store *store, struct slice name);

/* The token of an access key, and its secret with a NUL (wipe it after). */
must_check enum store_err token_find(struct store *store,
	struct slice access_key, struct token *out,
	char secret[TOKEN_SECRET_MAX + 1]);
must_check enum store_err token_secret(struct store *store, struct slice name,
	char secret[TOKEN_SECRET_MAX + 1]);
