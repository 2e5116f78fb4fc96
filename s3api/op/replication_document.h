/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replication_document.h - the XML of PutBucketReplication, and rules.
 *
 * What a rule may ask for and tarn has not is NotImplemented; what it says that
 * it does not want is kept, and told as it came.
 *
 * Ownership: the rules and their slices lie in the request's arena.
 */
#pragma once

#include "s3api/request.h"
#include "store/replication.h"

/*
 * All but the numbers of buckets, and whose rights count.  MALFORMED_XML: also
 * what holds more than S3's schema lets it; INVALID_REQUEST, INVALID_ARGUMENT,
 * INVALID_TAG, INVALID_STORAGE_CLASS, NOT_IMPLEMENTED.
 */
must_check enum s3_error replication_document_read(struct request *request,
	struct slice text, struct replication *out);

void replication_document_write(struct buffer *to,
	const struct replication *replication);
