/* SPDX-License-Identifier: Apache-2.0 */
/*
 * website_document.h - <WebsiteConfiguration>, in and out (S3 API:
 * PutBucketWebsite).
 *
 * Ownership: slices live in the request's arena.
 */
#pragma once

#include "s3api/request.h"
#include "s3api/website.h"

/* MALFORMED_XML; INVALID_ARGUMENT: a document that can be none;
 * INVALID_REQUEST: a rule that S3 has not. */
must_check enum s3_error website_document_read(struct request *request,
	struct slice text, struct website *website);

void website_document_write(struct buffer *to, const struct website *website);
