/* SPDX-License-Identifier: Apache-2.0 */
/* copy_source.h - x-amz-copy-source: [/]bucket/key, percent-encoded, and
 * perhaps ?versionId=ID. */
#pragma once

#include "s3api/request.h"
#include "store/bucket.h"
#include "store/object.h"

struct copy_source {
	struct bucket bucket;
	struct slice key;
	struct version_ref version;
};

/* INVALID_ARGUMENT, NO_SUCH_BUCKET, ACCESS_DENIED. */
must_check enum s3_error copy_source_parse(struct request *request,
	struct copy_source *out);

/* What the store says of the source: NO_SUCH_KEY; INVALID_REQUEST where a
 * delete marker was named.  found: as object_head_version() leaves it. */
must_check enum s3_error copy_source_refuse(struct request *request,
	const struct copy_source *source, const struct object *found,
	enum store_err err);

/* x-amz-copy-source-version-id, where the source's bucket keeps versions. */
void copy_source_reply(struct request *request, const struct object *found);
