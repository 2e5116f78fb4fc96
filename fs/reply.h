/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reply.h - answers to the kernel.
 *
 * Each ends its request.  Names and attributes are given for ever: who
 * changes them afterwards tells the feed, and invalidate.c the kernel.
 */
#pragma once

#include "fs/mount_private.h"

/* The mount of a request; from here on what the thread changes is known to be
 * the kernel's own doing. */
struct mount *reply_begin(fuse_req_t req);

void reply_err(fuse_req_t req, enum store_err err);

/* What was read at a time when mount->changes was `changes`. */
struct reply_fact {
	struct inode inode;
	uint64_t changes;
	bool is_live;	/* changes without a line of the feed */
	bool is_mapped; /* passthrough_is_mapped(): times change unheard */
};

void reply_fill_entry(struct mount *mount, const struct reply_fact *fact,
	struct fuse_entry_param *out);

void reply_entry(fuse_req_t req, const struct reply_fact *fact);
void reply_attr(fuse_req_t req, const struct reply_fact *fact);
/* There is no such name, and that stays so until the feed tells. */
void reply_no_entry(fuse_req_t req, uint64_t changes);
