/* SPDX-License-Identifier: Apache-2.0 */
/*
 * S3 API: CopyObject.  The data is shared, so the copy has the source's
 * ETag and checksum whatever x-amz-checksum-algorithm asks for.  But where
 * the copy is to be sealed otherwise than the source it is written anew.
 */
#include <unistd.h>

#include "s3api/checksum.h"
#include "s3api/iam/access.h"
#include "s3api/op/attrs.h"
#include "s3api/op/condition.h"
#include "s3api/op/copy_source.h"
#include "s3api/op/expiration.h"
#include "s3api/op/op.h"
#include "s3api/op/pump.h"
#include "s3api/op/tag_set.h"
#include "s3api/reply.h"
#include "s3api/sse_c.h"
#include "s3api/version_id.h"
#include "s3api/xml/xml_writer.h"
#include "store/base/digest.h"
#include "store/base/io.h"
#include "store/object.h"

/* S3's bound: larger ones are copied by parts. */
#define COPY_MAX (5ull << 30)

struct copy {
	struct copy_source source;
	const struct access_policies *of_source;
	struct condition source_condition;
	enum s3_error refused; /* by check_source() */
	struct object found;   /* the source; inode.attrs are not to be read */

	struct sse_c source_key;
	struct sse_c key;

	/* of the source, once it has been looked at */
	enum store_err closed; /* what seal_open() said in check_source() */
	bool is_sealed;
	struct seal seal;
	bool replaces_attrs;
	bool replaces_tags;
	bool may_copy_tags;
	struct object_attrs attrs;
	struct object_condition condition;
	struct inode_etag condition_etag;
};

static void
wipe_copy(struct copy *copy)
{
	sse_c_wipe(&copy->source_key);
	sse_c_wipe(&copy->key);
	seal_wipe(&copy->seal);
}

/* Whether it is sealed with the key that came, or not at all if none did. */
static bool
fits_key(struct copy *copy, const struct inode *source)
{
	struct slice attr;

	copy->closed = STORE_OK;
	copy->is_sealed = seal_find(source->attrs, &attr);
	if (copy->is_sealed && copy->source_key.is_given)
		copy->closed =
			seal_open(&copy->seal, attr, copy->source_key.key);
	return !copy->closed && copy->is_sealed == copy->source_key.is_given;
}

static enum store_err
check_source(const struct object *source, void *context)
{
	struct copy *copy = context;

	copy->refused = S3_OK;
	copy->found = *source;
	if (access_is_of_another(copy->of_source, &source->inode)) {
		copy->refused = S3_CONDITIONAL_REQUEST_CONFLICT;
		return STORE_PRECONDITION;
	}
	if (!fits_key(copy, &source->inode))
		return STORE_NO_KEY;
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
 * ACL is never the source's, nor is where a website redirects to, nor a
 * lock. */
static enum s3_error
parse_attrs(struct request *request, struct copy *copy)
{
	copy->attrs.kinds = 1u << INODE_ATTR_ACL | 1u << INODE_ATTR_REDIRECT |
			    1u << INODE_ATTR_LOCK;
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

/* A version that is named becomes the newest one. */
static bool
restores_version(const struct request *request, const struct copy *copy)
{
	return copy->source.version.which != VERSION_CURRENT &&
	       version_id_is_told(request->store, copy->source.bucket.ino);
}

static enum s3_error
refuse_onto_itself(struct request *request, const struct copy *copy)
{
	/* A storage class that is named is one that is set, though it is the
	 * one it has. */
	if (copy->replaces_attrs || copy->key.is_given ||
		copy->source_key.is_given || restores_version(request, copy) ||
		request_header(request, "x-amz-storage-class").data ||
		request_header(request, "x-amz-website-redirect-location").len >
			0 ||
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
	enum s3_error error =
		sse_c_parse(request, SSE_C_COPY_SOURCE, &copy->source_key);

	if (!error)
		error = sse_c_parse_stored(request, &copy->key);
	if (!error)
		error = attrs_refuse_unsupported(request);
	if (!error)
		error = checksum_check_copy(request->http, &request->report);
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
	copy->of_source = &request->access.of_source;
	copy->source_condition = condition_of_copy_source(request);
	return error;
}

/* Says of the key what sse_c_open() says, which check_source(), on another
 * thread, could not. */
static enum s3_error
refuse_key(struct request *request, const struct copy *copy)
{
	if (copy->closed == STORE_WRONG_KEY)
		return error_set(&request->report, S3_INVALID_ARGUMENT,
			"The provided encryption parameters did not match the "
			"ones used originally.");
	if (copy->closed)
		return reply_store_error(request, copy->closed);
	return error_set(&request->report, S3_INVALID_REQUEST,
		copy->is_sealed
			? "The object was stored using a form of Server Side "
			  "Encryption. The correct parameters must be "
			  "provided to retrieve the object."
			: "The encryption parameters are not applicable to "
			  "this object.");
}

/* The source is not there, or is a delete marker. */
static enum s3_error
refuse_source(struct request *request, const struct copy *copy)
{
	struct object found;
	enum store_err err = object_head_version(request->store,
		copy->source.bucket.ino, copy->source.key,
		&copy->source.version, request->arena, &found);

	/* It has come since. */
	if (!err)
		err = STORE_NOT_FOUND;
	return copy_source_refuse(request, &copy->source, &found, err);
}

static enum s3_error
refuse(struct request *request, const struct copy *copy, enum store_err err)
{
	/* check_source() saw none; else it is the copy that had to be there. */
	if (err == STORE_NOT_FOUND && !copy->found.inode.ino)
		return refuse_source(request, copy);
	if (err == STORE_NO_KEY)
		return refuse_key(request, copy);
	if (err != STORE_PRECONDITION || !copy->refused)
		return reply_store_error(request, err);
	return error_set(&request->report, copy->refused,
		copy->refused == S3_INVALID_REQUEST
			? "The specified copy source is larger than the "
			  "maximum allowable size for a copy source: "
			  "5368709120"
			: NULL);
}

/* Who has the source's key has the copy's: they may share the sealed bytes. */
static bool
may_share(const struct copy *copy)
{
	if (copy->key.is_given != copy->source_key.is_given)
		return false;
	return !copy->key.is_given ||
	       digest_equal(copy->key.key, copy->source_key.key, SEAL_KEY_LEN);
}

static enum s3_error
share(struct request *request, struct copy *copy, struct object *object,
	struct checksum *checksum)
{
	enum store_err err = object_copy_version(request->store,
		copy->source.bucket.ino, copy->source.key,
		&copy->source.version, check_source, copy, request->bucket.ino,
		request->key, &copy->attrs, &copy->condition, object);

	if (err)
		return refuse(request, copy, err);
	*checksum = attrs_checksum(&object->inode);
	if (copy->is_sealed)
		attrs_show_checksum(checksum, &object->inode, &copy->seal);
	return S3_OK;
}

static enum store_err
write_piece(void *put, struct slice piece)
{
	return object_put_write(put, piece);
}

/* What the copy is to carry, but for its digests. */
static void
describe(struct request *request, struct copy *copy, const struct inode *source)
{
	const uint32_t kinds = 1u << INODE_ATTR_HEADER | 1u << INODE_ATTR_META |
			       1u << INODE_ATTR_TAG | 1u << INODE_ATTR_XATTR;
	scoped(buffer_free) struct buffer given = {0};
	scoped(buffer_free) struct buffer kept = {0};

	inode_attrs_merge(&given, SLICE_NULL, copy->attrs.attrs,
		copy->attrs.kinds);
	inode_attrs_merge(&kept, buffer_slice(&given), source->attrs,
		kinds & ~copy->attrs.kinds);
	copy->attrs.attrs = arena_copy(request->arena, buffer_slice(&kept));
}

static enum s3_error
write_anew(struct request *request, struct copy *copy,
	const struct pump_source *from, struct object *object,
	struct checksum *checksum)
{
	scoped(object_put_abort) struct object_put *put = NULL;
	enum digest_kind kind = from->object->inode.checksum_kind;
	struct pump_digests digests;
	enum store_err err = object_put_begin(request->store, from->len, &put);

	if (err)
		return reply_store_error(request, err);
	if (copy->key.is_given)
		object_put_seal(put, copy->key.key);
	err = pump_object(from, !copy->key.is_given,
		kind ? kind : CHECKSUM_DEFAULT, write_piece, put, &digests);
	if (err)
		return reply_store_error(request, err);
	memcpy(copy->attrs.etag.value, digests.md5, sizeof(digests.md5));
	attrs_set_checksum(&copy->attrs, &digests.checksum);
	*checksum = digests.checksum;
	err = object_put_commit(&put, request->bucket.ino, request->key,
		&copy->attrs, &copy->condition, object);
	return err ? reply_store_error(request, err) : S3_OK;
}

/* Through our hands: sealed, opened, or sealed with another key. */
static enum s3_error
reseal(struct request *request, struct copy *copy, struct object *object,
	struct checksum *checksum)
{
	scoped(io_close_fd) int fd = -1;
	struct object source;
	uint64_t offset;
	enum store_err err = object_open_version(request->store,
		copy->source.bucket.ino, copy->source.key,
		&copy->source.version, request->arena, &source, &fd, &offset);

	if (err)
		return copy_source_refuse(request, &copy->source, &source, err);
	err = check_source(&source, copy);
	if (err)
		return refuse(request, copy, err);

	const struct pump_source from = {
		.object = &source,
		.seal = copy->is_sealed ? &copy->seal : NULL,
		.fd = fd,
		.offset = offset,
		.len = source.inode.size,
	};

	describe(request, copy, &source.inode);
	return write_anew(request, copy, &from, object, checksum);
}

enum s3_error
op_copy_object(struct request *request)
{
	scoped(buffer_free) struct buffer body = {0};
	scoped(wipe_copy) struct copy copy = {0};
	struct checksum checksum;
	struct object object = {0};
	enum s3_error error = prepare(request, &copy);

	if (!error)
		error = may_share(&copy)
				? share(request, &copy, &object, &checksum)
				: reseal(request, &copy, &object, &checksum);
	if (error)
		return error;
	request->object_size = object.inode.size;
	reply_status(request, 200);
	reply_version(request, &object);
	copy_source_reply(request, &copy.found);
	expiration_reply_new(request);
	sse_c_reply(request, &copy.key);

	xml_writer_begin(&body, "CopyObjectResult");
	xml_writer_time(&body, "LastModified", object.inode.mtime_ns);
	xml_writer_etag(&body, &object.inode.etag);
	attrs_write_checksum(&body, &checksum);
	xml_writer_close(&body, "CopyObjectResult");
	reply_xml(request, &body);
	return S3_OK;
}
