/* SPDX-License-Identifier: Apache-2.0 */
/* op_put.h - what PutObject and the upload of a form have in common. */
#pragma once

#include "s3api/checksum.h"
#include "s3api/request.h"
#include "s3api/sse_c.h"
#include "store/object.h"

/* Where the bytes come from, and how many they may be. */
struct op_put_source {
	struct multipart *form; /* NULL: the body itself */
	uint64_t min;		/* ENTITY_TOO_SMALL below */
	uint64_t max;		/* ENTITY_TOO_LARGE beyond; S3's own is less */
};

/* Stores the object with what the headers say of it, sealed where a key came,
 * which is the caller's to wipe; durable, and replies nothing. */
must_check enum s3_error op_put_store(struct request *request,
	const struct op_put_source *source, struct sse_c *sse_c,
	struct object *object, struct checksum *checksum);
