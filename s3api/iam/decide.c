/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/iam/decide.h"

static struct decision
refused(enum decide_reason reason)
{
	return (struct decision){.reason = reason};
}

static struct decision
allowed(enum decide_reason reason)
{
	return (struct decision){.is_allowed = true, .reason = reason};
}

/*
 * The first statement of that effect, in the order of the policies, which are
 * of that organization: the names in them are those of its own people.
 */
static bool
find_in(struct policy *const *policies, size_t count, bool is_allow,
	struct slice organization, struct policy_query query,
	struct decision *decision)
{
	query.owner = organization;
	for (size_t i = 0; i < count; i++) {
		decision->policy = policies[i];
		decision->statement =
			policy_find(policies[i], is_allow, &query);
		if (decision->statement)
			return true;
	}
	decision->policy = NULL;
	return false;
}

static bool
is_owner(const struct policy_query *query)
{
	const struct policy_caller *caller = query->caller;

	return !caller->is_anonymous &&
	       (query->owner.len == 0 ||
		       slice_equal(query->owner, caller->organization));
}

/* What no bucket's policy can speak of, and what it must not lock its owner
 * out of (S3 API: PutBucketPolicy). */
static bool
is_beyond_buckets(enum policy_action action)
{
	enum policy_scope scope = policy_action_scope(action);

	return scope == POLICY_SCOPE_SERVICE || scope == POLICY_SCOPE_CONTROL ||
	       action == POLICY_ACTION_CREATE_BUCKET ||
	       action == POLICY_ACTION_PUT_BUCKET_POLICY;
}

/* S3 API: a bucket's policy is told and taken by those of its owner. */
static bool
is_for_owner_only(enum policy_action action)
{
	return is_beyond_buckets(action) ||
	       action == POLICY_ACTION_GET_BUCKET_POLICY ||
	       action == POLICY_ACTION_DELETE_BUCKET_POLICY;
}

/* Those who have gone through the organization's policies, and
 * is_for_owner_only() let through.  A token is what S3 calls the root of an
 * account, which a bucket's policy does not keep from that policy; a role is
 * not. */
static bool
asks_bucket(const struct policy_query *query)
{
	return query->caller->role.len > 0 ? !is_beyond_buckets(query->action)
					   : !is_for_owner_only(query->action);
}

/* False: the policies of organizations leave it open. */
static bool
is_decided_by_organizations(const struct policy_query *query,
	const struct decide_policies *policies, struct decision *decision)
{
	struct slice own = query->caller->organization;

	if (find_in(policies->own, policies->own_count, false, own, *query,
		    decision)) {
		decision->reason = DECIDE_ORGANIZATION_DENY;
		return true;
	}
	if (!is_owner(query) &&
		find_in(policies->owners, policies->owners_count, false,
			query->owner, *query, decision)) {
		decision->reason = DECIDE_OWNER_DENY;
		return true;
	}
	if (policies->own_count == 0 ||
		find_in(policies->own, policies->own_count, true, own, *query,
			decision))
		return false;
	decision->reason = DECIDE_ORGANIZATION_SILENT;
	return true;
}

static struct decide_exposure
expose(const struct decide_policies *policies)
{
	struct decide_exposure exposure = {0};

	if (policies->expose)
		policies->expose(policies->expose_context, &exposure);
	return exposure;
}

/* Where policies leave it open, what the lists give counts. */
static struct decision
decide_by_acl(const struct policy_query *query,
	const struct decide_policies *policies, enum decide_reason refusal)
{
	bool is_on_object;
	unsigned int needed = acl_needed(query->action, &is_on_object);
	struct decide_exposure exposure = {0};

	if (needed)
		exposure = expose(policies);
	if (exposure.acl && acl_gives(exposure.acl, query->caller, query->owner,
				    needed, exposure.ignores_public_acls))
		return allowed(DECIDE_ACL_ALLOW);
	return refused(refusal);
}

/* A role has what a policy gives it, and nothing by itself. */
static struct decision
by_owning(const struct policy_query *query,
	const struct decide_policies *policies)
{
	return query->caller->role.len > 0 ? decide_by_acl(query, policies,
						     DECIDE_ORGANIZATION_SILENT)
					   : allowed(DECIDE_OWNER);
}

static struct decision
decide_by_bucket(const struct policy_query *query,
	const struct decide_policies *policies, struct decision decision)
{
	const struct policy_statement *statement =
		policy_find(policies->bucket, false, query);
	enum decide_reason reason = DECIDE_BUCKET_DENY;

	if (!statement) {
		statement = policy_find(policies->bucket, true, query);
		reason = DECIDE_BUCKET_ALLOW;
	}
	if (statement && statement->is_allow && !is_owner(query) &&
		policy_is_public(policies->bucket) &&
		expose(policies).restricts_public_bucket)
		return refused(DECIDE_RESTRICTED);
	if (statement)
		return (struct decision){
			.is_allowed = reason == DECIDE_BUCKET_ALLOW,
			.reason = reason,
			.policy = policies->bucket,
			.statement = statement,
		};
	/* Where the organization has no policies of its own, owning is enough,
	 * as in S3; where it has, a bucket's policy is a second gate. */
	if (!is_owner(query) || decision.statement)
		return decide_by_acl(query, policies, DECIDE_BUCKET_SILENT);
	return by_owning(query, policies);
}

static struct decision
decide_in_time(const struct policy_query *query,
	const struct decide_policies *policies)
{
	struct decision decision = {0};

	if (query->action == POLICY_ACTION_NONE)
		return refused(DECIDE_UNKNOWN);
	if (is_decided_by_organizations(query, policies, &decision))
		return decision;
	if (is_for_owner_only(query->action) && !is_owner(query))
		return refused(DECIDE_OWNER_ONLY);
	if (policies->bucket && asks_bucket(query))
		return decide_by_bucket(query, policies, decision);
	if (!is_owner(query))
		return decide_by_acl(query, policies, DECIDE_NO_POLICY);
	if (!decision.statement)
		return by_owning(query, policies);
	decision.is_allowed = true;
	decision.reason = DECIDE_ORGANIZATION_ALLOW;
	return decision;
}

struct decision
decide(const struct policy_query *query, const struct decide_policies *policies)
{
	const uint64_t *steps = query->context->steps;
	struct decision decision = decide_in_time(query, policies);

	/* A prohibition may not have been found. */
	return steps && *steps == 0 ? refused(DECIDE_STEPS) : decision;
}

struct slice
decide_statement(const struct decision *decision, struct arena *arena)
{
	struct slice policy, statement;

	if (!decision->statement)
		return SLICE_NULL;
	policy = decision->policy->name;
	statement = decision->statement->name;
	if (policy.len == 0)
		policy = SLICE("bucket");
	if (statement.len == 0)
		statement = arena_printf(arena, "%u",
			(unsigned int)decision->statement->number);
	return arena_concat(arena, arena_concat(arena, policy, SLICE("/")),
		statement);
}

const char *
decide_sentence(enum decide_reason reason)
{
	switch (reason) {
	case DECIDE_UNKNOWN:
		return "there is no such action";
	case DECIDE_ORGANIZATION_DENY:
		return "a statement of the organization denies it";
	case DECIDE_ORGANIZATION_SILENT:
		return "no policy of the organization allows it";
	case DECIDE_OWNER_DENY:
		return "a statement of the organization that owns the bucket "
		       "denies it";
	case DECIDE_OWNER_ONLY:
		return "only the organization that owns the bucket may do that";
	case DECIDE_ORGANIZATION_ALLOW:
		return "a statement of the organization allows it";
	case DECIDE_OWNER:
		return "the organization owns the bucket and nothing denies it";
	case DECIDE_BUCKET_DENY:
		return "a statement of the bucket's policy denies it";
	case DECIDE_BUCKET_ALLOW:
		return "a statement of the bucket's policy allows it";
	case DECIDE_BUCKET_SILENT:
		return "the bucket's policy does not allow it";
	case DECIDE_NO_POLICY:
		return "the bucket belongs to another and has no policy";
	case DECIDE_ACL_ALLOW:
		return "a grant of the access control list allows it";
	case DECIDE_RESTRICTED:
		return "the public access block keeps strangers out of a "
		       "bucket whose policy is for everyone";
	case DECIDE_STEPS:
		return "matching the policies' patterns takes too long";
	}
	return "";
}
