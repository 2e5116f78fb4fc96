/* SPDX-License-Identifier: Apache-2.0 */
/*
 * decide.h - may this request do that?  One pure function: no clock, nothing
 * kept, no I/O but that of those who are asked for conditions and lists.
 * docs/access.md explains the order with an example.
 *
 * The level of the caller's token comes before (auth/level.h).
 */
#pragma once

#include "s3api/iam/acl.h"
#include "s3api/iam/policy.h"

/* What of the bucket may open it to others, as exposure.h reads it. */
struct decide_exposure {
	const struct acl *acl; /* the one that the action is about; NULL: none
				* counts */
	bool ignores_public_acls;
	bool restricts_public_bucket;
};

struct decide_policies {
	/* Of the caller's organization; none for an anonymous caller. */
	struct policy *const *own;
	size_t own_count;
	/* Of the organization that owns the bucket, where that is another. */
	struct policy *const *owners;
	size_t owners_count;
	const struct policy *bucket; /* NULL: it has none */
	/* Asked, at most once, where a stranger is let in by a policy for
	 * everyone, or by nothing yet.  NULL: there is nothing of it. */
	void (*expose)(void *context, struct decide_exposure *out);
	void *expose_context;
};

/* In the order in which they are asked for. */
enum decide_reason {
	DECIDE_UNKNOWN = 0,	    /* refused: an action that policies lack */
	DECIDE_ORGANIZATION_DENY,   /* refused by a statement */
	DECIDE_ORGANIZATION_SILENT, /* refused: there are policies, and none
				     * allows it */
	DECIDE_OWNER_DENY,	    /* refused by the bucket's organization */
	DECIDE_OWNER_ONLY,	    /* refused: only the owner may ever */
	DECIDE_ORGANIZATION_ALLOW,  /* allowed: nothing else is asked */
	DECIDE_OWNER,		    /* allowed: the organization owns it */
	DECIDE_BUCKET_DENY,	    /* refused by a statement */
	DECIDE_BUCKET_ALLOW,	    /* allowed by a statement */
	DECIDE_BUCKET_SILENT, /* refused: the policy does not speak of it */
	DECIDE_NO_POLICY,     /* refused: a stranger, and no policy */
	DECIDE_ACL_ALLOW,     /* allowed by a grant of a list */
	DECIDE_RESTRICTED,    /* refused: RestrictPublicBuckets */
	DECIDE_STEPS,	      /* refused: too long to find out */
};

struct decision {
	bool is_allowed;
	enum decide_reason reason;
	/* Whose statement decided; NULL where none did. */
	const struct policy *policy;
	const struct policy_statement *statement;
};

/* query->owner: empty for what is done to no bucket, or to a new one. */
struct decision decide(const struct policy_query *query,
	const struct decide_policies *policies);

/* "POLICY/STATEMENT" of the statement that decided, one without a name by its
 * number, a bucket's policy as "bucket"; empty where none did. */
struct slice decide_statement(const struct decision *decision,
	struct arena *arena);

/* "a statement of the bucket's policy denies it"; never NULL. */
const char *decide_sentence(enum decide_reason reason);
