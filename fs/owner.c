/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/owner.h"

enum store_err
owner_of_new(fuse_req_t req, uint64_t parent, mode_t mode,
	struct tree_owner *out)
{
	const struct fuse_ctx *caller = fuse_req_ctx(req);
	struct mount *mount = fuse_req_userdata(req);
	uint32_t dir_mode, dir_uid, dir_gid;
	struct inode dir;

	*out = (struct tree_owner){mode, caller->uid, caller->gid};
	enum store_err err = tree_inode(mount->store, parent, NULL, &dir);
	if (err)
		return err;
	inode_owner(mount, &dir, &dir_mode, &dir_uid, &dir_gid);
	if (dir_mode & S_ISGID) {
		out->gid = dir_gid;
		if (S_ISDIR(mode))
			out->mode |= S_ISGID;
	}
	return STORE_OK;
}
