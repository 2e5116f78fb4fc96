/* SPDX-License-Identifier: Apache-2.0 */
/*
 * decided.h - the very object, or version of it, that a request was allowed to
 * have: where another has taken its place since, that one is asked about, too.
 *
 * Failure:   in the report: what the store gives; METHOD_NOT_ALLOWED: the
 *            version is a delete marker; ACCESS_DENIED of the other;
 *            SERVICE_UNAVAILABLE: it was replaced again and again.
 */
#pragma once

#include "s3api/request.h"
#include "store/object.h"

must_check enum s3_error decided_head(struct request *request,
	struct object *out);
/* object_set_attrs() of the version that *out tells. */
must_check enum s3_error decided_set_attrs(struct request *request,
	struct slice attrs, uint32_t kinds, struct object *out);
/* object_open(); *fd is -1 on failure. */
must_check enum s3_error decided_open(struct request *request,
	struct object *out, int *fd, uint64_t *offset);
