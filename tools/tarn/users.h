/* SPDX-License-Identifier: Apache-2.0 */
/* users.h - what apply, get and delete share: users and their Secrets. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "store/user.h"

/* As kubectl names them. */
#define USERS_RESOURCE "user.objectstorage.coreweave.com/"

struct manifest_user;

/* All that a manifest says of who it is; no access key. */
void users_of_manifest(const struct manifest_user *wanted, struct user *out);

/*
 * The Secret of a user as a manifest: to a stream, or (0600, at once whole) to
 * DIR/NAME.  A file there must be a Secret of the user's namespace, which
 * check() looks for: those of other namespaces may have the same name.  False
 * after it has said why.
 */
void users_secret_write(FILE *to, const struct user *user, const char *secret);
must_check bool users_secret_check(const char *dir, const struct user *user);
must_check bool users_secret_save(const char *dir, const struct user *user,
	const char *secret);

/* One that is not there is no failure; nor is one of another namespace, which
 * stays, as it says. */
must_check bool users_secret_remove(const char *dir, const struct user *user);
