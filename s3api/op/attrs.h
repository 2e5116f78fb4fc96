/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attrs.h - what a request says of an object besides its bytes, and back.
 */
#pragma once

#include "s3api/checksum.h"
#include "s3api/request.h"
#include "store/object.h"
#include "store/upload.h"

/* x-amz-meta-* altogether, names and values (S3 API: PutObject). */
#define ATTRS_META_MAX 2048

/*
 * Content-Type and its like, x-amz-meta-*, x-amz-tagging, the ACL, where a
 * website redirects to, and a lock, encoded as struct inode has them, in the
 * arena. METADATA_TOO_LARGE; what tag_set_parse_header() and
 * object_acl_append() give; ACCESS_DENIED: tags without the right to them;
 * INVALID_REDIRECT; what lock_header_append() gives.
 */
must_check enum s3_error attrs_parse(struct request *request, bool with_tags,
	struct slice *attrs);

/*
 * Refuses what a writing request may ask for and tarn has not: encryption with
 * keys of the server's, other storage classes.  NOT_IMPLEMENTED,
 * INVALID_STORAGE_CLASS.
 */
must_check enum s3_error attrs_refuse_unsupported(struct request *request);

/* Who has not signed may not say how others' bytes are to be read.
 * INVALID_REQUEST. */
must_check enum s3_error attrs_check_overrides(struct request *request);

/* Headers of a GET or HEAD from an object's attributes, with the response-*
 * parameters of the query in their place. */
void attrs_reply(struct request *request, const struct inode *inode);

/* The checksum that an object carries; kind 0: none.  That of a sealed one is
 * hidden: attrs_show_checksum() gives it in clear. */
struct checksum attrs_checksum(const struct inode *inode);
void attrs_show_checksum(struct checksum *checksum, const struct inode *inode,
	const struct seal *seal);

/* x-amz-checksum-KIND and x-amz-checksum-type; nothing where kind is 0. */
void attrs_reply_checksum(struct request *request,
	const struct checksum *checksum);

/* <ChecksumKIND> of a part of an upload; nothing where it has none. */
void attrs_write_part_checksum(struct buffer *to,
	const struct upload_part_info *part);

/* <ChecksumKIND> and <ChecksumType>; nothing where kind is 0. */
void attrs_write_checksum(struct buffer *to, const struct checksum *checksum);

/* Sets the checksum fields. */
void attrs_set_checksum(struct object_attrs *attrs,
	const struct checksum *checksum);
