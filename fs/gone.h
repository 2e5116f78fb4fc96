/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gone.h - what was last known of inodes whose last name this mount took away.
 *
 * Who has a FIFO or a device open, or works in a directory, or has something by
 * O_PATH, does so without our being told; fstat(2) is for them to go on.  Of
 * files and directories that were opened the open itself knows more: inode.c.
 *
 * Bounded: the newest GONE_MAX; of others there is nothing left (ESTALE).
 *
 * Threads:   any.
 * Ownership: records are copied, without their attributes, but for a link's
 *            target.
 */
#pragma once

#include "fs/mount_private.h"

#define GONE_MAX 1024

struct gone *gone_create(void);
void gone_free(struct gone **gone);

/* target: of a symbolic link, else SLICE_NULL. */
void gone_note(struct mount *mount, const struct inode *inode,
	struct slice target);
/* False: it is not known. */
bool gone_recall(struct mount *mount, uint64_t ino, struct inode *out);
/* A symbolic link's target.  False: as above. */
bool gone_recall_target(struct mount *mount, uint64_t ino, struct arena *arena,
	struct slice *target);
/* Owner, mode and times, for those who see it still.  False: as above. */
bool gone_change(struct mount *mount, uint64_t ino,
	const struct tree_change *change);
