/* SPDX-License-Identifier: Apache-2.0 */
/*
 * S3 API: PutBucketPolicy, GetBucketPolicy, DeleteBucketPolicy,
 * GetBucketPolicyStatus.
 *
 * x-amz-confirm-remove-self-bucket-access needs no answer: the owner of a
 * bucket keeps the right to replace and to delete its policy, whatever that
 * says.
 */
#include "s3api/body.h"
#include "s3api/iam/access.h"
#include "s3api/iam/exposure.h"
#include "s3api/op/op.h"
#include "s3api/reply.h"
#include "s3api/xml/xml_writer.h"

static enum s3_error
read_text(struct request *request, struct slice *text)
{
	const struct body_options options = {.max = POLICY_JSON_MAX};
	scoped(body_free) struct body body = {0};
	enum s3_error error = body_begin(&body, request->http, &request->caller,
		&options, &request->report);

	if (!error)
		error = body_read_all(&body, POLICY_JSON_MAX, text);
	if (error == S3_ENTITY_TOO_LARGE || error == S3_MAX_MESSAGE_LENGTH)
		return error_set(&request->report, S3_POLICY_TOO_LARGE, NULL);
	return error;
}

/* S3 API: BlockPublicPolicy. */
static enum s3_error
refuse_public(struct request *request, const struct policy *policy)
{
	unsigned int flags = 0;
	enum store_err err =
		exposure_read_block(request->store, &request->bucket, &flags);

	if (err && err != STORE_NOT_FOUND)
		return reply_store_error(request, err);
	if (!(flags & EXPOSURE_BLOCK_POLICY) || !policy_is_public(policy))
		return S3_OK;
	return error_set(&request->report, S3_ACCESS_DENIED,
		"The public access block of the bucket refuses policies that "
		"are for everyone.");
}

enum s3_error
op_policy_put(struct request *request)
{
	scoped(policy_free) struct policy *policy = NULL;
	struct policy_error why;
	struct slice text = SLICE_NULL;
	enum s3_error error = read_text(request, &text);

	if (error)
		return error;
	policy = policy_parse(text, request->bucket_name, &why);
	if (!policy)
		return error_set(&request->report, S3_MALFORMED_POLICY,
			arena_str(request->arena, slice_str(why.text)));
	error = refuse_public(request, policy);
	if (error)
		return error;

	enum store_err err = bucket_set_document(request->store,
		request->bucket.ino, SLICE(ACCESS_POLICY_KIND), &text);

	if (err)
		return reply_store_error(request, err);
	reply_empty(request, 204);
	return S3_OK;
}

static enum s3_error
get_text(struct request *request, struct slice *text)
{
	enum store_err err =
		bucket_get_document(request->store, request->bucket.ino,
			SLICE(ACCESS_POLICY_KIND), request->arena, text);

	if (err == STORE_NOT_FOUND)
		return error_set(&request->report, S3_NO_SUCH_BUCKET_POLICY,
			NULL);
	return err ? reply_store_error(request, err) : S3_OK;
}

enum s3_error
op_policy_get(struct request *request)
{
	struct slice text = SLICE_NULL;
	enum s3_error error = get_text(request, &text);

	if (error)
		return error;
	reply_status(request, 200);
	http_reply_header(request->response, "content-type",
		SLICE("application/json"));

	/* The connection notices by itself that a send failed. */
	if (http_reply_body(request->response, text))
		http_reply_close(request->response);
	return S3_OK;
}

enum s3_error
op_policy_delete(struct request *request)
{
	enum store_err err = bucket_set_document(request->store,
		request->bucket.ino, SLICE(ACCESS_POLICY_KIND), NULL);

	if (err)
		return reply_store_error(request, err);
	reply_empty(request, 204);
	return S3_OK;
}

enum s3_error
op_policy_status(struct request *request)
{
	scoped(buffer_free) struct buffer body = {0};
	scoped(policy_free) struct policy *policy = NULL;
	struct policy_error why;
	struct slice text = SLICE_NULL;
	enum s3_error error = get_text(request, &text);

	if (error)
		return error;
	policy = policy_parse(text, request->bucket_name, &why);
	if (!policy)
		return reply_store_error(request, STORE_CORRUPT);
	xml_writer_begin(&body, "PolicyStatus");
	xml_writer_bool(&body, "IsPublic", policy_is_public(policy));
	xml_writer_close(&body, "PolicyStatus");
	reply_xml(request, &body);
	return S3_OK;
}
