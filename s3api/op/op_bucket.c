/* SPDX-License-Identifier: Apache-2.0 */
/* S3 API: CreateBucket, DeleteBucket, HeadBucket, GetBucketLocation. */
#include "s3api/body.h"
#include "s3api/iam/exposure.h"
#include "s3api/op/acl_document.h"
#include "s3api/op/attrs.h"
#include "s3api/op/lock_header.h"
#include "s3api/op/op.h"
#include "s3api/op/tag_set.h"
#include "s3api/reply.h"
#include "s3api/version_id.h"
#include "s3api/xml/xml_reader.h"
#include "s3api/xml/xml_writer.h"
#include "store/bucket.h"

#define BODY_MAX (64 * 1024)
#define LOCK_ENABLED "x-amz-bucket-object-lock-enabled"

/* Clients that know no better name the signature's region here. */
static bool
is_region_ours(const struct request *request, struct slice region)
{
	return region.len == 0 || slice_equal(region, SLICE("default")) ||
	       slice_equal(region, SLICE("us-east-1")) ||
	       slice_equal(region, store_region(request->store));
}

/* What a new bucket may be asked for beyond its being there. */
static enum s3_error
refuse_unsupported(struct request *request)
{
	static const char *const refused[] = {"x-amz-bucket-namespace"};
	enum s3_error error =
		request_refuse_headers(request, refused, array_len(refused));

	if (!error)
		error = lock_header_refuse(request);
	return error ? error : attrs_refuse_unsupported(request);
}

/* S3 API: CreateBucket.  It has actions of its own. */
static enum s3_error
parse_locking(struct request *request, bool *is_locking)
{
	struct slice text = request_header(request, LOCK_ENABLED);

	*is_locking = slice_equal_nocase(text, SLICE("true"));
	if (text.data && !*is_locking &&
		!slice_equal_nocase(text, SLICE("false")))
		return request_refuse_argument(request,
			"It is either true or false.", LOCK_ENABLED, text);
	if (!*is_locking ||
		(access_may(request,
			 POLICY_ACTION_PUT_BUCKET_OBJECT_LOCK_CONFIGURATION) &&
			access_may(request,
				POLICY_ACTION_PUT_BUCKET_VERSIONING)))
		return S3_OK;
	return error_set(&request->report, S3_ACCESS_DENIED, NULL);
}

/* Buckets of other kinds. */
static bool
is_unsupported(const struct xml_node *root)
{
	const struct xml_node *node = xml_reader_child(root, NULL);

	for (; node; node = xml_reader_next(node, NULL)) {
		if (strcmp(xml_reader_name(node), "LocationConstraint") != 0 &&
			strcmp(xml_reader_name(node), "Tags") != 0)
			return true;
	}
	return false;
}

/* They have an action of their own, as what a bucket is opened by. */
static enum s3_error
parse_tags(struct request *request, const struct xml_node *root,
	struct slice *tags)
{
	const struct xml_node *node = xml_reader_child(root, "Tags");
	enum s3_error error;

	if (!node)
		return S3_OK;
	if (xml_reader_next(node, "Tags"))
		return error_set(&request->report, S3_MALFORMED_XML, NULL);
	error = tag_set_parse_node(request, node, TAG_SET_BUCKET_MAX, tags);
	if (error || tags->len == 0 ||
		access_may(request, POLICY_ACTION_PUT_BUCKET_TAGGING))
		return error;
	return error_set(&request->report, S3_ACCESS_DENIED, NULL);
}

static enum s3_error
parse_configuration(struct request *request, struct slice text,
	struct slice *tags)
{
	scoped(xml_reader_close) struct xml_reader *reader = NULL;

	if (slice_trim(text).len == 0)
		return S3_OK;
	if (!xml_reader_open(text, "CreateBucketConfiguration", &reader))
		return error_set(&request->report, S3_MALFORMED_XML, NULL);

	const struct xml_node *root = xml_reader_root(reader);
	struct slice region = xml_reader_child_text(root, "LocationConstraint",
		request->arena);

	if (is_unsupported(root))
		return error_set(&request->report, S3_NOT_IMPLEMENTED, NULL);
	if (!is_region_ours(request, slice_trim(region)))
		return error_set(&request->report,
			S3_INVALID_LOCATION_CONSTRAINT, NULL);
	return parse_tags(request, root, tags);
}

/* *tags, encoded, stays as it is where there are none. */
static enum s3_error
read_configuration(struct request *request, struct slice *tags)
{
	const struct body_options options = {.max = BODY_MAX};
	scoped(body_free) struct body body = {0};
	struct slice text;
	enum s3_error error = body_begin(&body, request->http, &request->caller,
		&options, &request->report);

	if (!error)
		error = body_read_all(&body, BODY_MAX, &text);
	return error ? error : parse_configuration(request, text, tags);
}

/* Whom a new bucket is open to, and whether it has Object Lock. */
struct opening {
	bool is_locking;
	bool has_ownership;
	enum exposure_ownership ownership;
	struct acl *acl;
};

static enum s3_error
parse_opening(struct request *request, struct slice owner,
	struct opening *opening)
{
	struct slice name = request_header(request, "x-amz-object-ownership");
	const struct acl_document_of of = {
		.owner = owner, .bucket_owner = owner};
	bool is_given;
	enum s3_error error;

	opening->has_ownership = name.data != NULL;
	if (name.data && !exposure_ownership_find(name, &opening->ownership))
		return error_set(&request->report, S3_INVALID_ARGUMENT,
			"Invalid x-amz-object-ownership header");
	opening->acl = arena_new(request->arena, struct acl);
	acl_init(opening->acl, owner);
	error = acl_document_of_headers(request, &of, opening->acl, &is_given);
	if (!error && opening->ownership == EXPOSURE_OWNER_ENFORCED &&
		!acl_is_private(opening->acl))
		error = error_set(&request->report,
			S3_INVALID_BUCKET_ACL_WITH_OWNERSHIP, NULL);
	return error;
}

/* What it is opened by has actions of its own. */
static enum s3_error
authorize_opening(struct request *request, const struct opening *opening)
{
	if ((opening->has_ownership &&
		    !access_may(request,
			    POLICY_ACTION_PUT_BUCKET_OWNERSHIP_CONTROLS)) ||
		(!acl_is_private(opening->acl) &&
			!access_may(request, POLICY_ACTION_PUT_BUCKET_ACL)))
		return error_set(&request->report, S3_ACCESS_DENIED, NULL);
	return S3_OK;
}

static enum store_err
create(struct request *request, struct slice owner,
	const struct opening *opening, struct slice tags, struct bucket *out)
{
	struct bucket_document documents[3];
	size_t count = 0;

	if (opening->has_ownership)
		documents[count++] =
			exposure_ownership_document(opening->ownership);
	if (!acl_is_private(opening->acl))
		documents[count++] =
			exposure_acl_document(opening->acl, request->arena);
	if (tags.len > 0)
		documents[count++] =
			(struct bucket_document){SLICE(TAG_SET_KIND), tags};
	return bucket_create_with(request->store, request->bucket_name, owner,
		documents, count, opening->is_locking, out);
}

enum s3_error
op_bucket_create(struct request *request)
{
	struct slice owner = slice_str(request->caller.token.organization);
	struct opening opening = {0};
	struct slice tags = SLICE_NULL;
	struct bucket bucket;
	enum s3_error error = refuse_unsupported(request);

	if (!error && !bucket_name_is_valid(request->bucket_name))
		error = error_set(&request->report, S3_INVALID_BUCKET_NAME,
			NULL);
	if (!error)
		error = parse_opening(request, owner, &opening);
	if (!error)
		error = authorize_opening(request, &opening);
	if (!error)
		error = parse_locking(request, &opening.is_locking);
	if (!error)
		error = read_configuration(request, &tags);
	if (error)
		return error;

	enum store_err err = create(request, owner, &opening, tags, &bucket);

	if (err == STORE_BAD_NAME)
		return error_set(&request->report, S3_INVALID_BUCKET_NAME,
			NULL);
	if (err == STORE_BUCKET_EXISTS &&
		!slice_equal(slice_str(bucket.owner), owner))
		return error_set(&request->report, S3_BUCKET_ALREADY_EXISTS,
			NULL);
	if (err)
		return reply_store_error(request, err);
	reply_status(request, 200);
	http_reply_header(request->response, "location",
		arena_concat(request->arena, SLICE("/"), request->bucket_name));
	reply_empty(request, 200);
	return S3_OK;
}

/* Older versions and delete markers are in no usual listing. */
static enum s3_error
refuse_not_empty(struct request *request)
{
	bool has_versions =
		version_id_is_told(request->store, request->bucket.ino);

	return error_set(&request->report, S3_BUCKET_NOT_EMPTY,
		has_versions ? "The bucket you tried to delete is not empty. "
			       "You must delete all versions in the bucket."
			     : NULL);
}

enum s3_error
op_bucket_delete(struct request *request)
{
	/* The one that the caller may delete. */
	enum store_err err =
		bucket_delete_known(request->store, &request->bucket);

	if (err == STORE_BUCKET_NOT_EMPTY)
		return refuse_not_empty(request);
	if (err)
		return reply_store_error(request, err);
	reply_empty(request, 204);
	return S3_OK;
}

enum s3_error
op_bucket_head(struct request *request)
{
	reply_status(request, 200);
	http_reply_header_str(request->response, "x-amz-bucket-region",
		request->bucket.region);
	reply_empty(request, 200);
	return S3_OK;
}

enum s3_error
op_bucket_location(struct request *request)
{
	scoped(buffer_free) struct buffer body = {0};
	struct slice region = slice_str(request->bucket.region);

	/* S3 API: us-east-1 has no name here. */
	if (slice_equal(region, SLICE("us-east-1")))
		region = SLICE_NULL;
	xml_writer_begin(&body, "LocationConstraint");
	buffer_append(&body, region); /* a name: nothing to escape */
	xml_writer_close(&body, "LocationConstraint");
	reply_xml(request, &body);
	return S3_OK;
}
