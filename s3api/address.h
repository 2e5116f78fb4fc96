/* SPDX-License-Identifier: Apache-2.0 */
/*
 * address.h - which bucket and key a request names: in the path, or with
 * virtual-host style the bucket in the Host header (S3 API: Virtual hosting
 * of buckets); of a website it is always there.
 */
#pragma once

#include "s3api/request.h"
#include "s3api/server_private.h"

/*
 * Fills in target, is_website, is_accelerated, bucket_name, key and params.
 * INVALID_URI: escapes or UTF-8 that are wrong; KEY_TOO_LONG.
 */
must_check enum s3_error address_parse(struct request *request);
