/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/reply.h"

#include "fs/inode.h"
#include "store/feed.h"

/* Until told otherwise: as long as the kernel can count. */
#define FOR_EVER 1e9

struct mount *
reply_begin(fuse_req_t req)
{
	struct mount *mount = fuse_req_userdata(req);

	feed_set_origin(mount->origin);
	atomic_fetch_add(&mount->requests, 1);
	return mount;
}

void
reply_err(fuse_req_t req, enum store_err err)
{
	fuse_reply_err(req, error_errno(err));
}

/* A line of the feed that came meanwhile may have been about just this, and
 * the kernel had nothing to drop yet. */
static double
timeout(struct mount *mount, uint64_t changes)
{
	return changes == atomic_load(&mount->changes) ? FOR_EVER : 0;
}

static double
attr_timeout(struct mount *mount, const struct reply_fact *fact)
{
	return fact->is_live || fact->is_mapped ? 0
						: timeout(mount, fact->changes);
}

void
reply_fill_entry(struct mount *mount, const struct reply_fact *fact,
	struct fuse_entry_param *out)
{
	*out = (struct fuse_entry_param){.ino = fact->inode.ino};
	inode_to_stat(mount, &fact->inode, &out->attr);
	out->entry_timeout = timeout(mount, fact->changes);
	out->attr_timeout = attr_timeout(mount, fact);
	/* So that it looks the file up before it opens it: open_audit.h. */
	if (mount->open_audit && S_ISREG(fact->inode.mode))
		out->entry_timeout = 0;
}

void
reply_entry(fuse_req_t req, const struct reply_fact *fact)
{
	struct fuse_entry_param entry;

	reply_fill_entry(fuse_req_userdata(req), fact, &entry);
	fuse_reply_entry(req, &entry);
}

void
reply_attr(fuse_req_t req, const struct reply_fact *fact)
{
	struct mount *mount = fuse_req_userdata(req);
	struct stat stat;

	inode_to_stat(mount, &fact->inode, &stat);
	fuse_reply_attr(req, &stat, attr_timeout(mount, fact));
}

void
reply_no_entry(fuse_req_t req, uint64_t changes)
{
	struct mount *mount = fuse_req_userdata(req);
	struct fuse_entry_param entry = {
		.entry_timeout = timeout(mount, changes),
	};

	fuse_reply_entry(req, &entry);
}
