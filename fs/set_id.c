/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/set_id.h"

bool
set_id_goes(fuse_req_t req, int to_set)
{
	if (to_set & (FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID))
		return true;
	if (to_set & FUSE_SET_ATTR_SIZE)
		return fuse_req_ctx(req)->uid != 0;
	return to_set == 0;
}

uint32_t
set_id_without(uint32_t mode)
{
	if (!S_ISREG(mode))
		return mode;
	/* Without the right to execute it once meant mandatory locks. */
	if (mode & S_IXGRP)
		mode &= ~(uint32_t)S_ISGID;
	return mode & ~(uint32_t)S_ISUID;
}

enum store_err
set_id_drop(struct mount *mount, uint64_t ino, bool *is_changed)
{
	struct reply_fact fact;
	struct inode result;

	*is_changed = false;
	enum store_err err = inode_read(mount, ino, &fact);
	const struct tree_change change = {
		.has_mode = true,
		.mode = set_id_without(fact.inode.mode),
	};
	if (err || change.mode == fact.inode.mode)
		return err;
	*is_changed = true;
	return file_attr_set(mount->store, ino, &change, &result);
}
