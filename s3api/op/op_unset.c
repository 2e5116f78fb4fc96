/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What tools read of a bucket unasked, and nobody can have set: S3's empty
 * document, or its code for that.  Setting it is NotImplemented.
 */
#include "s3api/op/op.h"
#include "s3api/reply.h"
#include "s3api/xml/xml_writer.h"

static const struct {
	const char *operation;
	enum s3_error error; /* or S3_OK, and */
	const char *document;
} rows[] = {
	{"GetBucketAccelerateConfiguration", S3_OK, "AccelerateConfiguration"},
	{"GetBucketEncryption", S3_NO_SUCH_ENCRYPTION, NULL},
	{"GetBucketLogging", S3_OK, "BucketLoggingStatus"},
	{"GetBucketNotificationConfiguration", S3_OK,
		"NotificationConfiguration"},
	{"GetBucketReplication", S3_NO_SUCH_REPLICATION, NULL},
	{"GetBucketRequestPayment", S3_OK, "RequestPaymentConfiguration"},
	{"GetBucketVersioning", S3_OK, "VersioningConfiguration"},
	{"GetBucketWebsite", S3_NO_SUCH_WEBSITE, NULL},
	{"GetObjectLockConfiguration", S3_NO_SUCH_OBJECT_LOCK_OF_BUCKET, NULL},
};

enum s3_error
op_unset_get(struct request *request)
{
	const char *operation = request->operation->name;
	scoped(buffer_free) struct buffer body = {0};
	size_t i = 0;

	while (i < array_len(rows) && strcmp(rows[i].operation, operation) != 0)
		i++;
	if (i == array_len(rows))
		return error_set(&request->report, S3_NOT_IMPLEMENTED, NULL);
	if (rows[i].error)
		return error_set(&request->report, rows[i].error, NULL);
	xml_writer_begin(&body, rows[i].document);
	if (!strcmp(operation, "GetBucketRequestPayment"))
		xml_writer_str(&body, "Payer", "BucketOwner");
	xml_writer_close(&body, rows[i].document);
	reply_xml(request, &body);
	return S3_OK;
}
