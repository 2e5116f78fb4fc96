/* SPDX-License-Identifier: Apache-2.0 */
/*
 * expiration.h - what replies tell of a bucket's lifecycle rules (S3 API:
 * x-amz-expiration, x-amz-abort-date).
 *
 * Added to a reply that has begun; nothing where no rule is for it.
 */
#pragma once

#include "s3api/request.h"
#include "store/base/inode.h"

/* Of an object that was read with its attributes. */
void expiration_reply(struct request *request, const struct inode *inode);

/* Of the object that the request has just put. */
void expiration_reply_new(struct request *request);

void expiration_reply_upload(struct request *request, int64_t created_ns);
