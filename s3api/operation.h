/* SPDX-License-Identifier: Apache-2.0 */
/*
 * operation.h - what a request can ask for, by S3's names.
 */
#pragma once

#include <stdbool.h>

#include "s3api/auth/level.h"
#include "s3api/error.h"

struct request;

/* What a request's path names. */
enum operation_target {
	OPERATION_SERVICE, /* / */
	OPERATION_BUCKET,  /* /bucket */
	OPERATION_OBJECT,  /* /bucket/key */
};

/*
 * One row of the table in route.c.  run() replies, or returns the error that
 * shall be the reply.
 */
struct operation {
	const char *name;   /* "GetObject": for logs and policies */
	unsigned int needs; /* mask of enum level_class */
	enum s3_error (*run)(struct request *request);
};
