/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/op/object_acl.h"

#include "s3api/iam/access.h"
#include "s3api/op/acl_document.h"
#include "s3api/reply.h"

/* Strangers who do not sign own nothing. */
static bool
is_of_another(const struct request *request)
{
	const struct policy_caller *caller = &request->access.caller;

	return !caller->is_anonymous &&
	       !slice_equal(caller->organization,
		       slice_str(request->bucket.owner));
}

static struct slice
owner_of_new(const struct request *request, enum exposure_ownership ownership)
{
	bool is_ceded = slice_equal(request_header(request, "x-amz-acl"),
		SLICE("bucket-owner-full-control"));

	if (ownership == EXPOSURE_OWNER_ENFORCED ||
		(ownership == EXPOSURE_OWNER_PREFERRED && is_ceded) ||
		!is_of_another(request))
		return slice_str(request->bucket.owner);
	return request->access.caller.organization;
}

enum s3_error
object_acl_check(struct request *request, const struct bucket *bucket,
	enum exposure_ownership ownership, const struct acl *acl)
{
	unsigned int flags = 0;
	enum store_err err;

	if (acl_is_private(acl))
		return S3_OK;
	if (ownership == EXPOSURE_OWNER_ENFORCED)
		return error_set(&request->report, S3_UNSUPPORTED_ACL, NULL);
	if (!acl_is_public(acl))
		return S3_OK;
	err = exposure_read_block(request->store, bucket, &flags);
	if (err && err != STORE_NOT_FOUND)
		return reply_store_error(request, err);
	return flags & EXPOSURE_BLOCK_ACLS
		       ? error_set(&request->report, S3_ACCESS_DENIED, NULL)
		       : S3_OK;
}

/* Whether it gives the object to nobody but the bucket's owner, which is what
 * he may ask of those who put. */
static bool
is_ceded(const struct request *request, const struct acl *acl)
{
	for (size_t i = 0; i < acl->count; i++) {
		const struct acl_grant *grant = &acl->grants[i];

		if (grant->grantee != ACL_ORGANIZATION ||
			(!slice_equal(grant->organization, acl->owner) &&
				!slice_equal(grant->organization,
					slice_str(request->bucket.owner))))
			return false;
	}
	return true;
}

/* Whoever may put an object may not give it away for that alone; what will be
 * theirs they may, where nobody forbids it. */
static enum s3_error
check_right(struct request *request, const struct acl *acl)
{
	bool is_theirs =
		!slice_equal(acl->owner, slice_str(request->bucket.owner));

	if (acl_is_private(acl) || is_ceded(request, acl))
		return S3_OK;
	if (!request->access.caller.is_anonymous &&
		!level_allows(request->caller.token.level, LEVEL_CONFIGURE))
		return error_set(&request->report, S3_ACCESS_DENIED, NULL);
	if (is_theirs &&
		!access_is_denied(request, POLICY_ACTION_PUT_OBJECT_ACL))
		return S3_OK;
	return access_check_action(request, POLICY_ACTION_PUT_OBJECT_ACL);
}

static bool
asks_for_list(const struct request *request)
{
	for (size_t i = 0; i < request->http->header_count; i++) {
		struct slice name = request->http->headers[i].name;

		if (slice_equal(name, SLICE("x-amz-acl")) ||
			slice_has_prefix(name, SLICE("x-amz-grant-")))
			return true;
	}
	return false;
}

enum s3_error
object_acl_append(struct request *request, struct buffer *attrs)
{
	enum exposure_ownership ownership;
	struct acl_document_of of = {
		.bucket_owner = slice_str(request->bucket.owner),
		.is_on_object = true,
	};
	struct acl *acl;
	bool is_given;

	/* Nearly all. */
	if (!asks_for_list(request) && !is_of_another(request))
		return S3_OK;

	enum store_err err = exposure_read_ownership(request->store,
		&request->bucket, &ownership);

	if (err)
		return reply_store_error(request, err);
	acl = arena_new(request->arena, struct acl);
	of.owner = owner_of_new(request, ownership);
	acl_init(acl, of.owner);

	enum s3_error error =
		acl_document_of_headers(request, &of, acl, &is_given);

	if (!error)
		error = object_acl_check(request, &request->bucket, ownership,
			acl);
	if (!error)
		error = check_right(request, acl);
	if (!error && !(acl_is_private(acl) &&
			      slice_equal(of.owner, of.bucket_owner)))
		exposure_append_acl(attrs, acl);
	return error;
}
