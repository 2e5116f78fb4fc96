/* SPDX-License-Identifier: Apache-2.0 */
/*
 * slow.h - policies decided slowly and plainly, from the JSON itself: what
 * s3api/iam must agree with.
 *
 * It knows the forms that test_decide_random.c makes up, and takes them for
 * well-formed.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#define SLOW_VALUES_MAX 3

/* What a request has for a key: up to SLOW_VALUES_MAX, ended by NULL. */
struct slow_value {
	const char *key;
	const char *values[SLOW_VALUES_MAX + 1];
};

struct slow_request {
	const char *action; /* "s3:GetObject" */
	const char *bucket; /* NULL: none */
	const char *key;    /* NULL: the bucket itself */
	const char *owner;  /* NULL: there is no bucket yet */
	bool is_anonymous;
	const char *organization;
	const char *name;
	const char *role; /* NULL: none */
	const struct slow_value *values;
	unsigned int value_count;
};

/* Of an access control list. */
struct slow_grant {
	const char *grantee; /* "*", "signed", "log", or an organization */
	const char *permission;
};

#define SLOW_GRANTS_MAX 3

struct slow_list {
	const char *owner;
	struct slow_grant grants[SLOW_GRANTS_MAX];
	unsigned int count;
};

struct slow_policies {
	json_t *const *own;
	unsigned int own_count;
	json_t *const *owners;
	unsigned int owners_count;
	json_t *bucket; /* NULL: none */
	bool is_bucket_public;
	const struct slow_list *bucket_list; /* NULL: lists do not count */
	const struct slow_list *object_list;
	bool ignores_public;
	bool restricts_public;
};

bool slow_allows(const struct slow_request *request,
	const struct slow_policies *policies);
