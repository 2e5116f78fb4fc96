/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy.h - a parsed policy, of a bucket (IAM's language, versions
 * 2012-10-17 and 2008-10-17) or of an organization (orgpolicy.h), and the
 * question whether one of its statements applies to a request.
 *
 * Parsing refuses whatever would not be enforced: a name that is not known, a
 * value of another form, an element twice.
 *
 * Threads:   any; a policy does not change once it is parsed.
 * Ownership: policies are counted: policy_free() gives one reference back.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "s3api/iam/policy_action.h"
#include "s3api/iam/policy_condition.h"
#include "s3api/iam/policy_json.h"
#include "s3api/iam/policy_principal.h"

struct policy_statement {
	struct slice name;   /* Sid; may be empty in a bucket's */
	unsigned int number; /* in its policy, from 1 */
	bool is_allow;
	bool is_not_principal;
	bool is_not_resource;
	struct policy_action_set actions;
	const struct policy_principal *principals;
	size_t principal_count;
	/* Over "bucket" and "bucket/key"; without arn:aws:s3:::. */
	const struct policy_pattern *resources;
	size_t resource_count;
	const struct policy_condition *conditions;
	size_t condition_count;
};

struct policy {
	struct slice name; /* Id; empty for most of a bucket's */
	const struct policy_statement *statements;
	size_t statement_count;
	/* What is allowed and yet likely not meant; of organizations'. */
	const struct slice *warnings;
	size_t warning_count;

	/* private to policy.c */
	struct arena arena;
	atomic_uint references;
};

/* NULL: *error says what is wrong, and where.  bucket: its name. */
must_check struct policy *policy_parse(struct slice text, struct slice bucket,
	struct policy_error *error);

/* One reference; both allow NULL. */
struct policy *policy_create(void);
struct policy *policy_keep(struct policy *policy);
void policy_free(struct policy **policy);
/* One of each. */
void policy_free_all(struct policy *const *policies, size_t count);

/* What is asked. */
struct policy_query {
	enum policy_action action;
	struct slice resource; /* "bucket", "bucket/key"; empty: neither */
	struct slice owner;    /* the organization that owns the bucket; names
				* without an organization are its own */
	const struct policy_caller *caller;
	const struct policy_context *context;
};

/* The first thing that keeps a statement from applying. */
enum policy_mismatch {
	POLICY_APPLIES = 0,
	POLICY_OTHER_ACTION,
	POLICY_OTHER_PRINCIPAL,
	POLICY_OTHER_RESOURCE,
	POLICY_OTHER_CONDITION,
};

enum policy_mismatch
policy_statement_check(const struct policy_statement *statement,
	const struct policy_query *query);

/* The first statement of that effect that applies; NULL: none does. */
const struct policy_statement *policy_find(const struct policy *policy,
	bool is_allow, const struct policy_query *query);

/* S3 API: GetBucketPolicyStatus: it grants something to everyone. */
bool policy_is_public(const struct policy *policy);
