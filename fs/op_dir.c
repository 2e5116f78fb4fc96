/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "fs/entry.h"
#include "fs/handle.h"
#include "fs/name.h"
#include "fs/op.h"
#include "store/bucket.h"

#define BUCKETS_AT_ONCE 256

/* An answer to readdir under way: first collected, then written out. */
struct listing {
	struct mount *mount;
	struct handle_dir *dir;
	bool is_plus;
	size_t size;	 /* of the answer */
	uint64_t behind; /* pass over all up to the one at that offset */

	/* collected */
	size_t collected_size; /* what that takes in the answer, at most */
	size_t count;
	size_t capacity;
	struct slice *names; /* in dir->arena */
	struct reply_fact *facts;
	uint64_t changes;

	/* written */
	char *buffer;
	size_t len;
};

void
op_dir_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *info)
{
	struct mount *mount = reply_begin(req);
	struct reply_fact fact;

	enum store_err err = inode_read(mount, mount_inode(mount, ino), &fact);
	if (!err && !inode_is_dir(&fact.inode))
		err = STORE_NOT_DIR;
	if (err) {
		reply_err(req, err);
		return;
	}
	struct handle_dir *dir = handle_dir_create(mount, &fact.inode);
	info->fh = (uint64_t)(uintptr_t)dir;
	/* The kernel keeps the list until the directory changes. */
	info->cache_readdir = 1;
	info->keep_cache = 1;
	if (fuse_reply_open(req, info) == -ENOENT)
		handle_dir_free(mount, &dir);
}

void
op_dir_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *info)
{
	struct handle_dir *dir = handle_dir_of(info);

	(void)ino;
	handle_dir_free(fuse_req_userdata(req), &dir);
	fuse_reply_err(req, 0);
}

void
op_dir_sync(fuse_req_t req, fuse_ino_t ino, int is_data_only,
	struct fuse_file_info *info)
{
	struct mount *mount = reply_begin(req);

	(void)ino;
	(void)is_data_only;
	(void)info;
	reply_err(req, store_sync(mount->store));
}

/* What an entry takes in the answer, or a little less where it is shown under
 * an escape: the writing out knows where to stop. */
static size_t
answer_size(const struct listing *listing, size_t name_len)
{
	const struct fuse_entry_param param = {.ino = 0};
	char name[NAME_MAX_SHOWN + 1];

	if (name_len > NAME_MAX_SHOWN)
		name_len = NAME_MAX_SHOWN;
	memset(name, 'x', name_len);
	name[name_len] = '\0';
	return listing->is_plus
		       ? fuse_add_direntry_plus(NULL, NULL, 0, name, &param, 0)
		       : fuse_add_direntry(NULL, NULL, 0, name, &param.attr, 0);
}

/* False: no more would fit. */
static bool
collect(struct listing *listing, struct slice component,
	const struct inode *inode)
{
	if (listing->behind) {
		if (dir_position_of(component) == listing->behind)
			listing->behind = 0;
		return true;
	}
	if (listing->count == listing->capacity) {
		size_t capacity =
			listing->capacity ? 2 * listing->capacity : 32;
		listing->names = realloc(listing->names,
			capacity * sizeof(*listing->names));
		listing->facts = realloc(listing->facts,
			capacity * sizeof(*listing->facts));
		if (!listing->names || !listing->facts)
			error_out_of_memory();
		listing->capacity = capacity;
	}
	listing->collected_size += answer_size(listing, component.len);
	if (listing->collected_size > listing->size && listing->count > 0)
		return false;
	listing->names[listing->count] =
		arena_copy(&listing->dir->arena, component);
	listing->facts[listing->count] = (struct reply_fact){
		.inode = *inode,
		.changes = listing->changes,
	};
	listing->facts[listing->count++].inode.attrs = SLICE_NULL;
	return true;
}

static bool
visit(struct slice component, const struct inode *inode, void *context)
{
	return collect(context, component, inode);
}

static enum store_err
collect_buckets(struct listing *listing, struct slice after)
{
	struct bucket *buckets = calloc(BUCKETS_AT_ONCE, sizeof(*buckets));
	enum store_err err = STORE_OK;
	bool goes_on = true;

	if (!buckets)
		error_out_of_memory();
	while (!err && goes_on) {
		size_t count = 0;

		err = bucket_list(listing->mount->store, after, buckets,
			BUCKETS_AT_ONCE, &count);
		goes_on = count == BUCKETS_AT_ONCE;
		for (size_t i = 0; !err && i < count; i++) {
			struct inode inode;
			struct slice name = slice_str(buckets[i].name);

			/* One that went meanwhile is passed over. */
			if (tree_inode(listing->mount->store, buckets[i].ino,
				    NULL, &inode))
				continue;
			if (!collect(listing, name, &inode)) {
				goes_on = false;
				break;
			}
		}
		if (count > 0)
			after = slice_str(buckets[count - 1].name);
	}
	free(buckets);
	return err;
}

/* The name at an offset; SLICE_NULL: neither of the last answer nor gone. */
static struct slice
recall(struct listing *listing, uint64_t offset)
{
	struct handle_dir *dir = listing->dir;

	/* Mostly the last. */
	for (size_t i = dir->count; i-- > 0;)
		if (dir_position_of(dir->names[i]) == offset)
			return dir->names[i];
	return handle_dir_find_gone(listing->mount, dir, offset);
}

static enum store_err
collect_after(struct listing *listing, struct slice after)
{
	uint64_t ino = listing->dir->inode.ino;

	if (ino == INODE_ROOT)
		return collect_buckets(listing, after);
	return tree_read_dir(listing->mount->store, ino, after, visit, listing);
}

/* From the entry after `offset` on. */
static enum store_err
collect_from(struct listing *listing, uint64_t offset)
{
	struct handle_dir *dir = listing->dir;
	struct slice after = SLICE_NULL;
	char last[TREE_NAME_MAX + 1];

	listing->changes = atomic_load(&listing->mount->changes);
	if (offset > DIR_POSITION_DOTS) {
		after = recall(listing, offset);
		if (after.len == 0)
			listing->behind = offset;
	}
	if (after.len > 0) {
		memcpy(last, after.data, after.len);
		after.data = last;
	}
	arena_reset(&dir->arena);
	dir->count = 0;
	enum store_err err = collect_after(listing, after);
	if (err || !listing->behind)
		return err;
	/* Long gone, and nobody knows where it was: rather all of them again
	 * than to miss some. */
	listing->behind = 0;
	return collect_after(listing, SLICE_NULL);
}

/* False: it does not fit. */
static bool
put(struct listing *listing, fuse_req_t req, const char *name,
	const struct reply_fact *fact, bool is_dots, uint64_t offset)
{
	char *to = listing->buffer + listing->len;
	size_t room = listing->size - listing->len;
	struct fuse_entry_param param;
	size_t len;

	reply_fill_entry(listing->mount, fact, &param);
	if (listing->is_plus) {
		/* The kernel has those two already. */
		if (is_dots)
			param.ino = 0;
		len = fuse_add_direntry_plus(req, to, room, name, &param,
			(off_t)offset);
	} else {
		len = fuse_add_direntry(req, to, room, name, &param.attr,
			(off_t)offset);
	}
	if (len > room)
		return false;
	listing->len += len;
	return true;
}

static bool
put_dots(struct listing *listing, fuse_req_t req, const struct reply_fact *self,
	uint64_t offset)
{
	struct reply_fact parent = *self;

	if (offset == 0 &&
		!put(listing, req, ".", self, true, DIR_POSITION_DOT))
		return false;
	if (offset > DIR_POSITION_DOT)
		return true;
	if (self->inode.ino != listing->mount->top)
		parent.inode.ino = self->inode.ino == self->inode.bucket
					   ? INODE_ROOT
					   : self->inode.parent;
	return put(listing, req, "..", &parent, true, DIR_POSITION_DOTS);
}

/* Writes out what was collected, and remembers it. */
static void
put_collected(struct listing *listing, fuse_req_t req, bool may_have_twins)
{
	struct handle_dir *dir = listing->dir;
	char shown[NAME_MAX_SHOWN + 1];
	size_t i;

	for (i = 0; i < listing->count; i++) {
		struct reply_fact *fact = &listing->facts[i];
		struct slice name = listing->names[i];
		bool has_twin =
			may_have_twins && !inode_is_dir(&fact->inode) &&
			entry_has_dir(listing->mount, dir->inode.ino, name);

		inode_refresh(listing->mount, fact);
		name_show(name, has_twin, shown);
		if (!put(listing, req, shown, fact, false,
			    dir_position_of(name)))
			break;
	}
	dir->count = i;
	dir->names = arena_new_array(&dir->arena, i, struct slice);
	if (i > 0)
		memcpy(dir->names, listing->names, i * sizeof(*dir->names));
}

static void
read_dir(fuse_req_t req, size_t size, off_t at, struct fuse_file_info *info,
	bool is_plus)
{
	struct listing listing = {
		.mount = reply_begin(req),
		.dir = handle_dir_of(info),
		.is_plus = is_plus,
		.size = size,
		.buffer = malloc(size),
	};
	uint64_t offset = (uint64_t)at;
	struct reply_fact self;

	if (!listing.buffer)
		error_out_of_memory();
	enum store_err err =
		inode_read(listing.mount, listing.dir->inode.ino, &self);
	if (!err && put_dots(&listing, req, &self, offset)) {
		err = collect_from(&listing, offset);
		/* Subdirectories count as links. */
		if (!err)
			put_collected(&listing, req, self.inode.nlink > 2);
	}
	if (err && err != STORE_STALE)
		reply_err(req, err);
	else
		fuse_reply_buf(req, listing.buffer, listing.len);
	free(listing.names);
	free(listing.facts);
	free(listing.buffer);
}

void
op_dir_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
	struct fuse_file_info *info)
{
	(void)ino;
	read_dir(req, size, offset, info, false);
}

void
op_dir_read_plus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
	struct fuse_file_info *info)
{
	(void)ino;
	read_dir(req, size, offset, info, true);
}
