/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/iam/access_private.h"
#include "s3api/iam/orgpolicy_set.h"
#include "s3api/iam/policy_cache.h"

void
access_policies_free_bucket(struct access_policies *policies)
{
	const struct decide_policies decide = {
		.own = policies->decide.own,
		.own_count = policies->decide.own_count,
	};

	policy_free_all(policies->decide.owners, policies->decide.owners_count);
	policy_free(&policies->bucket);
	*policies = (struct access_policies){
		.decide = decide,
		.is_own_read = policies->is_own_read,
	};
}

void
access_policies_free(struct access_policies *policies)
{
	access_policies_free_bucket(policies);
	policy_free_all(policies->decide.own, policies->decide.own_count);
	*policies = (struct access_policies){0};
}

static enum store_err
read_organization(struct request *request, struct slice organization,
	struct policy *const **out, size_t *count)
{
	struct orgpolicy_set set;
	enum store_err err = orgpolicy_set_read(request->store,
		request->policies, organization, request->arena, &set);

	*out = set.policies;
	*count = set.count;
	return err;
}

static enum store_err
read_bucket(struct request *request, const struct bucket *bucket,
	struct access_policies *out)
{
	struct slice text;
	enum store_err err = bucket_get_document(request->store, bucket->ino,
		SLICE(ACCESS_POLICY_KIND), request->arena, &text);

	if (err)
		return err == STORE_NOT_FOUND ? STORE_OK : err;
	out->bucket = policy_cache_bucket(request->policies, bucket->ino,
		slice_str(bucket->name), text);
	out->decide.bucket = out->bucket;
	return out->bucket ? STORE_OK : STORE_CORRUPT;
}

enum store_err
access_policies_read_own(struct request *request, struct access_policies *out)
{
	const struct policy_caller *caller = &request->access.caller;
	enum store_err err = STORE_OK;

	if (out->is_own_read)
		return STORE_OK;
	if (!caller->is_anonymous)
		err = read_organization(request, caller->organization,
			&out->decide.own, &out->decide.own_count);
	out->is_own_read = !err;
	return err;
}

enum store_err
access_policies_read(struct request *request, const struct bucket *bucket,
	struct access_policies *out)
{
	const struct policy_caller *caller = &request->access.caller;
	struct slice owner = bucket ? slice_str(bucket->owner) : SLICE_NULL;
	enum store_err err;

	if (out->is_read)
		return STORE_OK;
	err = access_policies_read_own(request, out);
	/* What was read before another could not be is kept, and given back
	 * once. */
	if (!err && owner.len > 0 && !out->decide.owners &&
		!slice_equal(owner, caller->organization))
		err = read_organization(request, owner, &out->decide.owners,
			&out->decide.owners_count);
	if (!err && bucket && !out->bucket)
		err = read_bucket(request, bucket, out);
	out->is_read = !err;
	return err;
}
