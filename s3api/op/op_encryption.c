/* SPDX-License-Identifier: Apache-2.0 */
/*
 * S3 API: PutBucketEncryption, GetBucketEncryption, DeleteBucketEncryption,
 * of which there is what a rule blocks (BlockedEncryptionTypes): the server
 * has no keys of its own to encrypt with.
 */
#include "s3api/op/document.h"
#include "s3api/op/op.h"
#include "s3api/reply.h"
#include "s3api/sse_c.h"
#include "s3api/xml/xml_shape.h"
#include "s3api/xml/xml_writer.h"

#define BODY_MAX (64 * 1024)
#define ROOT "ServerSideEncryptionConfiguration"
#define BLOCKED "BlockedEncryptionTypes"
#define TYPE "EncryptionType"

static const struct xml_shape shapes[] = {
	{ROOT, "Rule", ""},
	{"Rule", "ApplyServerSideEncryptionByDefault BucketKeyEnabled " BLOCKED,
		""},
	{"ApplyServerSideEncryptionByDefault", "SSEAlgorithm KMSMasterKeyID",
		""},
	{BLOCKED, TYPE, ""},
};

static bool
asks_for_keys(const struct xml_node *rule, struct arena *arena)
{
	struct slice bucket_key =
		xml_reader_child_text(rule, "BucketKeyEnabled", arena);

	return xml_reader_child(rule, "ApplyServerSideEncryptionByDefault") ||
	       (bucket_key.data && !slice_equal(bucket_key, SLICE("false")));
}

static enum s3_error
read_blocked(struct request *request, struct slice text, struct slice *type)
{
	scoped(xml_reader_close) struct xml_reader *reader = NULL;
	const struct xml_node *rule = NULL;
	const struct xml_node *blocked = NULL;

	if (xml_reader_open(text, ROOT, &reader) &&
		xml_shape_holds(xml_reader_root(reader), shapes,
			array_len(shapes)))
		rule = xml_reader_child(xml_reader_root(reader), "Rule");
	if (rule && asks_for_keys(rule, request->arena))
		return error_set(&request->report, S3_NOT_IMPLEMENTED,
			"The server has no keys to encrypt with.");
	if (rule)
		blocked = xml_reader_child(rule, BLOCKED);
	if (blocked)
		*type = xml_reader_child_text(blocked, TYPE, request->arena);
	return slice_equal(*type, SLICE(SSE_C_BLOCKED)) ||
			       slice_equal(*type, SLICE("NONE"))
		       ? S3_OK
		       : error_set(&request->report, S3_MALFORMED_XML, NULL);
}

enum s3_error
op_encryption_put(struct request *request)
{
	struct slice text = SLICE_NULL;
	struct slice type = SLICE_NULL;
	enum s3_error error = document_read(request, BODY_MAX, &text);

	if (!error)
		error = read_blocked(request, text, &type);
	return error ? error
		     : document_put(request, SSE_C_BLOCKED_KIND, type, 200);
}

enum s3_error
op_encryption_get(struct request *request)
{
	scoped(buffer_free) struct buffer body = {0};
	struct slice type;
	enum s3_error error = document_get(request, SSE_C_BLOCKED_KIND,
		S3_NO_SUCH_ENCRYPTION, &type);

	if (error)
		return error;
	xml_writer_begin(&body, ROOT);
	xml_writer_open(&body, "Rule");
	xml_writer_open(&body, BLOCKED);
	xml_writer_text(&body, TYPE, type);
	xml_writer_close(&body, BLOCKED);
	xml_writer_close(&body, "Rule");
	xml_writer_close(&body, ROOT);
	reply_xml(request, &body);
	return S3_OK;
}

enum s3_error
op_encryption_delete(struct request *request)
{
	return document_delete(request, SSE_C_BLOCKED_KIND);
}
