/* SPDX-License-Identifier: Apache-2.0 */
/* copy_source.h - x-amz-copy-source: [/]bucket/key, percent-encoded, and
 * perhaps ?versionId=null. */
#pragma once

#include "s3api/request.h"
#include "store/bucket.h"

struct copy_source {
	struct bucket bucket;
	struct slice key;
};

/* INVALID_ARGUMENT, NO_SUCH_BUCKET, ACCESS_DENIED, NO_SUCH_VERSION. */
must_check enum s3_error copy_source_parse(struct request *request,
	struct copy_source *out);
