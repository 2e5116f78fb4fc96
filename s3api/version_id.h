/* SPDX-License-Identifier: Apache-2.0 */
/*
 * version_id.h - ids of versions as clients send them (S3 API: Using S3
 * Versioning).
 */
#pragma once

#include "store/base/version.h"
#include "store/store.h"

/*
 * "null", one that this server has given out (store/base/version.h), or one of
 * the form of S3's own, 32 characters long: that names a version that is not
 * there.  False: no id, as the empty string.
 */
bool version_id_parse(struct slice text, struct version_ref *out);

/* Whether replies tell ids: the bucket keeps versions, or did; false also where
 * that cannot be read. */
bool version_id_is_told(struct store *store, uint64_t bucket);

/* Takes "?versionId=ID" off a copy's source, x-amz-copy-source, and gives the
 * ID; SLICE_NULL: there is none. */
struct slice version_id_cut(struct slice *source);
