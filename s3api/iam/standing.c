/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/iam/standing.h"

#include "s3api/iam/access.h"
#include "s3api/iam/decide.h"
#include "s3api/iam/exposure.h"
#include "s3api/iam/orgpolicy_set.h"
#include "store/base/log.h"

struct standing {
	const struct standing_ask *ask;
	struct store *store;
	struct exposure_object object;
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

static struct slice
find_tag(struct standing *standing, struct slice tag)
{
	struct slice value = SLICE_NULL;

	if (standing->ask->number == 0 || exposure_look_up(&standing->object))
		return SLICE_NULL;
	return inode_attr_find(standing->object.found.inode.attrs,
		       INODE_ATTR_TAG, tag, &value)
		       ? value
		       : SLICE_NULL;
}

static void
expose(void *context, struct decide_exposure *out)
{
	const struct standing *standing = context;
	unsigned int flags;
	enum store_err err = exposure_read_block(standing->store,
		standing->ask->bucket, &flags);

	*out = (struct decide_exposure){0};
	if (err != STORE_NOT_FOUND)
		out->restricts_public_bucket =
			err || (flags & EXPOSURE_RESTRICT_BUCKETS);
}

static void
find(void *context, const struct policy_key_name *name,
	struct policy_values *out)
{
	struct standing *standing = context;
	const struct policy_caller *caller = standing->ask->caller;
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
	else if (name->key == POLICY_KEY_EXISTING_TAG)
		value = find_tag(standing, name->suffix);
	out->count = value.len > 0 ||
		     (name->key == POLICY_KEY_EXISTING_TAG && value.data);
	out->values[0] = value;
}

static enum store_err
read_bucket(struct policy_cache *cache, const struct bucket *bucket,
	struct standing *standing)
{
	struct slice text;
	enum store_err err = bucket_get_document(standing->store, bucket->ino,
		SLICE(ACCESS_POLICY_KIND), &standing->arena, &text);

	if (err)
		return err == STORE_NOT_FOUND ? STORE_OK : err;
	standing->bucket = policy_cache_bucket(cache, bucket->ino,
		slice_str(bucket->name), text);
	return standing->bucket ? STORE_OK : STORE_CORRUPT;
}

static enum store_err
read(struct policy_cache *cache, struct standing *standing)
{
	struct store *store = standing->store;
	const struct bucket *bucket = standing->ask->bucket;
	struct slice owner = slice_str(bucket->owner);
	struct slice organization = standing->ask->caller->organization;
	enum store_err err = orgpolicy_set_read(store, cache, organization,
		&standing->arena, &standing->own);

	if (!err && !slice_equal(owner, organization))
		err = orgpolicy_set_read(store, cache, owner, &standing->arena,
			&standing->owners);
	return err ? err : read_bucket(cache, bucket, standing);
}

bool
standing_may(struct store *store, struct policy_cache *cache,
	const struct standing_ask *ask)
{
	scoped(end) struct standing standing = {.ask = ask, .store = store};
	const struct bucket *bucket = ask->bucket;
	uint64_t steps = POLICY_STEPS_MAX;
	const struct policy_context context = {find, &standing, &steps};
	struct slice name = slice_str(bucket->name);
	enum store_err err = read(cache, &standing);

	if (err) {
		log_error("bucket %s: its policies cannot be read: %s",
			bucket->name, error_sentence(err));
		return false;
	}
	standing.object = (struct exposure_object){
		.store = store,
		.bucket = bucket,
		.key = ask->key,
		.version = {VERSION_NUMBER, ask->number},
		.arena = &standing.arena,
	};
	const struct policy_query query = {
		.action = ask->action,
		.resource = arena_concat(&standing.arena,
			arena_concat(&standing.arena, name, SLICE("/")),
			ask->key),
		.owner = slice_str(bucket->owner),
		.caller = ask->caller,
		.context = &context,
	};
	const struct decide_policies policies = {
		.own = standing.own.policies,
		.own_count = standing.own.count,
		.owners = standing.owners.policies,
		.owners_count = standing.owners.count,
		.bucket = standing.bucket,
		.expose = expose,
		.expose_context = &standing,
	};
	struct decision decision = decide(&query, &policies);

	/* A Deny of what has a tag must not pass for want of knowing. */
	return decision.is_allowed &&
	       (!standing.object.err || standing.object.err == STORE_NOT_FOUND);
}
