/* SPDX-License-Identifier: Apache-2.0 */
/*
 * list.h - keys of a bucket in the order of their bytes, in pages.
 *
 * S3 API: ListObjects, ListObjectsV2.  The work of a page is that of what it
 * returns, wherever it starts and whatever the delimiter skips.
 *
 * Listed are regular files once published, and explicit directories as
 * "dir/".  Symbolic links, FIFOs, sockets and device nodes are hidden.  With
 * the delimiter "/" a directory is a common prefix even where all it holds
 * is hidden: it is not looked into.
 *
 * Sizes, times and ETags are as S3 sees them now: of a file that is open for
 * writing in place, from its data.
 *
 * Threads:   any.
 */
#pragma once

#include "store/base/arena.h"
#include "store/base/inode.h"
#include "store/store.h"

struct list_request {
	uint64_t bucket;
	struct slice prefix;
	struct slice delimiter; /* empty: none */
	struct slice after;	/* only what is above; a common prefix that
				 * equals it, or holds it, is not repeated */
	size_t max;		/* 0: an empty page, not truncated */
	uint32_t attr_kinds;	/* (1 << inode_attr_kind) of those that are in
				 * inode.attrs; 0: none */
};

struct list_entry {
	struct slice key; /* or the common prefix, with its delimiter */
	bool is_prefix;
	struct inode inode; /* objects */
};

struct list_page {
	struct list_entry *entries;
	size_t count;
	bool is_truncated; /* continue after entries[count - 1].key */
};

/* Everything in the page is in the arena.  STALE: the bucket is gone. */
must_check enum store_err list_read(struct store *store,
	const struct list_request *request, struct arena *arena,
	struct list_page *out);
