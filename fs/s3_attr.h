/* SPDX-License-Identifier: Apache-2.0 */
/*
 * s3_attr.h - what S3 says of an object, as extended attributes.
 *
 *	user.s3.content-type		and the other headers that S3 keeps
 *	user.s3.meta.NAME		x-amz-meta-NAME
 *	user.s3.etag			read only, and not listed, so that who
 *	user.s3.checksum-KIND		copies all attributes can set them
 *	user.s3.version-id
 *	user.s3.object-lock-mode, -retain-until-date, -legal-hold
 *
 * Names are without the NUL.
 */
#pragma once

#include "store/base/arena.h"
#include "store/base/inode.h"
#include "store/store.h"

/* One of the above, or one like them that means nothing. */
bool s3_attr_is(struct slice name);

/* The id of the object's version, which tree_version() tells. */
bool s3_attr_is_version(struct slice name);

/* Where such an attribute is kept.  UNSUPPORTED: it cannot be set. */
must_check enum store_err s3_attr_find(struct slice name,
	enum inode_attr_kind *kind, struct slice *key);

/* What may stand in a header: text without control characters, and no blank at
 * either end.  INVALID. */
must_check enum store_err s3_attr_check(enum inode_attr_kind kind,
	struct slice value);

/* The value, of the object as S3 sees it.  NO_ATTR. */
must_check enum store_err s3_attr_get(const struct inode *object,
	struct slice name, struct arena *arena, struct slice *value);

/* The name to list for an attribute; false for one that has none. */
bool s3_attr_name(const struct inode_attr *attr, struct buffer *name);
