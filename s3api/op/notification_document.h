/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notification_document.h - <NotificationConfiguration>, in and out (S3 API:
 * PutBucketNotificationConfiguration).
 *
 * A topic's ARN is arn:aws:sns:REGION:ORGANIZATION:NAME, with the region of the
 * store and the organization that owns the bucket.
 *
 * Ownership: slices live in the request's arena.
 */
#pragma once

#include "s3api/request.h"
#include "store/notification.h"

/*
 * MALFORMED_XML; NOT_IMPLEMENTED: EventBridge, and events that S3 has and that
 * never come about here; INVALID_ARGUMENT: other events, rules that overlap,
 * ids that are there twice, filters that S3 refuses, and destinations that can
 * be none.  Whether the topics are there is not asked.
 */
must_check enum s3_error notification_document_read(struct request *request,
	struct slice text, struct notification *out);

void notification_document_write(struct request *request, struct buffer *to,
	const struct notification *notification);

/* INVALID_ARGUMENT: where that topic should be, there is none. */
enum s3_error notification_document_refuse(struct request *request,
	struct slice arn);

/* Of a topic of the bucket's owner. */
struct slice notification_document_arn(struct request *request,
	struct slice topic);
