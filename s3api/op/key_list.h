/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key_list.h - the body of a DeleteObjects: keys, up to 1,000 (S3 API:
 * DeleteObjects).
 *
 * Ownership: everything is in the arena.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "s3api/error.h"
#include "store/base/arena.h"
#include "store/base/compiler.h"
#include "store/base/slice.h"
#include "store/object.h"

#define KEY_LIST_MAX 1000

struct key_list_entry {
	struct slice key;
	struct slice version; /* its id; SLICE_NULL: none is named */
	struct version_ref which;
	enum s3_error refused;		   /* S3_OK: may be deleted */
	struct object_condition condition; /* of <ETag> */
	struct inode_etag etag;
	/* What came of it: a delete marker was made, or went. */
	bool is_marker;
	struct version marker;
};

struct key_list {
	struct key_list_entry *entries;
	size_t count;
	bool is_quiet;
};

/* False: not such a document, no key in it, or too many. */
must_check bool key_list_parse(struct slice text, struct arena *arena,
	struct key_list *out);
