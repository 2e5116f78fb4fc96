/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reply.h - replies in S3's form.
 *
 * Failures of the connection itself are nobody's to handle: the reply ends,
 * and so does the connection.
 */
#pragma once

#include "s3api/request.h"
#include "store/base/buffer.h"
#include "store/base/error.h"
#include "store/base/inode.h"
#include "store/object.h"

/* A status and S3's standing headers; more may follow, then the body. */
void reply_status(struct request *request, unsigned int status);

/* 200, or what reply_status() said, with an XML body. */
void reply_xml(struct request *request, const struct buffer *body);

/* The status and no body. */
void reply_empty(struct request *request, unsigned int status);

/* The <Error> document of request->report. */
void reply_error(struct request *request);

/* RFC 9110 §14.4: of a 416, how long it is. */
void reply_size_of_range(struct request *request);

/* etag: "..." */
void reply_etag(struct request *request, const struct inode_etag *etag);

/* x-amz-version-id of an object that was read or made, where its bucket keeps
 * versions or did. */
void reply_version(struct request *request, const struct object *object);

/* x-amz-delete-marker: there is, or was, one; and its id. */
void reply_marker(struct request *request, const struct version *version);

/* last-modified */
void reply_last_modified(struct request *request, int64_t mtime_ns);

/*
 * Fills in request->report for what the engine said, about the object, upload
 * or bucket that the request names; returns its code.
 */
enum s3_error reply_store_error(struct request *request, enum store_err err);
/* The code alone. */
enum s3_error reply_error_of_store(enum store_err err);
