/* SPDX-License-Identifier: Apache-2.0 */
/*
 * decided.h - the very object that a request was allowed to have: where another
 * has taken its place since, that one is asked about, too.
 *
 * Failure:   in the report: what the store gives; ACCESS_DENIED of the other;
 *            SERVICE_UNAVAILABLE: it was replaced again and again.
 */
#pragma once

#include "s3api/request.h"
#include "store/object.h"

must_check enum s3_error decided_head(struct request *request,
	struct object *out);
/* object_open(); *fd is -1 on failure. */
must_check enum s3_error decided_open(struct request *request,
	struct object *out, int *fd, uint64_t *offset);
