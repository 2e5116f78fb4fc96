/* SPDX-License-Identifier: Apache-2.0 */
/*
 * S3 API: Put-, Get- and DeletePublicAccessBlock, and the same of
 * BucketOwnershipControls.
 */
#include "s3api/iam/exposure.h"
#include "s3api/op/document.h"
#include "s3api/op/op.h"
#include "s3api/reply.h"
#include "s3api/xml/xml_reader.h"
#include "s3api/xml/xml_writer.h"

#define BODY_MAX (16 * 1024)

static enum s3_error
malformed(struct request *request)
{
	return error_set(&request->report, S3_MALFORMED_XML, NULL);
}

static enum s3_error
reply_stored(struct request *request, enum store_err err, unsigned int status)
{
	if (err)
		return reply_store_error(request, err);
	reply_empty(request, status);
	return S3_OK;
}

/* --- the public access block ---------------------------------------------- */

static bool
parse_flag(struct request *request, const struct xml_node *node,
	unsigned int *flags)
{
	struct slice value = slice_trim(xml_reader_text(node, request->arena));
	unsigned int i = 0;

	while (i < EXPOSURE_BLOCK_FLAGS &&
		strcmp(xml_reader_name(node), exposure_block_name(i)) != 0)
		i++;
	if (i == EXPOSURE_BLOCK_FLAGS)
		return false;
	if (slice_equal_nocase(value, SLICE("true")))
		*flags |= 1u << i;
	return slice_equal_nocase(value, SLICE("true")) ||
	       slice_equal_nocase(value, SLICE("false"));
}

static enum s3_error
parse_block(struct request *request, struct slice text, unsigned int *flags)
{
	scoped(xml_reader_close) struct xml_reader *reader = NULL;

	*flags = 0;
	if (!xml_reader_open(text, "PublicAccessBlockConfiguration", &reader))
		return malformed(request);

	const struct xml_node *node =
		xml_reader_child(xml_reader_root(reader), NULL);

	for (; node; node = xml_reader_next(node, NULL)) {
		if (!parse_flag(request, node, flags))
			return malformed(request);
	}
	return S3_OK;
}

enum s3_error
op_exposure_put_block(struct request *request)
{
	struct slice text = SLICE_NULL;
	unsigned int flags = 0;
	enum s3_error error = document_read(request, BODY_MAX, &text);

	if (!error)
		error = parse_block(request, text, &flags);
	if (error)
		return error;
	return reply_stored(request,
		exposure_write_block(request->store, &request->bucket, &flags),
		200);
}

enum s3_error
op_exposure_get_block(struct request *request)
{
	scoped(buffer_free) struct buffer body = {0};
	unsigned int flags = 0;
	enum store_err err =
		exposure_read_block(request->store, &request->bucket, &flags);

	if (err == STORE_NOT_FOUND)
		return error_set(&request->report,
			S3_NO_SUCH_PUBLIC_ACCESS_BLOCK, NULL);
	if (err)
		return reply_store_error(request, err);
	xml_writer_begin(&body, "PublicAccessBlockConfiguration");
	for (unsigned int i = 0; i < EXPOSURE_BLOCK_FLAGS; i++)
		xml_writer_bool(&body, exposure_block_name(i),
			flags & (1u << i));
	xml_writer_close(&body, "PublicAccessBlockConfiguration");
	reply_xml(request, &body);
	return S3_OK;
}

enum s3_error
op_exposure_delete_block(struct request *request)
{
	return reply_stored(request,
		exposure_write_block(request->store, &request->bucket, NULL),
		204);
}

/* --- object ownership ----------------------------------------------------- */

/* One rule, and nothing else. */
static enum s3_error
parse_ownership(struct request *request, struct slice text,
	enum exposure_ownership *out)
{
	scoped(xml_reader_close) struct xml_reader *reader = NULL;
	const struct xml_node *rule;
	struct slice name;

	if (!xml_reader_open(text, "OwnershipControls", &reader))
		return malformed(request);
	rule = xml_reader_child(xml_reader_root(reader), "Rule");
	if (!rule || xml_reader_next(rule, NULL))
		return malformed(request);
	name = xml_reader_child_text(rule, "ObjectOwnership", request->arena);
	return exposure_ownership_find(slice_trim(name), out)
		       ? S3_OK
		       : malformed(request);
}

/* Lists that give something are not to be passed over in silence. */
static enum s3_error
check_list(struct request *request, enum exposure_ownership ownership)
{
	struct acl *acl = arena_new(request->arena, struct acl);
	enum store_err err = exposure_read_acl(request->store, &request->bucket,
		request->arena, acl);

	if (err)
		return reply_store_error(request, err);
	if (ownership != EXPOSURE_OWNER_ENFORCED || acl_is_private(acl))
		return S3_OK;
	return error_set(&request->report, S3_INVALID_BUCKET_ACL_WITH_OWNERSHIP,
		NULL);
}

enum s3_error
op_exposure_put_ownership(struct request *request)
{
	enum exposure_ownership ownership = EXPOSURE_OWNER_ENFORCED;
	struct slice text = SLICE_NULL;
	enum s3_error error = document_read(request, BODY_MAX, &text);

	if (!error)
		error = parse_ownership(request, text, &ownership);
	if (!error)
		error = check_list(request, ownership);
	if (error)
		return error;
	return reply_stored(request,
		exposure_write_ownership(request->store, &request->bucket,
			&ownership),
		200);
}

enum s3_error
op_exposure_get_ownership(struct request *request)
{
	scoped(buffer_free) struct buffer body = {0};
	enum exposure_ownership ownership;
	enum store_err err = exposure_find_controls(request->store,
		&request->bucket, &ownership);

	if (err == STORE_NOT_FOUND)
		return error_set(&request->report,
			S3_NO_SUCH_OWNERSHIP_CONTROLS, NULL);
	if (err)
		return reply_store_error(request, err);
	xml_writer_begin(&body, "OwnershipControls");
	xml_writer_open(&body, "Rule");
	xml_writer_str(&body, "ObjectOwnership",
		exposure_ownership_name(ownership));
	xml_writer_close(&body, "Rule");
	xml_writer_close(&body, "OwnershipControls");
	reply_xml(request, &body);
	return S3_OK;
}

enum s3_error
op_exposure_delete_ownership(struct request *request)
{
	return reply_stored(request,
		exposure_write_ownership(request->store, &request->bucket,
			NULL),
		204);
}
