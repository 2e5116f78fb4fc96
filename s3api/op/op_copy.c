/* SPDX-License-Identifier: Apache-2.0 */
/*
 * S3 API: CopyObject.  The data is shared, so the copy has the source's
 * ETag and checksum whatever x-amz-checksum-algorithm asks for.
 */
#include "s3api/iam/access.h"
#include "s3api/op/attrs.h"
#include "s3api/op/condition.h"
#include "s3api/op/copy_source.h"
#include "s3api/op/op.h"
#include "s3api/op/tag_set.h"
#include "s3api/reply.h"
#include "s3api/xml/xml_writer.h"
#include "store/object.h"

/* S3's bound: larger ones are copied by parts. */
#define COPY_MAX (5ull << 30)

struct copy {
	struct copy_source source;
	struct condition source_condition;
	enum s3_error refused; /* by check_source() */
	bool replaces_attrs;
	bool replaces_tags;
	bool may_copy_tags;
	struct object_attrs attrs;
	struct object_condition condition;
	struct inode_etag condition_etag;
};

static enum store_err
check_source(const struct object *source, void *context)
{
	struct copy *copy = context;

	copy->refused = S3_OK;
	if (condition_check(&copy->source_condition, &source->inode))
		copy->refused = S3_PRECONDITION_FAILED;
	else if (source->inode.size > COPY_MAX)
		copy->refused = S3_INVALID_REQUEST;
	else if (!copy->replaces_tags && !copy->may_copy_tags &&
		 tag_set_count(source->inode.attrs) > 0)
		copy->refused = S3_ACCESS_DENIED;
	return copy->refused ? STORE_PRECONDITION : STORE_OK;
}

static enum s3_error
parse_directive(struct request *request, struct copy *copy)
{
	struct slice directive =
		request_header(request, "x-amz-metadata-directive");
	struct slice tagging =
		request_header(request, "x-amz-tagging-directive");

	copy->replaces_attrs = slice_equal(directive, SLICE("REPLACE"));
	if (directive.data && !copy->replaces_attrs &&
		!slice_equal(directive, SLICE("COPY")))
		return error_set(&request->report, S3_INVALID_ARGUMENT,
			"Unknown metadata directive.");
	copy->replaces_tags = slice_equal(tagging, SLICE("REPLACE"));
	if (tagging.data && !copy->replaces_tags &&
		!slice_equal(tagging, SLICE("COPY")))
		return error_set(&request->report, S3_INVALID_ARGUMENT,
			"Unknown tagging directive.");
	return S3_OK;
}

/* What the copy gets from the request, in place of what its source has.  An
 * ACL is never the source's. */
static enum s3_error
parse_attrs(struct request *request, struct copy *copy)
{
	copy->attrs.kinds = 1u << INODE_ATTR_ACL;
	if (copy->replaces_attrs)
		copy->attrs.kinds |= 1u << INODE_ATTR_HEADER |
				     1u << INODE_ATTR_META |
				     1u << INODE_ATTR_XATTR;
	if (copy->replaces_tags)
		copy->attrs.kinds |= 1u << INODE_ATTR_TAG;
	else
		copy->may_copy_tags =
			access_may_of_source(request,
				POLICY_ACTION_GET_OBJECT_TAGGING,
				copy->source.key) &&
			access_may(request, POLICY_ACTION_PUT_OBJECT_TAGGING);
	return attrs_parse(request, copy->replaces_tags, &copy->attrs.attrs);
}

static enum s3_error
refuse_onto_itself(struct request *request, const struct copy *copy)
{
	if (copy->replaces_attrs ||
		copy->source.bucket.ino != request->bucket.ino ||
		!slice_equal(copy->source.key, request->key))
		return S3_OK;
	return error_set(&request->report, S3_INVALID_REQUEST,
		"This copy request is illegal because it is trying to copy an "
		"object to itself without changing the object's metadata, "
		"storage class, website redirect location or encryption "
		"attributes.");
}

static enum s3_error
prepare(struct request *request, struct copy *copy)
{
	enum s3_error error = attrs_refuse_unsupported(request);

	if (!error)
		error = parse_directive(request, copy);
	if (!error)
		error = copy_source_parse(request, &copy->source);
	if (!error)
		error = refuse_onto_itself(request, copy);
	if (!error)
		error = condition_of_write(request, &copy->condition,
			&copy->condition_etag);
	if (!error)
		error = parse_attrs(request, copy);
	copy->source_condition = condition_of_copy_source(request);
	return error;
}

static enum s3_error
refuse(struct request *request, const struct copy *copy, enum store_err err)
{
	if (err != STORE_PRECONDITION || !copy->refused)
		return reply_store_error(request, err);
	return error_set(&request->report, copy->refused,
		copy->refused == S3_INVALID_REQUEST
			? "The specified copy source is larger than the "
			  "maximum allowable size for a copy source: "
			  "5368709120"
			: NULL);
}

enum s3_error
op_copy_object(struct request *request)
{
	scoped(buffer_free) struct buffer body = {0};
	struct copy copy = {0};
	struct object object;
	enum s3_error error = prepare(request, &copy);

	if (error)
		return error;

	enum store_err err = object_copy(request->store, copy.source.bucket.ino,
		copy.source.key, check_source, &copy, request->bucket.ino,
		request->key, &copy.attrs, &copy.condition, &object);

	if (err)
		return refuse(request, &copy, err);

	struct checksum checksum = attrs_checksum(&object.inode);

	xml_writer_begin(&body, "CopyObjectResult");
	xml_writer_time(&body, "LastModified", object.inode.mtime_ns);
	xml_writer_etag(&body, &object.inode.etag);
	attrs_write_checksum(&body, &checksum);
	xml_writer_close(&body, "CopyObjectResult");
	reply_xml(request, &body);
	return S3_OK;
}
