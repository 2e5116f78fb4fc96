/* SPDX-License-Identifier: Apache-2.0 */
/*
 * logging_document.h - <BucketLoggingStatus>, in and out (S3 API:
 * PutBucketLogging).
 *
 * Ownership: slices live in the request's arena.
 */
#pragma once

#include "s3api/iam/acl.h"
#include "s3api/request.h"
#include "store/logging.h"

struct logging_document {
	bool is_enabled; /* else nothing else counts */
	enum logging_format format;
	struct slice target;
	struct slice prefix;
	bool has_grants;
	struct acl list; /* of each object: TargetGrants, of the owner's */
};

/* MALFORMED_XML; INVALID_ARGUMENT: a prefix that is too long, and what
 * acl_document.h says of grantees. */
must_check enum s3_error logging_document_read(struct request *request,
	struct slice text, struct logging_document *document);

void logging_document_write(struct buffer *to,
	const struct logging_document *document);
