/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inode.h - attributes of an inode as the mount shows them.
 */
#pragma once

#include "fs/reply.h"

void inode_to_stat(const struct mount *mount, const struct inode *inode,
	struct stat *out);

/* Owner and permissions as shown: what S3 made has none of its own. */
void inode_owner(const struct mount *mount, const struct inode *inode,
	uint32_t *mode, uint32_t *uid, uint32_t *gid);

/* The inode as it is now, with the data file asked where it knows better.
 * INODE_ROOT is made up.  STALE. */
must_check enum store_err inode_read(struct mount *mount, uint64_t ino,
	struct reply_fact *out);

/* An inode just read from the tables. */
void inode_refresh(struct mount *mount, struct reply_fact *fact);
