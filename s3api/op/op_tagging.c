/* SPDX-License-Identifier: Apache-2.0 */
/*
 * S3 API: GetObjectTagging, PutObjectTagging, DeleteObjectTagging, and the
 * same of buckets.
 */
#include "s3api/iam/access.h"
#include "s3api/op/decided.h"
#include "s3api/op/document.h"
#include "s3api/op/op.h"
#include "s3api/op/tag_set.h"
#include "s3api/reply.h"
#include "store/object.h"

/* 50 tags of the longest key and value, in XML. */
#define BODY_MAX (256 * 1024)

static void
reply_tags(struct request *request, struct slice attrs)
{
	scoped(buffer_free) struct buffer body = {0};

	tag_set_write(&body, attrs);
	reply_xml(request, &body);
}

enum s3_error
op_tagging_get(struct request *request)
{
	struct object object;
	enum s3_error error = decided_head(request, &object);

	if (error)
		return error;
	reply_status(request, 200);
	reply_version(request, &object);
	reply_tags(request, object.inode.attrs);
	return S3_OK;
}

static enum s3_error
set_tags(struct request *request, struct slice tags, unsigned int status)
{
	struct object object;
	enum s3_error error =
		decided_set_attrs(request, tags, 1u << INODE_ATTR_TAG, &object);

	if (error)
		return error;
	reply_status(request, status);
	reply_version(request, &object);
	reply_empty(request, status);
	return S3_OK;
}

/* Whether it may depends on the tags that the body has (s3:RequestObjectTag):
 * so it is asked for here. */
enum s3_error
op_tagging_put(struct request *request)
{
	struct slice text = SLICE_NULL;
	struct slice tags = SLICE_NULL;
	enum s3_error error = document_read(request, BODY_MAX, &text);

	if (!error)
		error = tag_set_parse_xml(request, text, TAG_SET_OBJECT_MAX,
			&tags);
	if (error)
		return error;
	request->access.has_request_tags = true;
	request->access.request_tags = tags;
	error = access_check_action(request, POLICY_ACTION_PUT_OBJECT_TAGGING);
	return error ? error : set_tags(request, tags, 200);
}

enum s3_error
op_tagging_delete(struct request *request)
{
	return set_tags(request, SLICE_NULL, 204);
}

enum s3_error
op_tagging_get_bucket(struct request *request)
{
	struct slice tags = SLICE_NULL;
	enum s3_error error =
		document_get(request, TAG_SET_KIND, S3_NO_SUCH_TAG_SET, &tags);

	if (!error)
		reply_tags(request, tags);
	return error;
}

enum s3_error
op_tagging_put_bucket(struct request *request)
{
	struct slice text = SLICE_NULL;
	struct slice tags = SLICE_NULL;
	enum s3_error error = document_read(request, BODY_MAX, &text);

	if (!error)
		error = tag_set_parse_xml(request, text, TAG_SET_BUCKET_MAX,
			&tags);
	if (error)
		return error;
	return tags.len > 0 ? document_put(request, TAG_SET_KIND, tags, 204)
			    : document_delete(request, TAG_SET_KIND);
}

enum s3_error
op_tagging_delete_bucket(struct request *request)
{
	return document_delete(request, TAG_SET_KIND);
}
