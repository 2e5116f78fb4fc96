/* SPDX-License-Identifier: Apache-2.0 */
/*
 * listing.h - what ListObjects, ListObjectsV2 and ListObjectVersions have in
 * common.
 */
#pragma once

#include "s3api/request.h"
#include "store/base/buffer.h"
#include "store/base/inode.h"

#define LISTING_MAX 1000

struct listing {
	struct slice prefix;
	struct slice delimiter;
	unsigned long max; /* entries of the page */
	bool url_encode;
};

/* INVALID_ARGUMENT. */
must_check enum s3_error listing_parse(struct request *request,
	struct listing *out);

/* Opens the root, and writes what was asked for. */
void listing_write_head(const struct request *request, struct buffer *to,
	const struct listing *listing, const char *root, bool is_truncated);

/* Of an object, from LastModified on. */
void listing_write_object(const struct request *request, struct buffer *to,
	const struct inode *inode, bool with_owner);

void listing_write_prefix(struct buffer *to, const struct listing *listing,
	struct slice prefix);
