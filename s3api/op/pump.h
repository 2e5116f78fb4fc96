/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pump.h - bytes from a body, or an object, through digests to where they go,
 * in pieces of bounded size.
 */
#pragma once

#include "s3api/body.h"
#include "s3api/request.h"
#include "store/object.h"

/*
 * Reads the body to its end and hands each piece to `write`; then the verdict
 * of body_finish().  The error is in the report.
 */
must_check enum s3_error pump_body(struct request *request, struct body *body,
	enum store_err (*write)(void *context, struct slice piece),
	void *context);

struct pump_digests {
	uint8_t md5[16];
	struct checksum checksum; /* kind 0: none was asked for */
};

/* Bytes of an object as object_open() gave it. */
struct pump_source {
	const struct object *object;
	const struct seal *seal; /* NULL: not sealed */
	int fd;
	uint64_t offset; /* of the object in the file */
	uint64_t start;	 /* in the object */
	uint64_t len;
};

/* Reads them in clear, digests them on a helper thread (MD5 only where
 * wants_md5) and hands each piece to `write`, where there is one.  CORRUPT: the
 * file is shorter; BUSY: a mount has cut it meanwhile, so the bytes may be
 * others; what write gives. */
must_check enum store_err pump_object(const struct pump_source *source,
	bool wants_md5, enum digest_kind kind,
	enum store_err (*write)(void *context, struct slice piece),
	void *context, struct pump_digests *out);
