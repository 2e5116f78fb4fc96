/* SPDX-License-Identifier: Apache-2.0 */
/* range.h - byte ranges (RFC 9110 §14; S3 API: GetObject). */
#pragma once

#include "s3api/request.h"

struct range {
	uint64_t start;
	uint64_t len;
};

/*
 * The Range header against an object of that size.  *is_partial: false where
 * the whole is to be sent: no header, one that is no byte range, several
 * ranges, which S3 answers whole, or the end of what is empty.  INVALID_RANGE:
 * none of it is there.
 */
must_check enum s3_error range_parse(struct request *request, uint64_t size,
	struct range *out, bool *is_partial);

/* x-amz-copy-source-range: bytes=FIRST-LAST, all of it there.
 * INVALID_ARGUMENT, INVALID_RANGE. */
must_check enum s3_error range_parse_copy(struct request *request,
	uint64_t size, struct range *out);
