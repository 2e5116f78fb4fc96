/* SPDX-License-Identifier: Apache-2.0 */
/*
 * request_log.h - what the server access log of a bucket tells of a request
 * (S3 API: Amazon S3 server access log format).
 *
 * A field that nothing is known of is a dash.  What a client has said is
 * percent-encoded where it would end its field; what signs a request, and
 * customers' keys, are dashes.
 */
#pragma once

#include "s3api/request.h"
#include "store/access_log.h"

/* The lines about a request that has been replied to, for the buckets that want
 * any: more than one of a copy, and of DeleteObjects. */
void request_log(const struct request *request, struct access_log *log,
	int64_t started_ns);
