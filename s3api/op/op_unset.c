/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What tools read of a bucket unasked, and nobody can have set: S3's empty
 * document, or its code for that.  Setting it to what it is, and deleting it,
 * is done, as there is nothing to do; anything else is NotImplemented.
 */
#include "s3api/op/document.h"
#include "s3api/op/op.h"
#include "s3api/reply.h"
#include "s3api/xml/xml_reader.h"
#include "s3api/xml/xml_writer.h"

#define BODY_MAX (64 * 1024)

static const struct row {
	const char *operation;
	enum s3_error error; /* or S3_OK, and */
	const char *document;
} rows[] = {
	{"GetBucketNotificationConfiguration", S3_OK,
		"NotificationConfiguration"},
	{"GetBucketReplication", S3_NO_SUCH_REPLICATION, NULL},
	{"PutBucketNotificationConfiguration", S3_OK,
		"NotificationConfiguration"},
};

static const struct row *
find_row(const struct request *request)
{
	for (size_t i = 0; i < array_len(rows); i++)
		if (!strcmp(rows[i].operation, request->operation->name))
			return &rows[i];
	return NULL;
}

enum s3_error
op_unset_get(struct request *request)
{
	scoped(buffer_free) struct buffer body = {0};
	const struct row *row = find_row(request);

	if (!row)
		return error_set(&request->report, S3_NOT_IMPLEMENTED, NULL);
	if (row->error)
		return error_set(&request->report, row->error, NULL);
	xml_writer_begin(&body, row->document);
	xml_writer_close(&body, row->document);
	reply_xml(request, &body);
	return S3_OK;
}

enum s3_error
op_unset_put(struct request *request)
{
	scoped(xml_reader_close) struct xml_reader *reader = NULL;
	const struct row *row = find_row(request);
	struct slice text = SLICE_NULL;
	enum s3_error error = document_read(request, BODY_MAX, &text);

	if (error)
		return error;
	if (!row || !xml_reader_open(text, row->document, &reader))
		return error_set(&request->report, S3_MALFORMED_XML, NULL);
	if (xml_reader_child(xml_reader_root(reader), NULL))
		return error_set(&request->report, S3_NOT_IMPLEMENTED, NULL);
	reply_empty(request, 200);
	return S3_OK;
}

enum s3_error
op_unset_delete(struct request *request)
{
	reply_empty(request, 204);
	return S3_OK;
}
