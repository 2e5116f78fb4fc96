/* SPDX-License-Identifier: Apache-2.0 */
/*
 * list_versions.h - the versions of a bucket's keys, in pages: keys in the
 * order of their bytes, of each the newest version first.
 *
 * S3 API: ListObjectVersions.  What list.h says of what is listed and of
 * the work of a page holds here, too.
 *
 * Threads:   any.
 */
#pragma once

#include "store/base/version.h"
#include "store/list.h"

struct list_versions_request {
	uint64_t bucket;
	struct slice prefix;
	struct slice delimiter; /* empty: none */
	/* Only what comes after that version of that key; VERSION_CURRENT:
	 * after all of the key's. */
	struct slice after;
	struct version_ref after_version;
	size_t max; /* 0: an empty page, not truncated */
};

struct list_versions_entry {
	struct slice key; /* or the common prefix, with its delimiter */
	bool is_prefix;
	bool is_current;
	bool is_marker;
	struct version version;
	struct inode inode; /* without attributes */
};

struct list_versions_page {
	struct list_versions_entry *entries;
	size_t count;
	bool is_truncated; /* continue after entries[count - 1] */
};

/* Everything in the page is in the arena.  STALE: the bucket is gone. */
must_check enum store_err list_versions_read(struct store *store,
	const struct list_versions_request *request, struct arena *arena,
	struct list_versions_page *out);
