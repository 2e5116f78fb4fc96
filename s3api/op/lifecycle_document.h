/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lifecycle_document.h - the XML of PutBucketLifecycleConfiguration, and rules.
 *
 * Ownership: the rules and their slices lie in the request's arena.
 */
#pragma once

#include "s3api/request.h"
#include "store/lifecycle.h"

/* MALFORMED_XML: also what holds more than S3's schema lets it;
 * INVALID_REQUEST, INVALID_ARGUMENT, INVALID_TAG; NOT_IMPLEMENTED: it moves
 * objects.  minimum is left alone. */
must_check enum s3_error lifecycle_document_read(struct request *request,
	struct slice text, struct lifecycle_rules *rules);
