/* SPDX-License-Identifier: Apache-2.0 */
/*
 * part_list.h - the body of a CompleteMultipartUpload: numbers, ETags and
 * checksums of parts (S3 API: CompleteMultipartUpload).
 *
 * Ownership: everything is in the arena.
 */
#pragma once

#include "s3api/error.h"
#include "store/base/arena.h"
#include "store/base/compiler.h"
#include "store/base/digest.h"
#include "store/upload.h"

struct part_list {
	struct upload_part_info *parts; /* number, md5, checksum */
	size_t count;
};

/*
 * Checksums of other kinds than `kind` are BAD_DIGEST; passed over where that
 * is 0 (none) or the default, which may be nobody's wish. MALFORMED_XML: no
 * such document, no part in it, or too many.  INVALID_PART: no ETag that a part
 * could have.  INVALID_PART_ORDER.
 */
must_check enum s3_error part_list_parse(struct slice text,
	enum digest_kind kind, struct arena *arena, struct part_list *out);
