/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feed.h - what changed, for whoever caches: mounts, policy caches.
 *
 * Each commit appends lines; listeners of every process sleep on one futex
 * in shared memory.  A listener says how far it has come, and S3 replies wait
 * for that (bounded), so that nobody acts on what is no longer true.
 *
 * Threads:   a listener belongs to one thread.
 */
#pragma once

#include "store/store.h"

enum feed_kind {
	FEED_DENTRY,   /* the name in the directory is no longer what it was */
	FEED_INODE,    /* attributes changed */
	FEED_DATA,     /* attributes and content changed */
	FEED_BUCKET,   /* a bucket of that name came or went */
	FEED_DOCUMENT, /* a policy, token or other document changed */
	FEED_LOST,     /* lines were trimmed before they were read: drop all */
};

struct feed_entry {
	uint64_t sequence;
	enum feed_kind kind;
	uint64_t origin; /* of who did it; 0: nobody told */
	uint64_t parent;
	uint64_t ino;
	struct slice name; /* valid until the next call */
};

struct feed_listener;

/*
 * Changes that this thread commits from now on carry the origin, so that a
 * mount tells what its own kernel knows already from what others did (S3 in
 * the same process, too).  commit_run() takes it from the thread that calls
 * it, whichever thread runs the change then.  A thread with an origin never
 * waits for listeners: it may answer a system call that holds the very lock
 * that a listener waits for.  0: none, as every thread begins.
 */
void feed_set_origin(uint64_t origin);
uint64_t feed_origin(void);

/* Hears what is committed from now on, but for changes of that origin (0: of
 * none).  BUSY: too many listeners. */
must_check enum store_err feed_listen(struct store *store, uint64_t origin,
	struct feed_listener **out);
void feed_ignore(struct feed_listener **listener);

/* Waits for the next line.  Asking for it says that all lines before have
 * been dealt with.  CANCELED: feed_wake(). */
must_check enum store_err feed_next(struct feed_listener *listener,
	struct feed_entry *entry);

/* Makes a feed_next() that waits, or the next one, return CANCELED.  Any
 * thread. */
void feed_wake(struct feed_listener *listener);
