/* SPDX-License-Identifier: Apache-2.0 */
/*
 * user.h - users that a manifest declares: a namespace and a name, and the
 * token that stands for them.
 *
 * The record names the access key before the token is made, so that whoever
 * applies the manifest again can go on where the last one was cut off.
 *
 * Threads:   any.
 * Failure:   NOT_FOUND, BAD_NAME (namespaces and names 1 to 63, names of
 *            secrets 1 to 253 of a-z 0-9 - and ., a letter or digit at both
 *            ends), NO_ORGANIZATION.
 */
#pragma once

#include "store/token.h"

#define USER_NAME_MAX 63
#define USER_SECRET_NAME_MAX 253

struct user {
	char namespace[USER_NAME_MAX + 1];
	char name[USER_NAME_MAX + 1]; /* also the token's */
	char owner[ORGANIZATION_NAME_MAX + 1];
	char secret_name[USER_SECRET_NAME_MAX + 1];
	char access_key[TOKEN_ACCESS_KEY_MAX + 1];
};

bool user_name_is_valid(struct slice name, size_t max);

/* Durable; in place of one that is there.  EXISTS: another user of the
 * namespace has a secret of that name. */
must_check enum store_err user_put(struct store *store,
	const struct user *user);

must_check enum store_err user_get(struct store *store, struct slice namespace,
	struct slice name, struct user *out);

/* Durable; the token is another matter. */
must_check enum store_err user_delete(struct store *store,
	struct slice namespace, struct slice name);

/* By namespace, then name. */
must_check enum store_err user_list(struct store *store, struct arena *arena,
	struct user **out, size_t *count);
