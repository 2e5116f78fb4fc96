/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/gone.h"

#include <stdlib.h>

#include "store/base/clock.h"
#include "store/base/mutex.h"

struct gone {
	pthread_mutex_t lock;
	/* under lock: a ring */
	struct inode inodes[GONE_MAX];
	struct buffer targets[GONE_MAX]; /* of symbolic links */
	uint64_t count;			 /* noted since the beginning */
};

struct gone *
gone_create(void)
{
	struct gone *gone = calloc(1, sizeof(*gone));

	if (!gone)
		error_out_of_memory();
	mutex_init(&gone->lock);
	return gone;
}

void
gone_free(struct gone **gone)
{
	if (!*gone)
		return;
	for (size_t i = 0; i < GONE_MAX; i++)
		buffer_free(&(*gone)->targets[i]);
	mutex_destroy(&(*gone)->lock);
	free(*gone);
	*gone = NULL;
}

void
gone_note(struct mount *mount, const struct inode *inode, struct slice target)
{
	struct gone *gone = mount->gone;

	mutex_scoped(&gone->lock);
	size_t at = gone->count++ % GONE_MAX;
	struct inode *place = &gone->inodes[at];

	*place = *inode;
	place->attrs = SLICE_NULL;
	place->nlink = 0;
	place->ctime_ns = clock_now_ns();
	buffer_free(&gone->targets[at]);
	buffer_append(&gone->targets[at], target);
}

static struct inode *
find(struct gone *gone, uint64_t ino)
{
	/* Mostly one of the last. */
	for (uint64_t i = 0; i < GONE_MAX && i < gone->count; i++) {
		struct inode *inode =
			&gone->inodes[(gone->count - 1 - i) % GONE_MAX];

		if (inode->ino == ino)
			return inode;
	}
	return NULL;
}

bool
gone_recall(struct mount *mount, uint64_t ino, struct inode *out)
{
	mutex_scoped(&mount->gone->lock);
	const struct inode *inode = find(mount->gone, ino);

	if (inode)
		*out = *inode;
	return inode != NULL;
}

bool
gone_recall_target(struct mount *mount, uint64_t ino, struct arena *arena,
	struct slice *target)
{
	struct gone *gone = mount->gone;

	mutex_scoped(&gone->lock);
	const struct inode *inode = find(gone, ino);

	if (!inode || !S_ISLNK(inode->mode))
		return false;
	*target = arena_copy(arena,
		buffer_slice(&gone->targets[inode - gone->inodes]));
	return target->len > 0;
}

bool
gone_change(struct mount *mount, uint64_t ino, const struct tree_change *change)
{
	mutex_scoped(&mount->gone->lock);
	struct inode *inode = find(mount->gone, ino);

	if (!inode)
		return false;
	tree_change_inode(inode, change);
	return true;
}
