/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/iam/standing.h"

#include "s3api/iam/access.h"
#include "s3api/iam/decide.h"
#include "s3api/iam/orgpolicy_set.h"
#include "store/base/log.h"

struct standing {
	const struct policy_caller *caller;
	struct arena arena;
	struct orgpolicy_set own;
	struct orgpolicy_set owners;
	struct policy *bucket;
};

static void
end(struct standing *standing)
{
	orgpolicy_set_free(&standing->own);
	orgpolicy_set_free(&standing->owners);
	policy_free(&standing->bucket);
	arena_free(&standing->arena);
}

static void
find(void *context, const struct policy_key_name *name,
	struct policy_values *out)
{
	struct standing *standing = context;
	const struct policy_caller *caller = standing->caller;
	bool is_user = caller->role.len == 0;
	struct slice value = SLICE_NULL;

	if (name->key == POLICY_KEY_PRINCIPAL_ACCOUNT ||
		name->key == POLICY_KEY_PRINCIPAL_ORG_ID ||
		name->key == POLICY_KEY_CW_PRINCIPAL_ORG_ID)
		value = caller->organization;
	else if (name->key == POLICY_KEY_PRINCIPAL_ARN)
		value = policy_principal_arn(caller, &standing->arena);
	else if (name->key == POLICY_KEY_PRINCIPAL_TYPE)
		value = is_user ? SLICE("User") : SLICE("AssumedRole");
	else if (name->key == POLICY_KEY_USER_ID)
		value = policy_principal_id(caller, &standing->arena);
	else if (name->key == POLICY_KEY_USER_NAME && is_user)
		value = caller->name;
	out->count = value.len > 0;
	out->values[0] = value;
}

static enum store_err
read_bucket(struct store *store, struct policy_cache *cache,
	const struct bucket *bucket, struct standing *standing)
{
	struct slice text;
	enum store_err err = bucket_get_document(store, bucket->ino,
		SLICE(ACCESS_POLICY_KIND), &standing->arena, &text);

	if (err)
		return err == STORE_NOT_FOUND ? STORE_OK : err;
	standing->bucket = policy_cache_bucket(cache, bucket->ino,
		slice_str(bucket->name), text);
	return standing->bucket ? STORE_OK : STORE_CORRUPT;
}

static enum store_err
read(struct store *store, struct policy_cache *cache,
	const struct bucket *bucket, struct standing *standing)
{
	struct slice owner = slice_str(bucket->owner);
	struct slice organization = standing->caller->organization;
	enum store_err err = orgpolicy_set_read(store, cache, organization,
		&standing->arena, &standing->own);

	if (!err && !slice_equal(owner, organization))
		err = orgpolicy_set_read(store, cache, owner, &standing->arena,
			&standing->owners);
	return err ? err : read_bucket(store, cache, bucket, standing);
}

bool
standing_may(struct store *store, struct policy_cache *cache,
	const struct policy_caller *caller, enum policy_action action,
	const struct bucket *bucket, struct slice key)
{
	scoped(end) struct standing standing = {.caller = caller};
	uint64_t steps = POLICY_STEPS_MAX;
	const struct policy_context context = {find, &standing, &steps};
	struct slice name = slice_str(bucket->name);
	enum store_err err = read(store, cache, bucket, &standing);

	if (err) {
		log_error("bucket %s: its policies cannot be read: %s",
			bucket->name, error_sentence(err));
		return false;
	}
	const struct policy_query query = {
		.action = action,
		.resource = arena_concat(&standing.arena,
			arena_concat(&standing.arena, name, SLICE("/")), key),
		.owner = slice_str(bucket->owner),
		.caller = caller,
		.context = &context,
	};
	const struct decide_policies policies = {
		.own = standing.own.policies,
		.own_count = standing.own.count,
		.owners = standing.owners.policies,
		.owners_count = standing.owners.count,
		.bucket = standing.bucket,
	};

	return decide(&query, &policies).is_allowed;
}
