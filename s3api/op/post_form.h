/* SPDX-License-Identifier: Apache-2.0 */
/*
 * post_form.h - the fields of an HTML form that uploads a file, and the request
 * that they make (S3 API: POST Object).
 *
 * Fields stand for the headers of a PUT; whatever reads those goes on as if it
 * were one.  A header that the client sent counts only where no field could:
 * Referer, User-Agent, Origin and what proxies add.
 */
#pragma once

#include "s3api/multipart.h"
#include "s3api/request.h"

#define POST_FORM_FIELDS_MAX 100

struct post_form {
	struct multipart multipart; /* at the bytes of the file */
	struct slice filename;
	struct http_header fields[POST_FORM_FIELDS_MAX]; /* lower-case names */
	size_t field_count;
};

/*
 * Reads up to the file.  PRECONDITION_FAILED: another content type;
 * MALFORMED_POST_REQUEST; MAX_POST_PRE_DATA_LENGTH; INVALID_ARGUMENT: no key,
 * no file, a field twice; what the connection says.
 */
must_check enum s3_error post_form_read(struct request *request,
	struct post_form *form);

/* SLICE_NULL: there is none of that (lower-case) name. */
struct slice post_form_field(const struct post_form *form, const char *name);

/*
 * Puts request->http with the fields as headers in the place of the one that
 * is there, and the key.  INVALID_ARGUMENT, KEY_TOO_LONG, what
 * tag_set_parse_xml() gives.
 */
must_check enum s3_error post_form_apply(struct request *request,
	const struct post_form *form);
