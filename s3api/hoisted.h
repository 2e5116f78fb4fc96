/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hoisted.h - headers that stand in the query of a presigned URL.
 *
 * Signers put x-amz-meta-NAME, x-amz-acl, x-amz-tagging and the like there
 * (aws-sdk-js-v3's getSignedUrl does by default), so that who uses the URL need
 * not send them.  S3 takes them for headers.
 *
 * Not so x-amz-checksum-*: S3's presigned URLs have none (User Guide,
 * using-presigned-url), and that SDK puts the checksum of an empty body there.
 */
#pragma once

#include "s3api/request.h"

/* Once the query's signature is known to be good.  INVALID_ARGUMENT: what no
 * header could carry. */
must_check enum s3_error hoisted_apply(struct request *request);
