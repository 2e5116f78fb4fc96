/* SPDX-License-Identifier: Apache-2.0 */
/*
 * version_id.h - ids of versions, where no bucket has ever had any: an object
 * is its own version, "null" (S3 API: Using S3 Versioning).
 */
#pragma once

#include "store/base/slice.h"

#define VERSION_ID_OF_ALL "null"

enum version_id {
	VERSION_ID_NULL,      /* the object */
	VERSION_ID_UNKNOWN,   /* of their form, and nobody has given it out */
	VERSION_ID_MALFORMED, /* also the empty string */
};

enum version_id version_id_parse(struct slice text);

/* Takes "?versionId=ID" off a copy's source, x-amz-copy-source, and gives the
 * ID; SLICE_NULL: there is none. */
struct slice version_id_cut(struct slice *source);
