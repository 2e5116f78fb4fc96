/* SPDX-License-Identifier: Apache-2.0 */
/*
 * orgpolicy.h - access policies of an organization, version v1alpha1:
 *
 *	{"version": "v1alpha1", "name": "...", "statements": [{"name": "...",
 *	 "effect": "Allow", "actions": [...], "resources": [...],
 *	 "principals": [...]}]}
 *
 * Resources are bucket, bucket/key or *, with wildcards.  All keys of a bucket
 * (its name, a slash, a star) are the bucket, too: who may list the one may
 * list the other.  What is done to no bucket (ListAllMyBuckets, cwobject:...)
 * is covered by "*" alone.
 *
 * In the store each is a document of owner 0 (docs/format.md).
 */
#pragma once

#include <jansson.h>

#include "s3api/iam/policy.h"
#include "store/bucket.h"

#define ORGPOLICY_NAME_MAX 64
/* Of one organization. */
#define ORGPOLICY_COUNT_MAX 100

/* Bare, or wrapped as {"policy": {...}}.  NULL: *error says why. */
must_check struct policy *orgpolicy_parse(struct slice text,
	struct policy_error *error);

/* As it is stored. */
struct orgpolicy {
	struct slice name;
	struct slice text;
};

/* In order of names; in the arena.  CORRUPT, IO. */
must_check enum store_err orgpolicy_list(struct store *store,
	struct slice organization, struct arena *arena, struct orgpolicy **out,
	size_t *count);

/* {"policies": [{"policy": {...}}, ...]}, the caller's. */
json_t *orgpolicy_to_json(const struct orgpolicy *policies, size_t count);

/* Durable.  Stores text, which orgpolicy_parse() made policy of, under its
 * name; replaces one that is there.  INVALID: the organization's name;
 * TOO_BIG: there are ORGPOLICY_COUNT_MAX. */
must_check enum store_err orgpolicy_put(struct store *store,
	struct slice organization, const struct policy *policy,
	struct slice text);

/* Durable.  NOT_FOUND. */
must_check enum store_err orgpolicy_delete(struct store *store,
	struct slice organization, struct slice name);
