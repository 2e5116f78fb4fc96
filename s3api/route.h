/* SPDX-License-Identifier: Apache-2.0 */
/*
 * route.h - which operation a request asks for: a table of method, target and
 * the parameter or header that tells variants apart.
 *
 * A sub-resource that S3 has and tarn has not is NOT_IMPLEMENTED, never the
 * operation without it.
 */
#pragma once

#include "s3api/request.h"

/* Fills in request->operation.  NOT_IMPLEMENTED, METHOD_NOT_ALLOWED. */
must_check enum s3_error route_find(struct request *request);

/* Those that there are, in the order of the table; NULL beyond. */
const struct operation *route_operation(size_t i);

/* "GET, HEAD, PUT": the methods that a target knows, for a 405. */
struct slice route_methods(enum operation_target target, struct arena *arena);
