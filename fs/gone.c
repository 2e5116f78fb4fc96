/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/gone.h"

#include <stdlib.h>

#include "store/base/clock.h"
#include "store/base/mutex.h"

struct gone {
	pthread_mutex_t lock;
	/* under lock: a ring */
	struct inode inodes[GONE_MAX];
	uint64_t count; /* noted since the beginning */
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
	mutex_destroy(&(*gone)->lock);
	free(*gone);
	*gone = NULL;
}

void
gone_note(struct mount *mount, const struct inode *inode)
{
	struct gone *gone = mount->gone;

	mutex_scoped(&gone->lock);
	struct inode *place = &gone->inodes[gone->count++ % GONE_MAX];

	*place = *inode;
	place->attrs = SLICE_NULL;
	place->nlink = 0;
	place->ctime_ns = clock_now_ns();
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
gone_change(struct mount *mount, uint64_t ino, const struct tree_change *change)
{
	mutex_scoped(&mount->gone->lock);
	struct inode *inode = find(mount->gone, ino);

	if (!inode)
		return false;
	tree_change_inode(inode, change);
	return true;
}
