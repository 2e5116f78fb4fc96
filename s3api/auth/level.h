/* SPDX-License-Identifier: Apache-2.0 */
/*
 * level.h - what the level of a token lets through.
 *
 * An operation needs one or several classes; a level has a mask of them.  It
 * is ANDed with whatever policies say, so it never gives a right by itself.
 *
 *	            read  write  readwrite  full
 *	READ         x             x         x   GetObject, HeadObject, tags
 *	LIST         x             x         x   ListBuckets, HeadBucket,
 *	                                         ListObjects, config reads
 *	UPLOADS      x     own     x         x   ListParts, ListMultipartUploads
 *	WRITE              x       x         x   Put, Delete, UploadPart, Abort,
 *	                                         Complete, tags, retention
 *	BUCKET                               x   CreateBucket, DeleteBucket
 *	CONFIGURE                            x   policy, ACL, lifecycle, holds,
 *	                                         bypassing retention, ...
 *
 * A copy needs READ and WRITE; so does RestoreObject, which tells of what is
 * there.
 */
#pragma once

#include <stdbool.h>

#include "store/token.h"

enum level_class {
	LEVEL_READ = 1 << 0,
	LEVEL_LIST = 1 << 1,
	LEVEL_UPLOADS = 1 << 2,
	LEVEL_WRITE = 1 << 3,
	LEVEL_BUCKET = 1 << 4,
	LEVEL_CONFIGURE = 1 << 5,
};

/* The classes of a level, as a mask; 0 for a level that is none. */
unsigned int level_mask(enum token_level level);

/* True where the level has every class in `needs`. */
bool level_allows(enum token_level level, unsigned int needs);

/*
 * True where LEVEL_UPLOADS goes no further than uploads that this very token
 * has begun (upload_info.initiator is its access key).
 */
bool level_sees_own_uploads_only(enum token_level level);
