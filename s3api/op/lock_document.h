/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lock_document.h - the documents of Object Lock, as XML (S3 API:
 * PutObjectLockConfiguration, PutObjectRetention, PutObjectLegalHold).
 */
#pragma once

#include "s3api/request.h"
#include "store/base/inode.h"

/* MALFORMED_XML; INVALID_RETENTION_PERIOD: not from 1 to what S3 allows. */
must_check enum s3_error lock_document_parse_rule(struct request *request,
	struct slice text, struct inode_lock_rule *out);
void lock_document_write_rule(struct buffer *to,
	const struct inode_lock_rule *rule);

/* An empty one is none.  MALFORMED_XML; INVALID_ARGUMENT: it is over. */
must_check enum s3_error lock_document_parse_retention(struct request *request,
	struct slice text, struct inode_lock *out);
void lock_document_write_retention(struct buffer *to,
	const struct inode_lock *lock);

/* MALFORMED_XML. */
must_check enum s3_error lock_document_parse_hold(struct request *request,
	struct slice text, struct inode_lock *out);
void lock_document_write_hold(struct buffer *to, const struct inode_lock *lock);

/* INVALID_ARGUMENT: the date is not ahead. */
must_check enum s3_error lock_document_check_date(struct request *request,
	int64_t until_ns);
