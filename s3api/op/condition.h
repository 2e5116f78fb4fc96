/* SPDX-License-Identifier: Apache-2.0 */
/*
 * condition.h - If-Match and its like (RFC 9110 §13; S3 API: conditional
 * requests).
 */
#pragma once

#include "s3api/request.h"
#include "store/object.h"

/* The four headers of a read, or of the source of a copy or a rename. */
struct condition {
	struct slice match;
	struct slice none_match;
	struct slice modified_since;
	struct slice unmodified_since;
};

struct condition condition_of_read(const struct request *request);
struct condition condition_of_copy_source(const struct request *request);
struct condition condition_of_rename_source(const struct request *request);

/* In the order of RFC 9110 §13.2.2.  PRECONDITION_FAILED, NOT_MODIFIED: a
 * copy turns the latter into the former. */
must_check enum s3_error condition_check(const struct condition *condition,
	const struct inode *inode);

/* Whether a Range counts: no If-Range, or the object is still the one that it
 * names (RFC 9110 §13.1.5). */
bool condition_allows_range(const struct request *request,
	const struct inode *inode);

/* If-None-Match of a write is * or none.  NOT_IMPLEMENTED: an ETag, as S3 has
 * it. */
must_check enum s3_error condition_refuse_none_match(struct request *request);

/* Whether the caller may learn by a condition what is there.  ACCESS_DENIED. */
must_check enum s3_error condition_check_reader(struct request *request);

/* If-Match and If-None-Match: * of a write; *etag is what out may point to.
 * What the two above give. */
must_check enum s3_error condition_of_write(struct request *request,
	struct object_condition *out, struct inode_etag *etag);
