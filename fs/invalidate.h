/* SPDX-License-Identifier: Apache-2.0 */
/*
 * invalidate.h - tells the kernel to drop what others have changed.
 *
 * One thread reads the feed.  What this mount's own system calls did is
 * passed over: the kernel knows.  Dropping a name waits for the system calls
 * that hold its directory, so that none of them brings back what was read
 * before; the threads that answer these never wait for this one.
 */
#pragma once

#include "fs/mount_private.h"

/* Listens from now on.  BUSY: too many listeners. */
must_check enum store_err invalidate_create(struct mount *mount,
	struct invalidate **out);
/* Once the kernel is connected. */
must_check enum store_err invalidate_start(struct invalidate *invalidate);
void invalidate_free(struct invalidate **invalidate);

/* A directory of that name came or went by way of this mount: the file of the
 * same name, if there is one, is shown differently from now on.  The kernel is
 * told of it soon (notices.h): its names may be held by who waits for an
 * answer. */
void invalidate_twins(struct mount *mount, uint64_t parent, struct slice text);
