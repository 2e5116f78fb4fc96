/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/entry.h"
#include "fs/gone.h"
#include "fs/handle.h"
#include "fs/name.h"
#include "fs/op.h"
#include "fs/open_audit.h"
#include "fs/set_id.h"
#include "store/base/clock.h"
#include "store/usage.h"

#define BLOCK_SIZE 4096

void
op_attr_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct mount *mount = reply_begin(req);
	uint64_t dir = mount_inode(mount, parent);
	struct reply_fact fact;
	struct entry entry;

	enum store_err err = entry_find(mount, dir, name, &entry, &fact);
	if (!err)
		open_audit_note(mount, dir, entry_text(&entry), &fact.inode);
	if (!err)
		reply_entry(req, &fact);
	else if (err == STORE_NOT_FOUND)
		reply_no_entry(req, fact.changes);
	else
		reply_err(req, err);
}

void
op_attr_get(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *info)
{
	struct mount *mount = reply_begin(req);
	struct reply_fact fact;

	(void)info; /* often not there, where it would help */
	enum store_err err = inode_read(mount, mount_inode(mount, ino), &fact);
	if (err)
		reply_err(req, err);
	else
		reply_attr(req, &fact);
}

/* The times that there are end in 1677 and 2262; other file systems, too, take
 * the nearest that they have. */
static int64_t
to_ns(struct timespec time)
{
	const int64_t last_s = INT64_MAX / CLOCK_NS_PER_S - 1;

	if (time.tv_sec > last_s)
		return last_s * CLOCK_NS_PER_S;
	if (time.tv_sec < -last_s)
		return -last_s * CLOCK_NS_PER_S;
	return (int64_t)time.tv_sec * CLOCK_NS_PER_S + time.tv_nsec;
}

/* What of the record is to change.  Where S3 made the file, the first owner
 * or mode it gets brings the rest of them as shown so far. */
static bool
describe_change(fuse_req_t req, const struct inode *was,
	const struct stat *attr, int to_set, struct tree_change *change)
{
	const int owner =
		FUSE_SET_ATTR_MODE | FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID;
	bool may_drop = !(to_set & FUSE_SET_ATTR_MODE) &&
			(was->mode & (S_ISUID | S_ISGID)) &&
			set_id_goes(req, to_set);
	uint32_t without = may_drop ? set_id_without(req, was) : was->mode;
	bool drops = without != was->mode;
	int64_t now_ns = clock_now_ns();

	*change = (struct tree_change){.has_mode = false};
	if (to_set & owner) {
		bool is_s3 = (was->flags & INODE_FROM_S3) != 0;

		inode_owner(fuse_req_userdata(req), was, &change->mode,
			&change->uid, &change->gid);
		change->has_mode = is_s3 || (to_set & FUSE_SET_ATTR_MODE);
		change->has_uid = is_s3 || (to_set & FUSE_SET_ATTR_UID);
		change->has_gid = is_s3 || (to_set & FUSE_SET_ATTR_GID);
	}
	if (to_set & FUSE_SET_ATTR_MODE)
		change->mode = attr->st_mode;
	if (to_set & FUSE_SET_ATTR_UID)
		change->uid = attr->st_uid;
	if (to_set & FUSE_SET_ATTR_GID)
		change->gid = attr->st_gid;
	if (drops) {
		change->has_mode = true;
		change->mode = without;
	}
	change->has_atime = (to_set & FUSE_SET_ATTR_ATIME) != 0;
	change->has_mtime = (to_set & FUSE_SET_ATTR_MTIME) != 0;
	change->atime_ns = to_set & FUSE_SET_ATTR_ATIME_NOW
				   ? now_ns
				   : to_ns(attr->st_atim);
	change->mtime_ns = to_set & FUSE_SET_ATTR_MTIME_NOW
				   ? now_ns
				   : to_ns(attr->st_mtim);
	return (to_set & owner) || drops || change->has_atime ||
	       change->has_mtime;
}

static enum store_err
truncate(struct mount *mount, uint64_t ino, off_t size,
	const struct fuse_file_info *info)
{
	struct inode inode;

	if (size < 0)
		return STORE_INVALID;
	if (info && handle_is_writer(handle_of(info)))
		return file_data_truncate(handle_of(info)->file,
			(uint64_t)size);
	return file_data_truncate_ino(mount->store, ino, (uint64_t)size,
		&inode);
}

static enum store_err
change_record(struct mount *mount, uint64_t ino,
	const struct tree_change *change)
{
	struct inode result;
	enum store_err err = file_attr_set(mount->store, ino, change, &result);

	return err == STORE_STALE && gone_change(mount, ino, change) ? STORE_OK
								     : err;
}

void
op_attr_set(fuse_req_t req, fuse_ino_t node, struct stat *attr, int to_set,
	struct fuse_file_info *info)
{
	struct mount *mount = reply_begin(req);
	uint64_t ino = mount_inode(mount, node);
	struct tree_change change;
	struct reply_fact fact;

	enum store_err err = ino == INODE_ROOT ? STORE_NOT_PERMITTED : STORE_OK;
	if (!err && (to_set & FUSE_SET_ATTR_SIZE))
		err = truncate(mount, ino, attr->st_size, info);
	if (!err)
		err = inode_read(mount, ino, &fact);
	if (!err && describe_change(req, &fact.inode, attr, to_set, &change))
		err = change_record(mount, ino, &change);
	/* Read anew: what came by the feed meanwhile is in it. */
	if (!err)
		err = inode_read(mount, ino, &fact);
	if (err)
		reply_err(req, err);
	else
		reply_attr(req, &fact);
}

/* Below a bucket there is as much as its quotas leave, and as the disk has. */
static enum store_err
limit_to_quota(struct mount *mount, fuse_ino_t ino, struct store_status *status)
{
	struct usage_quota left;
	struct usage usage;
	struct inode inode;

	if (ino == INODE_ROOT)
		return STORE_OK;
	enum store_err err = tree_inode(mount->store, ino, NULL, &inode);
	if (!err)
		err = usage_of_bucket(mount->store, inode.bucket, &usage);
	if (!err)
		err = usage_left(mount->store, inode.bucket, &left);
	/* Its last name is gone: it counts for nobody. */
	if (err)
		return err == STORE_STALE || err == STORE_NO_BUCKET ? STORE_OK
								    : err;
	if (left.bytes < status->free_bytes) {
		status->free_bytes = left.bytes;
		status->reserved_bytes = 0;
		status->capacity_bytes =
			usage.bytes + usage.part_bytes + left.bytes;
	}
	if (left.objects < status->free_inodes) {
		status->free_inodes = left.objects;
		status->inodes = usage.objects + left.objects;
	}
	return STORE_OK;
}

void
op_attr_statfs(fuse_req_t req, fuse_ino_t ino)
{
	struct mount *mount = reply_begin(req);
	struct store_status status;

	enum store_err err = store_status(mount->store, &status);
	if (!err)
		err = limit_to_quota(mount, mount_inode(mount, ino), &status);
	if (err) {
		reply_err(req, err);
		return;
	}
	const struct statvfs out = {
		.f_bsize = BLOCK_SIZE,
		.f_frsize = BLOCK_SIZE,
		.f_blocks = status.capacity_bytes / BLOCK_SIZE,
		.f_bfree = (status.free_bytes + status.reserved_bytes) /
			   BLOCK_SIZE,
		.f_bavail = status.free_bytes / BLOCK_SIZE,
		.f_files = status.inodes,
		.f_ffree = status.free_inodes,
		.f_favail = status.free_inodes,
		.f_namemax = NAME_MAX_SHOWN,
	};
	fuse_reply_statfs(req, &out);
}
