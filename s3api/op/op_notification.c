/* SPDX-License-Identifier: Apache-2.0 */
/*
 * S3 API: PutBucketNotificationConfiguration,
 * GetBucketNotificationConfiguration.  What they set is done by the store,
 * which keeps the events, and by notifier.h, which delivers them.
 */
#include "s3api/op/document.h"
#include "s3api/op/notification_document.h"
#include "s3api/op/op.h"
#include "s3api/reply.h"
#include "store/topic.h"

#define BODY_MAX (512 * 1024)

static enum s3_error
check_topics(struct request *request, const struct notification *notification)
{
	for (size_t i = 0; i < notification->count; i++) {
		struct slice topic = notification->rules[i].topic;
		enum store_err err = topic_check(request->store,
			slice_str(request->bucket.owner), topic);

		if (err == STORE_NO_TOPIC)
			return notification_document_refuse(request,
				notification_document_arn(request, topic));
		if (err)
			return reply_store_error(request, err);
	}
	return S3_OK;
}

enum s3_error
op_notification_put(struct request *request)
{
	struct notification *notification =
		arena_new(request->arena, struct notification);
	bool skips =
		slice_equal_nocase(request_header(request,
					   "x-amz-skip-destination-validation"),
			SLICE("true"));
	struct slice text = SLICE_NULL;
	enum s3_error error = document_read(request, BODY_MAX, &text);
	enum store_err err;

	if (!error)
		error = notification_document_read(request, text, notification);
	if (!error && !skips)
		error = check_topics(request, notification);
	if (error)
		return error;
	err = notification_put(request->store, &request->bucket, notification,
		!skips);
	if (err)
		return reply_store_error(request, err);
	reply_empty(request, 200);
	return S3_OK;
}

enum s3_error
op_notification_get(struct request *request)
{
	scoped(buffer_free) struct buffer body = {0};
	struct notification *notification =
		arena_new(request->arena, struct notification);
	enum store_err err = notification_read(request->store,
		request->bucket.ino, request->arena, notification);

	if (err)
		return reply_store_error(request, err);
	notification_document_write(request, &body, notification);
	reply_xml(request, &body);
	return S3_OK;
}
