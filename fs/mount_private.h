/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mount_private.h - what the files of the mount share.
 *
 * A node id of the kernel is the inode number of the store, so there is
 * nothing to look up and nothing to forget: what is kept in memory is only
 * what is open.
 */
#pragma once

#include <fuse_lowlevel.h>
#include <pthread.h>
#include <stdatomic.h>

#include "fs/mount.h"
#include "store/base/inode.h"
#include "store/file.h"

struct passthrough; /* passthrough.c */
struct invalidate;  /* invalidate.c */
struct notices;	    /* notices.c */
struct ring;	    /* ring.c */
struct open_audit;  /* open_audit.c */
struct handle;	    /* handle.c */
struct handle_dir;
struct gone; /* gone.c */

/*
 * The kernel's number for the top is always FUSE_ROOT_ID, which is INODE_ROOT:
 * the list of buckets.  Where a directory is the top, it stands for that one.
 */
struct mount {
	/* fixed after mount_create() */
	struct mount_options options;
	char *mount_point;
	struct store *store;
	uint64_t origin; /* of changes made by way of this mount */
	int64_t started_ns;
	struct fuse_session *session;
	unsigned int connection; /* 0: not known */
	struct workers *workers;
	struct passthrough *passthrough;
	struct invalidate *invalidate;
	struct notices *notices;       /* from mount_run() on */
	struct ring *ring;	       /* or NULL */
	struct open_audit *open_audit; /* NULL: there is no log */
	struct gone *gone;
	int stop_fd;  /* written to: mount_run() is to end */
	uint64_t top; /* an inode */
	bool is_stacked;

	pthread_mutex_t lock;
	/* under lock */
	struct handle *handles;
	struct handle_dir *dirs;
	size_t gone_count; /* names that their handles remember */

	/* atomic */
	atomic_bool is_ready;
	atomic_bool is_ending;
	atomic_bool has_ring; /* offered by the kernel, and we can: ring.c */
	_Atomic(int64_t) root_mtime_ns;
	atomic_uint_fast64_t requests;
	/* Grows with each line of the feed that somebody else wrote: what was
	 * read before it may be old by now. */
	atomic_uint_fast64_t changes;
	_Atomic(uint32_t) kernel_major;
	_Atomic(uint32_t) kernel_minor;
};

/* The inode that a number of the kernel stands for, and the reverse. */
static inline uint64_t
mount_inode(const struct mount *mount, fuse_ino_t node)
{
	return node == FUSE_ROOT_ID ? mount->top : node;
}

static inline fuse_ino_t
mount_node(const struct mount *mount, uint64_t ino)
{
	return ino == mount->top ? FUSE_ROOT_ID : ino;
}
