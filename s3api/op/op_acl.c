/* SPDX-License-Identifier: Apache-2.0 */
/* S3 API: GetBucketAcl, PutBucketAcl, GetObjectAcl, PutObjectAcl. */
#include "s3api/op/acl_document.h"
#include "s3api/op/decided.h"
#include "s3api/op/document.h"
#include "s3api/op/object_acl.h"
#include "s3api/op/op.h"
#include "s3api/reply.h"
#include "store/object.h"

/* 100 grants of the longest names. */
#define BODY_MAX (64 * 1024)

/* The list as it is, and whether the bucket has lists at all. */
struct state {
	enum exposure_ownership ownership;
	struct acl *acl;
	struct acl_document_of of;
	struct object object; /* zeros: of a bucket */
};

/* A bucket without lists shows what holds: its owner's alone. */
static enum s3_error
read_list(struct request *request, struct state *state)
{
	bool counts = state->ownership != EXPOSURE_OWNER_ENFORCED;
	bool is_on_object = request->key.len > 0;
	enum s3_error error = S3_OK;
	enum store_err err = STORE_OK;

	if (is_on_object)
		error = decided_head(request, &state->object);
	if (error || !counts)
		return error;
	if (is_on_object)
		err = exposure_find_acl(&request->bucket,
			state->object.inode.attrs, state->acl);
	else
		err = exposure_read_acl(request->store, &request->bucket,
			request->arena, state->acl);
	return err ? reply_store_error(request, err) : S3_OK;
}

static enum s3_error
read_state(struct request *request, struct state *state)
{
	enum store_err err = exposure_read_ownership(request->store,
		&request->bucket, &state->ownership);

	enum s3_error error = err ? reply_store_error(request, err) : S3_OK;

	state->acl = arena_new(request->arena, struct acl);
	acl_init(state->acl, slice_str(request->bucket.owner));
	if (!error)
		error = read_list(request, state);
	state->of = (struct acl_document_of){
		.owner = state->acl->owner,
		.bucket_owner = slice_str(request->bucket.owner),
		.is_on_object = request->key.len > 0,
	};
	return error;
}

enum s3_error
op_acl_get(struct request *request)
{
	scoped(buffer_free) struct buffer body = {0};
	struct state state = {0};
	enum s3_error error = read_state(request, &state);

	if (error)
		return error;
	acl_document_write(&body, state.acl);
	reply_status(request, 200);
	reply_version(request, &state.object);
	reply_xml(request, &body);
	return S3_OK;
}

/* By the headers or by the body, not both. */
static enum s3_error
read_wanted(struct request *request, const struct state *state,
	struct acl *wanted)
{
	struct slice text = SLICE_NULL;
	bool is_given;
	enum s3_error error = document_read(request, BODY_MAX, &text);

	if (error == S3_MALFORMED_XML)
		return error_set(&request->report, S3_MALFORMED_ACL, NULL);
	if (!error)
		error = acl_document_of_headers(request, &state->of, wanted,
			&is_given);
	if (error)
		return error;
	text = slice_trim(text);
	if (is_given && text.len > 0)
		return error_set(&request->report, S3_UNEXPECTED_CONTENT, NULL);
	if (is_given)
		return S3_OK;
	if (text.len == 0)
		return error_set(&request->report, S3_MISSING_SECURITY_HEADER,
			"Your request was missing a required header: "
			"x-amz-acl");
	return acl_document_parse(request, text, &state->of, wanted);
}

static enum s3_error
write_list(struct request *request, const struct acl *acl,
	struct object *object)
{
	scoped(buffer_free) struct buffer attrs = {0};
	enum store_err err;

	if (request->key.len > 0) {
		exposure_append_acl(&attrs, acl);
		return decided_set_attrs(request, buffer_slice(&attrs),
			1u << INODE_ATTR_ACL, object);
	}
	err = exposure_write_acl(request->store, &request->bucket, acl);
	return err ? reply_store_error(request, err) : S3_OK;
}

enum s3_error
op_acl_put(struct request *request)
{
	struct acl *wanted = arena_new(request->arena, struct acl);
	struct state state = {0};
	enum s3_error error = read_state(request, &state);

	if (!error)
		error = read_wanted(request, &state, wanted);
	if (!error)
		error = object_acl_check(request, &request->bucket,
			state.ownership, wanted);
	/* What holds anyway needs no record. */
	if (!error && state.ownership != EXPOSURE_OWNER_ENFORCED)
		error = write_list(request, wanted, &state.object);
	if (error)
		return error;
	reply_status(request, 200);
	reply_version(request, &state.object);
	reply_empty(request, 200);
	return S3_OK;
}
