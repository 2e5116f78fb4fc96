/* SPDX-License-Identifier: Apache-2.0 */
/*
 * accelerate.h - the accelerated endpoint: a domain whose hosts give objects
 * and take none (S3 API: Transfer Acceleration).
 *
 * A bucket's document "accelerate" says "Enabled" or "Suspended"; one that
 * was never asked gives its objects.
 */
#pragma once

#include "s3api/request.h"

#define ACCELERATE_KIND "accelerate"
#define ACCELERATE_ON "Enabled"
#define ACCELERATE_OFF "Suspended"

/* What it says of the request's bucket; SLICE_NULL: it was never asked. */
must_check enum s3_error accelerate_find(struct request *request,
	struct slice *status);

/* Of a request with is_accelerated.  METHOD_NOT_ALLOWED: it is for something
 * else than an object; needs request->operation. */
must_check enum s3_error accelerate_check_operation(struct request *request);

/* INVALID_REQUEST: the bucket does not want it; needs request->bucket. */
must_check enum s3_error accelerate_check_bucket(struct request *request);
