/* SPDX-License-Identifier: Apache-2.0 */
/*
 * error.h - S3's error codes, with their status and their usual sentence, and
 * the report that a reply is made of.
 *
 * store/base/error.h is the engine's table; s3api/reply.c maps that to this.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "s3api/error_table.h"
#include "store/base/compiler.h"
#include "store/base/slice.h"

enum s3_error {
	S3_OK = 0,
#define X(name, code, status, message) S3_##name,
	S3_ERRORS(X)
#undef X
};

/* "NoSuchKey"; never NULL, also below. */
const char *error_code(enum s3_error error);
/* 404; 200 for S3_OK. */
unsigned int error_status(enum s3_error error);
const char *error_message(enum s3_error error);

/* A further element of the reply, as <Region>. */
struct error_field {
	const char *name;
	struct slice value; /* any bytes: who writes XML must escape them */
};

#define ERROR_FIELDS_MAX 8

/*
 * What a reply tells of a failure.  Zeros: nothing failed.  Slices live as
 * long as the request's arena.
 */
struct error_report {
	enum s3_error error;
	struct slice message; /* empty: error_message() */
	struct error_field fields[ERROR_FIELDS_MAX];
	size_t field_count;
};

/*
 * Starts the report anew, with a message of its own where that is not NULL
 * (borrowed: a literal, or text in the request's arena).  Returns the error.
 */
enum s3_error error_set(struct error_report *report, enum s3_error error,
	const char *message);

/* Adds an element; what is beyond ERROR_FIELDS_MAX is dropped. */
void error_add(struct error_report *report, const char *name,
	struct slice value);
