/* SPDX-License-Identifier: Apache-2.0 */
/* users.h - what apply, get and delete share: users and their Secrets. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "store/user.h"

/* As kubectl names them. */
#define USERS_RESOURCE "user.objectstorage.coreweave.com/"

/* The Secret of a user as a manifest: to a stream, or (0600, at once whole) to
 * DIR/NAME.  False after it has said why. */
void users_secret_write(FILE *to, const struct user *user, const char *secret);
must_check bool users_secret_save(const char *dir, const struct user *user,
	const char *secret);

/* One that is not there is no failure. */
must_check bool users_secret_remove(const char *dir, const struct user *user);
