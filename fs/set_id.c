/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/set_id.h"

/* As many as the kernel shows us of most: /proc/PID/status. */
#define GROUPS_MAX 256

bool
set_id_goes(fuse_req_t req, int to_set)
{
	if (to_set & (FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID))
		return true;
	if (to_set & FUSE_SET_ATTR_SIZE)
		return fuse_req_ctx(req)->uid != 0;
	return to_set == 0;
}

static bool
is_in_group(fuse_req_t req, uint32_t gid)
{
	const struct fuse_ctx *caller = fuse_req_ctx(req);
	gid_t groups[GROUPS_MAX];

	if (caller->uid == 0 || caller->gid == gid)
		return true;
	int count = fuse_req_getgroups(req, GROUPS_MAX, groups);
	for (int i = 0; i < count && i < GROUPS_MAX; i++)
		if (groups[i] == gid)
			return true;
	return false;
}

uint32_t
set_id_without(fuse_req_t req, const struct inode *inode)
{
	uint32_t mode = inode->mode;

	if (inode_is_dir(inode))
		return mode;
	/* Without the right to execute it once meant mandatory locks. */
	if ((mode & S_ISGID) &&
		((mode & S_IXGRP) || !is_in_group(req, inode->gid)))
		mode &= ~(uint32_t)S_ISGID;
	return mode & ~(uint32_t)S_ISUID;
}

enum store_err
set_id_drop(fuse_req_t req, uint64_t ino, bool *is_changed)
{
	struct mount *mount = fuse_req_userdata(req);
	struct reply_fact fact;
	struct inode result;

	*is_changed = false;
	enum store_err err = inode_read(mount, ino, &fact);
	if (err)
		return err;
	const struct tree_change change = {
		.has_mode = true,
		.mode = set_id_without(req, &fact.inode),
	};
	if (change.mode == fact.inode.mode)
		return STORE_OK;
	*is_changed = true;
	return file_attr_set(mount->store, ino, &change, &result);
}
