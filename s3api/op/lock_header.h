/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lock_header.h - the headers of Object Lock: x-amz-object-lock-mode,
 * -retain-until-date and -legal-hold, of what is put and of what is got, and
 * x-amz-bypass-governance-retention.
 */
#pragma once

#include "s3api/request.h"
#include "store/base/inode.h"

/* INVALID_REQUEST: the bucket has no Object Lock. */
must_check enum s3_error lock_header_check_bucket(struct request *request);

/*
 * What the headers ask for, as the last of the attributes (lock_append_attr());
 * nothing where there are none.  ACCESS_DENIED: without the right to it;
 * INVALID_ARGUMENT; and as above.
 */
must_check enum s3_error lock_header_append(struct request *request,
	struct buffer *attrs);

/* Refuses them where they mean nothing.  NOT_IMPLEMENTED. */
must_check enum s3_error lock_header_refuse(struct request *request);

/* To those who may know. */
void lock_header_reply(struct request *request, const struct inode_lock *lock);

/* Whether the request asks to bypass retentions in the mode GOVERNANCE, and
 * may, of that version (its id; SLICE_NULL: none is named). */
bool lock_header_bypasses(struct request *request, struct slice key,
	struct slice version);
