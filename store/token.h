/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token.h - who may knock: key pairs with a level, each of an organization.
 *
 * Permanent ones have a name, which is given out once in their organization.
 * Temporary ones have the name and the role of who signed in and, unless they
 * were asked for without, an end; there may be many of one name.  Control
 * tokens open the control API and sign nothing.
 *
 * Secrets are sealed under the store's key; they leave only through
 * token_find(), token_secret() and token_create().
 *
 * Threads:   any.
 * Failure:   NO_TOKEN, TOKEN_EXISTS, NO_ORGANIZATION, BAD_NAME (1 to 64 of A-Z
 *            a-z 0-9 . _ - and @; those of temporary ones 1 to 255, of
 *            + = , / : and | too; their roles 1 to 511, of ~ and % too;
 *            access keys 3 to 128 of A-Z a-z 0-9 . _ -), INVALID.
 */
#pragma once

#include "store/base/arena.h"
#include "store/organization.h"
#include "store/store.h"

enum token_level {
	TOKEN_READ = 1,
	TOKEN_WRITE,
	TOKEN_READWRITE,
	TOKEN_FULL,
};

/* In records: never change a number. */
enum token_kind {
	TOKEN_PERMANENT = 1,
	TOKEN_TEMPORARY,
	TOKEN_CONTROL,
};

#define TOKEN_NAME_MAX 64
#define TOKEN_PRINCIPAL_MAX 255 /* the name of a temporary one */
#define TOKEN_ROLE_MAX 511
#define TOKEN_ACCESS_KEY_MAX 128
#define TOKEN_SECRET_MIN 8
#define TOKEN_SECRET_MAX 128
#define TOKEN_SESSION_LEN 64
#define TOKEN_GRANT_MAX 160

struct token {
	char name[TOKEN_PRINCIPAL_MAX + 1];
	char access_key[TOKEN_ACCESS_KEY_MAX + 1];
	char organization[64 + 1];
	char region[64 + 1];
	char role[TOKEN_ROLE_MAX + 1]; /* of temporary ones; may be empty */
	char granted_by[TOKEN_GRANT_MAX + 1]; /* the same */
	enum token_level level;
	enum token_kind kind;
	bool is_suspended;
	bool needs_session; /* of no use without its session token */
	int64_t created_ns;
	int64_t expires_ns; /* 0: never */
};

const char *token_level_name(enum token_level level);
bool token_level_from_name(const char *name, enum token_level *level);

/* "ACTIVE", "EXPIRED", "SUSPENDED". */
const char *token_status(const struct token *token, int64_t now_ns);

#define TOKEN_ATTRIBUTES_MAX 15
#define TOKEN_ATTRIBUTE_MAX 63

/* What whoever asked for a key has written on it: shown with it, and never
 * asked by a policy, since nobody vouches for it. */
struct token_attribute {
	struct slice key;   /* 1 to 63 of a-z 0-9 -, not cw-, role-, groups- */
	struct slice value; /* up to 63 bytes of UTF-8 */
};

#define TOKEN_ONCE_LEN 32

/* What is asked for; zeros are the defaults. */
struct token_draft {
	struct slice name;
	struct slice organization; /* "default" */
	struct slice region;	   /* the store's */
	struct slice role;	   /* of temporary ones */
	/* Of temporary ones: the document of the store (owner 0) that they live
	 * by, and go with: token_end_grant().  NOT_FOUND: it is not there. */
	struct slice granted_by;
	enum token_level level;
	enum token_kind kind; /* permanent */
	bool needs_session;
	int64_t expires_ns; /* 0: never; INVALID: in the past */
	/* INVALID: token_attribute_are_valid() says no. */
	const struct token_attribute *attributes;
	size_t attribute_count;

	/* A pair to take over; drawn where empty.  Secrets have
	 * TOKEN_SECRET_MIN to TOKEN_SECRET_MAX printable bytes. */
	struct slice access_key;
	struct slice secret;

	/* A digest of what this is in return for: it is taken but once until
	 * then.  NULL: nothing. */
	const uint8_t *once;
	int64_t once_until_ns;
};

/* Durable.  EXISTS: draft->once was taken before. */
must_check enum store_err token_create(struct store *store,
	const struct token_draft *draft, struct token *out);

/* Of permanent and control tokens, by name. */
must_check enum store_err token_get(struct store *store,
	struct slice organization, struct slice name, struct token *out);
/* With a NUL; wipe it after. */
must_check enum store_err token_secret(struct store *store,
	struct slice organization, struct slice name,
	char secret[TOKEN_SECRET_MAX + 1]);

/* Durable.  The data stays.  Counts at once in every process. */
must_check enum store_err token_delete(struct store *store,
	struct slice organization, struct slice name);
/* The same of any kind, by access key; NO_TOKEN also where it is of another
 * organization. */
must_check enum store_err token_revoke(struct store *store,
	struct slice organization, struct slice access_key);

/* Durable.  Removes the document of the store and each key that lives by it,
 * at once in every process.  One that is not there is no error. */
must_check enum store_err token_end_grant(struct store *store,
	struct slice granted_by);

/* What may change; NULL, 0: stays. */
struct token_change {
	enum token_level level;
	struct slice region;
	const bool *is_suspended;
};

/* Durable.  Counts at once in every process.  INVALID: the region is too
 * long. */
must_check enum store_err token_set(struct store *store,
	struct slice organization, struct slice name,
	const struct token_change *change, struct token *out);
/* The same of any kind, by access key. */
must_check enum store_err token_set_by_key(struct store *store,
	struct slice organization, struct slice access_key,
	const struct token_change *change, struct token *out);

/* All of an organization, or with SLICE_NULL of all, by organization and
 * name. */
must_check enum store_err token_list(struct store *store,
	struct slice organization, struct arena *arena, struct token **out,
	size_t *count);

/* The token of an access key, whatever its state, and its secret with a NUL
 * (wipe it after).  In a read transaction. */
must_check enum store_err token_find(struct store *store,
	struct slice access_key, struct token *out,
	char secret[TOKEN_SECRET_MAX + 1]);

/* What a temporary key's requests may have beside their signature, with a
 * NUL: derived, not stored. */
void token_secret_session(const struct store *store, const struct token *token,
	char session[TOKEN_SESSION_LEN + 1]);

/* --- token_attribute.c ---------------------------------------------------- */

/* TOKEN_ATTRIBUTES_MAX at most, each as above, no key twice. */
bool token_attribute_are_valid(const struct token_attribute *attributes,
	size_t count);

/* In the arena, in the order in which they were given; none of a key that is
 * not there. */
must_check enum store_err token_attribute_list(struct store *store,
	struct slice access_key, struct arena *arena,
	struct token_attribute **out, size_t *count);

/* --- token_use.c ---------------------------------------------------------- */

/* Notes that these access keys were used; not durable at once. */
must_check enum store_err token_use_note(struct store *store,
	const struct slice *access_keys, size_t count, int64_t now_ns);
/* 0: never, or not known. */
must_check enum store_err token_use_last(struct store *store,
	struct slice access_key, int64_t *used_ns);

/* --- token_expiry.c ------------------------------------------------------- */

/* Removes temporary keys that have ended a while ago (until then they are told
 * apart from those that never were), and what was taken once, when it could
 * not be taken again anyway.  A bounded number; *more: there are others. */
must_check enum store_err token_expiry_sweep(struct store *store,
	int64_t now_ns, bool *more);
