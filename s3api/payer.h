/* SPDX-License-Identifier: Apache-2.0 */
/*
 * payer.h - buckets that others may use who say that they pay for it (S3 API:
 * Requester Pays buckets).  Nobody is sent a bill here; but nobody comes upon
 * such a bucket unawares, and nobody without a name.
 *
 * The bucket's document "requestPayment" is there where it is so, and says
 * "Requester".
 */
#pragma once

#include "s3api/request.h"

#define PAYER_KIND "requestPayment"
#define PAYER_REQUESTER "Requester"
#define PAYER_OWNER "BucketOwner"

/*
 * Whether the caller may come to the bucket at all: its owner's organization,
 * and who says x-amz-request-payer: requester, which replies confirm from then
 * on.  ACCESS_DENIED.
 */
must_check enum s3_error payer_check(struct request *request,
	const struct bucket *bucket);
