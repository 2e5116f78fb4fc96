/* SPDX-License-Identifier: Apache-2.0 */
/*
 * object_acl.h - whose a new object is, and the list that it begins with: by
 * the bucket's object ownership and the headers of the request (S3 API:
 * Controlling ownership of objects).
 */
#pragma once

#include "s3api/iam/acl.h"
#include "s3api/iam/exposure.h"
#include "s3api/request.h"

/*
 * Appends the list to the object's other attributes, where it says more than
 * that the bucket's owner owns it.  UNSUPPORTED_ACL: the bucket has none;
 * ACCESS_DENIED: the right to it is missing, or the public access block refuses
 * it; what acl_document_of_headers() gives.
 */
must_check enum s3_error object_acl_append(struct request *request,
	struct buffer *attrs);

/* Refuses a list that the bucket does not take: UNSUPPORTED_ACL,
 * ACCESS_DENIED, what the store says. */
must_check enum s3_error object_acl_check(struct request *request,
	const struct bucket *bucket, enum exposure_ownership ownership,
	const struct acl *acl);
