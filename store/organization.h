/* SPDX-License-Identifier: Apache-2.0 */
/*
 * organization.h - who owns buckets and tokens.
 *
 * "default" is always there and has no record.
 *
 * Threads:   any.
 * Failure:   NO_ORGANIZATION, ORGANIZATION_EXISTS, BAD_NAME (1 to 63 of A-Z
 *            a-z 0-9 . _ and -, a letter or digit first).
 */
#pragma once

#include <stdbool.h>

#include "store/base/arena.h"
#include "store/store.h"

#define ORGANIZATION_NAME_MAX 63
#define ORGANIZATION_DEFAULT "default"

struct organization {
	char name[ORGANIZATION_NAME_MAX + 1];
	int64_t created_ns; /* 0: with the store */
};

bool organization_name_is_valid(struct slice name);

/* Durable. */
must_check enum store_err organization_create(struct store *store,
	struct slice name);

/* Durable.  Its access policies, identity providers, quota, topics and
 * temporary keys go with it.  ORGANIZATION_NOT_EMPTY: it owns buckets or
 * tokens; NOT_PERMITTED: the default one stays. */
must_check enum store_err organization_delete(struct store *store,
	struct slice name);

/* NO_ORGANIZATION. */
must_check enum store_err organization_check(struct store *store,
	struct slice name);

/* In the order of names, the default one first. */
must_check enum store_err organization_list(struct store *store,
	struct arena *arena, struct organization **out, size_t *count);
